//! Places and the distances between them.

use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;

/// A place (iLEAP 1.0.0 "Location").
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Location {
    /// Street and house number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zip: Option<String>,
    /// City.
    pub city: String,
    /// ISO 3166-1 alpha-2 code.
    pub country: String,
    /// IATA code of the airport; mode Air only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iata: Option<String>,
    /// UN/LOCODE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locode: Option<String>,
    /// UIC code of the railway; mode Rail only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uic: Option<String>,
    /// Latitude in degrees; only together with `lng`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lat: Option<Decimal>,
    /// Longitude in degrees; only together with `lat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lng: Option<Decimal>,
}

/// A distance in km by one or more methods of the GLEC Framework (iLEAP 1.0.0 `GLECDistance`).
///
/// At least one member is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct GlecDistance {
    /// The distance travelled, in km.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<Decimal>,
    /// The great circle distance, in km.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gcd: Option<Decimal>,
    /// The shortest feasible distance, in km.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sfd: Option<Decimal>,
}
