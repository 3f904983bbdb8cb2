//! The end of listening, without resetting whoever has just been let in by the kernel.

use std::{io, time::Duration};

use tokio::net::TcpListener;

/// How long a handshake that the kernel has begun may take: the way to the client and back.
pub(super) const HANDSHAKES: Duration = Duration::from_millis(100);

/// From now on the kernel begins no connection, and finishes those that it has begun: otherwise one may be made in the
/// moment between the last that is accepted and the end of the socket, and be reset with the request it carries. Whoever
/// asks for one asks again within a second, and then finds the next process, or nobody and goes elsewhere.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn begin_no_more(listener: &TcpListener) -> io::Result<()> {
    use socket2::{SockFilter, SockRef};

    // Classic BPF on the TCP header: of its flags (byte 13) SYN without ACK is dropped, and all else let through.
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;
    SockRef::from(listener).attach_filter(&[
        SockFilter::new(LOAD_BYTE, 0, 0, 13),
        SockFilter::new(AND, 0, 0, SYN | ACK),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ])
}

/// Only Linux knows how.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn begin_no_more(_: &TcpListener) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
