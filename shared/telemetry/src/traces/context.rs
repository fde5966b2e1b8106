//! Context: how one trace finds another through the ledger, as the text of the W3C's `traceparent`.

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const HEADER: &str = "traceparent";

/// The context of a span, to be stored; none if it is not traced.
pub fn context_of(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&span.context(), &mut carrier);
    carrier.remove(HEADER)
}

/// Links a span to the one whose context was stored. Whatever else was stored is no link.
pub fn link(span: &Span, context: Option<&str>) {
    let Some(context) = context.filter(|_| !span.is_disabled()) else {
        return;
    };
    let carrier = HashMap::from([(HEADER.to_owned(), context.to_owned())]);
    let extracted =
        TraceContextPropagator::new().extract_with_context(&opentelemetry::Context::new(), &carrier);
    let found = extracted.span().span_context().clone();
    if found.is_valid() {
        span.add_link(found);
    }
}
