//! Shell: what is the same on every page: language, theme, navigation, who is signed in, what just happened.

use std::borrow::Borrow;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use ledgerfleet_ledger::Scope;
use rust_decimal::Decimal;

use super::assets::address;
use super::inside::Trouble;
use super::texts::Language;
use super::visit::{Sent, Theme, Visit};

/// A line of the navigation.
pub(super) struct Link {
    pub(super) path: &'static str,
    pub(super) glyph: &'static str,
    pub(super) text: String,
    pub(super) is_here: bool,
}

/// Something that can be said to a shell instead of pressing a button.
#[derive(Debug, Clone)]
pub(super) struct Commands {
    pub(super) cli: String,
    pub(super) curl: String,
}

/// What is the same on every page.
pub(super) struct Shell {
    pub(super) language: Language,
    pub(super) title: String,
    pub(super) place: String,
    pub(super) proof: String,
    pub(super) who: Option<String>,
    /// Whether there is a session to leave.
    pub(super) is_session: bool,
    pub(super) theme: Theme,
    pub(super) links: Vec<Link>,
    /// What was done just now, in a sentence.
    pub(super) told: Option<String>,
    scopes: Vec<Scope>,
}

const PAGES: [(&str, &str, &str); 9] = [
    ("/", "coverage", "nav.home"),
    ("/verified", "verified", "nav.verified"),
    ("/runs", "runs", "nav.runs"),
    ("/dead-letters", "deadl", "nav.dead_letters"),
    ("/quarantine", "quarantine", "nav.quarantine"),
    ("/connections", "connections", "nav.connections"),
    ("/quota", "quota", "nav.quota"),
    ("/state", "workers", "nav.health"),
    ("/audit", "audit", "nav.audit"),
];

/// What a page may be told by the address that leads to it, after something was done. Nothing else can be said by a link.
const TOLD: [&str; 9] = [
    "told.begun",
    "told.joined",
    "told.steered",
    "told.tested",
    "told.synced",
    "told.replayed",
    "told.none",
    "told.dropped",
    "told.signed_out",
];

impl Shell {
    pub(super) fn of(visit: &Visit, title: &str) -> Self {
        let language = visit.language;
        let path = visit.place.split('?').next().unwrap_or_default();
        let sees_audit = visit
            .caller
            .as_ref()
            .is_some_and(|caller| caller.scopes.contains(&Scope::Admin));
        let links = PAGES
            .iter()
            .filter(|(place, ..)| *place != "/audit" || sees_audit)
            .map(|&(place, glyph, key)| Link {
                path: place,
                glyph,
                text: language.text(key).to_owned(),
                is_here: place == path || (place != "/" && path.starts_with(place)),
            });
        Self {
            language,
            title: if title.is_empty() {
                String::new()
            } else {
                language.text(title).to_owned()
            },
            place: visit.place.clone(),
            proof: visit.proof.clone(),
            who: visit.caller.as_ref().map(|caller| caller.name.clone()),
            is_session: visit.session.is_some(),
            theme: visit.theme,
            links: if visit.caller.is_some() {
                links.collect()
            } else {
                Vec::new()
            },
            told: told(visit),
            scopes: visit
                .caller
                .as_ref()
                .map(|caller| caller.scopes.clone())
                .unwrap_or_default(),
        }
    }

    /// Names the page by what it is about, whatever language that is in.
    pub(super) fn titled(mut self, title: String) -> Self {
        self.title = title;
        self
    }

    pub(super) fn t(&self, key: &str) -> &'static str {
        self.language.text(key)
    }

    /// The text for so many, with the number in it.
    pub(super) fn n(&self, key: &str, many: impl Borrow<u64>) -> String {
        let many = *many.borrow();
        let text = self.language.counted(key, many);
        text.replace("{n}", &self.language.number(many))
    }

    /// The text with this in its hole.
    pub(super) fn a(&self, key: &str, what: &str) -> String {
        self.t(key).replace("{a}", what)
    }

    pub(super) fn word<'a>(&self, kind: &str, word: &'a str) -> &'a str {
        self.language.word(kind, word)
    }

    pub(super) fn number(&self, number: impl Borrow<u64>) -> String {
        self.language.number(*number.borrow())
    }

    pub(super) fn instant(&self, at: &DateTime<Utc>) -> String {
        self.language.instant(*at)
    }

    #[expect(
        clippy::ref_option,
        clippy::trivially_copy_pass_by_ref,
        reason = "templates lend what they show"
    )]
    pub(super) fn days(&self, from: &Option<NaiveDate>, to: &Option<NaiveDate>) -> String {
        self.language.days(*from, *to)
    }

    /// An instant, or a dash where there is none.
    #[expect(clippy::ref_option, reason = "templates lend what they show")]
    pub(super) fn instant_or(&self, at: &Option<DateTime<Utc>>) -> String {
        at.map_or_else(|| "–".to_owned(), |at| self.language.instant(at))
    }

    /// How long it is behind, or a dash where nothing is known.
    #[expect(
        clippy::ref_option,
        clippy::trivially_copy_pass_by_ref,
        reason = "templates lend what they show"
    )]
    pub(super) fn lag(&self, seconds: &Option<u32>) -> String {
        seconds.map_or_else(|| "–".to_owned(), |seconds| self.language.span(seconds.into()))
    }

    /// An amount to its last digit, or a dash where there is none.
    pub(super) fn amount(&self, amount: Option<Decimal>) -> String {
        amount.map_or_else(
            || "–".to_owned(),
            |amount| self.language.amount(&amount.to_string()),
        )
    }

    #[expect(clippy::unused_self, reason = "templates ask their shell for everything")]
    pub(super) fn asset(&self, name: &str) -> String {
        address(name)
    }

    pub(super) fn next_theme(&self) -> &'static str {
        self.theme.next().as_str()
    }

    pub(super) fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|known| known.as_str() == scope)
    }
}

fn told(visit: &Visit) -> Option<String> {
    let query = visit
        .place
        .split_once('?')
        .map(|(_, query)| Sent::of_query(query))?;
    let key = format!("told.{}", query.value("told")?);
    let key = TOLD.iter().find(|known| **known == key)?;
    let number = |name| {
        query
            .value(name)
            .and_then(|many| many.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let (many, of) = (number("n"), number("of"));
    let language = visit.language;
    let text = language.counted(key, many);
    Some(
        text.replace("{n}", &language.number(many))
            .replace("{of}", &language.number(of)),
    )
}

/// Renders a page.
pub(super) fn page(template: &impl Template) -> Result<Response, Trouble> {
    let text = template
        .render()
        .map_err(|error| Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string()))?;
    Ok(Html(text).into_response())
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct TroublePage<'a> {
    s: &'a Shell,
    says: &'a str,
    trouble: &'a Trouble,
    can_retry: bool,
}

/// The page of something that was refused.
pub(super) fn trouble_page(shell: &Shell, trouble: &Trouble) -> Response {
    let key = format!("cause.{}", trouble.cause);
    let told = TroublePage {
        s: shell,
        says: if trouble.cause == "forged" {
            shell.t("forged")
        } else {
            shell.t(&key)
        },
        trouble,
        can_retry: matches!(
            trouble.status,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        ),
    };
    let text = told.render().unwrap_or_default();
    let mut response = (trouble.status, Html(text)).into_response();
    if trouble.status == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert("retry-after", axum::http::HeaderValue::from_static("5"));
    }
    response
}

impl Commands {
    /// The same as a command of this program, and as a request to the API.
    pub(super) fn of(cli: impl Into<String>, path: &str, body: Option<&serde_json::Value>) -> Self {
        let body = body.map_or_else(String::new, |body| {
            format!(
                " -H 'Content-Type: application/json' -d {}",
                quoted(&body.to_string())
            )
        });
        Self {
            cli: cli.into(),
            curl: format!(
                "curl -X POST -H \"Authorization: Bearer $KEY\"{body} {}",
                quoted(&format!("http://HOST{path}"))
            ),
        }
    }
}

impl Commands {
    /// Something that is only read.
    pub(super) fn reading(cli: impl Into<String>, path: &str) -> Self {
        Self {
            cli: cli.into(),
            curl: format!(
                "curl -H \"Authorization: Bearer $KEY\" {}",
                quoted(&format!("http://HOST{path}"))
            ),
        }
    }
}

/// A word of a shell, whatever is in it.
pub(super) fn quoted(text: &str) -> String {
    let is_plain = !text.is_empty()
        && text
            .chars()
            .all(|sign| sign.is_ascii_alphanumeric() || "-_./:,".contains(sign));
    if is_plain {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A part of a path, whatever is in it.
pub(super) fn encoded(text: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded.replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_means_what_the_button_does_whatever_a_name_holds() {
        for (text, word) in [
            ("acme", "acme"),
            ("", "''"),
            ("two words", "'two words'"),
            ("it's; rm -rf $HOME", r"'it'\''s; rm -rf $HOME'"),
        ] {
            assert_eq!(quoted(text), word);
        }
        assert_eq!(encoded("a/b c%"), "a%2Fb%20c%25");
    }
}
