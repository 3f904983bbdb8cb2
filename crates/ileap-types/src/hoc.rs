//! Hub operation categories.

use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;
use crate::energy::EnergyCarrier;
use crate::location::Location;
use crate::mode::{Certification, PackagingOrTrEqType, TemperatureControl, TransportMode};
use crate::wire::{null_as_default, wire_enum};

wire_enum! {
    /// The kind of a hub (iLEAP 1.0.0 `HubType`).
    pub open enum HubType {
        /// Goods change vehicles.
        Transshipment = "Transshipment",
        /// Goods change vehicles and may be stored.
        StorageAndTransshipment = "StorageAndTransshipment",
        /// Goods are stored.
        Warehouse = "Warehouse",
        /// A terminal for liquids.
        LiquidBulkTerminal = "LiquidBulkTerminal",
        /// A terminal for sea containers.
        MaritimeContainerTerminal = "MaritimeContainerTerminal",
    }
}

wire_enum! {
    /// The unit of a hub activity (iLEAP 1.0.0 "HOC", `hubActivityUnit`), counted outbound.
    pub open enum HubActivityUnit {
        /// Containers of twenty feet.
        Teu = "TEU",
        /// Tonnes.
        Tonnes = "tonnes",
    }
}

/// A group of similar hub operations and its emission intensity (iLEAP 1.0.0 "HOC").
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hoc {
    /// The identity of the category, unique for its host.
    pub hoc_id: String,
    /// A description for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What the emissions were certified against.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub certifications: Vec<Certification>,
    /// The kind of the hub.
    pub hub_type: HubType,
    /// The temperature of the goods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_control: Option<TemperatureControl>,
    /// Where the hub is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub_location: Option<Location>,
    /// How goods come in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbound_transport_mode: Option<TransportMode>,
    /// How goods go out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbound_transport_mode: Option<TransportMode>,
    /// What the goods are packed in or carried by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packaging_or_tr_eq_type: Option<PackagingOrTrEqType>,
    /// How many of them; an integer here, unlike in a TCE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packaging_or_tr_eq_amount: Option<u64>,
    /// The energy used; at least one carrier.
    pub energy_carriers: Vec<EnergyCarrier>,
    /// Well-to-wheel emissions, in `kgCO2e` per `hubActivityUnit`.
    #[serde(rename = "co2eIntensityWTW")]
    pub co2e_intensity_wtw: Decimal,
    /// Tank-to-wheel emissions, in `kgCO2e` per `hubActivityUnit`.
    #[serde(rename = "co2eIntensityTTW")]
    pub co2e_intensity_ttw: Decimal,
    /// The unit of the activity.
    pub hub_activity_unit: HubActivityUnit,
}
