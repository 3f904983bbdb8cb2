//! Transport operation categories.

use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;
use crate::energy::EnergyCarrier;
use crate::mode::{Certification, TemperatureControl, TransportMode};
use crate::wire::{null_as_default, wire_enum};

wire_enum! {
    /// How a truck is loaded (iLEAP 1.0.0 "TOC", `truckLoadingSequence`).
    pub open enum TruckLoadingSequence {
        /// Less than a truck load.
        Ltl = "LTL",
        /// A full truck load.
        Ftl = "FTL",
    }
}

wire_enum! {
    /// Which aircraft carries the goods (iLEAP 1.0.0 "TOC", `airShippingOption`).
    pub open enum AirShippingOption {
        /// A passenger aircraft.
        BellyFreight = "belly freight",
        /// A cargo aircraft.
        Freighter = "freighter",
    }
}

wire_enum! {
    /// How long a flight is (iLEAP 1.0.0 "TOC", `flightLength`); the border is at 1500 km.
    pub open enum FlightLength {
        /// A short flight.
        ShortHaul = "short-haul",
        /// A long flight.
        LongHaul = "long-haul",
    }
}

wire_enum! {
    /// The unit of a transport activity (iLEAP 1.0.0 "TOC", `transportActivityUnit`).
    pub open enum TransportActivityUnit {
        /// Container of twenty feet times km; modes Sea and `InlandWaterway` only.
        TeuKilometer = "TEUkm",
        /// Tonne times km.
        TonKilometer = "tkm",
    }
}

/// A group of similar transports and its emission intensity (iLEAP 1.0.0 "TOC").
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Toc {
    /// The identity of the category, unique for its host.
    pub toc_id: String,
    /// What the emissions were certified against.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub certifications: Vec<Certification>,
    /// A description for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How goods move.
    pub mode: TransportMode,
    /// The used part of the capacity, above 0 and up to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_factor: Option<Decimal>,
    /// The part of the distance without load, from 0 to below 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty_distance_factor: Option<Decimal>,
    /// The temperature of the goods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_control: Option<TemperatureControl>,
    /// How the truck is loaded; mode Road only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truck_loading_sequence: Option<TruckLoadingSequence>,
    /// Which aircraft; mode Air only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub air_shipping_option: Option<AirShippingOption>,
    /// How long the flight is; mode Air only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flight_length: Option<FlightLength>,
    /// The energy used; at least one carrier.
    pub energy_carriers: Vec<EnergyCarrier>,
    /// Well-to-wheel emissions, in `kgCO2e` per `transportActivityUnit`.
    #[serde(rename = "co2eIntensityWTW")]
    pub co2e_intensity_wtw: Decimal,
    /// Tank-to-wheel emissions, in `kgCO2e` per `transportActivityUnit`.
    #[serde(rename = "co2eIntensityTTW")]
    pub co2e_intensity_ttw: Decimal,
    /// The unit of the activity.
    pub transport_activity_unit: TransportActivityUnit,
}
