//! What happens on a connection, as far as its deadlines depend on it.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use http::Version;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Shared by the socket, which moves bytes, the requests on it, and the watch over both.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<Counts>);

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Bytes received, as they are on the wire.
    pub(super) received: u64,
    /// How many had been when the last request began or was answered.
    pub(super) received_before: u64,
    /// Bytes sent, as they are on the wire.
    pub(super) sent: u64,
    /// How many must have been when the client has all answers.
    pub(super) promised: u64,
    /// Requests begun.
    pub(super) requests: u64,
    /// Requests that are being answered.
    pub(super) under_way: u32,
    /// Whether they are HTTP/2.
    pub(super) is_http2: bool,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn counts(&self) -> Counts {
        *self.lock()
    }

    /// A request is there.
    pub(super) fn begin(&self, version: Version) -> UnderWay<'_> {
        let mut counts = self.lock();
        counts.requests += 1;
        counts.under_way += 1;
        counts.is_http2 = version == Version::HTTP_2;
        counts.received_before = counts.received;
        drop(counts);
        UnderWay(self)
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being answered, or was given up.
#[derive(Debug)]
pub(super) struct UnderWay<'a>(&'a Pace);

impl UnderWay<'_> {
    /// There is an answer with a body of so many bytes.
    pub(super) fn answered(self, body: u64) {
        let mut counts = self.0.lock();
        counts.promised = counts.promised.max(counts.sent).saturating_add(body);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut counts = self.0.lock();
        counts.under_way = counts.under_way.saturating_sub(1);
        counts.received_before = counts.received;
    }
}

/// A socket that counts.
#[derive(Debug)]
pub(super) struct Paced<S> {
    inner: S,
    pace: Arc<Pace>,
}

impl<S> Paced<S> {
    pub(super) fn new(inner: S, pace: Arc<Pace>) -> Self {
        Self { inner, pace }
    }

    fn sent(&self, result: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = result {
            self.pace.lock().sent += *bytes as u64;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.inner).poll_read(context, buffer);
        let bytes = buffer.filled().len().saturating_sub(before);
        if bytes > 0 {
            self.pace.lock().received += bytes as u64;
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.sent(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.sent(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
