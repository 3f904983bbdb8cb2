use std::fmt;

use serde::Serialize;

/// The name of a rule, stable across releases.
///
/// P rules hold for every PACT v2 footprint (PACT v2.3, data model); P01, P02, P03 and P12 also
/// cover the shape of iLEAP objects. R rules hold for iLEAP data (iLEAP 1.0.0, data model and
/// mapping to PACT).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum RuleId {
    /// Mandatory members are present; types, formats and minimal list lengths hold.
    P01,
    /// Members of closed enumerations have one of the listed values.
    P02,
    /// Numbers have the right sign and stay in their range.
    P03,
    /// At most one geography member is given.
    P04,
    /// The reference period starts before it ends.
    P05,
    /// The validity period is complete, ordered and at most three years long.
    P06,
    /// Packaging emissions are given only if they are included.
    P07,
    /// Members that depend on the reference period are present.
    P08,
    /// The name of another operator is given exactly if the operator is `Other`.
    P09,
    /// Sets have no repeated values.
    P10,
    /// An update is later than the creation and raises the version; id and version occur once.
    P11,
    /// No member is null.
    P12,
    /// Decimals are written as digits with at most one point and one leading minus.
    R01,
    /// A shipment has transport chain elements, each with its own id.
    R02,
    /// A transport chain element refers to either a TOC or a HOC.
    R03,
    /// Transport chain elements belong to the shipment that contains them.
    R04,
    /// Predecessors exist, differ from each other and form no cycle.
    R05,
    /// Every transport chain element can be reached from a first one.
    R06,
    /// Transport activity is mass times distance.
    R07,
    /// Hub operations have neither distance nor transport activity.
    R08,
    /// Tank-to-wheel values do not exceed well-to-wheel values, and neither is negative.
    R09,
    /// Emissions are activity times the intensity of the referenced TOC or HOC.
    R10,
    /// Relative shares of energy carriers add up to one.
    R11,
    /// Shares of feedstocks add up to at most one.
    R12,
    /// A consumption of energy has a unit.
    R13,
    /// Energy carriers of TOCs and HOCs have emission factors.
    R14,
    /// Load factor and empty distance factor are in their range.
    R15,
    /// Members for one mode of transport appear with that mode only.
    R16,
    /// A distance has at least one kind, and none is negative.
    R17,
    /// Coordinates, country and UN/LOCODE of a location are valid and agree.
    R18,
    /// Departure and arrival are in UTC and in order.
    R19,
    /// Certifications are a non-empty set.
    R20,
    /// The product ids contain the URN of the shipment, TOC or HOC.
    R21,
    /// The footprint around an iLEAP object carries the mapped values.
    R22,
    /// The amount of an iLEAP footprint is positive.
    R23,
    /// Every referenced TOC and HOC is available as one footprint of its own.
    R24,
    /// The masses of the transport chain elements fit the mass of the shipment.
    R25,
    /// Consignment ids are a non-empty set; activity ids are unique.
    R26,
}

impl fmt::Display for RuleId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}
