//! A running emulator and a client that speaks to it in native mode.

use clerk_emulator::{ClerkEmulator, EmulatorAdmin, EmulatorOptions, EmulatorUser, Scenario};
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;

pub(crate) const PASSWORD: &str = "correct horse";

/// An emulator and what was used to reach it.
pub(crate) struct Clerk {
    pub(crate) emulator: ClerkEmulator,
    http: reqwest::Client,
}

/// An answer that has been read.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The code of the first error.
    pub(crate) fn code(&self) -> &str {
        self.body["errors"][0]["code"]
            .as_str()
            .unwrap_or("no error")
    }

    /// Status and code.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status, self.code())
    }

    /// The status of the sign-in attempt.
    pub(crate) fn sign_in_status(&self) -> &str {
        self.body["response"]["status"]
            .as_str()
            .unwrap_or(self.code())
    }

    /// The client token it carries.
    pub(crate) fn token(&self) -> &str {
        self.header("authorization").unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The id of the object in the answer.
    pub(crate) fn id(&self) -> &str {
        self.body["response"]["id"].as_str().unwrap()
    }

    /// The id of the session that was created.
    pub(crate) fn session_id(&self) -> &str {
        self.body["response"]["created_session_id"]
            .as_str()
            .unwrap()
    }
}

impl Clerk {
    pub(crate) async fn start(options: EmulatorOptions) -> Self {
        Self {
            emulator: ClerkEmulator::start(options).await.unwrap(),
            http: client(),
        }
    }

    /// With one user, `ops@acme.example`, in this scenario.
    pub(crate) async fn with_scenario(scenario: Scenario) -> Self {
        let user = EmulatorUser::with_email("ops@acme.example", PASSWORD).in_scenario(scenario);
        Self::start(EmulatorOptions::with_users([user]).without_limits()).await
    }

    pub(crate) fn admin(&self) -> &EmulatorAdmin {
        self.emulator.admin()
    }

    /// A request in no particular mode.
    pub(crate) fn plain(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.emulator.frontend_api_url());
        self.http.request(method, url)
    }

    /// A native request with this client token.
    pub(crate) fn native(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        let separator = if path.contains('?') { '&' } else { '?' };
        self.plain(method, &format!("{path}{separator}_is_native=1"))
            .header("authorization", token)
            .header("clerk-api-version", "2025-11-10")
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        read(self.native(Method::GET, path, token)).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, form: &[(&str, &str)]) -> Answer {
        read(self.native(Method::POST, path, token).form(form)).await
    }

    pub(crate) async fn delete(&self, path: &str, token: &str) -> Answer {
        read(self.native(Method::DELETE, path, token)).await
    }

    /// A sign-in in one call, as a new client.
    pub(crate) async fn sign_in(&self, identifier: &str, password: &str) -> Answer {
        self.sign_in_as("", identifier, password).await
    }

    /// A sign-in in one call, as the client of this token.
    pub(crate) async fn sign_in_as(&self, token: &str, identifier: &str, password: &str) -> Answer {
        let form = [
            ("strategy", "password"),
            ("identifier", identifier),
            ("password", password),
        ];
        self.post("/v1/client/sign_ins", token, &form).await
    }

    /// A request to the Backend API with the secret key.
    pub(crate) fn backend(&self, method: Method, path: &str) -> RequestBuilder {
        self.plain(method, path)
            .bearer_auth(self.emulator.secret_key())
            .header("clerk-api-version", "2025-11-10")
    }

    /// Reads from the Backend API.
    pub(crate) async fn backend_get(&self, path: &str) -> Answer {
        read(self.backend(Method::GET, path)).await
    }

    /// Sends JSON to the Backend API.
    pub(crate) async fn backend_send(&self, method: Method, path: &str, body: &Value) -> Answer {
        read(self.backend(method, path).json(body)).await
    }

    /// Asks the Backend API whether this is the user's password.
    pub(crate) async fn verify_password(&self, identifier: &str, password: &str) -> Answer {
        let path = format!("{}/verify_password", self.user_path(identifier));
        let body = serde_json::json!({"password": password});
        self.backend_send(Method::POST, &path, &body).await
    }

    /// Where the Backend API has this user.
    pub(crate) fn user_path(&self, identifier: &str) -> String {
        format!("/v1/users/{}", self.emulator.user_id(identifier).unwrap())
    }

    /// One of the emulator's own controls.
    pub(crate) async fn control(&self, method: Method, path: &str, body: &Value) -> Answer {
        read(
            self.plain(method, &format!("/__emulator/{path}"))
                .json(body),
        )
        .await
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's own client")]
fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(std::time::Duration::from_secs(30))
        .build()
        .unwrap()
}

/// Sends a request and reads what comes back.
#[expect(
    clippy::disallowed_methods,
    reason = "the emulator's answers are small"
)]
pub(crate) async fn read(request: RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.bytes().await.unwrap();
    Answer {
        status,
        headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    }
}

/// Sends a request and says whether a whole answer came back.
#[expect(
    clippy::disallowed_methods,
    reason = "the emulator's answers are small"
)]
pub(crate) async fn raw(request: RequestBuilder) -> Result<(u16, Vec<u8>), reqwest::Error> {
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    Ok((status, answer.bytes().await?.to_vec()))
}
