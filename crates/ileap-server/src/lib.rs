//! The iLEAP/PACT server whose partners log in with Clerk credentials.
//!
//! Reading order: [`server`] builds everything from a [`config::Config`] and runs it; [`http`] holds the
//! two lists (routes and layers) and the one table from failure to wire; [`verify`], [`token`], [`access`]
//! and [`store`] are the domain, free of HTTP; [`clerk`] is the only place that knows Clerk's words.

pub mod access;
pub mod audit;
pub mod clock;
pub mod config;
pub mod data;
pub mod delivery;
pub mod doctor;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
pub mod http;
pub mod identity;
pub mod import;
pub mod invalidation;
pub mod live;
#[cfg(test)]
pub(crate) mod manual;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod token;
pub mod verify;
pub mod withdraw;

pub mod clerk;
mod distrust;
pub mod outbound;
pub mod partner;
mod private_file;
mod serve;
