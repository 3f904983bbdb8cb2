//! Where real answers, and so ours, differ from Clerk's published OpenAPI documents.

/// One way in which recorded answers are not what the documents say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Departure {
    /// What is different.
    pub what: &'static str,
    /// Properties that may stand where the documents do not list them.
    pub properties: &'static [&'static str],
    /// Sign-in statuses that the documents do not list.
    pub sign_in_statuses: &'static [&'static str],
}

/// The departures that are known. Everything else an answer says must be what the documents say.
pub const DEPARTURES: &[Departure] = &[
    Departure {
        what: "sent without being in every revision of the documents, which allow no other properties",
        properties: &[
            "locale",
            "bypass_client_trust",
            "native_settings",
            "partitioned_cookies",
            "oauth_consent_url",
            "immutable",
            "self_serve_sso",
            "disable_password_reverification",
            "allow_numeric_usernames",
            "satisfies_second_factor",
            "usage_alerts_enabled",
            "usage_alerts_monthly_limit_cents",
        ],
        sign_in_statuses: &[],
    },
    Departure {
        what: "required by the documents without being declared",
        properties: &["enterprise_accounts"],
        sign_in_statuses: &[],
    },
    Departure {
        what: "statuses beyond those listed: one is missing from the older document, the other is what \
               `Scenario::UnknownStatus` answers",
        properties: &[],
        sign_in_statuses: &["needs_protect_check", "needs_something_unheard_of"],
    },
    Departure {
        what: "401, 403, 415, 429 and 503 answers on operations that list none; their bodies have the form of \
               every other error",
        properties: &[],
        sign_in_statuses: &[],
    },
    Departure {
        what: "operations without any document: `/v1/me`, the body of `/v1/dev_browser`",
        properties: &[],
        sign_in_statuses: &[],
    },
];
