//! TOCs and HOCs as shipments see them.

use bigdecimal::BigDecimal;

use crate::{
    extension::ObjectKind,
    rules::{
        RuleId,
        cursor::Cursor,
        extension::IleapExtension,
        finding::{Findings, quote},
        ileap_shape::MODES,
        tolerance::is_close,
        transport::r16_location,
    },
};

/// A TOC or HOC, or what is known as one only because shipments refer to it.
#[derive(Default)]
pub(super) struct Category {
    /// The footprints seen around it.
    pub(super) published: Vec<Published>,
}

/// A footprint around a TOC or HOC.
#[derive(Clone)]
pub(super) struct Published {
    pub(super) footprint: Option<u128>,
    pub(super) is_active: bool,
    /// Of a TOC.
    mode: Option<&'static str>,
    /// In kg per tonne kilometre or per tonne; none for other units.
    intensity: Option<BigDecimal>,
}

impl Published {
    pub(super) fn new(
        key: Option<u128>,
        footprint: &Cursor<'_>,
        ileap: &IleapExtension<'_>,
    ) -> Self {
        Self {
            footprint: key,
            is_active: is_active(footprint),
            mode: mode(ileap),
            intensity: intensity(ileap),
        }
    }
}

pub(super) fn is_active(footprint: &Cursor<'_>) -> bool {
    footprint.text("status") == Some("Active")
}

pub(super) fn r10_emissions(
    tce: &Cursor<'_>,
    member: &str,
    published: &[Published],
    findings: &mut Findings,
) {
    let (Some(emissions), Some(activity)) = (tce.decimal("co2eWTW"), activity(tce, member)) else {
        return;
    };
    let mut expected = published
        .iter()
        .filter_map(|published| Some(published.intensity.as_ref()? * &activity))
        .peekable();
    let Some(first) = expected.peek().cloned() else {
        return;
    };
    if !expected.any(|expected| is_close(&emissions, &expected)) {
        let message = format!(
            "found {} kg, activity times intensity of `{member}` is {} kg: correct one of them",
            quote(&emissions.to_plain_string()),
            quote(&first.normalized().to_plain_string())
        );
        findings.warning(RuleId::R10, &tce.pointer_to("co2eWTW"), message);
    }
}

/// The codes of places that belong to other modes than that of the TOC.
pub(super) fn r16_locations(tce: &Cursor<'_>, published: &[Published], findings: &mut Findings) {
    let modes: Vec<_> = published.iter().filter_map(|one| one.mode).collect();
    for location in ["origin", "destination"] {
        r16_location(tce, location, &modes, findings);
    }
}

/// What an element did, in tonne kilometres or, at a hub, in tonnes.
fn activity(tce: &Cursor<'_>, member: &str) -> Option<BigDecimal> {
    if member == "tocId" {
        tce.decimal("transportActivity")
    } else {
        let tonnes_per_kilogram = BigDecimal::new(1.into(), 3);
        Some(tce.decimal("mass")? * tonnes_per_kilogram)
    }
}

/// The emissions per activity; none for units that the element does not count.
fn intensity(ileap: &IleapExtension<'_>) -> Option<BigDecimal> {
    let (member, unit) = match ileap.kind {
        ObjectKind::Hoc => ("hubActivityUnit", "tonnes"),
        ObjectKind::Shipment | ObjectKind::Toc => ("transportActivityUnit", "tkm"),
    };
    (ileap.data.text(member)? == unit).then(|| ileap.data.decimal("co2eIntensityWTW"))?
}

/// The mode of a TOC.
fn mode(ileap: &IleapExtension<'_>) -> Option<&'static str> {
    let mode = ileap
        .data
        .text("mode")
        .filter(|_| ileap.kind == ObjectKind::Toc)?;
    MODES.iter().copied().find(|known| *known == mode)
}
