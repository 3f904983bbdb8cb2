//! Organizations and their members at the Backend API.

use clerk_emulator::{EmulatorOptions, EmulatorUser};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Clerk, PASSWORD, read};

async fn clerk() -> Clerk {
    let users = [
        EmulatorUser::with_username("hello", PASSWORD).member_of("acme", "user"),
        EmulatorUser::with_username("second", PASSWORD).member_of("acme", "all"),
        EmulatorUser::with_username("lonely", PASSWORD),
    ];
    Clerk::start(EmulatorOptions::with_users(users).without_limits()).await
}

async fn send(clerk: &Clerk, method: Method, path: &str, body: Value) -> Answer {
    let path = format!("/v1/organizations{path}");
    clerk.backend_send(method, &path, &body).await
}

async fn get(clerk: &Clerk, path: &str) -> Value {
    let path = format!("/v1/organizations{path}");
    clerk.backend_get(&path).await.body
}

#[tokio::test]
async fn an_organization_is_found_by_its_id_and_by_its_slug() {
    let clerk = clerk().await;
    let id = clerk.emulator.organization_id("acme").unwrap();
    assert_eq!(get(&clerk, &format!("/{id}")).await["slug"], "acme");
    assert_eq!(get(&clerk, "/acme").await["id"], id);
    let unknown = clerk.backend_get("/v1/organizations/nobodys").await;
    assert_eq!(unknown.refusal(), (404, "resource_not_found"));
}

#[tokio::test]
async fn whoever_makes_an_organization_is_its_administrator() {
    let clerk = clerk().await;
    let lonely = clerk.emulator.user_id("lonely").unwrap();
    let made = send(
        &clerk,
        Method::POST,
        "",
        json!({"name": "Globex Ltd", "created_by": lonely}),
    )
    .await;
    assert_eq!(made.status, 200);
    assert_eq!(made.body["slug"], "globex-ltd");
    assert_eq!(made.body["members_count"], 1);
    let members = get(&clerk, "/globex-ltd/memberships").await;
    assert_eq!(members["data"][0]["role"], "org:admin");
    let again = send(&clerk, Method::POST, "", json!({"name": "Globex Ltd"})).await;
    assert_ne!(again.body["slug"], "globex-ltd");
    let listed = get(&clerk, "").await;
    assert_eq!(listed["total_count"], 3);
    assert_eq!(listed["data"][2]["slug"], "acme");
    let of_lonely = get(&clerk, &format!("?user_id={lonely}")).await;
    assert_eq!(of_lonely["total_count"], 1);
}

#[tokio::test]
async fn an_organization_needs_a_name_and_a_slug_of_its_own() {
    let clerk = clerk().await;
    for (body, refusal) in [
        (json!({}), (422, "form_param_missing")),
        (
            json!({"name": "A", "slug": "acme"}),
            (422, "form_identifier_exists"),
        ),
        (
            json!({"name": "A", "slug": "A b"}),
            (422, "form_param_format_invalid"),
        ),
        (
            json!({"name": "A", "created_by": "user_none"}),
            (404, "resource_not_found"),
        ),
    ] {
        let answer = send(&clerk, Method::POST, "", body).await;
        assert_eq!(answer.refusal(), refusal);
    }
}

#[tokio::test]
async fn an_organization_changes_and_takes_its_memberships_with_it_when_it_goes() {
    let clerk = clerk().await;
    let body = json!({"name": "Acme II", "slug": "acme-2", "private_metadata": {"a": 1}});
    let changed = send(&clerk, Method::PATCH, "/acme", body).await.body;
    assert_eq!(changed["name"], "Acme II");
    assert_eq!(changed["private_metadata"]["a"], 1);
    let deleted = read(clerk.backend(Method::DELETE, "/v1/organizations/acme-2")).await;
    assert_eq!(deleted.body["deleted"], true);
    let path = format!("{}/organization_memberships", clerk.user_path("hello"));
    assert_eq!(clerk.backend_get(&path).await.body["total_count"], 0);
}

#[tokio::test]
async fn members_are_listed_and_filtered() {
    let clerk = clerk().await;
    let all = get(&clerk, "/acme/memberships").await;
    assert_eq!(all["total_count"], 2);
    assert_eq!(all["data"][1]["public_user_data"]["username"], "hello");
    let hello = clerk.emulator.user_id("hello").unwrap();
    for query in [format!("user_id={hello}"), "role=org:ileap_user".to_owned()] {
        let found = get(&clerk, &format!("/acme/memberships?{query}")).await;
        assert_eq!(found["total_count"], 1, "{query}");
        assert_eq!(found["data"][0]["public_user_data"]["username"], "hello");
    }
}

#[tokio::test]
async fn members_join_change_their_role_and_leave() {
    let clerk = clerk().await;
    let lonely = clerk.emulator.user_id("lonely").unwrap();
    let body =
        json!({"user_id": lonely, "role": "org:ileap_operator", "public_metadata": {"a": 1}});
    let joined = send(&clerk, Method::POST, "/acme/memberships", body.clone())
        .await
        .body;
    assert_eq!(joined["role"], "org:ileap_operator");
    assert_eq!(joined["public_metadata"]["a"], 1);
    assert_eq!(joined["organization"]["members_count"], 3);
    let twice = send(&clerk, Method::POST, "/acme/memberships", body).await;
    assert_eq!(twice.refusal(), (400, "already_a_member_in_organization"));

    let own = format!("/acme/memberships/{lonely}");
    let changed = send(&clerk, Method::PATCH, &own, json!({"role": "org:admin"})).await;
    assert_eq!(changed.body["role"], "org:admin");
    let left = send(&clerk, Method::DELETE, &own, json!({})).await;
    assert_eq!(left.body["role"], "org:admin");
    let gone = send(&clerk, Method::DELETE, &own, json!({})).await;
    assert_eq!(gone.refusal(), (404, "resource_not_found"));
    assert_eq!(get(&clerk, "/acme").await["members_count"], 2);
}

#[tokio::test]
async fn a_full_organization_takes_nobody_in() {
    let clerk = clerk().await;
    send(
        &clerk,
        Method::PATCH,
        "/acme",
        json!({"max_allowed_memberships": 2}),
    )
    .await;
    let lonely = clerk.emulator.user_id("lonely").unwrap();
    let body = json!({"user_id": lonely, "role": "org:admin"});
    let refused = send(&clerk, Method::POST, "/acme/memberships", body).await;
    assert_eq!(
        refused.refusal(),
        (403, "organization_membership_quota_exceeded")
    );
}

#[tokio::test]
async fn an_organization_that_a_member_left_is_active_in_none_of_its_sessions() {
    let clerk = clerk().await;
    let signed_in = clerk.sign_in("hello", PASSWORD).await;
    let session = format!("/v1/client/sessions/{}", signed_in.session_id());
    let form = [("active_organization_id", "acme")];
    clerk
        .post(&format!("{session}/touch"), signed_in.token(), &form)
        .await;
    let hello = clerk.emulator.user_id("hello").unwrap();
    let own = format!("/acme/memberships/{hello}");
    send(&clerk, Method::DELETE, &own, json!({})).await;
    let session = clerk.get(&session, signed_in.token()).await;
    assert_eq!(
        session.body["response"]["last_active_organization_id"],
        Value::Null
    );
}
