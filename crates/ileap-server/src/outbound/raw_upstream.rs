//! An upstream that misbehaves to the byte, for tests.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

/// What happens to one connection.
#[derive(Clone)]
pub(crate) enum Reply {
    /// What this makes of the request.
    Answer(Arc<dyn Fn(&str) -> Self + Send + Sync>),
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// These bytes, then filler for as long as the peer reads.
    Endless(Vec<u8>),
    /// The request is read and never answered.
    Hang,
    /// The connection is reset in the middle of the request.
    Reset,
}

impl Reply {
    /// A well-framed JSON answer.
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::json_with(status, "", body)
    }

    /// The same with more headers, each ending in CRLF.
    pub(crate) fn json_with(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::bytes(&format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}connection: close\r\n\r\n{body}"
        ))
    }

    /// Exactly this text.
    pub(crate) fn bytes(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

/// Listens on loopback; the nth connection gets the nth reply, all later ones the last.
pub(crate) struct RawUpstream {
    url: Url,
    requests: Arc<Mutex<Vec<String>>>,
}

impl RawUpstream {
    pub(crate) async fn scripted(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            let mut replies = replies.into_iter().peekable();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let reply = replies.next().unwrap();
                if replies.peek().is_none() {
                    replies = vec![reply.clone()].into_iter().peekable();
                }
                tokio::spawn(serve(stream, reply, Arc::clone(&seen)));
            }
        });
        Self {
            url: format!("http://{address}").parse().unwrap(),
            requests,
        }
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The requests so far, as they came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, reply: Reply, seen: Arc<Mutex<Vec<String>>>) {
    if matches!(reply, Reply::Reset) {
        // Dropping a socket with unread bytes resets the connection.
        let _ = stream.read(&mut [0; 1]).await;
        return;
    }
    let request = read_request(&mut stream).await;
    let reply = match reply {
        Reply::Answer(answer) => answer(&request),
        other => other,
    };
    seen.lock().unwrap().push(request);
    match reply {
        Reply::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Reply::Endless(head) => {
            let filler = vec![b' '; 64 * 1024];
            let mut result = stream.write_all(&head).await;
            while result.is_ok() {
                result = stream.write_all(&filler).await;
            }
        }
        Reply::Answer(_) | Reply::Hang | Reply::Reset => std::future::pending().await,
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while !is_whole(&request) {
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(length) => request.extend_from_slice(&chunk[..length]),
        }
    }
    String::from_utf8_lossy(&request).into_owned()
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    body.len() >= length
}
