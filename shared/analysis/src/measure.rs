//! A measure: a figure over the tables of a layout, with its definition.
//!
//! A file begins with lines of comment: `-- measure NAME`, then the definition, then `-- column NAME: MEANING` for each
//! column. The statement follows. What stands in braces is said differently by the two databases:
//!
//! | In the file | Postgres (a schema for each company) | SQLite (one view for all) |
//! |---|---|---|
//! | `{table X}` | `"schema"."X"` | `quickbooks_X` |
//! | `{connection}`, `{of a}` | nothing | `connection, `, `a.connection, ` |
//! | `{same a b}` | nothing | `a.connection = b.connection AND ` |
//! | `{apart a}` | nothing | `PARTITION BY a.connection ` |
//! | `{once}`, at the end of an inner select | its columns are worked out once, wherever they are named | the same |
//! | `{sum X}` | `sum(X)`, 0 for nothing | the same in whole numbers |
//! | `{home X, R}` | `X` times the rate `R`, to the cent | the same of `X_text` and `R_text`: both are columns |
//! | `{month D}` | the month's first day | the same |
//! | `{today}` | the day in the company's zone | the day in UTC |
//! | `{age D}` | days from `D` to today | the same |

/// One measure.
#[derive(Debug)]
pub struct Measure {
    /// The view's name, without that of the connector.
    pub name: String,
    /// What it says, and what it counts.
    pub definition: String,
    /// Its columns, but for `connection`, each with its meaning.
    pub columns: Vec<(String, String)>,
    body: String,
}

impl Measure {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let is_comment = |line: &&str| line.starts_with("--");
        let mut head = text
            .lines()
            .take_while(is_comment)
            .map(|line| line.trim_start_matches('-').trim());
        let name = head.next().and_then(|line| line.strip_prefix("measure "));
        let name = name.ok_or("a measure begins with `-- measure NAME`")?.to_owned();
        let (mut definition, mut columns) = (Vec::new(), Vec::new());
        for line in head {
            match line
                .strip_prefix("column ")
                .and_then(|column| column.split_once(": "))
            {
                Some((column, meaning)) => columns.push((column.to_owned(), meaning.to_owned())),
                None => definition.push(line),
            }
        }
        let body = text.lines().skip_while(is_comment).collect::<Vec<_>>().join("\n");
        let definition = definition.join(" ");
        if definition.is_empty() || columns.is_empty() || body.trim().is_empty() {
            return Err(format!(
                "{name}: a measure has a definition, columns and a statement"
            ));
        }
        let measure = Self {
            name,
            definition,
            columns,
            body,
        };
        // Every word in braces is known.
        measure.render(&|word, _| known(word).then(String::new))?;
        Ok(measure)
    }

    /// The statement, with what stands in braces said by `say`: of its first word and the rest.
    pub(crate) fn render(&self, say: &dyn Fn(&str, &str) -> Option<String>) -> Result<String, String> {
        let mut rendered = String::with_capacity(2 * self.body.len());
        let mut rest = self.body.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (inside, after) = after
                .split_once('}')
                .ok_or_else(|| format!("{}: a brace is open", self.name))?;
            let (word, argument) = inside.split_once(' ').unwrap_or((inside, ""));
            rendered.push_str(before);
            rendered
                .push_str(&say(word, argument).ok_or_else(|| format!("{}: what is {{{word}}}?", self.name))?);
            rest = after;
        }
        rendered.push_str(rest);
        Ok(rendered)
    }
}

fn known(word: &str) -> bool {
    [
        "table",
        "connection",
        "of",
        "same",
        "apart",
        "once",
        "sum",
        "home",
        "month",
        "today",
        "age",
    ]
    .contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_without_a_definition_or_with_an_unknown_word_is_refused() {
        for text in [
            "SELECT 1",
            "-- measure sales\nSELECT 1",
            "-- measure sales\n-- What was sold.\nSELECT 1",
            "-- measure sales\n-- What was sold.\n-- column amount: it\nSELECT {total x}",
            "-- measure sales\n-- What was sold.\n-- column amount: it\nSELECT {sum x",
        ] {
            assert!(Measure::parse(text).is_err(), "{text}");
        }
    }
}
