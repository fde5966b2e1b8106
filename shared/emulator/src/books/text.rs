//! A record's text: what its entity writes, with whatever a mutation made strange and, when it is served, with the member
//! that differs every time.

use super::blueprint::Blueprint;
use super::entity::Entity;
use super::head::Head;
use crate::json::Json;

/// Writes the complete record as the truth knows it, as the next element.
pub(crate) fn write(plan: &Blueprint, entity: &Entity, head: &Head, json: &mut Json) {
    let Some(odd) = head.odd else {
        json.element(|json| (entity.write)(plan, head, json));
        return;
    };
    let mut record = Json::with_capacity(4096);
    record.element(|json| {
        (entity.write)(plan, head, json);
        odd.write(json);
    });
    json.comma();
    json.raw(&odd.change(record.into_string()));
}

/// Writes the record as one answer serves it; `answer` tells answers apart.
pub(crate) fn serve(plan: &Blueprint, entity: &Entity, head: &Head, answer: u64, json: &mut Json) {
    let Some(volatile) = entity.volatile else {
        write(plan, entity, head, json);
        return;
    };
    let mut record = Json::with_capacity(1024);
    write(plan, entity, head, &mut record);
    let mut member = Json::default();
    (volatile.write)(plan, head, answer, &mut member);
    // Quotes inside of strings are escaped, so that this finds the key and nothing else.
    let key = format!(r#""{}":"#, volatile.before);
    json.comma();
    match record.as_str().split_once(&key) {
        Some((head, tail)) => {
            json.raw(head);
            json.raw(member.as_str());
            json.raw(",");
            json.raw(&key);
            json.raw(tail);
        }
        None => json.raw(record.as_str()),
    }
}
