//! A name server: it answers every question about a name as it is told to, and nothing else.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What whoever asks is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// Every name has this address.
    At(Ipv4Addr),
    /// The same, so much later.
    Late(Duration, Ipv4Addr),
    /// There is no such name.
    Unknown,
    /// The server has a failure of its own.
    Failing,
    /// Nothing.
    Silent,
}

/// A name server on UDP. It ends when this is dropped.
///
/// It knows the one kind of question that programs ask: one name, class IN. Addresses of IPv6 it says there are none.
#[derive(Debug)]
pub struct NameServer {
    address: SocketAddr,
    naming: watch::Sender<Naming>,
    asked: Arc<AtomicU64>,
    answering: JoinHandle<()>,
}

/// Lengths and words of the protocol, RFC 1035.
const HEAD: usize = 12;
const NO_ERROR: u8 = 0;
const SERVER_FAILURE: u8 = 2;
const NAME_ERROR: u8 = 3;
const TYPE_A: [u8; 2] = [0, 1];

impl NameServer {
    /// Answers at that address. Port 53, the only one that a system's `resolv.conf` can mean, takes rights.
    pub async fn start(address: SocketAddr, naming: Naming) -> std::io::Result<Self> {
        let socket = UdpSocket::bind(address).await?;
        let address = socket.local_addr()?;
        let (naming, current) = watch::channel(naming);
        let asked = Arc::new(AtomicU64::new(0));
        let answering = tokio::spawn(answer_all(Arc::new(socket), current, asked.clone()));
        Ok(Self {
            address,
            naming,
            asked,
            answering,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it tells from now on.
    pub fn tell(&self, naming: Naming) {
        self.naming.send_replace(naming);
    }

    /// How many questions it was asked so far.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.answering.abort();
    }
}

async fn answer_all(socket: Arc<UdpSocket>, naming: watch::Receiver<Naming>, asked: Arc<AtomicU64>) {
    let mut buffer = [0; 512];
    loop {
        // Whoever has gone before the answer came makes the next call fail; that says nothing about the next question.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        asked.fetch_add(1, Ordering::Relaxed);
        let naming = *naming.borrow();
        let Some(answer) = answer(&buffer[..length], naming) else {
            continue;
        };
        let socket = socket.clone();
        tokio::spawn(async move {
            if let Naming::Late(wait, _) = naming {
                tokio::time::sleep(wait).await;
            }
            let _ = socket.send_to(&answer, from).await;
        });
    }
}

/// The answer to a question; none to what is no question, or where nothing is to be said.
fn answer(question: &[u8], naming: Naming) -> Option<Vec<u8>> {
    let asked = asked(question)?;
    let kind = &asked[asked.len() - 4..asked.len() - 2];
    let (code, address) = match naming {
        Naming::Silent => return None,
        Naming::Failing => (SERVER_FAILURE, None),
        Naming::Unknown => (NAME_ERROR, None),
        Naming::At(address) | Naming::Late(_, address) => (NO_ERROR, (kind == TYPE_A).then_some(address)),
    };
    let mut answer = Vec::with_capacity(HEAD + asked.len() + 16);
    answer.extend(&question[..2]);
    // An answer, by one that has authority and recurses.
    answer.extend([0x85, 0x80 | code]);
    // One question, no or one answer, nothing else.
    answer.extend([0, 1, 0, u8::from(address.is_some()), 0, 0, 0, 0]);
    answer.extend(asked);
    if let Some(address) = address {
        // The name that was asked for; A, IN; to be forgotten at once; four bytes.
        answer.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        answer.extend(address.octets());
    }
    Some(answer)
}

/// The question itself: name, type and class.
fn asked(message: &[u8]) -> Option<&[u8]> {
    let mut at = HEAD;
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1 + length;
        if length == 0 {
            return message.get(HEAD..at + 4);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks for a name as a resolver does; what came back, without the id.
    async fn ask(server: &NameServer, kind: u8) -> Vec<u8> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let mut question = vec![0xAB, 0xCD, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        question.extend(b"\x08upstream\x04test\x00");
        question.extend([0, kind, 0, 1]);
        socket.send_to(&question, server.address()).await.unwrap();
        let mut buffer = [0; 512];
        let (length, _) = socket.recv_from(&mut buffer).await.unwrap();
        assert_eq!(buffer[..2], [0xAB, 0xCD]);
        buffer[2..length].to_vec()
    }

    #[tokio::test]
    async fn every_name_is_where_it_is_told_to_be() {
        let first = Ipv4Addr::new(127, 0, 0, 2);
        let server = NameServer::start(([127, 0, 0, 1], 0).into(), Naming::At(first))
            .await
            .unwrap();
        assert!(ask(&server, 1).await.ends_with(&[0, 4, 127, 0, 0, 2]));
        server.tell(Naming::Late(Duration::from_millis(30), Ipv4Addr::LOCALHOST));
        assert!(ask(&server, 1).await.ends_with(&[0, 4, 127, 0, 0, 1]));
        let none_of_the_newer_kind = ask(&server, 28).await;
        assert_eq!(none_of_the_newer_kind[4..6], [0, 0]);
        assert_eq!(server.asked(), 3);
    }

    #[tokio::test]
    async fn failures_have_their_codes() {
        let server = NameServer::start(([127, 0, 0, 1], 0).into(), Naming::Unknown)
            .await
            .unwrap();
        assert_eq!(ask(&server, 1).await[1] & 15, NAME_ERROR);
        server.tell(Naming::Failing);
        assert_eq!(ask(&server, 1).await[1] & 15, SERVER_FAILURE);
    }
}
