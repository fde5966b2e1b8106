//! Body: the bytes of a delivery, within bounds. Nobody knows who sends them until they are there to the end, so what
//! strangers can make this process hold is bounded.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, header};
use futures::StreamExt;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// The longest body that is taken. Intuit names no limit, and one event has some 300 bytes: this is fifty thousand of them.
/// What is refused for its length is sent again for ever, and holds back what comes after it.
const LONGEST: usize = 16 << 20;

/// A body beyond this is a large one.
const LARGE: usize = 1 << 20;

/// Large bodies at once: with 64 connections no more than 128 MiB are held.
const LARGE_AT_ONCE: usize = 4;

/// A body that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    TooLarge,
    TooSlow,
    /// There are too many large ones.
    NoRoom,
}

/// Reads bodies.
#[derive(Debug)]
pub(super) struct Bodies {
    large: Semaphore,
}

impl Default for Bodies {
    fn default() -> Self {
        Self {
            large: Semaphore::new(LARGE_AT_ONCE),
        }
    }
}

/// A body that was read, and its place among the large ones.
#[derive(Debug)]
pub(super) struct Read<'a> {
    bytes: Vec<u8>,
    _place: Option<SemaphorePermit<'a>>,
}

impl std::ops::Deref for Read<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Bodies {
    /// Reads a body to its end.
    pub(super) async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Read<'_>, Unread> {
        let told = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|told| told.to_str().ok());
        let told: Option<usize> = told.and_then(|told| told.parse().ok());
        if told.is_some_and(|told| told > LONGEST) || body.size_hint().lower() > LONGEST as u64 {
            return Err(Unread::TooLarge);
        }
        let read = timeout(PATIENCE, self.read_all(body)).await;
        read.unwrap_or(Err(Unread::TooSlow))
    }

    async fn read_all(&self, body: Body) -> Result<Read<'_>, Unread> {
        let (mut bytes, mut place) = (Vec::new(), None);
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            // Whoever breaks off does not wait for an answer.
            let chunk = chunk.map_err(|_| Unread::TooSlow)?;
            if bytes.len() + chunk.len() > LONGEST {
                return Err(Unread::TooLarge);
            }
            if bytes.len() + chunk.len() > LARGE && place.is_none() {
                place = Some(self.large.try_acquire().map_err(|_| Unread::NoRoom)?);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Read { bytes, _place: place })
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn of(bytes: usize) -> Body {
        let chunks = std::iter::repeat_n(vec![0_u8; 1 << 16], bytes >> 16);
        Body::from_stream(stream::iter(chunks.map(Ok::<_, std::io::Error>)))
    }

    #[tokio::test]
    async fn a_body_is_read_to_its_bounds_and_no_further() {
        let bodies = Bodies::default();
        let headers = HeaderMap::new();
        assert_eq!(bodies.read(&headers, of(LONGEST)).await.unwrap().len(), LONGEST);
        let too_long = of(LONGEST + (1 << 16));
        assert_eq!(
            bodies.read(&headers, too_long).await.unwrap_err(),
            Unread::TooLarge
        );
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, "16777217".parse().unwrap());
        let unread = bodies.read(&headers, Body::empty()).await.unwrap_err();
        assert_eq!(unread, Unread::TooLarge, "by its own word, before a byte of it");
    }

    #[tokio::test]
    async fn strangers_hold_a_bounded_number_of_large_bodies_and_keep_small_ones_from_nobody() {
        let (bodies, headers) = (Bodies::default(), HeaderMap::new());
        let mut held = Vec::new();
        for _ in 0..LARGE_AT_ONCE {
            held.push(bodies.read(&headers, of(2 * LARGE)).await.unwrap());
        }
        assert_eq!(
            bodies.read(&headers, of(2 * LARGE)).await.unwrap_err(),
            Unread::NoRoom
        );
        assert_eq!(bodies.read(&headers, of(LARGE)).await.unwrap().len(), LARGE);
        held.pop();
        assert!(bodies.read(&headers, of(2 * LARGE)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let never = Body::from_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>());
        let unread = Bodies::default()
            .read(&HeaderMap::new(), never)
            .await
            .unwrap_err();
        assert_eq!(unread, Unread::TooSlow);
    }
}
