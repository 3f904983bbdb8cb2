//! The verifier against an emulated Clerk instance.

use clerk_emulator::{
    ClerkEmulator, EmulatorOptions, EmulatorUser, Endpoint, Fault, Scenario, WrongPassword,
};

use super::*;
use crate::{
    clock::SystemClock,
    identity::ClientSecret,
    verify::contract::{self, Premises, Trouble},
};

const CLIENT_ID: &str = "ops@acme.example";
const PASSWORD: &str = "quartz-Lantern-4711";
const WRONG: &str = "not-the-secret-4711";

fn user() -> EmulatorUser {
    EmulatorUser::with_email(CLIENT_ID, PASSWORD)
}

fn over(
    emulator: &ClerkEmulator,
    secret_key: &str,
    options: ClerkBackendOptions,
) -> ClerkBackendVerifier {
    let clock = Arc::new(SystemClock);
    let http = outbound::client(&OutboundOptions::default()).unwrap();
    let gate = Arc::new(Gate::new(None, None, clock.clone()));
    let url = emulator.backend_api_url().parse().unwrap();
    let api = BackendApi::new(&url, secret_key, http, gate);
    ClerkBackendVerifier::new(api, options, clock).unwrap()
}

/// A verifier together with the instance that it asks.
struct Emulated {
    emulator: ClerkEmulator,
    verifier: ClerkBackendVerifier,
}

impl Emulated {
    async fn start(options: EmulatorOptions) -> Self {
        Self::start_with(options.without_limits(), ClerkBackendOptions::default()).await
    }

    async fn start_with(options: EmulatorOptions, backend: ClerkBackendOptions) -> Self {
        let emulator = ClerkEmulator::start(options).await.unwrap();
        let verifier = over(&emulator, emulator.secret_key(), backend);
        Self { emulator, verifier }
    }

    async fn log_in(&self, client_id: &str, secret: &str) -> Result<Verdict, VerifyError> {
        let credentials = ClientCredentials {
            client_id: ClientId::new(client_id).unwrap(),
            client_secret: ClientSecret::new(secret).unwrap(),
        };
        let attempt = attempt(&credentials);
        self.verifier.account(&attempt).await?;
        self.verifier.verify(&attempt).await
    }

    /// The calls so far, apart from those that ask for organizations.
    fn calls(&self) -> Vec<(Endpoint, u64)> {
        let calls = self.emulator.admin().calls().by_endpoint.into_iter();
        calls
            .filter(|(endpoint, _)| *endpoint != Endpoint::BackendListOrganizations)
            .collect()
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

/// Where wrong passwords are called what the documents say, or what has been observed.
struct EmulatedPremises(WrongPassword);

impl EmulatedPremises {
    async fn with(&self, user: EmulatorUser) -> Emulated {
        let options = EmulatorOptions {
            wrong_password: self.0,
            ..EmulatorOptions::with_users([user])
        };
        let backend = ClerkBackendOptions {
            timeout: Duration::from_secs(1),
            ..ClerkBackendOptions::default()
        };
        Emulated::start_with(options.without_limits(), backend).await
    }
}

#[async_trait::async_trait]
impl Premises for EmulatedPremises {
    async fn with_account(&self, client_id: &str, secret: &str) -> Box<dyn CredentialVerifier> {
        Box::new(self.with(EmulatorUser::with_email(client_id, secret)).await)
    }

    async fn with_locked_account(
        &self,
        client_id: &str,
        secret: &str,
    ) -> Option<Box<dyn CredentialVerifier>> {
        let user = EmulatorUser::with_email(client_id, secret).in_scenario(Scenario::Locked);
        Some(Box::new(self.with(user).await))
    }

    async fn in_trouble(&self, trouble: Trouble) -> Option<Box<dyn CredentialVerifier>> {
        let fault = match trouble {
            Trouble::Down => Fault::error(500, "internal_clerk_error"),
            Trouble::Slow => Fault::Hang,
        };
        let emulated = self.with(user()).await;
        let admin = emulated.emulator.admin();
        admin.fail_always(Endpoint::BackendVerifyPassword, fault);
        Some(Box::new(emulated))
    }
}

#[tokio::test]
async fn the_contract_of_verifiers_is_kept_where_wrong_passwords_are_called_as_documented() {
    contract::run(&EmulatedPremises(WrongPassword::Documented)).await;
}

#[tokio::test]
async fn the_contract_of_verifiers_is_kept_where_wrong_passwords_are_called_as_observed() {
    contract::run(&EmulatedPremises(WrongPassword::Observed)).await;
}

#[tokio::test]
async fn a_first_login_is_three_calls_and_leaves_no_session() {
    let user = user().member_of("acme", "operator");
    let emulated = Emulated::start(EmulatorOptions::with_users([user])).await;
    let Ok(Verdict::Accept(client)) = emulated.log_in(CLIENT_ID, PASSWORD).await else {
        panic!("refused");
    };
    let id = emulated.emulator.user_id(CLIENT_ID).unwrap();
    assert_eq!(client.subject, format!("clerk|{id}"));
    let organization = client.organization.unwrap();
    let expected = emulated.emulator.organization_id("acme").unwrap();
    assert_eq!(organization.id, expected);
    assert_eq!(organization.slug.as_deref(), Some("acme"));
    assert!(client.roles.into_iter().eq([Role::Operator]));
    assert_eq!(
        emulated.calls(),
        [
            (Endpoint::BackendListUsers, 1),
            (Endpoint::BackendVerifyPassword, 1),
            (Endpoint::BackendListUserMemberships, 1),
        ]
    );
    assert_eq!(emulated.emulator.admin().sessions_active(), 0);
}

#[tokio::test]
async fn an_unknown_identifier_and_a_wrong_password_make_the_same_calls() {
    let known = Emulated::start(EmulatorOptions::with_users([user()])).await;
    let answer = known.log_in(CLIENT_ID, WRONG).await;
    assert_eq!(reason(answer), RejectReason::WrongSecret);
    let unknown = Emulated::start(EmulatorOptions::with_users([user()])).await;
    let answer = unknown.log_in("nobody@acme.example", WRONG).await;
    assert_eq!(reason(answer), RejectReason::UnknownClient);
    assert_eq!(unknown.calls(), known.calls());
    assert_eq!(known.calls().len(), 2);
}

#[tokio::test]
async fn an_instance_without_organizations_costs_two_calls_after_a_probe() {
    let options = EmulatorOptions {
        organizations: false,
        ..EmulatorOptions::with_users([user()])
    };
    let emulated = Emulated::start(options).await;
    emulated.probe().await;
    let probed = emulated.calls();
    assert_eq!(probed, [(Endpoint::BackendListUsers, 1)]);
    let answer = emulated.log_in(CLIENT_ID, PASSWORD).await;
    assert!(is_accepted(&answer), "{answer:?}");
    assert_eq!(
        emulated.calls(),
        [
            (Endpoint::BackendListUsers, 2),
            (Endpoint::BackendVerifyPassword, 1)
        ]
    );
}

#[tokio::test]
async fn scenarios_end_as_they_should() {
    let forever = RejectReason::Locked { expires_in: None };
    for (scenario, expected) in [
        (Scenario::Banned, RejectReason::Banned),
        (Scenario::LockedForever, forever),
        (Scenario::Mfa, RejectReason::MfaRequired),
        (Scenario::Passwordless, RejectReason::NoPassword),
        (Scenario::UnverifiedEmail, RejectReason::NotAllowed),
    ] {
        let user = user().in_scenario(scenario);
        let emulated = Emulated::start(EmulatorOptions::with_users([user])).await;
        assert_eq!(reason(emulated.log_in(CLIENT_ID, PASSWORD).await), expected);
    }
}

#[tokio::test]
async fn device_trust_is_not_in_the_way() {
    let options = EmulatorOptions {
        device_trust: true,
        ..EmulatorOptions::with_users([user()])
    };
    let emulated = Emulated::start(options).await;
    let answer = emulated.log_in(CLIENT_ID, PASSWORD).await;
    assert!(is_accepted(&answer), "{answer:?}");
}

#[tokio::test]
async fn names_are_found_whatever_their_case_and_kind() {
    let named = EmulatorUser::with_username("acme-ops", PASSWORD);
    let emulated = Emulated::start(EmulatorOptions::with_users([user(), named])).await;
    for name in ["Ops@ACME.example", "acme-ops", "Acme-Ops"] {
        let answer = emulated.log_in(name, PASSWORD).await;
        assert!(is_accepted(&answer), "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn half_of_the_instances_lockout_may_fail() {
    let mut options = EmulatorOptions::with_users([user()]);
    options.lockout.max_attempts = 30;
    let emulated = Emulated::start_with(options, ClerkBackendOptions::default()).await;
    let credentials = credentials(CLIENT_ID);
    let account = emulated.account(&attempt(&credentials)).await.unwrap();
    assert_eq!(account.allowed_failures, Some(15));
}

#[tokio::test]
async fn a_wrong_secret_key_is_the_operators_to_mend() {
    let emulated = Emulated::start(EmulatorOptions::with_users([user()])).await;
    let verifier = over(
        &emulated.emulator,
        SECRET_KEY,
        ClerkBackendOptions::default(),
    );
    let credentials = credentials(CLIENT_ID);
    let answer = verifier.verify(&attempt(&credentials)).await;
    let Err(VerifyError::Misconfigured { remedy, .. }) = answer else {
        panic!("{answer:?}");
    };
    assert!(remedy.contains("CLERK_SECRET_KEY"));
    assert_eq!(verifier.probe().await[0].severity, ProbeSeverity::Error);
}
