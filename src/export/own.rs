//! The daemon's metrics of itself that are counted between ticks: how long cycles and requests took, scrapes.
//! Never holds anything of a topic or a group: those are rendered from the snapshots.

use std::time::Duration;

use anyhow::{Context as _, Result};
use prometheus::core::Collector;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntGaugeVec, Opts, Registry, TextEncoder, exponential_buckets,
};

use crate::model::{ClusterName, Metric};

/// The metrics that the daemon counts of itself. Shared by all clusters; every method may be called from any thread.
#[derive(Debug)]
pub struct OwnMetrics {
    registry: Registry,
    cycle_seconds: HistogramVec,
    request_seconds: HistogramVec,
    time_lookup_budget: IntGaugeVec,
    scrapes: IntCounter,
}

impl OwnMetrics {
    /// All of them, at zero.
    ///
    /// # Errors
    /// When the catalogue holds a name that Prometheus does not take.
    pub fn new() -> Result<Self> {
        // 1 ms to 32 s: from a quiet one-node cluster to a request that runs into its time limit
        let bounds = exponential_buckets(0.001, 2.0, 16).context("no histogram bounds")?;
        let histogram = |metric: Metric| {
            let options = HistogramOpts::new(metric.name(), metric.help()).buckets(bounds.clone());
            HistogramVec::new(options, metric.labels()).with_context(|| describe(metric))
        };
        let budget = Metric::TimeLookupBudget;
        let scrapes = Metric::Scrapes;
        let this = Self {
            registry: Registry::new(),
            cycle_seconds: histogram(Metric::CycleSeconds)?,
            request_seconds: histogram(Metric::KafkaRequestSeconds)?,
            time_lookup_budget: IntGaugeVec::new(Opts::new(budget.name(), budget.help()), budget.labels())
                .with_context(|| describe(budget))?,
            scrapes: IntCounter::new(scrapes.name(), scrapes.help()).with_context(|| describe(scrapes))?,
        };
        let collectors: [Box<dyn Collector>; 4] = [
            Box::new(this.cycle_seconds.clone()),
            Box::new(this.request_seconds.clone()),
            Box::new(this.time_lookup_budget.clone()),
            Box::new(this.scrapes.clone()),
        ];
        for collector in collectors {
            this.registry.register(collector).context("cannot register a metric of the daemon itself")?;
        }
        Ok(this)
    }

    /// A cycle of `cluster` has been read and judged.
    pub fn observe_cycle(&self, cluster: &ClusterName, took: Duration) {
        self.cycle_seconds.with_label_values(&[cluster.as_str()]).observe(took.as_secs_f64());
    }

    /// Kafka has answered a request, with an error or without. `request` is the protocol's own name for it,
    /// in lower case with underscores: `list_offsets`.
    pub fn observe_request(&self, cluster: &ClusterName, request: &str, took: Duration) {
        self.request_seconds.with_label_values(&[cluster.as_str(), request]).observe(took.as_secs_f64());
    }

    /// How many questions one cycle of `cluster` may ask to the time index.
    pub fn set_time_lookup_budget(&self, cluster: &ClusterName, lookups: u32) {
        self.time_lookup_budget.with_label_values(&[cluster.as_str()]).set(i64::from(lookups));
    }

    /// `/metrics` has been answered.
    pub fn count_scrape(&self) {
        self.scrapes.inc();
    }

    /// Appends all of them to `into`.
    ///
    /// # Errors
    /// When the encoder refuses a metric family.
    pub(super) fn render(&self, into: &mut Vec<u8>) -> Result<()> {
        let text = TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .context("cannot encode the daemon's own metrics")?;
        into.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

fn describe(metric: Metric) -> String {
    format!("cannot make the metric {}", metric.name())
}
