//! HTTP in its plainest form: one connection, one request, everything that comes back.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

/// What comes back until the server closes; empty where nobody answers any more.
pub(crate) fn exchange(address: &str, request: &str) -> String {
    let mut answer = String::new();
    if let Ok(mut stream) = TcpStream::connect(address) {
        let sent = stream.write_all(request.as_bytes());
        let _ = sent.and_then(|()| stream.read_to_string(&mut answer));
    }
    answer
}

/// A request for `path`, with a token where there is one.
pub(crate) fn get(path: &str, token: &str) -> String {
    let authorization = match token {
        "" => String::new(),
        token => format!("authorization: Bearer {token}\r\n"),
    };
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{authorization}\r\n")
}

/// The status of an answer; 0 where there is none.
pub(crate) fn status(answer: &str) -> u16 {
    let status = answer.split(' ').nth(1).map(str::parse);
    status.and_then(Result::ok).unwrap_or(0)
}

/// The body of an answer.
pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}
