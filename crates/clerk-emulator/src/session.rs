//! Sessions: how they begin, live and end.

use crate::{account::Account, state::World};

/// How long a session lasts.
pub(crate) const SESSION_MS: u64 = 7 * 24 * 60 * 60 * 1_000;
/// When a session without activity is given up.
pub(crate) const SESSION_ABANDON_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

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

/// What is known of a session when it begins.
pub(crate) struct NewSession {
    pub(crate) client_id: String,
    pub(crate) user_id: String,
    /// What the user has to do before the session is active.
    pub(crate) task: Option<&'static str>,
    pub(crate) active_organization: Option<String>,
    pub(crate) second_factor_at: Option<u64>,
}

/// Where a session is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SessionStatus {
    Active,
    Pending,
    Ended,
    Expired,
    Removed,
    Revoked,
}

impl SessionStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Ended => "ended",
            Self::Expired => "expired",
            Self::Removed => "removed",
            Self::Revoked => "revoked",
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

impl World {
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

    /// A new session, the last active one of its client; its id.
    pub(crate) fn create_session(&mut self, new: NewSession, now: u64) -> String {
        let id = self.ids.object("sess");
        if let Some(client) = self.clients.get_mut(&new.client_id) {
            // Sessions that have ended would pile up on a client that lives long.
            let sessions = &self.sessions;
            let is_live =
                |id: &String| sessions.get(id).is_some_and(|session| session.is_live(now));
            client.session_ids.retain(is_live);
            client.session_ids.push(id.clone());
            client.last_active_session_id = Some(id.clone());
            if !client.known_users.contains(&new.user_id) {
                client.known_users.push(new.user_id.clone());
            }
        }
        let session = Session {
            id: id.clone(),
            client_id: new.client_id,
            user_id: new.user_id,
            status: new
                .task
                .map_or(SessionStatus::Active, |_| SessionStatus::Pending),
            task: new.task,
            active_organization: new.active_organization,
            token: None,
            second_factor_at: new.second_factor_at,
            last_active_at: now,
            created_at: now,
            updated_at: now,
        };
        self.sessions.put(id.clone(), session);
        id
    }

    /// Gives every live session of the user this status. Clients list them no longer.
    pub(crate) fn end_sessions_of_user(&mut self, user_id: &str, status: SessionStatus, now: u64) {
        let sessions = self.sessions.values();
        let live = sessions.filter(|session| session.user_id == user_id && session.is_live(now));
        let ids: Vec<_> = live.map(|session| session.id.clone()).collect();
        for id in ids {
            self.end_session(&id, status, now);
        }
    }

    /// Gives a session this status. Its client lists it no longer.
    pub(crate) fn end_session(&mut self, id: &str, status: SessionStatus, now: u64) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        session.status = status;
        session.updated_at = now;
        session.token = None;
        if let Some(client) = self.clients.get_mut(&session.client_id) {
            client.session_ids.retain(|known| known != id);
            if client.last_active_session_id.as_deref() == Some(id) {
                client.last_active_session_id = None;
            }
            client.updated_at = now;
        }
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
