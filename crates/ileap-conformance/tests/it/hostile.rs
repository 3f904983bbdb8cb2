//! Hosts that hang, drip, flood, and answer nonsense: a verdict in bounded time, never a panic.

use std::{net::SocketAddr, time::Duration};

use ileap_conformance::{case::Verdict, options::Options};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    data::conformant,
    host::{Host, tls},
    options::{everything, run},
};

/// What a host writes to everyone.
#[derive(Clone, Copy)]
enum Manner {
    Says(&'static str),
    Hangs,
    Drips,
    Floods,
    DeepJson,
    BrokenUtf8,
    Closes,
}

async fn start(manner: Manner) -> String {
    let socket = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap();
    let base = format!("http://{}", socket.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            tokio::spawn(behave(stream, manner));
        }
    });
    base
}

async fn behave(mut stream: TcpStream, manner: Manner) {
    let mut request = vec![0; 64 * 1024];
    // A client that has gone is what these hosts are about.
    let Ok(1..) = stream.read(&mut request).await else {
        return;
    };
    let json = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
    let _ = match manner {
        Manner::Says(text) => stream.write_all(text.as_bytes()).await,
        Manner::Closes => Ok(()),
        Manner::Hangs => {
            tokio::time::sleep(Duration::from_secs(600)).await;
            Ok(())
        }
        Manner::Drips => {
            let _ = stream.write_all(json.as_bytes()).await;
            while stream.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        }
        Manner::Floods => {
            let _ = stream.write_all(json.as_bytes()).await;
            let chunk = vec![b' '; 256 * 1024];
            // Two gigabytes, if anyone took them.
            for _ in 0..8192 {
                if stream.write_all(&chunk).await.is_err() {
                    break;
                }
            }
            Ok(())
        }
        Manner::DeepJson => {
            let body = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
            stream.write_all(format!("{json}{body}").as_bytes()).await
        }
        Manner::BrokenUtf8 => {
            let _ = stream.write_all(json.as_bytes()).await;
            stream
                .write_all(b"{\"access_token\":\"\xff\xfe\",\"data\":[\xc0]}")
                .await
        }
    };
}

fn in_a_hurry(base: &str) -> Options {
    let mut options = everything(base);
    options.timing.call = Duration::from_millis(400);
    options.timing.callback = Duration::from_millis(100);
    options.timing.throttle = Duration::from_millis(100);
    options.cases = ["auth", "pact", "ileap", "paging", "data"]
        .map(str::to_owned)
        .to_vec();
    options
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_hosts_get_a_verdict_with_a_reason_and_cost_nothing() {
    let manners = [
        Manner::Hangs,
        Manner::Drips,
        Manner::DeepJson,
        Manner::BrokenUtf8,
        Manner::Closes,
        Manner::Says("SSH-2.0-OpenSSH_9.9\r\n"),
        Manner::Says(
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        ),
        Manner::Says(
            "HTTP/1.1 429 Slow down\r\nretry-after: 99999999999999999999\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        ),
        Manner::Says(
            "HTTP/1.1 200 OK\r\ncontent-length: 44\r\nconnection: close\r\n\r\n{\"access_token\":\"t\\u0000\\nx\",\"data\":{\"a\":[1]}}",
        ),
        Manner::Says(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{\"access_token\":\"t\",\"data\":[1,null,[],{\"id\":{},\"pcf\":7,\"extensions\":[{\"dataSchema\":\"x/shipment-footprint.json\",\"data\":[]}]}],\"token_endpoint\":7,\"keys\":{}}",
        ),
    ];
    for manner in manners {
        let base = start(manner).await;
        let report = run(&in_a_hurry(&base)).await;
        assert!(!report.is_conformant());
        for case in &report.cases {
            let is_explained = case.verdict == Verdict::Pass || !case.reason.is_empty();
            assert!(is_explained, "{case:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_cut_off() {
    let base = start(Manner::Floods).await;
    let mut options = in_a_hurry(&base);
    options.timing.call = Duration::from_secs(20);
    options.cases = vec!["pact/tc01".to_owned()];
    let report = run(&options).await;
    assert!(report.cases[0].reason.contains("MiB"), "{:?}", report.cases);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_away_is_inconclusive_and_not_conformant() {
    let socket = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap();
    let base = format!("http://{}", socket.local_addr().unwrap());
    drop(socket);
    let report = run(&in_a_hurry(&base)).await;
    assert!(!report.is_conformant());
    assert_eq!(report.count(Verdict::Fail), 0, "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_shows_an_authority_is_told_how_to_make_another_certificate() {
    let base = Host::start(conformant(), "https-authority").await;
    let mut options = everything(&base);
    options.authorities = vec![tls::authority()];
    options.cases = vec!["pact/tc01".to_owned()];
    let report = run(&options).await;
    let reason = &report.cases[0].reason;
    assert!(reason.contains("CA:FALSE"), "{reason}");
}
