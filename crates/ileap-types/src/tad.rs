//! Transport activity data: what an operator knows of one transport, for others to calculate with.

use serde::{Deserialize, Serialize};

use crate::datetime::DateTime;
use crate::decimal::Decimal;
use crate::energy::EnergyCarrier;
use crate::location::{GlecDistance, Location};
use crate::mode::{PackagingOrTrEqType, TransportMode};
use crate::wire::{null_as_default, wire_enum};

wire_enum! {
    /// The temperature of one transport (iLEAP 1.0.0 "TAD", `temperatureControl`); never mixed.
    pub open enum TadTemperatureControl {
        /// Not controlled.
        Ambient = "ambient",
        /// Controlled.
        Refrigerated = "refrigerated",
    }
}

/// The data of one transport (iLEAP 1.0.0 "TAD").
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tad {
    /// The identity of the transport, unique for its host.
    pub activity_id: String,
    /// The consignments carried; at least one.
    pub consignment_ids: Vec<String>,
    /// The distance moved, in km.
    pub distance: GlecDistance,
    /// The mass moved, in kg.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mass: Option<Decimal>,
    /// The used part of the capacity, above 0 and up to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_factor: Option<Decimal>,
    /// The part of the distance without load, from 0 to below 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty_distance_factor: Option<Decimal>,
    /// From where.
    pub origin: Location,
    /// To where.
    pub destination: Location,
    /// When it left.
    pub departure_at: DateTime,
    /// When it arrived.
    pub arrival_at: DateTime,
    /// How the goods moved.
    pub mode: TransportMode,
    /// What the goods were packed in or carried by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packaging_or_tr_eq_type: Option<PackagingOrTrEqType>,
    /// How many of them; an integer here, unlike in a TCE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packaging_or_tr_eq_amount: Option<u64>,
    /// The energy used; may be an average.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub energy_carriers: Vec<EnergyCarrier>,
    /// The temperature of the goods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_control: Option<TadTemperatureControl>,
}
