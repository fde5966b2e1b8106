//! Returned: what a person brings back from an upstream's page, read strictly. Whatever is not a whole answer is a stray:
//! an old tab, a scanner, a half copied address. Strays use nothing up.

use secrecy::SecretString;
use url::{Url, form_urlencoded};

use crate::exit::Problem;

/// A whole answer of the page.
#[derive(Debug, Clone)]
pub(crate) struct Returned {
    pub(crate) state: String,
    pub(crate) answer: Answer,
}

/// What the page has answered.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// A code for that company.
    Granted { code: SecretString, realm: String },
    /// The person, or the upstream, has said no; in words.
    Refused(String),
}

/// Why something is no answer of the page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Stray(pub(crate) String);

/// No parameter of an answer is longer.
const LONGEST: usize = 2_048;

impl Returned {
    /// Reads the query of a redirect.
    pub(crate) fn of_query(query: &str) -> Result<Self, Stray> {
        let state = one(query, "state")?.ok_or_else(|| Stray("it has no state".to_owned()))?;
        if let Some(error) = one(query, "error")? {
            let told = match error.as_str() {
                "access_denied" => "it was refused on the page".to_owned(),
                "invalid_scope" => "the app may not ask for accounting data (invalid_scope)".to_owned(),
                other => format!("the page answered `{}`", other.escape_debug()),
            };
            return Ok(Self {
                state,
                answer: Answer::Refused(told),
            });
        }
        let code = one(query, "code")?.ok_or_else(|| Stray("it has no code".to_owned()))?;
        if code.contains(char::is_whitespace) {
            let why = "its code has blanks: copy the whole address, with every % in it";
            return Err(Stray(why.to_owned()));
        }
        let realm = one(query, "realmId")?.ok_or_else(|| {
            let why = "it names no company (realmId): a company has to be chosen on the page, and the app needs the scope \
                       com.intuit.quickbooks.accounting";
            Stray(why.to_owned())
        })?;
        if !is_realm(&realm) {
            return Err(Stray("its realmId is no number of a company".to_owned()));
        }
        Ok(Self {
            state,
            answer: Answer::Granted {
                code: SecretString::from(code),
                realm,
            },
        })
    }
}

/// Reads a redirect's address as it was copied from a browser: blanks and quotes around it and broken lines are taken
/// away. Answers where it led, without its query, beside what it says.
pub(crate) fn of_pasted(text: &str) -> Result<(String, Returned), Problem> {
    let text = text.trim().trim_matches(['"', '\'']).trim();
    let text: String = text.chars().filter(|c| !"\r\n\t".contains(*c)).collect();
    let unusable = |why: &str| {
        Problem::usage(
            "this is not the address that the consent page leads back to",
            "copy the whole address from the browser's address bar, and put it into single quotes",
        )
        .because(why)
    };
    Url::parse(&text).map_err(|error| unusable(&error.to_string()))?;
    let whole = text.split('#').next().unwrap_or_default();
    let (place, query) = whole.split_once('?').ok_or_else(|| unusable("it has no query"))?;
    let returned = Returned::of_query(query).map_err(|stray| unusable(&stray.0))?;
    Ok((place.to_owned(), returned))
}

/// A parameter that occurs at most once, and is not empty.
fn one(query: &str, name: &str) -> Result<Option<String>, Stray> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let mut values = pairs
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned());
    let first = values.next();
    if values.next().is_some() {
        return Err(Stray(format!("it has {name} twice")));
    }
    if first.as_ref().is_some_and(|value| value.len() > LONGEST) {
        return Err(Stray(format!("its {name} is too long")));
    }
    Ok(first.filter(|value| !value.is_empty()))
}

/// Whether it can be the number of a company.
pub(crate) fn is_realm(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn granted(query: &str) -> Option<(String, String)> {
        match Returned::of_query(query).ok()?.answer {
            Answer::Granted { code, realm } => Some((code.expose_secret().to_owned(), realm)),
            Answer::Refused(_) => None,
        }
    }

    #[test]
    fn a_whole_answer_has_state_code_and_one_company() {
        let whole = granted("code=AbC%2Bd%2F9&state=s1&realmId=9130000000000001");
        assert_eq!(whole, Some(("AbC+d/9".to_owned(), "9130000000000001".to_owned())));
        for stray in [
            "",
            "code=c1&realmId=1",
            "state=&code=c1&realmId=1",
            "state=s1&realmId=1",
            "state=s1&code=c1",
            "state=s1&code=c1&realmId=",
            "state=s1&code=c1&realmId=1&realmId=2",
            "state=s1&state=s2&code=c1&realmId=1",
            "state=s1&code=c1&realmId=1234567890123456789012345678901234567890",
            "state=s1&code=c1&realmId=../x",
            "state=s1&code=a+b&realmId=1",
        ] {
            assert!(Returned::of_query(stray).is_err(), "{stray}");
        }
    }

    #[test]
    fn a_refusal_on_the_page_is_an_answer() {
        let returned = Returned::of_query("error=access_denied&state=s1").unwrap();
        assert!(matches!(returned.answer, Answer::Refused(_)));
    }

    #[test]
    fn a_pasted_address_may_be_quoted_broken_and_have_a_fragment() {
        let address = "https://x.example/cb?code=AbC%2Bd%2F9&state=s1&realmId=9130#";
        let broken = address.replace("&state", "\n&state");
        for pasted in [
            address.to_owned(),
            format!("  '{address}' "),
            format!("\"{broken}\"\n"),
        ] {
            let (place, returned) = of_pasted(&pasted).unwrap();
            assert_eq!(place, "https://x.example/cb");
            let Answer::Granted { code, .. } = returned.answer else {
                panic!("it grants")
            };
            assert_eq!(code.expose_secret(), "AbC+d/9");
        }
        for useless in ["", "https://x.example/cb", "code=c1&state=s1&realmId=1"] {
            assert!(of_pasted(useless).is_err(), "{useless}");
        }
    }
}
