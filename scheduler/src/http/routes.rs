//! Routes: what each needs to be allowed, and how it is described. Both are said where the route is made.

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn;
use axum::routing::{MethodRouter, get, post};
use ledgerfleet_ledger::Scope;

use super::Api;
use super::guard::guard;

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
    /// The status of success.
    pub(crate) status: u16,
    /// Whether what it answers is a secret, which is kept nowhere, not even to be repeated.
    pub(crate) is_secret: bool,
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
            status: 200,
            is_secret: false,
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

    /// One whose answers are never kept: a repetition is done anew.
    pub(crate) const fn answering_secretly(self) -> Self {
        Self {
            is_secret: true,
            ..self
        }
    }

    pub(crate) const fn answering(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

/// Routes that are being put together, each behind its guard.
pub(crate) struct Routes {
    api: Api,
    router: Router<Api>,
    table: Vec<Route>,
}

impl Routes {
    pub(crate) fn new(api: Api) -> Self {
        Self {
            api,
            router: Router::new(),
            table: Vec::new(),
        }
    }

    /// Adds a route.
    pub(crate) fn route<H: Handler<T, Api>, T: 'static>(mut self, route: Route, handler: H) -> Self {
        let api = self.api.clone();
        let method: MethodRouter<Api> = match route.method {
            Method::Get => get(handler),
            Method::Post => post(handler),
        };
        let guarded = method.route_layer(from_fn(move |request, next| {
            guard(api.clone(), route, request, next)
        }));
        self.router = self.router.route(route.path, guarded);
        self.table.push(route);
        self
    }

    /// The router, and the table of what is in it.
    pub(crate) fn finish<S: Clone + Send + Sync + 'static>(self) -> (Router<S>, Vec<Route>) {
        (self.router.with_state(self.api), self.table)
    }
}
