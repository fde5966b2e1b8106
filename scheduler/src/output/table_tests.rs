use serde::Serialize;

use super::*;

#[derive(Serialize, Clone)]
struct Letter {
    id: &'static str,
    state: &'static str,
    message: &'static str,
    total: &'static str,
    note: &'static str,
}

impl Row for Letter {
    const COLUMNS: &'static [&'static str] = &["id", "state", "message", "total", "note"];
    const TEXTS: &'static [&'static str] = &["message"];
    const LESSER: &'static [&'static str] = &["note", "total"];

    fn cells(&self) -> Vec<String> {
        [self.id, self.state, self.message, self.total, self.note]
            .map(str::to_owned)
            .to_vec()
    }
}

const ID: &str = "0192f0c1-5e2a-7000-8000-1c9d3a6b4e21";

fn letter() -> Letter {
    Letter {
        id: ID,
        state: "dead",
        message: "the upstream answered 503 Service Unavailable, six times in a row",
        total: "1,738,163.82",
        note: "2026-03-31",
    }
}

fn printed(letters: &[Letter], width: Option<usize>) -> (Vec<String>, Vec<&'static str>) {
    let look = Look {
        width,
        paint: Paint::Plain,
    };
    let mut out = Vec::new();
    let left_out = rows(&mut out, letters, look).unwrap();
    let text = String::from_utf8(out).unwrap();
    (text.lines().map(str::to_owned).collect(), left_out)
}

#[test]
fn at_every_width_ids_numbers_and_dates_are_whole_or_left_out_and_each_row_is_one_line() {
    for width in 1..=160 {
        let (lines, left_out) = printed(&[letter()], Some(width));
        assert_eq!(lines.len(), 2, "{width}: {lines:#?}");
        let row = &lines[1];
        assert!(row.contains(ID) && row.contains("dead"), "{width}: {row}");
        for (title, value) in [("total", "1,738,163.82"), ("note", "2026-03-31")] {
            assert_ne!(row.contains(value), left_out.contains(&title), "{width}: {row}");
        }
        let least = ID.len() + 2 + "state".len() + 2 + READABLE;
        assert!(measure_text_width(row) <= width.max(least), "{width}: {row}");
    }
}

#[test]
fn free_text_is_cut_before_a_column_is_left_out_and_the_lesser_goes_first() {
    let (lines, left_out) = printed(&[letter()], Some(100));
    assert!(left_out.is_empty() && lines[1].contains('…'), "{lines:#?}");
    assert_eq!(printed(&[letter()], Some(80)).1, ["note"]);
    assert_eq!(printed(&[letter()], Some(60)).1, ["note", "total"]);
    let (lines, left_out) = printed(&[letter()], None);
    assert!(left_out.is_empty() && !lines[1].contains('…'), "{lines:#?}");
}

#[test]
fn a_column_without_a_value_is_not_shown_and_amounts_stand_right() {
    let small = Letter {
        total: "9.50",
        note: "",
        ..letter()
    };
    let large = Letter { note: "", ..letter() };
    let (lines, left_out) = printed(&[small, large], None);
    assert_eq!((lines[0].contains("note"), left_out), (false, Vec::new()));
    assert!(
        lines[1].ends_with("          9.50") && lines[2].ends_with("  1,738,163.82"),
        "{lines:#?}"
    );
}

/// Without it, a name that an upstream sends moves the cursor of whoever lists records.
#[test]
fn control_and_direction_characters_reach_no_table() {
    for risky in [
        "\u{1b}[2J",
        "\u{9b}31m",
        "\u{7}",
        "\r",
        "\u{202e}",
        "\u{2066}",
        "\n",
    ] {
        let message: &'static str = Box::leak(format!("Acme{risky} Ltd").into_boxed_str());
        let letter = Letter { message, ..letter() };
        let (lines, _) = printed(std::slice::from_ref(&letter), None);
        assert_eq!(lines.len(), 2, "{lines:#?}");
        assert!(!lines[1].contains(risky), "{lines:#?}");
        let look = Look {
            width: Some(80),
            paint: Paint::Plain,
        };
        let mut out = Vec::new();
        one(&mut out, &letter, look).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(risky == "\n" || !text.contains(risky), "{text:?}");
    }
}

#[test]
fn one_thing_is_told_in_whole_words_below_each_other() {
    let look = Look {
        width: Some(40),
        paint: Paint::Coloured,
    };
    let mut out = Vec::new();
    one(&mut out, &letter(), look).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains(&format!("id       {ID}\n")), "{text}");
    assert!(text.contains("state    \u{1b}[31mdead\u{1b}[0m\n"), "{text}");
    assert!(
        text.contains(
            "message  the upstream answered 503\n         Service Unavailable, six times\n         in a row\n"
        ),
        "{text}"
    );
}
