//! What an SLO is, as it is promised: checked and ready to be judged. How it is written is the business of `config`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Millis, Ratio, Selector, Severity};

/// A promise with an error budget. One with selectors keeps one budget per group and topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Slo {
    /// Unique among SLOs and alerts.
    pub name: Arc<str>,
    /// For people.
    pub description: Option<Arc<str>>,
    /// What is counted.
    pub indicator: Indicator,
    /// The share that has to be good; below 1, else there is no budget.
    pub objective: Ratio,
    /// Over which time.
    pub window: Window,
    /// How indicators that are not counted in records are cut: from 1 minute to 1 hour, in whole minutes.
    pub slice: Millis,
    /// The share of a slice's measured moments that has to be good; all of them by default.
    pub slice_target: Ratio,
    /// The rule's own labels.
    pub labels: Arc<BTreeMap<Arc<str>, Arc<str>>>,
    /// Where it is written what to do.
    pub runbook: Option<Arc<str>>,
    /// When to speak.
    pub alerting: Alerting,
}

/// What an SLO counts. `topic` is `None` where a group's every topic is meant.
#[derive(Debug, Clone, PartialEq)]
pub enum Indicator {
    /// Records: committed within this after they were appended.
    Latency {
        /// Which groups.
        group: Selector,
        /// Which topics.
        topic: Option<Selector>,
        /// The threshold.
        within: Millis,
        /// A threshold below the commit interval is meant: it is judged as it is.
        accept_commit_resolution: bool,
    },
    /// Slices: lag in records, the sum over the partitions, is at most this.
    Lag {
        /// Which groups.
        group: Selector,
        /// Which topics.
        topic: Option<Selector>,
        /// The most records.
        max: u64,
    },
    /// Slices: the time lag of the worst partition is at most this.
    TimeLag {
        /// Which groups.
        group: Selector,
        /// Which topics.
        topic: Option<Selector>,
        /// The longest time.
        max: Millis,
    },
    /// Slices: enough is consumed.
    Throughput {
        /// Which groups.
        group: Selector,
        /// Which topics.
        topic: Option<Selector>,
        /// How much is enough.
        floor: ThroughputFloor,
    },
    /// Slices: with lag, a commit has moved within this.
    Progress {
        /// Which groups.
        group: Selector,
        /// Which topics.
        topic: Option<Selector>,
        /// The longest time without progress.
        within: Millis,
    },
    /// Records: those appended to the topic, of which a share lands in the other one.
    DeadLetters {
        /// The topic, by its exact name.
        topic: Selector,
        /// Where its dead letters go, by its exact name.
        dead_letter_topic: Selector,
    },
    /// Slices: every partition has a leader and enough in-sync replicas, and the cluster can be reached.
    Availability {
        /// Which topics.
        topic: Selector,
    },
    /// Records: consumed, or lost to retention.
    Loss {
        /// Which groups.
        group: Selector,
        /// Which topics.
        topic: Option<Selector>,
    },
}

impl Indicator {
    /// Whether it counts records; else it counts slices of time.
    #[must_use]
    pub fn counts_records(&self) -> bool {
        matches!(self, Self::Latency { .. } | Self::DeadLetters { .. } | Self::Loss { .. })
    }
}

/// How much has to be consumed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ThroughputFloor {
    /// Records per second.
    PerSecond(f64),
    /// A share of what is appended.
    Share(Ratio),
}

/// The time over which an SLO is promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Window {
    /// So long until now: whole minutes, at most 90 days.
    Rolling(Millis),
    /// Since the calendar period began.
    Calendar {
        /// The period.
        period: Period,
        /// The time zone's name, such as `Europe/Paris` or `UTC`.
        timezone: Arc<str>,
    },
}

/// A calendar period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// From midnight.
    Day,
    /// From Monday.
    Week,
    /// From the first.
    Month,
    /// From the first of January, April, July or October.
    Quarter,
}

/// When an SLO speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alerting {
    /// It never does; budgets are kept all the same.
    pub disabled: bool,
    /// Bad events that the long window of a tier has to hold: by default 10 records, or 2 slices.
    pub min_bad_events: Option<u64>,
    /// The coverage from which on the measured burn rate decides.
    pub coverage_floor: Ratio,
    /// Pairs of windows; those of the contract by default.
    pub tiers: Option<Vec<Tier>>,
    /// No tier has to have been true for so long until an incident is over.
    pub resolve_after: Millis,
}

impl Default for Alerting {
    fn default() -> Self {
        Self {
            disabled: false,
            min_bad_events: None,
            coverage_floor: Ratio::new(9, 10).unwrap_or(Ratio::ONE),
            tiers: None,
            resolve_after: Millis::from_seconds(60),
        }
    }
}

/// A pair of windows: it is true when both burn faster than share × SLO window / long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// What is raised.
    pub severity: Severity,
    /// The share of the budget that is spent when the long window is full of it.
    pub share: Ratio,
    /// The long window, in whole minutes.
    pub long: Millis,
    /// The short window, in whole minutes.
    pub short: Millis,
}
