//! Hosts that hang, drip, break off, redirect, throttle, and send nonsense or too much.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ileap_client::{Client, ErrorKind, Options, Query};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::host::{Host, Reply, credentials, quick, token};

/// A host that gives tokens, and answers lists with `list`.
async fn host(list: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Host {
    Host::start(move |asked, number| match asked.path.as_str() {
        "/auth/token" => token("t", 3600),
        "/2/footprints" => list(number),
        _ => Reply::new(404, ""),
    })
    .await
}

async fn list(client: &Client) -> Result<usize, ErrorKind> {
    let mut list = client.footprints(&Query::new());
    let page = list
        .next_page()
        .await
        .map_err(|error| error.kind().clone())?;
    Ok(page.unwrap().items.len())
}

/// A host that answers a token request, and every other with these bytes; then it keeps the connection.
async fn raw_host(answer: &'static [u8], drip: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut head = vec![0; 4096];
                let read = stream.read(&mut head).await.unwrap_or(0);
                let head = String::from_utf8_lossy(&head[..read]).into_owned();
                if !head.contains(" /2/") {
                    let answer: &[u8] = if head.starts_with("POST") {
                        b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\nconnection: close\r\n\r\n{\"access_token\":\"t\"}"
                    } else {
                        b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                    };
                    let _ = stream.write_all(answer).await;
                    return;
                }
                if drip {
                    for byte in answer {
                        if stream.write_all(&[*byte]).await.is_err() {
                            return;
                        }
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                } else {
                    let _ = stream.write_all(answer).await;
                }
                tokio::time::sleep(Duration::from_secs(3600)).await;
            });
        }
    });
    base
}

fn client(base: &str, options: Options) -> Client {
    Client::with_options(base, credentials(), options).unwrap()
}

#[tokio::test]
async fn a_host_that_is_busy_is_asked_again_and_not_for_ever() {
    let recovers = host(|number| match number {
        0 => Reply::new(503, ""),
        1 => Reply::new(429, "").with("retry-after", "0"),
        _ => Reply::ok(r#"{"data":[]}"#),
    })
    .await;
    assert_eq!(list(&recovers.client()).await, Ok(0));
    let stays = host(|_| Reply::new(502, "<html>bad gateway</html>")).await;
    let ErrorKind::Refused(refusal) = list(&stays.client()).await.unwrap_err() else {
        panic!()
    };
    assert_eq!(refusal.status, 502);
    assert_eq!(stays.asked("/2/footprints").len(), 3);
}

#[tokio::test]
async fn a_host_that_wants_to_be_left_alone_for_longer_than_we_wait_is() {
    // In seconds, or until a date of its own clock, which may be wrong.
    for wanted in ["3600", "Thu, 26 Nov 2015 16:00:00 GMT"] {
        let host = host(move |_| {
            Reply::new(429, "")
                .with("date", "Thu, 26 Nov 2015 15:00:00 GMT")
                .with("retry-after", wanted)
        })
        .await;
        let ErrorKind::Refused(refusal) = list(&host.client()).await.unwrap_err() else {
            panic!()
        };
        assert_eq!(refusal.retry_after, Some(Duration::from_secs(3600)));
        assert_eq!(host.asked("/2/footprints").len(), 1);
    }
}

#[tokio::test]
async fn what_the_host_refuses_for_good_is_asked_once() {
    for status in [400, 404, 405, 501] {
        let host = host(move |_| Reply::new(status, "")).await;
        assert!(list(&host.client()).await.is_err());
        assert_eq!(host.asked("/2/footprints").len(), 1, "{status}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = Host::start(|_, _| Reply::ok(r#"{"data":[]}"#)).await;
    let location = format!("{}/2/footprints", other.base);
    let host = host(move |_| Reply::new(302, "").with("location", location.clone())).await;
    let ErrorKind::Refused(refusal) = list(&host.client()).await.unwrap_err() else {
        panic!()
    };
    assert_eq!(refusal.status, 302);
    assert!(other.asked("/2/footprints").is_empty());
}

#[tokio::test]
async fn nonsense_is_called_so() {
    for body in [
        "",
        "<html>",
        "[]",
        "{}x",
        r#"{"data":{}}"#,
        r#"{"data":[1,}"#,
        "null",
        "{}",
        r#"{"footprints":[]}"#,
    ] {
        let host = host(move |_| Reply::ok(body)).await;
        let kind = list(&host.client()).await.unwrap_err();
        assert!(
            matches!(kind, ErrorKind::Unreadable(_)),
            "{body:?}: {kind:?}"
        );
    }
}

#[tokio::test]
async fn a_list_that_is_null_is_empty() {
    let host = host(|_| Reply::ok(r#"{"data":null,"more":1}"#)).await;
    assert_eq!(list(&host.client()).await, Ok(0));
}

#[tokio::test]
async fn an_answer_without_end_is_read_no_further_than_the_limit() {
    let base = raw_host(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n800\r\n{\"data\":[                    ",
        false,
    )
    .await;
    let options = Options {
        answer_limit_bytes: 16,
        attempts: 1,
        ..quick()
    };
    let kind = list(&client(&base, options)).await.unwrap_err();
    assert_eq!(kind, ErrorKind::TooLarge { limit_bytes: 16 });
}

#[tokio::test]
async fn a_host_that_hangs_or_drips_costs_no_more_than_the_deadline() {
    let options = || Options {
        call_timeout: Duration::from_millis(300),
        attempts: 1,
        ..quick()
    };
    for (answer, drip) in [
        (&b""[..], false),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"data\":[",
            false,
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"data\":[]}",
            true,
        ),
    ] {
        let base = raw_host(answer, drip).await;
        let kind = list(&client(&base, options())).await.unwrap_err();
        assert_eq!(kind, ErrorKind::Timeout);
    }
}

#[tokio::test]
async fn no_http_and_no_host_are_told_apart() {
    let base = raw_host(b"SSH-2.0-OpenSSH_9.2\r\n", false).await;
    let options = Options {
        attempts: 1,
        ..quick()
    };
    let kind = list(&client(&base, options.clone())).await.unwrap_err();
    assert_eq!(kind, ErrorKind::Interrupted);
    let nobody = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let kind = list(&client(&format!("http://{nobody}"), options))
        .await
        .unwrap_err();
    assert_eq!(kind, ErrorKind::Connect);
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_called_what_it_is() {
    let page = b"HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\n <!DOCTYPE html><p>Hello!</p>  ";
    let latin =
        b"HTTP/1.1 200 OK\r\ncontent-length: 31\r\n\r\n{\"data\":[{\"companyName\":\"K\xf6ln\"}]}";
    for (answer, reason, remedy) in [
        (&page[..], "web page", "base URL"),
        (&latin[..], "not UTF-8", "operator"),
    ] {
        let base = raw_host(answer, false).await;
        let client = Client::with_options(&base, credentials(), quick()).unwrap();
        let error = client
            .footprints(&Query::new())
            .next_page()
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains(reason) && text.contains(remedy), "{text}");
    }
}

#[tokio::test]
async fn a_byte_order_mark_before_the_json_is_passed_over() {
    let host = host(|_| Reply::ok("\u{feff}{\"data\":[{}]}")).await;
    assert_eq!(list(&host.client()).await, Ok(1));
}

#[tokio::test]
async fn a_site_that_has_no_token_endpoint_is_asked_about_its_url() {
    let site = Host::start(|asked, _| match asked.path.as_str() {
        "/auth/token" => Reply::new(405, ""),
        _ => Reply::ok("<html></html>"),
    })
    .await;
    let error = site.client().log_in().await.unwrap_err();
    assert!(error.remedy().unwrap().contains("base URL"), "{error}");
}

/// A host that takes connections and says nothing, and what it was asked.
async fn silent() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let length = stream.read(&mut head).await.unwrap();
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            let line = head.lines().next().unwrap_or_default().to_owned();
            kept.lock().unwrap().push(line);
            open.push(stream);
        }
    });
    (base, asked)
}

#[tokio::test]
async fn a_silent_host_is_asked_once_for_discovery_and_every_further_attempt_is_told() {
    static TOLD: AtomicUsize = AtomicUsize::new(0);
    let (base, asked) = silent().await;
    let options = Options {
        call_timeout: Duration::from_millis(100),
        on_retry: Some(|error, _| {
            assert_eq!(*error.kind(), ErrorKind::Timeout);
            TOLD.fetch_add(1, Ordering::Relaxed);
        }),
        ..quick()
    };
    let client = Client::with_options(&base, credentials(), options).unwrap();
    let error = client.log_in().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Timeout);
    let asked = asked.lock().unwrap().clone();
    let lines: Vec<_> = asked.iter().map(|line| &line[..4]).collect();
    assert_eq!(lines, ["GET ", "POST", "POST", "POST"]);
    assert_eq!(TOLD.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn where_nobody_is_no_token_is_asked_for() {
    let client = Client::with_options("http://127.0.0.1:9", credentials(), quick()).unwrap();
    let error = client.log_in().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Connect);
    assert!(error.attempted().contains("discovery"), "{error}");
}
