//! Command: which figures, how often, and where the report goes.

mod saying;
mod taking;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use ledgerfleet_bench::{
    Bench, FIGURES, Figure, Machine, Programs, Results, Size, check_page, find_figure, write_report,
};
use ledgerfleet_testkit::until_told;

use saying::{complain, say};
use taking::Taking;

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

    /// Forgets what was measured of these cases, of this build on this machine, and measures it again
    #[arg(long)]
    again: bool,

    /// Lists the figures and ends
    #[arg(long)]
    list: bool,

    /// Measures nothing and writes the report anew
    #[arg(long, conflicts_with_all = ["quick", "again"])]
    report_only: bool,

    /// Only tells whether anything is wrong with the other words
    #[arg(long, hide = true)]
    check: bool,

    /// How often what takes seconds is measured
    #[arg(long, default_value = "5", value_name = "N")]
    repetitions: NonZeroUsize,

    /// Cases at the same time, where they leave the machine idle
    #[arg(long, default_value = "3", value_name = "N")]
    side_by_side: NonZeroUsize,

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

/// Runs the program. Ctrl-C, SIGTERM and the loss of the terminal end it with everything it has started.
pub(crate) async fn obey() -> ExitCode {
    let flags = Flags::parse();
    let results = flags.results.clone();
    let code = until_told(carry_out(flags)).await;
    let temporary = std::env::temp_dir();
    if temporary.starts_with(&results) {
        // It was made for this; one that is not empty stays.
        let _ = std::fs::remove_dir(temporary);
    }
    code
}

async fn carry_out(flags: Flags) -> ExitCode {
    if flags.list {
        list();
        return ExitCode::SUCCESS;
    }
    let figures = match checked(&flags) {
        Ok(figures) => figures,
        Err(wrong) => {
            complain(&wrong);
            return ExitCode::from(2);
        }
    };
    if flags.check {
        return ExitCode::SUCCESS;
    }
    match take_and_report(&flags, &figures).await {
        Ok(failed) if failed.is_empty() => ExitCode::SUCCESS,
        Ok(failed) => {
            complain(&format!("failed, as is told above: {}", failed.join("; ")));
            ExitCode::FAILURE
        }
        Err(error) => {
            complain(&error);
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

/// The figures that are wanted, or what would be noticed only after they were taken.
fn checked(flags: &Flags) -> Result<Vec<&'static Figure>, String> {
    let figures = chosen(flags)?;
    check_cases(flags, &figures)?;
    if !flags.quick {
        check_page(&flags.report)
            .map_err(|error| format!("{} cannot be written: {error}", flags.report.display()))?;
    }
    if !flags.report_only
        && let Some(missing) = programs(flags).missing()
    {
        return Err(format!(
            "there is no program {}; ./deploy/bench builds it",
            missing.display()
        ));
    }
    Ok(figures)
}

fn chosen(flags: &Flags) -> Result<Vec<&'static Figure>, String> {
    if flags.figures.is_empty() {
        return Ok(FIGURES.to_vec());
    }
    let find = |name: &String| {
        find_figure(name).ok_or_else(|| {
            let names: Vec<&str> = FIGURES.iter().map(|figure| figure.name).collect();
            format!("there is no figure {name}; there are: {}", names.join(", "))
        })
    };
    flags.figures.iter().map(find).collect()
}

fn check_cases(flags: &Flags, figures: &[&Figure]) -> Result<(), String> {
    let all: Vec<&str> = figures
        .iter()
        .flat_map(|figure| figure.cases)
        .map(|case| case.name)
        .collect();
    match flags.cases.iter().find(|case| !all.contains(&case.as_str())) {
        None => Ok(()),
        Some(unknown) => Err(format!(
            "there is no case `{unknown}` there; there are: `{}`",
            all.join("`, `")
        )),
    }
}

/// Measures what is missing and writes the report; answers what has failed.
async fn take_and_report(flags: &Flags, figures: &[&'static Figure]) -> Result<Vec<String>, String> {
    let unkept = |error: std::io::Error| format!("the results cannot be kept: {error}");
    let results = Results::within(&flags.results).map_err(unkept)?;
    let mut failed = Vec::new();
    if !flags.report_only {
        let taking = Taking {
            bench: bench(flags),
            results: results.clone(),
            machine: Machine::this(),
            flags,
        };
        for figure in figures {
            failed.extend(taking.take(figure).await.map_err(unkept)?);
        }
    }
    if !flags.quick {
        report(&flags.report, &results)?;
    }
    Ok(failed)
}

fn report(page: &Path, results: &Results) -> Result<(), String> {
    let staying = write_report(page, &results.lines())
        .map_err(|error| format!("{} was not written: {error}", page.display()))?;
    for figure in staying {
        say(&format!(
            "{figure}: the page shows cases that were not measured here, so this section stays as it was"
        ));
    }
    Ok(())
}

fn bench(flags: &Flags) -> Bench {
    Bench {
        programs: programs(flags),
        size: if flags.quick { Size::Quick } else { Size::Full },
        python: flags.python.clone(),
        apalis: flags.apalis.clone(),
        repository: std::env::current_dir().unwrap_or_default(),
    }
}

fn programs(flags: &Flags) -> Programs {
    let own = std::env::current_exe().unwrap_or_default();
    let beside = own.parent().map(PathBuf::from).unwrap_or_default();
    Programs::within(flags.programs.as_ref().unwrap_or(&beside))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(words: &[&str]) -> String {
        let flags = Flags::try_parse_from([&["bench"], words].concat()).unwrap();
        checked(&flags).unwrap_err()
    }

    #[test]
    fn what_cannot_be_measured_or_written_is_told_before_anything_is_measured() {
        let unknown = wrong(&["none"]);
        assert!(
            unknown.contains("none") && unknown.contains("start, rows"),
            "{unknown}"
        );
        let unknown = wrong(&["rows", "--case", "postgres", "--case", "processes"]);
        assert!(
            unknown.contains("processes") && unknown.contains("`postgres`, `sqlite`"),
            "{unknown}"
        );
        let unwritable = wrong(&["--report", "/none-such/page.md"]);
        assert!(unwritable.contains("/none-such/page.md"), "{unwritable}");
        let missing = wrong(&["--quick", "--programs", "/none-such"]);
        assert!(missing.contains("/none-such/worker"), "{missing}");
    }

    #[test]
    fn as_often_as_never_is_refused() {
        for word in ["--repetitions", "--side-by-side"] {
            let refused = Flags::try_parse_from(["bench", word, "0"]).unwrap_err();
            assert_eq!(refused.exit_code(), 2);
        }
    }
}
