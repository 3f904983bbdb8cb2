//! `ileap partners received`

use ileap_server::store::partners::{PartnerRecords as _, ReceivedFootprint};

use super::super::{load_for_store, open_store, refused_by_store};
use crate::{cli::ReceivedArguments, exit::Failed, output};

/// How many footprints are read at a time.
const PAGE: usize = 100;

/// Lists what a partner has shared, or forgets some of it.
pub(super) async fn run(arguments: &ReceivedArguments) -> Result<(), Failed> {
    let store = open_store(&load_for_store(&arguments.config)?).await?;
    let recipient = &arguments.recipient;
    let failed = |error| {
        let attempted = format!("reading or forgetting what {recipient} has shared");
        refused_by_store(output::sanitised(&attempted), &error)
    };
    if let Some(until) = arguments.forget_until {
        let forgotten = store.forget_received(recipient, until).await;
        let forgotten = forgotten.map_err(failed)?;
        return output::line(format!("{forgotten} footprints are forgotten"));
    }
    let (mut after, mut count) = (None, 0);
    loop {
        let page = store.received(recipient, after, PAGE).await;
        let page = page.map_err(failed)?;
        let Some(last) = page.last() else {
            break;
        };
        after = Some(last.id);
        count += page.len();
        for footprint in &page {
            print(footprint, arguments.json)?;
        }
    }
    if count == 0 && !arguments.json {
        output::line(
            "nothing is kept of this partner's; `ileap partners list` shows the partners",
        )?;
    }
    Ok(())
}

fn print(footprint: &ReceivedFootprint, is_json: bool) -> Result<(), Failed> {
    if is_json {
        // Line breaks in JSON are white space: in texts they are escaped.
        let text = String::from_utf8_lossy(&footprint.json).replace(['\n', '\r', '\t'], " ");
        return output::line(text);
    }
    output::line(format!(
        "{}  version {}  came {}",
        footprint.id, footprint.version, footprint.received_at
    ))
}
