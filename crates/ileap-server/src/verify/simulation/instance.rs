//! One server, as far as logins are concerned: the verifiers in the order in which the real one has them.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use tokio::{task::AbortHandle, time::timeout};

use super::{
    network::{self, CALLS, WINDOW},
    records::Access,
    world::{SimulatedClock, World, lock},
};
use crate::{
    clerk::{backend::BackendApi, gate::Gate},
    clock::Clock,
    identity::PresentedCredentials,
    outbound::{self, OutboundOptions, Roots},
    store::logins::{Invalidation, InvalidationMark, LoginRecords, News},
    telemetry::Metrics,
    verify::{
        CredentialVerifier, Verdict,
        budget::{BudgetOptions, Budgeted, Rate, WindowOptions},
        clerk_backend::{ClerkBackendOptions, ClerkBackendVerifier},
        encodings::{EncodingMemory, verify_presented},
        known_good::{KnownGood, KnownGoodOptions},
    },
};

/// How long a request may take before something is stuck.
const STUCK: Duration = Duration::from_mins(2);

/// One life of a server.
pub(super) struct Instance {
    access: Arc<Access>,
    began: Duration,
    clock: Arc<SimulatedClock>,
    encodings: EncodingMemory,
    number: usize,
    /// When it heard last that something of a subject has changed.
    heard: Arc<Mutex<HashMap<String, Duration>>>,
    tasks: Vec<AbortHandle>,
    verifier: Arc<KnownGood>,
}

impl Instance {
    pub(super) fn start(world: &Arc<World>, number: usize) -> Self {
        let life = world.links[number].end_life();
        let ahead = Duration::from_millis(700) * u32::try_from(number).unwrap();
        let clock = Arc::new(SimulatedClock::new(world, ahead));
        let access = Arc::new(Access {
            life,
            number,
            world: Arc::clone(world),
        });
        let verifier = Arc::new(verifier((number, life), clock.clone(), access.clone()));
        let heard = Arc::<Mutex<HashMap<_, _>>>::default();
        let following = follow(
            world.clone(),
            access.clone(),
            verifier.clone(),
            heard.clone(),
        );
        let tending = Arc::clone(&verifier);
        let tasks = [
            tokio::spawn(following).abort_handle(),
            tokio::spawn(async move {
                tending.probe().await;
                tending.tend().await;
            })
            .abort_handle(),
        ];
        Self {
            access,
            began: world.now(),
            clock,
            encodings: EncodingMemory::new(),
            number,
            heard,
            tasks: tasks.into(),
            verifier,
        }
    }

    /// Whether the credentials are accepted; `None` when that is not known by the time the caller gives up.
    pub(super) async fn ask(
        &self,
        world: &World,
        presented: &PresentedCredentials,
        source: IpAddr,
        patience: Duration,
    ) -> Option<bool> {
        let asked = world.now();
        let answer = verify_presented(&*self.verifier, presented, source, &self.encodings);
        let Ok(answer) = timeout(patience.min(STUCK), answer).await else {
            if patience >= STUCK {
                world.accuse(format_args!("instance {} never answers", self.number));
            }
            return None;
        };
        let client_id = presented.raw.client_id.as_str();
        world.tell(format_args!(
            "instance {} answers {client_id} from {source}: {answer:?}",
            self.number
        ));
        let Ok(Verdict::Accept(client)) = &answer else {
            return Some(false);
        };
        let heard = lock(&self.heard).get(&client.subject).copied();
        let since = heard.filter(|heard| *heard < asked).unwrap_or(self.began);
        let readings = [Some(&presented.raw), presented.form_decoded.as_ref()];
        let secrets: Vec<_> = readings
            .into_iter()
            .flatten()
            .filter(|reading| reading.client_id == client.client_id)
            .map(|reading| reading.client_secret.expose())
            .collect();
        let who = (client.subject.as_str(), client.client_id.as_str());
        if !world.clerk.could_log_in(who, &secrets, since) {
            world.accuse(format_args!(
                "instance {} accepts {client_id}, whose secret was never right since {since:?}",
                self.number
            ));
        }
        Some(true)
    }

    /// Tells what Clerk's webhook tells; whether it was taken.
    pub(super) async fn hear(&self, subject: &str) -> bool {
        let invalidation = Invalidation::Subject(subject.to_owned());
        let published = self
            .access
            .invalidate(&invalidation, self.clock.now())
            .await;
        published.is_ok()
    }

    /// Ends as a process does that is killed.
    pub(super) fn crash(&self, world: &World) {
        if world.links[self.number].was_let_down() {
            world.lose();
        }
        world.links[self.number].end_life();
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Nothing goes through it, and it takes long to make.
static HTTP: OnceLock<reqwest::Client> = OnceLock::new();

fn verifier(
    (number, life): (usize, u64),
    clock: Arc<dyn Clock>,
    records: Arc<Access>,
) -> KnownGood {
    let limit = |limit| WindowOptions {
        limit,
        period: WINDOW,
        patience: Duration::from_secs(1),
    };
    let http = HTTP.get_or_init(|| {
        let client = outbound::client(&OutboundOptions {
            roots: Roots::None,
            ..OutboundOptions::default()
        });
        client.unwrap()
    });
    let gate = Gate::new(Some(limit(CALLS)), None, clock.clone());
    let url = network::address(number, life);
    let api = BackendApi::new(&url, "sk_test_simulated", http.clone(), Arc::new(gate));
    let clerk = ClerkBackendVerifier::new(api, ClerkBackendOptions::default(), clock.clone());
    let options = BudgetOptions {
        failures_per_address: Rate {
            burst: 6,
            period: Duration::from_mins(1),
        },
        logins: Some(limit(CALLS / 4)),
        ..BudgetOptions::default()
    };
    let budgeted = Budgeted::new(Arc::new(clerk.unwrap()), options, records, clock.clone());
    let options = KnownGoodOptions {
        fresh_for: Duration::from_secs(20),
        stale_for: Duration::from_mins(2),
    };
    KnownGood::new(Arc::new(budgeted), options, clock, Arc::new(Metrics::new())).unwrap()
}

/// Follows what is invalidated, as `crate::invalidation` does.
async fn follow(
    world: Arc<World>,
    access: Arc<Access>,
    verifier: Arc<KnownGood>,
    heard: Arc<Mutex<HashMap<String, Duration>>>,
) {
    let begun = access.invalidations(None).await;
    let mut mark = begun.map_or(InvalidationMark(0), |(_, mark)| mark);
    loop {
        if let Ok((news, next)) = access.invalidations(Some(mark)).await {
            mark = next;
            for one in news {
                let News::Invalidated(invalidation) = one else {
                    continue;
                };
                world.tell(format_args!(
                    "instance {} hears of {invalidation:?}",
                    access.number
                ));
                verifier.forget(&invalidation);
                if let Invalidation::Subject(subject) = invalidation {
                    lock(&heard).insert(subject, world.now());
                }
            }
        }
        tokio::time::sleep(world.paced(Duration::from_secs(1)) * world.lull()).await;
    }
}
