//! Texts: records that a database cannot hold as they are, that are too large, or that are not what was announced.

use std::collections::BTreeSet;

use ledgerfleet_emulator::{FaultSpec, Mutation, MutationKind, Oddity, STRANGE_TEXT};
use ledgerfleet_ledger::{RecordFilter, StoredRecord};
use ledgerfleet_model::json::{Token, tokens};

use crate::oracle::retries;
use crate::wait::PATIENCE;
use crate::{Ending, Expect, Facts, Ground, Stage, Wish, World};

/// What is read: lists and documents.
const READ: &[&str] = &["customer", "invoice"];

/// The days of documents that are read.
const DAYS: u64 = 10;

/// The company whose records become strange.
const COMPANY: &str = "north";

/// A world in which some records are strange, and which.
struct Oddities {
    world: World,
    ids: Vec<(&'static str, Oddity, String)>,
}

impl Oddities {
    async fn new(stage: &Stage) -> Self {
        Self {
            world: World::new(stage, Ground::default()).await,
            ids: Vec::new(),
        }
    }

    /// Makes a customer and an invoice strange.
    fn make(&mut self, stage: &mut Stage, oddity: Oddity, size: Option<u32>) {
        for entity in READ {
            let id = self.normal_one(stage, entity);
            let mutation = Mutation {
                ids: vec![id.clone()],
                oddity: Some(oddity),
                size,
                ..Mutation::new(COMPANY, *entity, MutationKind::Odd)
            };
            self.world.emulator.mutate(mutation).unwrap();
            self.ids.push((entity, oddity, id));
        }
    }

    /// A record that is read and not strange yet.
    fn normal_one(&self, stage: &mut Stage, entity: &'static str) -> String {
        let taken: BTreeSet<&String> = self
            .ids
            .iter()
            .filter(|(of, _, _)| *of == entity)
            .map(|(_, _, id)| id)
            .collect();
        let days = crate::world::last_days(DAYS);
        let mut filter = ledgerfleet_emulator::TruthFilter::default();
        if entity == "invoice" {
            (filter.from, filter.to) = (Some(*days.start()), Some(*days.end()));
        }
        let mut lines = self.world.emulator.truth(COMPANY, entity, &filter).unwrap();
        lines.retain(|line| !taken.contains(&line.id));
        let chosen = stage.draw(0, lines.len() as u64 - 1);
        lines.swap_remove(usize::try_from(chosen).unwrap()).id
    }

    /// Reads everything with two workers, in pages of a few rows.
    async fn read(&mut self) {
        self.world.fleet.start(2);
        self.world.ask(&Wish::days(READ, DAYS)).await;
        self.world.until_over(PATIENCE).await;
    }

    async fn judge(&mut self, quarantined: u64) -> Facts {
        let expect = Expect {
            quarantined,
            ..Expect::default()
        };
        let mut facts = self.world.judge(expect).await;
        assert_eq!(
            retries(&self.world),
            0,
            "strange records are no failure of a segment"
        );
        if quarantined > 0 {
            let reasons = self
                .world
                .sql("SELECT count(*), reason FROM fleet.quarantine GROUP BY reason ORDER BY reason");
            facts.push(format!("in quarantine: {}", reasons.trim().replace('\n', ", ")));
        }
        facts
    }

    /// The strange records of that kind as they are stored.
    async fn stored(&self, oddity: Oddity) -> Vec<StoredRecord> {
        let mut all = Vec::new();
        for (entity, _, id) in self.ids.iter().filter(|(_, kind, _)| *kind == oddity) {
            all.push(stored(&self.world, entity, id).await);
        }
        all
    }
}

async fn stored(world: &World, entity: &str, id: &str) -> StoredRecord {
    let filter = RecordFilter {
        connection: world.connection(COMPANY).id,
        table: format!("qbo_{entity}"),
        id: Some(id.to_owned()),
        from: None,
        to: None,
        limit: 1,
    };
    let mut records = world.parts.ledger.records(&filter).await.unwrap();
    assert_eq!(records.len(), 1, "{entity} {id} is stored");
    records.remove(0)
}

/// F51: what the database cannot hold is stored in another spelling, flagged, and its bytes are kept; everything else of
/// strange scripts is stored to the letter.
pub(super) async fn unstorable(mut stage: Stage) -> Ending {
    let mut odd = Oddities::new(&stage).await;
    for oddity in [Oddity::NullCharacter, Oddity::LoneSurrogate, Oddity::StrangeTexts] {
        odd.make(&mut stage, oddity, None);
    }
    let mark = "byte_order_mark,percent=20".parse().unwrap();
    odd.world.emulator.set_fault(mark);
    odd.read().await;
    for (oddity, text) in [
        (Oddity::NullCharacter, r"before\u0000after"),
        (Oddity::LoneSurrogate, r"half \ud83d of"),
    ] {
        for record in odd.stored(oddity).await {
            let original = record.original.expect("its bytes are kept");
            assert!(original.contains(text) && !record.payload.get().contains(text));
        }
    }
    for record in odd.stored(Oddity::StrangeTexts).await {
        assert!(record.original.is_none() && record.payload.get().contains(STRANGE_TEXT));
    }
    let flagged = odd
        .world
        .count("SELECT count(*) FROM raw.records WHERE sanitised");
    assert_eq!(flagged, 4, "flagged");
    let mut facts = odd.judge(0).await;
    facts.push(format!("{flagged} in another spelling, with their bytes"));
    Ok(facts)
}

/// F51b: bytes that are no text, once in some answers. They take one record away from each, to quarantine; when it is read
/// again, it is there.
pub(super) async fn damaged(stage: Stage) -> Ending {
    let mut world = World::new(&stage, Ground::default()).await;
    let bytes = "invalid_utf8,percent=15,times=6".parse::<FaultSpec>().unwrap();
    world.emulator.set_fault(FaultSpec {
        seed: stage.seed,
        ..bytes
    });
    world.fleet.start(2);
    world.ask(&Wish::days(READ, DAYS)).await;
    world.until_over(PATIENCE).await;
    let away = world.sql("SELECT DISTINCT reason FROM fleet.quarantine");
    assert_eq!(away.trim(), "not_utf8");
    let away = world.count("SELECT count(*) FROM fleet.quarantine");
    world.emulator.clear_faults();
    world.ask(&Wish::days(READ, DAYS)).await;
    let mut facts = world.judge(Expect::default()).await;
    assert_eq!(retries(&world), 0, "a damaged record is no failure of a segment");
    facts.push(format!(
        "{away} records were in quarantine until they were read again"
    ));
    Ok(facts)
}

/// F52: every number is stored as it was written, in every record; what no decimal holds is in quarantine.
pub(super) async fn numbers(mut stage: Stage) -> Ending {
    let mut odd = Oddities::new(&stage).await;
    odd.make(&mut stage, Oddity::Numbers, None);
    odd.make(&mut stage, Oddity::MonstrousNumber, None);
    odd.read().await;
    let mut compared = 0;
    for entity in READ {
        let ids = odd.world.sql(&format!(
            "SELECT id FROM raw.qbo_{entity} WHERE connection_id = '{}'",
            odd.world.connection(COMPANY).id
        ));
        for id in ids.lines() {
            let record = stored(&odd.world, entity, id).await;
            let kept = record.original.as_deref().unwrap_or(record.payload.get());
            let served = odd.world.emulator.text(COMPANY, entity, id).unwrap();
            assert_eq!(written(kept), written(&served), "numbers of {entity} {id}");
            compared += written(kept).len();
        }
    }
    let mut facts = odd.judge(2).await;
    facts.push(format!("{compared} numbers compared as text"));
    Ok(facts)
}

/// A text's numbers as they are written, in order of their texts: a database may put members in another order.
fn written(json: &str) -> Vec<&str> {
    let numbers = tokens(json).filter_map(|token| match token {
        Token::Number(text) => Some(text),
        _ => None,
    });
    let mut numbers: Vec<&str> = numbers.collect();
    numbers.sort_unstable();
    numbers
}

/// F53: records that are too long or too deep are in quarantine, large ones are stored, and nothing takes much memory.
pub(super) async fn large(mut stage: Stage) -> Ending {
    const MOST_KIB: u64 = 700 << 10;
    let mut odd = Oddities::new(&stage).await;
    odd.make(&mut stage, Oddity::Huge, Some(10 << 20));
    odd.make(&mut stage, Oddity::Huge, Some(1 << 20));
    odd.make(&mut stage, Oddity::ManyLines, None);
    odd.make(&mut stage, Oddity::Nested, Some(100));
    odd.make(&mut stage, Oddity::Nested, Some(20_000));
    odd.read().await;
    for record in odd.stored(Oddity::ManyLines).await {
        assert!(record.payload.get().matches("\"Amount\"").count() >= 1_000);
    }
    let peaks = odd
        .world
        .fleet
        .running()
        .iter()
        .map(|worker| worker.process.peak_memory())
        .max();
    let peak = peaks.unwrap();
    assert!(peak < MOST_KIB, "a worker took {} MiB", peak >> 10);
    let reasons = odd
        .world
        .sql("SELECT DISTINCT reason FROM fleet.quarantine ORDER BY 1");
    assert_eq!(reasons.trim(), "too_deep\ntoo_long");
    let mut facts = odd.judge(4).await;
    facts.push(format!("at most {} MiB of memory", peak >> 10));
    Ok(facts)
}

/// F55: members that nobody has announced, that are gone, or that are of another type make nothing dead, and what was
/// served is stored. There are no typed columns and no event of a drift yet.
pub(super) async fn drifting(mut stage: Stage) -> Ending {
    let mut odd = Oddities::new(&stage).await;
    for oddity in [
        Oddity::UnknownMembers,
        Oddity::UnknownValues,
        Oddity::ChangedMembers,
    ] {
        odd.make(&mut stage, oddity, None);
        odd.make(&mut stage, oddity, None);
    }
    odd.read().await;
    for (oddity, text) in [
        (Oddity::UnknownMembers, "unheard of"),
        (Oddity::UnknownValues, "Hibernating"),
    ] {
        for record in odd.stored(oddity).await {
            assert!(record.payload.get().contains(text), "{text} is stored");
        }
    }
    let mut facts = odd.judge(0).await;
    facts.push(format!("{} records drifted", odd.ids.len()));
    Ok(facts)
}
