//! Command: which rows, how often, and where the report goes.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use ledgerfleet_chaos::report::Report;
use ledgerfleet_chaos::{Programs, ROWS, Row, Stage, Verdict, find_row, run, run_grants, run_soak};
use ledgerfleet_testkit::until_told;

/// Makes real fleets go wrong and judges what they stored.
#[derive(Debug, Parser)]
#[command(name = "chaos", version)]
struct Flags {
    /// Rows to run: F01,F07; all that there are if left out
    #[arg(long, value_delimiter = ',', value_name = "ROWS")]
    rows: Vec<String>,

    /// Decides everything that chance decides
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Runs every row with so many seeds, from --seed on
    #[arg(long, default_value_t = 1, value_name = "N")]
    seeds: u64,

    /// Only the rows that are quick
    #[arg(long)]
    quick: bool,

    /// Lists the rows and ends
    #[arg(long)]
    list: bool,

    /// Kills workers at random for so long: 90s, 30m
    #[arg(long, value_name = "TIME", value_parser = time)]
    soak: Option<Duration>,

    /// Asks the gate for so many grants from eight processes, while Redis forgets again and again
    #[arg(long, value_name = "N", conflicts_with = "soak")]
    grants: Option<u64>,

    /// Leaves out what the report says was green with this seed and commit
    #[arg(long)]
    resume: bool,

    /// A line for every row is appended here
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// What was built, for the report
    #[arg(long, default_value = "unknown")]
    commit: String,

    /// Where the worker and the scheduler are; beside this program if left out
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,

    /// Where rows keep their logs; those of red ones stay
    #[arg(long, value_name = "FOLDER", default_value = "target/chaos")]
    folder: PathBuf,
}

fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = number
        .parse()
        .map_err(|_| format!("`{text}` is no time such as 30m"))?;
    match unit {
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_mins(number)),
        "h" => Ok(Duration::from_hours(number)),
        _ => Err(format!("`{text}` is no time such as 30m")),
    }
}

/// Runs the program. Ctrl-C, SIGTERM and the loss of the terminal end it with everything it has started.
pub(crate) async fn obey() -> ExitCode {
    until_told(carry_out(Flags::parse())).await
}

async fn carry_out(flags: Flags) -> ExitCode {
    if flags.list {
        list();
        return ExitCode::SUCCESS;
    }
    if let Some(length) = flags.soak {
        return told(&flags, &run_soak(stage(&flags, "soak", flags.seed), length).await);
    }
    if let Some(wanted) = flags.grants {
        return told(
            &flags,
            &run_grants(stage(&flags, "grants", flags.seed), wanted).await,
        );
    }
    let rows = match chosen(&flags) {
        Ok(rows) => rows,
        Err(unknown) => {
            say(&format!(
                "there is no row {unknown}; --list tells which there are"
            ));
            return ExitCode::from(2);
        }
    };
    let mut all_kept = true;
    for row in rows {
        for seed in flags.seed..flags.seed + flags.seeds {
            all_kept &= run_one(&flags, row, seed).await;
        }
    }
    if all_kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn list() {
    for row in ROWS {
        let note = match row.play {
            ledgerfleet_chaos::Play::Pending(why) => format!("  (pending: {why})"),
            ledgerfleet_chaos::Play::Now(_) if row.quick => "  (quick)".to_owned(),
            ledgerfleet_chaos::Play::Now(_) => String::new(),
        };
        say(&format!("{}  {}{note}", row.number, row.fault));
    }
}

fn chosen(flags: &Flags) -> Result<Vec<&'static Row>, String> {
    if flags.rows.is_empty() {
        let all = ROWS.iter().filter(|row| !flags.quick || row.quick);
        return Ok(all.collect());
    }
    let find = |number: &String| find_row(number).ok_or_else(|| number.clone());
    flags.rows.iter().map(find).collect()
}

/// Runs a row and reports it; false if a promise was broken.
async fn run_one(flags: &Flags, row: &'static Row, seed: u64) -> bool {
    if let Some(file) = &flags.report
        && flags.resume
        && Report::was_green(file, row, seed, &flags.commit)
    {
        return true;
    }
    let report = run(row, stage(flags, row.number, seed)).await;
    tell(flags, &report);
    !matches!(report.verdict, Verdict::Red(_))
}

fn told(flags: &Flags, report: &Report) -> ExitCode {
    tell(flags, report);
    match report.verdict {
        Verdict::Red(_) => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

fn stage(flags: &Flags, number: &str, seed: u64) -> Stage {
    Stage::new(
        programs(flags),
        number,
        seed,
        &flags.folder.join(format!("{number}-{seed}")),
    )
}

fn programs(flags: &Flags) -> Programs {
    let own = std::env::current_exe().unwrap_or_default();
    flags
        .programs
        .as_deref()
        .map_or_else(|| Programs::beside(&own), Programs::within)
}

/// A line for people, one for the file, and the way back to what failed.
fn tell(flags: &Flags, report: &Report) {
    let (row, verdict) = (report.number, &report.verdict);
    say(&format!(
        "{row} seed {} {} {:.0}s  {verdict}",
        report.seed,
        verdict.word(),
        report.took.as_secs_f64()
    ));
    if matches!(verdict, Verdict::Red(_)) {
        say(&format!(
            "  logs: {}\n  again: ./deploy/chaos {} --seed {}",
            report.folder.display(),
            again(flags, row),
            report.seed
        ));
    }
    if let Some(file) = &flags.report
        && let Err(error) = report.append(file, &flags.commit)
    {
        say(&format!("  {} cannot be written: {error}", file.display()));
    }
}

/// The flags that play it again.
fn again(flags: &Flags, row: &str) -> String {
    match (flags.soak, flags.grants) {
        (Some(length), _) => format!("--soak {}s", length.as_secs()),
        (_, Some(wanted)) => format!("--grants {wanted}"),
        _ => format!("--rows {row}"),
    }
}

fn say(line: &str) {
    // Where nobody listens, the exit code still tells.
    let _ = writeln!(std::io::stdout(), "{line}");
}
