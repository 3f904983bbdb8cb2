//! Verifiers that keep the key set for as long as they are told to, and ask no sooner, while keys change under as much
//! load as the machine bears.

use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use jsonwebtoken::{DecodingKey, Validation, decode, decode_header, jwk::JwkSet};

use super::*;
use crate::{
    effort::{report, rounds, soak},
    wire::{KeptConnection, body, status, token_request},
};

const PARTNERS: usize = 8;
/// The oldest token that a partner has is of several keys ago.
const TOKENS: usize = 20_000;
/// As many keys as are kept at once.
const ROTATIONS: u32 = 50;
/// Where this is no soak, others need the machine too.
const PAUSE: Duration = Duration::from_millis(20);

#[test]
fn verifiers_that_keep_the_key_set_fail_no_token_while_keys_in_a_directory_change() {
    nobody_fails_with_keys_in("directory");
}

#[test]
fn verifiers_that_keep_the_key_set_fail_no_token_while_keys_in_the_store_change() {
    nobody_fails_with_keys_in("store");
}

fn nobody_fails_with_keys_in(location: &'static str) {
    let deployment = Deployment::new(location);
    let server = deployment.serve();
    deployment.access_token();
    let load = Load::default();
    let began = Instant::now();
    let mut signers = 0;
    thread::scope(|scope| {
        for _ in 0..PARTNERS {
            scope.spawn(|| load.of_a_partner(&deployment.address));
        }
        for _ in rounds(3) {
            let next = deployment.keys_json(&["rotate"])["kid"].clone();
            let next = next.as_str().unwrap();
            eventually(|| load.has_seen(next) || load.has_failed());
            signers += 1;
            thread::sleep(soak().unwrap_or_default() / ROTATIONS);
        }
        load.has_ended.store(true, Ordering::SeqCst);
    });
    assert_eq!(*load.failures.lock().unwrap(), Vec::<String>::new());
    assert_eq!(load.signers.lock().unwrap().len(), signers + 1);
    let requests = load.requests.load(Ordering::SeqCst);
    report("rotations", signers);
    report("requests", requests);
    report("requests a second", requests / began.elapsed().as_secs());
    assert_eq!(server.terminate().0, 0);
}

#[derive(Default)]
struct Load {
    failures: Mutex<Vec<String>>,
    has_ended: AtomicBool,
    requests: AtomicU64,
    /// Whose tokens have been verified.
    signers: Mutex<HashSet<String>>,
}

impl Load {
    /// Logs in again and again, and verifies each new token and one from long ago.
    fn of_a_partner(&self, address: &str) {
        let mut connection = KeptConnection::to(address);
        let mut verifier = Verifier::default();
        let mut tokens = VecDeque::new();
        while !self.has_ended.load(Ordering::SeqCst) && !self.has_failed() {
            if let Err(failure) = self.turn(&mut connection, &mut verifier, &mut tokens) {
                self.failures.lock().unwrap().push(failure);
            }
            if soak().is_none() {
                thread::sleep(PAUSE);
            }
        }
    }

    fn turn(
        &self,
        connection: &mut KeptConnection,
        verifier: &mut Verifier,
        tokens: &mut VecDeque<String>,
    ) -> Result<(), String> {
        let answer = self.ask(connection, &token_request("acme", SECRET))?;
        let granted: Value = serde_json::from_str(body(&answer)).unwrap();
        tokens.push_back(granted["access_token"].as_str().unwrap().to_owned());
        if tokens.len() > TOKENS {
            tokens.pop_front();
        }
        if !verifier.may_go_on() {
            verifier.keep(&self.ask(connection, "GET /jwks HTTP/1.1\r\nhost: x\r\n\r\n")?);
        }
        for place in [tokens.len() - 1, tokens.len() / 3] {
            let signer = verifier.verify(&tokens[place])?;
            let mut signers = self.signers.lock().unwrap();
            if !signers.contains(&signer) {
                signers.insert(signer);
            }
        }
        // The server takes the old one, too.
        let old = &tokens[tokens.len() / 3];
        let read = format!(
            "GET /2/footprints?limit=1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {old}\r\n\r\n"
        );
        self.ask(connection, &read).map(drop)
    }

    fn ask(&self, connection: &mut KeptConnection, request: &str) -> Result<String, String> {
        let answer = connection.ask(request).map_err(|error| error.to_string())?;
        self.requests.fetch_add(1, Ordering::Relaxed);
        if status(&answer) == 200 {
            Ok(answer)
        } else {
            Err(answer)
        }
    }

    fn has_failed(&self) -> bool {
        !self.failures.lock().unwrap().is_empty()
    }

    fn has_seen(&self, signer: &str) -> bool {
        self.signers.lock().unwrap().contains(signer)
    }
}

/// An outside library with the key set it has kept.
#[derive(Default)]
struct Verifier {
    held: Option<(JwkSet, Instant)>,
}

impl Verifier {
    fn may_go_on(&self) -> bool {
        let until = self.held.as_ref().map(|(_, until)| *until);
        until.is_some_and(|until| Instant::now() < until)
    }

    /// Keeps the set of this answer for as long as it says, from when the answer was asked for at the latest.
    fn keep(&mut self, answer: &str) {
        let (_, rest) = answer.split_once("max-age=").unwrap();
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap();
        let max_age = Duration::from_secs(digits.parse().unwrap());
        let set = serde_json::from_str(body(answer)).unwrap();
        self.held = Some((set, Instant::now() + max_age));
    }

    /// Who has signed it.
    fn verify(&self, token: &str) -> Result<String, String> {
        let header = decode_header(token).unwrap();
        let kid = header.kid.unwrap();
        let (set, _) = self.held.as_ref().unwrap();
        let key = set.find(&kid);
        let key = key.ok_or_else(|| format!("{kid} is not in the set that is kept"))?;
        let mut validation = Validation::new(header.alg);
        validation.validate_aud = false;
        let key = DecodingKey::from_jwk(key).map_err(|error| error.to_string())?;
        let verified = decode::<Value>(token, &key, &validation);
        verified.map(|_| kid).map_err(|error| error.to_string())
    }
}
