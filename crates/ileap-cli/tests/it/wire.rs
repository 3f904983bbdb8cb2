//! HTTP in its plainest form: a request, and everything that comes back.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(50);

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

/// A request for a token, on a connection that is kept.
pub(crate) fn token_request(client_id: &str, secret: &str) -> String {
    let credentials = STANDARD.encode(format!("{client_id}:{secret}"));
    format!(
        "POST /auth/token HTTP/1.1\r\nhost: x\r\nauthorization: Basic {credentials}\r\ncontent-length: 29\r\n\
         content-type: application/x-www-form-urlencoded\r\n\r\ngrant_type=client_credentials"
    )
}

/// A connection that is used again for as long as the server keeps it.
pub(crate) struct KeptConnection {
    address: String,
    stream: Option<BufReader<TcpStream>>,
}

impl KeptConnection {
    pub(crate) fn to(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            stream: None,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// Sends a request; its answer, head and body.
    pub(crate) fn ask(&mut self, request: &str) -> io::Result<String> {
        let kept = self.stream.take().map(Ok);
        let mut stream =
            kept.unwrap_or_else(|| TcpStream::connect(&self.address).map(BufReader::new))?;
        stream.get_ref().set_read_timeout(Some(PATIENCE))?;
        stream.get_mut().write_all(request.as_bytes())?;
        let (answer, is_kept) = answer(&mut stream)?;
        self.stream = is_kept.then_some(stream);
        Ok(answer)
    }
}

/// An answer, and whether its connection stays.
fn answer(stream: &mut BufReader<TcpStream>) -> io::Result<(String, bool)> {
    let mut answer = String::new();
    let (mut length, mut is_kept) = (0, true);
    while !answer.ends_with("\r\n\r\n") {
        let begin = answer.len();
        if stream.read_line(&mut answer)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = answer[begin..].trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().map_err(io::Error::other)?;
        }
        is_kept &= line != "connection: close";
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    answer.push_str(&String::from_utf8(body).map_err(io::Error::other)?);
    Ok((answer, is_kept))
}
