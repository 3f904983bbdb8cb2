//! The protocol edge: routes, layers, and the one table from failure to wire. Only this module knows status codes.

pub mod endpoint;
pub mod failure;
pub mod profile;
pub mod protected;
pub mod state;

pub(crate) mod admin;
pub(crate) mod answers;
pub(crate) mod caller;
pub(crate) mod client_address;
pub(crate) mod client_authentication;
pub(crate) mod cursor;
pub mod documents;
pub(crate) mod extract;
pub(crate) mod layers;
pub(crate) mod record;
pub(crate) mod router;
pub(crate) mod routes;
