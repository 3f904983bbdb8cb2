//! Bodies that no sound server sends.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Sleep;

/// How many matches of 258 spaces the gzip bomb holds: about ten megabytes.
const BOMB_MATCHES: usize = 40_000;

/// The beginning of an answer, then white space for as long as somebody reads. Backpressure bounds it.
pub(crate) struct Endless;

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        const CHUNK: &[u8] = &[b' '; 16 * 1024];
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(CHUNK)))))
    }
}

/// `part`, then the end of the connection, although `promised` bytes were announced.
pub(crate) fn promised(part: Bytes, promised: usize) -> Body {
    Body::new(Short {
        part: Some(part),
        promised: u64::try_from(promised).unwrap_or(u64::MAX),
    })
}

struct Short {
    part: Option<Bytes>,
    promised: u64,
}

impl HttpBody for Short {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(Some(match self.part.take() {
            Some(part) => Ok(Frame::data(part)),
            None => Err(std::io::ErrorKind::ConnectionReset.into()),
        }))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}

/// `whole`, byte by byte.
pub(crate) fn drip(whole: Bytes, pause: Duration) -> Body {
    Body::new(
        Drip {
            rest: whole,
            pause,
            sleep: Box::pin(tokio::time::sleep(Duration::ZERO)),
        }
        .boxed(),
    )
}

struct Drip {
    rest: Bytes,
    pause: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl HttpBody for Drip {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        std::task::ready!(self.sleep.as_mut().poll(context));
        let pause = self.pause;
        self.sleep.set(tokio::time::sleep(pause));
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(1)))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.rest.len()).unwrap_or(u64::MAX))
    }
}

/// A gzip member (RFC 1952) of one block with fixed codes (RFC 1951 §3.2.6): one space, then matches of the
/// greatest length at distance one. Its checksum is wrong, which shows only to who has unpacked it all.
pub(crate) fn gzip_bomb() -> Vec<u8> {
    let mut bits = Bits {
        bytes: vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff],
        pending: 0,
        count: 0,
    };
    bits.push(1, 1);
    bits.push(0b01, 2);
    bits.push_code(0x30 + u16::from(b' '), 8);
    for _ in 0..BOMB_MATCHES {
        bits.push_code(0b1100_0000 + 285 - 280, 8);
        bits.push_code(0, 5);
    }
    bits.push_code(0, 7);
    bits.push(0, 7);
    bits.bytes.extend([0; 8]);
    bits.bytes
}

/// Bits, the least significant first.
struct Bits {
    bytes: Vec<u8>,
    pending: u8,
    count: u8,
}

impl Bits {
    fn push(&mut self, value: u16, width: u8) {
        for position in 0..width {
            if value >> position & 1 == 1 {
                self.pending |= 1 << self.count;
            }
            self.count += 1;
            if self.count == 8 {
                self.bytes.push(self.pending);
                (self.pending, self.count) = (0, 0);
            }
        }
    }

    /// Huffman codes go in with the most significant bit first.
    fn push_code(&mut self, code: u16, width: u8) {
        for position in (0..width).rev() {
            self.push(code >> position & 1, 1);
        }
    }
}
