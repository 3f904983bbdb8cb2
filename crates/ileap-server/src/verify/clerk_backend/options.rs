use std::{collections::BTreeMap, time::Duration};

use crate::identity::Role;

/// How logins over the Backend API are judged.
#[derive(Clone, Debug)]
pub struct ClerkBackendOptions {
    /// Whether the password alone is enough for users who have set up a second factor.
    pub allow_mfa_users: bool,
    /// Whether partners reach the server from elsewhere: then a development instance is worth a remark.
    pub is_public: bool,
    /// Id (`org_...`) or slug of the organization that an account must belong to.
    pub organization: Option<String>,
    /// The roles that organization roles open, by Clerk's role key.
    pub role_keys: BTreeMap<String, Role>,
    /// The longest one verification may take, with everything that is tried again.
    pub timeout: Duration,
}

impl Default for ClerkBackendOptions {
    /// No second factors, not public, no required organization, the role keys `org:ileap_user`,
    /// `org:ileap_organizer`, `org:ileap_operator` and `org:ileap_all`, five seconds.
    fn default() -> Self {
        let key = |role: Role| (format!("org:ileap_{}", role.as_str()), role);
        Self {
            allow_mfa_users: false,
            is_public: false,
            organization: None,
            role_keys: Role::ALL.into_iter().map(key).collect(),
            timeout: Duration::from_secs(5),
        }
    }
}
