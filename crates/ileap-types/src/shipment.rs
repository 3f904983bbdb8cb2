//! The emissions of one shipment over its transport chain.

use serde::{Deserialize, Serialize};

use crate::datetime::DateTime;
use crate::decimal::Decimal;
use crate::location::{GlecDistance, Location};
use crate::mode::PackagingOrTrEqType;
use crate::wire::wire_enum;

/// The emissions of one shipment (iLEAP 1.0.0 `ShipmentFootprint`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentFootprint {
    /// The mass of the goods and the shipper's packaging, in kg.
    pub mass: Decimal,
    /// The volume of the shipment, in m³.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<Decimal>,
    /// The identity of the shipment.
    pub shipment_id: String,
    /// The elements of the transport chain; at least one.
    pub tces: Vec<Tce>,
}

wire_enum! {
    /// The terms of delivery (Incoterms 2020; iLEAP 1.0.0 "TCE", `incoterms`).
    pub open enum Incoterms {
        /// Ex works.
        Exw = "EXW",
        /// Free carrier.
        Fca = "FCA",
        /// Carriage paid to.
        Cpt = "CPT",
        /// Carriage and insurance paid to.
        Cip = "CIP",
        /// Delivered at place.
        Dap = "DAP",
        /// Delivered at place unloaded.
        Dpu = "DPU",
        /// Delivered duty paid.
        Ddp = "DDP",
        /// Free alongside ship.
        Fas = "FAS",
        /// Free on board.
        Fob = "FOB",
        /// Cost and freight.
        Cfr = "CFR",
        /// Cost, insurance and freight.
        Cif = "CIF",
    }
}

/// An element of a transport chain: one transport or one hub operation (iLEAP 1.0.0 "TCE").
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tce {
    /// The identity of the element within its shipment.
    pub tce_id: String,
    /// The elements immediately before; empty for a first one, `None` if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev_tce_ids: Option<Vec<String>>,
    /// The category of the transport; given unless `hocId` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toc_id: Option<String>,
    /// The category of the hub operation; given unless `tocId` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hoc_id: Option<String>,
    /// The identity of the shipment, as in its footprint.
    pub shipment_id: String,
    /// The identity of the consignment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consignment_id: Option<String>,
    /// The mass moved, in kg.
    pub mass: Decimal,
    /// What the goods are packed in or carried by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packaging_or_tr_eq_type: Option<PackagingOrTrEqType>,
    /// How many of them; a decimal here, unlike in HOC and TAD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packaging_or_tr_eq_amount: Option<Decimal>,
    /// The distance moved, in km.
    pub distance: GlecDistance,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Location>,
    /// To where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<Location>,
    /// Mass times distance, in tkm.
    pub transport_activity: Decimal,
    /// When it left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub departure_at: Option<DateTime>,
    /// When it arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrival_at: Option<DateTime>,
    /// The number of the flight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flight_no: Option<String>,
    /// The number of the voyage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voyage_no: Option<String>,
    /// The terms of delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incoterms: Option<Incoterms>,
    /// Well-to-wheel emissions, in `kgCO2e`.
    #[serde(rename = "co2eWTW")]
    pub co2e_wtw: Decimal,
    /// Tank-to-wheel emissions, in `kgCO2e`.
    #[serde(rename = "co2eTTW")]
    pub co2e_ttw: Decimal,
    /// Nitrogen oxides, tank to wheel, in kg.
    #[serde(rename = "noxTTW", skip_serializing_if = "Option::is_none")]
    pub nox_ttw: Option<Decimal>,
    /// Sulphur oxides, tank to wheel, in kg.
    #[serde(rename = "soxTTW", skip_serializing_if = "Option::is_none")]
    pub sox_ttw: Option<Decimal>,
    /// Methane, tank to wheel, in kg.
    #[serde(rename = "ch4TTW", skip_serializing_if = "Option::is_none")]
    pub ch4_ttw: Option<Decimal>,
    /// Particulate matter, tank to wheel, in kg.
    #[serde(rename = "pmTTW", skip_serializing_if = "Option::is_none")]
    pub pm_ttw: Option<Decimal>,
}
