//! The iLEAP/PACT server whose partners log in with Clerk credentials.

pub mod access;
pub mod clerk;
pub mod clock;
pub mod identity;
pub mod import;
pub mod outbound;
pub mod store;
pub mod token;
pub mod verify;
