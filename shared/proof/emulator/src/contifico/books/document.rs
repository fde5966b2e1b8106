//! A document: what was bought or sold, in lines that add up to its totals.

use chrono::{Datelike, NaiveDate, TimeDelta};

use super::amount::{Amount, percent};
use super::plan::Plan;
use crate::dice::Dice;

/// A kind of document and who it is written for.
#[derive(Debug)]
pub(in crate::contifico) struct DocumentKind {
    pub(in crate::contifico) code: &'static str,
    /// `CLI` for customers, `PRO` for providers.
    pub(in crate::contifico) register: &'static str,
    /// Of a hundred documents.
    share: u64,
    /// Whether the books have an entry of it.
    posts: bool,
    /// Whether it is paid.
    pub(in crate::contifico) paid: bool,
    /// Whether goods move with it.
    pub(in crate::contifico) moves: bool,
}

const fn kind(
    code: &'static str,
    register: &'static str,
    share: u64,
    [posts, paid, moves]: [bool; 3],
) -> DocumentKind {
    DocumentKind {
        code,
        register,
        share,
        posts,
        paid,
        moves,
    }
}

const KINDS: &[DocumentKind] = &[
    kind("FAC", "CLI", 46, [true, true, true]),
    kind("DNA", "CLI", 10, [true, false, false]),
    kind("NCT", "CLI", 3, [true, false, false]),
    kind("NVE", "CLI", 4, [true, true, true]),
    kind("COT", "CLI", 5, [false, false, false]),
    kind("PRE", "CLI", 4, [false, false, false]),
    kind("OCV", "CLI", 2, [false, false, false]),
    kind("DAC", "CLI", 1, [false, false, false]),
    kind("NAI", "CLI", 1, [false, false, false]),
    kind("CVE", "CLI", 1, [false, false, false]),
    kind("FAC", "PRO", 17, [true, true, true]),
    kind("LQC", "PRO", 2, [true, true, true]),
    kind("NCT", "PRO", 1, [true, false, false]),
    kind("NVE", "PRO", 1, [true, true, false]),
    kind("LQR", "PRO", 1, [true, false, false]),
    kind("DNA", "PRO", 1, [true, false, false]),
];

/// A document without its lines.
#[derive(Debug, Clone, Copy)]
pub(in crate::contifico) struct Outline {
    pub(in crate::contifico) ordinal: u64,
    /// Of emission.
    pub(in crate::contifico) date: NaiveDate,
    pub(in crate::contifico) due: NaiveDate,
    /// Later than the emission where a provider's paper came late.
    pub(in crate::contifico) created: NaiveDate,
    pub(in crate::contifico) kind: &'static DocumentKind,
    pub(in crate::contifico) person: u64,
    pub(in crate::contifico) annulled: bool,
    pub(in crate::contifico) lines: u64,
}

/// A line of a document.
#[derive(Debug, Clone, Copy)]
pub(in crate::contifico) struct Line {
    /// None in about a quarter of all lines: what was sold is only said in words.
    pub(in crate::contifico) product: Option<u64>,
    pub(in crate::contifico) quantity: Amount,
    pub(in crate::contifico) price: Amount,
    /// In percent.
    pub(in crate::contifico) discount: i64,
    /// In percent; none for what is not subject to it.
    pub(in crate::contifico) vat: Option<i64>,
    /// Quantity times price less the discount, in cents.
    pub(in crate::contifico) base: i64,
}

/// The sums of a document, in cents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::contifico) struct Totals {
    pub(in crate::contifico) untaxed: i64,
    pub(in crate::contifico) taxed: i64,
    pub(in crate::contifico) vat: i64,
    pub(in crate::contifico) total: i64,
}

impl Outline {
    /// Whether the books have an entry of it.
    pub(in crate::contifico) fn posts(&self) -> bool {
        self.kind.posts && !self.annulled
    }

    /// Whether it is written by a machine that the tax office listens to.
    pub(in crate::contifico) fn is_electronic(&self) -> bool {
        self.kind.register == "CLI" && matches!(self.kind.code, "FAC" | "NCT")
    }
}

/// A document of an ordinal and a date of emission.
pub(in crate::contifico) fn outline(plan: &Plan, ordinal: u64, date: NaiveDate) -> Outline {
    let dice = &mut plan.dice("document", ordinal);
    let kind = drawn(dice);
    let provider = kind.register == "PRO";
    // One person in ten provides, the others buy.
    let tenth = dice.below(plan.scale.persons / 10);
    let person = tenth * 10
        + if provider {
            1
        } else {
            [0, 2, 3, 4, 5, 6, 7, 8, 9][dice.index(9)]
        };
    let late = match (provider, dice.below(20)) {
        (true, 0) => 90,
        (true, 1..6) => dice.between(1, 12),
        _ => 0,
    };
    let created = (date + TimeDelta::days(late)).min(plan.as_of.max(date));
    Outline {
        ordinal,
        date,
        due: date + TimeDelta::days([0, 0, 30, 60][dice.index(4)]),
        created,
        kind,
        person,
        annulled: kind.posts && dice.chance(2),
        lines: [1, 2, 3, 4, 5, 3, 4][dice.index(7)],
    }
}

fn drawn(dice: &mut Dice) -> &'static DocumentKind {
    let mut left = dice.below(KINDS.iter().map(|kind| kind.share).sum());
    for kind in KINDS {
        if left < kind.share {
            return kind;
        }
        left -= kind.share;
    }
    &KINDS[0]
}

pub(in crate::contifico) fn lines(plan: &Plan, outline: &Outline, editions: u32) -> Vec<Line> {
    let dice = &mut plan.dice("lines", outline.ordinal);
    let mut lines: Vec<Line> = (0..outline.lines).map(|_| line(plan, outline, dice)).collect();
    // Whoever edits a document sells more of the first.
    if let Some(first) = lines.first_mut().filter(|_| editions > 0) {
        let more = Amount::millionths(i64::from(editions) * 1_000_000);
        first.quantity = first.quantity.plus(more);
        first.base = first.price.times(first.quantity, first.discount);
    }
    lines
}

fn line(plan: &Plan, outline: &Outline, dice: &mut Dice) -> Line {
    let product = (!dice.chance(23)).then(|| dice.below(plan.scale.products));
    let quantity = Amount::millionths(match dice.below(8) {
        0 => 500_000 * dice.between(1, 9),
        _ => 1_000_000 * dice.between(1, 6),
    });
    let price = match product {
        Some(product) => price(plan, product),
        None => Amount::cents(dice.between(100, 9_000)),
    };
    let price = if outline.kind.register == "PRO" {
        price.share(60)
    } else {
        price
    };
    let discount = [0, 0, 0, 10][dice.index(4)];
    let vat = product.map_or(Some(0), |product| vat(plan, product, outline.date));
    Line {
        product,
        quantity,
        price,
        discount,
        vat,
        base: price.times(quantity, discount),
    }
}

/// What a product is sold for before tax, with six decimals where the price with tax is a round one.
pub(in crate::contifico) fn price(plan: &Plan, product: u64) -> Amount {
    let dice = &mut plan.dice("price", product);
    let round = dice.between(3, 180) * 50;
    if dice.chance(40) {
        Amount::millionths(round * 10_000 * 100 / 115)
    } else {
        Amount::cents(round)
    }
}

/// A product's tax in percent on a day.
pub(in crate::contifico) fn vat(plan: &Plan, product: u64, date: NaiveDate) -> Option<i64> {
    match plan.dice("vat", product).below(12) {
        0 => None,
        1..3 => Some(0),
        3 => Some(5),
        // The rate rose in April 2024.
        _ if (date.year(), date.month()) < (2024, 4) => Some(12),
        _ => Some(15),
    }
}

pub(in crate::contifico) fn totals(lines: &[Line]) -> Totals {
    let mut totals = Totals::default();
    for line in lines {
        match line.vat {
            Some(rate) if rate > 0 => {
                totals.taxed += line.base;
                totals.vat += percent(line.base, rate);
            }
            _ => totals.untaxed += line.base,
        }
    }
    totals.total = totals.untaxed + totals.taxed + totals.vat;
    totals
}
