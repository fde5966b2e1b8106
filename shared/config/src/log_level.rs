//! Log level: what other programs call the five levels, and directives in the syntax of `RUST_LOG`.
//!
//! A word that is no level must not pass: the filter would read it as the name of a part of the program, of which alone it
//! would show anything, so that a misspelt level silences all the others.

/// What a level may be, as told to whoever gave something else.
pub(crate) const EXPECTED: &str = "it takes error, warn, info, debug, trace or off, the names and numbers that other \
    programs have for them (WARNING, NOTICE, FATAL, 20 …), or directives such as info,worker=debug";

/// The directives that `text` stands for, in the filter's own words; none if it holds a word that is no level.
pub(crate) fn directives(text: &str) -> Option<String> {
    let text = text.trim();
    // A comma inside of a span's fields separates no directives; the filter itself judges these.
    if text.contains('[') {
        return Some(text.to_owned());
    }
    let all: Option<Vec<String>> = text.split(',').map(|part| directive(part.trim())).collect();
    Some(all?.join(","))
}

fn directive(part: &str) -> Option<String> {
    match part.rsplit_once('=') {
        Some((target, level)) if !target.trim().is_empty() => {
            Some(format!("{}={}", target.trim(), level_of(level.trim())?))
        }
        Some(_) => None,
        None => level_of(part).map(ToOwned::to_owned),
    }
}

/// One level by any of its names. Numbers from 10 are Python's, those below the filter's own.
fn level_of(word: &str) -> Option<&'static str> {
    Some(match word.to_lowercase().as_str() {
        "off" | "0" => "off",
        "error" | "err" | "severe" | "critical" | "crit" | "fatal" | "alert" | "emerg" | "emergency"
        | "panic" | "1" | "40" | "50" => "error",
        "warn" | "warning" | "2" | "30" => "warn",
        "info" | "information" | "informational" | "notice" | "3" | "20" => "info",
        "debug" | "verbose" | "4" | "10" => "debug",
        "trace" | "all" | "5" => "trace",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_other_programs_are_understood() {
        for (given, expected) in [
            ("WARNING", "warn"),
            ("Warn", "warn"),
            ("NOTICE", "info"),
            ("INFO", "info"),
            ("Information", "info"),
            ("FATAL", "error"),
            ("CRITICAL", "error"),
            ("err", "error"),
            ("emerg", "error"),
            ("verbose", "debug"),
            ("10", "debug"),
            ("20", "info"),
            ("30", "warn"),
            ("40", "error"),
            ("50", "error"),
            ("4", "debug"),
            ("off", "off"),
            (" info \n", "info"),
            ("info,worker=DEBUG", "info,worker=debug"),
            ("WARNING, sqlx=FATAL", "warn,sqlx=error"),
            (
                "ledgerfleet_access::spool=trace",
                "ledgerfleet_access::spool=trace",
            ),
            (
                "worker[attempt{id=1,n=2}]=debug",
                "worker[attempt{id=1,n=2}]=debug",
            ),
        ] {
            assert_eq!(directives(given).as_deref(), Some(expected), "{given}");
        }
    }

    #[test]
    fn what_is_no_level_is_refused_although_the_filter_would_take_it_and_be_silent() {
        for nonsense in [
            "",
            "loud",
            "worker",
            "info,loud",
            "worker=loud",
            "=info",
            "true",
            "21",
            "-1",
            "warn;info",
            "info,",
        ] {
            assert_eq!(directives(nonsense), None, "{nonsense}");
        }
    }
}
