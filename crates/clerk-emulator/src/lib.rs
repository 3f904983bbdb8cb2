//! A Clerk emulator: what a client of [Clerk](https://clerk.com) talks to when there is no Clerk account and
//! no internet, in tests and in demos.
//!
//! It serves the Frontend API (sign-ins, sessions, session tokens, environment, keys) on one loopback port,
//! the Backend API (users, password checks, organizations, memberships, sessions, sign-in tokens, keys) on the
//! same one, and controls for tests under `/__emulator/`. It tells a receiver on loopback of changes by signed
//! webhooks ([`EmulatorOptions::webhook_url`]).
//!
//! ```
//! use clerk_emulator::{ClerkEmulator, EmulatorOptions, EmulatorUser, Endpoint, Fault};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let user = EmulatorUser::with_email("ops@acme.example", "correct horse").member_of("acme", "operator");
//! let clerk = ClerkEmulator::start(EmulatorOptions::with_users([user])).await?;
//!
//! // The code under test signs in at this origin:
//! assert!(clerk.frontend_api_url().starts_with("http://127.0.0.1:"));
//! // It can be told to fail, and asked what it saw:
//! clerk.admin().fail_next(Endpoint::CreateSignIn, Fault::error(500, "internal_clerk_error"));
//! assert_eq!(clerk.admin().calls().sign_in_creates, 0);
//! assert_eq!(clerk.admin().sessions_active(), 0);
//! clerk.stop().await;
//! # Ok::<(), clerk_emulator::StartError>(())
//! # }).unwrap();
//! ```
//!
//! # It is no identity provider
//!
//! Passwords are kept as they are and secrets are readable by whoever reads the process. So that nobody takes it
//! for the real thing, it refuses addresses other than loopback and live keys, draws every id, key and token
//! anew in each run, and forgets everything at its end.
//!
//! # Controls
//!
//! In Rust, [`ClerkEmulator::admin`]. Over HTTP, with JSON bodies:
//!
//! | route | does |
//! |---|---|
//! | `POST /__emulator/faults` | `{"endpoint": "create_sign_in", "always": false, "fault": {"kind": "error", "code": "user_locked"}}`; kinds are [`Fault`] in snake case, `latency` and `slow_drip` take `milliseconds`, `status` takes `status`, `error` also `status`, `meta`, `retry_after` |
//! | `DELETE /__emulator/faults` | nothing fails any more |
//! | `POST /__emulator/users` | a new account of `{"email", "username", "password", "scenario", "bypass_client_trust", "phone_number", "external_id", "first_name", "last_name"}`; answers its `id` |
//! | `GET /__emulator/users/{identifier}` | its `id`, `failures`, `attempts_remaining`, `locked`, `banned`, `email_verified`, `mfa`, `sessions_active` |
//! | `PATCH /__emulator/users/{identifier}` | any of `{"scenario", "password", "banned", "locked", "bypass_client_trust", "email_verified", "mfa"}` |
//! | `DELETE /__emulator/users/{identifier}` | deletes the account |
//! | `PUT /__emulator/users/{identifier}/memberships/{organization}` | `{"role": "operator", "permissions": []}`: makes a member, or changes its role |
//! | `DELETE /__emulator/users/{identifier}/memberships/{organization}` | ends the membership |
//! | `PUT /__emulator/webhooks` | `{"url": "http://127.0.0.1:8080/webhooks/clerk"}`: changes are told there from now on; null ends it |
//! | `GET /__emulator/webhooks` | the signing secret, and what became of the webhooks |
//! | `POST /__emulator/clock` | `{"advance_seconds": 60}`, on a manual clock |
//! | `POST /__emulator/maintenance` | `{"enabled": true}` |
//! | `POST /__emulator/rotate_keys` | a new signing key |
//! | `GET /__emulator/calls` | how often each route was called, and the sessions that live |
//! | `GET /__emulator/requests` | the last requests, without their secrets |
//!
//! # What is like Clerk
//!
//! The shapes and the order of checks; forms only at the Frontend API, JSON only at the Backend API; native,
//! browser and development-browser callers;
//! five sign-ins and three factor attempts in ten seconds per address; a hundred calls of the Backend API per
//! key, a thousand in production, and ten changes per user; a lock of an hour after ten failures;
//! every sign-in status; client tokens that change with each sign-in; session tokens of a minute, in the
//! second version of their claims. [`DEPARTURES`] lists where answers differ from Clerk's published OpenAPI
//! documents, because real ones do.
//!
//! # What is different on purpose
//!
//! * Device Trust is off unless asked for ([`EmulatorOptions::device_trust`]).
//! * Rotating the key leaves no overlap: tokens signed before are void at once. The key's id stays, as it does
//!   with Clerk, so a cache by id alone goes stale.
//! * Error texts are ours. A client must look at status and code.
//! * No message is sent. The code 424242 is right for e-mail addresses that contain `+clerk_test`, and for the
//!   one telephone number, authenticator app and backup codes that accounts of the scenario `mfa` have. To
//!   `verify_totp` the backup codes are `clerktest1` and `clerktest2`, each once.
//! * A user has one telephone number at most, and its primary e-mail address stays. Password hashes and roles
//!   are not known: hashes are refused, every role key that starts with `org:` is taken.
//! * Sign-up, OAuth, SAML, passkeys, web3 and changing one's own account are missing. Their
//!   parameters are accepted where the documents have them, their strategies are not.
//! * Session tokens have the second version of the claims whatever API version is pinned.
//!
//! # What nobody outside Clerk knows for sure
//!
//! Where no document and no recording says what happens, the emulator does the less pleasant thing: a lock
//! answers to the right password too and is announced from the attempt after the one that caused it; an old
//! client token counts as none; a caller that says neither `Origin` nor `_is_native` is taken for an app
//! ([`EmulatorOptions::lenient_headerless`]); enforced single sign-on answers `saml_connection_not_found`;
//! wrong passwords at `verify_password` count towards the lock ([`EmulatorOptions::verify_password_counts`]),
//! though that route never speaks of it; an e-mail address that was never verified finds its account there, and
//! may be another's; a primary e-mail address comes last in its list; user objects of the Backend API come without memberships; body members
//! that a route does not know are refused; a sign-in token does not stand for a second factor.

mod account;
mod accounts;
mod admin;
mod admin_http;
mod answer;
mod backend;
mod calls;
mod changes;
mod clock;
mod departures;
mod emulator;
mod endpoint;
mod errors;
mod faults;
mod frontend;
mod ids;
mod keys;
mod limits;
mod options;
mod organization;
mod routes;
mod session;
mod session_token;
mod shapes;
mod shelf;
mod sign_in;
mod state;
mod ticket;
mod users;
mod users_file;
mod webhooks;

pub use admin::{AdminError, EmulatorAdmin};
pub use calls::{Calls, RecordedRequest};
pub use clock::EmulatorClock;
pub use departures::{DEPARTURES, Departure};
pub use emulator::{ClerkEmulator, StartError};
pub use endpoint::Endpoint;
pub use errors::known_errors;
pub use faults::Fault;
pub use options::{EmulatorOptions, EnumerationProtection, InstanceKind, Lockout, WrongPassword};
pub use users::{EmulatorEmail, EmulatorMembership, EmulatorUser, Password, Scenario};
pub use users_file::{UsersError, load_users};
pub use webhooks::{SpoiledWebhook, WebhookAddressError, WebhookDelivery};
