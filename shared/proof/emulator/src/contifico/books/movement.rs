//! An inventory movement: goods come in with what was bought, go out with what was sold, are moved and counted.

use chrono::{Datelike, NaiveDate};

use super::amount::Amount;
use super::document::{self, Outline};
use super::plan::Plan;
use super::source::MovementSource;
use crate::contifico::resource::Table;

/// A movement with all its lines.
#[derive(Debug, Clone)]
pub(in crate::contifico) struct Movement {
    /// `ING`, `EGR`, `TRA` or `AJU`.
    pub(in crate::contifico) kind: &'static str,
    pub(in crate::contifico) date: NaiveDate,
    /// Not unlike all others: goods that come in share a code.
    pub(in crate::contifico) code: String,
    pub(in crate::contifico) warehouse: u64,
    pub(in crate::contifico) to: Option<u64>,
    pub(in crate::contifico) lines: Vec<MovementLine>,
}

#[derive(Debug, Clone, Copy)]
pub(in crate::contifico) struct MovementLine {
    pub(in crate::contifico) product: u64,
    pub(in crate::contifico) quantity: Amount,
    pub(in crate::contifico) price: Amount,
}

impl Movement {
    /// What one unit of it does to the stock of the company.
    pub(in crate::contifico) fn direction(&self) -> i64 {
        match self.kind {
            "EGR" => -1,
            "TRA" => 0,
            _ => 1,
        }
    }

    /// Quantities times prices, in cents.
    pub(in crate::contifico) fn total(&self) -> i64 {
        self.lines
            .iter()
            .map(|line| line.price.times(line.quantity, 0))
            .sum()
    }

    /// Whether the books have an entry of it.
    pub(in crate::contifico) fn posts(&self) -> bool {
        self.kind != "TRA" && self.total() != 0
    }
}

/// Whether a product is something that can lie in a warehouse.
pub(in crate::contifico) fn is_good(product: u64) -> bool {
    product % 12 != 11
}

/// Whether goods move with a document.
pub(super) fn follows(plan: &Plan, outline: &Outline) -> bool {
    outline.kind.moves && !outline.annulled && !of_document(plan, outline).is_empty()
}

fn of_document(plan: &Plan, outline: &Outline) -> Vec<MovementLine> {
    let sold = outline.kind.register == "CLI";
    let moved = |line: document::Line| {
        let product = line.product.filter(|product| is_good(*product))?;
        let price = if sold { cost(plan, product) } else { line.price };
        Some(MovementLine {
            product,
            quantity: line.quantity,
            price,
        })
    };
    document::lines(plan, outline, 0)
        .into_iter()
        .filter_map(moved)
        .collect()
}

/// What a product costs the company; of some it does not know.
fn cost(plan: &Plan, product: u64) -> Amount {
    if product % 16 == 3 {
        return Amount::default();
    }
    document::price(plan, product).share(60)
}

/// A movement of the plan.
pub(in crate::contifico) fn planned(plan: &Plan, ordinal: u64) -> Movement {
    let Some((date, source)) = plan.movement(ordinal) else {
        return of_source(plan, ordinal, plan.as_of, MovementSource::Adjustment);
    };
    of_source(plan, ordinal, date, source)
}

/// A movement of an ordinal for a reason.
pub(in crate::contifico) fn of_source(
    plan: &Plan,
    ordinal: u64,
    date: NaiveDate,
    source: MovementSource,
) -> Movement {
    let dice = &mut plan.dice("movement", ordinal);
    let (kind, lines) = match source {
        MovementSource::Document(document) => {
            let emitted = plan.date(Table::Documents, document).unwrap_or(date);
            let outline = document::outline(plan, document, emitted);
            let kind = if outline.kind.register == "CLI" {
                "EGR"
            } else {
                "ING"
            };
            (kind, of_document(plan, &outline))
        }
        MovementSource::Adjustment | MovementSource::Transfer => {
            let some = (0..dice.between(1, 5)).map(|_| {
                let product = dice.below(plan.scale.products) / 12 * 12;
                MovementLine {
                    product,
                    quantity: Amount::millionths(1_000_000 * dice.between(1, 20)),
                    price: cost(plan, product),
                }
            });
            let some: Vec<MovementLine> = some.collect();
            let kind = if matches!(source, MovementSource::Transfer) {
                "TRA"
            } else {
                "AJU"
            };
            (kind, some)
        }
    };
    let warehouse = dice.below(plan.scale.warehouses);
    let to = (warehouse + 1) % plan.scale.warehouses;
    let number = if kind == "ING" { ordinal / 6 * 6 } else { ordinal };
    Movement {
        kind,
        date,
        code: format!(
            "{kind} {:04}{:02}{:06}",
            date.year(),
            date.month(),
            number % 1_000_000
        ),
        warehouse,
        to: (kind == "TRA").then_some(to),
        lines,
    }
}
