//! A record's text: what its entity writes, with whatever a mutation made strange and, when it is served, with the members
//! that differ every time and without those that a client has to ask for.

use super::blueprint::Blueprint;
use super::entity::{Entity, Volatile};
use super::head::Head;
use crate::json::Json;
use crate::switches::{CustomFields, Switches};

/// What an answer shows of its records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Showing {
    /// Tells this answer apart from all others.
    pub(crate) answer: u64,
    pub(crate) fields: Fields,
}

/// Which custom fields are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fields {
    All,
    FirstThree,
}

impl Fields {
    /// Those that there are.
    pub(crate) fn existing(switches: &Switches) -> Self {
        match switches.custom_fields {
            CustomFields::Three => Self::FirstThree,
            CustomFields::Enhanced => Self::All,
        }
    }
}

/// Writes the complete record as the truth knows it, as the next element.
pub(crate) fn write(plan: &Blueprint, entity: &Entity, head: &Head, fields: Fields, json: &mut Json) {
    let start = json.len();
    match head.odd {
        None => json.element(|json| entity.write(plan, head, json)),
        Some(odd) => {
            let mut record = Json::with_capacity(4096);
            record.element(|json| {
                entity.write(plan, head, json);
                odd.write(json);
            });
            json.comma();
            json.raw(&odd.change(record.into_string()));
        }
    }
    if let (Fields::FirstThree, Some(fourth)) = (fields, entity.beyond_three) {
        json.take_out(start, fourth, ']');
    }
}

/// Writes the record as one answer serves it.
pub(crate) fn serve(plan: &Blueprint, entity: &Entity, head: &Head, showing: Showing, json: &mut Json) {
    if entity.volatile.is_empty() {
        write(plan, entity, head, showing.fields, json);
        return;
    }
    let mut record = Json::with_capacity(1024);
    write(plan, entity, head, showing.fields, &mut record);
    let mut text = record.into_string();
    for volatile in entity.volatile {
        insert(plan, head, *volatile, showing.answer, &mut text);
    }
    json.comma();
    json.raw(&text);
}

/// Puts a member that differs every time before the one it stands before.
fn insert(plan: &Blueprint, head: &Head, volatile: Volatile, answer: u64, text: &mut String) {
    let mut member = Json::default();
    (volatile.write)(plan, head, answer, &mut member);
    // Quotes inside of strings are escaped, so that this finds the key and nothing else.
    let key = format!(r#""{}":"#, volatile.before);
    if let (Some(at), false) = (text.find(&key), member.as_str().is_empty()) {
        text.insert_str(at, &format!("{},", member.as_str()));
    }
}
