//! Carry: moves the bytes of one connection, as well as its line allows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Cut, Direction, Line, LineFaults};

/// The most that one piece holds.
const PIECE: usize = 16 * 1024;

/// How a direction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The sender has finished, or this half was cut; the other direction may go on.
    Half,
    /// The connection is over.
    Whole,
}

/// One direction of one connection, from the queue on.
struct Way<'a> {
    direction: Direction,
    to: OwnedWriteHalf,
    line: &'a Line,
    faults: watch::Receiver<LineFaults>,
    /// Changes when this connection is swallowed.
    swallows: watch::Receiver<u64>,
    /// Bytes passed so far.
    passed: u64,
    /// Set while an answer is to be lost.
    silenced: &'a CancellationToken,
}

/// What a sender has written, or how it has ended, and when that came.
struct Arrival {
    at: Instant,
    what: Result<Vec<u8>, End>,
}

/// Pieces that may be under way at once: a line that is late is not narrow.
const UNDER_WAY: usize = 256;

/// Carries until both directions have ended, or one ends the connection.
pub(super) async fn both_ways(client: TcpStream, server: TcpStream, line: &Line) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let silenced = CancellationToken::new();
    let way = |direction, to| Way {
        direction,
        to,
        line,
        faults: line.faults(direction).subscribe(),
        swallows: line.swallows.subscribe(),
        passed: 0,
        silenced: &silenced,
    };
    let forth = carry(from_client, way(Direction::ToServer, to_server));
    let back = carry(from_server, way(Direction::ToClient, to_client));
    tokio::pin!(forth, back);
    let first = tokio::select! {
        end = &mut forth => (end, Direction::ToServer),
        end = &mut back => (end, Direction::ToClient),
    };
    match first {
        (End::Half, Direction::ToServer) => drop(back.await),
        (End::Half, Direction::ToClient) => drop(forth.await),
        (End::Whole, _) => {}
    }
}

/// Reads ahead, so that what is late does not hold up what comes after it.
async fn carry(from: OwnedReadHalf, way: Way<'_>) -> End {
    let (arrivals, queue) = mpsc::channel(UNDER_WAY);
    let reading = read(from, way.direction, way.line, arrivals);
    let passing = way.pass_all(queue);
    tokio::pin!(passing);
    tokio::select! {
        end = &mut passing => return end,
        () = reading => {}
    }
    passing.await
}

async fn read(mut from: OwnedReadHalf, direction: Direction, line: &Line, arrivals: mpsc::Sender<Arrival>) {
    let mut piece = vec![0; PIECE];
    loop {
        let what = match from.read(&mut piece).await {
            Ok(0) => Err(End::Half),
            Ok(length) => Ok(piece[..length].to_vec()),
            Err(_) => Err(End::Whole),
        };
        if let Ok(piece) = &what {
            count(line, direction, piece.len());
        }
        let (at, is_last) = (Instant::now(), what.is_err());
        if arrivals.send(Arrival { at, what }).await.is_err() || is_last {
            return;
        }
    }
}

fn count(line: &Line, direction: Direction, length: usize) {
    let mut seen = line.seen();
    match direction {
        Direction::ToServer => seen.from_clients += length as u64,
        Direction::ToClient => seen.from_server += length as u64,
    }
}

impl Way<'_> {
    async fn pass_all(mut self, mut queue: mpsc::Receiver<Arrival>) -> End {
        while let Some(Arrival { at, what }) = queue.recv().await {
            match what {
                Ok(mut piece) => {
                    if let Some(end) = self.pass(at, &mut piece).await {
                        return end;
                    }
                }
                Err(End::Half) => return self.finish().await,
                Err(End::Whole) => return End::Whole,
            }
        }
        End::Whole
    }

    /// The sender has finished; the receiver is told once the line lets anything through.
    async fn finish(mut self) -> End {
        self.wait_for_light().await;
        let _ = self.to.shutdown().await;
        End::Half
    }

    /// Passes a piece on. Answers how the connection ended, if it did.
    async fn pass(&mut self, arrived: Instant, piece: &mut [u8]) -> Option<End> {
        self.wait_for_light().await;
        let faults = self.faults.borrow_and_update().clone();
        sleep_until(arrived + faults.delay + by_chance(faults.jitter)).await;
        self.corrupt(&faults, piece);
        match &faults.cut {
            Some(Cut::After(most)) if self.reaches(*most, piece) => {
                let _ = self.write(&faults, self.until(*most, piece)).await;
                self.note_cut();
                Some(End::Whole)
            }
            Some(Cut::HalfAfter(most)) if self.reaches(*most, piece) => {
                let _ = self.write(&faults, self.until(*most, piece)).await;
                self.note_cut();
                let _ = self.to.shutdown().await;
                Some(End::Half)
            }
            Some(Cut::Upon { bytes, grace }) if contains(piece, bytes) => {
                self.silenced.cancel();
                let _ = self.write(&faults, piece).await;
                sleep(*grace).await;
                self.note_cut();
                Some(End::Whole)
            }
            _ => self.write(&faults, piece).await.err().map(|_| End::Whole),
        }
    }

    /// Waits while nothing gets through.
    async fn wait_for_light(&mut self) {
        // The sender of faults lives as long as the line.
        let _ = self.faults.wait_for(|faults| !faults.blackhole).await;
        let is_swallowed = self.swallows.has_changed().unwrap_or(true);
        if is_swallowed || self.direction == Direction::ToClient && self.silenced.is_cancelled() {
            std::future::pending::<()>().await;
        }
    }

    fn corrupt(&self, faults: &LineFaults, piece: &mut [u8]) {
        let place = faults.corrupt.and_then(|place| place.checked_sub(self.passed));
        if let Some(byte) = place
            .and_then(|place| usize::try_from(place).ok())
            .and_then(|place| piece.get_mut(place))
        {
            *byte = !*byte;
        }
    }

    fn reaches(&self, most: u64, piece: &[u8]) -> bool {
        self.passed + piece.len() as u64 >= most
    }

    /// What of a piece still gets through.
    fn until<'p>(&self, most: u64, piece: &'p [u8]) -> &'p [u8] {
        let left = usize::try_from(most.saturating_sub(self.passed)).unwrap_or(usize::MAX);
        &piece[..left.min(piece.len())]
    }

    async fn write(&mut self, faults: &LineFaults, piece: &[u8]) -> std::io::Result<()> {
        match faults.bytes_per_second {
            None => self.to.write_all(piece).await?,
            Some(rate) => self.drip(piece, rate).await?,
        }
        self.passed += piece.len() as u64;
        Ok(())
    }

    /// Writes a piece in tenths of a second. A line that is made wide meanwhile lets the rest through at once.
    async fn drip(&mut self, piece: &[u8], rate: u64) -> std::io::Result<()> {
        let at_once = usize::try_from(rate.div_ceil(10)).unwrap_or(PIECE);
        let pause = Duration::from_micros(at_once as u64 * 1_000_000 / rate.max(1));
        for drop in piece.chunks(at_once.max(1)) {
            self.to.write_all(drop).await?;
            let narrow = self.faults.borrow().bytes_per_second.is_some();
            if narrow {
                sleep(pause).await;
            }
        }
        Ok(())
    }

    fn note_cut(&self) {
        self.line.seen().cut += 1;
    }
}

fn contains(piece: &[u8], wanted: &[u8]) -> bool {
    !wanted.is_empty() && piece.windows(wanted.len()).any(|window| window == wanted)
}

/// Up to `most`, spread evenly over the times it is asked (by the golden ratio): the tests need variety, not secrecy.
fn by_chance(most: Duration) -> Duration {
    static TIMES: AtomicU64 = AtomicU64::new(0);
    if most.is_zero() {
        return most;
    }
    let turn = TIMES
        .fetch_add(1, Ordering::Relaxed)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let part = u32::try_from(turn >> 48).unwrap_or_default();
    most * part / (1 << 16)
}
