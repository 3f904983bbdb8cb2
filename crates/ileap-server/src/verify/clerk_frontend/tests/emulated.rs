//! The verifier against an emulated Clerk instance.

use clerk_emulator::{
    ClerkEmulator, EmulatorOptions, EmulatorUser, Endpoint, EnumerationProtection, Fault, Scenario,
};

use super::*;
use crate::verify::contract::{self, Premises, Trouble};

const CLIENT_ID: &str = "ops@acme.example";
const PASSWORD: &str = "quartz-Lantern-4711";

fn user() -> EmulatorUser {
    EmulatorUser::with_email(CLIENT_ID, PASSWORD)
}

async fn start(options: EmulatorOptions) -> ClerkEmulator {
    ClerkEmulator::start(options.without_limits())
        .await
        .unwrap()
}

fn over(emulator: &ClerkEmulator, options: ClerkFrontendOptions) -> ClerkFrontendVerifier {
    let http = outbound::client(&OutboundOptions::default()).unwrap();
    let url = emulator.frontend_api_url().parse().unwrap();
    ClerkFrontendVerifier::new(FrontendApi::new(&url, http, gate()), options)
}

async fn log_in(verifier: &dyn CredentialVerifier, secret: &str) -> Result<Verdict, VerifyError> {
    let credentials = ClientCredentials {
        client_id: ClientId::new(CLIENT_ID).unwrap(),
        client_secret: ClientSecret::new(secret).unwrap(),
    };
    verifier.verify(&attempt(&credentials)).await
}

/// What an instance with one such account answers to the right secret.
async fn answer_of(options: EmulatorOptions) -> Result<Verdict, VerifyError> {
    let emulator = start(options).await;
    let verifier = over(&emulator, ClerkFrontendOptions::default());
    log_in(&verifier, PASSWORD).await
}

/// A verifier together with the instance that it asks.
struct Emulated {
    verifier: ClerkFrontendVerifier,
    _emulator: ClerkEmulator,
}

impl Emulated {
    fn boxed(emulator: ClerkEmulator) -> Box<dyn CredentialVerifier> {
        let options = ClerkFrontendOptions {
            timeout: Duration::from_secs(1),
            ..ClerkFrontendOptions::default()
        };
        Box::new(Self {
            verifier: over(&emulator, options),
            _emulator: emulator,
        })
    }
}

#[async_trait::async_trait]
impl CredentialVerifier for Emulated {
    async fn account(&self, attempt: &Attempt<'_>) -> Result<Account, VerifyError> {
        self.verifier.account(attempt).await
    }

    async fn verify(&self, attempt: &Attempt<'_>) -> Result<Verdict, VerifyError> {
        self.verifier.verify(attempt).await
    }

    async fn probe(&self) -> Vec<ProbeFinding> {
        self.verifier.probe().await
    }

    fn kind(&self) -> &'static str {
        self.verifier.kind()
    }
}

struct EmulatedPremises;

#[async_trait::async_trait]
impl Premises for EmulatedPremises {
    async fn with_account(&self, client_id: &str, secret: &str) -> Box<dyn CredentialVerifier> {
        let users = [EmulatorUser::with_email(client_id, secret)];
        Emulated::boxed(start(EmulatorOptions::with_users(users)).await)
    }

    async fn with_locked_account(
        &self,
        client_id: &str,
        secret: &str,
    ) -> Option<Box<dyn CredentialVerifier>> {
        let user = EmulatorUser::with_email(client_id, secret).in_scenario(Scenario::Locked);
        let emulator = start(EmulatorOptions::with_users([user])).await;
        Some(Emulated::boxed(emulator))
    }

    async fn in_trouble(&self, trouble: Trouble) -> Option<Box<dyn CredentialVerifier>> {
        let fault = match trouble {
            Trouble::Down => Fault::error(500, "internal_clerk_error"),
            Trouble::Slow => Fault::Hang,
        };
        let emulator = start(EmulatorOptions::with_users([user()])).await;
        emulator.admin().fail_always(Endpoint::CreateSignIn, fault);
        Some(Emulated::boxed(emulator))
    }
}

#[tokio::test]
async fn the_contract_of_verifiers_is_kept() {
    contract::run(&EmulatedPremises).await;
}

#[tokio::test]
async fn a_login_gives_the_users_id_organization_and_role_and_leaves_no_session() {
    let user = user().member_of("acme", "operator");
    let emulator = start(EmulatorOptions::with_users([user])).await;
    let verifier = over(&emulator, ClerkFrontendOptions::default());
    let Ok(Verdict::Accept(client)) = log_in(&verifier, PASSWORD).await else {
        panic!("refused");
    };
    let user_id = emulator.user_id(CLIENT_ID).unwrap();
    assert_eq!(client.subject, format!("clerk|{user_id}"));
    let organization = client.organization.unwrap();
    assert_eq!(Some(organization.id), emulator.organization_id("acme"));
    assert_eq!(organization.slug.as_deref(), Some("acme"));
    assert!(client.roles.into_iter().eq([Role::Operator]));
    assert!(verifier.drain(Duration::from_secs(30)).await);
    assert_eq!(emulator.admin().sessions_active(), 0);
}

#[tokio::test]
async fn every_obstacle_has_its_reason() {
    let locked_for_good = RejectReason::Locked { expires_in: None };
    for (scenario, reason) in [
        (Scenario::Banned, RejectReason::Banned),
        (Scenario::LockedForever, locked_for_good),
        (Scenario::Mfa, RejectReason::MfaRequired),
        (Scenario::Passwordless, RejectReason::NoPassword),
        (Scenario::Pwned, RejectReason::SecretCompromised),
        (
            Scenario::NeedsNewPassword,
            RejectReason::NewPasswordRequired,
        ),
        (Scenario::NeedsProtectCheck, RejectReason::ProtectCheck),
        (Scenario::UnknownStatus, RejectReason::UnknownStatus),
        (Scenario::DeviceTrust, RejectReason::DeviceTrust),
        (Scenario::UnverifiedEmail, RejectReason::UnknownClient),
        (Scenario::PendingResetPassword, RejectReason::SessionTask),
        (Scenario::PendingSetupMfa, RejectReason::SessionTask),
        (Scenario::Deprovisioned, RejectReason::Banned),
        (Scenario::NotAllowed, RejectReason::NotAllowed),
        (Scenario::SsoOnly, RejectReason::NoPassword),
    ] {
        let user = user().in_scenario(scenario);
        let answer = answer_of(EmulatorOptions::with_users([user])).await;
        assert_eq!(answer, Ok(Verdict::Reject(reason)), "{scenario:?}");
    }
}

#[tokio::test]
async fn a_client_that_stays_stale_is_unavailable() {
    for (scenario, code) in [
        (Scenario::SessionExists, "session_exists"),
        (
            Scenario::IdentifierAlreadySignedIn,
            "identifier_already_signed_in",
        ),
    ] {
        let user = user().in_scenario(scenario);
        let answer = answer_of(EmulatorOptions::with_users([user])).await;
        assert_eq!(cause(answer), code);
    }
}

#[tokio::test]
async fn choosing_an_organization_is_done_from_the_memberships() {
    let pending = || user().in_scenario(Scenario::PendingChooseOrganization);
    let member = pending().member_of("acme", "user");
    let answer = answer_of(EmulatorOptions::with_users([member])).await;
    assert!(is_accepted(&answer), "{answer:?}");
    let answer = answer_of(EmulatorOptions::with_users([pending()])).await;
    assert_eq!(answer, Ok(Verdict::Reject(RejectReason::NoOrganization)));
}

#[tokio::test]
async fn device_trust_is_told_from_a_second_factor_also_on_older_instances() {
    for legacy_status in [false, true] {
        let options = EmulatorOptions {
            device_trust: true,
            legacy_status,
            ..EmulatorOptions::with_users([user()])
        };
        let answer = answer_of(options).await;
        assert_eq!(answer, Ok(Verdict::Reject(RejectReason::DeviceTrust)));
        let options = EmulatorOptions {
            device_trust: true,
            legacy_status,
            ..EmulatorOptions::with_users([user().trusted_everywhere()])
        };
        assert!(is_accepted(&answer_of(options).await));
    }
}

#[tokio::test]
async fn stricter_instances_let_the_right_secret_in() {
    let usual = || EmulatorOptions::with_users([user()]);
    for options in [
        EmulatorOptions {
            strict_headers: true,
            lenient_headerless: false,
            ..usual()
        },
        EmulatorOptions {
            require_dev_browser: true,
            ..usual()
        },
        EmulatorOptions {
            two_step_only: true,
            ..usual()
        },
        EmulatorOptions {
            single_session: true,
            ..usual()
        },
        EmulatorOptions {
            enumeration_protection: EnumerationProtection::Strict,
            ..usual()
        },
    ] {
        let emulator = start(options.clone()).await;
        let verifier = over(&emulator, ClerkFrontendOptions::default());
        for _ in 0..2 {
            let answer = log_in(&verifier, PASSWORD).await;
            assert!(is_accepted(&answer), "{options:?}: {answer:?}");
        }
        let answer = log_in(&verifier, "not-the-secret").await;
        assert_eq!(answer, Ok(Verdict::Reject(RejectReason::WrongSecret)));
        assert!(verifier.drain(Duration::from_secs(30)).await);
        assert_eq!(emulator.admin().sessions_active(), 0, "{options:?}");
    }
}

#[tokio::test]
async fn wrong_settings_and_maintenance_are_no_verdict() {
    let options = EmulatorOptions {
        native_api: false,
        ..EmulatorOptions::with_users([user()])
    };
    assert_eq!(config_code(answer_of(options).await), "native_api_disabled");
    let options = EmulatorOptions {
        maintenance: true,
        ..EmulatorOptions::with_users([user()])
    };
    assert_eq!(cause(answer_of(options).await), "maintenance_mode");
}

#[tokio::test]
async fn a_throttled_login_says_when_to_come_back() {
    let emulator = ClerkEmulator::start(EmulatorOptions::with_users([user()]))
        .await
        .unwrap();
    let verifier = over(&emulator, ClerkFrontendOptions::default());
    let throttled = Fault::Error {
        status: 429,
        code: "too_many_requests".to_owned(),
        meta: serde_json::Map::new(),
        retry_after: Some(7),
    };
    emulator
        .admin()
        .fail_next(Endpoint::CreateSignIn, throttled);
    let retry_after = Duration::from_secs(7);
    let answer = log_in(&verifier, PASSWORD).await;
    assert_eq!(answer, Err(VerifyError::Throttled { retry_after }));
    // Until then Clerk is left alone.
    let answer = log_in(&verifier, PASSWORD).await;
    assert!(matches!(answer, Err(VerifyError::Throttled { .. })));
    assert_eq!(emulator.admin().calls().of(Endpoint::CreateSignIn), 1);
}

#[tokio::test]
async fn a_probe_of_a_healthy_instance_finds_nothing_that_stops_logins() {
    let emulator = start(EmulatorOptions::with_users([user()])).await;
    let findings = over(&emulator, ClerkFrontendOptions::default())
        .probe()
        .await;
    let stops = |found: &&ProbeFinding| found.severity == ProbeSeverity::Error;
    assert_eq!(findings.iter().find(stops), None);
    assert!(
        !findings.is_empty(),
        "a development instance is worth a word"
    );
}
