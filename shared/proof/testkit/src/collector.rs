//! A collector of spans, over real HTTP, that remembers all it was sent.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span, status::StatusCode};
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What an OTLP exporter can be pointed at. It ends when this is dropped.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    bodies: Arc<Mutex<Vec<Bytes>>>,
    serving: JoinHandle<()>,
}

/// A span as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectedSpan {
    /// What the process says of itself.
    pub process: BTreeMap<String, String>,
    /// Its name.
    pub name: String,
    /// Its trace, in hexadecimal.
    pub trace: String,
    /// Its identity, in hexadecimal.
    pub id: String,
    /// The span it is a part of; none for a root.
    pub parent: Option<String>,
    /// Traces and spans it links to.
    pub links: Vec<(String, String)>,
    /// Its attributes, as text.
    pub attributes: BTreeMap<String, String>,
    /// Whether it ended as an error.
    pub failed: bool,
}

impl CollectedSpan {
    /// An attribute; empty if it has none of that name.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

impl Collector {
    /// Starts one that takes everything.
    pub async fn start() -> Self {
        let bodies = Arc::default();
        let routes = Router::new()
            .route("/v1/traces", post(take))
            .with_state(Arc::clone(&bodies));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            address,
            bodies,
            serving,
        }
    }

    /// Starts one that takes connections and never answers.
    pub async fn start_hanging() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let mut open = Vec::new();
            loop {
                open.push(listener.accept().await.unwrap());
            }
        });
        Self {
            address,
            bodies: Arc::default(),
            serving,
        }
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` is set to.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every span that has come.
    pub fn spans(&self) -> Vec<CollectedSpan> {
        let decoded = |body: &Bytes| ExportTraceServiceRequest::decode(body.clone()).unwrap();
        let requests: Vec<ExportTraceServiceRequest> = bodies(&self.bodies).iter().map(decoded).collect();
        requests
            .into_iter()
            .flat_map(|request| request.resource_spans)
            .flat_map(collected)
            .collect()
    }

    /// Every byte that has come, as text: what cannot be read of it is left out.
    pub fn text(&self) -> String {
        let text = |body: &Bytes| String::from_utf8_lossy(body).into_owned();
        bodies(&self.bodies).iter().map(text).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn bodies(bodies: &Mutex<Vec<Bytes>>) -> MutexGuard<'_, Vec<Bytes>> {
    bodies.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An empty answer is the message that says that everything was taken.
async fn take(
    State(taken): State<Arc<Mutex<Vec<Bytes>>>>,
    body: Bytes,
) -> ([(axum::http::HeaderName, &'static str); 1], &'static [u8]) {
    bodies(&taken).push(body);
    ([(CONTENT_TYPE, "application/x-protobuf")], &[])
}

fn collected(sent: ResourceSpans) -> Vec<CollectedSpan> {
    let process = texts(sent.resource.unwrap_or_default().attributes);
    let spans = sent.scope_spans.into_iter().flat_map(|scope| scope.spans);
    spans.map(|span| span_of(process.clone(), span)).collect()
}

fn span_of(process: BTreeMap<String, String>, span: Span) -> CollectedSpan {
    let links = span.links.iter();
    CollectedSpan {
        process,
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: (!span.parent_span_id.is_empty()).then(|| hex(&span.parent_span_id)),
        links: links
            .map(|link| (hex(&link.trace_id), hex(&link.span_id)))
            .collect(),
        failed: span
            .status
            .is_some_and(|status| status.code() == StatusCode::Error),
        attributes: texts(span.attributes),
        name: span.name,
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let pair = |attribute: KeyValue| (attribute.key, text(attribute.value));
    attributes.into_iter().map(pair).collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::BoolValue(truth)) => truth.to_string(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}
