//! The iLEAP/PACT server whose partners log in with Clerk credentials.

pub mod access;
pub mod clerk;
pub mod clock;
pub mod config;
pub mod http;
pub mod identity;
pub mod import;
pub mod outbound;
pub mod store;
pub mod telemetry;
pub mod token;
pub mod verify;
