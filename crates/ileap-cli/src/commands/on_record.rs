//! Changes made on the command line go on record in the audit trail, like the server's decisions.

use std::{sync::Arc, time::Duration};

use ileap_server::{
    audit::{Audit, DataAccess, Decision, Event},
    clock::{Clock as _, SystemClock},
    config::Config,
    telemetry::Metrics,
};

use crate::exit::Failed;

/// How long a line may take to be on disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// The trail that the configuration names, opened before anything is changed.
pub(crate) struct OnRecord(Audit);

impl OnRecord {
    /// Fails where the change could not be put on record.
    pub(crate) fn open(config: &Config) -> Result<Self, Failed> {
        let metrics = Arc::new(Metrics::new());
        let audit = Audit::open(&config.audit.target, DataAccess::None, metrics);
        let audit = audit.map_err(|error| {
            let happened = format!("{error}; nothing was changed");
            Failed::new("opening the audit trail", happened)
        });
        audit.map(Self)
    }

    /// Records a change of what concerns a recipient (`org_...`) or subject (`clerk|...`).
    pub(crate) fn change(&self, event: Event, whose: &str, change: &str) -> Result<(), Failed> {
        let decision = Decision::new(event, "done");
        let decision = if whose.contains('|') {
            Decision {
                subject: Some(whose),
                ..decision
            }
        } else {
            Decision {
                organization: Some(whose),
                ..decision
            }
        };
        self.record(&Decision {
            change: Some(change),
            ..decision
        })
    }

    /// Records a decision, and waits until it is on disk.
    pub(crate) fn record(&self, decision: &Decision<'_>) -> Result<(), Failed> {
        let decision = Decision {
            operator: Some(rustix::process::getuid().as_raw()),
            ..*decision
        };
        self.0.record(SystemClock.now(), &decision);
        if self.0.flush(PATIENCE) {
            return Ok(());
        }
        Err(Failed::new(
            "writing to the audit trail",
            "the change is made, but not on record: see whether audit.file can be written",
        ))
    }
}
