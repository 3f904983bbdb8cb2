//! What the edge of a host does with strangers.

use http::Method;

use super::{case, refused};
use crate::{
    case::{Case, HARDENING},
    outcome::Judgement,
    run::Run,
    wire::Request,
};

pub(super) static CASES: &[Case] = &[
    case!(
        "hardening/unknown-path",
        Hardening,
        HARDENING,
        "RFC 9110 §15.5.5",
        "An unknown path gets 404 (or a refusal before that).",
        unknown_path
    ),
    case!(
        "hardening/wrong-method",
        Hardening,
        HARDENING,
        "RFC 9110 §15.5.6",
        "DELETE on the footprints gets 405 with Allow.",
        wrong_method
    ),
    case!(
        "hardening/long-target",
        Hardening,
        HARDENING,
        "RFC 9110 §15.5.15",
        "A request target of 32 KiB is refused.",
        long_target
    ),
    case!(
        "hardening/large-header",
        Hardening,
        HARDENING,
        "RFC 6585 §5",
        "A header of 128 KiB is refused.",
        large_header
    ),
    case!(
        "hardening/host-in-discovery",
        Hardening,
        HARDENING,
        "CWE-644; RFC 8414 §3.3",
        "A spoofed Host or X-Forwarded-Host does not appear in the discovery document.",
        host_in_discovery
    ),
    case!(
        "hardening/host-in-link",
        Hardening,
        HARDENING,
        "CWE-644; RFC 8414 §3.3",
        "A spoofed Host or X-Forwarded-Host does not appear in links.",
        host_in_link
    ),
    case!(
        "hardening/nosniff",
        Hardening,
        HARDENING,
        "WHATWG Fetch §3.6; CWE-430",
        "Answers say X-Content-Type-Options: nosniff.",
        nosniff
    ),
    case!(
        "hardening/server-version",
        Hardening,
        HARDENING,
        "CWE-200",
        "Answers do not name the server's version.",
        server_version
    ),
    case!(
        "hardening/no-redirect",
        Hardening,
        HARDENING,
        "CWE-601",
        "The endpoints answer themselves instead of redirecting, where a client might take its token along.",
        no_redirect
    ),
    case!(
        "hardening/traversal",
        Hardening,
        HARDENING,
        "CWE-22",
        "Dots and slashes in an id lead nowhere.",
        traversal
    ),
    case!(
        "hardening/cors",
        Hardening,
        HARDENING,
        "CWE-942",
        "Not every web page may read the data: no Access-Control-Allow-Origin for a strange origin.",
        cors
    ),
];

async fn unknown_path(run: &Run) -> Judgement {
    let answer = run.get("/no/such/path").await?;
    answer.expect(&[401, 403, 404])?;
    Ok(String::new())
}

async fn wrong_method(run: &Run) -> Judgement {
    // An id nobody has: a host that does delete has nothing to delete.
    let path = "/2/footprints/00000000-0000-0000-0000-000000000000";
    let answer = run
        .send(Request::new(Method::DELETE, run.url(path)))
        .await?;
    answer.expect(&[405])?;
    if answer
        .header("allow")
        .is_none_or(|allowed| allowed.is_empty())
    {
        return Err(answer.fails("405 without Allow"));
    }
    Ok(String::new())
}

async fn long_target(run: &Run) -> Judgement {
    let path = format!("/2/footprints?limit=1&padding={}", "x".repeat(32 * 1024));
    refused(run.get(&path).await)
}

async fn large_header(run: &Run) -> Judgement {
    let request = Request::get(run.url("/2/footprints?limit=1"));
    refused(
        run.send(request.header("x-padding", "x".repeat(128 * 1024)))
            .await,
    )
}

const STRANGER: &str = "conformance-spoof.invalid";

/// Both names under which a host could believe us.
fn spoofs() -> [(&'static str, &'static str); 3] {
    [
        ("host", STRANGER),
        ("x-forwarded-host", STRANGER),
        ("forwarded", "host=conformance-spoof.invalid"),
    ]
}

async fn host_in_discovery(run: &Run) -> Judgement {
    for (name, value) in spoofs() {
        let url = run.url("/.well-known/openid-configuration");
        let answer = run.wire.send(Request::get(url).header(name, value)).await?;
        // A refusal may say what it refuses.
        let is_document = answer.status == 200;
        if is_document && String::from_utf8_lossy(&answer.body).contains(STRANGER) {
            return Err(answer.fails(format!("{name} decides where clients send their secrets")));
        }
    }
    Ok(String::new())
}

async fn host_in_link(run: &Run) -> Judgement {
    for (name, value) in spoofs() {
        let request = Request::get(run.url("/2/footprints?limit=1")).header(name, value);
        let answer = run.send(request).await?;
        let is_spoofed = ["link", "location"]
            .iter()
            .any(|header| answer.header(header).unwrap_or_default().contains(STRANGER));
        if is_spoofed {
            return Err(answer.fails(format!("{name} decides where clients send their tokens")));
        }
    }
    Ok(String::new())
}

async fn nosniff(run: &Run) -> Judgement {
    let answer = run.get("/2/footprints?limit=1").await?;
    if answer.header("x-content-type-options").as_deref() == Some("nosniff") {
        return Ok(String::new());
    }
    Err(answer.fails("X-Content-Type-Options is not nosniff"))
}

async fn server_version(run: &Run) -> Judgement {
    let answer = run.get("/2/footprints?limit=1").await?;
    for name in ["server", "x-powered-by"] {
        let value = answer.header(name).unwrap_or_default();
        if value.contains(|char: char| char.is_ascii_digit()) {
            return Err(answer.fails(format!("{name}: {}", super::brief(&value))));
        }
    }
    Ok(String::new())
}

async fn no_redirect(run: &Run) -> Judgement {
    for path in [
        "/2/footprints",
        "/2/footprints/",
        "/2/ileap/tad",
        "/auth/token",
    ] {
        let answer = run.wire.send(Request::get(run.url(path))).await?;
        if (300..400).contains(&answer.status) {
            return Err(answer.fails(format!("{path} redirects")));
        }
    }
    Ok(String::new())
}

async fn traversal(run: &Run) -> Judgement {
    for id in [
        "%2e%2e%2f%2e%2e%2fauth%2ftoken",
        "..%5c..%5c",
        "%00",
        "%ff%fe",
    ] {
        let answer = run.get(&format!("/2/footprints/{id}")).await?;
        answer.expect_refusal()?;
    }
    Ok(String::new())
}

async fn cors(run: &Run) -> Judgement {
    let request = Request::get(run.url("/2/footprints?limit=1"));
    let answer = run
        .send(request.header("origin", "https://conformance-spoof.invalid"))
        .await?;
    match answer.header("access-control-allow-origin") {
        Some(origin) if origin == "*" || origin.contains(STRANGER) => Err(answer.fails(format!(
            "any web page may read this ({})",
            super::brief(&origin)
        ))),
        _ => Ok(String::new()),
    }
}
