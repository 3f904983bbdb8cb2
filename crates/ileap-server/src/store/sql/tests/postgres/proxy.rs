//! A network between store and server that can fall silent: nothing is refused and nothing arrives.

use std::sync::Arc;

use tokio::{
    net::{TcpListener, UnixStream},
    sync::watch,
};

/// A way to a server's socket.
pub(super) struct Proxy {
    is_silent: watch::Sender<bool>,
    port: u16,
}

impl Proxy {
    pub(super) async fn to(socket: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (is_silent, silence) = watch::channel(false);
        let socket: Arc<str> = socket.into();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (socket, mut silence) = (socket.clone(), silence.clone());
                tokio::spawn(async move {
                    let forward = async {
                        let mut server = UnixStream::connect(&*socket).await?;
                        tokio::io::copy_bidirectional(&mut client, &mut server).await
                    };
                    let silent = async {
                        silence
                            .wait_for(|is_silent| *is_silent)
                            .await
                            .map(|_| ())
                            .unwrap();
                    };
                    tokio::select! {
                        _ = forward => return,
                        () = silent => {}
                    }
                    // What has been cut off stays so.
                    std::future::pending::<()>().await;
                });
            }
        });
        Self { is_silent, port }
    }

    pub(super) fn set_silent(&self, is_silent: bool) {
        self.is_silent.send(is_silent).unwrap();
    }

    pub(super) fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable",
            self.port
        )
    }
}
