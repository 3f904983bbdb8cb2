//! The PACT technical specifications: data model, errors and events.

pub mod error;
pub mod event;
pub mod v2;
