//! Whether what partners find at the public base URL is this server's.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::timeout;
use url::Url;

use super::{
    connection,
    judgement::{Blame, Check},
    local::StoreState,
};
use crate::{config::Config, distrust::Distrust, outbound, store::tokens::TokenRecords as _};

const NAME: &str = "issuer";
/// The longest wait for the discovery document.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest discovery document read.
const LIMIT_BYTES: usize = 64 * 1024;

/// The one field that matters of a discovery document (RFC 8414 §2).
#[derive(Deserialize)]
struct Metadata {
    issuer: Option<String>,
}

/// What came back.
enum Found {
    Issuer(Option<String>),
    Status(u16),
    Nothing(&'static str),
    Distrusted(Distrust),
}

/// Asks for the discovery document where partners do.
pub(super) async fn check(config: &Config) -> Check {
    let Some(base) = &config.public_base_url else {
        return Check::note(
            NAME,
            "there is no public_base_url: nobody else is meant to reach this server",
        )
        .seen("public_base_url is not set, and the listener is on loopback");
    };
    let expected = base.as_str();
    let address = format!("{expected}/.well-known/openid-configuration");
    let found = match address.parse() {
        Ok(url) => ask(&url).await,
        Err(_) => Found::Nothing("request"),
    };
    judge(&found, expected, &address)
}

/// Compares with what the instance on this database has noted that started last.
pub(super) async fn on_record(config: &Config, store: &StoreState) -> Option<Check> {
    let StoreState::Open(store) = store else {
        return None;
    };
    let expected = config.public_base_url.as_ref()?.as_str();
    let noted = store.noted_issuer().await.ok().flatten()?;
    let check = Check::warning(
        NAME,
        "the instance on this database that started last has another public_base_url: each refuses the other's tokens",
    );
    let check = check
        .seen(format!("that one: {}; this configuration: {expected}", short(&noted)))
        .advise(
            "give all instances on one database the same public_base_url; where it was changed on purpose, restart them",
        );
    (noted != expected).then_some(check)
}

async fn ask(url: &Url) -> Found {
    let Ok(client) = connection::client(url) else {
        return Found::Nothing("roots");
    };
    let asked = async {
        let response = client.get(url.clone()).send().await;
        let response = match response {
            Ok(response) => response,
            Err(error) => {
                let distrust = Distrust::behind(&error).map(Found::Distrusted);
                return distrust.ok_or_else(|| error.into());
            }
        };
        let status = response.status().as_u16();
        if status != 200 {
            return Ok::<_, outbound::OutboundError>(Found::Status(status));
        }
        let body = outbound::read_capped(response, LIMIT_BYTES).await?;
        let metadata = serde_json::from_slice::<Metadata>(&body).ok();
        Ok(Found::Issuer(metadata.and_then(|found| found.issuer)))
    };
    match timeout(PATIENCE, asked).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => Found::Nothing(error.as_str()),
        Err(_) => Found::Nothing("timeout"),
    }
}

fn judge(found: &Found, expected: &str, address: &str) -> Check {
    match found {
        Found::Issuer(Some(issuer)) if issuer == expected => {
            Check::ok(NAME, "the discovery document names the configured issuer")
                .seen(format!("GET {address}: HTTP 200, issuer {issuer}"))
        }
        Found::Issuer(issuer) => {
            let issuer = issuer
                .as_deref()
                .map_or_else(|| "no issuer".to_owned(), |issuer| format!("issuer {}", short(issuer)));
            Check::problem(
                NAME,
                Blame::Configuration,
                "another issuer answers at public_base_url: partners refuse tokens that name ours",
            )
            .seen(format!("GET {address}: HTTP 200, {issuer}"))
            .advise("let public_base_url be the URL partners type, and let the proxy there lead to this server")
        }
        Found::Status(status) => Check::warning(
            NAME,
            "what answers at public_base_url has no discovery document",
        )
        .seen(format!("GET {address}: HTTP {status}"))
        .advise("start the server, and let the proxy there lead to it, with the path of public_base_url or without"),
        Found::Distrusted(distrust) => {
            let finding = format!("this machine cannot reach public_base_url: {}", distrust.finding());
            Check::warning(NAME, finding)
                .seen(format!("GET {address}: no answer (tls)"))
                .advise(distrust.remedy())
        }
        Found::Nothing(word) => Check::warning(NAME, "this machine cannot reach public_base_url")
            .seen(format!("GET {address}: no answer ({word})"))
            .advise(format!("check from outside: curl {address}")),
    }
}

/// Enough of a stranger's text to recognise it.
fn short(text: &str) -> String {
    text.chars()
        .take(200)
        .filter(|char| !char.is_control())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{super::judgement::Severity, *};
    use crate::outbound::raw_upstream::{RawUpstream, Reply};

    async fn asked(reply: Reply) -> Check {
        let upstream = RawUpstream::scripted(vec![reply]).await;
        let found = ask(upstream.url()).await;
        judge(&found, "https://ileap.example.com", "X")
    }

    #[tokio::test]
    async fn the_same_issuer_is_good_another_one_a_problem_and_none_worth_a_look_from_outside() {
        let issuer = |text: &str| Reply::json(200, &format!(r#"{{"issuer":"{text}"}}"#));
        let same = asked(issuer("https://ileap.example.com")).await;
        assert_eq!(same.severity, Severity::Ok);
        for other in [issuer("https://ileap.example.com/"), Reply::json(200, "{}")] {
            let check = asked(other).await;
            assert_eq!(check.severity, Severity::Problem);
            assert_eq!(check.blame, Blame::Configuration);
        }
        for status in [302, 404, 502] {
            let check = asked(Reply::json(status, "canary")).await;
            assert_eq!(check.severity, Severity::Warning);
            assert!(check.evidence.contains(&status.to_string()));
            assert!(!check.evidence.contains("canary"));
        }
        let check = asked(Reply::Reset).await;
        assert_eq!(check.severity, Severity::Warning);
        assert!(check.remedy.unwrap().contains("from outside"));
    }

    #[tokio::test]
    async fn a_long_or_odd_issuer_is_cut_before_it_is_shown() {
        let issuer = format!(r#"{{"issuer":"\u001b[31m{}"}}"#, "x".repeat(5000));
        let check = asked(Reply::json(200, &issuer)).await;
        assert!(check.evidence.len() < 300 && !check.evidence.contains('\u{1b}'));
    }
}
