//! Days that are cut while they are read: every day is in one window, whatever is in it, moves in it or is said of it.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use ledgerfleet_emulator::{
    Acceptance, CompanySpec, Count, EmulatorOptions, FaultKind, FaultSpec, Mutation, MutationKind,
    OrderByDate, OrderById, Size, Switches,
};
use ledgerfleet_ledger::{CoverageFilter, CoverageRow, CoverageState, DispatchLimits, Fact, RunReport};
use ledgerfleet_model::{RunState, WorkerName};

use crate::world::{LAST_DAY, World, options};

const COMPANY: &str = "acme";
const DAYS: u64 = 40;

/// What is odd about the books, or about what is said of them.
#[derive(Debug, Clone, Copy)]
struct Odd {
    size: Size,
    page_size: u32,
    /// Invoices more on a day.
    peak: Option<(u64, u32)>,
    count: Count,
    order: Acceptance,
    order_by_date: OrderByDate,
    /// What happens at every third request.
    drift: Option<MutationKind>,
}

const PLAIN: Odd = Odd {
    size: Size::Small,
    page_size: 50,
    peak: None,
    count: Count::Answered,
    order: Acceptance::Accepted,
    order_by_date: OrderByDate::Sorted,
    drift: None,
};

async fn world_of(odd: Odd) -> World {
    let options = EmulatorOptions {
        companies: vec![CompanySpec::new(COMPANY, odd.size)],
        switches: Switches {
            count: odd.count,
            order: odd.order,
            order_by_date: odd.order_by_date,
            ..Switches::default()
        },
        ..options()
    };
    let world = World::with(options, Some(1_000.0)).await;
    let invoices = |kind| Mutation::new(COMPANY, "invoice", kind);
    if let Some((day, count)) = odd.peak {
        let more = Mutation {
            day: Some(LAST_DAY - Days::new(day)),
            count,
            ..invoices(MutationKind::Create)
        };
        world.emulator.mutate(more).unwrap();
    }
    if let Some(kind) = odd.drift {
        let moving = Mutation {
            every: Some(3),
            times: Some(40),
            day: Some(LAST_DAY - Days::new(9)),
            to: (kind == MutationKind::Redate).then(|| LAST_DAY - Days::new(30)),
            ..invoices(kind)
        };
        world.emulator.mutate(moving).unwrap();
    }
    world
}

async fn windows(world: &World) -> Vec<CoverageRow> {
    let filter = CoverageFilter {
        entities: vec!["invoice".to_owned()],
        ..CoverageFilter::default()
    };
    world.parts.ledger.coverage(&filter).await.unwrap()
}

fn days_of(window: &CoverageRow) -> (NaiveDate, NaiveDate) {
    (window.from.unwrap(), window.to.unwrap())
}

/// Fails unless every day asked for is in one window that was read.
async fn assert_exact(world: &World, odd: Odd) {
    let mut next = LAST_DAY - Days::new(DAYS - 1);
    for window in windows(world).await {
        let (from, to) = days_of(&window);
        assert_eq!(
            (from, window.last_result.as_str()),
            (next, "done"),
            "{odd:?} {window:?}"
        );
        next = to + Days::new(1);
    }
    assert_eq!(next, LAST_DAY + Days::new(1), "{odd:?}");
}

async fn copy(world: &World, odd: Odd) -> RunReport {
    let run = world.submit_cut(&["invoice"], DAYS, odd.page_size).await;
    let report = world.run_to_the_end(run).await;
    assert_eq!(
        (report.state, report.dead),
        (RunState::Done, 0),
        "{odd:?} {report:?}"
    );
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_day_is_in_one_window_whatever_fills_it_moves_in_it_or_is_said_of_it() {
    let medium = Odd {
        size: Size::Medium,
        page_size: 200,
        ..PLAIN
    };
    let counts = [Count::Refused, Count::Wrong, Count::High, Count::Low];
    let orders = [Count::Answered, Count::Refused].map(|count| Odd {
        order: Acceptance::Refused,
        count,
        // Without an order, pages of one window cannot be proven: each is to be one page.
        page_size: 200,
        ..PLAIN
    });
    let said = counts
        .map(|count| Odd { count, ..PLAIN })
        .into_iter()
        .chain(orders);
    let peak = Some((20, 400));
    let drifts = [
        MutationKind::Redate,
        MutationKind::Create,
        MutationKind::Delete,
        MutationKind::Update,
    ];
    let moving = drifts.map(|kind| Odd {
        drift: Some(kind),
        ..PLAIN
    });
    let odds = [
        PLAIN,
        medium,
        Odd {
            page_size: 1_000,
            ..PLAIN
        },
        Odd { peak, ..PLAIN },
        Odd {
            page_size: 60,
            count: Count::Low,
            ..medium
        },
        Odd {
            peak,
            count: Count::High,
            ..medium
        },
    ];
    for odd in odds.into_iter().chain(said).chain(moving) {
        let world = world_of(odd).await;
        copy(&world, odd).await;
        assert_exact(&world, odd).await;
        if odd.drift.is_none() {
            world.assert_truth(&["invoice"], DAYS).await;
        }
    }
}

/// The first days in their order, and the first rows in the order of their creation, are the same ones then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_cap_hides_behind_whole_days_is_not_taken_for_the_end() {
    const SHOWN: u64 = 15;
    for count in [Count::Refused, Count::Answered] {
        let odd = Odd {
            count,
            page_size: 1_000,
            ..PLAIN
        };
        let world = world_of(odd).await;
        let rows = |days| world.truth(COMPANY, "invoice", days).len() as u64;
        world.emulator.set_switches(Switches {
            count,
            order: odd.order,
            rows_at_most: Some(rows(DAYS) - rows(DAYS - SHOWN)),
            ..Switches::default()
        });
        copy(&world, odd).await;
        world.assert_truth(&["invoice"], DAYS).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sparse_books_cost_hardly_more_calls_than_they_fill_pages() {
    let odd = Odd {
        page_size: 100,
        ..PLAIN
    };
    let world = world_of(odd).await;
    // Whether the order is heeded is asked once in a long time, of the first page.
    for calls_of_once in [1, 0] {
        let report = copy(&world, odd).await;
        let least = report.rows.div_ceil(100) + 1;
        let calls = report.calls - calls_of_once;
        assert!(
            calls * 5 <= least * 6,
            "{calls} calls, at least {least}: {report:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_between_two_windows_loses_no_day_and_none_is_in_two() {
    let world = world_of(PLAIN).await;
    let ledger = &world.parts.ledger;
    let run = world.submit_cut(&["invoice"], DAYS, PLAIN.page_size).await;
    for done in 1..4 {
        let runner = world.runner();
        world.until(run, |report| report.done >= done).await;
        runner.stop().await;
        let vanished = WorkerName::of_this_process("vanished");
        let limits = DispatchLimits {
            slots: HashMap::default(),
            total: 10,
        };
        let due = ledger.due(&limits).await.unwrap();
        let ids: Vec<_> = due.iter().map(|ready| ready.segment).collect();
        ledger
            .claim(&ids, &vanished, world.parts.timings.lease)
            .await
            .unwrap();
    }
    world.run_to_the_end(run).await;
    assert_exact(&world, PLAIN).await;
    world.assert_truth(&["invoice"], DAYS).await;
}

/// What was learned of the invoices' order.
async fn learned(world: &World) -> Vec<Fact> {
    let learned = world
        .parts
        .ledger
        .learned(world.connections[0].id, "invoice")
        .await;
    let facts = learned.unwrap().into_iter().map(|(fact, _)| fact);
    facts.filter(|fact| *fact != Fact::LargestPage).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_of_days_is_believed_once_the_source_has_counted_them_and_other_orders_are_not_to_blame() {
    let orders = [
        (OrderByDate::Sorted, vec![Fact::DaysInOrder]),
        (OrderByDate::Ignored, vec![Fact::DaysUnordered]),
        (OrderByDate::Refused, vec![]),
    ];
    // Of a day of the first page, and of one of a later page: up to there rows lie in the order of their days.
    let late_days = [35, 25];
    for ((order_by_date, facts), late_day) in orders
        .into_iter()
        .flat_map(|order| late_days.map(|day| (order.clone(), day)))
    {
        let odd = Odd {
            order_by_date,
            ..PLAIN
        };
        let world = world_of(odd).await;
        world.emulator.set_switches(Switches {
            order_by_date,
            order_by_id: OrderById::Sorted,
            ..Switches::default()
        });
        // Written last, and dated earlier: in the order of ids they are on the last page.
        let late = Mutation {
            day: Some(LAST_DAY - Days::new(late_day)),
            count: 5,
            ..Mutation::new(COMPANY, "invoice", MutationKind::Create)
        };
        world.emulator.mutate(late).unwrap();
        copy(&world, odd).await;
        assert_exact(&world, odd).await;
        world.assert_truth(&["invoice"], DAYS).await;
        let mut learned = learned(&world).await;
        if order_by_date == OrderByDate::Refused {
            learned.retain(|fact| *fact != Fact::DaysUnordered);
        }
        assert_eq!(learned, facts, "{odd:?} {late_day}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_outage_cuts_no_days() {
    let odd = Odd {
        page_size: 1_000,
        ..PLAIN
    };
    let world = world_of(odd).await;
    world.emulator.set_fault(FaultSpec {
        times: Some(1),
        ..FaultSpec::always(FaultKind::Fault {
            status: 500,
            code: 10_000,
        })
    });
    copy(&world, odd).await;
    assert_eq!(windows(&world).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_before_those_that_may_still_grow_are_complete() {
    let mut world = world_of(PLAIN).await;
    let noon = (LAST_DAY - Days::new(1)).and_hms_opt(12, 0, 0).unwrap().and_utc();
    world.parts.timings.upper_margin = (world.parts.clock.now() - noon).to_std().unwrap();
    copy(&world, PLAIN).await;
    assert_exact(&world, PLAIN).await;
    for window in windows(&world).await {
        let (from, _) = days_of(&window);
        let grows = from >= LAST_DAY - Days::new(1);
        let expected = [CoverageState::Complete, CoverageState::Open][usize::from(grows)];
        assert_eq!(window.state, expected, "{window:?}");
    }
}
