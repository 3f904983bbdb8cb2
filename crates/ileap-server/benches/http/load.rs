//! A closed loop of keep-alive connections that does as little as possible per answer.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Where the load goes.
pub(crate) struct Target<'a> {
    pub(crate) address: &'a str,
    /// Sent in turn, each connection from a place of its own.
    pub(crate) requests: &'a Arc<[String]>,
    pub(crate) connections: usize,
}

impl Target<'_> {
    /// Sends every request once.
    pub(crate) fn warm_up(&self) {
        let mut stream = connect(self.address);
        let mut buffer = vec![0_u8; 64 * 1024];
        for request in self.requests.iter() {
            stream
                .write_all(request.as_bytes())
                .expect("the server reads");
            answer(&mut stream, &mut buffer);
        }
    }

    /// Answers per second over `duration`.
    pub(crate) fn run(&self, duration: Duration) -> f64 {
        let stop = Arc::new(AtomicBool::new(false));
        let count = Arc::new(AtomicU64::new(0));
        let began = Instant::now();
        let threads: Vec<_> = (0..self.connections)
            .map(|connection| {
                let (address, requests) = (self.address.to_owned(), self.requests.clone());
                let (stop, count) = (stop.clone(), count.clone());
                let first = connection * requests.len() / self.connections;
                thread::spawn(move || converse(&address, &requests, first, (&stop, &count)))
            })
            .collect();
        thread::sleep(duration);
        stop.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().expect("the load does not panic");
        }
        let answers = u32::try_from(count.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        f64::from(answers) / began.elapsed().as_secs_f64()
    }

    /// Answers per second while every request is sent once.
    pub(crate) fn run_once(&self) -> f64 {
        let began = Instant::now();
        let share = self.requests.len().div_ceil(self.connections);
        let threads: Vec<_> = (0..self.connections)
            .map(|connection| {
                let (address, requests) = (self.address.to_owned(), self.requests.clone());
                thread::spawn(move || {
                    let mut stream = connect(&address);
                    let mut buffer = vec![0_u8; 64 * 1024];
                    for request in requests.iter().skip(connection * share).take(share) {
                        stream
                            .write_all(request.as_bytes())
                            .expect("the server reads");
                        answer(&mut stream, &mut buffer);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("the load does not panic");
        }
        let answers = u32::try_from(self.requests.len()).unwrap_or(u32::MAX);
        f64::from(answers) / began.elapsed().as_secs_f64()
    }
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server is there");
    stream.set_nodelay(true).expect("TCP_NODELAY");
    stream
}

fn converse(
    address: &str,
    requests: &[String],
    first: usize,
    (stop, count): (&AtomicBool, &AtomicU64),
) {
    let mut stream = connect(address);
    let mut buffer = vec![0_u8; 64 * 1024];
    for request in requests.iter().cycle().skip(first) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        stream
            .write_all(request.as_bytes())
            .expect("the server reads");
        answer(&mut stream, &mut buffer);
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Reads one answer: its head, then as many bytes as it announces.
fn answer(stream: &mut TcpStream, buffer: &mut [u8]) {
    let mut filled = 0;
    loop {
        let read = stream
            .read(buffer.get_mut(filled..).expect("room"))
            .expect("the server answers");
        assert!(read > 0, "the server closed the connection");
        filled += read;
        let known = buffer.get(..filled).expect("what was read");
        let Some(head) = known.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let text = String::from_utf8_lossy(known.get(..head).expect("the head"));
        let length: usize = text
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")
                    .map(str::to_owned)
            })
            .and_then(|length| length.trim().parse().ok())
            .unwrap_or(0);
        let mut missing = (head + 4 + length).saturating_sub(filled);
        while missing > 0 {
            let read = stream.read(buffer).expect("the server answers");
            missing = missing.saturating_sub(read);
        }
        return;
    }
}

/// A GET with an access token.
pub(crate) fn get(path: &str, token: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n")
}

/// A token request of one of many partners.
pub(crate) fn token_request(partner: usize) -> String {
    let credentials = STANDARD.encode(format!("partner-{partner}:pathfinder"));
    format!(
        "POST /auth/token HTTP/1.1\r\nhost: x\r\nauthorization: Basic {credentials}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: 29\r\n\r\n\
         grant_type=client_credentials"
    )
}
