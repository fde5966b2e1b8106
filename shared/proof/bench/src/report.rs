//! Report: the figures for people, a section each.

use std::fmt::Write;

use crate::statistics::Spread;
use crate::{Figure, Line, Machine, Reach, Value, Values};

/// How the first line of every table ends.
pub(crate) const HEAD: &str = " | median | least – most | to reach | |";
/// What the table is called of what follows from several cases.
pub(crate) const TOGETHER: &str = "together";

/// The section of a figure, of at least one measurement of one of its cases.
pub(crate) fn section(figure: &Figure, lines: &[&Line]) -> String {
    let mut text = format!("\n## {}\n\n{}\n", figure.title, figure.about);
    let newest_of_each: Vec<Vec<Line>> = figure
        .cases
        .iter()
        .map(|case| newest_build(lines.iter().copied().filter(|line| line.case == case.name)))
        .collect();
    let newest = newest_build(newest_of_each.iter().flatten());
    let is_one_build = newest.len() == newest_of_each.iter().flatten().count();
    for (case, lines) in figure.cases.iter().zip(&newest_of_each) {
        if lines.is_empty() {
            continue;
        }
        let heading = if figure.cases.len() > 1 { case.name } else { "" };
        text += &table(heading, &rows(lines));
        if !is_one_build {
            text += &provenance(lines);
        }
    }
    // What follows from several cases follows from those of one build on one machine.
    let derived = (figure.derive)(&newest);
    if !derived.0.is_empty() {
        let rows: Vec<Row> = derived
            .0
            .iter()
            .map(|value| Row {
                value: value.clone(),
                measured: vec![value.value],
            })
            .collect();
        text += &table(TOGETHER, &rows);
    }
    if is_one_build || !derived.0.is_empty() {
        text += &provenance(&newest);
    }
    text
}

/// Those of the build and the machine of the newest.
fn newest_build<'a>(lines: impl Iterator<Item = &'a Line> + Clone) -> Vec<Line> {
    let Some(newest) = lines.clone().max_by_key(|line| &line.at) else {
        return Vec::new();
    };
    lines
        .filter(|line| line.commit == newest.commit && line.machine == newest.machine)
        .cloned()
        .collect()
}

/// One number and all its measurements.
struct Row {
    value: Value,
    measured: Vec<f64>,
}

fn rows(lines: &[Line]) -> Vec<Row> {
    let Some(Values(first)) = lines.last().map(|line| line.values.clone()) else {
        return Vec::new();
    };
    let measured = |value: &Value| {
        lines
            .iter()
            .filter_map(|line| line.values.get(&value.name))
            .collect()
    };
    first
        .into_iter()
        .map(|value| Row {
            measured: measured(&value),
            value,
        })
        .collect()
}

fn table(heading: &str, rows: &[Row]) -> String {
    let mut text = format!("\n| {heading}{HEAD}\n|---|---:|---:|---:|---|\n");
    for Row { value, measured } in rows {
        let spread = Spread::of(measured);
        let ends = if measured.len() > 1 {
            format!("{} – {}", number(spread.least), number(spread.most))
        } else {
            String::new()
        };
        let (reach, verdict) = match value.reach {
            Some(reach) => (
                goal(reach),
                if reach.is_reached(spread.median) {
                    "reached"
                } else {
                    "**not reached**"
                },
            ),
            None => (String::new(), ""),
        };
        let space = if value.unit.is_empty() { "" } else { " " };
        let _ = writeln!(
            text,
            "| {} | {}{space}{} | {ends} | {reach} | {verdict} |",
            value.name,
            number(spread.median),
            value.unit
        );
    }
    text
}

fn goal(reach: Reach) -> String {
    match reach {
        Reach::AtLeast(least) => format!("≥ {}", number(least)),
        Reach::AtMost(most) => format!("≤ {}", number(most)),
    }
}

/// Three digits, or all of a whole number.
fn number(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude >= 1000.0 {
        return thousands(value);
    }
    match magnitude {
        _ if value == value.round() => format!("{value:.0}"),
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let first = (digits.len() - 1) % 3 + 1;
    digits
        .bytes()
        .enumerate()
        .fold(String::new(), |mut text, (place, digit)| {
            if place >= first && (place - first) % 3 == 0 {
                text.push(',');
            }
            text.push(char::from(digit));
            text
        })
}

/// Of what, where and when; all lines are of one build on one machine.
fn provenance(lines: &[Line]) -> String {
    let (Some(line), Some(first), Some(last)) = (
        lines.first(),
        lines.iter().map(|line| &line.at).min(),
        lines.iter().map(|line| &line.at).max(),
    ) else {
        return String::new();
    };
    let measurements = match lines.len() {
        1 => format!("1 measurement at {first}"),
        many => format!("{many} measurements from {first} to {last}"),
    };
    format!(
        "\ncommit {} on {}; {measurements}.\n",
        line.commit,
        place(&line.machine)
    )
}

fn place(machine: &Machine) -> String {
    let Machine {
        processor,
        cores,
        memory,
        kernel,
        postgres,
        redis,
        filesystem,
    } = machine;
    let comma = if filesystem.is_empty() { "" } else { ", " };
    format!(
        "{processor}, {cores} cores, {memory} GiB{comma}{filesystem}, Linux {kernel}, Postgres {postgres}, Redis {redis}"
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::find_figure;

    pub(crate) fn line(figure: &Figure, case: &str, commit: &str, number: f64) -> Line {
        let mut values = Values::default();
        values.put("time of a segment", number, "µs");
        Line {
            figure: figure.name.to_owned(),
            case: case.to_owned(),
            commit: commit.to_owned(),
            machine: Machine::this(),
            at: format!("2026-06-30T12:00:{number:02}Z"),
            seconds: 1.5,
            values,
        }
    }

    #[test]
    fn numbers_are_as_long_as_they_are_of_use() {
        let shown = [1_234_567.0, 1000.0, 999.5, 12.34, 1.0, 0.123_45].map(number);
        assert_eq!(shown, ["1,234,567", "1,000", "1000", "12.3", "1", "0.123"]);
    }

    #[test]
    fn what_follows_from_several_cases_is_of_one_build() {
        let figure = find_figure("scale").unwrap();
        let few = |commit, number| line(figure, "10,000 segments", commit, number);
        let many = |commit, number| line(figure, "100,000 segments", commit, number);
        let of_two = section(figure, &[&few("abc", 10.0), &many("def", 20.0)]);
        assert!(!of_two.contains("together"), "{of_two}");
        assert_eq!(of_two.matches("commit abc").count(), 1, "{of_two}");
        assert_eq!(of_two.matches("commit def").count(), 1, "{of_two}");
        let of_one = section(
            figure,
            &[&few("abc", 10.0), &few("def", 20.0), &many("def", 40.0)],
        );
        assert!(
            of_one.contains("100,000 segments against 10,000 | 2 |"),
            "{of_one}"
        );
        assert_eq!(of_one.matches("commit def").count(), 1, "{of_one}");
    }
}
