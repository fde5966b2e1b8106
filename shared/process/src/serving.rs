//! Serving: answers HTTP, and is at nobody's mercy. A client that sends nothing, or half a request, or does not read, has
//! a bounded time, and all clients together have a bounded number of connections.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clients::{Client, Clients};

/// What clients may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Connections at once. Who comes then takes the place of the one that has asked nothing for longest, or waits where
    /// all are being answered.
    pub(crate) connections: usize,
    /// From the opening of a connection, or the end of an answer, to the end of the next request's head.
    pub(crate) head: Duration,
    /// A connection, whatever it is used for.
    pub(crate) connection: Duration,
    /// Answers under way once it is time to stop.
    pub(crate) last_answers: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 64,
            head: Duration::from_secs(10),
            connection: Duration::from_mins(5),
            last_answers: Duration::from_secs(2),
        }
    }
}

/// Where no connection can be accepted, as where the process has too many files open, it is tried again after this time.
const ACCEPT_AGAIN: Duration = Duration::from_millis(500);

/// Answers until `shutdown`, and finishes what is being answered then.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Router,
    bounds: Bounds,
    shutdown: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(bounds.connections));
    let clients = Clients::default();
    let connections = TaskTracker::new();
    let next = async || {
        let accepted = listener.accept().await;
        if places.available_permits() == 0 {
            clients.give_up_idlest();
        }
        (accepted, Arc::clone(&places).acquire_owned().await)
    };
    while let Some((accepted, place)) = shutdown.run_until_cancelled(next()).await {
        match accepted {
            Ok((stream, _)) => {
                let client = clients.enter();
                let answering = answer(stream, routes.clone(), bounds, shutdown.clone(), client.clone());
                connections.spawn(async move {
                    tokio::select! {
                        () = answering => {}
                        () = client.given_up() => tracing::debug!("an idle client has given its place to another"),
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "no connection can be accepted"
                );
                sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    connections.close();
    // Who does not read its answer is not waited for.
    let _ = timeout(bounds.last_answers, connections.wait()).await;
}

/// Answers one connection's requests.
async fn answer(
    stream: TcpStream,
    routes: Router,
    bounds: Bounds,
    shutdown: CancellationToken,
    client: Arc<Client>,
) {
    let routes = routes.layer(from_fn(move |request: Request, next: Next| {
        let answering = client.clone().answering();
        async move {
            let answer = next.run(request).await;
            drop(answering);
            answer
        }
    }));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let mut connection = pin!(connection);
    let answered = async {
        tokio::select! {
            ended = connection.as_mut() => ended,
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    match timeout(bounds.connection, answered).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(error = &error as &dyn std::error::Error, "a client was given up"),
        Err(_) => tracing::debug!("a client has had its time"),
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::task::JoinHandle;

    use super::*;

    /// Enough for what takes milliseconds, and nothing is told by it but that it ends.
    const PATIENCE: Duration = Duration::from_secs(20);

    struct Server {
        address: std::net::SocketAddr,
        stop: CancellationToken,
        serving: JoinHandle<()>,
    }

    async fn start(bounds: Bounds) -> Server {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let routes = Router::new()
            .route("/livez", get(async || "ok\n"))
            .route("/slow", get(async || std::future::pending::<String>().await));
        let serving = tokio::spawn(serve(listener, routes, bounds, stop.clone()));
        Server {
            address,
            stop,
            serving,
        }
    }

    impl Server {
        /// A client that has said so much.
        async fn client(&self, said: &str) -> TcpStream {
            let mut client = TcpStream::connect(self.address).await.unwrap();
            client.write_all(said.as_bytes()).await.unwrap();
            client
        }
    }

    /// All that comes until the server closes.
    async fn heard(mut client: TcpStream) -> String {
        let mut text = String::new();
        let read = client.read_to_string(&mut text);
        timeout(PATIENCE, read).await.expect("it is closed").unwrap();
        text
    }

    const ASKS: &str = "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

    fn impatient() -> Bounds {
        Bounds {
            head: Duration::from_millis(50),
            ..Bounds::default()
        }
    }

    #[tokio::test]
    async fn who_sends_nothing_or_half_a_request_is_given_up() {
        let server = start(impatient()).await;
        for said in ["", "GET /livez HTTP/1.1\r\nHost: x\r\n"] {
            let client = server.client(said).await;
            assert!(!heard(client).await.contains("200 OK"), "{said:?}");
        }
    }

    #[tokio::test]
    async fn a_connection_ends_after_its_time_although_it_is_used() {
        let server = start(Bounds {
            connection: Duration::from_millis(50),
            ..Bounds::default()
        })
        .await;
        let client = server.client("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(heard(client).await.contains("200 OK"));
    }

    #[tokio::test]
    async fn who_asks_is_answered_although_all_connections_are_taken_by_clients_that_ask_nothing() {
        let bounds = Bounds {
            head: PATIENCE * 2,
            ..Bounds::default()
        };
        let server = start(bounds).await;
        let mut idle = Vec::new();
        for number in 0..bounds.connections {
            // Some have said nothing, some half a request, and some had an answer.
            let said = [
                "",
                "GET /livez HTTP/1.1\r\n",
                "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
            ];
            idle.push(server.client(said[number % 3]).await);
        }
        for _ in 0..3 {
            let client = server.client(ASKS).await;
            assert!(heard(client).await.contains("200 OK"));
        }
    }

    #[tokio::test]
    async fn who_comes_when_all_are_being_answered_is_answered_when_one_ends() {
        let server = start(Bounds {
            connections: 2,
            head: PATIENCE * 2,
            ..Bounds::default()
        })
        .await;
        let slow = "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n";
        let (one, _other) = (server.client(slow).await, server.client(slow).await);
        let mut late = server.client(ASKS).await;
        let mut byte = [0];
        let early = timeout(Duration::from_millis(200), late.read_exact(&mut byte)).await;
        assert!(early.is_err(), "two have all places");
        drop(one);
        assert!(heard(late).await.ends_with("ok\n"));
    }

    #[tokio::test]
    async fn it_stops_beside_a_client_that_says_nothing() {
        let server = start(Bounds::default()).await;
        let _client = server.client("").await;
        server.stop.cancel();
        timeout(PATIENCE, server.serving)
            .await
            .expect("it stops")
            .unwrap();
    }
}
