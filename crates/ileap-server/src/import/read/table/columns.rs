//! The columns a table may have (iLEAP 1.0.0 "TAD").

use serde_json::Value;

/// Stands for the number of an element, from 0.
const NUMBER: &str = "#";
/// The highest number of an element.
const HIGHEST: usize = 9;

/// What a cell holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    /// A number in a JSON string.
    Decimal,
    Integer,
    Text,
    /// Several texts with semicolons between them.
    Texts,
}

/// A kind of column: its name, what it holds, and whether every table has it.
struct Known(&'static str, Form, Presence);

#[derive(Clone, Copy, Eq, PartialEq)]
enum Presence {
    May,
    Must,
}

use Form::{Decimal, Integer, Text, Texts};
use Presence::{May, Must};

const KNOWN: &[Known] = &[
    Known("activityId", Text, Must),
    Known("consignmentIds", Texts, Must),
    Known("mode", Text, Must),
    Known("departureAt", Text, Must),
    Known("arrivalAt", Text, Must),
    Known("origin.street", Text, May),
    Known("origin.zip", Text, May),
    Known("origin.city", Text, Must),
    Known("origin.country", Text, Must),
    Known("origin.locode", Text, May),
    Known("origin.iata", Text, May),
    Known("origin.uic", Text, May),
    Known("origin.lat", Decimal, May),
    Known("origin.lng", Decimal, May),
    Known("destination.street", Text, May),
    Known("destination.zip", Text, May),
    Known("destination.city", Text, Must),
    Known("destination.country", Text, Must),
    Known("destination.locode", Text, May),
    Known("destination.iata", Text, May),
    Known("destination.uic", Text, May),
    Known("destination.lat", Decimal, May),
    Known("destination.lng", Decimal, May),
    Known("distance.actual", Decimal, May),
    Known("distance.gcd", Decimal, May),
    Known("distance.sfd", Decimal, May),
    Known("mass", Decimal, May),
    Known("loadFactor", Decimal, May),
    Known("emptyDistanceFactor", Decimal, May),
    Known("packagingOrTrEqType", Text, May),
    Known("packagingOrTrEqAmount", Integer, May),
    Known("temperatureControl", Text, May),
    Known("energyCarriers.#.energyCarrier", Text, May),
    Known("energyCarriers.#.relativeShare", Decimal, May),
    Known("energyCarriers.#.energyConsumption", Decimal, May),
    Known("energyCarriers.#.energyConsumptionUnit", Text, May),
    Known("energyCarriers.#.emissionFactorWTW", Decimal, May),
    Known("energyCarriers.#.emissionFactorTTW", Decimal, May),
    Known("energyCarriers.#.feedstocks.#.feedstock", Text, May),
    Known("energyCarriers.#.feedstocks.#.feedstockShare", Decimal, May),
    Known("energyCarriers.#.feedstocks.#.regionProvenance", Text, May),
];

/// The first line of a table with every column, for one energy carrier with one feedstock each. For further
/// ones the columns are repeated with 1 to 9 in place of 0.
pub fn csv_header() -> String {
    known_names().collect::<Vec<_>>().join(",")
}

/// The names of [`csv_header`].
pub(super) fn known_names() -> impl Iterator<Item = String> {
    KNOWN
        .iter()
        .map(|Known(name, ..)| name.replace(NUMBER, "0"))
}

/// The columns without which no row can be right.
pub(super) fn mandatory_names() -> impl Iterator<Item = &'static str> {
    KNOWN
        .iter()
        .filter(|Known(.., presence)| *presence == Must)
        .map(|Known(name, ..)| *name)
}

/// A column of a table: where its cells belong, and what they hold.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) form: Form,
    path: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Element(usize),
    Member(&'static str),
}

impl Column {
    pub(super) fn named(name: &str) -> Option<Self> {
        KNOWN.iter().find_map(|Known(known, form, _)| {
            let path = path(known, name)?;
            Some(Self { form: *form, path })
        })
    }

    /// RFC 6901 pointer to the member.
    pub(super) fn pointer(&self) -> String {
        let shown = |step: &Step| match step {
            Step::Element(number) => format!("/{number}"),
            Step::Member(name) => format!("/{name}"),
        };
        self.path.iter().map(shown).collect()
    }

    /// Puts a value where the column belongs. Elements before it that are not there yet are empty objects,
    /// which the rules complain about.
    pub(super) fn set(&self, activity: &mut Value, value: Value) {
        let place = self
            .path
            .iter()
            .try_fold(activity, |outer, step| match step {
                Step::Element(number) => {
                    if !outer.is_array() {
                        *outer = Value::Array(Vec::new());
                    }
                    let list = outer.as_array_mut()?;
                    let missing = (number + 1).saturating_sub(list.len());
                    list.extend(std::iter::repeat_n(
                        Value::Object(serde_json::Map::new()),
                        missing,
                    ));
                    list.get_mut(*number)
                }
                Step::Member(name) => {
                    if !outer.is_object() {
                        *outer = Value::Object(serde_json::Map::new());
                    }
                    Some(outer.as_object_mut()?.entry(*name).or_insert(Value::Null))
                }
            });
        if let Some(place) = place {
            *place = value;
        }
    }
}

/// The steps of `name`, if that is `known` with numbers.
fn path(known: &'static str, name: &str) -> Option<Vec<Step>> {
    let (mut steps, mut given) = (Vec::new(), name.split('.'));
    for step in known.split('.') {
        let given = given.next()?;
        steps.push(if step == NUMBER {
            let number = given.parse().ok().filter(|number| *number <= HIGHEST)?;
            Step::Element(number)
        } else if step == given {
            Step::Member(step)
        } else {
            return None;
        });
    }
    given.next().is_none().then_some(steps)
}
