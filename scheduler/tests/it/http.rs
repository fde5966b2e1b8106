//! A client of HTTP, by hand: what a browser or a program sends, to the letter.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answered {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines
            .into_iter()
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The JSON lines of a stream, without what frames its chunks.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.unchunked();
        lines
            .lines()
            .filter(|line| !line.is_empty())
            .map(ToOwned::to_owned)
            .collect()
    }

    /// The body, put together of its chunks where it has such.
    pub(crate) fn unchunked(&self) -> String {
        if self.header("transfer-encoding") != Some("chunked") {
            return self.body.clone();
        }
        let (mut whole, mut rest) = (String::new(), self.body.as_str());
        while let Some((length, more)) = rest.split_once("\r\n") {
            let length = usize::from_str_radix(length, 16).unwrap();
            let Some(chunk) = more.get(..length) else { break };
            whole.push_str(chunk);
            rest = more[length..].trim_start_matches("\r\n");
        }
        whole
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

/// Sends a request with these headers, and a body unless it is empty.
pub(crate) async fn send(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answered {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    for (name, value) in headers {
        request = request + name + ": " + value + "\r\n";
    }
    if !body.is_empty() {
        request = request + "Content-Length: " + &body.len().to_string() + "\r\n";
    }
    raw(address, &format!("{request}\r\n{body}")).await
}

/// Gets an address.
pub(crate) async fn get(url: &str) -> Answered {
    let rest = url.strip_prefix("http://").unwrap();
    let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
    let place = place.replace("localhost", "127.0.0.1");
    send(&place, "GET", &format!("/{path}"), &[], "").await
}

/// Sends this text and reads what comes.
pub(crate) async fn raw(address: &str, request: &str) -> Answered {
    raw_bytes(address, request.as_bytes()).await
}

/// Sends these bytes and reads what comes.
pub(crate) async fn raw_bytes(address: &str, request: &[u8]) -> Answered {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Answered {
        status: status.unwrap_or(0),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}
