use super::{
    cursor::Cursor,
    ileap_shape::{HOC, SHIPMENT_FOOTPRINT, TOC},
    shape::Field,
};
use crate::extension::ObjectKind;

/// An iLEAP object and the extension around it.
pub(super) struct IleapExtension<'a> {
    pub(super) kind: ObjectKind,
    pub(super) extension: Cursor<'a>,
    pub(super) data: Cursor<'a>,
}

impl<'a> IleapExtension<'a> {
    /// The id of the object.
    pub(super) fn id(&self) -> Option<&'a str> {
        self.data.text(id_member(self.kind))
    }

    /// The members of the object.
    pub(super) fn fields(&self) -> &'static [Field] {
        fields(self.kind)
    }
}

/// The members of an object of this kind.
pub(super) fn fields(kind: ObjectKind) -> &'static [Field] {
    match kind {
        ObjectKind::Hoc => HOC,
        ObjectKind::Shipment => SHIPMENT_FOOTPRINT,
        ObjectKind::Toc => TOC,
    }
}

/// Finds the iLEAP objects of a footprint, by schema or, if that is wrong, by content.
pub(super) fn find<'a>(footprint: &Cursor<'a>) -> Vec<IleapExtension<'a>> {
    let recognize = |extension: Cursor<'a>| {
        let data = extension.at("data")?;
        let kind = kind(&extension)?;
        Some(IleapExtension {
            kind,
            extension,
            data,
        })
    };
    footprint
        .items("extensions")
        .into_iter()
        .filter_map(recognize)
        .collect()
}

/// The kind of iLEAP object in an extension; none if the extension is foreign.
pub(super) fn kind(extension: &Cursor<'_>) -> Option<ObjectKind> {
    let by_schema = extension
        .text("dataSchema")
        .and_then(ObjectKind::from_data_schema);
    by_schema.or_else(|| by_content(&extension.at("data")?))
}

/// Foreign extensions may use one of the names, but hardly two.
fn by_content(data: &Cursor<'_>) -> Option<ObjectKind> {
    let has_member = |name| data.at(name).is_some();
    ObjectKind::ALL
        .iter()
        .copied()
        .find(|kind| has_member(id_member(*kind)) && has_member(telling_member(*kind)))
}

fn id_member(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Hoc => "hocId",
        ObjectKind::Shipment => "shipmentId",
        ObjectKind::Toc => "tocId",
    }
}

fn telling_member(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Hoc | ObjectKind::Toc => "energyCarriers",
        ObjectKind::Shipment => "tces",
    }
}
