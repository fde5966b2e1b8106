//! Report: the figures as a page for people. What stands outside of its two marks was written by people and stays.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use crate::statistics::Spread;
use crate::{FIGURES, Figure, Line, Machine, Reach, Value, Values};

const BEGIN: &str = "<!-- what follows is written by ./deploy/bench -->";
const END: &str = "<!-- end of what is written by ./deploy/bench -->";

/// Writes what was measured into a page, between its marks.
pub fn write_report(page: &Path, lines: &[Line]) -> std::io::Result<()> {
    let text = std::fs::read_to_string(page).unwrap_or_else(|_| format!("# Benchmarks\n\n{BEGIN}\n{END}\n"));
    let before = text.split(BEGIN).next().unwrap_or_default();
    let after = text.split_once(END).map_or("\n", |(_, after)| after);
    std::fs::write(page, format!("{before}{BEGIN}\n{}{END}{after}", figures(lines)))
}

fn figures(lines: &[Line]) -> String {
    let mut text = String::new();
    for figure in FIGURES {
        let of_figure: Vec<&Line> = lines.iter().filter(|line| line.figure == figure.name).collect();
        if !of_figure.is_empty() {
            text += &section(figure, &of_figure);
        }
    }
    text
}

fn section(figure: &Figure, lines: &[&Line]) -> String {
    let mut text = format!("\n## {}\n\n{}\n", figure.title, figure.about);
    let mut shown: Vec<Line> = Vec::new();
    for case in figure.cases {
        let newest = lines.iter().rev().find(|line| line.case == case.name);
        let Some(newest) = newest else { continue };
        let same: Vec<Line> = lines
            .iter()
            .filter(|line| {
                line.case == case.name && line.commit == newest.commit && line.machine == newest.machine
            })
            .map(|line| (*line).clone())
            .collect();
        let heading = if figure.cases.len() > 1 { case.name } else { "" };
        text += &table(heading, &rows(&same));
        shown.extend(same);
    }
    let derived = (figure.derive)(&shown);
    if !derived.0.is_empty() {
        let rows: Vec<Row> = derived
            .0
            .iter()
            .map(|value| Row {
                value: value.clone(),
                measured: vec![value.value],
            })
            .collect();
        text += &table("together", &rows);
    }
    text + &provenance(&shown)
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
    let mut text =
        format!("\n| {heading} | median | least – most | to reach | |\n|---|---:|---:|---:|---|\n");
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

/// Of what, where and when.
fn provenance(lines: &[Line]) -> String {
    let builds: BTreeSet<String> = lines
        .iter()
        .map(|line| format!("commit {} on {}", line.commit, place(&line.machine)))
        .collect();
    let (Some(first), Some(last)) = (
        lines.iter().map(|line| &line.at).min(),
        lines.iter().map(|line| &line.at).max(),
    ) else {
        return String::new();
    };
    let times = lines.len();
    let builds: Vec<String> = builds.into_iter().collect();
    format!(
        "\n{}; {times} measurements from {first} to {last}.\n",
        builds.join("; ")
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
    } = machine;
    format!("{processor}, {cores} cores, {memory} GiB, Linux {kernel}, Postgres {postgres}, Redis {redis}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_long_as_they_are_of_use() {
        let shown = [1_234_567.0, 1000.0, 999.5, 12.34, 1.0, 0.123_45].map(number);
        assert_eq!(shown, ["1,234,567", "1,000", "1000", "12.3", "1", "0.123"]);
    }

    #[test]
    fn what_people_wrote_stays() {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("page.md");
        std::fs::write(&page, format!("before\n{BEGIN}\nold\n{END}\nafter\n")).unwrap();
        write_report(&page, &[]).unwrap();
        let text = std::fs::read_to_string(&page).unwrap();
        assert_eq!(text, format!("before\n{BEGIN}\n{END}\nafter\n"));
    }
}
