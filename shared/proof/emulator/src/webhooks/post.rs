//! Post: one delivery over a connection of its own, as its sender does it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Sends a body; the status of the answer, or 0 where none came in time.
pub(super) async fn post(url: &str, body: &str, token: &str) -> u16 {
    let posted = timeout(PATIENCE, exchange(url, body, token)).await;
    posted.ok().and_then(Result::ok).flatten().unwrap_or(0)
}

async fn exchange(url: &str, body: &str, token: &str) -> std::io::Result<Option<u16>> {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(place).await?;
    let head = format!(
        "POST /{path} HTTP/1.1\r\nhost: {place}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         user-agent: intuit_notification_server/0.1\r\nintuit-notification-schema-version: 1.0\r\n\
         intuit-signature: {}\r\ncontent-length: {}\r\n\r\n",
        signature(body, token),
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut status = String::new();
    BufReader::new(stream).read_line(&mut status).await?;
    Ok(status.split(' ').nth(1).and_then(|code| code.parse().ok()))
}

/// The signature of a body by a token, as the header `intuit-signature` carries it.
pub fn signature(body: &str, token: &str) -> String {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(token.as_bytes()) else {
        return String::new();
    };
    mac.update(body.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}
