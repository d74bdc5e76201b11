//! What a plain threshold alert is: checked and ready to be evaluated. How it is written is the business of `config`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Millis, Ratio, Selector, Severity};

/// A threshold alert. One with selectors speaks per group and topic, or per partition.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRule {
    /// Unique among SLOs and alerts.
    pub name: Arc<str>,
    /// For people.
    pub description: Option<Arc<str>>,
    /// What has to be so.
    pub when: Condition,
    /// For how long, at least, before it fires.
    pub hold: Millis,
    /// How urgent it is.
    pub severity: Severity,
    /// One alert per partition instead of per group and topic.
    pub per_partition: bool,
    /// When more than this many of one rule fire, they are shown as one that counts them.
    pub summarize_above: Option<u32>,
    /// The condition has to have been false for so long until it is over.
    pub resolve_after: Millis,
    /// The rule's own labels.
    pub labels: Arc<BTreeMap<Arc<str>, Arc<str>>>,
    /// Where it is written what to do.
    pub runbook: Option<Arc<str>>,
}

/// Which groups and topics. `topic` is `None` where a group's every topic is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumption {
    /// Which groups.
    pub group: Selector,
    /// Which topics.
    pub topic: Option<Selector>,
}

/// What an alert waits for. Comparisons are strict: `above: 1000` is not so at 1000.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Lag in records, over all partitions.
    Lag {
        /// Of whom.
        of: Consumption,
        /// More than this.
        above: u64,
    },
    /// Age of the oldest record not committed, worst partition.
    TimeLag {
        /// Of whom.
        of: Consumption,
        /// Longer than this.
        above: Millis,
    },
    /// A quantile of append-to-commit latency.
    Latency {
        /// Of whom.
        of: Consumption,
        /// From 0 to 1.
        quantile: Ratio,
        /// Longer than this.
        above: Millis,
        /// Over so long until now.
        window: Millis,
    },
    /// Records consumed per second.
    Throughput {
        /// Of whom.
        of: Consumption,
        /// Fewer than this.
        below: f64,
    },
    /// Lag and no commit progress.
    Stuck {
        /// Of whom.
        of: Consumption,
        /// For longer than this.
        longer_than: Millis,
    },
    /// Lag, and nowhere lower than five minutes ago.
    NotDecreasing {
        /// Of whom.
        of: Consumption,
    },
    /// A value that keeps rising.
    Trend {
        /// Of whom.
        of: Consumption,
        /// Which value.
        value: TrendOf,
        /// For so long.
        rising_for: Millis,
        /// By at least this share of where it was.
        by: Ratio,
    },
    /// Records that retention deleted before they were committed, in the last hour.
    Lost {
        /// Of whom.
        of: Consumption,
        /// More than this.
        above: u64,
    },
    /// Time until retention may delete what is not committed.
    RetentionEta {
        /// Of whom.
        of: Consumption,
        /// Less than this.
        below: Millis,
    },
    /// The share of a topic's records that lands in another one.
    DeadLetters {
        /// The topic.
        topic: Selector,
        /// Where its dead letters go.
        dead_letter_topic: Selector,
        /// More than this.
        above: Ratio,
        /// Over so long until now.
        window: Millis,
    },
    /// A partition without a leader.
    Offline {
        /// Which topics.
        topic: Selector,
    },
    /// A partition with fewer in-sync replicas than `min.insync.replicas`.
    UnderMinIsr {
        /// Which topics.
        topic: Selector,
    },
    /// No broker of the cluster can be reached.
    Unreachable,
}

impl Condition {
    /// The key that it has in a rules file.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Lag { .. } => "lag",
            Self::TimeLag { .. } => "time_lag",
            Self::Latency { .. } => "latency",
            Self::Throughput { .. } => "throughput",
            Self::Stuck { .. } => "stuck",
            Self::NotDecreasing { .. } => "not_decreasing",
            Self::Trend { .. } => "trend",
            Self::Lost { .. } => "lost",
            Self::RetentionEta { .. } => "retention_eta",
            Self::DeadLetters { .. } => "dead_letters",
            Self::Offline { .. } => "offline",
            Self::UnderMinIsr { .. } => "under_min_isr",
            Self::Unreachable => "unreachable",
        }
    }
}

/// What a trend is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrendOf {
    /// Time lag of the worst partition.
    TimeLag,
    /// The median latency of a minute.
    Latency,
}
