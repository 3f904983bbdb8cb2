//! Signing in with a password.

use clerk_emulator::{
    EmulatorOptions, EmulatorUser, EnumerationProtection, Lockout, Scenario, load_users,
};

use crate::harness::{Clerk, PASSWORD};

#[tokio::test]
async fn the_right_password_creates_a_session() {
    let clerk = Clerk::with_scenario(Scenario::Ok).await;
    let answer = clerk.sign_in("OPS@acme.example", PASSWORD).await;
    assert_eq!((answer.status, answer.sign_in_status()), (200, "complete"));
    let client = &answer.body["client"];
    assert_eq!(client["sessions"][0]["id"], answer.session_id());
    assert_eq!(client["last_active_session_id"], answer.session_id());
    assert!(client["sign_in"].is_null());
    assert_eq!(clerk.admin().sessions_active_of("ops@acme.example"), Ok(1));
}

#[tokio::test]
async fn each_scenario_ends_where_its_name_says() {
    let clerk = Clerk::with_scenario(Scenario::Ok).await;
    for (scenario, status, expected) in [
        (Scenario::Ok, 200, "complete"),
        (Scenario::Banned, 403, "user_banned"),
        (Scenario::Locked, 403, "user_locked"),
        (Scenario::LockedForever, 403, "user_locked"),
        (Scenario::Mfa, 200, "needs_second_factor"),
        (Scenario::Passwordless, 400, "strategy_for_user_invalid"),
        (Scenario::Pwned, 422, "form_password_pwned"),
        (Scenario::NeedsNewPassword, 200, "needs_new_password"),
        (Scenario::NeedsProtectCheck, 200, "needs_protect_check"),
        (Scenario::UnknownStatus, 200, "needs_something_unheard_of"),
        (Scenario::DeviceTrust, 200, "needs_client_trust"),
        (Scenario::UnverifiedEmail, 422, "form_identifier_not_found"),
        (Scenario::PendingResetPassword, 200, "complete"),
        (Scenario::PendingSetupMfa, 200, "complete"),
        (Scenario::PendingChooseOrganization, 200, "complete"),
        (Scenario::Deprovisioned, 401, "deprovisioned"),
        (Scenario::NotAllowed, 403, "not_allowed_access"),
        (Scenario::SsoOnly, 404, "saml_connection_not_found"),
        (Scenario::SessionExists, 400, "session_exists"),
        (
            Scenario::IdentifierAlreadySignedIn,
            400,
            "identifier_already_signed_in",
        ),
    ] {
        clerk
            .admin()
            .set_scenario("ops@acme.example", scenario)
            .unwrap();
        let answer = clerk.sign_in("ops@acme.example", PASSWORD).await;
        assert_eq!(
            (answer.status, answer.sign_in_status()),
            (status, expected),
            "{scenario:?}"
        );
    }
}

#[tokio::test]
async fn a_pending_session_names_what_is_left_to_do() {
    for (scenario, task) in [
        (Scenario::PendingResetPassword, "reset-password"),
        (Scenario::PendingSetupMfa, "setup-mfa"),
        (Scenario::PendingChooseOrganization, "choose-organization"),
    ] {
        let clerk = Clerk::with_scenario(scenario).await;
        let answer = clerk.sign_in("ops@acme.example", PASSWORD).await;
        let session = &answer.body["client"]["sessions"][0];
        assert_eq!(session["status"], "pending");
        assert_eq!(session["tasks"][0]["key"], task);
    }
}

#[tokio::test]
async fn a_lock_tells_how_long_it_lasts_unless_it_has_no_end() {
    let clerk = Clerk::with_scenario(Scenario::Locked).await;
    clerk.admin().lock("ops@acme.example").unwrap();
    let meta =
        |body: &serde_json::Value| body["errors"][0]["meta"]["lockout_expires_in_seconds"].clone();
    let forever = clerk.sign_in("ops@acme.example", PASSWORD).await;
    assert!(meta(&forever.body).is_null());
    clerk
        .admin()
        .set_scenario("ops@acme.example", Scenario::Locked)
        .unwrap();
    let limited = clerk.sign_in("ops@acme.example", PASSWORD).await;
    assert!((3_500..=3_600).contains(&meta(&limited.body).as_u64().unwrap()));
}

#[tokio::test]
async fn an_unknown_account_is_told_from_a_wrong_password_unless_protected() {
    let user = || EmulatorUser::with_username("hello", PASSWORD);
    let open = Clerk::start(EmulatorOptions::with_users([user()]).without_limits()).await;
    let unknown = open.sign_in("nobody", PASSWORD).await;
    assert_eq!(unknown.refusal(), (422, "form_identifier_not_found"));
    let wrong = open.sign_in("hello", "wrong").await;
    assert_eq!(wrong.refusal(), (422, "form_password_incorrect"));
    assert_eq!(wrong.body["errors"][0]["meta"]["param_name"], "password");

    let strict = Clerk::start(EmulatorOptions {
        enumeration_protection: EnumerationProtection::Strict,
        limits: false,
        ..EmulatorOptions::with_users([user()])
    })
    .await;
    for identifier in ["nobody", "hello"] {
        let answer = strict.sign_in(identifier, "wrong").await;
        assert_eq!(
            answer.refusal(),
            (422, "form_password_or_identifier_incorrect")
        );
    }
    let begun = strict
        .post("/v1/client/sign_ins", "", &[("identifier", "nobody")])
        .await;
    assert_eq!(begun.sign_in_status(), "needs_first_factor");
}

#[tokio::test]
async fn the_tenth_wrong_password_locks_and_the_next_attempt_hears_of_it() {
    let clerk = locking(10).await;
    for _ in 0..10 {
        let answer = clerk.sign_in("hello", "wrong").await;
        assert_eq!(answer.code(), "form_password_incorrect");
    }
    assert_eq!(
        clerk.sign_in("hello", PASSWORD).await.refusal(),
        (403, "user_locked")
    );
}

#[tokio::test]
async fn a_success_forgets_the_failures_before_it() {
    let clerk = locking(3).await;
    for _ in 0..3 {
        for _ in 0..2 {
            let answer = clerk.sign_in("hello", "wrong").await;
            assert_eq!(answer.code(), "form_password_incorrect");
        }
        assert_eq!(
            clerk.sign_in("hello", PASSWORD).await.sign_in_status(),
            "complete"
        );
    }
}

#[tokio::test]
async fn the_attempts_left_are_counted_down_in_the_user() {
    let clerk = locking(5).await;
    let token = clerk.sign_in("hello", PASSWORD).await.token().to_owned();
    clerk.sign_in("hello", "wrong").await;
    let me = clerk.get("/v1/me", &token).await;
    assert_eq!(me.body["response"]["verification_attempts_remaining"], 4);
}

async fn locking(max_attempts: u32) -> Clerk {
    let user = EmulatorUser::with_username("hello", PASSWORD);
    Clerk::start(EmulatorOptions {
        limits: false,
        lockout: Lockout {
            max_attempts,
            ..Lockout::default()
        },
        ..EmulatorOptions::with_users([user])
    })
    .await
}

/// The parameters of a form.
type Form<'a> = &'a [(&'a str, &'a str)];

#[tokio::test]
async fn a_malformed_request_is_refused_parameter_by_parameter() {
    let clerk = Clerk::with_scenario(Scenario::Ok).await;
    let long = format!("{}@acme.example", "x".repeat(300));
    let cases: [(Form<'_>, &str, &str); 11] = [
        (
            &[("identifier", "a@b.c"), ("pasword", "x")],
            "form_param_unknown",
            "pasword",
        ),
        (
            &[("identifier", "a"), ("identifier", "b")],
            "form_param_duplicate",
            "identifier",
        ),
        (&[("identifier", "")], "form_param_nil", "identifier"),
        (
            &[("identifier", "ops@acme.example"), ("password", "")],
            "form_param_nil",
            "password",
        ),
        (
            &[("identifier", "not a name")],
            "form_param_format_invalid",
            "identifier",
        ),
        (
            &[("identifier", "a@b")],
            "form_param_format_invalid",
            "identifier",
        ),
        (
            &[("identifier", "+12x")],
            "form_param_format_invalid",
            "identifier",
        ),
        (
            &[("identifier", &long)],
            "form_param_max_length_exceeded",
            "identifier",
        ),
        (
            &[("password", "x")],
            "form_conditional_param_missing",
            "identifier",
        ),
        (
            &[("strategy", "password"), ("identifier", "ops@acme.example")],
            "form_conditional_param_missing",
            "password",
        ),
        (
            &[
                ("strategy", "oauth_nobody"),
                ("identifier", "ops@acme.example"),
            ],
            "form_param_value_invalid",
            "strategy",
        ),
    ];
    for (form, code, param) in cases {
        let answer = clerk.post("/v1/client/sign_ins", "", form).await;
        assert_eq!(answer.refusal(), (422, code), "{form:?}");
        assert_eq!(
            answer.body["errors"][0]["meta"]["param_name"], param,
            "{form:?}"
        );
    }
    let answer = clerk.sign_in("ops@acme.example", &"x".repeat(73)).await;
    assert_eq!(
        answer.refusal(),
        (422, "form_password_size_in_bytes_exceeded")
    );
}

#[tokio::test]
async fn an_attempt_without_anything_needs_an_identifier() {
    let clerk = Clerk::with_scenario(Scenario::Ok).await;
    let answer = clerk.post("/v1/client/sign_ins", "", &[]).await;
    assert_eq!(answer.sign_in_status(), "needs_identifier");
    assert_eq!(answer.body["response"]["client_trust_state"], "pending");
}

#[tokio::test]
async fn an_instance_of_two_steps_takes_the_password_in_the_second_only() {
    let clerk = Clerk::start(EmulatorOptions {
        two_step_only: true,
        ..EmulatorOptions::with_users([EmulatorUser::with_username("hello", PASSWORD)])
    })
    .await;
    let refused = clerk.sign_in("hello", PASSWORD).await;
    assert_eq!(refused.refusal(), (422, "form_param_unknown"));
    assert_eq!(refused.body["errors"][0]["meta"]["param_name"], "password");

    let begun = clerk
        .post("/v1/client/sign_ins", "", &[("identifier", "hello")])
        .await;
    assert_eq!(begun.sign_in_status(), "needs_first_factor");
    assert_eq!(
        begun.body["response"]["supported_first_factors"][0]["strategy"],
        "password"
    );
    let path = format!("/v1/client/sign_ins/{}/attempt_first_factor", begun.id());
    let form = [("strategy", "password"), ("password", PASSWORD)];
    let done = clerk.post(&path, begun.token(), &form).await;
    assert_eq!(done.sign_in_status(), "complete");
    assert_eq!(clerk.admin().calls().sign_in_attempts, 1);
}

#[tokio::test]
async fn users_from_toml_sign_in_with_their_organization() {
    let users = load_users(
        "[[user]]\nusername = \"a\"\npassword = \"pw\"\norganization = \"acme\"\nrole = \"operator\"\n\
         [[user]]\nusername = \"b\"\npassword = \"pw\"\norganization = \"acme\"\nrole = \"org:admin\"\n",
    )
    .unwrap();
    let clerk = Clerk::start(EmulatorOptions::with_users(users)).await;
    let mut organizations = Vec::new();
    for (name, role) in [("a", "org:ileap_operator"), ("b", "org:admin")] {
        let answer = clerk.sign_in(name, "pw").await;
        let user = &answer.body["client"]["sessions"][0]["user"];
        let membership = &user["organization_memberships"][0];
        assert_eq!(membership["role"], role);
        organizations.push(
            membership["organization"]["id"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(organizations[0], organizations[1]);
    assert_eq!(
        clerk.emulator.organization_id("acme"),
        Some(organizations[0].clone())
    );
}
