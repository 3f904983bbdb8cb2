//! The energy a transport or hub operation uses.

use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;
use crate::wire::{null_as_default, wire_enum};

wire_enum! {
    /// The kind of an energy carrier (iLEAP 1.0.0 `EnergyCarrierType`).
    pub open enum EnergyCarrierType {
        /// Diesel fuel.
        Diesel = "Diesel",
        /// Hydrotreated vegetable oil.
        Hvo = "HVO",
        /// Petrol.
        Petrol = "Petrol",
        /// Compressed natural gas.
        Cng = "CNG",
        /// Liquefied natural gas.
        Lng = "LNG",
        /// Liquefied petroleum gas.
        Lpg = "LPG",
        /// Heavy fuel oil.
        Hfo = "HFO",
        /// Marine gas oil.
        Mgo = "MGO",
        /// Aviation fuel.
        AviationFuel = "Aviation fuel",
        /// Hydrogen.
        Hydrogen = "Hydrogen",
        /// Methanol.
        Methanol = "Methanol",
        /// Electricity.
        Electric = "Electric",
    }
}

wire_enum! {
    /// The unit of an energy consumption (iLEAP 1.0.0 `EnergyConsumptionUnit`).
    pub open enum EnergyConsumptionUnit {
        /// Litre.
        Litre = "l",
        /// Kilogram.
        Kilogram = "kg",
        /// Kilowatt hour.
        KilowattHour = "kWh",
        /// Megajoule.
        Megajoule = "MJ",
    }
}

wire_enum! {
    /// What an energy carrier is made of (iLEAP 1.0.0 `FeedstockType`).
    pub open enum FeedstockType {
        /// Fossil sources.
        Fossil = "Fossil",
        /// Natural gas.
        NaturalGas = "Natural gas",
        /// The mix of the grid.
        Grid = "Grid",
        /// Electricity from renewable sources.
        RenewableElectricity = "Renewable electricity",
        /// Used cooking oil.
        CookingOil = "Cooking oil",
    }
}

/// An energy carrier and its part in an operation (iLEAP 1.0.0 `EnergyCarrier`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnergyCarrier {
    /// What it is.
    pub energy_carrier: EnergyCarrierType,
    /// Its share of the energy of the operation, above 0 and up to 1; all shares add up to 1.
    pub relative_share: Decimal,
    /// What it is made of.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub feedstocks: Vec<Feedstock>,
    /// How much of it is used, in `energyConsumptionUnit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_consumption: Option<Decimal>,
    /// The unit of `energyConsumption`; needed with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_consumption_unit: Option<EnergyConsumptionUnit>,
    /// Well-to-wheel emissions in `kgCO2e` per unit; mandatory in TOC and HOC.
    #[serde(rename = "emissionFactorWTW", skip_serializing_if = "Option::is_none")]
    pub emission_factor_wtw: Option<Decimal>,
    /// Tank-to-wheel emissions in `kgCO2e` per unit; mandatory in TOC and HOC.
    #[serde(rename = "emissionFactorTTW", skip_serializing_if = "Option::is_none")]
    pub emission_factor_ttw: Option<Decimal>,
}

/// A source material of an energy carrier (iLEAP 1.0.0 "Feedstock").
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Feedstock {
    /// What it is.
    pub feedstock: FeedstockType,
    /// Its share of the energy carrier, from 0 to 1; all shares add up to at most 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedstock_share: Option<Decimal>,
    /// The region it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region_provenance: Option<String>,
}
