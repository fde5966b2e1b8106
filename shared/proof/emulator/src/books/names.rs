//! Names: invented words for companies, people and goods, with every script and quote that a warehouse must survive. The
//! words themselves are in `words/`, a file for each region.

use std::sync::LazyLock;

use crate::dice::Dice;
use crate::options::Region;

/// The words of one region's file, by section.
#[derive(Debug)]
pub(crate) struct Words {
    houses: Vec<&'static str>,
    trades: Vec<&'static str>,
    given: Vec<&'static str>,
    family: Vec<&'static str>,
    projects: Vec<&'static str>,
    goods: Vec<&'static str>,
    streets: Vec<&'static str>,
    towns: Vec<Town>,
    pub(crate) classes: Vec<&'static str>,
    pub(crate) departments: Vec<&'static str>,
    pub(crate) payment_methods: Vec<&'static str>,
    pub(crate) terms: Vec<&'static str>,
    pub(crate) customer_types: Vec<&'static str>,
    pub(crate) journal_codes: Vec<&'static str>,
}

/// A town with its state or province and its postal code.
#[derive(Debug)]
pub(crate) struct Town {
    pub(crate) name: &'static str,
    pub(crate) state: &'static str,
    pub(crate) code: &'static str,
}

static US: LazyLock<Words> = LazyLock::new(|| Words::read(include_str!("words/us.txt")));
static CA: LazyLock<Words> = LazyLock::new(|| Words::read(include_str!("words/ca.txt")));

/// Whole names in other scripts, with emoji, quotes and apostrophes; all of them made up.
static UNUSUAL: LazyLock<Vec<&str>> =
    LazyLock::new(|| section(include_str!("words/any.txt"), "unusual names").collect());

pub(crate) fn words(region: Region) -> &'static Words {
    match region {
        Region::Us => &US,
        Region::Ca => &CA,
    }
}

impl Words {
    fn read(file: &'static str) -> Self {
        let list = |name| section(file, name).collect();
        Self {
            houses: list("houses"),
            trades: list("trades"),
            given: list("given names"),
            family: list("family names"),
            projects: list("projects"),
            goods: list("goods"),
            streets: list("streets"),
            towns: section(file, "towns").filter_map(Town::read).collect(),
            classes: list("classes"),
            departments: list("departments"),
            payment_methods: list("payment methods"),
            terms: list("terms"),
            customer_types: list("customer types"),
            journal_codes: list("journal codes"),
        }
    }
}

impl Town {
    /// `Eastmarrow | CA | 94900`
    fn read(line: &'static str) -> Option<Self> {
        let (name, rest) = line.split_once(" | ")?;
        let (state, code) = rest.split_once(" | ")?;
        Some(Self { name, state, code })
    }
}

/// The lines between a heading, `[houses]`, and the next empty line.
fn section(file: &'static str, name: &str) -> impl Iterator<Item = &'static str> {
    let heading = format!("[{name}]");
    file.lines()
        .skip_while(move |line| *line != heading)
        .skip(1)
        .take_while(|line| !line.is_empty())
}

/// A customer's name; the number keeps it unlike all others of its list.
pub(crate) fn customer(dice: &mut Dice, region: Region, number: u64) -> String {
    // By turns and not by chance, so that even the smallest list has them all.
    if number % 7 == 4 {
        let turn = usize::try_from(number / 7).unwrap_or(0);
        return format!("{} {number}", UNUSUAL[turn % UNUSUAL.len()]);
    }
    let house = *dice.pick(&words(region).houses);
    let trade = *dice.pick(&words(region).trades);
    match (region, dice.below(3)) {
        (Region::Us, 0) => format!("{house} {trade} #{number}"),
        (Region::Us, _) => format!("{house} {trade} {number}"),
        (Region::Ca, 0) => format!("{trade} de {house} nº {number}"),
        (Region::Ca, _) => format!("{trade} {house} {number}"),
    }
}

/// The name of a job for a customer.
pub(crate) fn project(dice: &mut Dice, region: Region, number: u64) -> String {
    format!("{} {number}", dice.pick(&words(region).projects))
}

/// The name of something to sell.
pub(crate) fn good(dice: &mut Dice, region: Region, number: u64) -> String {
    let name = dice.pick(&words(region).goods);
    if dice.chance(4) {
        format!("{name} 🧰 {number}")
    } else {
        format!("{name} {number}")
    }
}

/// A person's given and family name.
pub(crate) fn person(dice: &mut Dice, region: Region) -> (&'static str, &'static str) {
    (
        *dice.pick(&words(region).given),
        *dice.pick(&words(region).family),
    )
}

/// A street address.
pub(crate) struct Address {
    pub(crate) line: String,
    pub(crate) town: &'static Town,
}

pub(crate) fn address(dice: &mut Dice, region: Region) -> Address {
    let number = dice.between(1, 9899);
    let street = *dice.pick(&words(region).streets);
    let line = match region {
        Region::Us => format!("{number} {street}"),
        Region::Ca => format!("{number}, {street}"),
    };
    let town = dice.pick(&words(region).towns);
    Address { line, town }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_both_regions_have_words_in_every_section() {
        for region in [Region::Us, Region::Ca] {
            let words = words(region);
            let lists = [
                &words.houses,
                &words.trades,
                &words.given,
                &words.family,
                &words.projects,
                &words.goods,
                &words.streets,
                &words.classes,
                &words.departments,
                &words.payment_methods,
                &words.terms,
                &words.customer_types,
                &words.journal_codes,
                &UNUSUAL,
            ];
            assert!(lists.iter().all(|list| list.len() >= 4), "{region:?}");
            assert_eq!(words.towns.len(), 3);
        }
    }
}
