//! Cutting: a network that breaks. It stands before a server and ends connections in the middle of their answers.

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Passes on what comes; the answers of the first connections break off after so many bytes each.
pub(crate) struct Cutting {
    pub(crate) address: String,
    passing: JoinHandle<()>,
}

impl Cutting {
    pub(crate) async fn before(server: &str, cuts: Vec<usize>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (address, server) = (listener.local_addr().unwrap().to_string(), server.to_owned());
        let passing = tokio::spawn(async move {
            let mut cuts = cuts.into_iter();
            while let Ok((client, _)) = listener.accept().await {
                let most = cuts.next().unwrap_or(usize::MAX);
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(pass(client, server, most));
            }
        });
        Self { address, passing }
    }
}

impl Drop for Cutting {
    fn drop(&mut self) {
        self.passing.abort();
    }
}

async fn pass(client: TcpStream, server: TcpStream, most: usize) {
    let (mut asked, mut to_client) = client.into_split();
    let (answered, mut to_server) = server.into_split();
    let asking = tokio::spawn(async move { copy(&mut asked, &mut to_server).await });
    let mut answered = answered.take(most as u64);
    // Whether a side has gone is seen by the other.
    let _ = copy(&mut answered, &mut to_client).await;
    let _ = to_client.shutdown().await;
    asking.abort();
}
