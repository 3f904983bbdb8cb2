//! The way from each instance to Clerk.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::FutureExt as _;
use reqwest::Request;
use tokio::sync::oneshot;
use url::Url;

use super::{
    clerk::{Call, Reply},
    world::{World, lock},
};
use crate::outbound::{OutboundError, simulated::Carried};

/// The calls that one instance may make in ten seconds.
pub(super) const CALLS: usize = 12;
pub(super) const WINDOW: Duration = Duration::from_secs(10);
/// What our client waits for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest pause that a throttle is granted.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How one instance's way to Clerk is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Road {
    Fair,
    /// Nobody listens.
    Refused,
    /// No packet comes through.
    Cut,
    /// Some requests are lost, and some answers.
    Lossy,
    /// Requests arrive up to so many milliseconds late.
    Held(u64),
    /// The connection is reset after the request has arrived.
    Resetting,
}

/// One instance's way, and what has gone along it.
pub(super) struct Link {
    road: Mutex<Road>,
    /// Which life of the instance it serves; a process that has ended sends and hears nothing.
    life: Mutex<u64>,
    sent: Mutex<VecDeque<Duration>>,
    silent_until: Mutex<Duration>,
    /// Whether the store has failed it in this life.
    was_let_down: Mutex<bool>,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            road: Mutex::new(Road::Fair),
            life: Mutex::default(),
            sent: Mutex::default(),
            silent_until: Mutex::default(),
            was_let_down: Mutex::default(),
        }
    }
}

impl Link {
    pub(super) fn set_road(&self, road: Road) {
        *lock(&self.road) = road;
    }

    /// Ends the life of the instance; the number of the next one.
    pub(super) fn end_life(&self) -> u64 {
        let mut life = lock(&self.life);
        *life += 1;
        lock(&self.sent).clear();
        *lock(&self.silent_until) = Duration::ZERO;
        *lock(&self.was_let_down) = false;
        *life
    }

    pub(super) fn let_down(&self) {
        *lock(&self.was_let_down) = true;
    }

    pub(super) fn was_let_down(&self) -> bool {
        *lock(&self.was_let_down)
    }

    pub(super) fn is_alive(&self, life: u64) -> bool {
        *lock(&self.life) == life
    }

    /// Notes a call, and whether it may be made now.
    fn send(&self, world: &World, number: usize, call: &Call) {
        let now = world.now();
        if now < *lock(&self.silent_until) {
            world.accuse(format_args!(
                "instance {number} calls Clerk in the pause that Clerk asked for"
            ));
        }
        if !call.is_limited() {
            return;
        }
        let mut sent = lock(&self.sent);
        while sent
            .front()
            .is_some_and(|first| now.saturating_sub(*first) >= WINDOW)
        {
            sent.pop_front();
        }
        sent.push_back(now);
        if sent.len() > CALLS {
            world.accuse(format_args!(
                "instance {number} makes {} calls within ten seconds",
                sent.len()
            ));
        }
    }
}

/// Where Clerk is for this life of an instance.
pub(super) fn address(number: usize, life: u64) -> Url {
    format!("http://clerk-{number}-{life}.test")
        .parse()
        .unwrap()
}

/// Carries a request of whichever instance.
pub(super) fn carry(world: &Arc<World>, request: Request) -> Carried {
    let host = request.url().host_str().unwrap().trim_end_matches(".test");
    let mut parts = host.split('-').skip(1);
    let number: usize = parts.next().unwrap().parse().unwrap();
    let life = parts.next().unwrap().parse().unwrap();
    let world = Arc::clone(world);
    async move {
        let link = &world.links[number];
        if !link.is_alive(life) {
            return std::future::pending().await;
        }
        let call = Call::read(&request);
        link.send(&world, number, &call);
        let reply = exchange(&world, number, call).await?;
        if !link.is_alive(life) {
            return std::future::pending().await;
        }
        let Reply::Answer {
            status,
            retry_after,
            body,
        } = reply
        else {
            return Err(OutboundError::Body);
        };
        if status == 429 {
            let pause = retry_after
                .map_or(WINDOW, Duration::from_secs)
                .min(LONGEST_PAUSE);
            *lock(&link.silent_until) = world.now() + pause;
        }
        let mut response = http::Response::builder().status(status);
        if let Some(seconds) = retry_after {
            response = response.header("retry-after", seconds);
        }
        Ok(response.body(body).unwrap().into())
    }
    .boxed()
}

async fn exchange(world: &Arc<World>, number: usize, call: Call) -> Result<Reply, OutboundError> {
    let road = *lock(&world.links[number].road);
    world.tell(format_args!(
        "instance {number} sends {call:?} along a road that is {road:?}"
    ));
    let (mut there, back) = (world.up_to(30), world.up_to(30));
    match road {
        Road::Refused => {
            tokio::time::sleep(back).await;
            return Err(OutboundError::Connect);
        }
        Road::Cut => {
            tokio::time::sleep(CONNECT_TIMEOUT).await;
            return Err(OutboundError::Connect);
        }
        Road::Lossy if world.chance(30) => return std::future::pending().await,
        Road::Held(milliseconds) => there = world.up_to(milliseconds),
        Road::Fair | Road::Lossy | Road::Resetting => {}
    }
    let is_lost = road == Road::Lossy && world.chance(40);
    let is_reset = road == Road::Resetting && world.chance(70);
    let (sender, receiver) = oneshot::channel();
    let delivery = {
        let world = Arc::clone(world);
        async move {
            // Also when nobody waits for it any longer.
            tokio::time::sleep(there).await;
            let reply = world.clerk.answer(&world, &call).await;
            tokio::time::sleep(back).await;
            let _ = sender.send(reply);
        }
    };
    tokio::spawn(delivery);
    let reply = receiver.await;
    match reply {
        Ok(_) if is_reset => Err(OutboundError::Reset),
        Ok(Reply::Nothing) | Err(_) => std::future::pending().await,
        Ok(_) if is_lost => std::future::pending().await,
        Ok(reply) => Ok(reply),
    }
}
