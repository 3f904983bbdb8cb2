//! HTTP/2 in raw frames, as attackers write them.

use super::*;

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `ENHANCE_YOUR_CALM` (RFC 9113 §7)
const CALM: u32 = 11;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// `:method: GET`, `:scheme: http` (both in HPACK's static table), `:path`, `:authority: x`.
fn head(path: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
    block.extend(path.as_bytes());
    block.extend([0x01, 0x01, b'x']);
    block
}

fn request(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &head(path))
}

impl Client {
    async fn begin(&mut self, settings: &[u8]) {
        self.send(PREFACE).await;
        self.send(&frame(SETTINGS, 0, 0, settings)).await;
    }

    /// The next frame of this kind: its stream and payload.
    async fn frame(&mut self, kind: u8) -> (u32, Vec<u8>) {
        loop {
            let mut head = [0; 9];
            self.0.read_exact(&mut head).await.unwrap();
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            self.0.read_exact(&mut payload).await.unwrap();
            if head[3] == kind {
                let stream = u32::from_be_bytes(head[5..9].try_into().unwrap());
                return (stream, payload);
            }
        }
    }

    /// The error code with which the connection is ended.
    async fn end(&mut self) -> u32 {
        loop {
            let (_, payload) = self.frame(GOAWAY).await;
            let code = u32::from_be_bytes(payload[4..8].try_into().unwrap());
            if code != 0 {
                return code;
            }
        }
    }
}

/// Whether a client like any other is answered.
async fn is_answering(site: &Site) -> bool {
    let mut client = site.connect().await;
    client.begin(&[]).await;
    client.send(&request(1, "/")).await;
    client.frame(HEADERS).await.0 == 1
}

#[tokio::test]
async fn without_tls_http2_is_spoken_to_whoever_begins_with_it() {
    let site = Site::open(UNHURRIED, live(), 10).await;
    assert!(is_answering(&site).await);
}

#[tokio::test]
async fn streams_that_are_opened_and_reset_at_once_end_the_connection() {
    let site = Site::open(UNHURRIED, live(), 10).await;
    let mut client = site.connect().await;
    client.begin(&[]).await;
    let mut flood = Vec::new();
    for stream in (1..2000).step_by(2) {
        flood.extend(request(stream, "/slow"));
        flood.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    }
    client.send(&flood).await;
    assert_eq!(client.end().await, CALM);
    assert!(is_answering(&site).await);
}

#[tokio::test]
async fn a_head_without_end_ends_the_connection() {
    let site = Site::open(UNHURRIED, live(), 10).await;
    let mut client = site.connect().await;
    client.begin(&[]).await;
    client
        .send(&frame(HEADERS, END_STREAM, 1, &head("/")))
        .await;
    // A literal field of one byte each way, again and again.
    let fields = [0x00, 0x01, b'a', 0x01, b'b'].repeat(3000);
    let mut sent = 0;
    while client
        .0
        .write_all(&frame(CONTINUATION, 0, 1, &fields))
        .await
        .is_ok()
    {
        sent += fields.len();
        assert!(sent < 64 * 1024 * 1024, "nobody minds");
    }
    assert!(is_answering(&site).await);
}

#[tokio::test]
async fn no_connection_has_more_than_a_hundred_requests_at_once() {
    let site = Site::open(UNHURRIED, live(), 10).await;
    let mut client = site.connect().await;
    client.begin(&[]).await;
    for stream in (1..=201).step_by(2) {
        client.send(&request(stream, "/slow")).await;
    }
    let (refused, code) = client.frame(RST_STREAM).await;
    // `REFUSED_STREAM`: the client may ask again.
    assert_eq!((refused, code), (201, 7_u32.to_be_bytes().to_vec()));
}

#[tokio::test]
async fn a_window_that_stays_shut_is_no_way_to_hold_answers() {
    let deadlines = Deadlines {
        patience: SHORT,
        ..UNHURRIED
    };
    let site = Site::open(deadlines, live(), 10).await;
    let mut client = site.connect().await;
    // SETTINGS_INITIAL_WINDOW_SIZE: 0
    client.begin(&[0, 4, 0, 0, 0, 0]).await;
    for stream in [1, 3, 5] {
        client.send(&request(stream, "/large")).await;
    }
    client.rest().await;
    assert!(site.has_turned_away("slow_answer"));
}

#[tokio::test]
async fn pings_keep_no_connection_open() {
    let deadlines = Deadlines {
        head: Duration::from_millis(300),
        idle: Duration::from_millis(300),
        ..UNHURRIED
    };
    let site = Site::open(deadlines, live(), 10).await;
    let mut client = site.connect().await;
    client.begin(&[]).await;
    client.send(&request(1, "/")).await;
    client.frame(HEADERS).await;
    let (mut reader, mut writer) = client.0.split();
    let pinging = async {
        while writer.write_all(&frame(PING, 0, 0, &[0; 8])).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut rest = Vec::new();
    tokio::select! {
        () = pinging => {}
        _ = reader.read_to_end(&mut rest) => {}
    }
    // GOAWAY without an error.
    let goaway = rest
        .windows(9)
        .any(|head| head[3..9] == [GOAWAY, 0, 0, 0, 0, 0]);
    assert!(goaway || rest.is_empty());
}

#[tokio::test]
async fn at_the_end_requests_under_way_are_answered_and_later_ones_sent_elsewhere() {
    let mut site = Site::open(UNHURRIED, live(), 10).await;
    let mut client = site.connect().await;
    client.begin(&[]).await;
    client.send(&request(1, "/slow")).await;
    site.reached().await;
    site.stop();
    let (_, goaway) = client.frame(GOAWAY).await;
    assert_eq!(goaway[4..8], [0; 4], "no error");
    site.gate.opened.notify_one();
    assert_eq!(client.frame(HEADERS).await.0, 1);
    // The client acknowledges what it is asked before the connection ends.
    drop(client);
    site.task.await.unwrap();
}
