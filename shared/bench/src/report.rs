//! Report: the figures as a page for people. What stands outside of its two marks was written by people and stays.

use std::fmt::Write;
use std::fs::OpenOptions;
use std::io::{Error, ErrorKind};
use std::path::Path;

use crate::statistics::Spread;
use crate::{Case, FIGURES, Figure, Line, Machine, Reach, Value, Values, find_figure};

const BEGIN: &str = "<!-- what follows is written by ./deploy/bench -->";
const END: &str = "<!-- end of what is written by ./deploy/bench -->";

/// Writes what was measured into a page, between its marks. A section that shows more than was measured here stays as it
/// is, so that a part of the figures, or a machine that has measured few, takes nothing from the page.
///
/// Answers the names of the figures that were measured in part and whose section stays for that reason. Fails without a
/// change of the page if nothing was measured, or if the page has one of the marks without the other.
pub fn write_report(page: &Path, lines: &[Line]) -> std::io::Result<Vec<&'static str>> {
    let text = match std::fs::read_to_string(page) {
        Err(error) if error.kind() == ErrorKind::NotFound => format!("# Benchmarks\n\n{BEGIN}\n{END}\n"),
        read => read?,
    };
    let (before, shown, after) = parts(&text)?;
    if !lines.iter().any(|line| find_figure(&line.figure).is_some()) {
        return Err(Error::other("nothing was measured, so nothing is written"));
    }
    let mut staying = Vec::new();
    let mut sections = String::new();
    for figure in FIGURES {
        let of_figure: Vec<&Line> = lines.iter().filter(|line| line.figure == figure.name).collect();
        let old = section_in(shown, figure);
        if of_figure.is_empty() || shows_more(&old, figure, &of_figure) {
            if !of_figure.is_empty() {
                staying.push(figure.name);
            }
            sections += &old;
        } else {
            sections += &section(figure, &of_figure);
        }
    }
    std::fs::write(page, format!("{before}{BEGIN}\n{sections}{END}{after}"))?;
    Ok(staying)
}

/// Why a page could not be written at the end, if it could not; it stays as it is.
pub fn check_page(page: &Path) -> std::io::Result<()> {
    if page.exists() {
        OpenOptions::new().append(true).open(page)?;
        return parts(&std::fs::read_to_string(page)?).map(|_| ());
    }
    let folder = page.parent().filter(|folder| !folder.as_os_str().is_empty());
    tempfile::tempfile_in(folder.unwrap_or(Path::new("."))).map(|_| ())
}

/// What is before, between and after the marks.
fn parts(page: &str) -> std::io::Result<(&str, &str, &str)> {
    if !page.contains(BEGIN) && !page.contains(END) {
        return Ok((page, "", "\n"));
    }
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| {
        let (shown, after) = rest.split_once(END)?;
        Some((before, shown, after))
    });
    parts.ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidData,
            format!("`{BEGIN}` and `{END}` belong together"),
        )
    })
}

/// The section of a figure as the page has it, or nothing.
fn section_in(shown: &str, figure: &Figure) -> String {
    let heading = format!("{}\n", figure.title);
    let mut sections = shown.split("\n## ").skip(1);
    let found = sections.find(|section| section.starts_with(&heading));
    found.map_or(String::new(), |section| format!("\n## {}\n", section.trim_end()))
}

/// Whether a section has the table of a case that was not measured here.
fn shows_more(section: &str, figure: &Figure, lines: &[&Line]) -> bool {
    figure.cases.iter().any(|case| {
        let head = head(heading(figure, case));
        section.contains(&head) && !lines.iter().any(|line| line.case == case.name)
    })
}

fn section(figure: &Figure, lines: &[&Line]) -> String {
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
        text += &table(heading(figure, case), &rows(lines));
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
        text += &table("together", &rows);
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

/// What a case's table is called.
fn heading(figure: &Figure, case: &Case) -> &'static str {
    if figure.cases.len() > 1 { case.name } else { "" }
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

fn head(heading: &str) -> String {
    format!("\n| {heading} | median | least – most | to reach | |\n")
}

fn table(heading: &str, rows: &[Row]) -> String {
    let mut text = head(heading) + "|---|---:|---:|---:|---|\n";
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
mod tests {
    use super::*;

    fn line(figure: &Figure, case: &str, commit: &str, number: f64) -> Line {
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

    /// A page with so much between its marks, after the report of these lines.
    fn reported(between: &str, lines: &[Line]) -> (std::io::Result<Vec<&'static str>>, String) {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("page.md");
        std::fs::write(&page, format!("before\n{BEGIN}\n{between}{END}\nafter\n")).unwrap();
        let staying = write_report(&page, lines);
        (staying, std::fs::read_to_string(&page).unwrap())
    }

    #[test]
    fn numbers_are_as_long_as_they_are_of_use() {
        let shown = [1_234_567.0, 1000.0, 999.5, 12.34, 1.0, 0.123_45].map(number);
        assert_eq!(shown, ["1,234,567", "1,000", "1000", "12.3", "1", "0.123"]);
    }

    #[test]
    fn what_people_wrote_and_what_was_measured_elsewhere_stays() {
        let [first, second, ..] = FIGURES else {
            panic!("there are figures")
        };
        let stays = format!("\n## {}\n\nof another machine\n", second.title);
        let between = format!("\n## {}\n\nof before\n{stays}", first.title);
        let lines: Vec<Line> = first
            .cases
            .iter()
            .map(|case| line(first, case.name, "abc", 1.0))
            .collect();
        let (staying, text) = reported(&between, &lines);
        assert_eq!(staying.unwrap(), Vec::<&str>::new());
        assert!(
            text.starts_with(&format!("before\n{BEGIN}\n\n## {}\n", first.title)),
            "{text}"
        );
        assert!(!text.contains("of before") && text.contains("1 µs"), "{text}");
        assert!(text.ends_with(&format!("{stays}{END}\nafter\n")), "{text}");
    }

    #[test]
    fn a_section_with_more_cases_than_were_measured_here_stays() {
        let figure = find_figure("rows").unwrap();
        let [one, other] = figure.cases else {
            panic!("there are two cases")
        };
        let all = [
            line(figure, one.name, "abc", 1.0),
            line(figure, other.name, "abc", 2.0),
        ];
        let between = section(figure, &[&all[0], &all[1]]);
        let (staying, text) = reported(&between, &[line(figure, one.name, "def", 3.0)]);
        assert_eq!(staying.unwrap(), ["rows"]);
        assert!(text.contains(&between), "{text}");
        let (_, text) = reported("", &[line(figure, one.name, "def", 3.0)]);
        assert!(text.contains("commit def"), "{text}");
    }

    #[test]
    fn without_a_measurement_or_with_one_mark_nothing_is_written() {
        let unknown = Line {
            figure: "of another version".to_owned(),
            ..line(FIGURES[0], "one", "abc", 1.0)
        };
        for lines in [vec![], vec![unknown]] {
            let (refused, text) = reported("old\n", &lines);
            refused.unwrap_err();
            assert_eq!(text, format!("before\n{BEGIN}\nold\n{END}\nafter\n"));
        }
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("page.md");
        check_page(&page).unwrap();
        assert!(!page.exists());
        std::fs::write(&page, format!("before\n{BEGIN}\nafter\n")).unwrap();
        check_page(&page).unwrap_err();
        check_page(folder.path()).unwrap_err();
        check_page(&folder.path().join("missing/page.md")).unwrap_err();
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
