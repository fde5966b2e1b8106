//! Page: the report among what people wrote. What stands outside of its two marks is theirs and stays.

use std::fs::OpenOptions;
use std::io::{Error, ErrorKind};
use std::path::Path;

use crate::report::{HEAD, TOGETHER, section};
use crate::{Case, FIGURES, Figure, Line, find_figure};

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
        let old = section_in(shown, figure);
        let lines = of_figure(figure, lines);
        if lines.is_empty() {
            sections += &old;
            continue;
        }
        let new = section(figure, &lines);
        if takes_away(&old, &new, figure, &lines) {
            staying.push(figure.name);
            sections += &old;
        } else {
            sections += &new;
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

/// What was measured of the cases that a figure has.
fn of_figure<'a>(figure: &Figure, lines: &'a [Line]) -> Vec<&'a Line> {
    let is_case = |line: &Line| figure.cases.iter().any(|case| case.name == line.case);
    lines
        .iter()
        .filter(|line| line.figure == figure.name && is_case(line))
        .collect()
}

/// The section of a figure as the page has it, or nothing.
fn section_in(shown: &str, figure: &Figure) -> String {
    let heading = format!("{}\n", figure.title);
    let mut sections = shown.split("\n## ").skip(1);
    let found = sections.find(|section| section.starts_with(&heading));
    found.map_or(String::new(), |section| format!("\n## {}\n", section.trim_end()))
}

/// Whether a section of some cases would take the place of one that shows others, too.
fn takes_away(old: &str, new: &str, figure: &Figure, lines: &[&Line]) -> bool {
    let is_measured = |case: &Case| lines.iter().any(|line| line.case == case.name);
    let heads = |text: &str| -> Vec<String> {
        let heads = text.lines().filter(|line| line.ends_with(HEAD));
        heads.map(str::to_owned).collect()
    };
    let together = format!("| {TOGETHER}{HEAD}");
    let shown = heads(new);
    !figure.cases.iter().all(is_measured)
        && heads(old)
            .iter()
            .any(|head| *head != together && !shown.contains(head))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::line;

    /// A page with so much between its marks, after the report of these lines.
    fn reported(between: &str, lines: &[Line]) -> (std::io::Result<Vec<&'static str>>, String) {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("page.md");
        std::fs::write(&page, format!("before\n{BEGIN}\n{between}{END}\nafter\n")).unwrap();
        let staying = write_report(&page, lines);
        (staying, std::fs::read_to_string(&page).unwrap())
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
        let renamed = between.replace(other.name, "of another name");
        let (_, text) = reported(&renamed, &[line(figure, one.name, "def", 3.0)]);
        assert!(text.contains(&renamed), "{text}");
        let unknown = line(figure, "of another name", "def", 3.0);
        let (_, text) = reported(&between, &[unknown, line(FIGURES[0], "processes", "def", 3.0)]);
        assert!(text.contains(&between), "{text}");
        let (_, text) = reported("", &[line(figure, one.name, "def", 3.0)]);
        assert!(text.contains("commit def"), "{text}");
        let (_, text) = reported(&renamed, &all);
        assert!(text.contains(&between) && !text.contains(&renamed), "{text}");
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
}
