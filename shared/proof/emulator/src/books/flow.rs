//! A flow: how documents follow from each other (an invoice's payment, a payment's deposit), forwards and backwards by
//! arithmetic alone, so that both ends of a link name each other although neither is ever stored.

use super::blueprint::Blueprint;
use super::calendar::Calendar;
use super::census::{Stream, following};
use super::name::Name;
use crate::dice::{Dice, topic};

/// From what a document follows.
pub(crate) struct Origin {
    pub(crate) source: Name,
    /// At least one.
    pub(crate) ordinals: Vec<u64>,
}

/// From what a document follows; none if it stands for itself.
pub(crate) fn origin(plan: &Blueprint, entity: Name, ordinal: u64) -> Option<Origin> {
    let calendar = plan.calendar(entity)?;
    let streams = plan.census(entity).streams;
    if streams.is_empty() || ordinal >= calendar.total() {
        return None;
    }
    let place = calendar.place(ordinal);
    let mut position = place.position;
    for stream in streams {
        let day = place.day - stream.lag;
        let of_source = plan.documents_on(stream.source, day);
        let count = stream.count(of_source);
        if position < count {
            let (from, to) = stream.turns(of_source);
            let first = from + position * stream.group;
            let turns = first..(first + stream.group).min(to);
            let start = plan.calendar(stream.source)?.day(day)?.start;
            let at = |turn| start + unturned(plan, stream.source, day, turn, of_source);
            return Some(Origin {
                source: stream.source,
                ordinals: turns.map(at).collect(),
            });
        }
        position -= count;
    }
    None
}

/// The document of `entity` that follows from one of `source`, if any does within the books.
pub(crate) fn follower(plan: &Blueprint, entity: Name, source: Name, ordinal: u64) -> Option<u64> {
    let calendar = plan.calendar(entity)?;
    let sources = plan.calendar(source)?;
    if ordinal >= sources.total() {
        return None;
    }
    let place = sources.place(ordinal);
    let turn = turned(plan, source, place.day, place.position, place.of);
    let wanted = |stream: &&Stream| {
        let (from, to) = stream.turns(place.of);
        stream.source == source && (from..to).contains(&turn)
    };
    let streams = plan.census(entity).streams;
    let (number, stream) = streams.iter().enumerate().find(|(_, stream)| wanted(stream))?;
    let day = place.day + stream.lag;
    let start = calendar.day(day)?.start;
    let before = &streams[..number];
    let passed = following(before, day, |source, day| plan.documents_on(source, day));
    Some(start + passed + (turn - stream.turns(place.of).0) / stream.group)
}

/// Whether a document is among the last of its day's shuffled order, which no stream reaches that ends at `beyond` percent.
pub(crate) fn is_beyond(
    plan: &Blueprint,
    entity: Name,
    calendar: &Calendar,
    ordinal: u64,
    beyond: u64,
) -> bool {
    let place = calendar.place(ordinal);
    turned(plan, entity, place.day, place.position, place.of) >= place.of * beyond / 100
}

/// The shuffled order of a day is its own order from another start: enough to mix, and reversible without a table.
fn turned(plan: &Blueprint, entity: Name, day: i64, position: u64, of: u64) -> u64 {
    (position + rotation(plan, entity, day, of)) % of.max(1)
}

fn unturned(plan: &Blueprint, entity: Name, day: i64, turn: u64, of: u64) -> u64 {
    (turn + of - rotation(plan, entity, day, of)) % of.max(1)
}

fn rotation(plan: &Blueprint, entity: Name, day: i64, of: u64) -> u64 {
    let seed = plan.seed ^ entity.topic();
    Dice::new(seed, topic("rotation"), day.unsigned_abs()).below(of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::entities::ALL;
    use crate::books::tests_support::blueprint;
    use crate::options::Region;

    #[test]
    fn what_follows_from_a_document_names_it_as_its_origin_and_the_other_way_round() {
        let plan = blueprint(Region::Us);
        let mut links = 0;
        for census in ALL.iter().map(|entity| entity.census) {
            let entity = census.name;
            let total = plan.calendar(entity).map_or(0, Calendar::total);
            for ordinal in 0..total {
                let Some(origin) = origin(&plan, entity, ordinal) else {
                    continue;
                };
                assert!(!origin.ordinals.is_empty());
                for source in &origin.ordinals {
                    assert_eq!(
                        follower(&plan, entity, origin.source, *source),
                        Some(ordinal),
                        "{entity:?}"
                    );
                    links += 1;
                }
            }
            for source in census.streams.iter().map(|stream| stream.source) {
                for ordinal in 0..plan.calendar(source).map_or(0, Calendar::total) {
                    let Some(follower) = follower(&plan, entity, source, ordinal) else {
                        continue;
                    };
                    let origin = origin(&plan, entity, follower).unwrap();
                    assert!(origin.source == source && origin.ordinals.contains(&ordinal));
                }
            }
        }
        assert!(links > 1_000, "{links}");
    }
}
