//! Everything the emulator remembers. It is gone when it ends.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, Uri, header, uri::Authority};

use crate::{
    account::{Account, Accounts},
    calls::{Calls, RequestLog},
    clock::EmulatorClock,
    faults::Faults,
    ids::Ids,
    keys::{self, SigningKey},
    limits::Limits,
    options::EmulatorOptions,
    organization::Organizations,
    shelf::Shelf,
    sign_in::SignIn,
};

/// Clients, attempts, sessions and development browsers kept, of each; the oldest go first.
const KEPT: usize = 10_000;
/// How long a session lasts.
pub(crate) const SESSION_MS: u64 = 7 * 24 * 60 * 60 * 1_000;
/// When a session without activity is given up.
pub(crate) const SESSION_ABANDON_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) options: EmulatorOptions,
    pub(crate) origin: String,
    pub(crate) hosts: Vec<String>,
    pub(crate) instance_id: String,
    pub(crate) secret_key: String,
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
        let world = World::new(&options, ids, key);
        Self {
            origin: format!("http://{address}"),
            hosts: vec![address.to_string(), format!("localhost:{}", address.port())],
            instance_id,
            secret_key,
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

/// A session.
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) user_id: String,
    pub(crate) status: SessionStatus,
    pub(crate) task: Option<&'static str>,
    pub(crate) active_organization: Option<String>,
    pub(crate) token: Option<String>,
    /// When a second factor was verified, if one was.
    pub(crate) second_factor_at: Option<u64>,
    pub(crate) last_active_at: u64,
    pub(crate) created_at: u64,
    pub(crate) updated_at: u64,
}

/// Where a session is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SessionStatus {
    Active,
    Pending,
    Ended,
    Expired,
    Removed,
}

impl SessionStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Ended => "ended",
            Self::Expired => "expired",
            Self::Removed => "removed",
        }
    }
}

impl Session {
    /// The status at `now`: a session past its life has expired without anybody's doing.
    pub(crate) fn status(&self, now: u64) -> SessionStatus {
        let lives = matches!(self.status, SessionStatus::Active | SessionStatus::Pending);
        if lives && now >= self.expire_at() {
            return SessionStatus::Expired;
        }
        self.status
    }

    /// Whether it stands for a user who is signed in, with or without something left to do.
    pub(crate) fn is_live(&self, now: u64) -> bool {
        matches!(
            self.status(now),
            SessionStatus::Active | SessionStatus::Pending
        )
    }

    pub(crate) fn expire_at(&self) -> u64 {
        self.created_at.saturating_add(SESSION_MS)
    }
}

/// What stands in for the cookies of a browser that visits a development instance.
pub(crate) struct DevBrowser {
    pub(crate) client_id: Option<String>,
}

impl World {
    fn new(options: &EmulatorOptions, mut ids: Ids, key: SigningKey) -> Self {
        let now = options.clock.now_ms();
        let organizations = Organizations::of(&options.users, &mut ids, now);
        let client_key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &ids.block());
        let mut world = Self {
            ids,
            key,
            accounts: Accounts::default(),
            organizations,
            clients: Shelf::new(KEPT),
            sign_ins: Shelf::new(KEPT),
            sessions: Shelf::new(KEPT),
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

    /// Gives every session of the client this status and empties its list.
    pub(crate) fn end_sessions_of(&mut self, client_id: &str, status: SessionStatus, now: u64) {
        let Some(client) = self.clients.get_mut(client_id) else {
            return;
        };
        client.last_active_session_id = None;
        client.updated_at = now;
        for id in std::mem::take(&mut client.session_ids) {
            if let Some(session) = self.sessions.get_mut(&id)
                && session.is_live(now)
            {
                session.status = status;
                session.updated_at = now;
            }
        }
    }

    /// How many members an organization has.
    pub(crate) fn members_of(&self, organization_id: &str) -> usize {
        let memberships = self
            .accounts
            .values()
            .flat_map(|account| &account.memberships);
        memberships
            .filter(|membership| membership.organization_id == organization_id)
            .count()
    }

    /// The sessions that live, of everybody or of one account.
    pub(crate) fn live_sessions(&self, account: Option<&Account>, now: u64) -> usize {
        self.sessions
            .values()
            .filter(|session| session.is_live(now))
            .filter(|session| account.is_none_or(|account| account.id == session.user_id))
            .count()
    }
}
