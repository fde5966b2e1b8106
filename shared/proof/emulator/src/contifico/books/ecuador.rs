//! Ecuador: its days, and the numbers that it gives to people, to companies and to documents, with their check digits.

use chrono::{DateTime, Datelike, NaiveDate};

/// The mainland's hour is five behind Greenwich, all year.
const BEHIND_UTC: i64 = 5 * 3_600;

/// The calendar date in Ecuador at an instant in Unix seconds.
pub(in crate::contifico) fn day_of(instant: i64) -> NaiveDate {
    DateTime::from_timestamp(instant - BEHIND_UTC, 0)
        .unwrap_or_default()
        .date_naive()
}

/// The instant, in Unix seconds, so many seconds after midnight of a day in Ecuador.
pub(in crate::contifico) fn instant(day: NaiveDate, seconds: i64) -> i64 {
    day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp() + BEHIND_UTC + seconds
}

/// `dd/mm/yyyy`, the API's usual way to write a date.
pub(in crate::contifico) fn day_first(day: NaiveDate) -> String {
    format!("{:02}/{:02}/{:04}", day.day(), day.month(), day.year())
}

/// A date from `dd/mm/yyyy`.
pub(in crate::contifico) fn read_day_first(text: &str) -> Option<NaiveDate> {
    let parts: Vec<&str> = text.split('/').collect();
    let [day, month, year] = parts.as_slice() else {
        return None;
    };
    let digits = |text: &str, length: usize| {
        (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<u32>().ok())
            .flatten()
    };
    let year = i32::try_from(digits(year, 4)?).ok()?;
    NaiveDate::from_ymd_opt(year, digits(month, 2)?, digits(day, 2)?)
}

/// The identity number of a person: ten digits, the last of them a check. `sequence` keeps it unlike all others.
pub(in crate::contifico) fn cedula(province: u64, sequence: u64) -> String {
    let body = format!(
        "{:02}{}{:06}",
        1 + province % 24,
        province % 6,
        sequence % 1_000_000
    );
    let check = check_of_ten(&body);
    format!("{body}{check}")
}

/// The tax number of a private company: a nine in third place, a check in the tenth, `001` at the end.
pub(in crate::contifico) fn company_number(province: u64, sequence: u64) -> String {
    // One remainder in eleven has no check digit; the next province has it.
    for shift in 0..24 {
        let body = format!("{:02}9{:06}", 1 + (province + shift) % 24, sequence % 1_000_000);
        if let Some(check) = check_of_eleven(&body, &[4, 3, 2, 7, 6, 5, 4, 3, 2]) {
            return format!("{body}{check}001");
        }
    }
    String::new()
}

/// The forty-nine digits with which the tax office authorises an electronic document.
pub(in crate::contifico) fn authorisation(
    day: NaiveDate,
    ruc: &str,
    series: &str,
    number: u64,
    noise: u64,
) -> String {
    let body = format!(
        "{:02}{:02}{:04}01{ruc}2{series}{:09}{:08}1",
        day.day(),
        day.month(),
        day.year(),
        number % 1_000_000_000,
        noise % 100_000_000
    );
    let weights = [2, 3, 4, 5, 6, 7];
    let weighted = body.bytes().rev().enumerate();
    let sum: u32 = weighted
        .map(|(place, digit)| u32::from(digit - b'0') * weights[place % weights.len()])
        .sum();
    let check = match 11 - sum % 11 {
        11 => 0,
        10 => 1,
        other => other,
    };
    format!("{body}{check}")
}

/// Every other digit is doubled, beginning with the first; the digits of the doubled are summed.
fn check_of_ten(body: &str) -> u32 {
    let sum: u32 = body
        .bytes()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(digit - b'0') * (2 - u32::from(place % 2 == 1));
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    (10 - sum % 10) % 10
}

fn check_of_eleven(body: &str, weights: &[u32; 9]) -> Option<u32> {
    let weighted = body.bytes().zip(weights);
    let sum: u32 = weighted
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    match 11 - sum % 11 {
        11 => Some(0),
        10 => None,
        check => Some(check),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_with_its_day_first_and_read_back() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 9).unwrap();
        assert_eq!(day_first(day), "09/03/2026");
        assert_eq!(read_day_first("09/03/2026"), Some(day));
        for wrong in [
            "2026-03-09",
            "9/3/2026",
            "31/02/2026",
            "09/03/26",
            "",
            "+9/03/2026",
        ] {
            assert_eq!(read_day_first(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_day_in_ecuador_begins_five_hours_after_greenwichs() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 9).unwrap();
        let midnight = instant(day, 0);
        assert_eq!(day_of(midnight), day);
        assert_eq!(day_of(midnight - 1), day.pred_opt().unwrap());
        assert_eq!(
            DateTime::from_timestamp(midnight, 0).unwrap().to_rfc3339(),
            "2026-03-09T05:00:00+00:00"
        );
    }

    #[test]
    fn numbers_carry_their_check_digits() {
        for sequence in 0..2_000 {
            let person = cedula(sequence / 7, sequence);
            assert_eq!(person.len(), 10);
            let doubled = person.bytes().map(|digit| u32::from(digit - b'0')).enumerate();
            let sum: u32 = doubled
                .map(|(place, digit)| {
                    if place % 2 == 0 {
                        digit * 2 / 10 + digit * 2 % 10
                    } else {
                        digit
                    }
                })
                .sum();
            assert_eq!(sum % 10, 0, "{person}");
            let company = company_number(sequence, sequence);
            assert_eq!((company.len(), &company[10..]), (13, "001"));
            let weighted = company.bytes().zip([4, 3, 2, 7, 6, 5, 4, 3, 2, 1]);
            let sum: u32 = weighted
                .map(|(digit, weight)| u32::from(digit - b'0') * weight)
                .sum();
            assert_eq!(sum % 11, 0, "{company}");
        }
        let day = NaiveDate::from_ymd_opt(2026, 3, 9).unwrap();
        let authorised = authorisation(day, &company_number(3, 17), "001002", 251, 1_234);
        assert_eq!(authorised.len(), 49);
    }
}
