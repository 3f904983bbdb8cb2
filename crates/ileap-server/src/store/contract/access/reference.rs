//! A long walk through random changes, after each of which every role sees what the plain reading of the rules
//! says.

use std::collections::{BTreeMap, BTreeSet};

use super::{super::dice::Dice, *};

const STEPS: usize = 60;

/// What is stored, and the rules, as plainly as can be.
#[derive(Default)]
struct World {
    footprints: BTreeMap<String, Value>,
    tads: BTreeMap<String, Value>,
    rules: BTreeSet<(String, AccessRule)>,
    prefix: String,
    /// Of its own, so that its times open nothing of another walk.
    year: u64,
}

pub(super) async fn walk(store: &dyn Store, seed: u64) {
    let mut dice = Dice::new(seed);
    let mut world = World {
        prefix: format!("walk{seed}"),
        year: 2040 + seed,
        ..World::default()
    };
    let mut opened: BTreeSet<String> = BTreeSet::new();
    for step in 0..STEPS {
        match dice.below(8) {
            0..=2 => world.allow(store, &mut dice).await,
            3 => world.disallow(store, &mut dice).await,
            4..=6 => world.write(store, &mut dice).await,
            _ => world.remove_tad(store, &mut dice).await,
        }
        for recipient in world.recipients() {
            for role in [Role::User, Role::Organizer, Role::Operator] {
                let (listed, activities) = world.seen(store, role, &recipient).await;
                let expected = world.footprints_for(role, &recipient);
                assert_eq!(
                    listed, expected,
                    "seed {seed} step {step} {role:?} {recipient} {:?}",
                    world.rules
                );
                assert_eq!(
                    activities,
                    world.tads_for(&recipient),
                    "seed {seed} step {step}"
                );
                world
                    .fetches_agree(store, role, &recipient, &expected)
                    .await;
                opened.extend(expected);
            }
        }
    }
    assert!(opened.len() >= 6, "the walk opened only {opened:?}");
}

impl World {
    fn recipients(&self) -> [String; 2] {
        ["a", "b"].map(|name| format!("{}-{name}", self.prefix))
    }

    fn name(&self, kind: &str, number: u64) -> String {
        format!("{}-{kind}-{number}", self.prefix)
    }

    fn rule(&self, dice: &mut Dice) -> (String, AccessRule) {
        let number = dice.below(4);
        let day = |number: u64| {
            format!("{}-01-{:02}T00:00:00Z", self.year, number + 1)
                .parse()
                .unwrap()
        };
        let rule = match dice.below(9) {
            // Whoever has it sees the rest of the store, too.
            8 => AccessRule::Everything,
            0 => AccessRule::Footprint(self.id(dice.below(8)).parse().unwrap()),
            1 | 2 => AccessRule::Shipment(self.name("shipment", number)),
            3 => AccessRule::Toc(self.name("toc", number % 2)),
            4 => AccessRule::Hoc(self.name("hoc", number % 2)),
            5 => AccessRule::Consignment(self.name("consignment", number)),
            6 => AccessRule::Tad(self.name("tad", number)),
            _ => AccessRule::Period(Period {
                from: Some(day(number)),
                until: Some(day(number + 1 + dice.below(3))),
            }),
        };
        let [a, b] = self.recipients();
        (if dice.below(2) == 0 { a } else { b }, rule)
    }

    async fn allow(&mut self, store: &dyn Store, dice: &mut Dice) {
        let (recipient, rule) = self.rule(dice);
        let added = store
            .allow(&recipient, std::slice::from_ref(&rule))
            .await
            .unwrap();
        assert_eq!(added == 1, self.rules.insert((recipient, rule)));
    }

    async fn disallow(&mut self, store: &dyn Store, dice: &mut Dice) {
        let mut rules = self.rules.iter();
        let Some((recipient, rule)) = rules.find(|_| dice.below(4) == 0).cloned() else {
            return;
        };
        let removed = store
            .disallow(&recipient, std::slice::from_ref(&rule))
            .await;
        assert_eq!(removed.unwrap(), 1);
        self.rules.remove(&(recipient, rule));
    }

    /// Numbers 0 to 3 are shipments, 4 and 5 TOCs, 6 and 7 HOCs.
    fn id(&self, number: u64) -> String {
        let seed = &self.prefix[4..];
        format!("00000000-0000-4000-8{seed:0>3}-{number:012x}")
    }

    /// Imports a few objects together, the same footprint in several versions among them.
    async fn write(&mut self, store: &dyn Store, dice: &mut Dice) {
        let mut objects = Vec::new();
        for _ in 0..dice.below(4) {
            objects.push(self.new_footprint(dice));
        }
        let footprints = objects.len();
        if footprints == 0 || dice.below(3) == 0 {
            objects.push(self.new_tad(dice));
        }
        let imported = store.import(&objects).await.unwrap();
        // Activity data may be what it was.
        assert!(imported.added + imported.updated >= footprints);
        assert_eq!(
            imported.added + imported.updated + imported.unchanged,
            objects.len()
        );
    }

    fn new_footprint(&mut self, dice: &mut Dice) -> ImportObject {
        let number = dice.below(8);
        let id = self.id(number);
        let kind = match number {
            0..=3 => "shipmentId",
            4 | 5 => "tocId",
            _ => "hocId",
        };
        let mut footprint = self.footprints.get(&id).cloned().unwrap_or_else(|| {
            let all = footprints();
            let like = all
                .iter()
                .find(|one| one["extensions"][0]["data"].get(kind).is_some());
            let mut new = like.unwrap().clone();
            new["id"] = json!(id);
            new["extensions"][0]["data"][kind] = json!(match number {
                0..=3 => self.name("shipment", number),
                4 | 5 => self.name("toc", number - 4),
                _ => self.name("hoc", number - 6),
            });
            new
        });
        let version = footprint["version"].as_u64().unwrap() + 1;
        footprint["version"] = json!(version);
        let updated = Timestamp::from_second(2_000_000_000).unwrap();
        let updated = updated + jiff::SignedDuration::from_secs(i64::try_from(version).unwrap());
        footprint["updated"] = json!(updated.to_string());
        let starts = dice.below(4);
        let day = |number: u64| format!("{}-01-{:02}T00:00:00Z", self.year, number + 1);
        footprint["pcf"]["referencePeriodStart"] = json!(day(starts));
        footprint["pcf"]["referencePeriodEnd"] = json!(day(starts + 1));
        if kind == "shipmentId" {
            self.change_shipment(&mut footprint, dice);
        }
        self.footprints.insert(id, footprint.clone());
        object(footprint)
    }

    fn change_shipment(&self, footprint: &mut Value, dice: &mut Dice) {
        let data = &mut footprint["extensions"][0]["data"];
        let shipment = data["shipmentId"].clone();
        let like = data["tces"][0].clone();
        let tces = (0..=dice.below(3)).map(|place| {
            let mut tce = like.clone();
            tce["shipmentId"] = shipment.clone();
            tce["tceId"] = json!(format!("tce-{place}"));
            tce["consignmentId"] = json!(self.name("consignment", dice.below(4)));
            for (member, kind) in [("tocId", "toc"), ("hocId", "hoc")] {
                tce.as_object_mut().unwrap().remove(member);
                if dice.below(2) == 0 {
                    tce[member] = json!(self.name(kind, dice.below(2)));
                }
            }
            tce
        });
        data["tces"] = tces.collect();
    }

    fn new_tad(&mut self, dice: &mut Dice) -> ImportObject {
        let id = self.name("tad", dice.below(4));
        let mut tad = tads()[0].clone();
        tad["activityId"] = json!(id);
        let consignments: Vec<_> = (0..dice.below(3))
            .map(|_| self.name("consignment", dice.below(4)))
            .collect();
        tad["consignmentIds"] = json!(consignments);
        let departs = dice.below(4);
        tad["departureAt"] = json!(format!("{}-01-{:02}T06:00:00Z", self.year, departs + 1));
        tad["arrivalAt"] = json!(format!("{}-01-{:02}T00:00:00Z", self.year, departs + 2));
        let json = Bytes::from(tad.to_string());
        let kind = ImportKind::Tad;
        self.tads.insert(id, tad.clone());
        ImportObject {
            kind,
            value: tad,
            json,
        }
    }

    /// What a recipient sees of this world; a rule may open the rest of the store, too.
    async fn seen(
        &self,
        store: &dyn Store,
        role: Role,
        recipient: &str,
    ) -> (Vec<String>, Vec<String>) {
        let sees_everything = self.names(recipient, |rule| *rule == AccessRule::Everything);
        let limit = if sees_everything { 40 } else { 3 };
        let (mut listed, mut activities) = seen_in_pages(store, role, recipient, limit).await;
        listed.retain(|id| self.footprints.contains_key(id));
        activities.retain(|id| self.tads.contains_key(id));
        listed.sort();
        (listed, activities)
    }

    async fn remove_tad(&mut self, store: &dyn Store, dice: &mut Dice) {
        let id = self.name("tad", dice.below(4));
        let mut transaction = store.begin_import().await.unwrap();
        let removed = transaction.delete_tad(&id).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(removed, self.tads.remove(&id).is_some());
    }

    fn names(&self, recipient: &str, names: impl Fn(&AccessRule) -> bool) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|(whose, rule)| whose == recipient && names(rule))
    }

    fn is_named(&self, recipient: &str, footprint: &Value) -> bool {
        let data = &footprint["extensions"][0]["data"];
        let instant = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
        self.names(recipient, |rule| match rule {
            AccessRule::Footprint(id) => footprint["id"] == id.to_string(),
            AccessRule::Shipment(id) => data["shipmentId"] == **id,
            AccessRule::Toc(id) => data["tocId"] == **id,
            AccessRule::Hoc(id) => data["hocId"] == **id,
            AccessRule::Consignment(id) => data["tces"]
                .as_array()
                .is_some_and(|tces| tces.iter().any(|tce| tce["consignmentId"] == **id)),
            AccessRule::Period(period) => {
                instant(&footprint["pcf"]["referencePeriodStart"]) < period.until.unwrap()
                    && instant(&footprint["pcf"]["referencePeriodEnd"]) > period.from.unwrap()
            }
            AccessRule::Everything => true,
            AccessRule::Tad(_) => false,
        })
    }

    fn is_referred_to(&self, recipient: &str, footprint: &Value) -> bool {
        let data = &footprint["extensions"][0]["data"];
        self.footprints.values().any(|shipment| {
            let tces = shipment["extensions"][0]["data"]["tces"].as_array();
            let refers = tces.into_iter().flatten().any(|tce| {
                (data["tocId"].is_string() && tce["tocId"] == data["tocId"])
                    || (data["hocId"].is_string() && tce["hocId"] == data["hocId"])
            });
            refers && self.is_named(recipient, shipment)
        })
    }

    fn footprints_for(&self, role: Role, recipient: &str) -> Vec<String> {
        let sees = |footprint: &Value| {
            let named = self.is_named(recipient, footprint);
            let referred = self.is_referred_to(recipient, footprint);
            let is_shipment = footprint["extensions"][0]["data"]
                .get("shipmentId")
                .is_some();
            match role {
                Role::User => (is_shipment && named) || referred,
                Role::Organizer => !is_shipment && (named || referred),
                _ => named || referred,
            }
        };
        let visible = self
            .footprints
            .iter()
            .filter(|(_, footprint)| sees(footprint));
        visible.map(|(id, _)| id.clone()).collect()
    }

    fn tads_for(&self, recipient: &str) -> Vec<String> {
        let instant = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
        let sees = |tad: &Value| {
            self.names(recipient, |rule| match rule {
                AccessRule::Tad(id) => tad["activityId"] == **id,
                AccessRule::Consignment(id) => {
                    let ids = tad["consignmentIds"].as_array().unwrap();
                    ids.iter().any(|one| one == id)
                }
                AccessRule::Period(period) => {
                    instant(&tad["departureAt"]) < period.until.unwrap()
                        && instant(&tad["arrivalAt"]) >= period.from.unwrap()
                }
                AccessRule::Everything => true,
                _ => false,
            })
        };
        let visible = self.tads.iter().filter(|(_, tad)| sees(tad));
        visible.map(|(id, _)| id.clone()).collect()
    }

    async fn fetches_agree(
        &self,
        store: &dyn Store,
        role: Role,
        recipient: &str,
        expected: &[String],
    ) {
        let visibility = Visibility::of(&principal(&[role], recipient), store)
            .await
            .unwrap();
        for id in self.footprints.keys() {
            let found = store.footprint(&visibility, id).await.unwrap().is_some();
            assert_eq!(found, expected.contains(id), "{role:?} {id}");
        }
    }
}
