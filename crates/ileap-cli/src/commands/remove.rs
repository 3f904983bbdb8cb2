//! `ileap remove`

use ileap_server::{
    clock::{Clock as _, SystemClock},
    withdraw::{Withdrawal, WithdrawalFailure, withdraw},
};

use super::{load_for_store, open_store, refused_by_store, say_that_it_waits};
use crate::{cli::RemoveArguments, exit::Failed, output};

const ATTEMPTED: &str = "removing, which left everything as it was";

/// Withdraws everything the ids name, or nothing.
pub(crate) async fn run(arguments: RemoveArguments) -> Result<(), Failed> {
    let store = open_store(&load_for_store(&arguments.config)?).await?;
    let now = SystemClock.now();
    let withdrawn = withdraw(&store, &arguments.ids, now, &say_that_it_waits).await;
    let withdrawn = withdrawn.map_err(|error| match error {
        WithdrawalFailure::Store(error) => refused_by_store(ATTEMPTED, &error),
        error @ WithdrawalFailure::Refused(_) => Failed::new(ATTEMPTED, error),
    })?;
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
