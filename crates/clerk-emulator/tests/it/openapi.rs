//! Every route's answers, held against Clerk's own documents.

use clerk_emulator::{
    DEPARTURES, EmulatorOptions, EmulatorUser, Endpoint, Fault, Scenario, known_errors,
};
use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::harness::{Answer, Clerk, PASSWORD, read};

/// The documents of the Frontend and of the Backend API, by version.
const DOCUMENTS: [(&str, &str, &str); 2] = [
    (
        "2025-11-10",
        include_str!("../fixtures/fapi-2025-11-10.reduced.yaml"),
        include_str!("../fixtures/bapi-2025-11-10.reduced.yaml"),
    ),
    (
        "2026-05-12",
        include_str!("../fixtures/fapi-2026-05-12.reduced.yaml"),
        include_str!("../fixtures/bapi-2026-05-12.reduced.yaml"),
    ),
];

/// What an answer is where the documents at hand leave the route out.
fn component(endpoint: Endpoint) -> Option<&'static str> {
    match endpoint {
        Endpoint::BackendCreateOrganization
        | Endpoint::BackendGetOrganization
        | Endpoint::BackendUpdateOrganization => Some("Organization"),
        Endpoint::BackendUpdateMembership | Endpoint::BackendDeleteMembership => {
            Some("OrganizationMembership")
        }
        Endpoint::BackendDeleteOrganization => Some("DeletedObject"),
        _ => None,
    }
}

/// What no document says the answer of.
const UNDOCUMENTED: [Endpoint; 4] = [
    Endpoint::CreateDevBrowser,
    Endpoint::GetMe,
    Endpoint::BackendCountUsers,
    Endpoint::BackendListOrganizations,
];

/// One of the documents, as JSON Schema.
struct Document {
    version: &'static str,
    frontend: Value,
    backend: Value,
}

impl Document {
    fn all() -> Vec<Self> {
        DOCUMENTS
            .into_iter()
            .map(|(version, frontend, backend)| Self {
                version,
                frontend: schemas(frontend),
                backend: schemas(backend),
            })
            .collect()
    }

    /// Holds an answer against what the document says about the operation. An operation or status it does
    /// not list must at least look like every other error.
    fn judge(&self, method: &str, endpoint: Endpoint, answer: &Answer) {
        let path = endpoint.path();
        let (root, path) = match path.strip_prefix("/v1") {
            Some(path) if endpoint.is_backend() => (&self.backend, path),
            _ => (&self.frontend, path),
        };
        let operation = &root["paths"][path][method.to_lowercase()];
        let listed = &operation["responses"][answer.status.to_string()];
        let listed = match listed["$ref"].as_str() {
            Some(reference) => root.pointer(&reference[1..]).unwrap(),
            None => listed,
        };
        let schema = &listed["content"]["application/json"]["schema"];
        let schema = match (schema.is_null(), answer.status) {
            (false, _) => schema.clone(),
            (true, 200) if component(endpoint).is_some() => {
                let name = component(endpoint).unwrap();
                json!({"$ref": format!("#/components/schemas/{name}")})
            }
            (true, 200) => {
                assert!(
                    UNDOCUMENTED.contains(&endpoint),
                    "{method} {path} is not in {}",
                    self.version
                );
                return;
            }
            (true, _) => json!({"$ref": "#/components/schemas/ClerkErrors"}),
        };
        let Value::Object(mut schema) = schema else {
            panic!("{method} {path}: no schema");
        };
        schema.insert("components".to_owned(), root["components"].clone());
        let errors: Vec<_> = validator(&Value::Object(schema))
            .iter_errors(&answer.body)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(
            errors.is_empty(),
            "{} {method} {path} {}: {errors:#?}",
            self.version,
            answer.status
        );
    }
}

fn schemas(document: &str) -> Value {
    let mut root: Value = serde_norway::from_str(document).unwrap();
    as_json_schema(&mut root);
    relax(&mut root);
    root
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft7::new(schema).unwrap()
}

/// `OpenAPI` 3.0 says `nullable` where JSON Schema has a type null.
fn as_json_schema(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(as_json_schema);
            if object.remove("nullable") == Some(Value::Bool(true)) {
                let inner = std::mem::take(object);
                object.insert("anyOf".to_owned(), json!([inner, {"type": "null"}]));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(as_json_schema),
        _ => {}
    }
}

/// Lets pass what is known to be different: properties that no revision lists, and status words.
fn relax(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(relax);
            if object.get("additionalProperties") == Some(&Value::Bool(false)) {
                close(object);
            }
            // Which of several factors a verification is follows from `strategy`; the documents list
            // alternatives that overlap once other properties are let pass.
            if let Some(alternatives) = object.remove("oneOf") {
                object.insert("anyOf".to_owned(), alternatives);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(relax),
        _ => {}
    }
}

/// Names the properties that may come on top of the listed ones, so that any other is still an error.
fn close(object: &mut Map<String, Value>) {
    let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for departure in DEPARTURES {
        for name in departure.properties {
            properties.entry(*name).or_insert_with(|| json!({}));
        }
    }
    let status = properties
        .get_mut("status")
        .and_then(|status| status.get_mut("enum"));
    if let Some(words) = status.and_then(Value::as_array_mut)
        && words.contains(&json!("needs_identifier"))
    {
        let more = DEPARTURES
            .iter()
            .flat_map(|departure| departure.sign_in_statuses);
        words.extend(more.map(|word| json!(word)));
    }
}

async fn clerk() -> Clerk {
    let email = |name: &str| EmulatorUser::with_email(&format!("{name}@acme.example"), PASSWORD);
    let users = [
        EmulatorUser {
            phone_number: Some("+12125550101".to_owned()),
            external_id: Some("ext-1".to_owned()),
            ..email("ops").member_of("acme", "all")
        },
        email("mfa")
            .in_scenario(Scenario::Mfa)
            .claiming("ops@acme.example"),
        email("new").in_scenario(Scenario::NeedsNewPassword),
        email("protect").in_scenario(Scenario::NeedsProtectCheck),
        email("odd").in_scenario(Scenario::UnknownStatus),
        email("device+clerk_test").in_scenario(Scenario::DeviceTrust),
        email("pending").in_scenario(Scenario::PendingSetupMfa),
        email("locked").in_scenario(Scenario::Locked),
        email("banned").in_scenario(Scenario::Banned),
    ];
    Clerk::start(EmulatorOptions {
        jwt_templates: vec!["partner".to_owned()],
        ..EmulatorOptions::with_users(users).without_limits()
    })
    .await
}

/// What was asked, and the answer.
type Exchange = (Endpoint, &'static str, Answer);

async fn exchanges(clerk: &Clerk) -> Vec<Exchange> {
    let mut exchanges = public(clerk).await;
    exchanges.extend(sign_ins(clerk).await);
    exchanges.extend(sessions(clerk).await);
    exchanges.extend(backend(clerk).await);
    exchanges
}

async fn public(clerk: &Clerk) -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    for endpoint in [
        Endpoint::GetEnvironment,
        Endpoint::GetClient,
        Endpoint::GetJwks,
        Endpoint::GetOpenidConfiguration,
        Endpoint::GetAuthorizationServerMetadata,
        Endpoint::GetHealth,
        Endpoint::GetMe,
        Endpoint::ListMyMemberships,
    ] {
        exchanges.push((endpoint, "GET", clerk.get(endpoint.path(), "").await));
    }
    let dev_browser = Endpoint::CreateDevBrowser;
    exchanges.push((
        dev_browser,
        "POST",
        clerk.post(dev_browser.path(), "", &[]).await,
    ));
    for method in [Method::POST, Method::PUT] {
        let name = if method == Method::PUT { "PUT" } else { "POST" };
        let answer = read(clerk.native(method, "/v1/client", "")).await;
        exchanges.push((Endpoint::CreateClient, name, answer));
    }
    let client = clerk.post("/v1/client", "", &[]).await;
    let known = clerk.get("/v1/client", client.token()).await;
    exchanges.push((Endpoint::GetClient, "GET", known));
    let deleted = clerk.delete("/v1/client", client.token()).await;
    exchanges.push((Endpoint::DeleteClient, "DELETE", deleted));
    let again = clerk.delete("/v1/client", client.token()).await;
    exchanges.push((Endpoint::DeleteClient, "DELETE", again));
    exchanges
}

async fn sign_ins(clerk: &Clerk) -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    for name in [
        "ops", "mfa", "new", "protect", "odd", "pending", "locked", "banned", "nobody",
    ] {
        let answer = clerk
            .sign_in(&format!("{name}@acme.example"), PASSWORD)
            .await;
        exchanges.push((Endpoint::CreateSignIn, "POST", answer));
    }
    let nameless = clerk.post("/v1/client/sign_ins", "", &[]).await;
    exchanges.push((Endpoint::CreateSignIn, "POST", nameless));
    for (code, status) in known_errors() {
        clerk
            .admin()
            .fail_next(Endpoint::CreateSignIn, Fault::error(status, code));
        let answer = clerk.sign_in("ops@acme.example", PASSWORD).await;
        exchanges.push((Endpoint::CreateSignIn, "POST", answer));
    }
    exchanges.extend(first_factors(clerk).await);
    exchanges.extend(second_factors(clerk).await);
    let stopped = clerk.sign_in("new@acme.example", PASSWORD).await;
    let path = format!("/v1/client/sign_ins/{}/reset_password", stopped.id());
    for password in ["short", "long enough"] {
        let answer = clerk
            .post(&path, stopped.token(), &[("password", password)])
            .await;
        exchanges.push((Endpoint::ResetPassword, "POST", answer));
    }
    exchanges
}

async fn first_factors(clerk: &Clerk) -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    let form = [("identifier", "ops@acme.example")];
    let begun = clerk.post("/v1/client/sign_ins", "", &form).await;
    let (path, token) = (
        format!("/v1/client/sign_ins/{}", begun.id()),
        begun.token().to_owned(),
    );
    exchanges.push((Endpoint::CreateSignIn, "POST", begun));
    exchanges.push((Endpoint::GetSignIn, "GET", clerk.get(&path, &token).await));
    for strategy in ["email_code", "passkey"] {
        let prepare = format!("{path}/prepare_first_factor");
        let answer = clerk
            .post(&prepare, &token, &[("strategy", strategy)])
            .await;
        exchanges.push((Endpoint::PrepareFirstFactor, "POST", answer));
    }
    for password in ["wrong", PASSWORD] {
        let attempt = format!("{path}/attempt_first_factor");
        let form = [("strategy", "password"), ("password", password)];
        let answer = clerk.post(&attempt, &token, &form).await;
        exchanges.push((Endpoint::AttemptFirstFactor, "POST", answer));
    }
    exchanges
}

async fn second_factors(clerk: &Clerk) -> Vec<Exchange> {
    let stopped = clerk
        .sign_in("device+clerk_test@acme.example", PASSWORD)
        .await;
    let (path, token) = (
        format!("/v1/client/sign_ins/{}", stopped.id()),
        stopped.token().to_owned(),
    );
    let mut exchanges = vec![(Endpoint::CreateSignIn, "POST", stopped)];
    let prepare = format!("{path}/prepare_second_factor");
    let prepared = clerk
        .post(&prepare, &token, &[("strategy", "email_code")])
        .await;
    exchanges.push((Endpoint::PrepareSecondFactor, "POST", prepared));
    for code in ["1", "424242"] {
        let attempt = format!("{path}/attempt_second_factor");
        let form = [("strategy", "email_code"), ("code", code)];
        let answer = clerk.post(&attempt, &token, &form).await;
        exchanges.push((Endpoint::AttemptSecondFactor, "POST", answer));
    }
    exchanges
}

async fn sessions(clerk: &Clerk) -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    let signed_in = clerk.sign_in("ops@acme.example", PASSWORD).await;
    let token = signed_in.token();
    let path = format!("/v1/client/sessions/{}", signed_in.session_id());
    for (endpoint, path) in [
        (Endpoint::GetSession, path.clone()),
        (Endpoint::GetMe, "/v1/me".to_owned()),
        (
            Endpoint::ListMyMemberships,
            "/v1/me/organization_memberships".to_owned(),
        ),
        (
            Endpoint::ListMyMemberships,
            "/v1/me/organization_memberships?paginated=true".to_owned(),
        ),
    ] {
        exchanges.push((endpoint, "GET", clerk.get(&path, token).await));
        exchanges.push((endpoint, "GET", clerk.get(&path, "").await));
    }
    for (endpoint, step, form) in [
        (
            Endpoint::TouchSession,
            "touch",
            Some(("active_organization_id", "acme")),
        ),
        (
            Endpoint::TouchSession,
            "touch",
            Some(("active_organization_id", "nobodys")),
        ),
        (Endpoint::CreateSessionToken, "tokens", None),
        (Endpoint::CreateTemplateToken, "tokens/partner", None),
        (Endpoint::CreateTemplateToken, "tokens/nobodys", None),
        (Endpoint::EndSession, "end", None),
        (Endpoint::RemoveSession, "remove", None),
        (Endpoint::RemoveSession, "remove", None),
    ] {
        let answer = clerk
            .post(&format!("{path}/{step}"), token, form.as_slice())
            .await;
        exchanges.push((endpoint, "POST", answer));
    }
    for token in [token, ""] {
        let answer = clerk.delete("/v1/client/sessions", token).await;
        exchanges.push((Endpoint::RemoveSessions, "DELETE", answer));
    }
    exchanges
}

/// Calls of the Backend API: what path variables stand for, and the body.
struct Backend<'a> {
    clerk: &'a Clerk,
    exchanges: Vec<Exchange>,
}

impl Backend<'_> {
    /// Sends a body and returns the id in the answer.
    async fn send(
        &mut self,
        (method, endpoint): (&'static str, Endpoint),
        names: &[(&str, &str)],
        body: Value,
    ) -> String {
        let path = names
            .iter()
            .fold(endpoint.path().to_owned(), |path, (name, value)| {
                path.replace(&format!("{{{name}}}"), value)
            });
        let verb: Method = method.parse().unwrap();
        let answer = if method == "GET" {
            read(self.clerk.backend(verb, &path)).await
        } else {
            self.clerk.backend_send(verb, &path, &body).await
        };
        let id = answer.body["id"].as_str().unwrap_or_default().to_owned();
        self.exchanges.push((endpoint, method, answer));
        id
    }
}

async fn backend(clerk: &Clerk) -> Vec<Exchange> {
    let mut calls = Backend {
        clerk,
        exchanges: Vec::new(),
    };
    backend_users(&mut calls).await;
    backend_organizations(&mut calls).await;
    backend_sessions(&mut calls).await;
    backend_refusals(&mut calls).await;
    calls.exchanges
}

async fn backend_users(calls: &mut Backend<'_>) {
    let body = json!({
        "email_address": ["made@acme.example"], "phone_number": ["+12125550199"],
        "username": "made", "password": PASSWORD, "totp_secret": "x", "external_id": "made-1",
        "public_metadata": {"a": 1},
    });
    let made = calls
        .send(("POST", Endpoint::BackendCreateUser), &[], body.clone())
        .await;
    calls
        .send(("POST", Endpoint::BackendCreateUser), &[], body)
        .await;
    for name in ["ops", "mfa", "locked", "banned", "made"] {
        let id = calls
            .clerk
            .emulator
            .user_id(&format!("{name}@acme.example"));
        let names = [("user_id", id.unwrap())];
        let names = names.each_ref().map(|(name, id)| (*name, id.as_str()));
        for (endpoint, body) in [
            (
                Endpoint::BackendVerifyPassword,
                json!({"password": PASSWORD}),
            ),
            (
                Endpoint::BackendVerifyPassword,
                json!({"password": "wrong"}),
            ),
            (Endpoint::BackendVerifyTotp, json!({"code": "424242"})),
            (Endpoint::BackendVerifyTotp, json!({"code": "1"})),
            (Endpoint::BackendLockUser, json!({})),
            (Endpoint::BackendUnlockUser, json!({})),
            (Endpoint::BackendBanUser, json!({})),
            (Endpoint::BackendUnbanUser, json!({})),
        ] {
            calls.send(("POST", endpoint), &names, body).await;
        }
        let body = json!({"first_name": "Zoe", "private_metadata": {"b": 2}});
        let update = ("PATCH", Endpoint::BackendUpdateUser);
        calls.send(update, &names, body).await;
        for endpoint in [
            Endpoint::BackendGetUser,
            Endpoint::BackendListUserMemberships,
        ] {
            calls.send(("GET", endpoint), &names, Value::Null).await;
        }
    }
    for endpoint in [
        Endpoint::BackendGetJwks,
        Endpoint::BackendListUsers,
        Endpoint::BackendCountUsers,
    ] {
        calls.send(("GET", endpoint), &[], Value::Null).await;
    }
    for _ in 0..2 {
        let delete = ("DELETE", Endpoint::BackendDeleteUser);
        calls.send(delete, &[("user_id", &made)], json!({})).await;
    }
}

async fn backend_organizations(calls: &mut Backend<'_>) {
    let mfa = calls.clerk.emulator.user_id("mfa@acme.example").unwrap();
    let body = json!({"name": "Globex", "created_by": mfa, "private_metadata": {"a": 1}});
    let create = ("POST", Endpoint::BackendCreateOrganization);
    let made = calls.send(create, &[], body).await;
    let ops = calls.clerk.emulator.user_id("ops@acme.example").unwrap();
    let names = [
        ("organization_id", made.as_str()),
        ("user_id", ops.as_str()),
    ];
    let joins = json!({"user_id": ops, "role": "org:admin"});
    for (method, endpoint, body) in [
        (
            "PATCH",
            Endpoint::BackendUpdateOrganization,
            json!({"name": "Globex II"}),
        ),
        ("GET", Endpoint::BackendGetOrganization, Value::Null),
        ("GET", Endpoint::BackendListOrganizations, Value::Null),
        ("POST", Endpoint::BackendCreateMembership, joins.clone()),
        ("POST", Endpoint::BackendCreateMembership, joins),
        (
            "PATCH",
            Endpoint::BackendUpdateMembership,
            json!({"role": "org:member"}),
        ),
        ("GET", Endpoint::BackendListMemberships, Value::Null),
        ("DELETE", Endpoint::BackendDeleteMembership, json!({})),
        ("DELETE", Endpoint::BackendDeleteMembership, json!({})),
        ("DELETE", Endpoint::BackendDeleteOrganization, json!({})),
        ("GET", Endpoint::BackendGetOrganization, Value::Null),
    ] {
        calls.send((method, endpoint), &names, body).await;
    }
}

async fn backend_sessions(calls: &mut Backend<'_>) {
    let ops = calls.clerk.emulator.user_id("ops@acme.example").unwrap();
    calls.clerk.sign_in("pending@acme.example", PASSWORD).await;
    let create = ("POST", Endpoint::BackendCreateSession);
    let made = calls.send(create, &[], json!({"user_id": ops})).await;
    calls.send(create, &[], json!({})).await;
    let names = [("session_id", made.as_str()), ("template_name", "partner")];
    for (method, endpoint) in [
        ("GET", Endpoint::BackendListSessions),
        ("GET", Endpoint::BackendGetSession),
        ("POST", Endpoint::BackendCreateSessionToken),
        ("POST", Endpoint::BackendCreateTemplateToken),
        ("POST", Endpoint::BackendRevokeSession),
        ("POST", Endpoint::BackendRevokeSession),
        ("POST", Endpoint::BackendCreateSessionToken),
        ("GET", Endpoint::BackendGetSession),
    ] {
        calls.send((method, endpoint), &names, json!({})).await;
    }
    let create = ("POST", Endpoint::BackendCreateSignInToken);
    let made = calls.send(create, &[], json!({"user_id": ops})).await;
    calls
        .send(create, &[], json!({"user_id": "user_none"}))
        .await;
    let (_, _, answer) = &calls.exchanges[calls.exchanges.len() - 2];
    let ticket = answer.body["token"].as_str().unwrap().to_owned();
    let form = [("strategy", "ticket"), ("ticket", ticket.as_str())];
    for _ in 0..2 {
        let redeemed = calls.clerk.post("/v1/client/sign_ins", "", &form).await;
        calls
            .exchanges
            .push((Endpoint::CreateSignIn, "POST", redeemed));
    }
    let revoke = ("POST", Endpoint::BackendRevokeSignInToken);
    let used = [("sign_in_token_id", made.as_str())];
    calls.send(revoke, &used, json!({})).await;
    let made = calls.send(create, &[], json!({"user_id": ops})).await;
    let unused = [("sign_in_token_id", made.as_str())];
    calls.send(revoke, &unused, json!({})).await;
}

/// Every error, on routes of every kind.
async fn backend_refusals(calls: &mut Backend<'_>) {
    for (code, status) in known_errors() {
        for (method, endpoint) in [
            ("GET", Endpoint::BackendListUsers),
            ("POST", Endpoint::BackendVerifyPassword),
            ("GET", Endpoint::BackendListUserMemberships),
            ("PATCH", Endpoint::BackendUpdateUser),
        ] {
            let fault = Fault::error(status, code);
            calls.clerk.admin().fail_next(endpoint, fault);
            calls.send((method, endpoint), &[], json!({})).await;
        }
    }
}

#[tokio::test]
async fn every_answer_is_what_the_documents_say_but_for_the_known_departures() {
    let exchanges = exchanges(&clerk().await).await;
    for document in Document::all() {
        for (endpoint, method, answer) in &exchanges {
            document.judge(method, *endpoint, answer);
        }
    }
    for endpoint in Endpoint::ALL {
        let driven = exchanges
            .iter()
            .any(|(driven, _, answer)| *driven == endpoint && answer.status == 200);
        assert!(driven, "{endpoint:?} never answered 200");
    }
}

#[test]
fn the_judge_sees_a_property_that_no_document_lists() {
    let answer = |extra: &str| Answer {
        status: 200,
        headers: reqwest::header::HeaderMap::new(),
        body: json!({"client_debug_mode": false, extra: true}),
    };
    let documents = Document::all();
    documents[0].judge("GET", Endpoint::GetEnvironment, &answer("maintenance_mode"));
    let judged = std::panic::catch_unwind(|| {
        documents[0].judge("GET", Endpoint::GetEnvironment, &answer("invented"));
    });
    assert!(judged.is_err());
}

#[test]
fn the_judge_knows_the_documents_of_the_backend_api() {
    let answer = |body: Value| Answer {
        status: 200,
        headers: reqwest::header::HeaderMap::new(),
        body,
    };
    let judge = |answer: Answer| {
        std::panic::catch_unwind(|| {
            Document::all()[0].judge("POST", Endpoint::BackendVerifyPassword, &answer);
        })
    };
    assert!(judge(answer(json!({"verified": true}))).is_ok());
    assert!(judge(answer(json!({"verified": true, "invented": 1}))).is_err());
}
