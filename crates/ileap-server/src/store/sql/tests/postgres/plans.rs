//! How PostgreSQL goes about pages and counts, among so many rows that it matters.

use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::{
    super::super::{database::Connections, dialect::Dialect, import::around_statement},
    *,
};
use crate::{
    access::AccessRule,
    store::{Position, access::AccessRules as _},
};

/// Twenty thousand footprints, of which one in ten is a TOC, and one in ten a shipment; half of those granted to
/// `org_many`, and those among the first ten to `org_few`. All are of one country and three categories.
const ROWS: [&str; 5] = [
    "INSERT INTO footprints (id, version, created, updated, status, kind, object_id, cpc, country, period_start, \
     period_end, json) \
     SELECT md5(n::text), 1, n * 1000, n * 1000, 'Active', \
     CASE n % 10 WHEN 0 THEN 'toc' WHEN 1 THEN 'shipment' ELSE 'generic' END, 'object-' || n, \
     'cpc-' || n % 3, 'C', n * 1000, n * 1000 + 500, convert_to(repeat(md5(n::text), 60), 'UTF8') \
     FROM generate_series(1, 20000) AS n",
    "INSERT INTO footprint_ids (list, value, created, footprint, kind) \
     SELECT 'product', 'group-' || (version + created / 1000) % 3, created, id, kind FROM footprints",
    "INSERT INTO footprint_grants (recipient, created, footprint, kind, by_rule, by_shipment) \
     SELECT 'org_many', created, id, kind, 1, 0 FROM footprints WHERE kind <> 'generic' AND created % 20000 <= 1000",
    "INSERT INTO footprint_grants (recipient, created, footprint, kind, by_rule, by_shipment) \
     SELECT 'org_few', created, id, kind, 1, 0 FROM footprints WHERE kind <> 'generic' AND created <= 10000",
    "ANALYZE",
];
/// As many activities, a quarter by road and all from one city.
const ACTIVITIES: [&str; 3] = [
    "INSERT INTO tads (activity_id, json) SELECT md5(n::text), convert_to(repeat(md5(n::text), 60), 'UTF8') \
     FROM generate_series(1, 20000) AS n",
    "INSERT INTO tad_fields (path, key, activity_id) \
     SELECT path, CASE path WHEN 'mode' THEN 'mode ' || ascii(activity_id) % 4 ELSE 'city' END, activity_id \
     FROM tads, (VALUES ('mode'), ('origin.city'), ('destination.city')) AS of (path)",
    "ANALYZE",
];

/// A database with many rows.
struct Many {
    store: SqlStore,
    /// Set as those are that read.
    reader: PgConnection,
    database: TestDatabase,
}

impl Many {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let store = open(&database).await;
        let mut connection = database.connect().await;
        for statement in ROWS.into_iter().chain(ACTIVITIES) {
            connection.execute(statement).await.unwrap();
        }
        Self {
            reader: Self::reader(&store).await,
            store,
            database,
        }
    }

    async fn reader(store: &SqlStore) -> PgConnection {
        let Connections::Postgres(readers) = &store.readers.connections else {
            panic!("{store:?}");
        };
        readers.acquire().await.unwrap().detach()
    }

    async fn visibility(&self, role: Role, recipient: &str) -> Visibility {
        let principal = contract::principal(&[role], recipient);
        Visibility::of(&principal, &self.store).await.unwrap()
    }

    async fn plan(&mut self, query: Builder) -> String {
        self.explained(query.build().explained_for_any_values())
            .await
    }

    async fn explained(&mut self, [prepare, explain, forget]: [String; 3]) -> String {
        let connection = &mut self.reader;
        connection.execute(AssertSqlSafe(prepare)).await.unwrap();
        let lines = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut *connection);
        let lines = lines.await.unwrap();
        connection.execute(AssertSqlSafe(forget)).await.unwrap();
        let lines = lines.iter().map(|line| line.get::<String, _>(0));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// How a page is read that follows the first lead, and how that lead's entries are counted.
    async fn plans(
        &mut self,
        visibility: &Visibility,
        (filter, after): (&str, Option<&str>),
    ) -> [String; 2] {
        let page = page(after);
        let filter = FootprintFilter::parse(filter).unwrap();
        let leads = lead::of_footprints(&filter, visibility);
        let lead = leads.first().copied();
        let read = query::footprints(Dialect::Postgres, visibility, &filter, (&page, lead));
        let read = self.plan(read.unwrap().unwrap()).await;
        let counted = match lead {
            Some(lead) => {
                let counts = lead::counts(Dialect::Postgres, (&[lead], 500), visibility);
                self.plan(counts).await
            }
            None => String::new(),
        };
        [read, counted]
    }
}

fn page(after: Option<&str>) -> PageQuery {
    PageQuery {
        offset: 0,
        limit: 10,
        after: after.map(|after| Position(after.to_owned())),
    }
}

/// Where a plan looks, and by what; no table is read as a whole.
fn looks(plan: &str) -> Vec<String> {
    assert!(!plan.contains("Seq Scan"), "{plan}");
    let lines = plan.lines().map(str::trim);
    let lines = lines.filter(|line| line.contains("Scan using") || line.starts_with("Index Cond"));
    let lines = lines.map(|line| {
        let line = line.trim_start_matches("->  ");
        line.split("  (cost").next().unwrap().to_owned()
    });
    lines.collect()
}

#[tokio::test]
async fn what_is_hidden_is_not_walked_over() {
    let mut many = Many::new().await;
    let rule = [AccessRule::Everything];
    many.store.allow("org", &rule).await.unwrap();
    let toc = [AccessRule::Toc("none".to_owned())];
    for recipient in ["org_many", "org_few"] {
        many.store.allow(recipient, &toc).await.unwrap();
    }
    for recipient in ["org_many", "org_few"] {
        for role in [Role::User, Role::Organizer, Role::Operator] {
            let visibility = many.visibility(role, recipient).await;
            for filter in [
                "created ge '1970-01-01T00:00:00Z'",
                "productIds/any(v:(v eq 'group-1'))",
                "productCategoryCpc eq 'cpc-1'",
            ] {
                let asked = (filter, Some("5000/x"));
                let [plan, counted] = many.plans(&visibility, asked).await;
                assert_eq!(counted, "", "nothing but what is granted is counted");
                let followed = match role {
                    Role::User => "footprint_grants_of_shipments",
                    Role::Organizer => "footprint_grants_of_categories",
                    _ => "footprint_grants_pkey",
                };
                let looks = looks(&plan);
                assert!(looks[0].contains(followed), "{role:?}: {plan}");
                assert!(!plan.contains("Sort Key: k"), "{role:?}: {plan}");
            }
            let id = "c4ca4238a0b923820dcc509a6f75849b";
            let one = query::footprint(Dialect::Postgres, &visibility, id).unwrap();
            let plan = many.plan(one).await;
            let looks = looks(&plan);
            assert!(looks[0].contains("footprint_grants_by_footprint"), "{plan}");
        }
    }
    for (role, of) in [(Role::Organizer, "categories"), (Role::Operator, "ileap")] {
        let visibility = many.visibility(role, "org").await;
        for (filter, index) in [
            (
                "productIds/any(v:(v eq 'group-1'))",
                format!("footprint_ids_of_{of}"),
            ),
            (
                "productCategoryCpc eq 'cpc-1'",
                format!("footprints_of_{of}_by_cpc"),
            ),
            (
                "pcf/geographyCountry eq 'C1'",
                format!("footprints_of_{of}_by_country"),
            ),
            (
                "updated lt '1970-01-01T00:00:00.001Z'",
                format!("footprints_of_{of}_by_update"),
            ),
            (
                "pcf/referencePeriodStart ge '2020-01-01T00:00:00Z'",
                format!("footprints_of_{of}_by_period"),
            ),
            (
                "pcf/referencePeriodEnd lt '1970-01-01T00:00:00Z'",
                format!("footprints_of_{of}_by_period_end"),
            ),
            (
                "created ge '1970-01-01T00:00:00Z'",
                format!("footprints_of_{of}"),
            ),
        ] {
            for plan in many.plans(&visibility, (filter, Some("5000/x"))).await {
                let found = looks(&plan);
                let mut walks = found.iter().filter(|line| line.contains("Scan using"));
                let is_it = |walk: &String| walk.contains(&format!(" {index} "));
                let is_one_look = |walk: &String| {
                    walk.contains("footprints_pkey") || walk.contains("footprints_of_ileap_by_id")
                };
                let is_uncounted = plan.is_empty() && filter.starts_with("created");
                assert!(is_uncounted || found.iter().any(is_it), "{role:?}: {plan}");
                assert!(
                    walks.all(|walk| is_it(walk) || is_one_look(walk)),
                    "{role:?}: {plan}"
                );
            }
        }
    }
}

#[tokio::test]
async fn footprints_are_read_by_the_index_of_the_lead_between_its_ends() {
    let mut many = Many::new().await;
    let visibility = Visibility::everything();
    let after = Some("5000/x");
    for (filter, after, index, condition) in [
        (
            "created ge '1970-01-01T00:00:00Z'",
            None,
            "footprints_in_order",
            "(created >= $1)",
        ),
        (
            "created lt '2020-01-01T00:00:00Z'",
            after,
            "footprints_in_order",
            "((created < $1) AND (ROW(created, id) > ROW($2, $3)))",
        ),
        (
            "pcf/geographyCountry eq 'DE'",
            None,
            "footprints_by_country",
            "((country >= $1) AND (country <= $2))",
        ),
        (
            "pcf/geographyCountry eq 'DE'",
            after,
            "footprints_by_country",
            "((country >= $1) AND (country <= $2) AND (ROW(country, created, id) > ROW($3, $4, $5)))",
        ),
        (
            "productCategoryCpc eq 'cpc-1' and created ge '1970-01-01T00:00:00Z'",
            None,
            "footprints_by_cpc",
            "((cpc >= $1) AND (cpc <= $2) AND (ROW(cpc, created) >= ROW($3, $4)))",
        ),
        (
            "productCategoryCpc eq 'cpc-1' and created eq '1970-01-01T00:00:00Z'",
            after,
            "footprints_by_cpc",
            "((cpc >= $1) AND (cpc <= $2) AND (ROW(cpc, created) <= ROW($4, $5)) \
             AND (ROW(cpc, created, id) > ROW($6, $7, $8)))",
        ),
        (
            "productIds/any(v:(v eq 'group-1')) and created le '2020-01-01T00:00:00Z'",
            after,
            "footprint_ids_pkey",
            "((list = 'product'::text) AND (value = $1) AND (created <= $2) AND (ROW(created, footprint) > ROW($3, $4)))",
        ),
        (
            "pcf/referencePeriodStart ge '2020-01-01T00:00:00Z'",
            after,
            "footprints_by_period",
            "(period_start >= $1)",
        ),
        (
            "pcf/referencePeriodEnd lt '2020-01-01T00:00:00Z'",
            None,
            "footprints_by_period_end",
            "(period_end < $1)",
        ),
        (
            "updated gt '2020-01-01T00:00:00Z'",
            None,
            "footprints_by_update",
            "(updated > $1)",
        ),
    ] {
        let [read, counted] = many.plans(&visibility, (filter, after)).await;
        let found = looks(&read);
        assert!(found[0].contains(&format!(" {index} ")), "{filter}: {read}");
        assert_eq!(found[1], format!("Index Cond: {condition}"), "{filter}");
        let is_sorted = read.contains("Sort Key: f.created");
        assert_eq!(
            is_sorted,
            condition.starts_with("(period") || condition.starts_with("(updated"),
            "{read}"
        );
        for look in looks(&counted)
            .iter()
            .filter(|look| look.contains("Scan using"))
        {
            assert!(look.contains(&format!(" {index} ")), "{filter}: {counted}");
        }
    }
}

/// Whoever has no rule may see nothing, and nothing is looked at.
#[tokio::test]
async fn for_whom_nothing_is_open_nothing_is_counted() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    let principal = contract::principal(&[Role::Operator], "org");
    let nothing = Visibility::of(&principal, &store).await.unwrap();
    let filter = "productIds/any(v:(v eq 'a')) and productCategoryCpc eq '1'";
    let filter = FootprintFilter::parse(filter).unwrap();
    assert!(lead::of_footprints(&filter, &nothing).is_empty());
    let filter = TadFilter::parse(&[("mode".to_owned(), "Road".to_owned())]).unwrap();
    assert!(lead::of_activities(&filter, &nothing).is_empty());
}

/// What is left of a list with little hidden is not read by an index of all, however much smaller its entries are.
#[tokio::test]
async fn a_list_is_read_by_the_index_of_its_role_where_hardly_anything_is_hidden() {
    let mut many = Many::new().await;
    let rule = [AccessRule::Everything];
    many.store.allow("org", &rule).await.unwrap();
    let mut connection = many.database.connect().await;
    for statement in [
        "UPDATE footprints SET kind = 'shipment' WHERE kind = 'generic' AND created > 1000000",
        "ANALYZE",
    ] {
        connection.execute(statement).await.unwrap();
    }
    let visibility = many.visibility(Role::Operator, "org").await;
    for after in [None, Some("5000/x")] {
        for filter in [
            "created ge '1970-01-01T00:00:00Z'",
            "created le '2020-01-01T00:00:00Z'",
        ] {
            let [plan, _] = many.plans(&visibility, (filter, after)).await;
            assert!(looks(&plan)[0].contains(" footprints_of_ileap "), "{plan}");
        }
    }
}

#[tokio::test]
async fn a_plan_that_was_made_for_empty_tables_is_right_for_full_ones() {
    let database = TestDatabase::new().await;
    let store = open(&database).await;
    let rule = [AccessRule::Everything];
    store.allow("org", &rule).await.unwrap();
    store
        .allow("org_few", &[AccessRule::Toc("x".to_owned())])
        .await
        .unwrap();
    let mut empty = Many {
        reader: Many::reader(&store).await,
        store,
        database,
    };
    for (role, recipient, index) in [
        (Role::Operator, "org", "footprints_of_ileap_by_id"),
        (Role::Organizer, "org", "footprints_of_ileap_by_id"),
        (Role::User, "org_few", "footprint_grants_by_footprint"),
    ] {
        let visibility = empty.visibility(role, recipient).await;
        let id = "c4ca4238a0b923820dcc509a6f75849b";
        let one = query::footprint(Dialect::Postgres, &visibility, id).unwrap();
        let plan = empty.plan(one).await;
        assert!(looks(&plan)[0].contains(index), "{role:?}: {plan}");
    }
    let visibility = empty.visibility(Role::User, "org_few").await;
    let filter = TadFilter::parse(&[]).unwrap();
    let granted = query::tads(
        Dialect::Postgres,
        &visibility,
        &filter,
        (&page(Some("tad/5")), None),
    );
    let plan = empty.plan(granted.unwrap().unwrap()).await;
    assert!(looks(&plan)[0].contains("tad_grants_pkey"), "{plan}");
}

#[tokio::test]
async fn what_stands_around_an_object_is_looked_up_by_its_ids() {
    let mut many = Many::new().await;
    let ids: Vec<_> = (0..64).map(|number| format!("object-{number}")).collect();
    let explain = around_statement("toc", &ids).explained_for_any_values();
    let plan = many.explained(explain).await;
    let condition = &looks(&plan)[1];
    assert!(condition.contains("object_id = ANY"), "{plan}");
}

#[tokio::test]
async fn after_an_import_that_changes_much_the_tables_are_known() {
    let database = TestDatabase::new().await;
    let store = open(&database).await;
    let known = async |table: &str| {
        let mut connection = database.connect().await;
        let asked =
            format!("SELECT reltuples::bigint FROM pg_class WHERE oid = '{table}'::regclass");
        let row = sqlx::raw_sql(AssertSqlSafe(asked))
            .fetch_one(&mut connection)
            .await;
        row.unwrap().get::<i64, _>(0)
    };
    let some: Vec<_> = (0..40)
        .map(|number| activity(&format!("{number}")))
        .collect();
    store.import(&some).await.unwrap();
    assert_eq!(known("tads").await, 40);
    assert!(known("tad_fields").await > 40);
    // One more is no news.
    store.import(&[activity("one more")]).await.unwrap();
    assert_eq!(known("tads").await, 40);
    // Whoever vacuums a table keeps no import waiting, and lets none fail.
    let mut vacuum = database.connect().await;
    let lock = "BEGIN; LOCK TABLE tads IN SHARE UPDATE EXCLUSIVE MODE";
    vacuum.execute(lock).await.unwrap();
    let more: Vec<_> = (0..40)
        .map(|number| activity(&format!("more {number}")))
        .collect();
    let import = store.import(&more);
    let import = tokio::time::timeout(std::time::Duration::from_secs(30), import).await;
    import.expect("an import that waits for nobody").unwrap();
    assert_eq!(known("tads").await, 40);
}

#[tokio::test]
async fn activities_are_read_by_the_index_of_the_lead() {
    let mut many = Many::new().await;
    let visibility = Visibility::everything();
    let query = page(Some("tad/5"));
    for (pairs, index, condition, times) in [
        (vec![], "tads_pkey", "(activity_id > $1)", 1),
        (
            vec![("mode", "Road"), ("origin.city", "Rome")],
            "tad_fields_pkey",
            "((ROW(path, key) >= ROW($1, $2)) AND (ROW(path, key) <= ROW($3, $4)) \
             AND (ROW(path, key, activity_id) > ROW($7, $8, $9)))",
            1,
        ),
        (
            vec![("city", "Rome")],
            "tad_fields_pkey",
            "AND (ROW(path, key, activity_id) > ",
            2,
        ),
    ] {
        let pairs: Vec<_> = pairs
            .into_iter()
            .map(|(name, value): (&str, &str)| (name.to_owned(), value.to_owned()))
            .collect();
        let filter = TadFilter::parse(&pairs).unwrap();
        let leads = lead::of_activities(&filter, &visibility);
        let lead = leads.first().copied();
        let asked = query::tads(Dialect::Postgres, &visibility, &filter, (&query, lead));
        let plan = many.plan(asked.unwrap().unwrap()).await;
        let found = looks(&plan);
        assert!(found[0].contains(index), "{plan}");
        assert_eq!(plan.matches(condition).count(), times, "{plan}");
        assert!(!plan.contains("Sort Key: t"), "{plan}");
        if let Some(lead) = lead {
            let counts = lead::counts(Dialect::Postgres, (&[lead], 500), &visibility);
            let plan = many.plan(counts).await;
            let conditions = looks(&plan).join("\n");
            assert!(conditions.contains("(path = $1) AND (key = $2)"), "{plan}");
        }
    }
}
