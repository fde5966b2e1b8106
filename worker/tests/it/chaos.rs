//! Chaos: some of the faults that `./deploy/chaos` plays, against real workers on servers of their own. Each test is a row
//! of `shared/proof/chaos`, with one seed.

use std::path::Path;

use ledgerfleet_chaos::{Programs, Stage, Verdict, find_row, run};

const SEED: u64 = 1;

async fn play(number: &str) {
    let programs = Programs::beside(Path::new(env!("CARGO_BIN_EXE_worker")));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("chaos-{number}"));
    let stage = Stage::new(programs, number, SEED, &folder);
    let report = run(find_row(number).unwrap(), stage).await;
    assert!(
        matches!(report.verdict, Verdict::Green(_)),
        "{number} is {}: {}; logs: {}",
        report.verdict.word(),
        report.verdict,
        report.folder.display()
    );
}

macro_rules! rows {
    ($($sentence:ident is $number:literal;)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $sentence() {
            play($number).await;
        })+
    };
}

rows! {
    what_was_popped_and_never_claimed_is_offered_again is "F01";
    a_transaction_that_was_cut_off_leaves_nothing_behind is "F04";
    what_was_committed_is_not_written_again is "F05";
    a_granted_token_outlives_the_process_that_was_granted_it is "F07";
    a_worker_that_wakes_up_too_late_is_fenced_off is "F08";
    a_worker_that_goes_on_beside_another_one_writes_nothing is "F08b";
    the_bell_and_the_gate_are_rebuilt_after_a_flush is "F13";
    the_calls_of_a_month_end_before_what_is_kept_of_them is "F62";
    a_crash_of_postgres_between_commits_loses_nothing is "F19";
    a_commit_whose_answer_was_lost_is_neither_repeated_nor_a_failure is "F20";
    a_worker_without_postgres_asks_the_upstream_for_nothing is "F26";
    pages_that_end_early_hide_nothing is "F41";
    processes_that_need_a_token_at_once_refresh_it_once is "F44";
    a_lost_answer_to_a_refresh_is_repaired_or_told is "F45";
    texts_that_the_database_cannot_hold_keep_their_bytes is "F51";
    a_poisoned_segment_is_dead_after_three_crashes_and_its_neighbours_are_done is "F54";
    fields_that_appear_vanish_or_change_make_nothing_dead is "F55";
    segments_of_a_newer_version_are_left_to_it_and_hold_up_nothing is "F56";
    a_leader_that_comes_back_leads_no_more is "F58";
    what_the_database_refuses_is_hardly_bought_and_blames_nobody is "F68";
    rights_that_are_missing_burn_no_attempt is "F69";
    an_outage_of_the_upstream_makes_nothing_dead is "F72";
    what_nobody_can_finish_is_dead_in_the_end is "F79";
}
