//! Exchange: a secret is sent to the upstream, by the one process that has the intent.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ledgerfleet_connectors::{AccessGrant, AuthenticationError, NoGrant};
use ledgerfleet_failpoints::{Point, reach};
use ledgerfleet_ledger::RefreshOutcome;
use ledgerfleet_telemetry::metrics::{self, RefreshResult};
use secrecy::SecretString;
use tokio::time::Instant;

use crate::credential::Credential;
use crate::error::AccessError;
use crate::granted::Granted;
use crate::known::Unsaved;
use crate::refresh::Refresh;
use crate::spool::{Left, SpoolFile, on_disk};
use crate::store::Stored;

/// Before these reads of the ledger a refused credential may still turn out to be replaced by a sibling.
const SIBLING_PAUSES: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(800),
];

/// A company whose credential lives no longer than this should be connected again by a person.
const SHORT_LIFE: Duration = Duration::from_hours(14 * 24);

/// Nothing that is granted is believed to live longer.
const LONGEST_LIFE: Duration = Duration::from_hours(100 * 365 * 24);

/// So many lines of a credential's story are read for what became of its newest version.
const STORY: u32 = 50;

/// What came of sending a secret.
struct Exchanged {
    /// The last answer.
    answer: Result<AccessGrant, AuthenticationError>,
    /// Whether an answer before that one was lost: the secret may have rotated unseen.
    lost: bool,
}

/// What is told of a grant when it is safe.
#[derive(Debug)]
struct Told {
    rotated: bool,
    life: Option<Duration>,
}

impl Told {
    fn of(grant: &AccessGrant) -> Self {
        Self {
            rotated: grant.rotated.is_some(),
            life: grant.credential_expires_in,
        }
    }
}

impl Exchanged {
    /// How it ended, if it brought nothing.
    fn outcome(&self) -> RefreshOutcome {
        match &self.answer {
            Ok(grant) if grant.rotated.is_some() => RefreshOutcome::Rotated,
            Ok(_) => RefreshOutcome::Granted,
            Err(AuthenticationError::Refused(_)) => RefreshOutcome::Refused,
            Err(AuthenticationError::WrongKeys(_)) => RefreshOutcome::WrongKeys,
            Err(AuthenticationError::Lost(_)) => RefreshOutcome::Lost,
            Err(_) if self.lost => RefreshOutcome::Lost,
            Err(
                AuthenticationError::NotSent(_)
                | AuthenticationError::Unavailable(_)
                | AuthenticationError::Throttled(..),
            ) => RefreshOutcome::Failed,
        }
    }
}

impl Exchanged {
    /// The upstream's name for the last exchange, if it answered.
    fn transaction_id(&self) -> Option<String> {
        match &self.answer {
            Ok(grant) => grant.transaction_id.clone(),
            Err(error) => error.transaction_id().map(ToOwned::to_owned),
        }
    }
}

/// That much later, and a hundred years where an upstream says more: what it says must not end in a panic here.
pub(crate) fn after(instant: DateTime<Utc>, time: Duration) -> DateTime<Utc> {
    let time = TimeDelta::from_std(time.min(LONGEST_LIFE)).unwrap_or_default();
    instant.checked_add_signed(time).unwrap_or(instant)
}

fn label(outcome: RefreshOutcome) -> RefreshResult {
    match outcome {
        RefreshOutcome::Granted | RefreshOutcome::Rotated => RefreshResult::Granted,
        RefreshOutcome::Refused | RefreshOutcome::WrongKeys => RefreshResult::Refused,
        RefreshOutcome::Lost => RefreshResult::Lost,
        _ => RefreshResult::Failed,
    }
}

impl Refresh {
    /// Exchanges the stored secret, under an intent that was asked for at `asked`. What is granted waits in `unsaved`.
    pub(crate) async fn exchange(&mut self, stored: Stored, asked: Instant) -> Result<(), AccessError> {
        self.shared.store.check_spool().await;
        // The life of what is granted counts from before the request, so that it is never believed too long.
        let sent_at = self.shared.clock.now();
        let exchanged = self.ask(&stored, asked).await;
        let (outcome, transaction_id) = (exchanged.outcome(), exchanged.transaction_id());
        let error = match exchanged.answer {
            Ok(grant) => {
                reach(Point::AfterGrant, "").await;
                // Nothing stands before this that can fail: until it has returned, the token that counts is here alone.
                let told = Told::of(&grant);
                self.keep_safe(stored, grant, sent_at).await;
                reach(Point::AfterSpool, "").await;
                metrics::token_refreshed(label(outcome));
                self.report(&told);
                return Ok(());
            }
            Err(AuthenticationError::Refused(no)) => {
                metrics::token_refreshed(label(outcome));
                return self.on_refusal(&stored, &no, exchanged.lost).await;
            }
            Err(AuthenticationError::WrongKeys(no)) => AccessError::WrongKeys(no.reason),
            Err(AuthenticationError::NotSent(reason)) => AccessError::Unreachable(reason),
            Err(AuthenticationError::Unavailable(no)) => AccessError::Unavailable(no.reason),
            Err(AuthenticationError::Throttled(no, wait)) => AccessError::Throttled(no.reason, wait),
            Err(AuthenticationError::Lost(no)) => AccessError::Lost(no.reason),
        };
        metrics::token_refreshed(label(outcome));
        self.note(stored.version, outcome, transaction_id).await;
        Err(error)
    }

    /// After a panic in an exchange of that version: the upstream may have granted what nobody will ever see. Unless it is
    /// safe already, that is written down, so that a later refusal is told as what it is.
    pub(crate) async fn after_panic(&self, version: i64) -> Result<(), AccessError> {
        if self.known.unsaved.is_some() {
            return Ok(());
        }
        metrics::token_refreshed(RefreshResult::Lost);
        self.note(version, RefreshOutcome::Lost, None).await;
        Err(AccessError::Panicked)
    }

    /// Sends the secret; if the answer is lost, once more, because the same value may still be good.
    async fn ask(&self, stored: &Stored, asked: Instant) -> Exchanged {
        let secret = &stored.credential.secret;
        let answer = self.authenticate(secret).await;
        let lost = matches!(answer, Err(AuthenticationError::Lost(_)));
        if !lost || !self.may_send(asked) {
            return Exchanged { answer, lost };
        }
        tracing::warn!(connection = %self.connection, "an answer with a credential was lost; it is asked for once more");
        let answer = self.authenticate(secret).await;
        Exchanged { answer, lost }
    }

    async fn authenticate(&self, secret: &SecretString) -> Result<AccessGrant, AuthenticationError> {
        match self.connector.oauth() {
            Some(oauth) => oauth.authenticate(secret).await,
            None => Err(AuthenticationError::NotSent("a key is not exchanged".to_owned())),
        }
    }

    /// Whether an intent that was asked for at `asked` lasts for one more request, by a clock that began before the
    /// ledger's did: after its end another process may send the value.
    pub(crate) fn may_send(&self, asked: Instant) -> bool {
        let timings = &self.shared.timings;
        asked.elapsed() + timings.exchange() <= timings.refresh_intent()
    }

    /// Keeps what was granted where neither an abort of the caller nor, once it is in the spool, the end of this
    /// process loses it.
    async fn keep_safe(&mut self, stored: Stored, grant: AccessGrant, sent_at: DateTime<Utc>) {
        // A life of minutes, as a test may grant, is used to its half: five minutes early would be never.
        let used = grant
            .expires_in
            .saturating_sub(self.shared.margin(self.connection))
            .max(grant.expires_in / 2);
        let granted = Granted {
            replaces: stored.version,
            credential: Credential {
                secret: grant.rotated.unwrap_or_else(|| stored.credential.secret.clone()),
                access: grant.access,
                access_expires_at: Some(after(sent_at, grant.expires_in)),
                secret_expires_at: grant.credential_expires_in.map(|life| after(sent_at, life)),
                consent_ends_at: grant
                    .consent_expires_in
                    .map(|life| after(sent_at, life))
                    .or(stored.credential.consent_ends_at),
            },
            exchanged: stored.credential.secret,
            transaction_id: grant.transaction_id,
        };
        let file = self.spool(&granted).await;
        let until = after(sent_at, used);
        self.known.unsaved = Some(Unsaved { granted, until, file });
    }

    /// Writes a rotated secret into the spool. One that has not rotated is in the ledger already.
    async fn spool(&self, granted: &Granted) -> Option<SpoolFile> {
        if !granted.rotated() {
            return None;
        }
        let spooled = granted.seal(&self.shared.store.keys.vault(), self.connection);
        let spool = self.shared.store.spool.clone();
        match on_disk(move || spool.write(&spooled)).await {
            Ok(Ok(file)) => Some(file),
            Ok(Err(error)) => {
                tracing::warn!(
                    connection = %self.connection, error = &error as &dyn std::error::Error,
                    "a granted credential is in memory alone until the ledger holds it"
                );
                None
            }
            Err(_) => None,
        }
    }

    fn report(&self, told: &Told) {
        let Told { rotated, life } = *told;
        tracing::info!(connection = %self.connection, rotated, "access renewed");
        if let Some(life) = life.filter(|life| *life < SHORT_LIFE) {
            let hours = life.as_secs() / 3600;
            tracing::warn!(connection = %self.connection, hours, "the company must be connected again before these hours are over");
        }
    }

    /// The upstream refuses the secret. If a sibling has replaced it meanwhile, or has left the next one in the spool,
    /// the next round sees that; if not, only a person can help.
    async fn on_refusal(&mut self, stored: &Stored, no: &NoGrant, lost: bool) -> Result<(), AccessError> {
        if self.sibling_follows(stored).await? {
            return Ok(());
        }
        let uncertain = lost || self.is_uncertain(stored).await;
        let NoGrant {
            reason,
            transaction_id,
        } = no;
        self.note(stored.version, RefreshOutcome::Refused, transaction_id.clone())
            .await;
        let explained = if uncertain {
            format!(
                "an answer of the upstream was lost while it renewed the access; it is uncertain whether that answer \
                 held a new credential, and the old one is refused now ({reason}): connect the company again"
            )
        } else {
            format!(
                "the upstream no longer accepts the company's credential ({reason}): connect the company again"
            )
        };
        self.known.dead = Some((stored.version, explained.clone()));
        Err(AccessError::NeedsReauthorisation(explained))
    }

    /// Whether another process has replaced what was refused. One that was a moment ahead of us upstream may still be
    /// storing what it got, so the ledger is asked for more than a second before a person is; and what such a one could
    /// not store lies in the spool.
    async fn sibling_follows(&self, stored: &Stored) -> Result<bool, AccessError> {
        for pause in SIBLING_PAUSES {
            tokio::time::sleep(pause).await;
            self.shared
                .store
                .recover(Some(self.connection), Left::ByAnybody)
                .await?;
            if self.shared.store.load(self.connection).await?.version > stored.version {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether any process has sent this version and never saw the answer.
    async fn is_uncertain(&self, stored: &Stored) -> bool {
        let story = self.shared.store.ledger.refreshes(self.connection, STORY).await;
        story.unwrap_or_default().iter().any(|refresh| {
            let unseen = [RefreshOutcome::Lost, RefreshOutcome::Abandoned];
            refresh.version == stored.version && unseen.contains(&refresh.outcome)
        })
    }

    async fn note(&self, version: i64, outcome: RefreshOutcome, transaction_id: Option<String>) {
        let refresh = self.shared.store.refresh(version, outcome, transaction_id);
        self.shared.store.note(self.connection, &refresh).await;
    }
}
