//! Taking: measuring what is missing, one case after the other or some together.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures::FutureExt;
use futures::future::join_all;
use ledgerfleet_bench::{Bench, Case, Figure, Line, Machine, Results, Times};
use ledgerfleet_model::{Clock, SystemClock};

use super::Flags;
use super::saying::{complain, say};

/// Taking figures one after the other.
pub(super) struct Taking<'a> {
    pub(super) bench: Bench,
    pub(super) results: Results,
    pub(super) machine: Machine,
    pub(super) flags: &'a Flags,
}

impl Taking<'_> {
    /// Measures what is missing of a figure; answers the cases that failed.
    pub(super) async fn take(&self, figure: &Figure) -> std::io::Result<Vec<String>> {
        let wanted = |case: &&Case| {
            self.flags.cases.is_empty() || self.flags.cases.iter().any(|name| name == case.name)
        };
        let cases: Vec<&Case> = figure.cases.iter().filter(wanted).collect();
        let mut failed = Vec::new();
        let together = figure.side_by_side.min(self.flags.side_by_side.get()).max(1);
        for cases in cases.chunks(together) {
            let taken = join_all(cases.iter().map(|case| self.take_case(figure, case))).await;
            for (case, taken) in cases.iter().zip(taken) {
                if let Err(Failed) = taken? {
                    failed.push(format!("{} {}", figure.name, case.name));
                }
            }
        }
        Ok(failed)
    }

    async fn take_case(&self, figure: &Figure, case: &Case) -> std::io::Result<Result<(), Failed>> {
        let wanted = match case.times {
            _ if self.flags.quick => 1,
            Times::Once => 1,
            Times::Repeated => self.flags.repetitions.get(),
        };
        for repetition in self.kept(figure, case)?..wanted {
            say(&format!(
                "{} {} ({} of {wanted})",
                figure.name,
                case.name,
                repetition + 1
            ));
            let line = match self.measure(figure, case).await {
                Ok(line) => line,
                Err(why) => {
                    complain(&format!("{} {} failed: {}", figure.name, case.name, said(&*why)));
                    return Ok(Err(Failed));
                }
            };
            for value in &line.values.0 {
                say(&format!("  {}: {:.4} {}", value.name, value.value, value.unit));
            }
            if !self.flags.quick {
                self.results.append(&line)?;
            }
        }
        Ok(Ok(()))
    }

    /// How many measurements of a case need not be taken.
    fn kept(&self, figure: &Figure, case: &Case) -> std::io::Result<usize> {
        let (figure, case, commit) = (figure.name, case.name, &self.flags.commit);
        if self.flags.quick {
            return Ok(0);
        }
        if self.flags.again {
            self.results.forget(figure, case, commit, &self.machine)?;
        }
        Ok(self.results.taken(figure, case, commit, &self.machine))
    }

    /// A panic is how a figure says that it cannot be taken; with it ends what it has started.
    async fn measure(&self, figure: &Figure, case: &Case) -> Result<Line, Box<dyn Any + Send>> {
        let began = Instant::now();
        // Nothing that others use is changed by a measurement.
        let values = AssertUnwindSafe((case.measure)(&self.bench))
            .catch_unwind()
            .await?;
        Ok(Line {
            figure: figure.name.to_owned(),
            case: case.name.to_owned(),
            commit: self.flags.commit.clone(),
            machine: self.machine.clone(),
            at: SystemClock.now().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            seconds: began.elapsed().as_secs_f64(),
            values,
        })
    }
}

/// A case could not be measured; why was told.
#[derive(Debug)]
struct Failed;

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> &str {
    let fixed = panic.downcast_ref::<&str>().copied();
    let made = || panic.downcast_ref::<String>().map(String::as_str);
    fixed.or_else(made).unwrap_or("it panicked")
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use ledgerfleet_bench::Values;

    use super::super::bench;
    use super::*;

    /// One case that fails and one that does not.
    const HALF: Figure = Figure {
        name: "half",
        title: "Half",
        about: "",
        cases: &[
            Case {
                name: "fails",
                times: Times::Repeated,
                measure: |_| async { panic!("no such luck") }.boxed_local(),
            },
            Case {
                name: "works",
                times: Times::Repeated,
                measure: |_| async { Values::default() }.boxed_local(),
            },
        ],
        side_by_side: 1,
        derive: |_| Values::default(),
    };

    #[tokio::test]
    async fn a_case_that_fails_does_not_keep_others_from_being_measured() {
        let folder = tempfile::tempdir().unwrap();
        let flags = Flags::parse_from(["bench", "--repetitions", "2"]);
        let taking = Taking {
            bench: bench(&flags),
            results: Results::within(folder.path()).unwrap(),
            machine: Machine::this(),
            flags: &flags,
        };
        assert_eq!(taking.take(&HALF).await.unwrap(), ["half fails"]);
        let cases: Vec<String> = taking.results.lines().into_iter().map(|line| line.case).collect();
        assert_eq!(cases, ["works", "works"]);
    }
}
