//! Serving: answers HTTP, and is at nobody's mercy. A client that sends nothing, or half a request, or does not read, has
//! a bounded time, and all clients together have a bounded number of connections.
//!
//! What streams, an answer whose length nobody knows, is not idle however long it takes: it leaves its place to others and
//! lasts until its end, or until its reader reads nothing for a while. How many there are is bounded by whoever streams.

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clients::{Answering, Client, Clients};
use crate::patience::Patient;

/// Who sends a request, as its connection tells: an extension of every request. Behind a proxy it is the proxy.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// What clients may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Connections at once, without those that are streamed to. Who comes then takes the place of the one that has asked
    /// nothing for longest, or waits where all are being answered.
    pub(crate) connections: usize,
    /// From the opening of a connection, or the end of an answer, to the end of the next request's head.
    pub(crate) head: Duration,
    /// A connection, whatever it is used for, unless it is streamed to.
    pub(crate) connection: Duration,
    /// A reader that takes nothing of what is there for it.
    pub(crate) stalled: Duration,
    /// Answers under way once it is time to stop.
    pub(crate) last_answers: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 64,
            head: Duration::from_secs(10),
            connection: Duration::from_mins(5),
            stalled: Duration::from_secs(30),
            last_answers: Duration::from_secs(2),
        }
    }
}

/// Where no connection can be accepted, as where the process has too many files open, it is tried again after this time.
const ACCEPT_AGAIN: Duration = Duration::from_millis(500);

/// Answers until `shutdown`, and finishes what is being answered then.
pub(crate) async fn serve(
    (listener, tls): (TcpListener, Option<TlsAcceptor>),
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
        // Nobody closes the places.
        let Ok(place) = place else { break };
        match accepted {
            Ok((stream, address)) => {
                let client = clients.enter(place);
                let stream = Patient::new(stream, bounds.stalled);
                let routes = TowerToHyperService::new(routes.clone());
                let answering = Connection {
                    client: Arc::clone(&client),
                    peer: Peer(address),
                    bounds,
                    shutdown: shutdown.clone(),
                };
                let tls = tls.clone();
                connections.spawn(async move {
                    tokio::select! {
                        () = answering.answer_through(tls, stream, routes) => {}
                        () = client.given_up() => tracing::debug!("an idle client has given its place to another"),
                    }
                });
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "no connection can be accepted"
                );
                // It may be that too many files are open: an idle client's is one of them.
                clients.give_up_idlest();
                sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    connections.close();
    // Who does not read its answer is not waited for.
    let _ = timeout(bounds.last_answers, connections.wait()).await;
}

/// One connection, and what its client may take.
struct Connection {
    client: Arc<Client>,
    peer: Peer,
    bounds: Bounds,
    shutdown: CancellationToken,
}

impl Connection {
    /// Answers through TLS where there is such. A handshake has the time of a head.
    async fn answer_through<S>(self, tls: Option<TlsAcceptor>, stream: S, routes: TowerToHyperService<Router>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(tls) = tls else {
            return self.answer(stream, routes).await;
        };
        match timeout(self.bounds.head, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.answer(stream, routes).await,
            Ok(Err(error)) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "a client speaks no TLS");
            }
            Err(_) => tracing::debug!("a client has not finished its handshake in time"),
        }
    }

    /// Answers its requests, one after the other.
    async fn answer<S>(self, stream: S, routes: TowerToHyperService<Router>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (client, peer) = (&self.client, self.peer);
        let answer_one = service_fn(|mut request: Request<Incoming>| {
            let answering = Arc::clone(client).answering();
            request.extensions_mut().insert(peer);
            let answer = routes.call(request);
            async move { answer.await.map(|answer| let_stream(answer, answering)) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.bounds.head)
            .serve_connection(TokioIo::new(stream), answer_one);
        let mut connection = pin!(connection);
        let mut answered = pin!(async {
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = self.shutdown.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        });
        let ended = match timeout(self.bounds.connection, answered.as_mut()).await {
            Ok(ended) => ended,
            Err(_) if client.is_streaming() => answered.await,
            Err(_) => return tracing::debug!("a client has had its time"),
        };
        if let Err(error) = ended {
            tracing::debug!(error = &error as &dyn std::error::Error, "a client was given up");
        }
    }
}

/// An answer of known length is over for us once it is made. One that streams keeps its client busy to its end, and ends its
/// connection, for the client's place is another's by then.
fn let_stream(mut answer: Response<Body>, answering: Answering) -> Response<Body> {
    if answer.body().size_hint().exact().is_some() {
        return answer;
    }
    answering.client().leave_place();
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    answer.map(|body| {
        Body::new(Streamed {
            body,
            _answering: answering,
        })
    })
}

/// A body that keeps its client busy.
struct Streamed {
    body: Body,
    _answering: Answering,
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::task::JoinHandle;

    use super::*;

    /// Enough for what takes milliseconds, and nothing is told by it but that it ends.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// Streams nothing, without an end.
    struct Ticks;

    /// Streams without an end, as fast as it is read.
    struct Flood;

    impl HttpBody for Ticks {
        type Data = Bytes;
        type Error = axum::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
            Poll::Pending
        }
    }

    impl HttpBody for Flood {
        type Data = Bytes;
        type Error = axum::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 16 << 10])))))
        }
    }

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
            .route("/slow", get(async || std::future::pending::<String>().await))
            .route("/ticks", get(async || Body::new(Ticks)))
            .route("/flood", get(async || Body::new(Flood)));
        let serving = tokio::spawn(serve((listener, None), routes, bounds, stop.clone()));
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

    const FOLLOWS: &str = "GET /ticks HTTP/1.1\r\nHost: x\r\n\r\n";

    /// Waits until the head of the answer is there.
    async fn head(client: &mut TcpStream) {
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\n") {
            text.push(
                timeout(PATIENCE, client.read_u8())
                    .await
                    .expect("a head")
                    .unwrap(),
            );
        }
        let text = String::from_utf8(text).unwrap();
        assert!(
            text.contains("200 OK") && text.contains("connection: close"),
            "{text}"
        );
    }

    /// Whether the server has ended this connection, once it has answered everybody else.
    async fn is_cut(client: &mut TcpStream) -> bool {
        let mut byte = [0];
        timeout(Duration::from_millis(100), client.read(&mut byte))
            .await
            .is_ok()
    }

    #[tokio::test]
    async fn what_streams_takes_no_place_and_is_cut_neither_by_others_nor_by_time() {
        let server = start(Bounds {
            connections: 2,
            connection: Duration::from_millis(100),
            ..Bounds::default()
        })
        .await;
        let mut streams = Vec::new();
        for _ in 0..5 {
            let mut client = server.client(FOLLOWS).await;
            head(&mut client).await;
            streams.push(client);
        }
        for _ in 0..3 {
            let client = server.client(ASKS).await;
            assert!(heard(client).await.contains("200 OK"));
        }
        // Longer than a connection may last: the time of the first has come before the last has had its own.
        let timed = server.client("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(heard(timed).await.contains("200 OK"));
        for (number, client) in streams.iter_mut().enumerate() {
            assert!(!is_cut(client).await, "stream {number}");
        }
    }

    #[tokio::test]
    async fn a_reader_of_a_stream_that_reads_nothing_is_given_up() {
        let server = start(Bounds {
            stalled: Duration::from_millis(100),
            ..Bounds::default()
        })
        .await;
        let mut client = server.client("GET /flood HTTP/1.1\r\nHost: x\r\n\r\n").await;
        head(&mut client).await;
        server.stop.cancel();
        timeout(PATIENCE, server.serving)
            .await
            .expect("it stops")
            .unwrap();
        // What was on its way is still to be read, and then there is an end.
        let (mut rest, most) = (Vec::new(), 64 << 20);
        let read = timeout(PATIENCE, client.take(most).read_to_end(&mut rest)).await;
        assert!(
            read.is_ok() && (rest.len() as u64) < most,
            "the connection is closed"
        );
    }
}
