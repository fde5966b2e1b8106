//! A server that answers the very bytes it is told to.

use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the server does after its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Then {
    /// It closes the connection.
    Close,
    /// It says nothing more and keeps the connection open.
    Hang,
}

/// Answers one request with `bytes`. The task ends with what was asked.
pub(crate) async fn answering(bytes: impl Into<Vec<u8>>, then: Then) -> (Url, JoinHandle<String>) {
    let bytes = bytes.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/path?token=hunter2", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let asked = read_head(&mut stream).await;
        // A client that has seen enough closes first.
        let _ = stream.write_all(&bytes).await;
        if let Then::Hang = then {
            let _ = stream.read(&mut [0; 64]).await;
        }
        asked
    });
    (Url::parse(&url).unwrap(), server)
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await.unwrap_or(0) == 0 {
            break;
        }
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}
