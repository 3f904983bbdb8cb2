//! `ileap access`

use ileap_server::{
    access::AccessRule,
    config::VerifierKind,
    store::{Store as _, sql::SqlStore},
};
use serde::Serialize;

use super::{load, open_store};
use crate::{
    cli::{AccessArguments, AccessCommand},
    exit::Failed,
    output,
};

/// What `--json` prints.
#[derive(Serialize)]
struct Allowed<'a> {
    recipient: &'a str,
    everything: bool,
}

/// Changes or shows what one recipient is allowed.
pub(crate) async fn run(command: AccessCommand) -> Result<(), Failed> {
    let (AccessCommand::Allow(arguments)
    | AccessCommand::Disallow(arguments)
    | AccessCommand::Show(arguments)) = &command;
    let recipient = arguments.recipient.as_str();
    let config = load(&arguments.config)?;
    // The organizations of static users are named as their file's author likes.
    let is_clerk = config.verifier.kind != VerifierKind::StaticUsers;
    if is_clerk && !recipient.starts_with("org_") && !recipient.contains('|') {
        let remedy = "write an organization id (org_...) or a subject (clerk|user_...)";
        return Err(Failed::new(
            format!("reading the recipient {recipient}"),
            remedy,
        ));
    }
    let store = open_store(&config).await?;
    let failed = |error| Failed::new(format!("changing the access of {recipient}"), error);
    match &command {
        AccessCommand::Allow(_) => {
            store
                .allow(recipient, AccessRule::Everything)
                .await
                .map_err(failed)?;
        }
        AccessCommand::Disallow(_) => {
            store
                .disallow(recipient, AccessRule::Everything)
                .await
                .map_err(failed)?;
        }
        AccessCommand::Show(_) => {}
    }
    show(&store, arguments).await
}

async fn show(store: &SqlStore, arguments: &AccessArguments) -> Result<(), Failed> {
    let recipient = arguments.recipient.as_str();
    let rules = store.access_rules(recipient).await;
    let rules =
        rules.map_err(|error| Failed::new(format!("reading the access of {recipient}"), error))?;
    let everything = rules.contains(&AccessRule::Everything);
    if arguments.json {
        return output::json(&Allowed {
            recipient,
            everything,
        });
    }
    let sees = if everything {
        "everything its roles open"
    } else {
        "nothing, unless its role is all"
    };
    output::line(output::sanitised(&format!("{recipient} sees {sees}")))
}
