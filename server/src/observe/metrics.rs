//! Counters and histograms, in Prometheus' text format.
//!
//! Invariant: label values come from closed lists, so that the number of series is bounded.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Labels of a request: the route's first two words and the status.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    /// `sql`, `pipes`, `events`, `clickhouse`, …
    pub route: &'static str,
    /// HTTP status.
    pub status: u32,
}

/// Labels of a duration.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DurationLabels {
    route: &'static str,
}

/// All metrics of the server.
pub struct Metrics {
    registry: Registry,
    requests: Family<RouteLabels, Counter>,
    durations: Family<DurationLabels, Histogram>,
    rows_ingested: Counter,
    rows_quarantined: Counter,
    bytes_ingested: Counter,
    rows_read: Counter,
    in_flight: Gauge,
    parts: Gauge<i64>,
    started: Gauge<f64, AtomicU64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("roost");
        let requests = Family::default();
        registry.register("http_requests", "Requests answered", requests.clone());
        let durations = Family::<DurationLabels, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.0005, 2.0, 18))
        });
        registry.register_with_unit(
            "http_request_duration",
            "Time from the request's head to the answer's head",
            Unit::Seconds,
            durations.clone(),
        );
        let counter = |registry: &mut Registry, name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let rows_ingested = counter(&mut registry, "ingested_rows", "Rows written by requests");
        let rows_quarantined = counter(&mut registry, "quarantined_rows", "Rows set aside");
        let bytes_ingested = counter(&mut registry, "ingested_bytes", "Bytes of ingested bodies");
        let rows_read = counter(&mut registry, "read_rows", "Rows read by queries");
        let in_flight = Gauge::default();
        registry.register(
            "http_requests_in_flight",
            "Requests running",
            in_flight.clone(),
        );
        let parts = Gauge::<i64>::default();
        registry.register("parts", "Parts of all tables", parts.clone());
        let started = Gauge::<f64, AtomicU64>::default();
        registry.register(
            "start_time_seconds",
            "When the server started",
            started.clone(),
        );
        Metrics {
            registry,
            requests,
            durations,
            rows_ingested,
            rows_quarantined,
            bytes_ingested,
            rows_read,
            in_flight,
            parts,
            started,
        }
    }
}

impl Metrics {
    /// Notes when the server started, in seconds since 1970.
    pub fn started(&self, seconds: f64) {
        self.started.set(seconds);
    }

    /// A request has begun.
    pub fn begin(&self) {
        self.in_flight.inc();
    }

    /// A request is answered.
    pub fn end(&self, labels: RouteLabels, took: Duration) {
        self.in_flight.dec();
        self.durations
            .get_or_create(&DurationLabels {
                route: labels.route,
            })
            .observe(took.as_secs_f64());
        self.requests.get_or_create(&labels).inc();
    }

    /// Rows came in.
    pub fn ingested(&self, rows: u64, quarantined: u64, bytes: u64) {
        self.rows_ingested.inc_by(rows);
        self.rows_quarantined.inc_by(quarantined);
        self.bytes_ingested.inc_by(bytes);
    }

    /// Rows were read.
    pub fn read(&self, rows: u64) {
        self.rows_read.inc_by(rows);
    }

    /// How many parts there are now.
    pub fn set_parts(&self, parts: i64) {
        self.parts.set(parts);
    }

    /// Everything as Prometheus reads it.
    pub fn text(&self) -> String {
        let mut out = String::new();
        match encode(&mut out, &self.registry) {
            Ok(()) => out,
            Err(_) => String::new(),
        }
    }
}
