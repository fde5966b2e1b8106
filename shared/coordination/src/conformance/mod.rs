//! What every implementation of bell, gate and locks must do, as tests that each of them runs.
//!
//! `coordination_suite!(world)` expands to one test per promise. A world brings fresh instances and says how
//! time passes for them.

pub mod bell;
pub mod gate;
pub mod lock;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Bell, Gate, Locks};

/// Fresh instances of one implementation.
#[async_trait]
pub trait World: Send + Sync {
    /// A bell that nobody has rung.
    fn bell(&self) -> Arc<dyn Bell>;
    /// A gate that has granted nothing.
    fn gate(&self) -> Arc<dyn Gate>;
    /// Locks that nobody holds.
    fn locks(&self) -> Arc<dyn Locks>;
    /// Lets time pass for all of them.
    async fn pass(&self, time: Duration);
}

/// One test per promise, for the world that `$world` (an async function) makes.
#[macro_export]
macro_rules! coordination_suite {
    ($world:ident) => {
        $crate::coordination_suite!(@module bell $world:
            lanes_are_served_in_their_order,
            replacing_a_lane_drops_what_it_held,
            whoever_waits_is_served_when_the_set_is_filled,
            an_empty_bell_answers_nothing_after_the_patience,
            no_id_is_given_twice,
            a_ring_is_heard_also_by_who_listens_later,
            a_probe_takes_nothing_and_leaves_nothing,
            a_probe_does_not_wait_for_who_waits_at_the_bell
        );
        $crate::coordination_suite!(@module gate $world:
            grants_are_evenly_spaced_and_first_come_first_served,
            an_idle_gate_saves_nothing_up,
            what_is_too_far_away_is_not_booked,
            no_more_than_the_slots_are_in_flight,
            a_slot_that_is_not_renewed_frees_itself,
            a_closed_gate_starts_nothing_and_books_behind_its_opening,
            a_shorter_closing_never_shortens_a_longer_one,
            a_closing_never_moves_a_booking_onto_another,
            every_closing_slows_the_gate_down_to_one_request_a_second,
            a_slowed_gate_regains_its_pace_when_it_is_calm,
            guessed_closings_grow,
            connections_have_gates_of_their_own,
            any_second_sees_no_more_than_its_share,
            a_passage_waits_for_a_slot_and_tells_what_is_too_far_away
        );
        $crate::coordination_suite!(@module lock $world:
            a_lock_has_one_holder,
            the_same_segment_with_a_higher_epoch_takes_over_at_once,
            another_segment_does_not_take_over_whatever_its_epoch,
            who_was_taken_from_can_neither_renew_nor_release,
            a_lock_that_is_not_renewed_frees_itself,
            other_windows_are_other_locks
        );
    };
    (@module $module:ident $world:ident: $($test:ident),+) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $test() {
                    let world = super::$world().await;
                    $crate::conformance::$module::$test(&world).await;
                }
            )+
        }
    };
}
