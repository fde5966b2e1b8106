//! Routes: put together one by one, each behind its guard.

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn;
use axum::routing::{MethodRouter, get, post};

use super::Api;
use super::guard::guard;
use super::route::{Method, Route};

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

    /// What is in it so far.
    pub(crate) fn table(&self) -> &[Route] {
        &self.table
    }

    /// The router.
    pub(crate) fn finish<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        self.router.with_state(self.api)
    }
}
