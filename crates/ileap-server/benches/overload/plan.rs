//! Requests at the moments of a plan.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::LocalSet,
};

/// `partner:pathfinder`
const TOKEN: &[u8] = b"POST /auth/token HTTP/1.1\r\nhost: x\r\nauthorization: Basic cGFydG5lcjpwYXRoZmluZGVy\r\n\
    content-type: application/x-www-form-urlencoded\r\ncontent-length: 29\r\n\r\ngrant_type=client_credentials";
const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

/// How long a caller waits for a connection, before it gives up without having asked.
const CALLERS_PATIENCE: Duration = Duration::from_millis(500);

/// What is sent.
#[derive(Clone, Copy)]
pub(crate) struct Plan<'a> {
    pub(crate) address: &'a str,
    pub(crate) admin: &'a str,
    pub(crate) connections: usize,
    pub(crate) lasting: Duration,
    /// Requests a second; as fast as they are answered where there is none.
    pub(crate) rate: Option<f64>,
}

/// What came back.
#[derive(Default)]
pub(crate) struct Answers {
    /// How many found no connection.
    pub(crate) given_up: u32,
    pub(crate) health: Vec<Duration>,
    pub(crate) other: usize,
    pub(crate) shed: usize,
    good: Vec<Duration>,
    /// The same without what the callers waited before they asked.
    asked: Vec<Duration>,
    took: Duration,
}

impl Answers {
    pub(crate) fn goodput(&self) -> f64 {
        per_second(self.good.len(), self.took)
    }

    pub(crate) fn sent_rate(&self) -> f64 {
        per_second(self.good.len() + self.shed + self.other, self.took)
    }

    pub(crate) fn p50(&self) -> Duration {
        quantile(&self.good, 50)
    }

    pub(crate) fn p99(&self) -> Duration {
        quantile(&self.good, 99)
    }

    pub(crate) fn p99_from_asking(&self) -> Duration {
        quantile(&self.asked, 99)
    }
}

fn quantile(times: &[Duration], percent: usize) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    let place = times.len() * percent / 100;
    times.get(place).copied().unwrap_or_default()
}

fn per_second(count: usize, took: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

impl Plan<'_> {
    pub(crate) async fn run(self) -> Answers {
        let local = LocalSet::new();
        let (answers, next) = (
            Rc::new(RefCell::new(Answers::default())),
            Rc::new(Cell::new(0)),
        );
        let began = Instant::now();
        for _ in 0..self.connections {
            let (answers, next) = (answers.clone(), next.clone());
            let address = self.address.to_owned();
            let (lasting, rate) = (self.lasting, self.rate);
            local.spawn_local(async move {
                let mut stream = TcpStream::connect(address)
                    .await
                    .expect("the server is there");
                stream.set_nodelay(true).expect("TCP_NODELAY");
                loop {
                    let at = rate.map_or_else(
                        || began.elapsed(),
                        |rate| {
                            let mut number: u32 = next.get();
                            let planned =
                                |number| Duration::from_secs_f64(f64::from(number) / rate);
                            while planned(number) + CALLERS_PATIENCE < began.elapsed() {
                                answers.borrow_mut().given_up += 1;
                                number += 1;
                            }
                            next.set(number + 1);
                            planned(number)
                        },
                    );
                    if at >= lasting || began.elapsed() >= lasting * 2 {
                        return;
                    }
                    tokio::time::sleep_until((began + at).into()).await;
                    let asked = Instant::now();
                    let status = ask(&mut stream, TOKEN).await;
                    let took = began.elapsed().saturating_sub(at);
                    let mut answers = answers.borrow_mut();
                    match status {
                        200 => {
                            answers.good.push(took);
                            answers.asked.push(asked.elapsed());
                        }
                        503 => answers.shed += 1,
                        _ => answers.other += 1,
                    }
                }
            });
        }
        let (admin, probed, lasting) = (self.admin.to_owned(), answers.clone(), self.lasting);
        local.spawn_local(async move {
            let mut stream = TcpStream::connect(admin)
                .await
                .expect("the admin listener is there");
            while began.elapsed() < lasting {
                let asked = Instant::now();
                if ask(&mut stream, HEALTH).await == 200 {
                    probed.borrow_mut().health.push(asked.elapsed());
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        local.await;
        let mut answers = answers.take();
        answers.took = began.elapsed();
        answers
    }
}

/// The status of the answer.
async fn ask(stream: &mut TcpStream, request: &[u8]) -> u16 {
    stream.write_all(request).await.expect("the server reads");
    let mut answer = Vec::with_capacity(2048);
    loop {
        let read = stream
            .read_buf(&mut answer)
            .await
            .expect("the server answers");
        assert!(read > 0, "the server closed the connection");
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        if body.len() >= length {
            let status = head.split(' ').nth(1);
            return status.and_then(|status| status.parse().ok()).unwrap_or(0);
        }
    }
}
