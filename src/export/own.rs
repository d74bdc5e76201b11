//! The daemon's metrics of itself that are counted between ticks: how long cycles, requests and writes of the
//! state took, how reading the settings went, scrapes.
//! Never holds anything of a topic or a group: those are rendered from the snapshots.

use std::time::Duration;

use anyhow::{Context as _, Result};
use prometheus::core::Collector;
use prometheus::{
    GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry,
    TextEncoder, exponential_buckets,
};

use crate::model::{ClusterName, Metric, Severity, Timestamp};

/// The metrics that the daemon counts of itself. Shared by all clusters; every method may be called from any thread.
#[derive(Debug)]
pub struct OwnMetrics {
    registry: Registry,
    cycle_seconds: HistogramVec,
    request_seconds: HistogramVec,
    time_lookup_budget: IntGaugeVec,
    state_write_seconds: Histogram,
    /// Without labels, but absent until it is set.
    state_file_bytes: IntGaugeVec,
    state_failures: IntCounter,
    /// Without labels, but absent until they are set.
    reload_successful: IntGaugeVec,
    reload_success_timestamp: GaugeVec,
    scrapes: IntCounter,
    notifications: IntCounterVec,
    receiver_up: IntGaugeVec,
    queue_oldest: GaugeVec,
    incidents: IntGaugeVec,
}

impl OwnMetrics {
    /// All of them, at zero.
    ///
    /// # Errors
    /// When the catalogue holds a name that Prometheus does not take.
    pub fn new() -> Result<Self> {
        // 1 ms to 32 s: from a quiet one-node cluster to a request that runs into its time limit
        let bounds = exponential_buckets(0.001, 2.0, 16).context("no histogram bounds")?;
        let options =
            |metric: Metric| HistogramOpts::new(metric.name(), metric.help()).buckets(bounds.clone());
        let histogram = |metric: Metric| {
            HistogramVec::new(options(metric), metric.labels()).with_context(|| describe(metric))
        };
        let gauge = |metric: Metric| {
            IntGaugeVec::new(Opts::new(metric.name(), metric.help()), metric.labels())
                .with_context(|| describe(metric))
        };
        let float = |metric: Metric| {
            GaugeVec::new(Opts::new(metric.name(), metric.help()), metric.labels())
                .with_context(|| describe(metric))
        };
        let counter =
            |metric: Metric| IntCounter::new(metric.name(), metric.help()).with_context(|| describe(metric));
        let this = Self {
            registry: Registry::new(),
            cycle_seconds: histogram(Metric::CycleSeconds)?,
            request_seconds: histogram(Metric::KafkaRequestSeconds)?,
            time_lookup_budget: gauge(Metric::TimeLookupBudget)?,
            state_write_seconds: Histogram::with_opts(options(Metric::StateWriteSeconds))
                .with_context(|| describe(Metric::StateWriteSeconds))?,
            state_file_bytes: gauge(Metric::StateFileBytes)?,
            state_failures: counter(Metric::StateFailures)?,
            reload_successful: gauge(Metric::ConfigLastReloadSuccessful)?,
            reload_success_timestamp: float(Metric::ConfigLastReloadSuccessTimestampSeconds)?,
            scrapes: counter(Metric::Scrapes)?,
            notifications: IntCounterVec::new(
                Opts::new(Metric::Notifications.name(), Metric::Notifications.help()),
                Metric::Notifications.labels(),
            )
            .with_context(|| describe(Metric::Notifications))?,
            receiver_up: gauge(Metric::ReceiverUp)?,
            queue_oldest: float(Metric::NotificationQueueOldestSeconds)?,
            incidents: gauge(Metric::Incidents)?,
        };
        let collectors: [Box<dyn Collector>; 13] = [
            Box::new(this.notifications.clone()),
            Box::new(this.receiver_up.clone()),
            Box::new(this.queue_oldest.clone()),
            Box::new(this.incidents.clone()),
            Box::new(this.cycle_seconds.clone()),
            Box::new(this.request_seconds.clone()),
            Box::new(this.time_lookup_budget.clone()),
            Box::new(this.state_write_seconds.clone()),
            Box::new(this.state_file_bytes.clone()),
            Box::new(this.state_failures.clone()),
            Box::new(this.reload_successful.clone()),
            Box::new(this.reload_success_timestamp.clone()),
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

    /// What a tick has changed was made durable.
    pub fn observe_state_write(&self, took: Duration) {
        self.state_write_seconds.observe(took.as_secs_f64());
    }

    /// The size of the state file now; never called, there is no such series.
    pub fn set_state_file_bytes(&self, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.state_file_bytes.with_label_values::<&str>(&[]).set(bytes);
    }

    /// A receiver was told, could not be told, or has refused: `outcome` is `delivered`, `failed` or `refused`.
    pub fn count_notification(&self, receiver: &str, outcome: &str) {
        self.notifications.with_label_values(&[receiver, outcome]).inc();
    }

    /// How a receiver is: whether it has taken the last message, unknown before the first, and for how many seconds
    /// the oldest incident waits that it is owed, 0 when none does.
    pub fn set_receiver(&self, receiver: &str, is_up: Option<bool>, oldest: f64) {
        if let Some(is_up) = is_up {
            self.receiver_up.with_label_values(&[receiver]).set(i64::from(is_up));
        }
        self.queue_oldest.with_label_values(&[receiver]).set(oldest);
    }

    /// A receiver is not in the settings any more: what was last known of it would look as if it were known now.
    pub fn forget_receiver(&self, receiver: &str) {
        // That it was never set is as good.
        drop(self.receiver_up.remove_label_values(&[receiver]));
        drop(self.queue_oldest.remove_label_values(&[receiver]));
    }

    /// How many incidents of a severity are open, by state: `open` or `silenced`.
    pub fn set_incidents(&self, cluster: &ClusterName, severity: Severity, counts: [(&str, u64); 2]) {
        for (state, count) in counts {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.incidents.with_label_values(&[cluster.as_str(), state, severity.label()]).set(count);
        }
    }

    /// What a tick has changed could not be made durable.
    pub fn count_state_failure(&self) {
        self.state_failures.inc();
    }

    /// The settings were read at `now`, for the start or anew, and are in use.
    #[expect(clippy::cast_precision_loss, reason = "2^53 ms are 285,000 years")]
    pub fn settings_were_taken(&self, now: Timestamp) {
        self.reload_successful.with_label_values::<&str>(&[]).set(1);
        self.reload_success_timestamp.with_label_values::<&str>(&[]).set(now.0 as f64 / 1000.0);
    }

    /// The settings were read anew and have a problem: those of before stay in use.
    pub fn settings_were_refused(&self) {
        self.reload_successful.with_label_values::<&str>(&[]).set(0);
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
