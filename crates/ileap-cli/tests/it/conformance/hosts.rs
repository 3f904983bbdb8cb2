//! Small hosts on loopback that behave badly, each in threads of its own.

use std::{
    io::{Read as _, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use rustls::{ServerConnection, StreamOwned};

use crate::upstream_tls::{Authority, Shown};

/// Everything a case may look for, on every path.
pub(crate) const YES: &str = r#"{"access_token":"t","token_type":"Bearer","data":[{"id":"1"}]}"#;

/// How a host answers to everything.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// Headers with their line ends, and a body.
    Says(&'static str, &'static str, &'static [u8]),
    /// Nothing.
    Hangs,
    /// A byte now and then.
    Drips,
    /// Two gigabytes.
    Floods,
    /// A list whose link leads to itself.
    Loops,
    /// No discovery document, and then nothing.
    Fades,
}

/// Starts one; it ends with the test.
pub(crate) fn start(manner: Manner) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let host = base.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let host = host.clone();
            // A client that goes away is what these hosts are about.
            thread::spawn(move || behave(stream, manner, &host).ok());
        }
    });
    base
}

fn behave(mut stream: TcpStream, manner: Manner, host: &str) -> std::io::Result<()> {
    let mut request = vec![0; 64 * 1024];
    let length = stream.read(&mut request)?;
    let request = String::from_utf8_lossy(&request[..length]).into_owned();
    let json = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    match manner {
        Manner::Says(status, headers, body) => {
            let head = format!("HTTP/1.1 {status}\r\n{headers}connection: close\r\n\r\n");
            stream.write_all(head.as_bytes())?;
            stream.write_all(body)
        }
        Manner::Loops => {
            let link = format!("link: <{host}/2/footprints?page=2>; rel=\"next\"\r\n");
            stream.write_all(format!("{json}{link}\r\n{YES}").as_bytes())
        }
        Manner::Fades if request.contains("/.well-known/") => {
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n")
        }
        Manner::Fades | Manner::Hangs => {
            while stream.read(&mut [0; 1024])? > 0 {}
            Ok(())
        }
        Manner::Drips => {
            stream.write_all(format!("{json}\r\n").as_bytes())?;
            loop {
                stream.write_all(b" ")?;
                thread::sleep(Duration::from_millis(50));
            }
        }
        Manner::Floods => {
            stream.write_all(format!("{json}\r\n").as_bytes())?;
            let chunk = vec![b' '; 256 * 1024];
            (0..8192).try_for_each(|_| stream.write_all(&chunk))
        }
    }
}

/// A host on https that gives a token to everyone.
pub(crate) fn secured(shown: &Shown, authority: &Authority) -> String {
    let config = shown.config(authority);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            thread::spawn(move || greet(&mut StreamOwned::new(connection, stream)).ok());
        }
    });
    base
}

fn greet(stream: &mut StreamOwned<ServerConnection, TcpStream>) -> std::io::Result<()> {
    let _ = stream.read(&mut [0; 8 * 1024])?;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    write!(stream, "{head}content-length: {}\r\n\r\n{YES}", YES.len())?;
    stream.conn.send_close_notify();
    stream.flush()
}
