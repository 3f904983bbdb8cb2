//! Who uses the servers, who attacks them, and what breaks.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    clerk::{Clerk, Mood},
    instance::Instance,
    network::Road,
    records::Health,
    world::{INSTANCES, World, lock},
};
use crate::identity::{ClientCredentials, ClientId, ClientSecret, PresentedCredentials};

/// How many accounts belong to partners whose jobs log in.
const PARTNERS: usize = 3;
/// One more account, which nobody but attackers tries.
const ACCOUNTS: usize = PARTNERS + 1;
/// How long things go wrong.
const CHAOS: Duration = Duration::from_mins(4);
/// How long after everything is well again a partner is in again, at the latest: an attempt of which nobody knows
/// whether it failed counts for an hour, and an address has one try in an hour.
const HEALED: Duration = Duration::from_mins(65);
/// How long a caller waits who waits for the answer.
const PATIENT: Duration = Duration::from_mins(10);

/// The servers that run.
pub(super) type Servers = [Mutex<Option<Arc<Instance>>>; INSTANCES];

/// A whole run.
pub(super) async fn run(world: Arc<World>) {
    for number in 0..ACCOUNTS {
        // A secret that reads differently once decoded.
        world
            .clerk
            .register(&email(number), &format!("right+{number}%41"));
    }
    let servers: Arc<Servers> = Arc::new(std::array::from_fn(|number| {
        Mutex::new(Some(Arc::new(Instance::start(&world, number))))
    }));
    // In peace everybody logs in once, with every server.
    for partner in 0..PARTNERS {
        for number in 0..INSTANCES {
            let accepted = log_in(&world, &servers, partner, number, PATIENT).await;
            if accepted != Some(true) {
                world.accuse(format_args!(
                    "partner {partner} cannot log in though nothing is wrong"
                ));
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    }
    let chaos = world.paced(CHAOS);
    let peace = tokio::time::Instant::now() + chaos;
    let mut jobs = Vec::new();
    for partner in 0..PARTNERS {
        jobs.push(tokio::spawn(work(world.clone(), servers.clone(), partner)));
    }
    let attack = tokio::spawn(attack(world.clone(), servers.clone()));
    while tokio::time::Instant::now() < peace {
        tokio::time::sleep(world.paced(world.up_to(12_000))).await;
        turn(&world, &servers).await;
    }
    for job in jobs {
        job.abort();
    }
    heal(&world, &servers);
    recover(&world, &servers).await;
    attack.abort();
}

/// A partner's job: it logs in, now here, now there.
async fn work(world: Arc<World>, servers: Arc<Servers>, partner: usize) {
    loop {
        tokio::time::sleep(world.paced(world.up_to(20_000))).await;
        let number = usize::try_from(world.below(INSTANCES as u64)).unwrap();
        let patience = if world.chance(30) {
            world.up_to(3000)
        } else {
            PATIENT
        };
        let (world, servers) = (world.clone(), servers.clone());
        tokio::spawn(async move { log_in(&world, &servers, partner, number, patience).await });
    }
}

async fn log_in(
    world: &World,
    servers: &Servers,
    partner: usize,
    number: usize,
    patience: Duration,
) -> Option<bool> {
    let server = lock(&servers[number]).clone()?;
    let presented = presented(&email(partner), &world.clerk.secret(partner));
    server
        .ask(world, &presented, address(113, partner), patience)
        .await
}

/// Guesses, old secrets and invented names, from a few addresses.
async fn attack(world: Arc<World>, servers: Arc<Servers>) {
    loop {
        let pause = if world.chance(20) { 0 } else { 6000 };
        let pause = world.paced(world.up_to(pause)) + Duration::from_millis(1);
        tokio::time::sleep(pause * world.lull()).await;
        let account = usize::try_from(world.below(ACCOUNTS as u64)).unwrap();
        let (name, secret) = match world.below(10) {
            0 => (
                format!("nobody-{}@acme.example", world.below(5)),
                "right".to_owned(),
            ),
            1 => {
                let former = world.clerk.former_secret(account);
                (email(account), former.unwrap_or_else(|| "guess".to_owned()))
            }
            2 => (
                email(account).to_uppercase(),
                format!("guess+{}", world.below(1000)),
            ),
            _ => (email(account), format!("guess-{}", world.below(1000))),
        };
        let source = address(7, usize::try_from(world.below(8)).unwrap());
        let number = usize::try_from(world.below(INSTANCES as u64)).unwrap();
        let patience = if world.chance(30) {
            world.up_to(3000)
        } else {
            PATIENT
        };
        let Some(server) = lock(&servers[number]).clone() else {
            continue;
        };
        let world = world.clone();
        tokio::spawn(async move {
            server
                .ask(&world, &presented(&name, &secret), source, patience)
                .await
        });
    }
}

/// One thing changes, mostly for the worse.
async fn turn(world: &Arc<World>, servers: &Servers) {
    let number = usize::try_from(world.below(INSTANCES as u64)).unwrap();
    match world.below(10) {
        0..=2 => {
            let mood = *world.one_of(&[
                Mood::Fair,
                Mood::Throttling(None),
                Mood::Throttling(Some(world.below(90))),
                Mood::Failing(*world.one_of(&[500, 502, 503])),
                Mood::FailingLate(*world.one_of(&[500, 502, 504])),
                Mood::Babbling,
                Mood::Breaking,
                Mood::Silent,
                Mood::Slow,
            ]);
            let percent = *world.one_of(&[30, 70, 100]);
            world.tell(format_args!(
                "Clerk becomes {mood:?}, {percent} of a hundred"
            ));
            world.clerk.set_mood(mood, percent);
        }
        3..=5 => {
            let late = *world.one_of(&[300, 4000, 20_000]);
            let road = *world.one_of(&[
                Road::Fair,
                Road::Refused,
                Road::Cut,
                Road::Lossy,
                Road::Held(late),
                Road::Resetting,
            ]);
            world.tell(format_args!(
                "the road of instance {number} becomes {road:?}"
            ));
            world.links[number].set_road(road);
        }
        6 => {
            let health = *world.one_of(&[
                Health::Fair,
                Health::Fair,
                Health::Down,
                Health::Forgetful,
                Health::Slow,
            ]);
            world.tell(format_args!("the store becomes {health:?}"));
            world.shelf.set_health(health);
        }
        7..=8 => {
            let server = lock(&servers[number]).take();
            world.tell(format_args!("instance {number} stops or starts"));
            match server {
                Some(server) => server.crash(world),
                None if world.shelf.is_there() => start(world, servers, number),
                None => {}
            }
        }
        _ => change_account(world, servers, number).await,
    }
}

/// A password changes, or an account is banned or not any longer; Clerk tells of it, or does not.
async fn change_account(world: &Arc<World>, servers: &Servers, number: usize) {
    let account = usize::try_from(world.below(PARTNERS as u64)).unwrap();
    if world.chance(60) {
        let secret = format!("right+{account}%41-{}", world.below(1000));
        world.tell(format_args!(
            "the secret of account {account} becomes {secret}"
        ));
        world.clerk.change_secret(account, &secret, world.now());
    } else {
        let is_banned = world.chance(50);
        world.tell(format_args!("account {account} is banned: {is_banned}"));
        world.clerk.set_banned(account, is_banned, world.now());
    }
    let server = lock(&servers[number]).clone();
    if let Some(server) = server
        && world.chance(80)
    {
        server.hear(&Clerk::subject(account)).await;
    }
}

/// Everything is well again, save that the attack goes on.
fn heal(world: &Arc<World>, servers: &Servers) {
    world.tell(format_args!("everything is well again"));
    world.be_well();
    world.clerk.set_mood(Mood::Fair, 0);
    world.shelf.set_health(Health::Fair);
    for (number, link) in world.links.iter().enumerate() {
        link.set_road(Road::Fair);
        if lock(&servers[number]).is_none() {
            start(world, servers, number);
        }
    }
    for account in 0..ACCOUNTS {
        world.clerk.set_banned(account, false, world.now());
    }
}

/// Every partner, known to be good from the first, gets in again with every server.
async fn recover(world: &Arc<World>, servers: &Servers) {
    let all = (0..PARTNERS).flat_map(|partner| (0..INSTANCES).map(move |number| (partner, number)));
    let all = all.map(|(partner, number)| get_in_again(world, servers, partner, number));
    futures_util::future::join_all(all).await;
}

async fn get_in_again(world: &Arc<World>, servers: &Servers, partner: usize, number: usize) {
    let latest = tokio::time::Instant::now() + HEALED;
    while log_in(world, servers, partner, number, PATIENT).await != Some(true) {
        if tokio::time::Instant::now() > latest {
            if world.clerk.is_spent(partner) {
                world.tell(format_args!("partner {partner} is kept out by failures"));
                return;
            }
            world.accuse(format_args!(
                "partner {partner} never gets in again at instance {number}"
            ));
            return;
        }
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
}

fn start(world: &Arc<World>, servers: &Servers, number: usize) {
    *lock(&servers[number]) = Some(Arc::new(Instance::start(world, number)));
}

fn email(account: usize) -> String {
    format!("ops-{account}@acme.example")
}

fn address(network: u8, host: usize) -> IpAddr {
    Ipv4Addr::new(203, 0, network, u8::try_from(host).unwrap() + 1).into()
}

/// As a Basic header is read: as it stands, and decoded where that makes a difference.
fn presented(client_id: &str, secret: &str) -> PresentedCredentials {
    let read = |secret: &str| ClientCredentials {
        client_id: ClientId::new(client_id).unwrap(),
        client_secret: ClientSecret::new(secret).unwrap(),
    };
    let decoded = secret.replace('+', " ").replace("%41", "A");
    PresentedCredentials {
        raw: read(secret),
        form_decoded: (decoded != secret).then(|| read(&decoded)),
    }
}
