//! Clients that hold connections, clients that leave, and a listener that does.

mod http2;
mod tls;

use std::sync::atomic::{AtomicBool, Ordering};

use axum::{Router, extract::State, routing::get};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::{Notify, oneshot},
    task::JoinHandle,
};

use super::*;
use crate::config::{Config, Sources};

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(200);
const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

/// Nobody is hurried.
const UNHURRIED: Deadlines = Deadlines {
    handshake: LONG,
    head: LONG,
    idle: LONG,
    hurried_idle: SHORT,
    patience: LONG,
};

fn live() -> Live {
    let environment = [("CLERK_PUBLISHABLE_KEY", "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let sources = Sources {
        file: None,
        environment: environment.to_vec(),
    };
    Live::from_config(&Config::load(sources).unwrap().config)
}

/// What the slow route waits for.
#[derive(Default)]
struct Gate {
    is_reached: AtomicBool,
    opened: Notify,
}

/// A listener at work.
struct Site {
    address: SocketAddr,
    gate: Arc<Gate>,
    metrics: Arc<Metrics>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Site {
    async fn open(deadlines: Deadlines, live: Live, max_connections: usize) -> Self {
        Self::open_with(deadlines, live, max_connections, None).await
    }

    async fn open_with(
        deadlines: Deadlines,
        live: Live,
        max_connections: usize,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let gate = Arc::new(Gate::default());
        let router = Router::new()
            .route("/", get("ok"))
            .route("/large", get(|| async { vec![b'x'; 32 * 1024 * 1024] }))
            .route(
                "/slow",
                get(async |State(gate): State<Arc<Gate>>| {
                    gate.is_reached.store(true, Ordering::SeqCst);
                    gate.opened.notified().await;
                    "at last"
                }),
            )
            .with_state(gate.clone());
        let metrics = Arc::new(Metrics::new());
        let listener = Listener {
            socket: Socket {
                listener,
                is_handed_over: false,
            },
            terms: Terms {
                deadlines,
                live: Arc::new(ArcSwap::from_pointee(live)),
                max_connections,
                metrics: metrics.clone(),
                answers: Answers::Plain(router),
                tls,
            },
        };
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(listener.serve(async {
            let _ = stopped.await;
        }));
        Self {
            address,
            gate,
            metrics,
            stop: Some(stop),
            task,
        }
    }

    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    fn stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Waits for a request on the slow route.
    async fn reached(&self) {
        while !self.gate.is_reached.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    }

    fn has_turned_away(&self, reason: &str) -> bool {
        let line = format!("ileap_http_connections_turned_away_total{{reason=\"{reason}\"}} 1");
        self.metrics.render().contains(&line)
    }
}

struct Client(TcpStream);

impl Client {
    async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// One answer with its body of this many bytes.
    async fn answer(&mut self, body: usize) -> String {
        let mut answer = Vec::new();
        let is_whole = |answer: &[u8]| {
            let head = answer.windows(4).position(|four| four == b"\r\n\r\n");
            head.is_some_and(|head| answer.len() >= head + 4 + body)
        };
        while !is_whole(&answer) {
            let read = self.0.read_buf(&mut answer).await.unwrap();
            assert_ne!(read, 0, "closed after {}", String::from_utf8_lossy(&answer));
        }
        String::from_utf8(answer).unwrap()
    }

    /// What comes before the connection ends, in whatever way.
    async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.0.read_to_end(&mut rest).await;
        rest
    }
}

#[tokio::test]
async fn a_head_that_does_not_end_is_given_up_while_an_idle_connection_is_kept() {
    let deadlines = Deadlines {
        head: SHORT,
        ..UNHURRIED
    };
    let site = Site::open(deadlines, live(), 10).await;
    let (mut idle, mut trickling) = (site.connect().await, site.connect().await);
    idle.send(GET).await;
    idle.answer(2).await;
    trickling.send(GET).await;
    trickling.answer(2).await;
    trickling.send(b"GET / HT").await;
    assert_eq!(trickling.rest().await, b"");
    assert!(site.has_turned_away("slow_head"));
    idle.send(GET).await;
    assert!(idle.answer(2).await.ends_with("ok"));
}

#[tokio::test]
async fn a_head_that_began_behind_the_request_before_is_given_up_with_or_without_another_byte() {
    let deadlines = Deadlines {
        head: SHORT,
        idle: SHORT,
        ..UNHURRIED
    };
    let site = Site::open(deadlines, live(), 10).await;
    for more in [b"".as_slice(), b"ET / H"] {
        let mut client = site.connect().await;
        client.send(&[GET, b"G"].concat()).await;
        client.answer(2).await;
        client.send(more).await;
        assert_eq!(client.rest().await, b"");
    }
}

#[tokio::test]
async fn a_connection_on_which_nothing_was_ever_asked_is_closed() {
    let deadlines = Deadlines {
        head: SHORT,
        ..UNHURRIED
    };
    let site = Site::open(deadlines, live(), 10).await;
    for beginning in [
        b"".as_slice(),
        b"GET",
        b"PRI * HTTP/2.0\r\n",
        http2::PREFACE,
    ] {
        let mut client = site.connect().await;
        client.send(beginning).await;
        client.rest().await;
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_the_end() {
    let deadlines = Deadlines {
        idle: SHORT,
        ..UNHURRIED
    };
    let site = Site::open(deadlines, live(), 10).await;
    let mut client = site.connect().await;
    client.send(GET).await;
    client.answer(2).await;
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn who_does_not_take_an_answer_is_cut_off() {
    let deadlines = Deadlines {
        patience: SHORT,
        ..UNHURRIED
    };
    let site = Site::open(deadlines, live(), 10).await;
    let mut client = site.connect().await;
    client.send(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await;
    while !site.has_turned_away("slow_answer") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(client.rest().await.len() < 32 * 1024 * 1024);
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_a_trusted_proxy_any_number() {
    let limited = Live {
        connections_per_address: 2,
        ..live()
    };
    let site = Site::open(UNHURRIED, limited.clone(), 10).await;
    let mut clients = [site.connect().await, site.connect().await];
    for client in &mut clients {
        client.send(GET).await;
        client.answer(2).await;
    }
    assert_eq!(site.connect().await.rest().await, b"");
    assert!(site.has_turned_away("address"));
    let trusting = Live {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..limited
    };
    let site = Site::open(UNHURRIED, trusting, 10).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = site.connect().await;
        client.send(GET).await;
        client.answer(2).await;
        clients.push(client);
    }
}

#[tokio::test]
async fn idle_connections_make_room_for_those_that_wait() {
    let site = Site::open(UNHURRIED, live(), 2).await;
    let mut idle = [site.connect().await, site.connect().await];
    for client in &mut idle {
        client.send(GET).await;
        client.answer(2).await;
    }
    let mut waiting = site.connect().await;
    waiting.send(GET).await;
    assert!(waiting.answer(2).await.ends_with("ok"));
}

#[tokio::test]
async fn a_proxys_idle_connection_is_kept_for_the_next_request_though_others_wait() {
    let trusting = Live {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..live()
    };
    let site = Site::open(UNHURRIED, trusting, 1).await;
    let mut idle = site.connect().await;
    idle.send(GET).await;
    idle.answer(2).await;
    let mut waiting = site.connect().await;
    waiting.send(GET).await;
    // Long enough for a hurried one to be closed.
    tokio::time::sleep(3 * SHORT).await;
    idle.send(GET).await;
    assert!(idle.answer(2).await.ends_with("ok"));
}

#[tokio::test]
async fn at_the_end_requests_under_way_are_answered_and_clients_sent_elsewhere() {
    let mut site = Site::open(UNHURRIED, live(), 10).await;
    let (mut idle, mut slow) = (site.connect().await, site.connect().await);
    idle.send(GET).await;
    assert!(!idle.answer(2).await.contains("connection: close"));
    slow.send(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    site.reached().await;
    site.stop();
    assert_eq!(idle.rest().await, b"");
    site.gate.opened.notify_one();
    let answer = slow.answer(7).await;
    assert!(answer.contains("connection: close") && answer.ends_with("at last"));
    assert_eq!(slow.rest().await, b"");
    site.task.await.unwrap();
    assert!(TcpStream::connect(site.address).await.is_err());
}

#[tokio::test]
async fn at_the_end_a_connection_that_was_kept_for_long_is_good_for_one_more_request() {
    let deadlines = Deadlines {
        hurried_idle: Duration::from_secs(1),
        ..UNHURRIED
    };
    let mut site = Site::open(deadlines, live(), 10).await;
    let mut client = site.connect().await;
    client.send(GET).await;
    client.answer(2).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    site.stop();
    tokio::time::sleep(Duration::from_millis(50)).await;
    client.send(GET).await;
    let answer = client.answer(2).await;
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn while_load_balancers_notice_new_connections_are_taken() {
    let delayed = Live {
        shutdown_delay: LONG,
        ..live()
    };
    let mut site = Site::open(UNHURRIED, delayed, 10).await;
    site.stop();
    for _ in 0..3 {
        let mut client = site.connect().await;
        client.send(GET).await;
        let answer = client.answer(2).await;
        if answer.contains("connection: close") {
            assert_eq!(client.rest().await, b"");
        }
    }
    assert!(!site.task.is_finished());
}

#[tokio::test]
async fn whoever_waits_in_the_queue_when_listening_ends_is_answered() {
    let mut site = Site::open(UNHURRIED, live(), 1).await;
    let mut slow = site.connect().await;
    slow.send(b"GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    site.reached().await;
    // Accepting waits for a place; the kernel has the connection.
    let mut queued = site.connect().await;
    queued.send(GET).await;
    site.gate.opened.notify_one();
    slow.rest().await;
    site.stop();
    assert!(queued.answer(2).await.ends_with("ok"));
    site.task.await.unwrap();
}

/// Makes one connection after the other until there is no more; whether every one that was made was answered.
fn knock(address: SocketAddr) -> Result<(), String> {
    use std::{
        io::{Read as _, Write as _},
        net::TcpStream,
    };

    // Longer than this, the kernel does not answer any more.
    while let Ok(mut client) = TcpStream::connect_timeout(&address, Duration::from_millis(50)) {
        let mut answer = [0; 512];
        let asked = client
            .write_all(GET)
            .and_then(|()| client.read(&mut answer));
        match asked {
            Ok(1..) => {}
            unanswered => return Err(format!("{unanswered:?}")),
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_let_in_while_listening_ends_is_answered() {
    for round in 0..20 {
        let mut site = Site::open(UNHURRIED, live(), 100).await;
        let clients: Vec<_> = (0..4)
            .map(|_| {
                let address = site.address;
                tokio::task::spawn_blocking(move || knock(address))
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(20)).await;
        site.stop();
        for client in clients {
            assert_eq!(client.await.unwrap(), Ok(()), "{round}");
        }
    }
}

#[tokio::test]
async fn what_is_left_after_the_drain_timeout_is_cut_off() {
    let impatient = Live {
        drain_timeout: SHORT,
        ..live()
    };
    let mut site = Site::open(UNHURRIED, impatient, 10).await;
    let mut slow = site.connect().await;
    slow.send(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    site.reached().await;
    site.stop();
    assert_eq!(slow.rest().await, b"");
    site.task.await.unwrap();
}
