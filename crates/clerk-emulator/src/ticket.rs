//! Sign-in tokens, which stand for a first factor once.

use serde_json::{Value, json};

/// How long one is good, in seconds, unless another time is asked for.
pub(crate) const LIFETIME: u64 = 30 * 24 * 60 * 60;

/// A sign-in token.
pub(crate) struct Ticket {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) user_id: String,
    /// The organization that is active in the session it leads to.
    pub(crate) organization_id: Option<String>,
    pub(crate) status: TicketStatus,
    pub(crate) expires_at: u64,
    pub(crate) created_at: u64,
    pub(crate) updated_at: u64,
}

/// What became of a sign-in token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TicketStatus {
    Pending,
    Accepted,
    Revoked,
}

impl Ticket {
    /// What the Backend API shows. Who made it is told the secret, this one time.
    pub(crate) fn shape(&self, secret: Option<&str>) -> Value {
        let mut shape = json!({
            "object": "sign_in_token",
            "id": self.id,
            "user_id": self.user_id,
            "status": match self.status {
                TicketStatus::Pending => "pending",
                TicketStatus::Accepted => "accepted",
                TicketStatus::Revoked => "revoked",
            },
            "url": null,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        });
        if let Some(secret) = secret {
            shape = crate::answer::with(shape, "token", json!(secret));
        }
        shape
    }
}
