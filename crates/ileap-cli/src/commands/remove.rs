//! `ileap remove`

use ileap_server::{
    clock::{Clock as _, SystemClock},
    withdraw::{Withdrawal, withdraw},
};

use super::{load_for_store, open_store};
use crate::{cli::RemoveArguments, exit::Failed, output};

/// Withdraws everything the ids name, or nothing.
pub(crate) async fn run(arguments: RemoveArguments) -> Result<(), Failed> {
    let store = open_store(&load_for_store(&arguments.config)?).await?;
    let withdrawn = withdraw(&store, &arguments.ids, SystemClock.now()).await;
    let withdrawn = withdrawn
        .map_err(|error| Failed::new("removing, which left everything as it was", error))?;
    for withdrawal in &withdrawn {
        if arguments.json {
            output::json(withdrawal)?;
        } else {
            output::line(output::sanitised(&shown(withdrawal)))?;
        }
    }
    Ok(())
}

fn shown(withdrawal: &Withdrawal) -> String {
    match withdrawal {
        Withdrawal::AlreadyDeprecated { id, version } => {
            format!("{id}: was deprecated before, with version {version}")
        }
        Withdrawal::Deleted { id } => format!("{id}: activity data deleted"),
        Withdrawal::Deprecated { id, version } => {
            format!("{id}: deprecated with version {version}")
        }
    }
}
