//! A firm: one company of the API, its key, its token and its books.

use chrono::NaiveDate;

use super::books::Books;
use super::books::draw::drawn;
use super::mutation::{ContificoMutation, ContificoMutationError, Occasion};
use crate::dice::{Dice, topic};
use crate::locks::Lock;
use crate::options::{CompanySpec, EmulatorOptions};

/// All firms of an emulator.
#[derive(Default)]
pub(crate) struct Firms(Vec<Firm>);

/// One company.
pub(crate) struct Firm {
    pub(crate) name: String,
    /// Its tax number, by which the control surface knows it, too.
    pub(crate) ruc: String,
    /// The token of its point of sale, which opens nothing by itself.
    pub(crate) api_token: String,
    pub(super) books: Books,
    seed: u64,
    key: Lock<Key>,
    recurring: Lock<Vec<Recurring>>,
    mutations: Lock<u64>,
}

/// Which of its keys is the newest, and whether it still opens the books.
#[derive(Debug, Clone, Copy, Default)]
struct Key {
    number: u64,
    is_revoked: bool,
}

/// A mutation that happens at every k-th request.
struct Recurring {
    mutation: ContificoMutation,
    every: u64,
    left: Option<u64>,
}

impl Firms {
    pub(crate) fn open<'spec>(
        options: &EmulatorOptions,
        specs: impl Iterator<Item = &'spec CompanySpec>,
    ) -> Self {
        Self(
            specs
                .map(|spec| Firm::open(options.seed, spec, options.days, options.as_of))
                .collect(),
        )
    }

    pub(crate) fn all(&self) -> &[Firm] {
        &self.0
    }

    /// The place of the firm of that name or RUC.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.0
            .iter()
            .position(|firm| firm.name == name || firm.ruc == name)
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Firm> {
        self.place(name).map(|place| &self.0[place])
    }

    /// The place of the firm that ever issued a key.
    pub(super) fn of_key(&self, key: &str) -> Option<usize> {
        self.0
            .iter()
            .position(|firm| firm.issued().any(|issued| issued == key))
    }

    pub(crate) fn stop_recurring_mutations(&self) {
        for firm in &self.0 {
            firm.recurring.lock().clear();
        }
    }
}

impl Firm {
    fn open(seed: u64, spec: &CompanySpec, days: u32, as_of: NaiveDate) -> Self {
        // Drawn from the name and not from the place in the list: another company beside it changes nothing.
        let mut dice = Dice::new(seed, topic("contifico company"), topic(&spec.name));
        let seed = dice.next();
        let plan = drawn(seed, spec.size, days, as_of);
        Self {
            name: spec.name.clone(),
            ruc: plan.ruc.clone(),
            api_token: token(&mut dice),
            books: Books::new(plan),
            seed,
            key: Lock::default(),
            recurring: Lock::default(),
            mutations: Lock::default(),
        }
    }

    /// The key that was issued last.
    pub(crate) fn api_key(&self) -> String {
        self.key_of(self.key.lock().number)
    }

    fn key_of(&self, number: u64) -> String {
        Dice::new(self.seed, topic("api key"), number).letters(43)
    }

    /// Every key that was ever issued.
    pub(crate) fn issued(&self) -> impl Iterator<Item = String> + '_ {
        let newest = self.key.lock().number;
        (0..=newest).map(|number| self.key_of(number))
    }

    /// Whether a key opens the books now.
    pub(super) fn opens(&self, key: &str) -> bool {
        let newest = *self.key.lock();
        !newest.is_revoked && self.key_of(newest.number) == key
    }

    /// The company's owner takes the key back: no key opens the books until another is issued.
    pub(crate) fn revoke(&self) {
        self.key.lock().is_revoked = true;
    }

    /// Issues another key; the ones before are dead.
    pub(crate) fn issue(&self) -> String {
        let mut key = self.key.lock();
        *key = Key {
            number: key.number + 1,
            is_revoked: false,
        };
        self.key_of(key.number)
    }

    /// Does a mutation now, or plans it for every k-th request; the ids it touched.
    pub(crate) fn mutate(
        &self,
        mutation: ContificoMutation,
        now: i64,
        hidden_seconds: u32,
    ) -> Result<Vec<String>, ContificoMutationError> {
        mutation.check()?;
        if let Some(every) = mutation.every {
            let left = mutation.times;
            self.recurring.lock().push(Recurring {
                mutation,
                every,
                left,
            });
            return Ok(Vec::new());
        }
        let number = {
            let mut mutations = self.mutations.lock();
            *mutations += 1;
            *mutations
        };
        let occasion = Occasion {
            now,
            seen_from: now + i64::from(hidden_seconds),
            number,
        };
        mutation.apply(&self.books, occasion)
    }

    /// Does what is planned for its n-th request.
    pub(super) fn mutate_at_request(&self, number: u64, now: i64) {
        let due: Vec<ContificoMutation> = {
            let mut recurring = self.recurring.lock();
            let due = recurring.iter_mut().filter_map(|plan| plan.due(number)).collect();
            recurring.retain(|plan| plan.left != Some(0));
            due
        };
        for mutation in due {
            // It was checked when it was planned; later only the records can run out, and then nothing changes.
            let _ = self.mutate(mutation, now, 0);
        }
    }
}

impl Recurring {
    fn due(&mut self, number: u64) -> Option<ContificoMutation> {
        if !number.is_multiple_of(self.every) {
            return None;
        }
        self.left = self.left.map(|left| left.saturating_sub(1));
        Some(ContificoMutation {
            every: None,
            ..self.mutation.clone()
        })
    }
}

/// Thirty-six places with dashes, as the panel shows it.
fn token(dice: &mut Dice) -> String {
    let (high, low) = (dice.next(), dice.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xFFFF,
        high & 0xFFF,
        low >> 52,
        low & 0xFFFF_FFFF_FFFF
    )
}
