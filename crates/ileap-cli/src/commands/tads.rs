//! `ileap tads`

use std::collections::BTreeMap;

use ileap_client::{
    Query,
    types::{
        location::{GlecDistance, Location},
        tad::Tad,
    },
};

use super::{
    host,
    lists::{self, Rows},
    numbers::{Sum, counted, grouped},
};
use crate::{
    cli::TadsArguments,
    exit::Failed,
    table::{Align, Table},
};

/// Lists transport activity data of a host.
pub(crate) async fn run(arguments: TadsArguments) -> Result<(), Failed> {
    let account = host::find(&arguments.list.host).await?;
    let mut query = Query::new();
    for mode in &arguments.mode {
        query = query.matching("mode", mode);
    }
    for consignment in &arguments.consignment {
        query = query.matching("consignmentIds", consignment);
    }
    for (name, value) in &arguments.matching {
        query = query.matching(name, value);
    }
    let query = lists::sized(query, &arguments.list);
    let list = account.client.tads(&query);
    lists::print(list, &account, &arguments.list, Activities::default()).await
}

/// What activities come to, by mode.
#[derive(Default)]
struct Activities {
    modes: BTreeMap<String, Mode>,
}

#[derive(Default)]
struct Mode {
    activities: u64,
    tonne_kilometers: Sum,
}

impl Rows<Tad, 8> for Activities {
    fn table() -> Table<8> {
        Table::new([
            ("ACTIVITY", Align::Left),
            ("MODE", Align::Left),
            ("FROM", Align::Left),
            ("TO", Align::Left),
            ("KM", Align::Right),
            ("KG", Align::Right),
            ("DEPARTURE", Align::Left),
            ("CONSIGNMENTS", Align::Left),
        ])
    }

    fn row(&mut self, tad: &Tad) -> [String; 8] {
        let distance = kilometers(&tad.distance);
        let mode = self.modes.entry(tad.mode.as_str().to_owned()).or_default();
        mode.activities += 1;
        let known = distance.zip(tad.mass.as_ref());
        if let Some((distance, mass)) = known {
            // Tonne kilometers: kilograms times kilometers by a thousand (iLEAP 1.0.0, transportActivity).
            mode.tonne_kilometers
                .add(&(distance.value() * mass.value() / 1000));
        }
        [
            tad.activity_id.clone(),
            tad.mode.as_str().to_owned(),
            place(&tad.origin),
            place(&tad.destination),
            distance.map_or_else(String::new, |distance| grouped(&distance.value())),
            tad.mass
                .as_ref()
                .map_or_else(String::new, |mass| grouped(&mass.value())),
            tad.departure_at.as_str().to_owned(),
            tad.consignment_ids.join(", "),
        ]
    }

    fn sums(&self) -> Vec<String> {
        let lines = self.modes.iter().map(|(name, mode)| {
            let activities = counted(mode.activities, "transport");
            match mode.tonne_kilometers.shown() {
                Some(sum) => {
                    format!("{name}: {activities}, {sum} tkm where mass and distance are known")
                }
                None => format!("{name}: {activities}"),
            }
        });
        lines.collect()
    }
}

/// The distance that iLEAP prefers for calculations (GLEC: shortest feasible, else great circle), else the actual.
pub(super) fn kilometers(distance: &GlecDistance) -> Option<&ileap_types::decimal::Decimal> {
    let GlecDistance { actual, gcd, sfd } = distance;
    sfd.as_ref().or(gcd.as_ref()).or(actual.as_ref())
}

pub(super) fn place(location: &Location) -> String {
    format!("{} {}", location.city, location.country)
}
