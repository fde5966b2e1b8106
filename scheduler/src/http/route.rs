//! Route: one thing that can be asked, what it needs to be allowed, and how it is described.

use ledgerfleet_ledger::Scope;

/// A method of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
}

impl Method {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// One thing that can be asked. There is none without a scope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    pub(crate) method: Method,
    /// With `{name}` where something is left open.
    pub(crate) path: &'static str,
    /// What a key must be good for.
    pub(crate) scope: Scope,
    /// What it does, in a line.
    pub(crate) does: &'static str,
    /// Parameters of the query, and what each means. Any other is refused.
    pub(crate) query: &'static [(&'static str, &'static str)],
    /// An example of the body, where it takes one.
    pub(crate) body: Option<&'static str>,
    /// Whether what it takes may be left out.
    pub(crate) body_may_lack: bool,
    /// The status of success.
    pub(crate) status: u16,
    /// The media types of what it streams, beside JSON or instead of it.
    pub(crate) streams: &'static [&'static str],
    /// Whether what it answers is a secret, which is kept nowhere, not even to be repeated.
    pub(crate) is_secret: bool,
    /// Whether it asks a source, which may cost a metered call: it is done to its end though its client goes away. So is
    /// whatever is not only read.
    pub(crate) asks_source: bool,
}

impl Route {
    /// One that is read.
    pub(crate) const fn get(path: &'static str, scope: Scope, does: &'static str) -> Self {
        Self {
            method: Method::Get,
            path,
            scope,
            does,
            query: &[],
            body: None,
            body_may_lack: false,
            status: 200,
            streams: &[],
            is_secret: false,
            asks_source: false,
        }
    }

    /// One that does something.
    pub(crate) const fn post(path: &'static str, scope: Scope, does: &'static str) -> Self {
        Self {
            method: Method::Post,
            ..Self::get(path, scope, does)
        }
    }

    pub(crate) const fn with(self, query: &'static [(&'static str, &'static str)]) -> Self {
        Self { query, ..self }
    }

    pub(crate) const fn taking(self, body: &'static str) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    /// One that takes a body, or none.
    pub(crate) const fn taking_if_any(self, body: &'static str) -> Self {
        Self {
            body_may_lack: true,
            ..self.taking(body)
        }
    }

    pub(crate) const fn streaming(self, streams: &'static [&'static str]) -> Self {
        Self { streams, ..self }
    }

    /// One whose answers are never kept: a repetition is done anew.
    pub(crate) const fn answering_secretly(self) -> Self {
        Self {
            is_secret: true,
            ..self
        }
    }

    pub(crate) const fn asking_source(self) -> Self {
        Self {
            asks_source: true,
            ..self
        }
    }

    pub(crate) const fn answering(self, status: u16) -> Self {
        Self { status, ..self }
    }
}
