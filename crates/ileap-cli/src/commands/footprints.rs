//! `ileap footprints`

mod chain;

use std::collections::BTreeMap;

use ileap_client::{
    Client, Query,
    types::{
        extension::{IleapObject, ObjectKind, product_id_urn, total_emissions},
        pact::v2::{ProductFootprint, Status},
        shipment::ShipmentFootprint,
    },
};

use super::{
    host,
    lists::{self, Rows},
    numbers::{Sum, counted, grouped},
    pull,
};
use crate::{
    cli::FootprintsArguments,
    exit::Failed,
    output,
    table::{self, Align, Table},
};

/// How many TOCs are looked up to name the modes of one shipment.
const LOOKUPS: usize = 20;

/// Lists the footprints of a host, or shows one.
pub(crate) async fn run(arguments: FootprintsArguments) -> Result<(), Failed> {
    let account = host::find(&arguments.list.host).await?;
    if let Some(id) = &arguments.id {
        return show(&account.client, id, arguments.list.json).await;
    }
    let mut query = Query::new();
    if let Some(filter) = &arguments.filter {
        query = query.filter(filter);
    }
    let query = lists::sized(query, &arguments.list);
    let list = account.client.footprints(&query);
    lists::print(list, &account, &arguments.list, Footprints::default()).await
}

async fn show(client: &Client, id: &str, json: bool) -> Result<(), Failed> {
    let attempted = || format!("getting footprint {}", output::sanitised(id));
    let found = client
        .footprint(id)
        .await
        .map_err(|error| host::failed(&error))?;
    let Some(item) = found else {
        let happened = "the host has none of this id, or none that you may see";
        return Err(Failed::new(attempted(), happened));
    };
    if json {
        return output::json_line(&pull::one_line(item.json()));
    }
    let Ok(footprint) = item.read() else {
        let why = item.problem().unwrap_or_default();
        let happened =
            format!("it does not hold what PACT demands ({why}); --json shows it as it is");
        return Err(Failed::new(attempted(), happened));
    };
    for line in summary(&footprint) {
        output::line(output::on_one_line(&line))?;
    }
    if let Some(Ok(IleapObject::Shipment(shipment))) = IleapObject::from_footprint(&footprint) {
        let modes = modes(client, &shipment).await;
        output::line("")?;
        for line in chain::draw(&shipment, &modes, table::room()) {
            output::line(output::on_one_line(&line))?;
        }
    }
    Ok(())
}

fn summary(footprint: &ProductFootprint) -> Vec<String> {
    let pcf = &footprint.pcf;
    let mut lines = vec![
        format!("{} ({})", footprint.product_name_company, kind(footprint)),
        format!("  by         {}", footprint.company_name),
        format!(
            "  footprint  {}, version {}, {}",
            footprint.id, footprint.version, footprint.status
        ),
        format!(
            "  amount     {} {}",
            grouped(&pcf.unitary_product_amount.value()),
            pcf.declared_unit.as_str()
        ),
        format!(
            "  emissions  {} kg CO2e for that amount",
            grouped(&total_emissions(footprint))
        ),
        format!(
            "  period     {} to {}",
            pcf.reference_period_start.as_str(),
            pcf.reference_period_end.as_str()
        ),
    ];
    lines.extend(
        footprint
            .product_ids
            .iter()
            .map(|id| format!("  product    {id}")),
    );
    lines
}

/// The modes of a shipment's TOCs, as far as the host shows them. Not every host filters: what comes back is looked at.
async fn modes(client: &Client, shipment: &ShipmentFootprint) -> BTreeMap<String, String> {
    let mut modes = BTreeMap::new();
    let mut wanted: Vec<_> = shipment
        .tces
        .iter()
        .filter_map(|tce| tce.toc_id.as_deref())
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    for toc_id in wanted.into_iter().take(LOOKUPS) {
        if modes.contains_key(toc_id) {
            continue;
        }
        let urn = product_id_urn(ObjectKind::Toc, toc_id).replace('\'', "''");
        let query = Query::new().filter(&format!(
            "productIds/any(productIds:(productIds eq '{urn}'))"
        ));
        let Ok(Some(page)) = client.footprints(&query).next_page().await else {
            continue;
        };
        for footprint in page.items.iter().filter_map(|item| item.read().ok()) {
            if let Some(Ok(IleapObject::Toc(toc))) = IleapObject::from_footprint(&footprint) {
                modes.insert(toc.toc_id, toc.mode.as_str().to_owned());
            }
        }
    }
    modes
}

fn kind(footprint: &ProductFootprint) -> &'static str {
    match IleapObject::from_footprint(footprint) {
        Some(Ok(object)) => match object.kind() {
            ObjectKind::Hoc => "hub operation category",
            ObjectKind::Shipment => "shipment",
            ObjectKind::Toc => "transport operation category",
        },
        Some(Err(_)) => "iLEAP object that cannot be read",
        None => "product",
    }
}

/// What footprints come to: shipments, and their emissions by mode.
#[derive(Default)]
struct Footprints {
    shipments: u64,
    total: Sum,
    by_toc: BTreeMap<String, Sum>,
    hubs: Sum,
    modes: BTreeMap<String, String>,
}

impl Rows<ProductFootprint, 8> for Footprints {
    fn table() -> Table<8> {
        Table::new([
            ("KIND", Align::Left),
            ("ID", Align::Left),
            ("NAME", Align::Left),
            ("AMOUNT", Align::Right),
            ("UNIT", Align::Left),
            ("KG CO2E", Align::Right),
            ("STATUS", Align::Left),
            ("FOOTPRINT", Align::Left),
        ])
    }

    fn row(&mut self, footprint: &ProductFootprint) -> [String; 8] {
        let object = IleapObject::from_footprint(footprint).and_then(Result::ok);
        let (kind, id) = match &object {
            Some(object) => (object.kind().as_str(), object.id().to_owned()),
            None => (
                "product",
                footprint.product_ids.first().cloned().unwrap_or_default(),
            ),
        };
        let emissions = total_emissions(footprint);
        match &object {
            // What is out of date counts nowhere: its successor does.
            Some(IleapObject::Shipment(shipment)) if footprint.status == Status::Active => {
                self.add(shipment, &emissions);
            }
            Some(IleapObject::Toc(toc)) => {
                self.modes
                    .insert(toc.toc_id.clone(), toc.mode.as_str().to_owned());
            }
            _ => {}
        }
        [
            kind.to_owned(),
            id,
            footprint.product_name_company.clone(),
            grouped(&footprint.pcf.unitary_product_amount.value()),
            footprint.pcf.declared_unit.as_str().to_owned(),
            grouped(&emissions),
            footprint.status.to_string(),
            footprint.id.to_string(),
        ]
    }

    fn sums(&self) -> Vec<String> {
        let Some(total) = self.total.shown() else {
            return Vec::new();
        };
        let mut by_mode: BTreeMap<&str, Sum> = BTreeMap::new();
        for (toc_id, sum) in &self.by_toc {
            let mode = self
                .modes
                .get(toc_id)
                .map_or("mode not known (TOC not listed)", String::as_str);
            if let Some(value) = sum.value() {
                by_mode.entry(mode).or_default().add(value);
            }
        }
        let mut lines = vec![format!(
            "{}: {total} kg CO2e",
            counted(self.shipments, "shipment")
        )];
        let hubs = std::iter::once(("hubs", &self.hubs));
        for (mode, sum) in by_mode.iter().map(|(mode, sum)| (*mode, sum)).chain(hubs) {
            if let Some(sum) = sum.shown() {
                lines.push(format!("  {mode}: {sum} kg CO2e"));
            }
        }
        lines
    }
}

impl Footprints {
    fn add(&mut self, shipment: &ShipmentFootprint, emissions: &bigdecimal::BigDecimal) {
        self.shipments += 1;
        self.total.add(emissions);
        for tce in &shipment.tces {
            let sum = match &tce.toc_id {
                Some(toc_id) => self.by_toc.entry(toc_id.clone()).or_default(),
                None => &mut self.hubs,
            };
            sum.add(&tce.co2e_wtw.value());
        }
    }
}
