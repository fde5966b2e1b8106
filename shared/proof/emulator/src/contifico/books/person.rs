//! A person: whoever buys, sells or works, and the number by which the tax office knows them.

use super::plan::Plan;
use super::{ecuador, words};

/// A customer, a provider or an employee.
#[derive(Debug, Clone)]
pub(in crate::contifico) struct Person {
    /// `N` natural, `J` a company, `P` with a passport.
    pub(in crate::contifico) kind: &'static str,
    /// Ten digits, a passport's letters and digits, or nothing.
    pub(in crate::contifico) cedula: String,
    pub(in crate::contifico) ruc: Option<String>,
    pub(in crate::contifico) name: String,
    pub(in crate::contifico) address: String,
    pub(in crate::contifico) phone: String,
    pub(in crate::contifico) email: String,
    pub(in crate::contifico) is_provider: bool,
    pub(in crate::contifico) is_employee: bool,
}

impl Person {
    /// The number by which the API finds a person.
    pub(in crate::contifico) fn identification(&self) -> &str {
        match &self.ruc {
            Some(ruc) if self.cedula.is_empty() => ruc,
            _ => &self.cedula,
        }
    }
}

pub(in crate::contifico) fn person(plan: &Plan, ordinal: u64) -> Person {
    let dice = &mut plan.dice("person", ordinal);
    let province = dice.next();
    // A prime, so that no two persons of a company have one number.
    let sequence = ordinal.wrapping_mul(7_919).wrapping_add(plan.seed % 1_000_000);
    let kind = match dice.below(100) {
        0..25 => "J",
        25..97 => "N",
        _ => "P",
    };
    let cedula = match kind {
        "N" => ecuador::cedula(province, sequence),
        "P" => format!("XQ{:07}", sequence % 1_000_000),
        _ => String::new(),
    };
    let ruc = match kind {
        "J" => Some(ecuador::company_number(province, sequence)),
        "N" if dice.chance(30) => Some(format!("{cedula}001")),
        _ => None,
    };
    let name = if kind == "J" {
        words::company(dice, ordinal)
    } else {
        words::person(dice)
    };
    Person {
        kind,
        cedula,
        ruc,
        name,
        address: words::address(dice),
        // No number of any network.
        phone: format!("00{:08}", dice.below(100_000_000)),
        email: format!("persona{ordinal}@correo.example"),
        is_provider: ordinal % 10 == 1,
        is_employee: ordinal.is_multiple_of(25),
    }
}
