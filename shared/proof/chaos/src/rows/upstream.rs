//! Upstream: throttling, failures, and answers that are not what they should be.

use std::time::Duration;

use ledgerfleet_emulator::FaultSpec;
use ledgerfleet_ledger::Steer;
use ledgerfleet_model::Lane;

use crate::oracle::retries;
use crate::{Ending, Expect, Facts, Ground, Hire, Stage, Wish, World};

/// What an answer that goes wrong a few times comes to.
struct Trouble {
    world: World,
    facts: Facts,
}

/// Lets some answers go wrong while a fleet works; in the end nothing of that may be left.
async fn trouble(stage: &Stage, faults: &[&str]) -> Trouble {
    let mut world = World::new(stage, Ground::default()).await;
    for fault in faults {
        set(&world, stage, fault);
    }
    world.fleet.start(2);
    world
        .ask(&Wish::days(&["invoice", "journal_entry", "customer"], 20))
        .await;
    let mut facts = world.judge(Expect::default()).await;
    facts.insert(0, faults.join(" "));
    Trouble { world, facts }
}

/// Has answers go wrong from now on.
pub(super) fn set(world: &World, stage: &Stage, fault: &str) {
    let mut spec: FaultSpec = fault.parse().unwrap();
    spec.seed = stage.seed;
    world.emulator.set_fault(spec);
}

impl Trouble {
    /// Why attempts ended otherwise than done.
    fn reasons(&self) -> Vec<String> {
        let reasons = self
            .world
            .sql("SELECT DISTINCT reason FROM fleet.attempts ORDER BY 1");
        reasons.lines().map(str::to_owned).collect()
    }

    /// Fails unless attempts ended for these reasons only, and for the first of them at least once.
    fn only(&self, expected: &[&str]) {
        let reasons = self.reasons();
        let known = reasons.iter().all(|reason| expected.contains(&reason.as_str()));
        let struck = reasons.iter().any(|reason| reason == expected[0]);
        assert!(known && struck, "reasons {reasons:?} instead of {expected:?}");
    }

    /// Fails unless answers that failed so were asked for in another way, within their attempts.
    fn asked_otherwise_after(&self, reason: &str) {
        let workers = &self.world.fleet.workers;
        let logs: Vec<String> = workers.iter().map(|worker| worker.process.log()).collect();
        let reason = format!("\"reason\":\"{reason}\"");
        let mut lines = logs.iter().flat_map(|log| log.lines());
        let struck = lines.any(|line| line.contains(&reason) && line.contains("\"change\":"));
        assert!(struck, "nothing was asked for in another way");
    }
}

/// F30: a company throttles and says until when. Nobody asks it before; nothing fails; the other one notices nothing.
pub(super) async fn throttled(stage: Stage) -> Ending {
    let trouble = trouble(
        &stage,
        &["throttle=429,retry_after=1,percent=10,company=north,times=8"],
    )
    .await;
    trouble.only(&["throttled", "gate_busy"]);
    assert_eq!(retries(&trouble.world), 0, "to be throttled is no failure");
    let south = trouble.world.connection("south").id;
    let others = trouble.world.count(&format!(
        "SELECT count(*) FROM fleet.attempts a JOIN fleet.segments s ON s.id = a.segment_id
         WHERE s.connection_id = '{south}'"
    ));
    assert_eq!(others, 0, "the other company was not throttled");
    let early = too_early(&trouble.world, "north", Duration::from_secs(1));
    assert!(early.is_empty(), "requests before the time was over: {early:?}");
    Ok(trouble.facts)
}

/// When a request came although the company had asked for a pause. Those that were under way when the answer was
/// written are not meant.
fn too_early(world: &World, company: &str, pause: Duration) -> Vec<String> {
    const UNDER_WAY: Duration = Duration::from_millis(400);
    const TOLERANCE: Duration = Duration::from_millis(50);
    let realm = &world.connection(company).account;
    let seen: Vec<(chrono::DateTime<chrono::Utc>, u64)> = world
        .requests()
        .into_iter()
        .filter(|line| {
            line["path"]
                .as_str()
                .is_some_and(|path| path.contains(realm.as_str()))
        })
        .filter_map(|line| Some((line["time"].as_str()?.parse().ok()?, line["status"].as_u64()?)))
        .collect();
    let refused = seen.iter().filter(|(_, status)| *status == 429);
    let of_one = refused.flat_map(|(at, _)| {
        let (from, to) = (*at + UNDER_WAY, *at + pause - TOLERANCE);
        seen.iter()
            .filter(move |(other, _)| *other > from && *other < to)
            .map(|(other, _)| other.to_rfc3339())
    });
    of_one.collect()
}

/// F31: throttled without a time, in XML although JSON was asked for.
pub(super) async fn throttled_in_xml(stage: Stage) -> Ending {
    let trouble = trouble(&stage, &["throttle=429,body=xml,percent=10,times=6"]).await;
    trouble.only(&["throttled", "gate_busy"]);
    assert_eq!(retries(&trouble.world), 0, "to be throttled is no failure");
    Ok(trouble.facts)
}

/// F32: bursts of failures. Retries are spread, not sent as one.
pub(super) async fn failures(stage: Stage) -> Ending {
    let faults = [
        "html=500,percent=10,times=15",
        "html=502,percent=10,times=15",
        "html=503,percent=10,times=15",
        "html=504,percent=10,times=15",
    ];
    let mut trouble = trouble(&stage, &faults).await;
    trouble.only(&["upstream_error", "gate_busy", "braked"]);
    let spread = trouble.world.sql(
        "SELECT count(*), coalesce(max(n), 0) FROM (SELECT count(*) n FROM (
             SELECT DISTINCT ON (segment_id) width_bucket(waited_ms, 0, 1000, 5) bin FROM fleet.attempts
             WHERE outcome = 'retry' ORDER BY segment_id, id) first GROUP BY bin) bins",
    );
    trouble.facts.push(format!(
        "first waits fall into bins of 200 ms, number and fullest: {spread}"
    ));
    let (bins, fullest) = spread.split_once('|').unwrap();
    let (bins, fullest): (u64, u64) = (bins.parse().unwrap(), fullest.parse().unwrap());
    assert!(bins >= 3 && fullest <= 30, "retries come as one: {spread}");
    Ok(trouble.facts)
}

/// F33: an answer that stops after its head is given up after the idle time.
pub(super) async fn hung(stage: Stage) -> Ending {
    let trouble = trouble(&stage, &["slow=60000,chunk=1,times=3"]).await;
    trouble.asked_otherwise_after("timeout");
    Ok(trouble.facts)
}

/// F34: an answer that comes byte by byte is given up after the total time.
pub(super) async fn dripping(stage: Stage) -> Ending {
    let trouble = trouble(&stage, &["slow=100,chunk=1,times=3"]).await;
    trouble.asked_otherwise_after("timeout");
    Ok(trouble.facts)
}

/// F35: an answer that is cut off, in three ways, is never stored in part.
pub(super) async fn cut_off(stage: Stage) -> Ending {
    let faults = [
        "truncate=50,length=cut,percent=10,times=4",
        "truncate=50,length=full,percent=10,times=4",
        "bad_gzip,percent=10,times=4",
    ];
    let trouble = trouble(&stage, &faults).await;
    trouble.only(&[
        "truncated",
        "network",
        "unexpected_content",
        "gate_busy",
        "braked",
    ]);
    Ok(trouble.facts)
}

/// F36: a page of HTML under 200 is not an empty day.
pub(super) async fn html(stage: Stage) -> Ending {
    let trouble = trouble(&stage, &["html=200,percent=10,times=8"]).await;
    trouble.only(&["unexpected_content", "gate_busy", "braked"]);
    Ok(trouble.facts)
}

/// F37: a fault under 200 is an error.
pub(super) async fn fault_under_success(stage: Stage) -> Ending {
    let trouble = trouble(&stage, &["fault=200,percent=10,times=8"]).await;
    trouble.only(&["upstream_error", "gate_busy", "braked"]);
    Ok(trouble.facts)
}

/// F38: answers without end cost bounded memory, and their windows are dead with a reason.
pub(super) async fn endless(stage: Stage) -> Ending {
    const MOST_KIB: u64 = 700 << 10;
    let mut world = World::new(&stage, Ground::default()).await;
    set(&world, &stage, "gzip_bomb=1024,entity=invoice,times=2");
    set(&world, &stage, "long_body,entity=customer,times=1");
    world.fleet.hire(&Hire::default());
    world
        .ask(&Wish::days(&["invoice", "journal_entry", "customer"], 10).in_one_page())
        .await;
    world.until_over(crate::wait::PATIENCE).await;
    let peak = world.fleet.workers[0].process.peak_memory();
    let reasons = world.sql("SELECT DISTINCT reason FROM fleet.segments WHERE state = 'dead'");
    assert!(matches!(reasons.as_str(), "" | "too_large"), "dead of {reasons}");
    assert!(peak < MOST_KIB, "a worker took {} MiB", peak >> 10);
    let dead = world.replay_all().await;
    let mut facts = world.judge(Expect::default()).await;
    facts.push(format!(
        "{dead} dead as too_large and sent again; at most {} MiB of memory",
        peak >> 10
    ));
    Ok(facts)
}

/// F18: so many retries are due at once that a list of all of them would choke what holds it. A bounded part is offered.
pub(super) async fn many_due(stage: Stage) -> Ending {
    const OFFERED: u64 = 2_000;
    let mut ground = Ground {
        pace: 600.0,
        scale: 0.05,
        ..Ground::default()
    }
    .companies(5);
    ground.emulator.days = 400;
    let mut world = World::new(&stage, ground).await;
    set(&world, &stage, "html=503");
    let entities = &[
        "invoice",
        "journal_entry",
        "payment",
        "bill",
        "estimate",
        "deposit",
        "purchase",
        "transfer",
        "vendor_credit",
        "credit_memo",
    ];
    let run = world.ask(&Wish::days(entities, 400).in_one_page()).await;
    let due = world.count("SELECT count(*) FROM fleet.segments WHERE state = 'pending' AND due_at <= now()");
    assert!(due >= 19_000, "only {due} are due");
    let many = Hire {
        concurrency: 12,
        ..Hire::default()
    };
    world.fleet.hire(&many);
    world.fleet.hire(&many);
    let mut most = 0;
    for _ in 0..40 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        most = most.max(offered(&world).await);
    }
    world.emulator.clear_faults();
    world
        .until(run, "a thousand are done", |report| report.done >= 1_000)
        .await;
    most = most.max(offered(&world).await);
    assert!(most <= OFFERED, "{most} were on the bell at once");
    // That the rest would follow is shown; to wait for it would take minutes.
    world.parts.ledger.steer_run(run, Steer::Cancel).await.unwrap();
    let expect = Expect {
        apart_from: entities.to_vec(),
        late: 100,
        ..Expect::default()
    };
    let mut facts = world.judge(expect).await;
    facts.push(format!("{due} due at once, at most {most} on the bell"));
    Ok(facts)
}

/// How many segments the bell holds.
async fn offered(world: &World) -> u64 {
    let mut all = 0;
    for lane in Lane::ALL {
        all += world.parts.bell.ready(*lane).await.unwrap();
    }
    all
}

/// F72: the upstream is away for ten minutes of the product's time, in three ways. Nobody asks it often, nothing is dead,
/// no company is parked, and all is done soon after.
pub(super) async fn away(stage: Stage) -> Ending {
    const COMPANIES: u64 = 2;
    let ground = Ground {
        scale: 0.02,
        ..Ground::default()
    };
    let minute = ground.scaled(Duration::from_mins(1));
    let mut world = World::new(&stage, ground).await;
    world.fleet.start(2);
    let run = world
        .ask(&Wish::days(&["invoice", "journal_entry", "customer"], 20).in_one_page())
        .await;
    world.until_done(run, 5).await;
    let (mut asked, mut minutes) = (0, 0);
    for (fault, lasts) in [
        ("html=503", 4),
        ("fault=500,code=3100", 3),
        ("fault=400,code=500", 3),
    ] {
        world.emulator.clear_faults();
        set(&world, &stage, fault);
        if minutes == 0 {
            // What is in flight comes back, and closes the brakes.
            let closed = "SELECT count(*) FROM fleet.brakes WHERE next_probe_at IS NOT NULL";
            crate::wait::until("the brakes are closed", crate::wait::PATIENCE, async || {
                world.count(closed) >= COMPANIES
            })
            .await;
        }
        let before = world.emulator.summary().requests;
        tokio::time::sleep(minute * lasts).await;
        asked += world.emulator.summary().requests - before;
        minutes += lasts;
    }
    // Each probe may be on its way at the borders of what was counted.
    let most = (u64::from(minutes) * 2 + 4) * COMPANIES;
    assert!(asked <= most, "{asked} requests in {minutes} minutes");
    let dead = world.count("SELECT count(*) FROM fleet.segments WHERE state = 'dead'");
    let parked = world.count("SELECT count(*) FROM fleet.connections WHERE state <> 'active'");
    assert_eq!((dead, parked), (0, 0), "dead segments, parked companies");
    world.emulator.clear_faults();
    let over = tokio::time::Instant::now();
    let mut facts = world.judge(Expect::default()).await;
    facts.push(format!(
        "{asked} requests in {minutes} minutes of an outage; all done {:.1} minutes after it",
        over.elapsed().as_secs_f64() / minute.as_secs_f64()
    ));
    Ok(facts)
}
