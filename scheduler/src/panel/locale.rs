//! Locale: numbers, days and instants as people write them: `en-US` and `es-EC`. Instants say their zone.

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::texts::Language;

const ENGLISH: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const SPANISH: [&str; 12] = [
    "ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic",
];
const ENGLISH_LONG: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const SPANISH_LONG: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];

impl Language {
    /// A whole number.
    pub(super) fn number(self, number: u64) -> String {
        self.grouped(&number.to_string())
    }

    /// Digits with their thousands apart.
    fn grouped(self, digits: &str) -> String {
        let between = match self {
            Self::English => ',',
            Self::Spanish => '.',
        };
        let mut text = String::with_capacity(digits.len() * 4 / 3);
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push(between);
            }
            text.push(digit);
        }
        text
    }

    /// An amount, written with a decimal point: each digit of it is kept.
    pub(super) fn amount(self, text: &str) -> String {
        let (minus, text) = text.strip_prefix('-').map_or(("", text), |rest| ("−", rest));
        let (whole, part) = text.split_once('.').unwrap_or((text, "00"));
        let between = match self {
            Self::English => '.',
            Self::Spanish => ',',
        };
        format!("{minus}{}{between}{part:0<2}", self.grouped(whole))
    }

    /// A number with one decimal.
    pub(super) fn decimal(self, number: f64) -> String {
        let text = format!("{number:.1}");
        match self {
            Self::English => text,
            Self::Spanish => text.replace('.', ","),
        }
    }

    /// A share of one as per cent.
    pub(super) fn percent(self, share: f64) -> String {
        format!("{} %", self.decimal(share * 100.0))
    }

    pub(super) fn day(self, day: NaiveDate) -> String {
        let (number, year) = (day.day(), day.year());
        let month = |names: [&'static str; 12]| names.get(day.month0() as usize).copied().unwrap_or_default();
        match self {
            Self::English => format!("{} {number}, {year}", month(ENGLISH)),
            Self::Spanish => format!("{number} {} {year}", month(SPANISH)),
        }
    }

    pub(super) fn month(self, day: NaiveDate) -> String {
        let month = |names: [&'static str; 12]| names.get(day.month0() as usize).copied().unwrap_or_default();
        match self {
            Self::English => format!("{} {}", month(ENGLISH_LONG), day.year()),
            Self::Spanish => format!("{} de {}", month(SPANISH_LONG), day.year()),
        }
    }

    /// An instant, to the minute.
    pub(super) fn instant(self, at: DateTime<Utc>) -> String {
        format!("{}, {} UTC", self.day(at.date_naive()), at.format("%H:%M"))
    }

    /// Days from one to the other, both included.
    pub(super) fn days(self, from: Option<NaiveDate>, to: Option<NaiveDate>) -> String {
        match (from, to) {
            (Some(from), Some(to)) if from == to => self.day(from),
            (Some(from), Some(to)) => format!("{} – {}", self.day(from), self.day(to)),
            _ => "–".to_owned(),
        }
    }

    /// How long something takes, in its largest unit.
    pub(super) fn span(self, seconds: f64) -> String {
        let (number, unit) = match seconds {
            seconds if seconds < 120.0 => (seconds, "s"),
            seconds if seconds < 7_200.0 => (seconds / 60.0, "min"),
            seconds if seconds < 172_800.0 => (seconds / 3_600.0, "h"),
            seconds => (seconds / 86_400.0, "d"),
        };
        format!("{} {unit}", self.decimal(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_days_are_written_as_in_the_language() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 9).unwrap();
        let at = day.and_hms_opt(7, 5, 0).unwrap().and_utc();
        for (language, number, date, month, instant, share) in [
            (
                Language::English,
                "1,234,567",
                "Mar 9, 2026",
                "March 2026",
                "Mar 9, 2026, 07:05 UTC",
                "12.5 %",
            ),
            (
                Language::Spanish,
                "1.234.567",
                "9 mar 2026",
                "marzo de 2026",
                "9 mar 2026, 07:05 UTC",
                "12,5 %",
            ),
        ] {
            assert_eq!(language.number(1_234_567), number);
            assert_eq!(language.number(0), "0");
            let amounts = [
                (
                    "-9007199254740993.1",
                    "−9,007,199,254,740,993.10",
                    "−9.007.199.254.740.993,10",
                ),
                ("0", "0.00", "0,00"),
                ("999.125", "999.125", "999,125"),
            ];
            for (digits, english, spanish) in amounts {
                let is_english = language == Language::English;
                assert_eq!(
                    language.amount(digits),
                    if is_english { english } else { spanish }
                );
            }
            assert_eq!(language.day(day), date);
            assert_eq!(language.month(day), month);
            assert_eq!(language.instant(at), instant);
            assert_eq!(language.percent(0.125), share);
        }
    }
}
