//! A client for iLEAP and PACT hosts, whatever software they run.
//!
//! ```no_run
//! # async fn example() -> Result<(), ileap_client::Error> {
//! use futures_util::TryStreamExt as _;
//! use ileap_client::{Client, Credentials, Query};
//!
//! let credentials = Credentials::new("hello", "pathfinder");
//! let client = Client::new("http://127.0.0.1:8080", credentials)?;
//! let mut tads = client.tads(&Query::new().matching("mode", "Road")).items();
//! while let Some(tad) = tads.try_next().await? {
//!     println!("{}", tad.read()?.activity_id);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | what | how | source |
//! |---|---|---|
//! | token | discovery, else `/auth/token`; kept, renewed before it ends, replaced once when it is not taken | RFC 6749 §4.4, PACT "Authentication" |
//! | lists | page by page along `Link`, which must lead to the same origin and never in a circle | RFC 8288, PACT "Pagination" |
//! | faults | calls that may be repeated are, with growing pauses or the host's `Retry-After` | RFC 9110 §10.2.3 |
//! | objects | kept as sent beside what is understood of them: nulls, drafts' names and unknown values spoil nothing | |
//!
//! Every call has a deadline, every answer a size limit. Redirects are not followed. Secrets and tokens appear in
//! no error and no `Debug` output, and neither does anything a host said except its error code and message.

mod auth;
mod client;
mod error;
mod events;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod item;
mod list;
mod options;
mod query;
mod token;
mod transport;
mod ways;

pub use self::{
    auth::{BasicEncoding, Credentials},
    client::Client,
    error::{CertificateProblem, Error, ErrorKind, LinkProblem, Refusal},
    item::{Item, Readable},
    list::{List, Page},
    options::Options,
    query::Query,
};
pub use ileap_types as types;
