//! What was asked, for tests that count and look.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use crate::endpoint::Endpoint;

/// Requests remembered.
const REMEMBERED: usize = 1_000;

/// How often each route was called, including the calls that were refused.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Calls {
    /// Sign-ins begun.
    pub sign_in_creates: u64,
    /// Attempts at a first or second factor.
    pub sign_in_attempts: u64,
    /// Calls that end or remove sessions: of one, of all, and of the client with them.
    pub session_removals: u64,
    /// Development browsers asked for.
    pub dev_browsers: u64,
    /// All of them by route.
    pub by_endpoint: BTreeMap<Endpoint, u64>,
}

impl Calls {
    /// How often this route was called.
    pub fn of(&self, endpoint: Endpoint) -> u64 {
        self.by_endpoint.get(&endpoint).copied().unwrap_or_default()
    }

    pub(crate) fn count(&mut self, endpoint: Endpoint) {
        *self.by_endpoint.entry(endpoint).or_default() += 1;
        let total = match endpoint {
            Endpoint::CreateSignIn => &mut self.sign_in_creates,
            Endpoint::AttemptFirstFactor | Endpoint::AttemptSecondFactor => {
                &mut self.sign_in_attempts
            }
            Endpoint::EndSession
            | Endpoint::RemoveSession
            | Endpoint::RemoveSessions
            | Endpoint::DeleteClient => &mut self.session_removals,
            Endpoint::CreateDevBrowser => &mut self.dev_browsers,
            _ => return,
        };
        *total += 1;
    }
}

/// A request as it came in, without its secrets.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct RecordedRequest {
    /// The route.
    pub endpoint: Endpoint,
    /// The method as sent, before `_method` changed it.
    pub method: String,
    /// Path and query. Development browsers in the query read `[redacted]`.
    pub path_and_query: String,
    /// Header names in lower case and their values. Credentials that are not empty read `[redacted]`.
    pub headers: Vec<(String, String)>,
    /// The names of the form parameters, in their order; at the Backend API those of the JSON body.
    pub form_keys: Vec<String>,
}

impl RecordedRequest {
    /// The value of a header, when it was sent.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// The last requests.
#[derive(Default)]
pub(crate) struct RequestLog(VecDeque<RecordedRequest>);

impl RequestLog {
    pub(crate) fn push(&mut self, request: RecordedRequest) {
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(request);
    }

    pub(crate) fn to_vec(&self) -> Vec<RecordedRequest> {
        self.0.iter().cloned().collect()
    }
}
