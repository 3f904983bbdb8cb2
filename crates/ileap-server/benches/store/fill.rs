//! Footprints and activities, as many as wanted and always the same.

use bytes::Bytes;
use ileap_server::{
    access::{AccessRule, Visibility},
    identity::{ClientId, Organization, Principal, Role, Scopes},
    store::{ImportKind, ImportObject, PageQuery, Store, access::AccessRules as _, sql::SqlStore},
};
use ileap_types::filter::odata::FootprintFilter;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// How many footprints and activities come in one transaction.
const FILE: u64 = 200_000;
const SAMPLE_FOOTPRINTS: &str = include_str!("../../sample-data/footprints.json");
const SAMPLE_TADS: &str = include_str!("../../sample-data/tads.json");

pub(crate) fn principal(role: Role, organization: &str) -> Principal {
    Principal {
        subject: "clerk|user_1".to_owned(),
        client_id: ClientId::new("bench").expect("a client id"),
        organization: Some(Organization {
            id: organization.to_owned(),
            slug: None,
        }),
        roles: [role].into(),
        scopes: Scopes::all(),
    }
}

pub(crate) async fn is_empty(store: &SqlStore) -> bool {
    let visibility = Visibility::of(&principal(Role::All, "org_all"), store)
        .await
        .expect("a visibility");
    let filter = FootprintFilter::parse("created ge '2000-01-01T00:00:00Z'").expect("a filter");
    let page = PageQuery {
        limit: 1,
        offset: 0,
        after: None,
    };
    store
        .footprints(&visibility, &filter, &page)
        .await
        .expect("a page")
        .objects
        .is_empty()
}

/// Imports `rows` footprints and as many activities, as files of some size would bring them; says how many objects
/// that is.
pub(crate) async fn fill(store: &SqlStore, rows: u64) -> u64 {
    let samples = Samples::read();
    let mut import = store.begin_import().await.expect("an import");
    for begin in (0..rows).step_by(1000) {
        let numbers = begin..rows.min(begin + 1000);
        let footprints: Vec<_> = numbers
            .clone()
            .map(|number| samples.footprint(number, rows))
            .collect();
        import.write(&footprints).await.expect("footprints");
        let tads: Vec<_> = numbers.map(|number| samples.tad(number)).collect();
        import.write(&tads).await.expect("activities");
        if begin % FILE == FILE - 1000 {
            import.commit().await.expect("a commit");
            import = store.begin_import().await.expect("an import");
        }
    }
    import.commit().await.expect("a commit");
    rows * 2
}

/// How many of the recipient's consignments there are whose rules name many.
const GRANTED: u64 = 10_000;

/// Rules of a recipient that sees everything, of one that sees twenty shipments, of one that sees a hundred consignments,
/// and of one that sees ten thousand, or one in ten objects where that is less: of each a shipment and an activity.
pub(crate) async fn allow(store: &SqlStore, rows: u64) {
    store
        .allow("org_everything", &[AccessRule::Everything])
        .await
        .expect("a rule");
    let few: Vec<_> = spread(20, rows)
        .map(|number| AccessRule::Shipment(format!("shipment-{number}")))
        .collect();
    store.allow("org_few", &few).await.expect("rules");
    let many: Vec<_> = spread(granted(rows), rows)
        .map(|number| AccessRule::Consignment(format!("consignment-{number}")))
        .collect();
    let hundred: Vec<_> = spread(100, rows)
        .map(|number| AccessRule::Consignment(format!("consignment-{number}")))
        .collect();
    store.allow("org_hundred", &hundred).await.expect("rules");
    for many in many.chunks(1000) {
        store.allow("org_many", many).await.expect("rules");
    }
}

/// How many consignments the rules of `org_many` name.
pub(crate) fn granted(rows: u64) -> u64 {
    GRANTED.min(rows / 10)
}

/// The numbers of so many shipments, from all over the list.
fn spread(count: u64, rows: u64) -> impl Iterator<Item = u64> {
    (0..count).map(move |number| number * (rows / count) / 4 * 4 + 1)
}

pub(crate) fn id(number: u64) -> String {
    // Spread, as random ones are.
    let high = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!(
        "{:08x}-{:04x}-4000-8000-{number:012x}",
        high >> 32,
        high >> 16 & 0xffff
    )
}

struct Samples {
    generic: Value,
    shipment: Value,
    toc: Value,
    hoc: Value,
    tad: Value,
}

impl Samples {
    fn read() -> Self {
        let footprints: Vec<Value> = serde_json::from_str(SAMPLE_FOOTPRINTS).expect("samples");
        let with = |member: &str| {
            let has = |one: &&Value| one["extensions"][0]["data"].get(member).is_some();
            footprints.iter().find(has).expect("a sample").clone()
        };
        let tads: Vec<Value> = serde_json::from_str(SAMPLE_TADS).expect("samples");
        Self {
            generic: footprints[0].clone(),
            shipment: with("shipmentId"),
            toc: with("tocId"),
            hoc: with("hocId"),
            tad: tads[0].clone(),
        }
    }

    /// Of a hundred: 65 generic, 25 shipments, and the other ten TOCs and HOCs in equal parts; the TOCs and HOCs
    /// are among the first tenth alone, so that whoever sees only them has the longest way through the list.
    fn footprint(&self, number: u64, rows: u64) -> ImportObject {
        let mut value = match number % 20 {
            1 | 5 | 9 | 13 | 17 => self.shipment.clone(),
            3 if number < rows / 10 => self.toc.clone(),
            7 if number < rows / 10 => self.hoc.clone(),
            _ => self.generic.clone(),
        };
        let mut none = Value::Null;
        let data = value.pointer_mut("/extensions/0/data").unwrap_or(&mut none);
        if data.get("shipmentId").is_some() {
            data["shipmentId"] = json!(format!("shipment-{number}"));
            for tce in data["tces"].as_array_mut().expect("elements") {
                tce["shipmentId"] = json!(format!("shipment-{number}"));
                tce["consignmentId"] = json!(format!("consignment-{number}"));
                if tce.get("tocId").is_some() {
                    tce["tocId"] = json!(format!("toc-{}", number % 20 * 20 + 3));
                }
            }
        } else if data.get("tocId").is_some() {
            data["tocId"] = json!(format!("toc-{number}"));
        } else if data.get("hocId").is_some() {
            data["hocId"] = json!(format!("hoc-{number}"));
        }
        value["id"] = json!(id(number));
        value["version"] = json!(1);
        value["created"] = json!(moment(1_600_000_000 + number * 60));
        value["companyIds"] = json!([format!("urn:company:{}", number % 1000), "urn:company:all"]);
        value["productIds"] = json!([
            format!("urn:product:{number}"),
            format!("urn:group:{}", number % 50)
        ]);
        value["productCategoryCpc"] = json!(if number % (rows / 5) == 4 {
            "99999".to_owned()
        } else {
            (number % 10 + 83110).to_string()
        });
        value["pcf"]["geographyCountry"] = json!(if number % (rows / 5) == 6 {
            "AQ"
        } else {
            ["DE", "FR", "NL"][number as usize % 3]
        });
        value["pcf"]["referencePeriodStart"] = json!(moment(1_500_000_000 + number * 50));
        value["pcf"]["referencePeriodEnd"] = json!(moment(1_510_000_000 + number * 50));
        object(ImportKind::Footprint, value)
    }

    fn tad(&self, number: u64) -> ImportObject {
        let mut value = self.tad.clone();
        value["activityId"] = json!(format!(
            "activity-{:08x}",
            (number as u32).wrapping_mul(0x9e37_79b1)
        ));
        value["consignmentIds"] = json!([format!("consignment-{number}")]);
        value["mode"] = json!(["Road", "Rail", "Sea", "Air"][number as usize % 4]);
        value["origin"]["city"] = json!(format!("City {}", number % 1000));
        value["destination"]["city"] = json!(format!("Town {}", number % 997));
        value["departureAt"] = json!(moment(1_600_000_000 + number * 60));
        value["arrivalAt"] = json!(moment(1_600_000_000 + number * 60 + 36_000));
        object(ImportKind::Tad, value)
    }
}

fn moment(seconds: u64) -> String {
    jiff::Timestamp::from_second(i64::try_from(seconds).expect("a moment"))
        .expect("a moment")
        .to_string()
}

fn object(kind: ImportKind, value: Value) -> ImportObject {
    let json = Bytes::from(value.to_string());
    ImportObject { kind, value, json }
}

pub(crate) fn database_url(server: &str, name: &str) -> String {
    let mut url: url::Url = server.parse().expect("a URL");
    url.set_path(name);
    url.into()
}

pub(crate) async fn make_database(server: &str, name: &str) {
    let mut connection = PgConnection::connect(server).await.expect("a server");
    // There already from another run.
    let _ = connection
        .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .await;
}
