//! A new configuration while the server runs.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{
    StartError,
    tls::{Certificate, Pair},
};
use crate::{
    config::{Changes, ConfigError, Loaded, Values},
    live::Live,
    telemetry::{Metrics, edge::Reload},
};

/// Takes new configurations on, or refuses them.
pub struct Reloader {
    pub(super) certificate: Option<Arc<Certificate>>,
    pub(super) live: Arc<ArcSwap<Live>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) values: Values,
}

impl Reloader {
    /// Takes on what can be while requests are answered, and says in the log what waits for a restart. What is
    /// refused is refused as a whole, and leaves everything as it is; the log says all that is wrong.
    pub fn reload(&mut self, loaded: Result<Loaded, ConfigError>) -> Option<Changes> {
        let taken_on = match loaded {
            Ok(loaded) => self.take_on(&loaded),
            Err(error) => {
                refuse(&error);
                None
            }
        };
        let outcome = match taken_on {
            Some(_) => Reload::TakenOn,
            None => Reload::Refused,
        };
        self.metrics.edge.config_reloaded(outcome);
        taken_on
    }

    fn take_on(&mut self, loaded: &Loaded) -> Option<Changes> {
        for warning in &loaded.warnings {
            tracing::warn!(warning, "odd configuration");
        }
        // Whether there is TLS at all is for a restart.
        let files = loaded.config.listener.tls.as_ref();
        let pair = self
            .certificate
            .as_ref()
            .zip(files)
            .map(|(_, files)| Pair::read(files));
        let pair = match pair.transpose() {
            Ok(pair) => pair,
            Err(error) => {
                refuse_certificate(&error);
                return None;
            }
        };
        if let Some((certificate, pair)) = self.certificate.as_ref().zip(pair) {
            certificate.show(pair);
        }
        self.live.store(Arc::new(Live::from_config(&loaded.config)));
        let changes = self.values.changes(&loaded.values);
        self.values.take_on(&loaded.values);
        tracing::info!(
            changed = changes.taken_on.join(", "),
            "the configuration was reloaded"
        );
        if !changes.for_restart.is_empty() {
            tracing::warn!(
                changed = changes.for_restart.join(", "),
                remedy = "restart the server",
                "changes of the configuration have no effect yet"
            );
        }
        Some(changes)
    }
}

fn refuse(error: &ConfigError) {
    for violation in &error.violations {
        tracing::error!(
            place = violation.place,
            problem = violation.problem,
            remedy = violation.remedy,
            "the new configuration is refused, the old one stays"
        );
    }
}

fn refuse_certificate(error: &StartError) {
    tracing::error!(
        problem = %error,
        remedy = "name a certificate and its key",
        "the new configuration is refused, the old one stays"
    );
}
