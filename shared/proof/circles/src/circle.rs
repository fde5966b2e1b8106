//! Circle: modules that use each other, each reachable from each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::modules::{Modules, Use};

/// The shortest way round through one of several modules that all reach each other.
#[derive(Debug)]
pub(crate) struct Circle {
    /// All that reach each other.
    pub(crate) members: Vec<Vec<String>>,
    /// Uses, each beginning where the one before ends, back to the first.
    pub(crate) way: Vec<Use>,
}

/// The circles of a crate; a module stands in one at most.
pub(crate) fn circles(modules: &Modules) -> Vec<Circle> {
    let uses = modules.uses();
    let mut next: BTreeMap<&[String], Vec<&Use>> = BTreeMap::new();
    for one in &uses {
        next.entry(&one.from).or_default().push(one);
    }
    let reached: BTreeMap<&[String], BTreeSet<&[String]>> = modules
        .names()
        .map(|name| (name.as_slice(), reached_from(name, &next)))
        .collect();
    let mut seen: BTreeSet<&[String]> = BTreeSet::new();
    let mut found = Vec::new();
    for (name, reaches) in &reached {
        if seen.contains(name) || !reaches.contains(name) {
            continue;
        }
        let members: Vec<&[String]> = reaches
            .iter()
            .copied()
            .filter(|other| reached[other].contains(name))
            .collect();
        seen.extend(&members);
        let starts = members.iter().filter_map(|member| way_round(member, &next));
        let way = starts.min_by_key(Vec::len).unwrap_or_default();
        found.push(Circle {
            members: members.into_iter().map(<[String]>::to_vec).collect(),
            way,
        });
    }
    found
}

fn reached_from<'a>(name: &[String], next: &BTreeMap<&'a [String], Vec<&'a Use>>) -> BTreeSet<&'a [String]> {
    let mut reached = BTreeSet::new();
    let mut open = vec![name];
    while let Some(at) = open.pop() {
        for one in next.get(at).into_iter().flatten() {
            if reached.insert(one.to.as_slice()) {
                open.push(&one.to);
            }
        }
    }
    reached
}

/// The shortest way from a module back to itself.
fn way_round(name: &[String], next: &BTreeMap<&[String], Vec<&Use>>) -> Option<Vec<Use>> {
    let mut came_by: BTreeMap<&[String], &Use> = BTreeMap::new();
    let mut open = VecDeque::from([name]);
    while let Some(at) = open.pop_front() {
        for one in next.get(at).into_iter().flatten() {
            let to = one.to.as_slice();
            if came_by.contains_key(to) {
                continue;
            }
            came_by.insert(to, one);
            if to == name {
                return Some(way_back(name, &came_by));
            }
            open.push_back(to);
        }
    }
    None
}

fn way_back(name: &[String], came_by: &BTreeMap<&[String], &Use>) -> Vec<Use> {
    let mut way = vec![came_by[name].clone()];
    while way[0].from != name {
        let before = came_by[way[0].from.as_slice()].clone();
        way.insert(0, before);
    }
    way
}
