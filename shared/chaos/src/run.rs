//! Run: one row, from its stage to its verdict.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures::FutureExt;

use crate::report::Report;
use crate::rows::{Play, Playing};
use crate::{Row, Stage, Verdict};

/// Runs a row; a panic in it is a red verdict. The folder of a row that is green is deleted.
pub async fn run(row: &'static Row, stage: Stage) -> Report {
    let (seed, folder) = (stage.seed, stage.folder.clone());
    let began = Instant::now();
    let verdict = match row.play {
        Play::Pending(why) => Verdict::Pending(why),
        Play::Now(play) => verdict(play(stage)).await,
    };
    if !matches!(verdict, Verdict::Red(_)) {
        // Kept only for those who look for a reason.
        let _ = std::fs::remove_dir_all(&folder);
    }
    Report {
        row,
        seed,
        verdict,
        took: began.elapsed(),
        folder,
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
