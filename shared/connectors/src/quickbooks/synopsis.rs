//! What identifies a record to a person: its number, whom it concerns, and what is owed.
//!
//! The names are those of the API's entity reference. A member of another shape than documented says nothing here, and
//! the rest is still told.

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::Synopsis;

/// Numbers of documents, of payments, of accounts and of items.
const NUMBERS: [&str; 4] = ["DocNumber", "PaymentRefNum", "AcctNum", "Sku"];

/// References to whom a document concerns.
const PARTIES: [&str; 4] = ["CustomerRef", "VendorRef", "EntityRef", "EmployeeRef"];

/// Names that records of lists have themselves.
const NAMES: [&str; 4] = ["DisplayName", "FullyQualifiedName", "Name", "CompanyName"];

const TOTALS: [&str; 2] = ["TotalAmt", "Amount"];

const BALANCES: [&str; 2] = ["Balance", "CurrentBalance"];

type Members<'a> = HashMap<String, &'a RawValue>;

pub(super) fn synopsis(payload: &RawValue) -> Synopsis {
    let Ok(members) = serde_json::from_str::<Members<'_>>(payload.get()) else {
        return Synopsis::default();
    };
    let first = |names: &[&str], read: fn(&RawValue) -> Option<String>| {
        names.iter().find_map(|name| read(members.get(*name)?))
    };
    Synopsis {
        number: first(&NUMBERS, text),
        party: first(&PARTIES, name_of_reference).or_else(|| first(&NAMES, text)),
        total: first(&TOTALS, digits),
        balance: first(&BALANCES, digits),
    }
}

fn text(value: &RawValue) -> Option<String> {
    let text: String = serde_json::from_str(value.get()).ok()?;
    (!text.is_empty()).then_some(text)
}

fn name_of_reference(value: &RawValue) -> Option<String> {
    let members: Members<'_> = serde_json::from_str(value.get()).ok()?;
    members.get("name").and_then(|name| text(name))
}

/// A number as it is written: as a float it could lose cents.
fn digits(value: &RawValue) -> Option<String> {
    let digits = value.get();
    digits
        .starts_with(|c: char| c == '-' || c.is_ascii_digit())
        .then(|| digits.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(payload: &str) -> [Option<String>; 4] {
        let payload = RawValue::from_string(payload.to_owned()).unwrap();
        let Synopsis {
            number,
            party,
            total,
            balance,
        } = synopsis(&payload);
        [number, party, total, balance]
    }

    fn told(parts: [&str; 4]) -> [Option<String>; 4] {
        parts.map(|part| (!part.is_empty()).then(|| part.to_owned()))
    }

    #[test]
    fn a_record_is_told_by_what_people_know_it_by() {
        for (payload, synopsis) in [
            (
                r#"{"DocNumber":"1038","CustomerRef":{"value":"7","name":"Amy's"},"TotalAmt":99999999999999.99,"Balance":0}"#,
                ["1038", "Amy's", "99999999999999.99", "0"],
            ),
            (
                r#"{"VendorRef":{"value":"7","name":"Hicks"},"DocNumber":"","TotalAmt":-1.5}"#,
                ["", "Hicks", "-1.5", ""],
            ),
            (
                r#"{"DisplayName":"Amy's","CompanyName":"Amy Ltd","Balance":239.00}"#,
                ["", "Amy's", "", "239.00"],
            ),
            (
                r#"{"Name":"Checking","AcctNum":"1000","CurrentBalance":12.5}"#,
                ["1000", "Checking", "", "12.5"],
            ),
            (
                r#"{"Amount":7,"FromAccountRef":{"value":"1"}}"#,
                ["", "", "7", ""],
            ),
            (
                r#"{"DocNumber":5,"CustomerRef":"x","TotalAmt":"9","Balance":null}"#,
                ["", "", "", ""],
            ),
            ("[1]", ["", "", "", ""]),
        ] {
            assert_eq!(of(payload), told(synopsis), "{payload}");
        }
    }
}
