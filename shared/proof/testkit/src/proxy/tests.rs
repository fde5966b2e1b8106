use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::*;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Short enough to wait for, long enough for what could happen to happen.
const A_WHILE: Duration = Duration::from_millis(150);

/// A server that answers every byte with itself, and a proxy before it.
async fn echo() -> FaultProxy {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let target = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.into_split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    FaultProxy::start(target).await
}

async fn connect(proxy: &FaultProxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

/// Sends, and reads as many bytes.
async fn ask(stream: &mut TcpStream, text: &str) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = vec![0; text.len()];
    timeout(PATIENCE, stream.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Everything until the end of the connection, however it ends.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let mut byte = [0];
    while let Ok(1) = timeout(PATIENCE, stream.read(&mut byte)).await.unwrap() {
        rest.push(byte[0]);
    }
    rest
}

#[tokio::test]
async fn without_faults_everything_passes_and_is_counted() {
    let proxy = echo().await;
    let mut stream = connect(&proxy).await;
    assert_eq!(ask(&mut stream, "hello").await, "hello");
    stream.shutdown().await.unwrap();
    assert!(rest(&mut stream).await.is_empty());
    let seen = proxy.seen();
    assert_eq!((seen.connections, seen.from_clients, seen.from_server), (1, 5, 5));
}

#[tokio::test]
async fn a_delay_makes_each_direction_late_by_itself() {
    let proxy = echo().await;
    let mut stream = connect(&proxy).await;
    let late = Duration::from_millis(100);
    proxy.set(
        Direction::ToServer,
        LineFaults::late(late, Duration::from_millis(10)),
    );
    proxy.set(Direction::ToClient, LineFaults::late(late, Duration::ZERO));
    let began = Instant::now();
    assert_eq!(ask(&mut stream, "late").await, "late");
    assert!(began.elapsed() >= 2 * late);
}

#[tokio::test]
async fn a_narrow_line_takes_its_time_until_it_is_wide_again() {
    let proxy = echo().await;
    let mut stream = connect(&proxy).await;
    proxy.set(Direction::ToClient, LineFaults::narrow(100));
    let began = Instant::now();
    ask(&mut stream, &"x".repeat(40)).await;
    assert!(
        began.elapsed() >= Duration::from_millis(290),
        "{:?}",
        began.elapsed()
    );
    stream.write_all(&[b'y'; 10_000]).await.unwrap();
    tokio::time::sleep(A_WHILE).await;
    proxy.heal();
    let mut all = vec![0; 10_000];
    timeout(PATIENCE, stream.read_exact(&mut all))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_blackhole_swallows_without_a_word_and_what_it_held_arrives_when_it_ends() {
    let proxy = echo().await;
    let mut stream = connect(&proxy).await;
    ask(&mut stream, "before").await;
    proxy.set(Direction::ToServer, LineFaults::blackhole());
    stream.write_all(b"during").await.unwrap();
    let mut answer = [0; 6];
    assert!(
        timeout(A_WHILE, stream.read_exact(&mut answer)).await.is_err(),
        "nothing gets through"
    );
    proxy.heal();
    timeout(PATIENCE, stream.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&answer, b"during");
}

#[tokio::test]
async fn a_line_can_be_cut_after_some_bytes_of_an_answer() {
    let proxy = echo().await;
    proxy.set(Direction::ToClient, LineFaults::cut(Cut::After(3)));
    let mut stream = connect(&proxy).await;
    stream.write_all(b"one two").await.unwrap();
    assert_eq!(rest(&mut stream).await, b"one");
    assert_eq!(proxy.seen().cut, 1);
}

#[tokio::test]
async fn half_a_line_can_end_while_the_other_half_goes_on() {
    let proxy = echo().await;
    proxy.set(Direction::ToServer, LineFaults::cut(Cut::HalfAfter(5)));
    let mut stream = connect(&proxy).await;
    stream.write_all(b"hello, world").await.unwrap();
    assert_eq!(rest(&mut stream).await, b"hello");
}

#[tokio::test]
async fn a_request_can_arrive_and_its_answer_be_lost() {
    let proxy = echo().await;
    let upon = Cut::Upon {
        bytes: b"COMMIT".to_vec(),
        grace: A_WHILE,
    };
    proxy.set(Direction::ToServer, LineFaults::cut(upon));
    let mut stream = connect(&proxy).await;
    assert_eq!(ask(&mut stream, "BEGIN").await, "BEGIN");
    stream.write_all(b"COMMIT").await.unwrap();
    assert!(rest(&mut stream).await.is_empty(), "the answer is lost");
    assert_eq!(proxy.seen().from_server, 11, "and there was one");
}

#[tokio::test]
async fn one_byte_can_be_corrupted() {
    let proxy = echo().await;
    proxy.set(
        Direction::ToClient,
        LineFaults {
            corrupt: Some(7),
            ..LineFaults::default()
        },
    );
    let mut stream = connect(&proxy).await;
    assert_eq!(ask(&mut stream, "hello").await, "hello");
    stream.write_all(b"world").await.unwrap();
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, [b'w', b'o', !b'r', b'l', b'd']);
}

#[tokio::test]
async fn connections_can_be_refused_and_cut() {
    let proxy = echo().await;
    let mut old = connect(&proxy).await;
    ask(&mut old, "there").await;
    proxy.refuse(true);
    assert!(rest(&mut connect(&proxy).await).await.is_empty(), "refused");
    assert_eq!(ask(&mut old, "still").await, "still");
    proxy.cut_all();
    assert!(rest(&mut old).await.is_empty(), "cut");
    proxy.heal();
    assert_eq!(ask(&mut connect(&proxy).await, "again").await, "again");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_connection_that_ends() {
    let gone = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        listener.local_addr().unwrap()
    };
    let proxy = FaultProxy::start(gone).await;
    assert!(rest(&mut connect(&proxy).await).await.is_empty());
}

#[tokio::test]
async fn swallowed_connections_are_silent_for_ever_and_those_to_come_lead_to_another_server() {
    let (proxy, other) = (echo().await, echo().await);
    let mut old = connect(&proxy).await;
    assert_eq!(ask(&mut old, "hello").await, "hello");
    proxy.swallow_all();
    proxy.turn_to(other.address());
    let mut new = connect(&proxy).await;
    assert_eq!(ask(&mut new, "there").await, "there");
    assert_eq!(other.seen().from_clients, 5);
    old.write_all(b"hello").await.unwrap();
    let heard = timeout(A_WHILE, old.read(&mut [0])).await;
    assert!(heard.is_err(), "{heard:?}");
}
