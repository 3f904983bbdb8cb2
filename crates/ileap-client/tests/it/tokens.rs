//! Where a token comes from, how long it serves, and what replaces it.

use std::time::Duration;

use ileap_client::{BasicEncoding, Client, ErrorKind, Options, Query, types::oauth2::AccessToken};

use crate::host::{Host, Reply, credentials, quick, token};

const LIST: &str = r#"{"data":[]}"#;

#[tokio::test]
async fn without_a_discovery_document_the_token_comes_from_where_pact_puts_it() {
    let host = Host::start(|asked, _| match asked.path.as_str() {
        "/auth/token" => token("t", 3600),
        "/2/ileap/tad" => Reply::ok(LIST),
        _ => Reply::new(404, ""),
    })
    .await;
    let client = host.client();
    client.tads(&Query::new()).next_page().await.unwrap();
    client.tads(&Query::new()).next_page().await.unwrap();
    let asked = host.asked("/auth/token");
    assert_eq!(asked.len(), 1, "a token is kept");
    assert_eq!(
        asked[0].header("authorization"),
        "Basic aGVsbG86cGF0aGZpbmRlcg=="
    );
    assert_eq!(asked[0].body, "grant_type=client_credentials");
    assert_eq!(
        host.asked("/2/ileap/tad")[1].header("authorization"),
        "Bearer t"
    );
}

#[tokio::test]
async fn a_discovery_document_names_the_token_endpoint() {
    let elsewhere = Host::start(|_, _| token("from-elsewhere", 60)).await;
    let endpoint = format!("{}/oauth2/token", elsewhere.base);
    let document = format!(r#"{{"issuer":"x","token_endpoint":"{endpoint}"}}"#);
    let host = Host::start(move |asked, _| match asked.path.as_str() {
        "/.well-known/openid-configuration" => Reply::ok(document.clone()),
        _ => Reply::ok(LIST),
    })
    .await;
    host.client().tads(&Query::new()).next_page().await.unwrap();
    assert_eq!(elsewhere.asked("/oauth2/token").len(), 1);
    let cautious = host.client_with(Options {
        follow_token_endpoint: false,
        ..quick()
    });
    let error = cautious.log_in().await.unwrap_err();
    let origin = elsewhere.base.clone();
    assert_eq!(*error.kind(), ErrorKind::TokenEndpointElsewhere { origin });
    assert_eq!(
        elsewhere.asked("/oauth2/token").len(),
        1,
        "nothing was sent there"
    );
}

#[tokio::test]
async fn a_token_endpoint_without_tls_beyond_this_machine_never_gets_the_credentials() {
    let host = Host::start(|asked, _| match asked.path.as_str() {
        "/.well-known/openid-configuration" => {
            Reply::ok(r#"{"token_endpoint":"http://host.example/token"}"#)
        }
        _ => token("t", 60),
    })
    .await;
    let error = host.client().log_in().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Address(_)), "{error}");
}

#[tokio::test]
async fn a_token_that_is_not_taken_is_replaced_once() {
    let host = Host::start(|asked, number| match asked.path.as_str() {
        "/auth/token" => token(&format!("t{number}"), 3600),
        "/2/ileap/tad" if asked.header("authorization") == "Bearer t0" => {
            Reply::new(401, r#"{"code":"TokenExpired","message":"expired"}"#)
        }
        "/2/ileap/tad" => Reply::ok(LIST),
        "/2/footprints" => Reply::new(401, r#"{"code":"BadRequest","message":"no"}"#),
        _ => Reply::new(404, ""),
    })
    .await;
    let client = host.client();
    client.tads(&Query::new()).next_page().await.unwrap();
    assert_eq!(host.asked("/auth/token").len(), 2);
    let error = client
        .footprints(&Query::new())
        .next_page()
        .await
        .unwrap_err();
    assert_eq!(error.refusal().unwrap().status, 401);
    assert_eq!(
        host.asked("/2/footprints").len(),
        2,
        "once more, and no further"
    );
    assert_eq!(host.asked("/auth/token").len(), 3);
}

#[tokio::test]
async fn a_caller_that_may_not_is_not_sent_for_another_token() {
    let host = Host::start(|asked, _| match asked.path.as_str() {
        "/auth/token" => token("t", 3600),
        "/2/ileap/tad" => Reply::new(403, r#"{"code":"AccessDenied","message":"Access denied"}"#)
            .with("x-request-id", "abc"),
        _ => Reply::new(404, ""),
    })
    .await;
    let error = host
        .client()
        .tads(&Query::new())
        .next_page()
        .await
        .unwrap_err();
    let refusal = error.refusal().unwrap();
    assert_eq!(refusal.code.as_deref(), Some("AccessDenied"));
    assert_eq!(refusal.request_id.as_deref(), Some("abc"));
    assert_eq!(host.asked("/auth/token").len(), 1);
}

#[tokio::test]
async fn a_token_of_an_earlier_run_that_is_not_taken_is_replaced_whatever_the_host_calls_it() {
    for status in [401, 403] {
        let host = Host::start(move |asked, _| match asked.path.as_str() {
            "/auth/token" => token("new", 3600),
            "/2/ileap/tad" if asked.header("authorization") == "Bearer new" => Reply::ok(LIST),
            _ => Reply::new(status, r#"{"code":"AccessDenied","message":"no"}"#),
        })
        .await;
        let client = host.client();
        let kept = AccessToken::new("kept".to_owned());
        client.keep_token(&kept, Duration::from_secs(600)).await;
        client.tads(&Query::new()).next_page().await.unwrap();
        assert_eq!(host.asked("/auth/token").len(), 1);
    }
}

#[tokio::test]
async fn without_credentials_a_caller_that_may_not_is_told_so_and_not_to_log_in() {
    let host = Host::start(|_, _| Reply::new(403, r#"{"code":"AccessDenied"}"#)).await;
    let client = Client::with_options(&host.base, None, quick()).unwrap();
    let token = AccessToken::new("kept".to_owned());
    client.keep_token(&token, Duration::from_secs(600)).await;
    let error = client.tads(&Query::new()).next_page().await.unwrap_err();
    assert_eq!(error.refusal().unwrap().status, 403);
}

#[tokio::test]
async fn a_token_that_is_about_to_end_is_not_shown_again() {
    let host = Host::start(|asked, _| match asked.path.as_str() {
        "/auth/token" => token("t", 0),
        "/2/ileap/tad" => Reply::ok(LIST),
        _ => Reply::new(404, ""),
    })
    .await;
    let client = host.client();
    client.tads(&Query::new()).next_page().await.unwrap();
    client.tads(&Query::new()).next_page().await.unwrap();
    assert_eq!(host.asked("/auth/token").len(), 2);
}

#[tokio::test]
async fn many_callers_at_once_share_one_token_request() {
    let host = Host::start(|asked, _| match asked.path.as_str() {
        "/auth/token" => token("t", 3600),
        "/2/ileap/tad" => Reply::ok(LIST),
        _ => Reply::new(404, ""),
    })
    .await;
    let client = host.client();
    let calls = (0..50).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.tads(&Query::new()).next_page().await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    assert_eq!(host.asked("/auth/token").len(), 1);
}

#[tokio::test]
async fn refused_credentials_are_told_from_a_host_in_trouble_and_shown_to_nobody() {
    let host = Host::start(|asked, _| match asked.path.as_str() {
        "/auth/token" => Reply::new(
            400,
            r#"{"error":"invalid_client","error_description":"No."}"#,
        ),
        _ => Reply::new(404, ""),
    })
    .await;
    let error = host.client().log_in().await.unwrap_err();
    let ErrorKind::CredentialsRefused(refusal) = error.kind() else {
        panic!("{error}")
    };
    assert_eq!(refusal.code.as_deref(), Some("invalid_client"));
    assert_eq!(
        host.asked("/auth/token").len(),
        1,
        "a wrong secret is not tried again"
    );
    let printed = format!("{error} {error:?} {:?}", host.client());
    assert!(
        !printed.contains("pathfinder") && !printed.contains("aGVsbG86"),
        "{printed}"
    );

    let in_trouble = Host::start(|asked, _| match asked.path.as_str() {
        "/auth/token" => Reply::new(503, r#"{"error":"temporarily_unavailable"}"#),
        _ => Reply::new(404, ""),
    })
    .await;
    let error = in_trouble.client().log_in().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Refused(_)) && error.is_temporary(),
        "{error}"
    );
    assert_eq!(in_trouble.asked("/auth/token").len(), 3);
}

#[tokio::test]
async fn both_basic_encodings_and_a_separate_auth_base_are_at_the_callers_choice() {
    let auth = Host::start(|asked, _| match asked.path.as_str() {
        "/tenant/auth/token" => token("t", 3600),
        _ => Reply::new(404, ""),
    })
    .await;
    let options = Options {
        auth_base_url: Some(format!("{}/tenant/", auth.base)),
        basic_encoding: BasicEncoding::Rfc6749,
        ..quick()
    };
    let credentials = ileap_client::Credentials::new("ops@acme.example", "a+b");
    let client = Client::with_options("http://127.0.0.1:9", credentials, options).unwrap();
    client.log_in().await.unwrap();
    let asked = &auth.asked("/tenant/auth/token")[0];
    // ops%40acme.example:a%2Bb
    let expected = "Basic b3BzJTQwYWNtZS5leGFtcGxlOmElMkJi";
    assert_eq!(asked.header("authorization"), expected);
}

#[tokio::test]
async fn a_token_answer_may_hold_nothing_but_the_token() {
    let host = Host::start(|asked, _| match asked.path.as_str() {
        "/auth/token" => Reply::new(201, r#"{"access_token":"t"}"#),
        _ => Reply::new(404, ""),
    })
    .await;
    let client = Client::with_options(&host.base, credentials(), quick()).unwrap();
    assert_eq!(client.log_in().await.unwrap().access_token.expose(), "t");
}

#[tokio::test]
async fn a_token_that_is_no_word_is_none() {
    for text in ["", " ", "a b", "a\\nb", "\u{e9}"] {
        let answer = format!(r#"{{"access_token":"{text}"}}"#);
        let host = Host::start(move |asked, _| match asked.path.as_str() {
            "/auth/token" => Reply::ok(answer.clone()),
            _ => Reply::new(404, ""),
        })
        .await;
        let error = host.client().log_in().await.unwrap_err();
        let unreadable = ErrorKind::Unreadable("it holds no access token");
        assert_eq!(*error.kind(), unreadable, "{text:?}");
    }
}

#[tokio::test]
async fn a_token_endpoint_with_credentials_of_its_own_is_none() {
    for (at, follow_token_endpoint) in [("127.0.0.1:1", true), ("127.0.0.1:1", false)] {
        let endpoint = format!("http://id:secret@{at}/token");
        let host =
            Host::start(move |_, _| Reply::ok(format!(r#"{{"token_endpoint":"{endpoint}"}}"#)))
                .await;
        let client = host.client_with(Options {
            follow_token_endpoint,
            ..quick()
        });
        let error = client.log_in().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Address(_)), "{error}");
    }
}

#[tokio::test]
async fn without_credentials_the_token_alone_is_shown_and_no_other_is_asked_for() {
    let host = Host::start(|asked, _| match asked.path.as_str() {
        "/2/ileap/tad" if asked.header("authorization") == "Bearer kept" => Reply::ok(LIST),
        _ => Reply::new(401, ""),
    })
    .await;
    let client = Client::with_options(&host.base, None, quick()).unwrap();
    let token = AccessToken::new("kept".to_owned());
    client.keep_token(&token, Duration::from_secs(600)).await;
    client.tads(&Query::new()).next_page().await.unwrap();
    let list = client.footprints(&Query::new()).next_page().await;
    assert_eq!(*list.unwrap_err().kind(), ErrorKind::CredentialsMissing);
    assert!(host.asked("/auth/token").is_empty());
}
