//! What a reload of the configuration may change while requests are answered.

use std::time::Duration;

use ipnet::IpNet;

use crate::{access::Admission, config::Config, http::profile::OauthErrors, verify::budget::Rate};

const MINUTE: Duration = Duration::from_secs(60);

/// The part of the configuration that requests and connections read anew each time. It is replaced as a whole.
#[derive(Clone, Debug)]
pub struct Live {
    /// Who may come in, and as what.
    pub admission: Admission,
    /// Connections open at once from one address.
    pub connections_per_address: usize,
    /// Page size where the request names none.
    pub default_page: u32,
    /// How long requests under way may take to finish at the end.
    pub drain_timeout: Duration,
    /// Largest page served.
    pub max_page: u32,
    /// How token errors look.
    pub oauth_errors: OauthErrors,
    /// Requests from one address, where there is a limit.
    pub requests_per_address: Option<Rate>,
    /// How long requests are taken on at the end, while we are not ready.
    pub shutdown_delay: Duration,
    /// Who may tell us the client's address and the request id.
    pub trusted_proxies: Vec<IpNet>,
}

impl Live {
    /// What `config` says.
    pub fn from_config(config: &Config) -> Self {
        let listener = &config.listener;
        let rate = Rate {
            burst: listener.requests_per_address,
            period: MINUTE,
        };
        Self {
            admission: Admission {
                default_role: config.access.default_role,
                allowed_clients: config.access.allowed_clients.iter().cloned().collect(),
                resource_servers: config.access.resource_servers.iter().cloned().collect(),
            },
            connections_per_address: listener.max_connections_per_address,
            default_page: config.data.default_page,
            drain_timeout: listener.drain_timeout,
            max_page: config.data.max_page,
            oauth_errors: config.profile.oauth_errors,
            requests_per_address: (rate.burst > 0).then_some(rate),
            shutdown_delay: listener.shutdown_delay,
            trusted_proxies: listener.trusted_proxies.clone(),
        }
    }
}
