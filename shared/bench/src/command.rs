//! Command: which figures, how often, and where the report goes.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use futures::future::join_all;
use ledgerfleet_bench::{
    Bench, Case, FIGURES, Figure, Line, Machine, Programs, Results, Size, Times, find_figure, write_report,
};
use ledgerfleet_model::{Clock, SystemClock};
use ledgerfleet_testkit::until_told;

/// Measures the real programs and writes down what was measured.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word on the command line")]
struct Flags {
    /// Figures to take; all that there are if left out
    figures: Vec<String>,

    /// Only this case of them; may be given again
    #[arg(long = "case", value_name = "CASE")]
    cases: Vec<String>,

    /// Measures as little as shows that this works; nothing is kept
    #[arg(long)]
    quick: bool,

    /// Measures again what was measured of this build on this machine
    #[arg(long)]
    again: bool,

    /// Lists the figures and ends
    #[arg(long)]
    list: bool,

    /// Measures nothing and writes the report anew
    #[arg(long)]
    report_only: bool,

    /// How often what takes seconds is measured
    #[arg(long, default_value_t = 5, value_name = "N")]
    repetitions: usize,

    /// Cases at the same time, where they leave the machine idle
    #[arg(long, default_value_t = 3, value_name = "N")]
    side_by_side: usize,

    /// The page that is written
    #[arg(long, value_name = "FILE", default_value = "deploy/BENCHMARKS.md")]
    report: PathBuf,

    /// Where measurements are kept
    #[arg(long, value_name = "FOLDER", default_value = "target/bench")]
    results: PathBuf,

    /// What was built, for the report
    #[arg(long, default_value = "unknown")]
    commit: String,

    /// Where worker, scheduler and emulator are; beside this program if left out
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,

    /// A Python that has dlt; without one that comparison is left out
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,

    /// The program that drives apalis-redis; without one that comparison is left out
    #[arg(long, value_name = "FILE")]
    apalis: Option<PathBuf>,
}

/// Runs the program. Ctrl-C and SIGTERM end it with everything it has started.
pub(crate) async fn obey() -> ExitCode {
    until_told(carry_out(Flags::parse())).await
}

async fn carry_out(flags: Flags) -> ExitCode {
    if flags.list {
        list();
        return ExitCode::SUCCESS;
    }
    let figures = match chosen(&flags) {
        Ok(figures) => figures,
        Err(unknown) => {
            say(&format!(
                "there is no figure {unknown}; --list tells which there are"
            ));
            return ExitCode::from(2);
        }
    };
    match take_all(&flags, &figures).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("the results cannot be kept: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn list() {
    for figure in FIGURES {
        let cases: Vec<&str> = figure.cases.iter().map(|case| case.name).collect();
        say(&format!(
            "{}: {} ({})",
            figure.name,
            figure.title,
            cases.join(", ")
        ));
    }
}

fn chosen(flags: &Flags) -> Result<Vec<&'static Figure>, String> {
    if flags.figures.is_empty() {
        return Ok(FIGURES.to_vec());
    }
    let find = |name: &String| find_figure(name).ok_or_else(|| name.clone());
    flags.figures.iter().map(find).collect()
}

async fn take_all(flags: &Flags, figures: &[&'static Figure]) -> std::io::Result<()> {
    let taking = Taking {
        bench: bench(flags),
        results: Results::within(&flags.results)?,
        machine: Machine::this(),
        flags,
    };
    for figure in figures {
        if flags.again && !flags.quick {
            taking.results.forget(figure.name)?;
        }
        if !flags.report_only {
            taking.take(figure).await?;
        }
    }
    if flags.quick {
        return Ok(());
    }
    write_report(&flags.report, &taking.results.lines())
}

fn bench(flags: &Flags) -> Bench {
    let own = std::env::current_exe().unwrap_or_default();
    let beside = own.parent().map(PathBuf::from).unwrap_or_default();
    Bench {
        programs: Programs::within(flags.programs.as_ref().unwrap_or(&beside)),
        size: if flags.quick { Size::Quick } else { Size::Full },
        python: flags.python.clone(),
        apalis: flags.apalis.clone(),
        repository: std::env::current_dir().unwrap_or_default(),
    }
}

/// Taking figures one after the other.
struct Taking<'a> {
    bench: Bench,
    results: Results,
    machine: Machine,
    flags: &'a Flags,
}

impl Taking<'_> {
    /// Measures what is missing of a figure.
    async fn take(&self, figure: &'static Figure) -> std::io::Result<()> {
        let wanted = |case: &&Case| {
            self.flags.cases.is_empty() || self.flags.cases.iter().any(|name| name == case.name)
        };
        let cases: Vec<&Case> = figure.cases.iter().filter(wanted).collect();
        for together in cases.chunks(figure.side_by_side.min(self.flags.side_by_side).max(1)) {
            let taken = join_all(together.iter().map(|case| self.take_case(figure, case))).await;
            taken.into_iter().collect::<std::io::Result<()>>()?;
        }
        Ok(())
    }

    async fn take_case(&self, figure: &Figure, case: &Case) -> std::io::Result<()> {
        let wanted = match case.times {
            _ if self.flags.quick => 1,
            Times::Once => 1,
            Times::Repeated => self.flags.repetitions,
        };
        let taken = if self.flags.quick {
            0
        } else {
            self.results
                .taken(figure.name, case.name, &self.flags.commit, &self.machine)
        };
        for repetition in taken..wanted {
            say(&format!(
                "{} {} ({} of {wanted})",
                figure.name,
                case.name,
                repetition + 1
            ));
            let line = self.measure(figure, case).await;
            for value in &line.values.0 {
                say(&format!("  {}: {:.4} {}", value.name, value.value, value.unit));
            }
            if !self.flags.quick {
                self.results.append(&line)?;
            }
        }
        Ok(())
    }

    async fn measure(&self, figure: &Figure, case: &Case) -> Line {
        let began = Instant::now();
        let values = (case.measure)(&self.bench).await;
        Line {
            figure: figure.name.to_owned(),
            case: case.name.to_owned(),
            commit: self.flags.commit.clone(),
            machine: self.machine.clone(),
            at: SystemClock.now().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            seconds: began.elapsed().as_secs_f64(),
            values,
        }
    }
}

fn say(line: &str) {
    // Where nobody listens, the exit code still tells.
    let _ = writeln!(std::io::stdout(), "{line}");
}
