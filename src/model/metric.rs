//! The catalogue: every metric that Plimsoll exports, with its type, help and labels.
//! The one place where a metric's name is written; exporters, rules, dashboards and tests read it here.

/// How Prometheus reads a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    Counter,
    Gauge,
    Summary,
    Histogram,
}

/// Every exported metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    Up,
}

impl Metric {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "plimsoll_up",
        }
    }
}
