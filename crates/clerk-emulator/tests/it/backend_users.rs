//! Finding users at the Backend API.

use clerk_emulator::{EmulatorOptions, EmulatorUser, Scenario};
use reqwest::Method;

use crate::harness::{Clerk, PASSWORD, read};

async fn clerk() -> Clerk {
    let users = [
        EmulatorUser {
            phone_number: Some("+12125550101".to_owned()),
            external_id: Some("ext-1".to_owned()),
            ..EmulatorUser::with_email("Ops+eu@acme.example", PASSWORD).member_of("acme", "all")
        },
        EmulatorUser::with_username("hello", PASSWORD)
            .member_of("acme", "user")
            .member_of("globex", "operator"),
        EmulatorUser {
            first_name: Some("Zoe".to_owned()),
            ..EmulatorUser::with_email("new@globex.example", PASSWORD)
        }
        .in_scenario(Scenario::UnverifiedEmail),
    ];
    Clerk::start(EmulatorOptions::with_users(users).without_limits()).await
}

/// The users a query finds, in order, each by what it signs in with.
async fn found(clerk: &Clerk, query: &str) -> Vec<String> {
    let answer = clerk.backend_get(&format!("/v1/users?{query}")).await;
    let users = answer.body.as_array().unwrap().iter();
    let name = |user: &serde_json::Value| {
        let email = &user["email_addresses"][0]["email_address"];
        email
            .as_str()
            .or(user["username"].as_str())
            .unwrap()
            .to_owned()
    };
    users.map(name).collect()
}

const OPS: &str = "Ops+eu@acme.example";
const HELLO: &str = "hello";
const NEW: &str = "new@globex.example";

#[tokio::test]
async fn users_are_listed_as_a_bare_array_with_the_newest_first() {
    let clerk = clerk().await;
    assert_eq!(found(&clerk, "").await, [NEW, HELLO, OPS]);
    assert_eq!(found(&clerk, "limit=1&offset=1").await, [HELLO]);
    assert_eq!(found(&clerk, "offset=3").await, [""; 0]);
}

#[tokio::test]
async fn a_filter_finds_whole_values_only() {
    let clerk = clerk().await;
    let (ops, acme) = (
        clerk.emulator.user_id(OPS).unwrap(),
        clerk.emulator.organization_id("acme").unwrap(),
    );
    for (query, expected) in [
        ("email_address=ops%2Beu%40acme.example", vec![OPS]),
        ("email_address[]=ops%2Beu%40acme.example", vec![OPS]),
        ("email_address=acme.example", vec![]),
        ("email_address=Ops+eu@acme.example", vec![]),
        ("phone_number=%2B12125550101", vec![OPS]),
        ("username=hello", vec![HELLO]),
        ("username=hell", vec![]),
        ("external_id=ext-1", vec![OPS]),
        (&format!("user_id={ops}"), vec![OPS]),
        (&format!("organization_id={acme}"), vec![HELLO, OPS]),
        ("web3_wallet=0x0", vec![]),
    ] {
        assert_eq!(found(&clerk, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn one_of_several_values_of_a_filter_is_enough_but_every_filter_counts() {
    let clerk = clerk().await;
    for (query, expected) in [
        ("username=hello&username=nobody", vec![HELLO]),
        ("username=hello&email_address=new%40globex.example", vec![]),
        ("external_id=-ext-1", vec![NEW, HELLO]),
        ("external_id=%2Bext-1", vec![OPS]),
        ("external_id=+ext-1", vec![OPS]),
    ] {
        assert_eq!(found(&clerk, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_query_finds_parts_of_values() {
    let clerk = clerk().await;
    for (query, expected) in [
        ("query=globex", vec![NEW]),
        ("query=ELL", vec![HELLO]),
        ("name_query=zo", vec![NEW]),
        ("email_address_query=example", vec![NEW, OPS]),
        ("phone_number_query=555", vec![OPS]),
        ("username_query=globex", vec![]),
    ] {
        assert_eq!(found(&clerk, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn the_order_can_be_chosen() {
    let clerk = clerk().await;
    assert_eq!(
        found(&clerk, "order_by=created_at").await,
        [OPS, HELLO, NEW]
    );
    assert_eq!(
        found(&clerk, "order_by=%2Bcreated_at").await,
        [OPS, HELLO, NEW]
    );
    assert_eq!(found(&clerk, "order_by=-username&limit=1").await, [HELLO]);
    let refused = clerk.backend_get("/v1/users?order_by=shoe_size").await;
    assert_eq!(refused.refusal(), (422, "form_param_value_invalid"));
}

#[tokio::test]
async fn a_page_has_between_1_and_500_users_and_a_filter_at_most_100_values() {
    let clerk = clerk().await;
    let many = "username=x&".repeat(101);
    for (query, code) in [
        ("limit=0", "form_param_value_invalid"),
        ("limit=501", "form_param_value_invalid"),
        ("limit=ten", "form_param_type_invalid"),
        ("offset=-1", "form_param_type_invalid"),
        (many.as_str(), "form_param_value_invalid"),
    ] {
        let refused = clerk.backend_get(&format!("/v1/users?{query}")).await;
        assert_eq!(refused.refusal(), (422, code), "{query}");
    }
    let most = "username=hello&".repeat(100);
    assert_eq!(found(&clerk, &most).await, [HELLO]);
}

#[tokio::test]
async fn an_address_that_was_never_verified_is_found_and_says_so() {
    let clerk = clerk().await;
    let answer = clerk
        .backend_get("/v1/users?email_address=new%40globex.example")
        .await;
    let address = &answer.body[0]["email_addresses"][0];
    assert_eq!(address["email_address"], NEW);
    assert_ne!(address["verification"]["status"], "verified");
}

#[tokio::test]
async fn a_user_is_read_by_its_id_without_its_memberships() {
    let clerk = clerk().await;
    let user = clerk.backend_get(&clerk.user_path(OPS)).await.body;
    assert_eq!(user["external_id"], "ext-1");
    assert_eq!(user["phone_numbers"][0]["phone_number"], "+12125550101");
    assert_eq!(user.get("organization_memberships"), None);
    let nobody = clerk.backend_get("/v1/users/user_none").await;
    assert_eq!(nobody.refusal(), (404, "resource_not_found"));
}

#[tokio::test]
async fn memberships_are_listed_page_by_page_with_their_number() {
    let clerk = clerk().await;
    let path = format!("{}/organization_memberships", clerk.user_path(HELLO));
    let all = clerk.backend_get(&path).await.body;
    assert_eq!(all["total_count"], 2);
    assert_eq!(all["data"][0]["role"], "org:ileap_user");
    assert_eq!(all["data"][0]["organization"]["slug"], "acme");
    assert_eq!(all["data"][0]["organization"]["members_count"], 2);
    let second = clerk
        .backend_get(&format!("{path}?limit=1&offset=1"))
        .await
        .body;
    assert_eq!(second["total_count"], 2);
    assert_eq!(second["data"].as_array().unwrap().len(), 1);
    assert_eq!(second["data"][0]["organization"]["slug"], "globex");
}

#[tokio::test]
async fn an_instance_without_organizations_refuses_to_speak_of_them() {
    let clerk = Clerk::start(EmulatorOptions {
        organizations: false,
        ..EmulatorOptions::with_users([EmulatorUser::with_username(HELLO, PASSWORD)])
    })
    .await;
    let path = format!("{}/organization_memberships", clerk.user_path(HELLO));
    let refused = read(clerk.backend(Method::GET, &path)).await;
    assert_eq!(
        refused.refusal(),
        (403, "organization_not_enabled_in_instance")
    );
    assert_eq!(clerk.backend_get(&clerk.user_path(HELLO)).await.status, 200);
}

#[tokio::test]
async fn an_address_can_find_its_owner_and_somebody_who_claims_it() {
    let users = [
        EmulatorUser::with_email(OPS, PASSWORD).also_known_as("ops@globex.example"),
        EmulatorUser::with_email("mallory@evil.example", "hers alone").claiming(OPS),
    ];
    let clerk = Clerk::start(EmulatorOptions::with_users(users).without_limits()).await;
    let path = "/v1/users?email_address=Ops%2Beu%40acme.example";
    let found = clerk.backend_get(path).await.body;
    let matched = |index: usize| {
        let addresses = found[index]["email_addresses"].as_array().unwrap().iter();
        let own = |address: &&serde_json::Value| address["email_address"] == OPS;
        addresses.clone().find(own).unwrap()["verification"]["status"].clone()
    };
    assert_eq!(found.as_array().unwrap().len(), 2);
    assert_eq!(matched(0), serde_json::Value::Null);
    assert_eq!(matched(1), "verified");
    let primary = found[1]["primary_email_address_id"].clone();
    assert_eq!(found[1]["email_addresses"][1]["id"], primary);

    let mine = clerk.sign_in("ops@globex.example", PASSWORD).await;
    assert_eq!(mine.sign_in_status(), "complete");
    let hers = clerk.sign_in(OPS, "hers alone").await;
    assert_eq!(hers.refusal(), (422, "form_password_incorrect"));
}
