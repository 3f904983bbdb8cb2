//! The controls of accounts, in Rust and over HTTP.

use clerk_emulator::{
    AdminError, EmulatorMembership, EmulatorOptions, EmulatorUser, Lockout, Scenario,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Clerk, PASSWORD};

const OPS: &str = "ops@acme.example";

async fn clerk() -> Clerk {
    let user = EmulatorUser::with_email(OPS, PASSWORD).member_of("acme", "user");
    Clerk::start(EmulatorOptions {
        limits: false,
        lockout: Lockout {
            max_attempts: 3,
            ..Lockout::default()
        },
        ..EmulatorOptions::with_users([user])
    })
    .await
}

/// Slug and role of each membership, as the Backend API has them.
async fn memberships(clerk: &Clerk) -> Vec<(String, String)> {
    let path = format!("{}/organization_memberships", clerk.user_path(OPS));
    let answer = clerk.backend_get(&path).await.body;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = answer["data"].as_array().unwrap().iter();
    list.map(|found| (text(&found["organization"]["slug"]), text(&found["role"])))
        .collect()
}

#[tokio::test]
async fn accounts_come_and_go_while_it_runs() {
    let clerk = clerk().await;
    let new = || EmulatorUser::with_username("late", PASSWORD).member_of("globex", "all");
    let id = clerk.admin().create_user(new()).unwrap();
    assert_eq!(clerk.emulator.user_id("late"), Some(id));
    assert!(clerk.emulator.organization_id("globex").is_some());
    assert_eq!(
        clerk.admin().create_user(new()),
        Err(AdminError::Taken { key: "username" })
    );
    assert_eq!(
        clerk.sign_in("late", PASSWORD).await.sign_in_status(),
        "complete"
    );
    clerk.admin().delete_user("late").unwrap();
    assert_eq!(clerk.admin().sessions_active(), 0);
    assert_eq!(
        clerk.admin().delete_user("late"),
        Err(AdminError::UnknownUser)
    );
    assert_eq!(
        clerk.sign_in("late", PASSWORD).await.refusal(),
        (422, "form_identifier_not_found")
    );
}

#[tokio::test]
async fn memberships_are_made_changed_and_ended() {
    let clerk = clerk().await;
    let admin = clerk.admin();
    let pair = |slug: &str, role: &str| (slug.to_owned(), role.to_owned());
    for (organization, role) in [("acme", "operator"), ("globex", "user")] {
        let membership = EmulatorMembership::new(organization, role);
        admin.set_membership(OPS, membership).unwrap();
    }
    assert_eq!(
        memberships(&clerk).await,
        [
            pair("acme", "org:ileap_operator"),
            pair("globex", "org:ileap_user")
        ]
    );
    admin.remove_membership(OPS, "acme").unwrap();
    assert_eq!(
        memberships(&clerk).await,
        [pair("globex", "org:ileap_user")]
    );
    for organization in ["acme", "nobodys"] {
        assert_eq!(
            admin.remove_membership(OPS, organization),
            Err(AdminError::UnknownMembership)
        );
    }
}

#[tokio::test]
async fn failures_of_both_apis_can_be_read() {
    let clerk = clerk().await;
    let admin = clerk.admin();
    clerk.sign_in(OPS, "wrong").await;
    clerk.verify_password(OPS, "wrong").await;
    assert_eq!(admin.failures(OPS), Ok(2));
    assert_eq!(admin.attempts_remaining(OPS), Ok(Some(1)));
    assert_eq!(admin.is_locked(OPS), Ok(false));
    clerk.verify_password(OPS, "wrong").await;
    assert_eq!(admin.is_locked(OPS), Ok(true));
    admin.unlock(OPS).unwrap();
    assert_eq!(admin.failures(OPS), Ok(0));
    assert_eq!(admin.failures("nobody"), Err(AdminError::UnknownUser));
}

#[tokio::test]
async fn an_address_loses_and_regains_its_verification() {
    let clerk = clerk().await;
    clerk.admin().unverify_email(OPS).unwrap();
    assert_eq!(
        clerk.sign_in(OPS, PASSWORD).await.refusal(),
        (422, "form_identifier_not_found")
    );
    let user = clerk.backend_get(&clerk.user_path(OPS)).await.body;
    assert_eq!(user["email_addresses"][0]["verification"], Value::Null);
    clerk.admin().verify_email(OPS).unwrap();
    assert_eq!(clerk.sign_in(OPS, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_second_factor_is_set_up_and_taken_away() {
    let clerk = clerk().await;
    clerk.admin().set_up_mfa(OPS).unwrap();
    let user = clerk.backend_get(&clerk.user_path(OPS)).await.body;
    assert_eq!(user["two_factor_enabled"], true);
    let stopped = clerk.sign_in(OPS, PASSWORD).await;
    assert_eq!(stopped.sign_in_status(), "needs_second_factor");
    clerk.admin().remove_mfa(OPS).unwrap();
    assert_eq!(
        clerk.sign_in(OPS, PASSWORD).await.sign_in_status(),
        "complete"
    );
}

#[tokio::test]
async fn a_scenario_that_is_left_leaves_nothing_behind() {
    let clerk = clerk().await;
    for scenario in [
        Scenario::Mfa,
        Scenario::UnverifiedEmail,
        Scenario::Locked,
        Scenario::Banned,
    ] {
        clerk.admin().set_scenario(OPS, scenario).unwrap();
        assert_ne!(
            clerk.sign_in(OPS, PASSWORD).await.sign_in_status(),
            "complete",
            "{scenario:?}"
        );
        clerk.admin().set_scenario(OPS, Scenario::Ok).unwrap();
        assert_eq!(
            clerk.sign_in(OPS, PASSWORD).await.sign_in_status(),
            "complete",
            "{scenario:?}"
        );
    }
}

#[tokio::test]
async fn all_of_it_works_over_http() {
    let clerk = clerk().await;
    let new = json!({"username": "late", "password": PASSWORD, "external_id": "x-1"});
    let made = clerk.control(Method::POST, "users", &new).await;
    assert_eq!(made.body["id"], clerk.emulator.user_id("late").unwrap());
    assert_eq!(clerk.control(Method::POST, "users", &new).await.status, 409);
    clerk.verify_password("late", "wrong").await;
    let change = json!({"mfa": true, "email_verified": false});
    clerk.control(Method::PATCH, "users/late", &change).await;
    let shown = clerk
        .control(Method::GET, "users/late", &json!({}))
        .await
        .body;
    assert_eq!(
        (
            &shown["failures"],
            &shown["attempts_remaining"],
            &shown["mfa"]
        ),
        (&json!(1), &json!(2), &json!(true))
    );
    let path = "users/late/memberships/globex";
    let role = json!({"role": "operator", "permissions": ["org:shipments:read"]});
    assert_eq!(clerk.control(Method::PUT, path, &role).await.status, 200);
    let members = "/v1/organizations/globex/memberships";
    let member = &clerk.backend_get(members).await.body["data"][0];
    assert_eq!(member["role"], "org:ileap_operator");
    assert_eq!(member["permissions"], json!(["org:shipments:read"]));
    for status in [200, 404] {
        let answer = clerk.control(Method::DELETE, path, &json!({})).await;
        assert_eq!(answer.status, status);
    }
    for status in [200, 404] {
        let answer = clerk
            .control(Method::DELETE, "users/late", &json!({}))
            .await;
        assert_eq!(answer.status, status);
    }
    let wrong = clerk
        .control(Method::POST, "users", &json!({"passwort": "x"}))
        .await;
    assert_eq!(wrong.status, 422);
}
