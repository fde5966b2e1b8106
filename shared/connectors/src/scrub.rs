//! Scrubber: takes secrets out of what an upstream says, before anything of it is cut, kept or shown.
//!
//! An upstream repeats what it was sent: "Token expired: eyJ…", a header, a form. So every text that leaves an answer for a
//! failure, a log or a trace goes through the scrubber of that answer, and it goes through whole: a secret that was cut
//! before it is looked for is no longer found.
//!
//! Two things are taken for a secret. What was sent, and the app's own keys, are known: no part of one that is as long as
//! twelve bytes stays, as it is or as addresses and forms encode it, in either case. What was not sent is told by how it
//! looks: tokens begin with `eyJ`, `AB11` or `RT1-`, follow certain words, are long and of a kind that words are not, or
//! are the password of an address.

use std::fmt::Write;
use std::ops::Range;

use ledgerfleet_model::steering::is_steering;
use memchr::memmem;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Request, Url};
use secrecy::{ExposeSecret, SecretString};

/// Of a secret that is known, no part of so many bytes stays.
const PIECE: usize = 12;

/// What is known and shorter than this is no secret: it would be found in ordinary words.
const SHORTEST: usize = 4;

/// Bytes of a text that are looked at; nothing behind them is ever shown.
const LOOKED_AT: usize = 4_096;

/// Bytes from which a run of letters and digits is not taken for a name.
const OPAQUE: usize = 40;

/// What stands in the place of a secret.
const PLACEHOLDER: &str = "[secret]";

/// What tokens begin with: JSON in base64 (access tokens), and the two formats of refresh tokens.
const BEGINNINGS: [&str; 3] = ["eyJ", "AB11", "RT1-"];

/// Words, in lower case, after which a token stands.
const ANNOUNCED: [&str; 8] = [
    "token expired:",
    "bearer ",
    "basic ",
    "access_token",
    "refresh_token",
    "client_secret",
    "id_token",
    "token=",
];

/// Knows the secrets of one exchange with an upstream. It never prints them.
#[derive(Debug, Clone, Default)]
pub struct Scrubber {
    /// In lower case; each secret once for every way in which it is written.
    known: Vec<SecretString>,
}

impl Scrubber {
    /// One that knows these secrets also.
    #[must_use]
    pub fn knowing<'a>(&self, secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let mut known = self.known.clone();
        for secret in secrets {
            let secret = secret.expose_secret();
            let ways = [secret.to_ascii_lowercase(), encoded(secret).to_ascii_lowercase()];
            for way in ways.into_iter().filter(|way| way.len() >= SHORTEST) {
                if !known.iter().any(|known| known.expose_secret() == way) {
                    known.push(SecretString::from(way));
                }
            }
        }
        Self { known }
    }

    /// One that knows what a request is about to carry also: its authorisation, and the values of its form.
    pub(crate) fn of_request(&self, request: &Request) -> Self {
        let authorisation = request.headers().get(AUTHORIZATION).and_then(credentials);
        self.knowing(authorisation.iter().chain(&form_values(request)))
    }

    /// The text on one line, without characters that steer a reader, without secrets, and then cut to `most` characters.
    pub fn clean(&self, text: &str, most: usize) -> String {
        let line = one_line(text);
        let mut cleaned = String::with_capacity(line.len());
        let mut kept = 0;
        for Range { start, end } in self.secrets_in(&line) {
            cleaned.push_str(&line[kept..start]);
            cleaned.push_str(PLACEHOLDER);
            kept = end;
        }
        cleaned.push_str(&line[kept..]);
        cut(cleaned, most)
    }

    /// Where secrets stand, in order, none of them touching another.
    fn secrets_in(&self, line: &str) -> Vec<Range<usize>> {
        let lower = line.to_ascii_lowercase();
        let mut found = self.known_in(&lower);
        found.extend(announced_in(&lower));
        found.extend(shaped_in(line));
        found.extend(passwords_in(line));
        found.sort_unstable_by_key(|range| range.start);
        let mut apart: Vec<Range<usize>> = Vec::new();
        for range in found {
            let (start, end) = (
                line.floor_char_boundary(range.start),
                line.ceil_char_boundary(range.end),
            );
            match apart.last_mut() {
                Some(last) if start <= last.end => last.end = last.end.max(end),
                _ => apart.push(start..end),
            }
        }
        apart
    }

    fn known_in(&self, lower: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for known in &self.known {
            let secret = known.expose_secret().as_bytes();
            if secret.len() < PIECE {
                let places = memmem::find_iter(lower.as_bytes(), secret);
                found.extend(places.map(|at| at..at + secret.len()));
            } else {
                let pieces = lower.as_bytes().windows(PIECE).enumerate();
                let pieces = pieces.filter(|(_, piece)| memmem::find(secret, piece).is_some());
                found.extend(pieces.map(|(at, _)| at..at + PIECE));
            }
        }
        found
    }
}

/// A text on one line, without characters that steer a reader, and no more of it than is looked at.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(
            word.chars()
                .filter(|character| !is_steering(*character))
                .take(LOOKED_AT),
        );
        if line.len() >= LOOKED_AT {
            line.truncate(line.floor_char_boundary(LOOKED_AT));
            break;
        }
    }
    line
}

fn cut(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// What follows the words after which tokens stand.
fn announced_in(lower: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for words in ANNOUNCED {
        for at in memmem::find_iter(lower.as_bytes(), words) {
            let after = &lower[at + words.len()..];
            let told = after.trim_start_matches([' ', ':', '=', '"', '\'']);
            let start = lower.len() - told.len();
            let ends = |character: char| character.is_whitespace() || r#""'<>,;)&"#.contains(character);
            let end = told.find(ends).map_or(lower.len(), |length| start + length);
            // Not a word, as in "Basic authentication".
            let is_expired = words.starts_with("token expired");
            let has_digit = lower[start..end].bytes().any(|byte| byte.is_ascii_digit());
            if end - start >= PIECE && (is_expired || has_digit) {
                found.push(start..end);
            }
        }
    }
    found
}

/// What looks like a token.
fn shaped_in(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for run in runs(line, 0, is_of_token) {
        found.extend(beginning_in(line, &run));
        let text = &line[run.clone()];
        found.extend(
            runs(text, run.start, |byte| !matches!(byte, b'.' | b'/'))
                .filter(|piece| is_opaque(&line[piece.clone()])),
        );
    }
    found
}

/// The rest of a run from where a token begins in it.
fn beginning_in(line: &str, run: &Range<usize>) -> Option<Range<usize>> {
    let text = &line[run.clone()];
    let begins = |at: usize| {
        let is_first = at == 0 || !text.as_bytes()[at - 1].is_ascii_alphanumeric();
        is_first && text.len() - at >= PIECE
    };
    let first = |beginning: &&str| {
        let mut places = text.match_indices(*beginning).map(|(at, _)| at);
        places.find(|at| begins(*at))
    };
    let at = BEGINNINGS.iter().filter_map(first).min()?;
    Some(run.start + at..run.end)
}

/// Who is named before the host of an address, with a password: `user:password`.
fn passwords_in(line: &str) -> impl Iterator<Item = Range<usize>> {
    line.match_indices("://").filter_map(|(at, scheme)| {
        let start = at + scheme.len();
        let rest = &line[start..];
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '>');
        let authority = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let user = &authority[..authority.rfind('@')?];
        user.contains(':').then(|| start..start + user.len())
    })
}

/// The longest parts of a text whose bytes are all of a kind; `offset` is where the text begins.
fn runs(text: &str, offset: usize, is_of_kind: impl Fn(u8) -> bool) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + bytes[at..].iter().position(|byte| is_of_kind(*byte))?;
        let length = bytes[start..]
            .iter()
            .take_while(|byte| is_of_kind(**byte))
            .count();
        at = start + length;
        Some(offset + start..offset + at)
    })
}

fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~+/=%".contains(&byte)
}

/// Whether a run is as long, and as mixed, as names and ids are not: these have no digits, or hexadecimal ones alone.
fn is_opaque(run: &str) -> bool {
    let is_beyond_hex = |byte: &u8| matches!(byte.to_ascii_lowercase(), b'g'..=b'z');
    let has_digit = run.bytes().any(|byte| byte.is_ascii_digit());
    let is_mixed = has_digit && run.as_bytes().iter().any(is_beyond_hex);
    let is_encoded = run.bytes().filter(|byte| *byte == b'%').count() >= PIECE;
    is_encoded || (run.len() >= OPAQUE && is_mixed)
}

/// What an `Authorization` header carries after its scheme; all of it where it has none, as that of an API key.
fn credentials(header: &HeaderValue) -> Option<SecretString> {
    let header = header.to_str().ok()?;
    let credentials = header
        .split_once(' ')
        .map_or(header, |(_, credentials)| credentials);
    Some(SecretString::from(credentials.trim()))
}

/// The values of a form that are too long to be one of its words.
fn form_values(request: &Request) -> Vec<SecretString> {
    const WORDS: [&str; 2] = ["grant_type", "redirect_uri"];
    let body = request.body().and_then(|body| body.as_bytes());
    let body = body.and_then(|body| std::str::from_utf8(body).ok());
    let is_form = |request: &Request| {
        let kind = request.headers().get(reqwest::header::CONTENT_TYPE);
        kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"))
    };
    let (Some(body), true, Ok(mut url)) = (body, is_form(request), Url::parse("form:")) else {
        return Vec::new();
    };
    url.set_query(Some(body));
    let pairs = url.query_pairs().filter(|(name, _)| !WORDS.contains(&&**name));
    pairs
        .map(|(_, value)| SecretString::from(value.into_owned()))
        .collect()
}

/// As forms and addresses encode it.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._*~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
