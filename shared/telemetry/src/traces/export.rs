//! Export: from spans to a collector, beside the work and never in its way.
//!
//! Spans wait in a bounded queue; one thread sends them in batches. Where the collector is slow or away the queue runs
//! full and spans are dropped: no attempt waits for it.

use std::time::Duration;

use ledgerfleet_config::{Sampler, TraceSettings};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{self as sdk, BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};
use secrecy::ExposeSecret;
use tracing::{Metadata, Subscriber, warn};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;

use super::TARGET;
use super::sender::Sender;

/// Spans that wait to be sent: two seconds of the fastest fleet's, in some megabytes.
const QUEUE: usize = 8_192;

/// Spans of one request to the collector.
const BATCH: usize = 512;

/// How long spans wait for others to be sent with.
const DELAY: Duration = Duration::from_secs(5);

/// How long the collector may take for one batch.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the end of a process waits for the last spans to be sent.
const FLUSH: Duration = Duration::from_secs(2);

/// Who sends spans.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// The program: `ledgerfleet-worker`.
    pub service: &'static str,
    /// This start of this process: the worker's name.
    pub instance: &'a str,
    /// The program's version.
    pub version: &'static str,
}

/// The traces of a process; without an endpoint, none.
#[derive(Debug, Default)]
pub struct Traces {
    provider: Option<SdkTracerProvider>,
    /// Why there are none although they were asked for.
    problem: Option<ExportError>,
}

type ExportError = Box<dyn std::error::Error + Send + Sync>;

impl Traces {
    /// Gets ready to send spans, from within a runtime. Where nothing ever can be sent the work goes on untraced, and the
    /// log says so when it is installed.
    pub fn of(settings: &TraceSettings, identity: Identity<'_>) -> Self {
        let Some(endpoint) = &settings.endpoint else {
            return Self::default();
        };
        match exporter(settings, endpoint) {
            Ok(exporter) => Self {
                provider: Some(provider(settings, identity, exporter)),
                problem: None,
            },
            Err(error) => Self {
                provider: None,
                problem: Some(error),
            },
        }
    }

    /// Tells why there are no traces, where there should be.
    pub(crate) fn report(&self) {
        if let Some(error) = &self.problem {
            warn!(%error, "nothing is traced");
        }
    }

    /// What passes spans on to be sent. Without an endpoint there is nothing to ask, and making a span costs no more than
    /// finding that nobody wants it.
    pub(crate) fn layer<S>(&self) -> Option<impl Layer<S> + use<S>>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let tracer = self.provider.as_ref()?.tracer("ledgerfleet");
        let layer = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_context_activation(false)
            .with_location(false)
            .with_target(false)
            .with_threads(false)
            .with_tracked_inactivity(false);
        let filter = filter_fn(is_ours).with_max_level_hint(LevelFilter::INFO);
        Some(layer.with_filter(filter))
    }

    /// Sends what is left, for two seconds at most.
    pub async fn finish(self) {
        let Some(provider) = self.provider else { return };
        let flushing = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH));
        if let Ok(Err(error)) = flushing.await {
            tracing::debug!(%error, "the last spans were not sent");
        }
    }
}

/// Whether it is a span of ours. Events are not sent: what they say may be for the log's readers only.
pub(crate) fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target() == TARGET
}

fn exporter(settings: &TraceSettings, endpoint: &str) -> Result<SpanExporter, ExportError> {
    let headers = settings
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.expose_secret().to_owned()));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Sender::new(PATIENCE)?)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{endpoint}/v1/traces"))
        .with_headers(headers.collect())
        .with_timeout(PATIENCE)
        .build()?;
    Ok(exporter)
}

fn provider(settings: &TraceSettings, identity: Identity<'_>, exporter: SpanExporter) -> SdkTracerProvider {
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE)
        .with_max_export_batch_size(BATCH)
        .with_scheduled_delay(DELAY)
        .build();
    let processor = BatchSpanProcessor::builder(exporter)
        .with_batch_config(batches)
        .build();
    SdkTracerProvider::builder()
        .with_sampler(sampler(settings.sampler))
        .with_resource(resource(settings, identity))
        .with_span_processor(processor)
        .build()
}

fn sampler(settings: Sampler) -> sdk::Sampler {
    let of_roots = match settings {
        Sampler::All => sdk::Sampler::AlwaysOn,
        Sampler::None => sdk::Sampler::AlwaysOff,
        Sampler::Share(share) => sdk::Sampler::TraceIdRatioBased(share),
    };
    sdk::Sampler::ParentBased(Box::new(of_roots))
}

/// The process: what was configured, but who it is it knows itself.
fn resource(settings: &TraceSettings, identity: Identity<'_>) -> Resource {
    let configured = settings.resource_attributes.iter();
    let name = settings.service_name.clone();
    Resource::builder_empty()
        .with_attributes(configured.map(|(name, value)| KeyValue::new(name.clone(), value.clone())))
        .with_service_name(name.unwrap_or_else(|| identity.service.to_owned()))
        .with_attribute(KeyValue::new("service.instance.id", identity.instance.to_owned()))
        .with_attribute(KeyValue::new("service.version", identity.version))
        .build()
}
