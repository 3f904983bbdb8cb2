//! The vocabulary of iLEAP and PACT: what travels between a host and its partners, as types.
//!
//! | specification | version | where |
//! |---|---|---|
//! | iLEAP Technical Specifications | 1.0.0 | [`shipment`], [`toc`], [`hoc`], [`tad`], [`extension`] |
//! | PACT Technical Specifications | 2.0 to 2.3 | [`pact::v2`], [`pact::error`], [`pact::event`], [`filter::odata`] |
//! | OAuth 2.0, discovery | RFC 6749, RFC 8414 | [`oauth2`] |
//! | Web linking, `CloudEvents` | RFC 8288, 1.0 | [`page`], [`pact::event`] |
//!
//! Reading data is lenient: unknown members are ignored, `null` means absent, and names that a list does not
//! know are kept; [`rules`] judge. Writing is strict: no `null`, no empty optional list. Nothing here does I/O, asks for the time or panics on input.

pub mod datetime;
pub mod decimal;
pub mod energy;
pub mod extension;
pub mod filter;
#[cfg(test)]
mod fixtures;
pub mod hoc;
pub mod location;
pub mod mode;
pub mod oauth2;
pub mod pact;
pub mod page;
pub mod query;
pub mod revision;
pub mod rules;
pub mod shipment;
pub mod strict_json;
pub mod tad;
pub mod toc;
mod wire;
