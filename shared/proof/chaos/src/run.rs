//! Run: whatever is played, from its stage to its verdict.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::FutureExt;

use crate::report::Report;
use crate::rows::{Play, Playing};
use crate::{Row, Stage, Verdict, grants, soak};

/// Runs a row; a panic in it is a red verdict. The folder of a row that is green is deleted.
pub async fn run(row: &'static Row, stage: Stage) -> Report {
    let played = Played::on(&stage, row.number, row.fault);
    match row.play {
        Play::Pending(why) => played.ended(Verdict::Pending(why)),
        Play::Now(play) => played.play_out(play(stage)).await,
    }
}

/// Kills workers at random instants for `length`, then waits until everything is done.
pub async fn run_soak(stage: Stage, length: Duration) -> Report {
    let played = Played::on(&stage, "soak", "workers are killed at random instants");
    played.play_out(Box::pin(soak::play(stage, length))).await
}

/// Asks for so many grants of the gate, while Redis forgets again and again.
pub async fn run_grants(stage: Stage, wanted: u64) -> Report {
    let played = Played::on(
        &stage,
        "grants",
        "Redis forgets what the gate has granted, again and again",
    );
    played.play_out(Box::pin(grants::play(stage, wanted))).await
}

/// What is being played, for its report.
struct Played {
    number: &'static str,
    fault: &'static str,
    seed: u64,
    folder: PathBuf,
    began: Instant,
}

impl Played {
    fn on(stage: &Stage, number: &'static str, fault: &'static str) -> Self {
        Self {
            number,
            fault,
            seed: stage.seed,
            folder: stage.folder.clone(),
            began: Instant::now(),
        }
    }

    async fn play_out(self, playing: Playing) -> Report {
        let verdict = verdict(playing).await;
        self.ended(verdict)
    }

    fn ended(self, verdict: Verdict) -> Report {
        if !matches!(verdict, Verdict::Red(_)) {
            // Kept only for those who look for a reason.
            let _ = std::fs::remove_dir_all(&self.folder);
        }
        Report {
            number: self.number,
            fault: self.fault,
            seed: self.seed,
            verdict,
            took: self.began.elapsed(),
            folder: self.folder,
        }
    }
}

async fn verdict(playing: Playing) -> Verdict {
    match AssertUnwindSafe(playing).catch_unwind().await {
        Ok(Ok(facts)) => Verdict::Green(facts),
        Ok(Err(skip)) => Verdict::Skipped(skip.0),
        Err(panic) => Verdict::Red(text_of(&*panic)),
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without a message".to_owned())
}
