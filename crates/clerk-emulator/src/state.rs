//! Everything the emulator remembers. It is gone when it ends.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, Uri, header, uri::Authority};

use crate::{
    accounts::Accounts,
    calls::{Calls, RequestLog},
    clock::EmulatorClock,
    faults::Faults,
    ids::Ids,
    keys::{self, SigningKey},
    limits::Limits,
    options::EmulatorOptions,
    organization::Organizations,
    session::{Session, SessionStatus},
    shelf::Shelf,
    sign_in::SignIn,
    ticket::Ticket,
    webhooks::Webhooks,
};

/// Clients, attempts, sessions and development browsers kept, of each; the oldest go first.
const KEPT: usize = 10_000;
/// What all connections share.
pub(crate) struct Shared {
    pub(crate) options: EmulatorOptions,
    pub(crate) origin: String,
    pub(crate) hosts: Vec<String>,
    pub(crate) instance_id: String,
    pub(crate) secret_key: String,
    pub(crate) webhooks: Webhooks,
    world: Mutex<World>,
}

impl Shared {
    pub(crate) fn new(
        options: EmulatorOptions,
        address: std::net::SocketAddr,
        mut ids: Ids,
        key: SigningKey,
    ) -> Self {
        let instance_id = ids.object("ins");
        let secret_key = options
            .secret_key
            .clone()
            .unwrap_or_else(|| format!("sk_test_{}", ids.word(40)));
        let webhooks = Webhooks::new(&ids.block());
        let world = World::new(&options, ids, key);
        Self {
            origin: format!("http://{address}"),
            hosts: vec![address.to_string(), format!("localhost:{}", address.port())],
            instance_id,
            secret_key,
            webhooks,
            options,
            world: Mutex::new(world),
        }
    }

    /// The state. A panic elsewhere leaves it as it was: every change is one assignment at a time.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a request is for this emulator by name. One for another name comes from a page that had its own
    /// name point here.
    pub(crate) fn is_own_host(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        let host = headers.get(header::HOST);
        let host = host.and_then(|host| host.to_str().ok());
        let host = host.or_else(|| uri.authority().map(Authority::as_str));
        host.is_some_and(|host| self.hosts.iter().any(|own| own == host))
    }

    pub(crate) fn clock(&self) -> &EmulatorClock {
        &self.options.clock
    }
}

/// What changes.
pub(crate) struct World {
    pub(crate) ids: Ids,
    pub(crate) key: SigningKey,
    pub(crate) accounts: Accounts,
    pub(crate) organizations: Organizations,
    pub(crate) clients: Shelf<Client>,
    pub(crate) sign_ins: Shelf<SignIn>,
    pub(crate) sessions: Shelf<Session>,
    pub(crate) tickets: Shelf<Ticket>,
    pub(crate) dev_browsers: Shelf<DevBrowser>,
    pub(crate) limits: Limits,
    pub(crate) faults: Faults,
    pub(crate) calls: Calls,
    pub(crate) log: RequestLog,
    pub(crate) maintenance: bool,
    /// Which client a token names. A token that was rotated away names none.
    client_tokens: Shelf<String>,
    client_key: aws_lc_rs::hmac::Key,
}

/// A browser or an app, and the sessions in it.
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) session_ids: Vec<String>,
    pub(crate) sign_in_id: Option<String>,
    pub(crate) last_active_session_id: Option<String>,
    pub(crate) last_strategy: Option<&'static str>,
    /// Ids of the users that have had a session here: what Device Trust calls known.
    pub(crate) known_users: Vec<String>,
    pub(crate) created_at: u64,
    pub(crate) updated_at: u64,
}

/// What stands in for the cookies of a browser that visits a development instance.
pub(crate) struct DevBrowser {
    pub(crate) client_id: Option<String>,
}

impl World {
    fn new(options: &EmulatorOptions, mut ids: Ids, key: SigningKey) -> Self {
        let now = options.clock.now_ms();
        let client_key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &ids.block());
        let mut world = Self {
            ids,
            key,
            accounts: Accounts::default(),
            organizations: Organizations::default(),
            clients: Shelf::new(KEPT),
            sign_ins: Shelf::new(KEPT),
            sessions: Shelf::new(KEPT),
            tickets: Shelf::new(KEPT),
            dev_browsers: Shelf::new(KEPT),
            limits: Limits::default(),
            faults: Faults::default(),
            calls: Calls::default(),
            log: RequestLog::default(),
            maintenance: options.maintenance,
            client_tokens: Shelf::new(KEPT),
            client_key,
        };
        for user in &options.users {
            world.create_user(user.clone(), options.lockout, now);
        }
        world
    }

    /// The id of the client that `token` names.
    pub(crate) fn client_of_token(&self, token: &str) -> Option<String> {
        let id = self.client_tokens.get(token)?;
        self.clients.get(id).map(|client| client.id.clone())
    }

    /// A new client; its id.
    pub(crate) fn create_client(&mut self, now: u64) -> String {
        let id = self.ids.object("client");
        let client = Client {
            id: id.clone(),
            token: String::new(),
            session_ids: Vec::new(),
            sign_in_id: None,
            last_active_session_id: None,
            last_strategy: None,
            known_users: Vec::new(),
            created_at: now,
            updated_at: now,
        };
        self.clients.put(id.clone(), client);
        self.rotate_client_token(&id);
        id
    }

    /// Gives the client a new token; the one before names nobody any more.
    pub(crate) fn rotate_client_token(&mut self, client_id: &str) {
        let token = keys::client_token(&self.client_key, client_id, &self.ids.word(32));
        let Some(client) = self.clients.get_mut(client_id) else {
            return;
        };
        self.client_tokens.take(&client.token);
        client.token.clone_from(&token);
        self.client_tokens.put(token, client_id.to_owned());
    }

    /// Ends the client and all its sessions.
    pub(crate) fn delete_client(&mut self, client_id: &str, now: u64) {
        self.end_sessions_of(client_id, SessionStatus::Ended, now);
        if let Some(client) = self.clients.take(client_id) {
            self.client_tokens.take(&client.token);
        }
    }
}
