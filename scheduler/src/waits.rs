//! Waits: what a command says while it asks a company.

use std::time::Duration;

use ledgerfleet_model::Failure;
use ledgerfleet_upstream::{Change, Observer, Wait};

use crate::output::{Talk, span};

/// Says what asking a company meets.
#[derive(Debug)]
pub(crate) struct Waits<'a> {
    pub(crate) talk: &'a Talk,
    /// Whose API is asked.
    pub(crate) company: &'a str,
    /// What is asked about.
    pub(crate) entity: &'static str,
}

impl Observer for Waits<'_> {
    fn asks_otherwise(&self, change: Change, failure: &Failure) {
        let more = match change {
            Change::Rows(_) => " (--page-size)",
            Change::PastOne | Change::Words(_) | Change::OneId => "",
        };
        let Self {
            talk,
            company,
            entity,
        } = self;
        talk.warn(format!("{company} {entity}: {}; {change}{more}", failure.message));
    }

    fn waits(&self, wait: Wait, failure: &Failure) {
        let [next, most] = [wait.next, wait.most].map(seconds);
        let Self { talk, company, .. } = self;
        talk.warn(format!(
            "{company}: {}; asking again in {next}, for {most} at most (--max-wait)",
            failure.message
        ));
    }

    fn gave_up(&self, wait: Wait) -> String {
        let [waited, next, most] = [wait.waited, wait.next, wait.most].map(seconds);
        format!(
            "after {waited} the next try would be in {next}, and more than {most} is not waited (--max-wait)"
        )
    }
}

impl ledgerfleet_verification::Observer for Waits<'_> {
    fn miscounts(&self, counted: u64, shown: u64) {
        let Self {
            talk,
            company,
            entity,
        } = self;
        talk.warn(format!(
            "{company} {entity}: the source counts {counted} and shows {shown} up to the end of its pages: its count is wrong \
             and was not used",
        ));
    }
}

/// Asks for a program: what it meets on the way is in its answer, or nobody's business.
#[derive(Debug)]
pub(crate) struct Silent;

impl Observer for Silent {
    fn asks_otherwise(&self, _: Change, _: &Failure) {}
}

impl ledgerfleet_verification::Observer for Silent {
    fn miscounts(&self, _: u64, _: u64) {}
}

fn seconds(time: Duration) -> String {
    span(time.as_secs_f64())
}
