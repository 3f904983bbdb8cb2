//! Partners who never stop asking, on connections that they keep, and who forgive nothing.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{eventually, site::SECRET};

const PARTNERS: usize = 6;
/// So that the machine has time for servers that start.
const PAUSE: Duration = Duration::from_millis(5);

pub(super) struct Load {
    answered: Arc<AtomicU64>,
    has_ended: Arc<AtomicBool>,
    partners: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    pub(super) fn on(address: &str) -> Self {
        let (answered, has_ended) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let partners = (0..PARTNERS).map(|_| {
            let mut partner = Partner {
                address: address.to_owned(),
                answered: answered.clone(),
                connection: None,
            };
            let has_ended = has_ended.clone();
            thread::spawn(move || {
                let mut failures = Vec::new();
                while !has_ended.load(Ordering::SeqCst) && failures.len() < 10 {
                    for request in [jwks(), token_request()] {
                        failures.extend(partner.ask(&request).err());
                    }
                    thread::sleep(PAUSE);
                }
                failures
            })
        });
        Self {
            partners: partners.collect(),
            answered,
            has_ended,
        }
    }

    /// Waits until some more requests have been answered.
    pub(super) fn goes_on(&self) {
        let before = self.answered.load(Ordering::SeqCst);
        eventually(|| self.answered.load(Ordering::SeqCst) > before + 50);
    }

    /// Ends it: what failed.
    pub(super) fn end(self) -> Vec<String> {
        self.has_ended.store(true, Ordering::SeqCst);
        let partners = self.partners.into_iter();
        partners
            .flat_map(|partner| partner.join().unwrap())
            .collect()
    }
}

fn jwks() -> String {
    "GET /jwks HTTP/1.1\r\nhost: x\r\n\r\n".to_owned()
}

fn token_request() -> String {
    let credentials = STANDARD.encode(format!("acme:{SECRET}"));
    format!(
        "POST /auth/token HTTP/1.1\r\nhost: x\r\nauthorization: Basic {credentials}\r\ncontent-length: 29\r\n\
         content-type: application/x-www-form-urlencoded\r\n\r\ngrant_type=client_credentials"
    )
}

struct Partner {
    address: String,
    answered: Arc<AtomicU64>,
    connection: Option<BufReader<TcpStream>>,
}

impl Partner {
    fn ask(&mut self, request: &str) -> Result<(), String> {
        let was_kept = self.connection.is_some();
        let kept = self.connection.take().map(Ok);
        let connection =
            kept.unwrap_or_else(|| TcpStream::connect(&self.address).map(BufReader::new));
        let mut connection = connection.map_err(|error| format!("connecting: {error}"))?;
        let failed = |error| format!("{error}, kept: {was_kept}: {request:.20}");
        let timeout = connection
            .get_ref()
            .set_read_timeout(Some(Duration::from_secs(50)));
        timeout.map_err(failed)?;
        connection
            .get_mut()
            .write_all(request.as_bytes())
            .map_err(failed)?;
        let (status, is_kept) = answer(&mut connection).map_err(failed)?;
        if is_kept {
            self.connection = Some(connection);
        }
        if !status.starts_with("HTTP/1.1 200") {
            return Err(format!("{status} {request:.20}"));
        }
        self.answered.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// The status line, and whether the connection stays.
fn answer(connection: &mut BufReader<TcpStream>) -> std::io::Result<(String, bool)> {
    let mut status = String::new();
    if connection.read_line(&mut status)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let (mut length, mut is_kept) = (0, true);
    loop {
        let mut line = String::new();
        connection.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().map_err(std::io::Error::other)?;
        }
        is_kept &= line != "connection: close";
    }
    let mut body = vec![0; length];
    std::io::Read::read_exact(connection, &mut body)?;
    Ok((status.trim().to_owned(), is_kept))
}
