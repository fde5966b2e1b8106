//! Indent: JSON with a line for each member. What is written stays as it is written: digits, order and escapes.

/// Spaces of one level.
const LEVEL: usize = 2;

/// Valid JSON, indented.
pub(crate) fn indented(json: &str) -> String {
    let mut indenting = Indenting::default();
    for c in json.chars() {
        indenting.take(c);
    }
    indenting.out
}

#[derive(Default)]
struct Indenting {
    out: String,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Indenting {
    fn take(&mut self, c: char) {
        if self.in_string {
            self.in_string = self.escaped || c != '"';
            self.escaped = c == '\\' && !self.escaped;
            self.out.push(c);
            return;
        }
        match c {
            '{' | '[' => {
                self.out.push(c);
                self.depth += 1;
                self.new_line();
            }
            '}' | ']' => {
                self.depth = self.depth.saturating_sub(1);
                self.close(c);
            }
            ',' => {
                self.out.push(c);
                self.new_line();
            }
            ':' => self.out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => {
                self.in_string = c == '"';
                self.out.push(c);
            }
        }
    }

    /// An object or a list without members stays in its line.
    fn close(&mut self, c: char) {
        let opened = self.out.trim_end().len();
        let is_empty = self.out[..opened].ends_with(['{', '[']);
        if is_empty {
            self.out.truncate(opened);
        } else {
            self.new_line();
        }
        self.out.push(c);
    }

    fn new_line(&mut self) {
        self.out.push('\n');
        self.out.push_str(&" ".repeat(self.depth * LEVEL));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_has_its_line_and_nothing_written_is_changed() {
        let json = r#"{"b":1.500,"a":[1,{"c":"x,{\"y\":\\"}],"e":{},"f":[ ]}"#;
        let shown = indented(json);
        assert_eq!(
            shown,
            "{\n  \"b\": 1.500,\n  \"a\": [\n    1,\n    {\n      \"c\": \"x,{\\\"y\\\":\\\\\"\n    }\n  ],\n  \"e\": {},\n  \"f\": []\n}"
        );
    }

    #[test]
    fn what_is_written_nicely_already_stays_the_same() {
        let json = serde_json::json!({"a": [1, {"b": "c"}], "d": null});
        let pretty = serde_json::to_string_pretty(&json).unwrap();
        assert_eq!(indented(&pretty), pretty);
    }
}
