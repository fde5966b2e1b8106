//! Delivery: bodies that take their time, break off, or stream.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc::Receiver;
use tokio::time::Sleep;

use super::traffic::Visit;

/// What a scripted body does next.
#[derive(Debug)]
pub(crate) enum Step {
    Send(Bytes),
    Wait(Duration),
    /// The same again and again, so many times or for ever.
    Repeat(Bytes, Option<u32>),
    /// Lets the server send what it has; a body that fails at once would take it along.
    Flush,
    /// Ends the connection in the middle of the answer.
    Break,
}

/// A body that follows a script. The visit it carries ends when the server lets go of it, which is just before the last
/// bytes leave: a client that has the whole answer is no longer counted as in flight.
#[derive(Debug)]
pub(crate) struct Script {
    steps: VecDeque<Step>,
    asleep: Option<Pin<Box<Sleep>>>,
    _visit: Option<Visit>,
}

impl Script {
    pub(crate) fn new(steps: Vec<Step>, visit: Option<Visit>) -> Self {
        Self {
            steps: steps.into(),
            asleep: None,
            _visit: visit,
        }
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            if let Some(sleep) = self.asleep.as_mut() {
                ready!(sleep.as_mut().poll(context));
                self.asleep = None;
            }
            match self.steps.pop_front() {
                None => return Poll::Ready(None),
                Some(Step::Send(bytes)) if bytes.is_empty() => {}
                Some(Step::Send(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Step::Repeat(_, Some(0))) => {}
                Some(Step::Repeat(bytes, times)) => {
                    let left = times.map(|times| times - 1);
                    self.steps.push_front(Step::Repeat(bytes.clone(), left));
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Some(Step::Wait(pause)) => self.asleep = Some(Box::pin(tokio::time::sleep(pause))),
                Some(Step::Flush) => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Step::Break) => {
                    return Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::ConnectionAborted))));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && self.asleep.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match (self.steps.len(), self.steps.front()) {
            (0, _) => SizeHint::with_exact(0),
            (1, Some(Step::Send(bytes))) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            _ => SizeHint::default(),
        }
    }
}

/// A body whose parts come from somebody who is still working them out.
#[derive(Debug)]
pub(crate) struct Stream(pub(crate) Receiver<Bytes>);

impl Body for Stream {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0
            .poll_recv(context)
            .map(|part| part.map(|bytes| Ok(Frame::data(bytes))))
    }
}
