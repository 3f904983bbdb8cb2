//! Sessions, their tokens and their ends.

use clerk_emulator::{EmulatorClock, EmulatorMembership, EmulatorOptions, EmulatorUser, Scenario};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

use crate::harness::{Answer, Clerk, PASSWORD, read};

const USER: &str = "ops@acme.example";

async fn signed_in() -> (Clerk, Answer) {
    let mut user = EmulatorUser::with_email(USER, PASSWORD).member_of("other", "user");
    user.memberships.push(EmulatorMembership {
        permissions: vec!["org:tocs:read".to_owned()],
        ..EmulatorMembership::new("acme", "operator")
    });
    let clerk = Clerk::start(EmulatorOptions {
        jwt_templates: vec!["partner".to_owned()],
        limits: false,
        ..EmulatorOptions::with_users([user])
    })
    .await;
    let answer = clerk.sign_in(USER, PASSWORD).await;
    (clerk, answer)
}

async fn claims(clerk: &Clerk, jwt: &str) -> Result<Value, jsonwebtoken::errors::Error> {
    let keys = clerk.get("/.well-known/jwks.json", "").await.body;
    let key = &keys["keys"][0];
    assert_eq!(
        jsonwebtoken::decode_header(jwt)?.kid.as_deref(),
        key["kid"].as_str()
    );
    let key =
        DecodingKey::from_rsa_components(key["n"].as_str().unwrap(), key["e"].as_str().unwrap())?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[clerk.emulator.frontend_api_url()]);
    validation.validate_nbf = true;
    Ok(jsonwebtoken::decode::<Value>(jwt, &key, &validation)?.claims)
}

fn newest_token(answer: &Answer) -> &str {
    answer.body["client"]["sessions"][0]["last_active_token"]["jwt"]
        .as_str()
        .unwrap()
}

#[tokio::test]
async fn a_session_token_verifies_against_the_published_keys() {
    let (clerk, answer) = signed_in().await;
    let claims = claims(&clerk, newest_token(&answer)).await.unwrap();
    assert_eq!(claims["sid"], answer.session_id());
    assert_eq!(claims["sub"], json!(clerk.emulator.user_id(USER)));
    assert_eq!(
        (claims["v"].as_u64(), claims["sts"].as_str()),
        (Some(2), Some("active"))
    );
    let seconds = |name: &str| claims[name].as_u64().unwrap();
    assert_eq!(seconds("exp") - seconds("iat"), 60);
    assert_eq!(seconds("iat") - seconds("nbf"), 10);
    assert!(claims.get("azp").is_none() && claims.get("o").is_none());
}

#[tokio::test]
async fn reading_the_client_brings_a_token_that_is_still_good() {
    let clock = EmulatorClock::manual(1_790_000_000_000);
    let clerk = Clerk::start(EmulatorOptions {
        clock: clock.clone(),
        ..EmulatorOptions::with_users([EmulatorUser::with_email(USER, PASSWORD)])
    })
    .await;
    let answer = clerk.sign_in(USER, PASSWORD).await;
    clock.advance(Duration::from_mins(5));
    let client = clerk.get("/v1/client", answer.token()).await;
    let token = &client.body["response"]["sessions"][0]["last_active_token"]["jwt"];
    assert_ne!(*token, newest_token(&answer));
}

#[tokio::test]
async fn a_rotated_key_verifies_nothing_signed_before_under_the_same_name() {
    let (clerk, answer) = signed_in().await;
    let before = clerk.get("/.well-known/jwks.json", "").await.body;
    clerk.admin().rotate_keys().unwrap();
    let after = clerk.get("/.well-known/jwks.json", "").await.body;
    assert_eq!(before["keys"][0]["kid"], after["keys"][0]["kid"]);
    assert_ne!(before["keys"][0]["n"], after["keys"][0]["n"]);
    assert!(claims(&clerk, newest_token(&answer)).await.is_err());
}

#[tokio::test]
async fn touching_with_an_organization_puts_it_into_the_token() {
    let (clerk, answer) = signed_in().await;
    let touch = format!("/v1/client/sessions/{}/touch", answer.session_id());
    let id = clerk.emulator.organization_id("acme").unwrap();
    for name in ["acme", id.as_str()] {
        let touched = clerk
            .post(&touch, answer.token(), &[("active_organization_id", name)])
            .await;
        assert_eq!(touched.body["response"]["last_active_organization_id"], id);
        let jwt = touched.body["response"]["last_active_token"]["jwt"]
            .as_str()
            .unwrap();
        let claims = claims(&clerk, jwt).await.unwrap();
        assert_eq!(
            claims["o"],
            json!({"id": id, "slg": "acme", "rol": "ileap_operator", "per": "read", "fpm": "1"})
        );
        assert_eq!(claims["fea"], "o:tocs");
    }
    let personal = clerk
        .post(&touch, answer.token(), &[("active_organization_id", "")])
        .await;
    assert!(personal.body["response"]["last_active_organization_id"].is_null());
    let foreign = clerk
        .post(
            &touch,
            answer.token(),
            &[("active_organization_id", "nobodys")],
        )
        .await;
    assert_eq!(
        foreign.refusal(),
        (404, "organization_not_found_or_unauthorized")
    );
}

#[tokio::test]
async fn tokens_for_an_organization_leave_the_active_one_alone() {
    let (clerk, answer) = signed_in().await;
    let path = format!("/v1/client/sessions/{}", answer.session_id());
    let tokens = format!("{path}/tokens");
    let token = clerk
        .post(&tokens, answer.token(), &[("organization_id", "other")])
        .await;
    let jwt = token.body["jwt"].as_str().unwrap();
    assert_eq!(claims(&clerk, jwt).await.unwrap()["o"]["slg"], "other");
    let session = clerk.get(&path, answer.token()).await;
    assert!(session.body["response"]["last_active_organization_id"].is_null());
}

#[tokio::test]
async fn template_tokens_name_the_user_and_no_session() {
    let (clerk, answer) = signed_in().await;
    let tokens = format!("/v1/client/sessions/{}/tokens", answer.session_id());
    let token = clerk
        .post(&format!("{tokens}/partner"), answer.token(), &[])
        .await;
    let claims = claims(&clerk, token.body["jwt"].as_str().unwrap())
        .await
        .unwrap();
    assert!(claims.get("sid").is_none() && claims.get("v").is_none());
    let unknown = clerk
        .post(&format!("{tokens}/nobodys"), answer.token(), &[])
        .await;
    assert_eq!(unknown.refusal(), (404, "resource_not_found"));
}

#[tokio::test]
async fn each_way_to_end_a_session_ends_it() {
    for (method, path) in [
        (Method::POST, "/v1/client/sessions/{id}/end"),
        (Method::POST, "/v1/client/sessions/{id}/remove"),
        (Method::DELETE, "/v1/client/sessions"),
        (Method::DELETE, "/v1/client"),
    ] {
        let (clerk, answer) = signed_in().await;
        assert_eq!(clerk.admin().sessions_active(), 1);
        let path = path.replace("{id}", answer.session_id());
        let ended = read(clerk.native(method, &path, answer.token())).await;
        assert_eq!(ended.status, 200, "{path}");
        assert_eq!(clerk.admin().sessions_active(), 0, "{path}");
        assert_eq!(clerk.admin().calls().session_removals, 1, "{path}");
        let session = format!("/v1/client/sessions/{}/tokens", answer.session_id());
        assert!(
            clerk.post(&session, answer.token(), &[]).await.status >= 401,
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_ended_session_stays_on_the_client_and_a_removed_one_goes() {
    let (clerk, answer) = signed_in().await;
    let path = format!("/v1/client/sessions/{}", answer.session_id());
    let ended = clerk
        .post(&format!("{path}/end"), answer.token(), &[])
        .await;
    assert_eq!(ended.body["response"]["status"], "ended");
    assert_eq!(ended.body["client"]["sessions"][0]["status"], "ended");
    let removed = clerk
        .post(&format!("{path}/remove"), answer.token(), &[])
        .await;
    assert_eq!(removed.body["response"]["status"], "removed");
    assert_eq!(removed.body["client"]["sessions"], json!([]));
    assert_eq!(
        clerk.get(&path, answer.token()).await.refusal(),
        (404, "resource_not_found")
    );
}

#[tokio::test]
async fn sessions_answer_only_to_their_own_client() {
    let (clerk, answer) = signed_in().await;
    let path = format!("/v1/client/sessions/{}", answer.session_id());
    assert_eq!(clerk.get(&path, "").await.refusal(), (401, "signed_out"));
    let stranger = clerk.post("/v1/client", "", &[]).await;
    let refused = clerk.get(&path, stranger.token()).await;
    assert_eq!(
        refused.refusal(),
        (401, "action_for_session_not_authorized")
    );
    let missing = clerk
        .get("/v1/client/sessions/sess_none", stranger.token())
        .await;
    assert_eq!(missing.refusal(), (404, "resource_not_found"));
}

#[tokio::test]
async fn the_client_token_changes_with_each_sign_in_and_the_old_one_is_void() {
    let (clerk, _) = signed_in().await;
    let client = clerk.post("/v1/client", "", &[]).await;
    let done = clerk.sign_in_as(client.token(), USER, PASSWORD).await;
    assert_ne!(client.token(), done.token());
    assert_eq!(client.id(), done.body["client"]["id"]);
    let path = format!("/v1/client/sessions/{}", done.session_id());
    assert_eq!(
        clerk.get(&path, client.token()).await.refusal(),
        (401, "signed_out")
    );
    assert_eq!(clerk.get(&path, done.token()).await.status, 200);
    let bearer = format!("Bearer {}", done.token());
    assert_eq!(clerk.get(&path, &bearer).await.status, 200);
}

#[tokio::test]
async fn a_second_sign_in_on_one_client_is_refused_in_the_way_of_the_instance() {
    let (clerk, answer) = signed_in().await;
    let again = clerk.sign_in_as(answer.token(), USER, "whatever").await;
    assert_eq!(again.refusal(), (400, "identifier_already_signed_in"));
    assert_eq!(
        again.body["errors"][0]["meta"]["session_id"],
        answer.session_id()
    );

    let single = Clerk::start(EmulatorOptions {
        single_session: true,
        ..EmulatorOptions::with_users([EmulatorUser::with_email(USER, PASSWORD)])
    })
    .await;
    let answer = single.sign_in(USER, PASSWORD).await;
    let again = single.sign_in_as(answer.token(), USER, PASSWORD).await;
    assert_eq!(again.refusal(), (400, "session_exists"));
    let wrong = single.sign_in_as(answer.token(), USER, "wrong").await;
    assert_eq!(wrong.code(), "form_password_incorrect");
}

#[tokio::test]
async fn a_session_expires_after_a_week() {
    let clock = EmulatorClock::manual(1_790_000_000_000);
    let clerk = Clerk::start(EmulatorOptions {
        clock: clock.clone(),
        ..EmulatorOptions::with_users([EmulatorUser::with_email(USER, PASSWORD)])
    })
    .await;
    let answer = clerk.sign_in(USER, PASSWORD).await;
    clock.advance(Duration::from_hours(7 * 24));
    assert_eq!(clerk.admin().sessions_active(), 0);
    let path = format!("/v1/client/sessions/{}/touch", answer.session_id());
    let touched = clerk.post(&path, answer.token(), &[]).await;
    assert_eq!(touched.refusal(), (401, "authentication_invalid"));
}

#[tokio::test]
async fn choosing_an_organization_makes_a_pending_session_active() {
    let user = EmulatorUser::with_email(USER, PASSWORD)
        .member_of("acme", "all")
        .in_scenario(Scenario::PendingChooseOrganization);
    let clerk = Clerk::start(EmulatorOptions::with_users([user])).await;
    let answer = clerk.sign_in(USER, PASSWORD).await;
    let touch = format!("/v1/client/sessions/{}/touch", answer.session_id());
    let touched = clerk
        .post(
            &touch,
            answer.token(),
            &[("active_organization_id", "acme")],
        )
        .await;
    assert_eq!(touched.body["response"]["status"], "active");
}

#[tokio::test]
async fn memberships_come_in_pages() {
    let (clerk, answer) = signed_in().await;
    let path = "/v1/me/organization_memberships";
    let all = clerk.get(path, answer.token()).await;
    assert_eq!(all.body["response"].as_array().unwrap().len(), 2);
    let page = clerk
        .get(
            &format!("{path}?paginated=true&limit=1&offset=1"),
            answer.token(),
        )
        .await;
    assert_eq!(page.body["response"]["total_count"], 2);
    assert_eq!(
        page.body["response"]["data"][0]["organization"]["slug"],
        "acme"
    );
    for query in ["limit=0", "limit=501", "offset=-1"] {
        let refused = clerk.get(&format!("{path}?{query}"), answer.token()).await;
        assert_eq!(refused.status, 422, "{query}");
    }
}
