//! A ledger against the model: whatever happens to a segment, it stands where `Standing::on` says.

use std::time::Duration;

use ledgerfleet_model::segment::{Event, Settlement};
use ledgerfleet_model::{Epoch, FailureKind, Outcome, SegmentId, SegmentState, Standing, Timings};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::World;
use super::scene::{Scene, claim_all, company, failure, held, only_page, page, record, run_for, seconds};
use crate::{
    Claim, Committed, DeadLetterFilter, Effort, NextStep, ReplayRequest, RescueScope, Settled, Steer,
};

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        8 => Just(Event::Claim),
        2 => Just(Event::Start),
        2 => Just(Event::Page),
        1 => Just(Event::Finish),
        2 => (0..20u64).prop_map(|hours| Event::Later(Duration::from_secs(hours * 3600))),
        4 => Just(Event::Retry),
        1 => Just(Event::Dead),
        2 => Just(Event::HandBack),
        4 => Just(Event::Rescue),
        2 => Just(Event::Replay),
        1 => Just(Event::Cancel),
    ];
    prop::collection::vec(event, 1..40)
}

/// Plays random stories, also events that cannot happen, and compares state, fence and counters after each.
pub async fn any_story_of_a_segment_ends_where_the_model_says(world: &dyn World) {
    let connection = company(world, "Alder").await;
    let handle = tokio::runtime::Handle::current();
    let mut runner = TestRunner::new(Config {
        cases: 32,
        failure_persistence: None,
        ..Config::default()
    });
    let told = tokio::task::block_in_place(|| {
        runner.run(&events(), |story| {
            handle.block_on(async {
                let scene = run_for(world, connection, ledgerfleet_model::Lane::Backfill, 1).await;
                Player::new(world, scene).play(&story).await;
            });
            Ok(())
        })
    });
    told.unwrap();
}

/// One segment in the ledger beside its model.
struct Player<'a> {
    world: &'a dyn World,
    scene: Scene,
    model: Standing,
    /// The newest claim, as a worker holds it: also when it has lost the fence since.
    claim: Option<Claim>,
    page: u32,
}

impl<'a> Player<'a> {
    fn new(world: &'a dyn World, scene: Scene) -> Self {
        Self {
            world,
            scene,
            model: Standing::NEW,
            claim: None,
            page: 0,
        }
    }

    async fn play(&mut self, story: &[Event]) {
        for event in story {
            let expected = self.model.on(*event, &Timings::default());
            let happened = self.happens(*event).await;
            assert_eq!(
                happened,
                expected.is_ok(),
                "{event:?} on {:?} in {story:?}",
                self.model
            );
            self.model = expected.unwrap_or(self.model);
            let stored = self.world.standing(self.segment()).await;
            assert_eq!(stored, self.model, "after {event:?} in {story:?}");
        }
    }

    fn segment(&self) -> SegmentId {
        self.scene.segments[0]
    }

    /// Lets an event happen to the ledger, or tries to. Answers whether it took effect.
    async fn happens(&mut self, event: Event) -> bool {
        let ledger = self.world.ledger();
        let only_this = DeadLetterFilter {
            ids: vec![self.segment()],
            ..DeadLetterFilter::default()
        };
        match event {
            Event::Claim => self.claim_when_due().await,
            Event::Rescue => {
                let rescued = ledger
                    .rescue(RescueScope::All, &Timings::default())
                    .await
                    .unwrap();
                rescued.iter().any(|rescued| rescued.segment == self.segment())
            }
            Event::Replay => {
                ledger
                    .replay(&ReplayRequest {
                        filter: only_this,
                        ..ReplayRequest::default()
                    })
                    .await
                    .unwrap()
                    .segments
                    == 1
            }
            Event::Cancel => self.cancel().await,
            _ => match self.claim.clone() {
                Some(claim) => self.write(&claim, event).await,
                None => false,
            },
        }
    }

    async fn claim_when_due(&mut self) -> bool {
        self.world.pass_time(seconds(21 * 3600)).await;
        let claimed = claim_all(self.world, &self.scene.segments).await.pop();
        let happened = claimed.is_some();
        if let Some(claim) = claimed {
            (self.page, self.claim) = (claim.page, Some(claim));
        }
        happened
    }

    /// Cancels the run; one that was closed would not be steered, so it never is here.
    async fn cancel(&mut self) -> bool {
        let before = self.model.state;
        self.world
            .ledger()
            .steer_run(self.scene.run, Steer::Cancel)
            .await
            .unwrap();
        matches!(before, SegmentState::Pending | SegmentState::Running)
    }

    /// What a worker does, which holds a claim that may be lost.
    async fn write(&mut self, claim: &Claim, event: Event) -> bool {
        let ledger = self.world.ledger();
        let seen = [record("1", 1)];
        match event {
            Event::Start => ledger.start(held(claim)).await.unwrap(),
            Event::HandBack => ledger.hand_back(&[held(claim)]).await.unwrap() == 1,
            Event::Page => {
                self.page += 1;
                let commit = page(claim, self.page, &seen, NextStep::Page);
                ledger.commit_page(&commit).await.unwrap() != Committed::Fenced
            }
            Event::Finish => ledger.commit_page(&only_page(claim, &seen)).await.unwrap() != Committed::Fenced,
            _ => self.settle(claim, event).await,
        }
    }

    async fn settle(&self, claim: &Claim, event: Event) -> bool {
        let outcome = match event {
            Event::Later(wait) => Outcome::Later { wait },
            Event::Retry => Outcome::Retry { wait: seconds(1) },
            _ => Outcome::Dead,
        };
        // A worker knows its counters as they are while it holds the segment, and as they were once it does not.
        let mine = self.model.state == SegmentState::Running && self.model.epoch == claim.standing.epoch;
        let standing = if mine { self.model } else { claim.standing };
        let failure = failure(FailureKind::Timeout);
        let settlement =
            Settlement::of(claim.segment, standing, &outcome, failure, &Timings::default()).unwrap();
        assert!(settlement.epoch() > Epoch(0));
        self.world
            .ledger()
            .settle(&settlement, &Effort::default())
            .await
            .unwrap()
            == Settled::Settled
    }
}
