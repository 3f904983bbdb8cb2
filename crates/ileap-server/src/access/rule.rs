//! What a data owner may say about one recipient.

use ileap_types::pact::v2::PfId;
use jiff::Timestamp;

/// One rule of the data owner: which objects a recipient may see, of the kinds its roles open. The rules of a
/// recipient add up. A rule is about what is stored now and what will be.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum AccessRule {
    /// Every object.
    Everything,
    /// One footprint, by its `id` (PACT v2).
    Footprint(PfId),
    /// One shipment, by its `shipmentId` (iLEAP), with the TOCs and HOCs it refers to.
    Shipment(String),
    /// One transport operation category, by its `tocId`.
    Toc(String),
    /// One hub operation category, by its `hocId`.
    Hoc(String),
    /// The shipments that have a transport chain element of this `consignmentId`, with the TOCs and HOCs they
    /// refer to, and the activity data about it.
    Consignment(String),
    /// One activity, by its `activityId`.
    Tad(String),
    /// Footprints whose reference period, and activities whose transport, falls into a time at least in part.
    Period(Period),
}

/// A time, open at the ends that are missing.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Period {
    /// The first moment in it.
    pub from: Option<Timestamp>,
    /// The first moment that is not in it.
    pub until: Option<Timestamp>,
}

/// How far the rules of a recipient reach.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RuleReach {
    /// One of them says "everything".
    Everything,
    /// They name objects.
    Objects,
    /// There are none.
    Nothing,
}

/// How many objects the rules of a recipient open, whatever its roles.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct Opened {
    /// Shipments.
    pub shipments: u64,
    /// TOCs, those that shipments bring included.
    pub tocs: u64,
    /// HOCs, those that shipments bring included.
    pub hocs: u64,
    /// Transport activity data.
    pub tads: u64,
}
