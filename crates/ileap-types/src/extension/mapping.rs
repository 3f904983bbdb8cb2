//! iLEAP objects as footprints, and what the numbers in footprints amount to.

use std::iter::Sum;

use bigdecimal::BigDecimal;

use super::{
    DOCUMENTATION, IleapObject, ObjectKind, PRODUCT_CATEGORY_CPC, SPEC_VERSION,
    parse_product_id_urn, product_id_urn,
};
use crate::{
    decimal::Decimal,
    hoc::HubActivityUnit,
    pact::v2::{DataModelExtension, DeclaredUnit, ProductFootprint},
    toc::TransportActivityUnit,
};

/// The tonnes in a TEU with goods of average weight (GLEC Framework v3).
const TONNES_PER_TEU: u32 = 10;

/// Why an iLEAP object cannot be put into a footprint.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// A footprint needs an amount, and hub operations alone have no transport activity.
    #[error("mapping the shipment: its transport activity is not above 0")]
    NoActivity,
    /// The intensity is for a unit that has no known weight.
    #[error("mapping the intensity: there is no weight for the unit `{0}`")]
    Unit(String),
    /// A sum has more digits than a decimal may have.
    #[error("mapping the sum {0}: it has too many digits")]
    TooLong(BigDecimal),
    /// The object is no JSON object.
    #[error("mapping the object: it cannot be written")]
    Unwritable(#[source] serde_json::Error),
}

impl IleapObject {
    /// A footprint around the object (iLEAP 1.0.0 "PCF Mapping").
    ///
    /// Everything that the object does not determine is taken from `frame`: identity, version, company,
    /// periods, data quality. Intensities per TEU are mapped for goods of average weight.
    pub fn to_footprint(&self, frame: ProductFootprint) -> Result<ProductFootprint, MappingError> {
        let mut footprint = frame;
        self.put_product_id(&mut footprint.product_ids);
        PRODUCT_CATEGORY_CPC.clone_into(&mut footprint.product_category_cpc);
        let emissions = self.emissions()?;
        let pcf = &mut footprint.pcf;
        pcf.declared_unit = match self.kind() {
            ObjectKind::Hoc => DeclaredUnit::Kilogram,
            ObjectKind::Shipment | ObjectKind::Toc => DeclaredUnit::TonKilometer,
        };
        pcf.unitary_product_amount = self.amount()?;
        pcf.pcf_excluding_biogenic = emissions.clone();
        pcf.fossil_ghg_emissions = emissions;
        pcf.fossil_carbon_content = Decimal::from(0);
        pcf.biogenic_carbon_content = Decimal::from(0);
        pcf.packaging_emissions_included = false;
        pcf.packaging_ghg_emissions = None;
        pcf.pcf_including_biogenic = None;
        // A frame of a revision before 2.3 has none.
        if let Some(mass) = &mut pcf.product_mass_per_declared_unit {
            *mass = self.mass();
        }
        footprint.extensions = vec![self.to_extension()?];
        Ok(footprint)
    }

    /// The extension with the object.
    pub fn to_extension(&self) -> Result<DataModelExtension, MappingError> {
        let value = match self {
            Self::Hoc(hoc) => serde_json::to_value(hoc),
            Self::Shipment(shipment) => serde_json::to_value(shipment),
            Self::Toc(toc) => serde_json::to_value(toc),
        };
        let data = value.and_then(serde_json::from_value);
        Ok(DataModelExtension {
            spec_version: SPEC_VERSION.to_owned(),
            data_schema: self.kind().data_schema().to_owned(),
            documentation: Some(DOCUMENTATION.to_owned()),
            data: data.map_err(MappingError::Unwritable)?,
        })
    }

    fn put_product_id(&self, ids: &mut Vec<String>) {
        // Other iLEAP objects have footprints of their own.
        ids.retain(|urn| {
            parse_product_id_urn(urn).is_none_or(|named| named == (self.kind(), self.id()))
        });
        if !ids.iter().any(|urn| parse_product_id_urn(urn).is_some()) {
            ids.insert(0, product_id_urn(self.kind(), self.id()));
        }
    }

    /// In declared units.
    fn amount(&self) -> Result<Decimal, MappingError> {
        match self {
            Self::Hoc(_) => Ok(Decimal::from(1000)),
            Self::Toc(_) => Ok(Decimal::from(1)),
            Self::Shipment(shipment) => {
                let amount = sum(shipment.tces.iter().map(|tce| &tce.transport_activity))?;
                (amount > Decimal::from(0))
                    .then_some(amount)
                    .ok_or(MappingError::NoActivity)
            }
        }
    }

    /// In kilograms.
    fn mass(&self) -> Decimal {
        match self {
            Self::Hoc(_) => Decimal::from(1000),
            Self::Toc(_) => Decimal::from(1),
            Self::Shipment(shipment) => shipment.mass.clone(),
        }
    }

    /// Of the whole amount.
    fn emissions(&self) -> Result<Decimal, MappingError> {
        match self {
            Self::Shipment(shipment) => sum(shipment.tces.iter().map(|tce| &tce.co2e_wtw)),
            Self::Hoc(hoc) => match &hoc.hub_activity_unit {
                HubActivityUnit::Tonnes => Ok(hoc.co2e_intensity_wtw.clone()),
                HubActivityUnit::Teu => per_tonne(&hoc.co2e_intensity_wtw),
                HubActivityUnit::Other(unit) => Err(MappingError::Unit(unit.clone())),
            },
            Self::Toc(toc) => match &toc.transport_activity_unit {
                TransportActivityUnit::TonKilometer => Ok(toc.co2e_intensity_wtw.clone()),
                TransportActivityUnit::TeuKilometer => per_tonne(&toc.co2e_intensity_wtw),
                TransportActivityUnit::Other(unit) => Err(MappingError::Unit(unit.clone())),
            },
        }
    }
}

/// The emissions of the whole `unitaryProductAmount`, in `kgCO2e`.
///
/// PACT v2 gives emissions per declared unit, to be multiplied by the amount; iLEAP 1.0.0 gives them for the
/// whole amount already. This tells the two apart.
pub fn total_emissions(footprint: &ProductFootprint) -> BigDecimal {
    let emissions = footprint.pcf.pcf_excluding_biogenic.value();
    if is_total(footprint) {
        emissions
    } else {
        emissions * footprint.pcf.unitary_product_amount.value()
    }
}

/// The emissions per declared unit, in `kgCO2e`; `None` if the amount is 0. See [`total_emissions`].
pub fn emissions_per_declared_unit(footprint: &ProductFootprint) -> Option<BigDecimal> {
    let emissions = footprint.pcf.pcf_excluding_biogenic.value();
    let amount = footprint.pcf.unitary_product_amount.value();
    match is_total(footprint) {
        false => Some(emissions),
        true if amount == 0 => None,
        true => Some(emissions / amount),
    }
}

/// By the extension alone: its object may be one that cannot be read.
fn is_total(footprint: &ProductFootprint) -> bool {
    let mut extensions = footprint.extensions.iter();
    extensions.any(|extension| ObjectKind::from_data_schema(&extension.data_schema).is_some())
}

fn per_tonne(per_teu: &Decimal) -> Result<Decimal, MappingError> {
    decimal(&(per_teu.value() / BigDecimal::from(TONNES_PER_TEU)))
}

fn sum<'a>(decimals: impl Iterator<Item = &'a Decimal>) -> Result<Decimal, MappingError> {
    decimal(&BigDecimal::sum(decimals.map(Decimal::value)))
}

fn decimal(number: &BigDecimal) -> Result<Decimal, MappingError> {
    let number = number.normalized();
    let text = number.to_plain_string();
    text.parse().map_err(|_| MappingError::TooLong(number))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::rules::judge_footprint;

    fn samples() -> Vec<Value> {
        let samples = include_str!("../../../ileap-server/sample-data/footprints.json");
        serde_json::from_str(samples).unwrap()
    }

    fn read(footprint: &Value) -> ProductFootprint {
        serde_json::from_value(footprint.clone()).unwrap()
    }

    /// The samples with an iLEAP object.
    fn mapped() -> Vec<ProductFootprint> {
        let mapped: Vec<_> = samples().iter().map(read).filter(is_total).collect();
        assert_eq!(mapped.len(), 15);
        mapped
    }

    fn object(footprint: &ProductFootprint) -> IleapObject {
        IleapObject::from_footprint(footprint).unwrap().unwrap()
    }

    /// A footprint of something else, with the identity of `footprint`.
    fn frame(footprint: &ProductFootprint) -> ProductFootprint {
        let mut frame = footprint.clone();
        let other = read(&samples()[0]);
        frame.product_ids = vec![product_id_urn(ObjectKind::Toc, "another")];
        frame.product_category_cpc = other.product_category_cpc;
        frame.extensions = Vec::new();
        frame.pcf.declared_unit = DeclaredUnit::Liter;
        frame.pcf.unitary_product_amount = Decimal::from(7);
        frame.pcf.pcf_excluding_biogenic = Decimal::from(7);
        frame.pcf.fossil_ghg_emissions = Decimal::from(7);
        frame.pcf.fossil_carbon_content = Decimal::from(7);
        frame.pcf.packaging_emissions_included = true;
        frame.pcf.packaging_ghg_emissions = Some(Decimal::from(7));
        frame.pcf.pcf_including_biogenic = Some(Decimal::from(7));
        frame
    }

    #[test]
    fn an_object_and_its_footprint_are_mapped_both_ways() {
        for footprint in mapped() {
            let again = object(&footprint).to_footprint(frame(&footprint)).unwrap();
            assert_eq!(again, footprint);
            assert_eq!(object(&again), object(&footprint));
            let judged = judge_footprint(&serde_json::to_value(&again).unwrap());
            assert_eq!(judged, []);
        }
    }

    #[test]
    fn a_mass_is_that_of_the_object_where_the_revision_has_one() {
        for footprint in mapped() {
            let mut frame = frame(&footprint);
            frame.pcf.product_mass_per_declared_unit = None;
            let without = object(&footprint).to_footprint(frame.clone()).unwrap();
            assert_eq!(without.pcf.product_mass_per_declared_unit, None);
            frame.pcf.product_mass_per_declared_unit = Some(Decimal::from(7));
            let with = object(&footprint).to_footprint(frame).unwrap();
            let expected = match object(&footprint) {
                IleapObject::Hoc(_) => Decimal::from(1000),
                IleapObject::Toc(_) => Decimal::from(1),
                IleapObject::Shipment(shipment) => shipment.mass,
            };
            assert_eq!(with.pcf.product_mass_per_declared_unit, Some(expected));
        }
    }

    #[test]
    fn product_ids_of_other_kinds_stay() {
        let footprint = &mapped()[0];
        let mut frame = frame(footprint);
        frame.product_ids.push("urn:example:1".to_owned());
        let again = object(footprint).to_footprint(frame).unwrap();
        assert_eq!(again.product_ids.last().unwrap(), "urn:example:1");
        let unchanged = object(footprint).to_footprint(again.clone()).unwrap();
        assert_eq!(unchanged, again);
    }

    #[test]
    fn the_total_of_a_shipment_is_not_multiplied_by_its_amount() {
        let is_shipment =
            |footprint: &ProductFootprint| matches!(object(footprint), IleapObject::Shipment(_));
        let shipment = mapped().into_iter().find(is_shipment).unwrap();
        let IleapObject::Shipment(object) = object(&shipment) else {
            unreachable!()
        };
        let emitted: BigDecimal = object.tces.iter().map(|tce| tce.co2e_wtw.value()).sum();
        let moved: BigDecimal = object
            .tces
            .iter()
            .map(|tce| tce.transport_activity.value())
            .sum();
        assert_eq!(total_emissions(&shipment), emitted);
        let per_unit = emissions_per_declared_unit(&shipment).unwrap();
        assert_eq!((per_unit * moved).round(6), emitted.round(6));
    }

    #[test]
    fn a_hub_emits_for_its_thousand_kilograms() {
        let is_hub = |footprint: &ProductFootprint| matches!(object(footprint), IleapObject::Hoc(hoc) if hoc.hub_activity_unit == HubActivityUnit::Tonnes);
        let hub = mapped().into_iter().find(is_hub).unwrap();
        let per_tonne = hub.pcf.pcf_excluding_biogenic.value();
        assert_eq!(total_emissions(&hub), per_tonne);
        let thousand = BigDecimal::from(1000);
        assert_eq!(
            emissions_per_declared_unit(&hub).unwrap() * thousand,
            per_tonne
        );
    }

    #[test]
    fn other_footprints_are_per_declared_unit() {
        let mut footprint = read(&samples()[1]);
        footprint.pcf.unitary_product_amount = Decimal::from(12);
        footprint.pcf.pcf_excluding_biogenic = "1.75".parse().unwrap();
        assert_eq!(total_emissions(&footprint), BigDecimal::from(21));
        let per_unit = emissions_per_declared_unit(&footprint).unwrap();
        assert_eq!(per_unit, footprint.pcf.pcf_excluding_biogenic.value());
    }

    #[test]
    fn what_has_no_amount_or_no_weight_is_not_mapped() {
        for footprint in mapped() {
            let (mut object, frame) = (object(&footprint), frame(&footprint));
            match &mut object {
                IleapObject::Hoc(hoc) => {
                    hoc.hub_activity_unit = HubActivityUnit::Other("pallets".to_owned());
                }
                IleapObject::Shipment(shipment) => {
                    for tce in &mut shipment.tces {
                        tce.transport_activity = Decimal::from(0);
                    }
                }
                IleapObject::Toc(toc) => {
                    toc.transport_activity_unit = TransportActivityUnit::Other("pkm".to_owned());
                }
            }
            let refused = object.to_footprint(frame);
            let expected = matches!(
                (object, refused),
                (IleapObject::Shipment(_), Err(MappingError::NoActivity))
                    | (
                        IleapObject::Hoc(_) | IleapObject::Toc(_),
                        Err(MappingError::Unit(_))
                    )
            );
            assert!(expected);
        }
    }

    #[test]
    fn an_unreadable_object_still_tells_that_emissions_are_totals() {
        let mut footprint = mapped()[0].clone();
        footprint.extensions[0].data = json!({}).as_object().unwrap().clone();
        assert_eq!(
            total_emissions(&footprint),
            footprint.pcf.pcf_excluding_biogenic.value()
        );
    }
}
