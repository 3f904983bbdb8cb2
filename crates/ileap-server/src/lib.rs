//! The iLEAP/PACT server whose partners log in with Clerk credentials.

pub mod clerk;
pub mod clock;
pub mod identity;
pub mod outbound;
pub mod token;
pub mod verify;
