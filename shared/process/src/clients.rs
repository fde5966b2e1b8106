//! Clients: who is connected, and who of them has asked nothing for longest.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Everybody who is connected.
#[derive(Debug, Default)]
pub(crate) struct Clients(Mutex<Vec<Weak<Client>>>);

/// One connection's client.
#[derive(Debug)]
pub(crate) struct Client {
    answering: AtomicUsize,
    /// When it came, or when its last answer was ready.
    active: Mutex<Instant>,
    given_up: CancellationToken,
    /// Its place among those that ask; it has none any more once its answer streams.
    place: Mutex<Option<OwnedSemaphorePermit>>,
}

/// An answer that is being made.
#[derive(Debug)]
pub(crate) struct Answering(Arc<Client>);

impl Clients {
    pub(crate) fn enter(&self, place: OwnedSemaphorePermit) -> Arc<Client> {
        let client = Arc::new(Client {
            answering: AtomicUsize::new(0),
            active: Mutex::new(Instant::now()),
            given_up: CancellationToken::new(),
            place: Mutex::new(Some(place)),
        });
        let mut clients = lock(&self.0);
        clients.retain(|client| client.strong_count() > 0);
        clients.push(Arc::downgrade(&client));
        client
    }

    /// Ends the connection of the client that has asked nothing for longest. Who is being answered is left alone.
    pub(crate) fn give_up_idlest(&self) {
        let clients = lock(&self.0);
        let idle = clients.iter().filter_map(Weak::upgrade).filter(|client| {
            client.answering.load(Ordering::Acquire) == 0 && !client.given_up.is_cancelled()
        });
        if let Some(idlest) = idle.min_by_key(|client| *lock(&client.active)) {
            idlest.given_up.cancel();
        }
    }
}

impl Client {
    pub(crate) async fn given_up(&self) {
        self.given_up.cancelled().await;
    }

    /// Leaves its place to another: from now on it only reads what streams to it, which its server has bounded.
    pub(crate) fn leave_place(&self) {
        drop(lock(&self.place).take());
    }

    /// Whether it has left its place, and what it was answered still streams.
    pub(crate) fn is_streaming(&self) -> bool {
        lock(&self.place).is_none() && self.answering.load(Ordering::Acquire) > 0
    }

    /// Counts as busy until the result is dropped.
    pub(crate) fn answering(self: Arc<Self>) -> Answering {
        self.answering.fetch_add(1, Ordering::AcqRel);
        Answering(self)
    }
}

impl Answering {
    pub(crate) fn client(&self) -> &Client {
        &self.0
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        *lock(&self.0.active) = Instant::now();
        self.0.answering.fetch_sub(1, Ordering::AcqRel);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
