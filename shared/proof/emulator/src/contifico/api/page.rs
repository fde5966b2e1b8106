//! A page: which rows of a list an answer holds. The API's two ways of paging, and what is known to go wrong with either.

use super::Setting;
use super::call::Call;
use crate::contifico::resource::{Side, Version};
use crate::contifico::switches::{ContificoSwitches, CountKept, PageSizeOverCap, V1Paging, V2Order};
use crate::dice::{Dice, topic};
use crate::faults::FaultKind;

/// The most rows of a page of version 2.
pub(super) const CAP: usize = 100;

/// A page that is asked for, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) number: usize,
    pub(super) size: usize,
}

/// A page that cannot be meant so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misfit {
    /// Not a number from 1 on.
    Number,
    /// More than 100 rows.
    OverCap,
}

/// The page of version 2 that a request asks for.
pub(super) fn wanted_v2(
    call: &Call,
    names: [&str; 2],
    switches: &ContificoSwitches,
) -> Result<Wanted, Misfit> {
    let number = |name: &str, usual: usize| match call.parameter(name) {
        None | Some("") => Ok(usual),
        Some(text) => text
            .parse()
            .ok()
            .filter(|number| *number > 0)
            .ok_or(Misfit::Number),
    };
    let [page, size] = names;
    let (number, size) = (number(page, 1)?, number(size, CAP)?);
    match (size > CAP, switches.page_size_over_cap) {
        (false, _) => Ok(Wanted { number, size }),
        (true, PageSizeOverCap::Clamped) => Ok(Wanted { number, size: CAP }),
        (true, PageSizeOverCap::Refused) => Err(Misfit::OverCap),
    }
}

/// The page of version 1 that a request asks for; none where everything comes.
pub(super) fn wanted_v1(
    call: &Call,
    side: &Side,
    switches: &ContificoSwitches,
) -> Result<Option<Wanted>, Misfit> {
    let Some(asked) = call.parameter("result_size").filter(|asked| !asked.is_empty()) else {
        return Ok(None);
    };
    let honoured = match switches.v1_paging {
        V1Paging::Recorded => side.pages,
        V1Paging::Honoured | V1Paging::FirstPage => true,
        V1Paging::Ignored => false,
    };
    if !honoured {
        return Ok(None);
    }
    let read = |text: &str| {
        text.parse::<usize>()
            .ok()
            .filter(|number| *number > 0)
            .ok_or(Misfit::Number)
    };
    let rows = read(asked)?;
    let number = match (switches.v1_paging, call.parameter("result_page")) {
        (V1Paging::FirstPage, _) | (_, None | Some("")) => 1,
        (_, Some(number)) => read(number)?,
    };
    Ok(Some(Wanted { number, size: rows }))
}

/// The list with the copies that a list with repeats has.
pub(super) fn with_repeats(setting: &Setting<'_>, rows: Vec<u64>, repeats: bool) -> Vec<u64> {
    if !repeats {
        return rows;
    }
    let copies = |ordinal: u64| setting.sight.plan.dice("copies", ordinal).below(3);
    let mut long = Vec::with_capacity(rows.len() * 2);
    for (place, ordinal) in rows.iter().enumerate() {
        long.push(*ordinal);
        for (times, back) in [(1, 37), (2, 103)] {
            let former = place.checked_sub(back).map(|at| rows[at]);
            long.extend(former.filter(|former| copies(*former) >= times));
        }
    }
    long
}

/// The number that `count` says of so many rows.
pub(super) fn count(rows: usize, wanted: Wanted, switches: &ContificoSwitches) -> usize {
    match switches.count {
        CountKept::Growing => rows + wanted.number - 1,
        CountKept::Zero => 0,
        CountKept::Exact | CountKept::Repeats | CountKept::RepeatsAll => rows,
    }
}

/// The rows of a page: those between its borders, but for what an unstable order makes of them.
pub(super) fn rows(setting: &Setting<'_>, version: Version, all: &[u64], wanted: Wanted) -> Vec<u64> {
    let start = (wanted.number - 1).saturating_mul(wanted.size).min(all.len());
    let end = start.saturating_add(wanted.size).min(all.len());
    let mut page = all[start..end].to_vec();
    let slipped = repeated(setting, version, wanted).min(page.len()).min(start);
    // The first rows of the page are the last of the one before: as many as come again are lost.
    page[..slipped].copy_from_slice(&all[start - slipped..start]);
    page
}

/// How many rows of the page before come again.
fn repeated(setting: &Setting<'_>, version: Version, wanted: Wanted) -> usize {
    let struck = setting.strikes.iter().find_map(|fault| match fault {
        FaultKind::RepeatRows { rows } => usize::try_from(*rows).ok(),
        _ => None,
    });
    if let Some(rows) = struck {
        return rows;
    }
    let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let seed = setting.sight.plan.seed ^ number(wanted.size).rotate_left(32);
    match (version, setting.switches.v2_order) {
        (Version::V1, _) | (_, V2Order::Stable) => 0,
        (_, V2Order::Borders) => {
            let dice = &mut Dice::new(seed, topic("borders"), number(wanted.number));
            usize::from(dice.below(10) == 0)
        }
        (_, V2Order::Churning) => {
            let dice = &mut Dice::new(seed, topic("churning"), setting.answer);
            usize::try_from(dice.below(4)).unwrap_or(0)
        }
    }
}
