//! What identifies a record to a person: its number, whom it concerns, and what is owed.

use serde_json::value::RawValue;

use crate::Synopsis;
use crate::json::Members;

/// Numbers of documents and guides, of movements and accounts, of receipts.
const NUMBERS: [&str; 5] = [
    "documento",
    "numero_documento",
    "codigo",
    "numero_comprobante",
    "numero",
];

/// Names that records have themselves.
const NAMES: [&str; 4] = ["razon_social", "nombre", "glosa", "descripcion"];

pub(super) fn synopsis(payload: &RawValue) -> Synopsis {
    let Ok(members) = serde_json::from_str::<Members<'_>>(payload.get()) else {
        return Synopsis::default();
    };
    // `persona` is filled for customers, too, and `cliente` is what version 2 has.
    let party = ["persona", "cliente"].iter().find_map(|name| {
        let party: Members<'_> = serde_json::from_str(members.get(name)?.get()).ok()?;
        text(party.get("razon_social")?)
    });
    let first = |names: &[&str]| names.iter().find_map(|name| text(members.get(name)?));
    Synopsis {
        number: first(&NUMBERS),
        party: party.or_else(|| first(&NAMES)),
        total: members.get("total").and_then(digits),
        balance: members.get("saldo").and_then(digits),
    }
}

fn text(value: &RawValue) -> Option<String> {
    let text: String = serde_json::from_str(value.get()).ok()?;
    (!text.is_empty()).then_some(text)
}

/// An amount as it is written, in a text or as a number.
fn digits(value: &RawValue) -> Option<String> {
    let digits = value.get().trim_matches('"');
    digits
        .starts_with(|c: char| c == '-' || c.is_ascii_digit())
        .then(|| digits.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_told_by_what_people_know_it_by() {
        for (payload, [number, party, total, balance]) in [
            (
                r#"{"documento":"001-001-000000251","persona":{"razon_social":"ANA"},"total":"11200.0","saldo":0.50}"#,
                ["001-001-000000251", "ANA", "11200.0", "0.50"],
            ),
            (
                r#"{"persona":{},"cliente":{"razon_social":"EVA"},"documento":"1","total":null}"#,
                ["1", "EVA", "", ""],
            ),
            (
                r#"{"codigo":"00001","nombre":"SILLA","total":true}"#,
                ["00001", "SILLA", "", ""],
            ),
            ("[1]", ["", "", "", ""]),
        ] {
            let payload = RawValue::from_string(payload.to_owned()).unwrap();
            let told = |part: &str| (!part.is_empty()).then(|| part.to_owned());
            let expected = Synopsis {
                number: told(number),
                party: told(party),
                total: told(total),
                balance: told(balance),
            };
            assert_eq!(synopsis(&payload), expected);
        }
    }
}
