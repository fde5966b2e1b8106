//! Webhooks: what the upstream sends to an address when its books change. It sends as the real one is known to: late, twice,
//! out of order, several companies in one delivery, and again until it is told 200; what comes later waits until then.

mod event;
mod post;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::dice::{Dice, topic};
use crate::locks::Lock;

pub(crate) use event::{Event, Verb};
use post::post;
pub use post::signature as webhook_signature;

/// Entities of which Intuit sends nothing, in upstream's spelling.
const SILENT: &[&str] = &[
    "Attachable",
    "CompanyInfo",
    "CreditCardPayment",
    "ExchangeRate",
    "InventoryAdjustment",
    "RecurringTransaction",
    "TaxCode",
    "TaxRate",
];

/// Where webhooks are sent, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookTarget {
    /// `http://127.0.0.1:8400/webhooks/quickbooks`.
    pub url: String,
    /// What signs them.
    pub token: String,
    /// How they are written.
    #[serde(default)]
    pub form: WebhookForm,
    /// The most events of one delivery.
    #[serde(default = "hundred")]
    pub batch: usize,
    /// How often each delivery is sent.
    #[serde(default = "one")]
    pub copies: usize,
    /// Whether events are sent in an order of chance.
    #[serde(default)]
    pub shuffled: bool,
    /// How long after the change they are sent, in milliseconds.
    #[serde(default)]
    pub delay_ms: u64,
    /// Before each of so many deliveries the same is sent with a signature that is wrong.
    #[serde(default)]
    pub forge_every: Option<u64>,
    /// How long after an answer other than 200 the same is sent again, in milliseconds. Ten seconds upstream.
    #[serde(default = "ten_seconds")]
    pub again_ms: u64,
}

fn hundred() -> usize {
    100
}

fn one() -> usize {
    1
}

fn ten_seconds() -> u64 {
    10_000
}

impl WebhookTarget {
    /// To that address, signed so; all else as upstream does it.
    pub fn new(url: impl Into<String>, token: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: token.into(),
            form: WebhookForm::default(),
            batch: hundred(),
            copies: one(),
            shuffled: false,
            delay_ms: 0,
            forge_every: None,
            again_ms: ten_seconds(),
        }
    }
}

/// How webhooks are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookForm {
    /// An array of CloudEvents.
    #[default]
    CloudEvents,
    /// The object of `eventNotifications`.
    Classic,
    /// By turns.
    Both,
}

/// What became of the webhooks so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookReport {
    /// Events that were acknowledged.
    pub acknowledged: u64,
    /// Events that wait to be sent.
    pub waiting: u64,
    /// Deliveries by their answer; 0 where none came.
    pub answers: BTreeMap<u16, u64>,
    /// Forged deliveries by their answer.
    pub forged: BTreeMap<u16, u64>,
}

/// Sends webhooks once it is told where to.
#[derive(Debug)]
pub(crate) struct Webhooks {
    state: Lock<State>,
    changed: Notify,
    seed: u64,
}

#[derive(Debug, Default)]
struct State {
    target: Option<WebhookTarget>,
    waiting: Vec<Event>,
    sent: u64,
    report: WebhookReport,
}

impl Webhooks {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: Lock::default(),
            changed: Notify::new(),
            seed,
        }
    }

    /// Sends from now on there, or nowhere. What waits is forgotten.
    pub(crate) fn aim(&self, target: Option<WebhookTarget>) {
        *self.state.lock() = State {
            target,
            ..State::default()
        };
        self.changed.notify_one();
    }

    pub(crate) fn report(&self) -> WebhookReport {
        let state = self.state.lock();
        WebhookReport {
            waiting: state.waiting.len() as u64,
            ..state.report.clone()
        }
    }

    /// Something has happened to records of a company.
    pub(crate) fn tell(&self, events: impl Iterator<Item = Event>) {
        let mut state = self.state.lock();
        if state.target.is_none() {
            return;
        }
        state
            .waiting
            .extend(events.filter(|event| !SILENT.contains(&event.entity)));
        drop(state);
        self.changed.notify_one();
    }

    /// Sends until it is over.
    pub(crate) async fn keep_sending(self: Arc<Self>, over: CancellationToken) {
        let sending = async {
            loop {
                match self.next() {
                    Some(delivery) => self.deliver(delivery).await,
                    None => self.changed.notified().await,
                }
            }
        };
        over.run_until_cancelled(sending).await;
    }

    fn next(&self) -> Option<Delivery> {
        let state = self.state.lock();
        let target = state.target.clone()?;
        let most = state.waiting.len().min(target.batch.max(1));
        let mut events = state.waiting[..most].to_vec();
        if target.shuffled {
            shuffle(&mut events, Dice::new(self.seed, topic("webhooks"), state.sent));
        }
        (most > 0).then_some(Delivery {
            number: state.sent,
            events,
            target,
        })
    }

    /// Sends one delivery as often as it has to be sent.
    async fn deliver(&self, delivery: Delivery) {
        let target = &delivery.target;
        tokio::time::sleep(Duration::from_millis(target.delay_ms)).await;
        let body = event::body(&delivery.events, target.form, delivery.number);
        if target
            .forge_every
            .is_some_and(|every| delivery.number.is_multiple_of(every.max(1)))
        {
            let status = post(&target.url, &body, "a wrong token").await;
            *self.state.lock().report.forged.entry(status).or_default() += 1;
        }
        for copy in 0..target.copies.max(1) {
            while !self.send(&delivery, &body, copy == 0).await {
                tokio::time::sleep(Duration::from_millis(target.again_ms)).await;
                if self.state.lock().target.as_ref() != Some(target) {
                    return;
                }
            }
        }
    }

    /// Whether it was acknowledged; the first time, its events are done.
    async fn send(&self, delivery: &Delivery, body: &str, is_first: bool) -> bool {
        let status = post(&delivery.target.url, body, &delivery.target.token).await;
        let mut state = self.state.lock();
        if state.target.as_ref() != Some(&delivery.target) {
            return true;
        }
        *state.report.answers.entry(status).or_default() += 1;
        if status == 200 && is_first {
            let count = delivery.events.len();
            state.waiting.drain(..count);
            state.report.acknowledged += count as u64;
            state.sent += 1;
        }
        status == 200
    }
}

struct Delivery {
    number: u64,
    events: Vec<Event>,
    target: WebhookTarget,
}

fn shuffle(events: &mut [Event], mut dice: Dice) {
    for last in (1..events.len()).rev() {
        events.swap(last, dice.index(last + 1));
    }
}
