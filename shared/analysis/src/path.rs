//! A path: where in a record a column's value is.

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// The id of the record that the row is or is in.
    RecordId,
    /// The row's place in its record, from 0.
    Index,
    /// The place of the row that the row is in.
    ParentIndex,
    /// The entity's name.
    Kind,
    /// What one unit of a currency is worth at home: the number there, 1 where nothing is there.
    Rate(Path),
    /// Nothing: the name is kept for those who expect it.
    Nothing,
    /// The first of these that is there and of the column's type.
    FirstOf(Vec<Term>),
}

/// One thing to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Where it is.
    pub path: Path,
    /// What it is multiplied by, to the cent: 1 where nothing is there. Where something is there that is no number, the
    /// product is not known.
    pub times: Option<Path>,
}

/// Members, one inside of the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Whether it begins at the record and not at the row.
    pub from_record: bool,
    /// Before the filter, if there is one; else all.
    pub members: Vec<String>,
    /// The elements of the array (or the object) there that count, all if there is no filter, and the members from the first
    /// of them on.
    pub chosen: Option<(Option<Filter>, Vec<String>)>,
}

/// Which objects count: those whose member is one of these texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The member.
    pub member: String,
    /// The texts.
    pub values: Vec<String>,
}

impl Value {
    /// Reads a column's path.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            "@id" => Self::RecordId,
            "@index" => Self::Index,
            "@parent_index" => Self::ParentIndex,
            "@kind" => Self::Kind,
            "@none" => Self::Nothing,
            _ if text.starts_with("@rate ") => Self::Rate(Path::parse(&text["@rate ".len()..])?),
            _ if text.starts_with('@') => return Err(format!("there is no `{text}`")),
            _ => Self::FirstOf(text.split(" | ").map(Term::parse).collect::<Result<_, _>>()?),
        })
    }
}

impl Term {
    fn parse(text: &str) -> Result<Self, String> {
        let (path, times) = match text.split_once(" * ") {
            Some((path, times)) => (path, Some(Path::parse(times)?)),
            None => (text, None),
        };
        Ok(Self {
            path: Path::parse(path)?,
            times,
        })
    }
}

impl Path {
    /// Reads one path.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (from_record, text) = match text.strip_prefix('^') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let Some((before, rest)) = text.split_once('[') else {
            return Ok(Self {
                from_record,
                members: members(text)?,
                chosen: None,
            });
        };
        let (filter, after) = rest
            .split_once("].")
            .ok_or("a filter ends with `].` and a member")?;
        let filter = match filter {
            "" => None,
            filter => Some(Filter::parse(filter)?),
        };
        let before = if before.is_empty() {
            Vec::new()
        } else {
            members(before)?
        };
        Ok(Self {
            from_record,
            members: before,
            chosen: Some((filter, members(after)?)),
        })
    }
}

impl Filter {
    /// Reads what stands between the brackets.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (member, values) = text.split_once('=').ok_or("a filter is `Member=Value,Value`")?;
        let values: Vec<String> = values.split(',').map(str::to_owned).collect();
        // They become part of statements.
        if values.iter().any(|value| value.contains(['\'', '"', '\\'])) {
            return Err(format!("`{text}` has a quote or a backslash"));
        }
        Ok(Self {
            member: members(member)?.remove(0),
            values,
        })
    }
}

fn members(text: &str) -> Result<Vec<String>, String> {
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let names: Vec<String> = text.split('.').map(str::to_owned).collect();
    match names.iter().find(|name| !is_name(name)) {
        Some(name) => Err(format!("`{name}` in `{text}` is no member")),
        None => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_members_a_filter_and_a_beginning() {
        let plain = Path::parse("MetaData.CreateTime").unwrap();
        assert_eq!(plain.members, ["MetaData", "CreateTime"]);
        let chosen = Path::parse("^Line.Linked[Type=A,B c].Id").unwrap();
        assert!(chosen.from_record);
        assert_eq!(chosen.members, ["Line", "Linked"]);
        let (filter, after) = chosen.chosen.unwrap();
        let filter = filter.unwrap();
        assert_eq!((filter.member.as_str(), filter.values.len()), ("Type", 2));
        assert_eq!(after, ["Id"]);
        let own = Path::parse("[Type=A].Id").unwrap();
        assert!(own.members.is_empty());
        let first = Path::parse("Linked[].Id").unwrap();
        assert_eq!(first.chosen.unwrap().0, None);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in [
            "",
            "A..B",
            "A[B].C",
            "A[B=c]",
            "A[B=it's].C",
            "A B",
            "A.*",
            "@other",
            "A | ",
            "A * ",
            "@rate ",
            "A[].",
        ] {
            assert!(Value::parse(text).is_err(), "{text}");
        }
    }
}
