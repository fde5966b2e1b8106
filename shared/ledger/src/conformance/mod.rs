//! The promises of the ledger's traits, as tests that every ledger passes unchanged.
//!
//! A ledger's tests provide a [`World`] and expand [`ledger_conformance!`](crate::ledger_conformance), which makes
//! one test of every promise:
//!
//! ```ignore
//! mod promises {
//!     ledgerfleet_ledger::ledger_conformance!(crate::world);
//! }
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    missing_docs,
    reason = "these are tests: a promise's name is its text, and a step that fails is a test that fails"
)]

pub mod brakes;
pub mod braking;
pub mod burying;
pub mod claiming;
pub mod clocks;
pub mod comparing;
pub mod connecting;
pub mod consenting;
pub mod covering;
pub mod dispatching;
pub mod dropping;
pub mod hinting;
pub mod keying;
pub mod learning;
mod letters;
pub mod model;
pub mod ordering;
pub mod paging;
pub mod quarantining;
pub mod refreshing;
pub mod refusing;
pub mod replaying;
pub mod reporting;
pub mod rescuing;
pub mod scene;
pub mod serving;
pub mod settling;
pub mod steering;
pub mod storing;
pub mod submitting;
pub mod syncing;
pub mod triggering;

use std::time::Duration;

use async_trait::async_trait;
use ledgerfleet_model::{SegmentId, Standing};

use crate::Ledger;

/// A fresh, empty ledger whose time passes when it is told to.
#[async_trait]
pub trait World: Send + Sync {
    /// The ledger.
    fn ledger(&self) -> &dyn Ledger;

    /// Lets time pass for the ledger: a clock is moved, or every stored instant is made older.
    async fn pass_time(&self, by: Duration);

    /// The ledger's clock was ahead by this and is set right: all that is stored was written later than now.
    async fn set_clock_back(&self, by: Duration);

    /// The state, fence and counters of a segment as they are stored.
    async fn standing(&self, segment: SegmentId) -> Standing;

    /// From now on the database refuses to let a segment be dead, or allows it again.
    async fn refuse_burials(&self, refused: bool);
}

/// One test of every promise, for the worlds that an `async fn() -> impl World` makes.
#[macro_export]
macro_rules! ledger_conformance {
    ($world:path) => {
        $crate::ledger_conformance! { @tests $world,
            connecting::{
                a_name_is_taken_until_its_connection_is_removed,
                a_company_is_connected_once_at_a_time_whatever_it_is_called,
                a_removed_company_that_is_connected_again_has_its_records_coverage_and_history,
                a_connection_is_renamed_and_moved_to_the_other_environment_where_it_is,
                the_records_of_a_removed_company_can_be_deleted_later,
                connections_are_listed_by_name_without_the_removed,
                an_unknown_connection_cannot_be_changed,
                a_removed_connection_stays_removed,
                removal_cancels_what_is_unfinished_and_keeps_the_records,
                removal_deletes_the_records_on_request,
                a_credential_is_replaced_by_the_next_version_only,
                of_two_refreshes_of_one_credential_one_wins,
            },
            consenting::{
                a_consent_is_taken_once_within_its_time,
                of_two_who_come_with_one_state_one_gets_it,
                how_a_consent_ended_is_known_for_a_day,
            },
            serving::{
                an_api_key_is_kept_with_its_scopes_and_companies,
                the_name_of_an_api_key_is_free_when_it_is_revoked,
                an_api_key_ends_with_its_time,
                the_use_of_an_api_key_is_noted_to_the_hour,
                a_request_that_comes_again_gets_the_answer_of_the_first,
                who_is_at_work_keeps_its_turn_and_who_is_gone_keeps_nothing,
            },
            keying::{
                the_first_key_is_the_ledgers,
                of_keys_that_come_at_one_moment_one_is_the_ledgers,
                another_key_can_be_chosen_while_nothing_is_sealed,
                what_is_sealed_is_sealed_anew_where_nobody_has_replaced_it,
                what_a_former_key_has_sealed_is_not_stored,
            },
            clocks::{
                what_a_clock_that_was_ahead_has_put_off_is_brought_back_and_what_waits_rightly_is_not,
                a_replay_that_takes_days_keeps_its_rate_and_one_of_a_clock_that_was_ahead_is_brought_back,
                a_lease_and_an_intent_of_a_clock_that_was_ahead_end,
                a_credential_and_a_hint_of_a_clock_that_was_ahead_are_of_now,
                syncs_that_a_clock_that_was_ahead_has_noted_are_due_again,
                rows_of_a_clock_that_was_ahead_are_replaced_deleted_and_revived,
                rows_of_a_clock_that_was_ahead_are_missed_by_a_reading,
                rows_of_a_clock_that_was_ahead_are_counted_and_brought_back,
                a_ledger_tells_that_its_clock_was_ahead,
            },
            submitting::{
                a_run_is_stored_with_all_its_segments_pending_and_due,
                an_equal_unfinished_request_joins_the_first,
                equal_requests_at_one_moment_make_one_run,
                a_finished_request_may_be_asked_again,
                a_plan_for_a_removed_connection_stores_nothing,
                every_kind_of_window_comes_back_as_it_was_submitted,
            },
            dispatching::{
                connections_take_turns,
                a_lane_comes_before_the_next,
                a_connection_is_offered_its_slots_and_three_less_what_runs,
                no_more_is_offered_than_in_all,
                what_waits_is_not_offered_before_its_time,
                what_is_paused_is_neither_offered_nor_claimed,
                a_run_ends_when_all_its_segments_have,
                a_run_whose_segments_were_all_cancelled_is_cancelled,
                a_run_whose_company_was_removed_on_the_way_is_cancelled,
                a_paused_run_is_not_closed,
                segments_are_counted_by_state,
            },
            claiming::{
                a_claim_answers_all_that_a_worker_needs,
                every_claim_tells_when_the_first_one_was,
                claims_come_in_the_order_of_their_ids,
                a_segment_is_claimed_by_one_worker_only,
                every_claim_raises_the_fence,
                a_heartbeat_tells_what_is_lost,
                what_is_handed_back_is_due_at_once_and_counts_as_nothing,
                what_is_claimed_again_and_again_in_vain_is_dead,
                a_page_a_failure_and_a_wait_begin_the_count_of_vain_claims_anew,
                a_worker_learns_what_it_holds,
                a_suspect_has_not_started_before_it_says_so,
            },
            settling::{
                a_wait_is_due_later_and_counts_as_waiting,
                a_failure_is_due_later_and_the_sixth_is_the_last,
                what_cannot_succeed_is_dead_with_a_reason,
                waiting_too_long_is_death,
                waits_for_one_reason_share_a_row_of_history,
                a_settlement_counts_its_calls,
                whoever_lost_the_fence_writes_nothing,
            },
            rescuing::{
                only_what_has_expired_is_taken_back,
                everything_is_taken_back_on_request,
                the_third_crash_without_a_page_is_a_crash_loop,
                a_segment_whose_burial_is_refused_is_put_off_and_keeps_no_other_from_being_rescued,
                what_is_put_off_is_due_after_its_wait_and_counts_as_nothing,
                a_crash_after_a_page_is_not_counted,
                a_crash_before_a_suspect_has_started_is_not_counted,
                a_suspect_that_never_starts_is_dead_in_the_end,
                a_heartbeat_or_a_page_keeps_a_segment_from_being_rescued,
            },
            paging::{
                a_page_of_megabytes_is_stored_whole,
                a_last_page_ends_its_segment_with_rows_and_coverage,
                a_page_moves_on_and_forgives_failures_and_crashes,
                an_attempt_resumes_after_the_last_committed_page,
                another_pass_begins_at_the_first_page,
                ids_of_two_passes_are_compared,
                what_was_seen_is_forgotten_when_the_segment_ends,
                a_page_of_a_lost_claim_stores_nothing,
                no_step_of_a_claim_that_another_has_taken_over_is_stored,
                a_page_that_is_stored_twice_counts_once,
            },
            storing::{
                pages_of_records_go_by_id_and_tell_what_was_stored_since,
                an_equal_record_writes_nothing,
                a_record_seen_again_after_a_day_is_noted,
                an_older_version_never_replaces_a_newer_one,
                of_two_records_with_one_id_the_newer_counts,
                a_tombstone_is_judged_by_its_time_alone,
                a_tombstone_keeps_the_last_payload,
                companies_and_tables_do_not_mix,
                records_are_found_by_id_and_date,
                stubs_are_streamed_by_id,
                a_page_of_a_thousand_records_is_stored,
            },
            quarantining::{
                what_cannot_be_stored_is_put_away_with_its_page,
                a_good_version_releases_a_record,
                what_is_gone_at_the_source_is_listed_no_more_and_its_text_is_kept,
                what_waits_in_quarantine_and_is_not_seen_again_is_asked_for,
                an_older_observation_neither_enters_nor_leaves,
                a_newer_bad_version_takes_the_place_of_an_older_one,
                ids_in_quarantine_count_as_seen,
                which_of_some_ids_are_in_quarantine_is_told,
                a_fenced_page_puts_nothing_away,
                the_quarantine_of_a_removed_company_goes_with_its_records,
                the_text_of_every_number_survives,
                a_text_that_no_database_likes_survives,
            },
            ordering::{
                the_last_observation_stands_whatever_the_order_of_arrival,
                every_observation_is_judged_as_the_guard_says,
            },
            covering::{
                a_window_that_may_still_grow_is_open,
                a_window_of_which_nothing_proves_that_it_is_all_is_unproven_until_it_is_proven,
                a_failed_rerun_leaves_a_complete_day_complete,
                a_cancelled_rerun_leaves_a_complete_day_complete,
                coverage_is_filtered_by_connection_entity_and_days,
                what_was_asked_for_and_not_read_is_told_by_state_and_reason,
                days_that_were_read_through_another_window_are_not_missing,
                a_list_that_was_never_read_whole_is_missing_without_days,
            },
            learning::{
                what_is_learned_belongs_to_an_entity_of_a_company,
                only_a_larger_value_is_news_while_the_fact_is_believed,
            },
            comparing::{
                summaries_tell_hash_day_and_total_of_a_slice,
                a_total_has_all_its_digits_whether_it_stands_there_as_a_number_or_as_a_text,
                a_slice_is_read_share_by_share,
                what_is_distrusted_is_stored_again_when_it_is_read_again,
                records_are_counted_by_day_and_in_all,
                what_a_reading_did_not_bring_is_told,
                what_a_reading_did_not_bring_is_told_in_parts_until_all_is_told,
                what_was_observed_after_a_reading_began_is_not_missed_by_it,
                the_pages_of_a_pass_count_together_as_seen,
                what_is_stored_beside_the_pages_is_neither_progress_nor_seen,
            },
            burying::{
                dead_letters_are_listed_newest_first_and_filtered,
                dead_letters_of_one_cause_are_one_group,
                dead_letters_of_a_removed_connection_are_gone,
                dead_letters_are_found_by_the_days_of_their_window,
                a_list_goes_on_where_its_page_ended,
                dead_letters_are_counted_by_connector_and_reason,
                a_history_tells_work_from_waiting,
            },
            dropping::{
                a_dropped_letter_is_dead_and_found_only_by_who_asks_for_it,
                a_drop_takes_only_what_its_filter_lets_through,
            },
            replaying::{
                a_replay_starts_anew_and_keeps_the_history,
                a_replay_changes_the_size_of_pages_where_it_is_asked_to,
                a_replay_takes_the_oldest_first_up_to_its_limit,
                a_replay_beside_an_equal_unfinished_run_reopens_both,
                a_paced_replay_makes_its_segments_due_one_step_after_the_other,
                an_equal_request_that_is_not_over_is_continued_at_its_pace,
                a_canary_that_is_asked_for_twice_sends_no_more_until_it_is_over,
                two_equal_replays_at_once_send_each_letter_once,
            },
            braking::{
                a_replay_whose_cause_returns_gives_back_what_nobody_has_claimed,
                the_replays_of_a_run_are_told,
                another_cause_does_not_stop_a_replay,
                a_death_stops_no_replay_that_the_segment_is_not_part_of,
                what_was_claimed_and_waits_for_its_next_attempt_is_not_withdrawn,
                a_stopped_replay_may_be_asked_for_again,
            },
            brakes::{
                a_brake_closes_when_different_segments_have_failed_in_a_row,
                one_at_a_time_may_probe_a_closed_brake,
                a_success_opens_a_brake_and_forgets_its_failures,
                probes_are_farther_apart_with_every_failure_up_to_a_bound,
                a_brake_of_which_nothing_is_heard_is_none,
                a_brake_of_a_clock_that_was_ahead_is_none,
            },
            steering::{
                a_pause_takes_running_segments_back_and_fences_their_workers,
                a_resumed_run_goes_on_after_its_last_page,
                a_cancel_ends_every_unfinished_segment,
                a_run_that_is_over_stays_as_it_is,
                an_unknown_run_has_no_state,
            },
            refusing::{
                a_refusal_parks_a_connection_unless_its_credential_was_replaced_since,
                the_cause_of_a_refusal_is_kept_until_the_connection_is_used_again,
            },
            refreshing::{
                of_many_who_would_refresh_one_may,
                an_intent_ends_with_its_lease_and_that_is_written_down,
                a_stored_refresh_ends_the_intent_and_is_written_down_with_it,
                a_refresh_that_failed_gives_its_intent_back_and_a_lost_one_keeps_it,
                what_is_refused_is_not_sent_again_by_those_who_waited,
                what_is_recovered_makes_a_connection_active_that_waited_for_a_person,
                a_removed_connection_has_no_refreshes,
                only_the_newest_refreshes_are_kept,
                the_refreshes_of_the_stored_credential_are_kept_whatever_their_number,
            },
            syncing::{
                every_kind_of_work_comes_back_as_it_was_submitted,
                a_page_has_rows_of_several_entities_and_moves_their_checkpoints,
                a_fenced_page_moves_no_checkpoint,
                a_checkpoint_stays_where_what_lies_between_was_not_read,
                the_time_of_the_first_answer_is_kept_through_attempts,
                what_follows_joins_the_run_with_the_end_of_its_segment,
                failures_are_told_of_every_entity_that_was_to_be_in_sync,
                companies_are_due_at_their_time_while_active_and_their_changes_are_not_being_asked_for,
                a_sync_that_waits_in_another_lane_holds_back_no_schedule,
                only_the_newest_syncs_of_a_company_are_kept,
                a_sync_that_somebody_asked_for_is_kept_for_three_months,
                a_sync_that_saw_what_waits_in_quarantine_is_kept,
            },
            triggering::{
                a_trigger_fires_at_its_instant_once_and_is_over,
                of_two_who_fire_a_trigger_at_one_moment_one_does,
                a_trigger_that_fires_late_says_so_and_one_that_recurs_goes_on,
                what_cannot_be_submitted_is_told_and_a_company_that_is_gone_stores_nothing,
                a_trigger_that_was_cancelled_does_not_fire,
                a_trigger_is_moved_from_where_it_is_due_and_fires_at_an_instant_that_was_noted_before,
                old_firings_are_forgotten_and_the_last_of_a_trigger_that_lives_is_not,
            },
            hinting::{
                an_event_is_stored_once_however_often_it_is_sent,
                events_of_strangers_and_nonsense_are_counted_and_looked_for_by_nobody,
                events_of_a_company_are_gathered_and_then_come_together,
                a_company_that_is_not_asked_keeps_its_events_until_it_is,
                a_record_that_is_not_there_yet_is_looked_for_twice_more,
                a_run_is_stored_with_the_note_of_what_it_looks_for_or_not_at_all,
                events_are_forgotten_after_a_week,
            },
            reporting::{
                a_report_sums_what_its_segments_did,
                what_a_run_found_deleted_is_counted_once,
                runs_are_listed_newest_first,
                runs_are_within_companies_by_id_before_they_are_limited,
                ids_that_begin_alike_are_found_by_their_range,
                a_company_is_summed_up_in_one_row,
                what_fails_and_is_tried_again_is_told_until_it_is_done,
                what_waits_for_a_person_is_blocked,
                what_is_left_is_told_by_connection_with_what_comes_first,
                calls_are_told_by_month_company_and_entity,
                what_was_done_is_told_newest_first_in_pages,
                volumes_are_told_by_connection_and_entity,
                totals_are_told_by_connection_and_table,
            },
            model::{
                any_story_of_a_segment_ends_where_the_model_says,
            },
        }
    };
    (@tests $world:path, $($noun:ident::{ $($promise:ident),+ $(,)? }),+ $(,)?) => {
        $(mod $noun {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    $crate::conformance::$noun::$promise(&$world().await).await;
                }
            )+
        })+
    };
}
