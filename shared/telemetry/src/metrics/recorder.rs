//! The recorder of a process, and its text for Prometheus.

use std::time::Duration;

use ledgerfleet_model::{ConnectionState, FailureKind, Lane, SegmentState};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;

use super::names::{self, Kind};
use super::{AttemptOutcome, RefreshResult, WebhookResult};
use crate::release::{COMMIT, VERSION};

/// How long samples are kept as they are.
const SORTED_EVERY: Duration = Duration::from_secs(5);

/// What upstreams are known to answer; `none` is no answer. Another status has its series from its first answer on.
const EXPECTED_STATUSES: &[&str] = &[
    "200", "400", "401", "403", "404", "429", "500", "502", "503", "504", "none",
];

/// Why metrics are not recorded.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The exporter refuses its set-up.
    #[error("the metrics exporter cannot be set up")]
    Build(#[source] BuildError),
    /// Another recorder is there.
    #[error("metrics are already recorded in this process")]
    Twice,
}

/// The metrics of this process.
#[derive(Clone)]
pub struct Recorder {
    handle: PrometheusHandle,
    process: Collector,
}

impl Recorder {
    /// Everything recorded so far, in Prometheus' text format.
    pub fn render(&self) -> String {
        self.process.collect();
        self.handle.render()
    }

    /// Sorts samples into their buckets, again and again: until then each is kept as it is, and where nobody asks for the
    /// metrics they would grow with the work that is done.
    pub async fn keep_small(self) {
        loop {
            tokio::time::sleep(SORTED_EVERY).await;
            self.handle.run_upkeep();
        }
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorder")
    }
}

/// The labels of one connector's series.
#[derive(Debug, Clone)]
pub struct ConnectorLabels {
    /// Its name.
    pub connector: &'static str,
    /// The names of its entities.
    pub entities: Vec<&'static str>,
}

/// Starts recording. Counters whose labels are known exist at zero from now on, for each of `connectors`: a rate over a
/// counter that appears with its first event misses that event.
pub fn install(connectors: &[ConnectorLabels]) -> Result<Recorder, InstallError> {
    let mut builder = PrometheusBuilder::new();
    for metric in names::ALL.iter().filter(|metric| metric.kind == Kind::Histogram) {
        builder = builder
            .set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), metric.buckets)
            .map_err(InstallError::Build)?;
    }
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| InstallError::Twice)?;
    describe();
    start_at_zero(connectors);
    gauge!(names::BUILD_INFO, "version" => VERSION, "commit" => COMMIT.unwrap_or("unknown")).set(1.0);
    let process = Collector::default();
    process.describe();
    Ok(Recorder { handle, process })
}

fn describe() {
    for metric in names::ALL {
        match metric.kind {
            Kind::Counter => describe_counter!(metric.name, metric.help),
            Kind::Gauge => describe_gauge!(metric.name, metric.help),
            Kind::Histogram => describe_histogram!(metric.name, metric.help),
        }
    }
}

fn start_at_zero(connectors: &[ConnectorLabels]) {
    for name in [
        names::LOCK_CONTENTION_TOTAL,
        names::FENCED_WRITES_TOTAL,
        names::RESCUED_TOTAL,
        names::REPLAYED_TOTAL,
    ] {
        counter!(name).absolute(0);
    }
    for name in [
        names::OLDEST_DUE_SECONDS,
        names::LAST_DISPATCH_TIMESTAMP_SECONDS,
        names::LEADER,
        names::WORKERS,
        names::WEBHOOK_LAST_EVENT_TIMESTAMP_SECONDS,
        names::WEBHOOK_EVENTS_WAITING,
        names::WEBHOOK_TOKENS,
    ] {
        gauge!(name).set(0.0);
    }
    for state in SegmentState::ALL {
        gauge!(names::SEGMENTS, "state" => state.as_str()).set(0.0);
    }
    for state in ConnectionState::ALL {
        gauge!(names::CONNECTIONS, "state" => state.as_str()).set(0.0);
    }
    for state in ["idle", "in_use", "max"] {
        gauge!(names::DB_POOL, "state" => state).set(0.0);
    }
    for lane in Lane::ALL {
        gauge!(names::READY, "lane" => lane.as_str()).set(0.0);
    }
    for result in RefreshResult::ALL {
        counter!(names::TOKEN_REFRESH_TOTAL, "result" => result.as_str()).absolute(0);
    }
    for result in ["fired", "late", "failed"] {
        counter!(names::TRIGGERS_TOTAL, "result" => result).absolute(0);
    }
    for result in WebhookResult::ALL {
        counter!(names::WEBHOOK_EVENTS_TOTAL, "result" => result.as_str()).absolute(0);
    }
    for labels in connectors {
        start_connector_at_zero(labels);
    }
}

fn start_connector_at_zero(labels: &ConnectorLabels) {
    let connector = labels.connector;
    counter!(names::THROTTLED_TOTAL, "connector" => connector).absolute(0);
    gauge!(names::IN_FLIGHT_REQUESTS, "connector" => connector).set(0.0);
    gauge!(names::API_CALLS_MONTH, "connector" => connector).set(0.0);
    gauge!(names::LAST_SUCCESS_TIMESTAMP_SECONDS, "connector" => connector).set(0.0);
    gauge!(names::CHECKPOINT_LAG_SECONDS, "connector" => connector).set(0.0);
    gauge!(names::SYNCS_FAILING, "connector" => connector).set(0.0);
    for kind in ["rate", "slots"] {
        gauge!(names::GATE_LIMIT, "connector" => connector, "kind" => kind).set(0.0);
    }
    for status in EXPECTED_STATUSES {
        counter!(names::API_REQUESTS_TOTAL, "connector" => connector, "status" => *status).absolute(0);
    }
    for outcome in AttemptOutcome::ALL {
        let outcome = outcome.as_str();
        counter!(names::ATTEMPTS_TOTAL, "connector" => connector, "outcome" => outcome).absolute(0);
        counter!(names::SYNCS_TOTAL, "connector" => connector, "outcome" => outcome).absolute(0);
    }
    for reason in FailureKind::ALL {
        let reason = reason.as_str();
        counter!(names::RETRIES_TOTAL, "connector" => connector, "reason" => reason).absolute(0);
    }
    for &entity in &labels.entities {
        counter!(names::PAGES_TOTAL, "connector" => connector, "entity" => entity).absolute(0);
        for effect in ["new", "changed", "same", "deleted", "quarantined"] {
            counter!(names::ROWS_TOTAL, "connector" => connector, "entity" => entity, "effect" => effect)
                .absolute(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics::{attempt_ended, request_in_flight};

    // One test, because a process has one recorder.
    #[test]
    fn series_exist_at_zero_from_the_start_and_then_count() {
        let labels = ConnectorLabels {
            connector: "quickbooks",
            entities: vec!["invoice"],
        };
        let recorder = install(&[labels]).unwrap();
        let text = recorder.render();
        assert!(text.contains("ledgerfleet_segments{state=\"dead\"} 0"), "{text}");
        assert!(text.contains("ledgerfleet_attempts_total{connector=\"quickbooks\",outcome=\"done\"} 0"));
        assert!(text.contains("ledgerfleet_pages_total{connector=\"quickbooks\",entity=\"invoice\"} 0"));
        assert!(text.contains("# HELP ledgerfleet_fenced_writes_total"), "{text}");

        assert!(text.contains("ledgerfleet_syncs_total{connector=\"quickbooks\",outcome=\"dead\"} 0"));
        assert!(text.contains("ledgerfleet_checkpoint_lag_seconds{connector=\"quickbooks\"} 0"));
        assert!(text.contains("ledgerfleet_gate_limit{connector=\"quickbooks\",kind=\"slots\"} 0"));
        assert!(text.contains("ledgerfleet_api_requests_total{connector=\"quickbooks\",status=\"429\"} 0"));
        if cfg!(target_os = "linux") {
            assert!(text.contains("process_resident_memory_bytes"), "{text}");
        }

        attempt_ended("quickbooks", AttemptOutcome::Done, Duration::from_millis(30));
        let flying = request_in_flight("quickbooks");
        let text = recorder.render();
        assert!(text.contains("ledgerfleet_attempts_total{connector=\"quickbooks\",outcome=\"done\"} 1"));
        assert!(text.contains("ledgerfleet_in_flight_requests{connector=\"quickbooks\"} 1"));
        assert!(
            text.contains("ledgerfleet_segment_duration_seconds_bucket"),
            "{text}"
        );
        drop(flying);
        assert!(
            recorder
                .render()
                .contains("ledgerfleet_in_flight_requests{connector=\"quickbooks\"} 0")
        );
        assert!(matches!(install(&[]), Err(InstallError::Twice)));
    }

    #[test]
    fn every_histogram_has_buckets_of_its_own_that_rise() {
        for metric in names::ALL {
            assert_eq!(
                metric.buckets.is_empty(),
                metric.kind != Kind::Histogram,
                "{}",
                metric.name
            );
            assert!(metric.buckets.is_sorted_by(|a, b| a < b), "{}", metric.name);
        }
        let longest = |name| {
            names::ALL
                .iter()
                .find(|metric| metric.name == name)
                .unwrap()
                .buckets
                .last()
                .copied()
        };
        // The upstream's own limit, an attempt of many pages, and where a probe gives up.
        assert_eq!(longest(names::API_REQUEST_DURATION_SECONDS), Some(120.0));
        assert_eq!(longest(names::SEGMENT_DURATION_SECONDS), Some(3_600.0));
        assert_eq!(longest(names::DEPENDENCY_DURATION_SECONDS), Some(3.0));
    }

    #[test]
    fn names_are_ours_and_distinct() {
        let mut seen: Vec<&str> = names::ALL.iter().map(|metric| metric.name).collect();
        assert!(seen.iter().all(|name| name.starts_with("ledgerfleet_")));
        for metric in names::ALL {
            let is_counter = metric.name.ends_with("_total");
            assert_eq!(is_counter, metric.kind == Kind::Counter, "{}", metric.name);
        }
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }
}
