//! Fingerprint: what a message says of a cause, without what differs from one occurrence to the next.
//!
//! Two failures have one cause if their messages differ in nothing but ids, numbers, dates and times. Whatever holds a
//! digit is taken for one of those, as a whole: `INV-2026/0017`, an id, a worker's name, an instant with its zone.
//! Words stay, so that "invoice 17 is closed" and "customer 17 is closed" are two causes.

/// Characters of a message that tell causes apart. Messages are cut to a length somewhere above this, and where the
/// cut falls depends on the length of the ids before it.
const TELLING: usize = 200;

/// Stands for everything that differs between occurrences.
const VARIES: &str = "#";

/// Words of dates, where a number stands beside them.
const OF_DATES: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "jan",
    "feb",
    "mar",
    "apr",
    "jun",
    "jul",
    "aug",
    "sep",
    "sept",
    "oct",
    "nov",
    "dec",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
    "am",
    "pm",
    "gmt",
    "utc",
    "pst",
    "pdt",
    "est",
    "edt",
];

/// The part of a message that failures of one cause share.
pub fn cause(message: &str) -> String {
    let pieces: Vec<&str> = message
        .split(|character: char| !belongs_to_a_word(character))
        .filter(|piece| !piece.is_empty())
        .collect();
    let mut words: Vec<&str> = Vec::with_capacity(pieces.len());
    for (place, piece) in pieces.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|before| pieces.get(before));
        let beside = before.into_iter().chain(pieces.get(place + 1));
        let is_date = is_of_dates(piece) && beside.into_iter().any(|other| varies(other));
        let word = if varies(piece) || is_date {
            VARIES
        } else {
            piece.trim_end_matches(['.', ':', ',', '-'])
        };
        // However many there are in a row: "1 March 2026" and "2026-03-01" are one thing each.
        if word != VARIES || words.last() != Some(&VARIES) {
            words.push(word);
        }
    }
    words.join(" ").chars().take(TELLING).collect()
}

/// Ids, dates and amounts hold these characters; whatever else parts words.
fn belongs_to_a_word(character: char) -> bool {
    character.is_alphanumeric() || "-_.:,+".contains(character)
}

/// Whether a piece of a message is an id, a number or a part of a date.
fn varies(piece: &str) -> bool {
    // A hash or a random name may happen to have no digit at all.
    let is_hexadecimal = piece.len() >= 8 && piece.chars().all(|character| character.is_ascii_hexdigit());
    is_hexadecimal || piece.chars().any(char::is_numeric)
}

fn is_of_dates(piece: &str) -> bool {
    let word = piece.trim_end_matches(['.', ',']);
    OF_DATES.iter().any(|known| known.eq_ignore_ascii_case(word))
}
