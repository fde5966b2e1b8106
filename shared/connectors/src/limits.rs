//! Limits: what the text of a record may be, so that every ledger can hold it.

use ledgerfleet_model::json::{Number, Token, brackets, may_have_odd_numbers, tokens};
use ledgerfleet_model::{QuarantineReason, Record};

/// Digits of a number before its point, and after it, once it is written without an exponent: those of `numeric` in
/// Postgres, beyond which `jsonb` refuses it (22003).
const DIGITS: (u64, u64) = (131_072, 16_383);

/// Why a record of this text cannot be stored, if it cannot.
pub(crate) fn obstacle(payload: &str) -> Option<QuarantineReason> {
    if payload.len() > Record::LONGEST {
        return Some(QuarantineReason::TooLong);
    }
    if is_ordinary(payload) {
        return None;
    }
    obstacle_within(payload)
}

/// Whether a text can have no obstacle: it has too few bytes for a number with too many digits, too few brackets for
/// being too deep, and no exponent.
fn is_ordinary(payload: &str) -> bool {
    let is_short = u64::try_from(payload.len()).is_ok_and(|length| length <= DIGITS.1);
    is_short && brackets(payload) <= Record::DEEPEST && !may_have_odd_numbers(payload)
}

/// The same, token by token.
fn obstacle_within(payload: &str) -> Option<QuarantineReason> {
    let mut depth = 0;
    let mut written_out = 0;
    for token in tokens(payload) {
        match token {
            Token::Open if depth == Record::DEEPEST => return Some(QuarantineReason::TooDeep),
            Token::Open => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            Token::Number(text) => {
                let Some((before, after)) = Number::of(text).digits() else {
                    return Some(QuarantineReason::NumberOutOfRange);
                };
                // A few bytes can mean 131,072 digits, and whoever reads the record gets all of them.
                written_out += before + after;
                if before > DIGITS.0 || after > DIGITS.1 || written_out > Record::LONGEST as u64 {
                    return Some(QuarantineReason::NumberOutOfRange);
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use QuarantineReason::{NumberOutOfRange, TooDeep, TooLong};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_ledger_cannot_hold_has_a_reason() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        let text = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
        let many = format!("[{}0]", "1e131071,".repeat(100));
        for (payload, reason) in [
            ("{}".to_owned(), None),
            (nested(1_000), None),
            (nested(1_001), Some(TooDeep)),
            (format!("[{}]", "[],".repeat(5_000) + "[]"), None),
            (text(Record::LONGEST), None),
            (text(Record::LONGEST + 1), Some(TooLong)),
            ("[1e131071,-1e-16383]".to_owned(), None),
            ("1e131072".to_owned(), Some(NumberOutOfRange)),
            ("-1e-16384".to_owned(), Some(NumberOutOfRange)),
            ("1.5e-16383".to_owned(), Some(NumberOutOfRange)),
            ("1e99999999999".to_owned(), Some(NumberOutOfRange)),
            (format!("0.{}", "1".repeat(16_384)), Some(NumberOutOfRange)),
            ("9".repeat(131_073), Some(NumberOutOfRange)),
            (many, Some(NumberOutOfRange)),
            (r#"{"[1e200000":"[[1e200000"}"#.to_owned(), None),
        ] {
            assert_eq!(
                obstacle(&payload),
                reason,
                "{}",
                &payload[..payload.len().min(40)]
            );
        }
    }

    /// Texts with everything that may be in the way of one.
    fn text() -> impl Strategy<Value = String> {
        let number = prop_oneof![
            Just("-0".to_owned()),
            "-?[0-9]{1,3}(\\.[0-9]{1,3})?([eE][-+]?[0-9]{1,6})?",
            (16_300_usize..16_400).prop_map(|digits| format!("0.{}", "1".repeat(digits))),
        ];
        let nested = (0_usize..1_010).prop_map(|depth| "[".repeat(depth) + "7" + &"]".repeat(depth));
        let string = "[a-z0-9{\\[]{0,9}".prop_map(|text| format!("\"{text}\""));
        prop::collection::vec(prop_oneof![4 => number, 1 => nested, 4 => string], 1..6)
            .prop_map(|values| format!("[{}]", values.join(",")))
    }

    proptest! {
        #[test]
        fn what_is_told_at_a_glance_is_what_the_tokens_tell(text in text()) {
            prop_assert_eq!(obstacle(&text), obstacle_within(&text));
        }
    }
}
