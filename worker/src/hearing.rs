//! Hearing: whether the bell is heard, told when that changes and not at every try.

use std::time::Duration;

use ledgerfleet_coordination::Unreachable;
use tokio::time::Instant;
use tracing::{info, warn};

/// A bell that stays silent is told of this often.
const TELL_EVERY: Duration = Duration::from_mins(1);

/// What is known of the bell.
#[derive(Debug, Default)]
pub(crate) struct Hearing {
    silent: Option<Silence>,
}

/// A bell that cannot be heard.
#[derive(Debug)]
struct Silence {
    since: Instant,
    told_at: Instant,
}

/// What is worth telling.
#[derive(Debug, PartialEq, Eq)]
enum News {
    /// It cannot be heard any more.
    Lost,
    /// It still cannot be heard, for so long.
    StillLost(Duration),
    /// It is heard again, after so long.
    Heard(Duration),
}

impl Hearing {
    /// Tells what one try has shown, if that is news.
    pub(crate) fn note(&mut self, error: Option<&Unreachable>) {
        let error = error.map(|error| error as &dyn std::error::Error);
        match self.news(error.is_none(), Instant::now()) {
            Some(News::Lost) => warn!(error, "the bell cannot be heard; it is tried again and again"),
            Some(News::StillLost(silent)) => {
                warn!(
                    error,
                    seconds = silent.as_secs(),
                    "the bell still cannot be heard"
                );
            }
            Some(News::Heard(silent)) => info!(seconds = silent.as_secs(), "the bell is heard again"),
            None => {}
        }
    }

    fn news(&mut self, heard: bool, now: Instant) -> Option<News> {
        match (&mut self.silent, heard) {
            (None, true) => None,
            (None, false) => {
                self.silent = Some(Silence {
                    since: now,
                    told_at: now,
                });
                Some(News::Lost)
            }
            (Some(silence), true) => {
                let lasted = now - silence.since;
                self.silent = None;
                Some(News::Heard(lasted))
            }
            (Some(silence), false) => {
                let is_due = now - silence.told_at >= TELL_EVERY;
                is_due.then(|| {
                    silence.told_at = now;
                    News::StillLost(now - silence.since)
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_bell_is_told_once_then_once_a_minute_and_when_it_is_heard_again() {
        let (mut hearing, began) = (Hearing::default(), Instant::now());
        let mut after = |seconds: u64, heard| hearing.news(heard, began + Duration::from_secs(seconds));
        assert_eq!(after(0, true), None);
        assert_eq!(after(1, false), Some(News::Lost));
        for second in 2..61 {
            assert_eq!(after(second, false), None);
        }
        assert_eq!(after(61, false), Some(News::StillLost(Duration::from_mins(1))));
        assert_eq!(after(62, false), None);
        assert_eq!(after(121, false), Some(News::StillLost(Duration::from_mins(2))));
        assert_eq!(after(130, true), Some(News::Heard(Duration::from_secs(129))));
        assert_eq!(after(131, true), None);
        assert_eq!(after(132, false), Some(News::Lost));
    }
}
