//! What is asked, and how long the answers take.

use std::time::{Duration, Instant};

use ileap_server::{
    access::Visibility,
    identity::Role,
    store::{PageQuery, Position, Store, sql::SqlStore},
};
use ileap_types::filter::{odata::FootprintFilter, tad::TadFilter};

use super::fill::{granted, id, principal};

/// The longest time one query is measured.
const MEASURED: Duration = Duration::from_millis(1500);
const MOST_RUNS: usize = 300;

const MODES: [&str; 12] = [
    "Road", "Rail", "Sea", "Air", "A", "B", "C", "D", "E", "F", "G", "H",
];
const CITIES: [&str; 6] = ["City 1", "City 2", "City 3", "Town 4", "Town 5", "Town 6"];
const EVERY: &str = "created ge '2000-01-01T00:00:00Z'";

struct Asked<'a> {
    store: &'a SqlStore,
    found: Vec<(&'static str, f64)>,
}

pub(crate) async fn measure(store: &SqlStore, rows: u64) -> Vec<(&'static str, f64)> {
    let mut asked = Asked {
        store,
        found: Vec::new(),
    };
    asked.one(rows).await;
    for (name, role, organization) in [
        ("list of 10, everything", Role::All, "org_all"),
        ("list of 10, operator", Role::Operator, "org_everything"),
        ("list of 10, organizer", Role::Organizer, "org_everything"),
        ("list of 10, user", Role::User, "org_everything"),
        (
            "list of 10, twenty granted shipments",
            Role::User,
            "org_few",
        ),
        ("list of 10, nothing granted", Role::User, "org_none"),
    ] {
        asked
            .footprints(name, (role, organization), EVERY, None)
            .await;
    }
    let all = (Role::All, "org_all");
    let deep = asked.deep(all, rows).await;
    asked
        .footprints("list of 10, everything, deep page", all, EVERY, deep)
        .await;
    let many = (Role::User, "org_many");
    let deep = asked.deep(many, granted(rows)).await;
    for (name, after) in [
        ("list of 10, ten thousand granted shipments", None),
        ("list of 10, ten thousand granted, deep page", deep),
    ] {
        asked.footprints(name, many, EVERY, after).await;
    }
    asked.footprints_of_100().await;
    asked.filters(rows).await;
    asked.hidden_filters(rows).await;
    asked.activity_filters(rows).await;
    asked.granted_activities(rows).await;
    asked.found
}

fn moment(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).expect("a moment");
    jiff::Timestamp::from_second(seconds)
        .expect("a moment")
        .to_string()
}

fn page(limit: usize) -> PageQuery {
    PageQuery {
        limit,
        offset: 0,
        after: None,
    }
}

impl Asked<'_> {
    async fn visibility(&self, (role, organization): (Role, &str)) -> Visibility {
        let principal = principal(role, organization);
        Visibility::of(&principal, self.store)
            .await
            .expect("a visibility")
    }

    async fn time(&mut self, name: &'static str, ask: impl AsyncFn()) {
        let mut times = Vec::new();
        let begin = Instant::now();
        while times.len() < 3 || (times.len() < MOST_RUNS && begin.elapsed() < MEASURED) {
            let asked = Instant::now();
            ask().await;
            times.push(asked.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        self.found.push((name, times[times.len() / 2]));
    }

    async fn one(&mut self, rows: u64) {
        let store = self.store;
        let operator = (Role::Operator, "org_everything");
        let organizer = (Role::Organizer, "org_everything");
        let many = (Role::User, "org_many");
        // Of twenty, the second and the sixth are shipments, and the ninth is generic. Granted is the second.
        let shipment = rows / 2 / 20 * 20 + 1;
        let generic = rows / 2 / 20 * 20 + 8;
        let ungranted = shipment + 4;
        for (name, who, number) in [
            ("one footprint", (Role::All, "org_all"), rows / 2),
            ("one footprint, operator: seen", operator, shipment),
            ("one footprint, operator: hidden", operator, generic),
            ("one footprint, operator: missing", operator, rows + 1),
            ("one footprint, organizer: hidden", organizer, shipment),
            ("one footprint, organizer: missing", organizer, rows + 1),
            ("one footprint, ten thousand granted: seen", many, 1),
            (
                "one footprint, ten thousand granted: hidden",
                many,
                ungranted,
            ),
            (
                "one footprint, ten thousand granted: missing",
                many,
                rows + 1,
            ),
        ] {
            let visibility = self.visibility(who).await;
            let id = id(number);
            self.time(name, async || {
                store.footprint(&visibility, &id).await.expect("an answer");
            })
            .await;
        }
    }

    async fn footprints(
        &mut self,
        name: &'static str,
        who: (Role, &str),
        filter: &str,
        after: Option<Position>,
    ) {
        let (store, visibility) = (self.store, self.visibility(who).await);
        let filter = FootprintFilter::parse(filter).expect("a filter");
        let page = PageQuery { after, ..page(10) };
        self.time(name, async || {
            store
                .footprints(&visibility, &filter, &page)
                .await
                .expect("a page");
        })
        .await;
    }

    async fn footprints_of_100(&mut self) {
        let (store, visibility) = (self.store, self.visibility((Role::All, "org_all")).await);
        let filter = FootprintFilter::parse(EVERY).expect("a filter");
        self.time("list of 100, everything", async || {
            store
                .footprints(&visibility, &filter, &page(100))
                .await
                .expect("a page");
        })
        .await;
    }

    async fn filters(&mut self, rows: u64) {
        let product = format!("productIds/any(p:(p eq 'urn:product:{}'))", rows / 2);
        let company_and_product =
            format!("companyIds/any(c:(c eq 'urn:company:all')) and {product}");
        let nobody = "urn:nobody";
        for (name, filter) in [
            ("filter: product id, one match", product.as_str()),
            (
                "filter: product id, one in fifty",
                "productIds/any(p:(p eq 'urn:group:7'))",
            ),
            (
                "filter: company id, all",
                "companyIds/any(c:(c eq 'urn:company:all'))",
            ),
            (
                "filter: company id, one in a thousand",
                "companyIds/any(c:(c eq 'urn:company:7'))",
            ),
            (
                "filter: company and product id",
                company_and_product.as_str(),
            ),
            (
                "filter: product id, no match",
                &format!("productIds/any(p:(p eq '{nobody}'))"),
            ),
            ("filter: cpc, one in ten", "productCategoryCpc eq '83115'"),
            ("filter: cpc, five matches", "productCategoryCpc eq '99999'"),
            ("filter: cpc, no match", "productCategoryCpc eq '1'"),
            (
                "filter: country, one in three",
                "pcf/geographyCountry eq 'DE'",
            ),
            (
                "filter: country, five matches",
                "pcf/geographyCountry eq 'AQ'",
            ),
            ("filter: country, no match", "pcf/geographyCountry eq 'XX'"),
            (
                "filter: created, the newest",
                &format!("created ge '{}'", moment(1_600_000_000 + (rows - 20) * 60)),
            ),
            ("filter: created, none", "created ge '2100-01-01T00:00:00Z'"),
            (
                "filter: period start, the newest",
                &format!(
                    "pcf/referencePeriodStart ge '{}'",
                    moment(1_500_000_000 + (rows - 20) * 50)
                ),
            ),
            (
                "filter: period start, none",
                "pcf/referencePeriodStart ge '2100-01-01T00:00:00Z'",
            ),
            (
                "filter: period end, none",
                "pcf/referencePeriodEnd lt '2000-01-01T00:00:00Z'",
            ),
            ("filter: updated, none", "updated ge '2100-01-01T00:00:00Z'"),
            (
                "filter: company one in a thousand and cpc none there",
                "companyIds/any(c:(c eq 'urn:company:7')) and productCategoryCpc eq '83111'",
            ),
            (
                "filter: company all and cpc five matches",
                "companyIds/any(c:(c eq 'urn:company:all')) and productCategoryCpc eq '99999'",
            ),
            (
                "filter: country and cpc, no match together",
                "pcf/geographyCountry eq 'AQ' and productCategoryCpc eq '99999'",
            ),
        ] {
            self.footprints(name, (Role::All, "org_all"), filter, None)
                .await;
        }
    }

    async fn activity_filters(&mut self, rows: u64) {
        let consignment = format!("consignment-{}", rows / 2);
        for (name, terms) in [
            ("activities: page of 10", vec![]),
            (
                "activities: one consignment",
                vec![("consignmentIds", consignment.as_str())],
            ),
            ("activities: mode, one in four", vec![("mode", "Rail")]),
            ("activities: mode, no match", vec![("mode", "Teleport")]),
            (
                "activities: city, one in a thousand",
                vec![("origin.city", "City 7")],
            ),
            (
                "activities: city, no match",
                vec![("origin.city", "Nowhere")],
            ),
            (
                "activities: city anywhere, no match",
                vec![("city", "Nowhere")],
            ),
            (
                "activities: city anywhere, one in a thousand",
                vec![("city", "City 7")],
            ),
            (
                "activities: mode and city",
                vec![("mode", "Rail"), ("origin.city", "City 1")],
            ),
            (
                "activities: mode and city, no match together",
                vec![("mode", "Air"), ("origin.city", "City 1")],
            ),
            (
                "activities: origin and destination",
                vec![("origin.city", "City 1"), ("destination.city", "Town 1")],
            ),
        ] {
            self.activities(name, (Role::All, "org_all"), &terms).await;
        }
        let modes: Vec<_> = MODES.iter().map(|mode| ("mode", *mode)).collect();
        let cities: Vec<_> = CITIES.iter().map(|city| ("city", *city)).collect();
        for (name, terms) in [
            ("activities: twelve modes, four found", modes.clone()),
            ("activities: six cities anywhere, twelve ways", cities),
            (
                "activities: twelve modes and a city",
                [modes, vec![("origin.city", "City 7")]].concat(),
            ),
        ] {
            self.activities(name, (Role::All, "org_all"), &terms).await;
        }
    }

    async fn granted_activities(&mut self, rows: u64) {
        let many = (Role::User, "org_many");
        let hidden = format!("consignment-{}", rows / 2 / 20 * 20 + 8);
        for (name, who, terms) in [
            (
                "activities: twenty granted shipments' none",
                (Role::User, "org_few"),
                vec![],
            ),
            (
                "activities: a hundred granted, hidden match",
                (Role::User, "org_hundred"),
                vec![("consignmentIds", hidden.as_str())],
            ),
            ("activities: ten thousand granted", many, vec![]),
            (
                "activities: ten thousand granted, hidden match",
                many,
                vec![("consignmentIds", hidden.as_str())],
            ),
            (
                "activities: ten thousand granted, no match",
                many,
                vec![("consignmentIds", "nobody's")],
            ),
        ] {
            self.activities(name, who, &terms).await;
        }
    }

    /// Filters that hold for what the caller may not see alone, beside those that hold for nothing.
    async fn hidden_filters(&mut self, rows: u64) {
        let product = |product: &str| format!("productIds/any(p:(p eq 'urn:{product}'))");
        let hidden = product(&format!("product:{}", rows / 2 / 20 * 20 + 8));
        let missing = product("nobody");
        let operator = (Role::Operator, "org_everything");
        let user = (Role::User, "org_everything");
        let hundred = (Role::User, "org_hundred");
        let many = (Role::User, "org_many");
        for (name, who, filter) in [
            ("operator: product id, hidden", operator, hidden.as_str()),
            ("operator: product id, no match", operator, &missing),
            (
                "operator: cpc, one in ten, all hidden",
                operator,
                "productCategoryCpc eq '83114'",
            ),
            (
                "operator: cpc, no match",
                operator,
                "productCategoryCpc eq '1'",
            ),
            (
                "user: cpc, one in ten, all hidden",
                user,
                "productCategoryCpc eq '83114'",
            ),
            ("user: cpc, no match", user, "productCategoryCpc eq '1'"),
            (
                "operator: country, five hidden",
                operator,
                "pcf/geographyCountry eq 'AQ'",
            ),
            (
                "operator: country, no match",
                operator,
                "pcf/geographyCountry eq 'XX'",
            ),
            ("a hundred granted: product id, hidden", hundred, &hidden),
            ("a hundred granted: product id, no match", hundred, &missing),
            (
                "a hundred granted: cpc, one in ten, hidden",
                hundred,
                "productCategoryCpc eq '83114'",
            ),
            ("ten thousand granted: product id, hidden", many, &hidden),
            ("ten thousand granted: product id, no match", many, &missing),
            (
                "ten thousand granted: cpc, one in ten, hidden",
                many,
                "productCategoryCpc eq '83114'",
            ),
            (
                "ten thousand granted: cpc, no match",
                many,
                "productCategoryCpc eq '1'",
            ),
        ] {
            self.footprints(name, who, filter, None).await;
        }
    }

    /// A place nine tenths down a list of so many.
    async fn deep(&self, who: (Role, &str), rows: u64) -> Option<Position> {
        let visibility = self.visibility(who).await;
        let filter = FootprintFilter::parse(EVERY).expect("a filter");
        let page = PageQuery {
            offset: u32::try_from(rows / 10 * 9).expect("a number"),
            ..page(1)
        };
        self.store
            .footprints(&visibility, &filter, &page)
            .await
            .expect("a page")
            .next
    }

    async fn activities(&mut self, name: &'static str, who: (Role, &str), terms: &[(&str, &str)]) {
        let (store, visibility) = (self.store, self.visibility(who).await);
        let terms: Vec<_> = terms
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let filter = TadFilter::parse(&terms).expect("a filter");
        self.time(name, async || {
            store
                .tads(&visibility, &filter, &page(10))
                .await
                .expect("a page");
        })
        .await;
    }
}
