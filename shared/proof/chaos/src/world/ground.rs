//! Ground: what a world is made of before anything goes wrong.

use std::time::Duration;

use ledgerfleet_emulator::{CompanySpec, EmulatorOptions, Rate, Size};

/// How much of what it was told Redis keeps when it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// Nothing.
    Forgets,
    /// Everything, in its journal.
    Journal,
    /// What was there at the last SAVE.
    Snapshot,
}

/// What a world is made of.
#[derive(Debug, Clone)]
pub struct Ground {
    /// The upstream.
    pub emulator: EmulatorOptions,
    /// Requests per second that the fleet asks of a company. The upstream allows five thirds of them, so that a
    /// machine that stands still for a moment is not mistaken for a gate that does not hold.
    pub pace: f64,
    /// Requests of a company in flight, or the connector's own number.
    pub slots: Option<u32>,
    /// Redis.
    pub memory: Memory,
    /// Whether Postgres keeps what it has committed when the machine loses power.
    pub durable: bool,
    /// Further settings of Postgres: `("wal_level", "logical")`.
    pub postgres: Vec<(String, String)>,
    /// Multiplies leases, deadlines and backoff.
    pub scale: f64,
    /// Whether connections are in another time zone than UTC.
    pub time_zone: chrono_tz::Tz,
}

impl Default for Ground {
    fn default() -> Self {
        let companies = vec![
            CompanySpec::new("north", Size::Small),
            CompanySpec::new("south", Size::Small),
        ];
        Self {
            emulator: EmulatorOptions {
                days: 60,
                companies,
                ..EmulatorOptions::default()
            },
            pace: 30.0,
            slots: None,
            memory: Memory::Forgets,
            durable: false,
            postgres: Vec::new(),
            scale: 0.1,
            time_zone: chrono_tz::UTC,
        }
    }
}

impl Ground {
    /// Companies of that number instead of two.
    #[must_use]
    pub fn companies(mut self, many: usize) -> Self {
        self.emulator.companies = (0..many)
            .map(|number| CompanySpec::new(format!("company-{number}"), Size::Small))
            .collect();
        self
    }

    /// Every answer of the upstream takes at least this long.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.emulator.latency = latency;
        self
    }

    /// What the upstream allows a company in any second.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small positive number"
    )]
    pub(crate) fn allowed(&self) -> u32 {
        (self.pace * 5.0 / 3.0).round() as u32
    }

    pub(super) fn rate(&self) -> Rate {
        Rate::PerSecond(self.allowed())
    }

    /// A time of the product's at this world's scale.
    pub fn scaled(&self, real: Duration) -> Duration {
        real.mul_f64(self.scale)
    }
}
