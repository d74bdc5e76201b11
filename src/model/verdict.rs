//! What was judged of SLOs and alerts, as published: states, budgets, burn rates. Never computes one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{Counts, GroupId, Millis, Partition, Ratio, Timestamp, TopicName};

/// How urgent something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// For the record.
    Info,
    /// Within days.
    Ticket,
    /// Now.
    Page,
}

impl Severity {
    /// The label value of `severity`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Ticket => "ticket",
            Self::Page => "page",
        }
    }
}

/// Where an SLO stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SloState {
    /// No tier is true and enough is known to say so.
    Ok,
    /// Too little is known.
    Unmeasured,
    /// A ticket tier is true.
    Ticket,
    /// A page tier is true.
    Page,
}

impl SloState {
    /// As the API and test files write it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unmeasured => "unmeasured",
            Self::Ticket => "ticket",
            Self::Page => "page",
        }
    }
}

/// Why an SLO or an alert cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Because {
    /// The label value of `reason`: lower case, words joined by underscores.
    pub label: &'static str,
    /// One clause for people, with what to do where something can be done.
    pub sentence: Arc<str>,
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// What readers need to know of an SLO's definition.
#[derive(Debug, Clone, PartialEq)]
pub struct SloInfo {
    /// The name.
    pub name: Arc<str>,
    /// For people.
    pub description: Option<Arc<str>>,
    /// The indicator as a phrase: `latency within 100ms`.
    pub indicator: Arc<str>,
    /// `records` or `slices`.
    pub unit: &'static str,
    /// The share that has to be good.
    pub objective: Ratio,
    /// The window as it is written: `30d`, `month (Europe/Paris)`.
    pub window: Arc<str>,
    /// No tier has to have been true for so long until an incident is over.
    pub resolve_after: Millis,
    /// The rule's own labels.
    pub labels: Arc<BTreeMap<Arc<str>, Arc<str>>>,
    /// Where it is written what to do.
    pub runbook: Option<Arc<str>>,
}

/// One SLO of one group and topic after one tick.
#[derive(Debug, Clone, PartialEq)]
pub struct SloView {
    /// Its definition.
    pub slo: Arc<SloInfo>,
    /// The group; absent where none is meant, and where the selector has matched nothing.
    pub group: Option<GroupId>,
    /// The topic; absent where none is meant, and where the selector has matched nothing.
    pub topic: Option<TopicName>,
    /// Where it stands.
    pub state: SloState,
    /// Since when it stands there.
    pub state_since: Timestamp,
    /// Why it is unmeasured, if it is.
    pub because: Option<Because>,
    /// Nothing happens and nothing waits: fine, but not proven to be.
    pub idle: bool,
    /// What the SLO window holds.
    pub window: Counts,
    /// Everything counted since measuring began; survives restarts.
    pub total: Counts,
    /// When measuring began; absent before the first judgement.
    pub measured_since: Option<Timestamp>,
    /// The measured share of the window, 1 without traffic.
    pub coverage: f64,
    /// 1 − consumed, signed, never clamped; absent while nothing was judged.
    pub budget_remaining: Option<f64>,
    /// At the burn rate of the last hour; absent when the budget does not shrink or is used up.
    pub exhausted_in: Option<Millis>,
    /// Per window of the tiers and for the SLO window itself, shortest first.
    pub burn_rates: Vec<BurnRate>,
    /// The tier that makes the state; of several the most urgent.
    pub governing: Option<Governing>,
    /// It has been unmeasured for too long: that is an alert of its own, severity ticket.
    pub unmeasured_alert: bool,
    /// The partitions with most bad records in the last hour, worst first; at most five.
    pub worst_partitions: Vec<(Partition, Counts)>,
}

/// How fast a window burns the budget: 1 is exactly used up at the end of the SLO window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BurnRate {
    /// The window's length.
    pub window: Millis,
    /// Absent when the window holds nothing measured.
    pub rate: Option<f64>,
    /// The measured share of the window, 1 without traffic.
    pub coverage: f64,
}

/// The tier that makes a state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Governing {
    /// What it raises.
    pub severity: Severity,
    /// The long window.
    pub long: Millis,
    /// The short window.
    pub short: Millis,
    /// Both windows burn faster than this.
    pub factor: f64,
    /// Burn rate of the long window, when it holds anything measured.
    pub long_rate: Option<f64>,
    /// Burn rate of the short window, when it holds anything measured.
    pub short_rate: Option<f64>,
    /// It is held: what is known now does not decide it.
    pub held: bool,
}

/// Where an alert stands; one that is inactive is not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertState {
    /// The condition is true, but not yet for long enough.
    Pending,
    /// It has been true for long enough, and is, or was until a moment ago.
    Firing,
}

impl AlertState {
    /// The label value of `alertstate`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// One alert that is pending or firing after one tick.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertView {
    /// The rule's name.
    pub name: Arc<str>,
    /// What the rule waits for, as its key in the rules file: `lag`, `unreachable`.
    pub condition: &'static str,
    /// For people, from the rule.
    pub description: Option<Arc<str>>,
    /// Pending or firing.
    pub state: AlertState,
    /// How urgent it is.
    pub severity: Severity,
    /// Absent where none is meant, and in a summary.
    pub group: Option<GroupId>,
    /// Absent where none is meant, and in a summary.
    pub topic: Option<TopicName>,
    /// Only of rules that speak per partition.
    pub partition: Option<Partition>,
    /// How many alerts this one stands for; 1 unless it is a summary.
    pub covers: u32,
    /// What is so, in one clause: `lag is 12000, above 10000`.
    pub summary: Arc<str>,
    /// The condition was seen to be true in this very tick: `summary` says so.
    pub is_true: bool,
    /// The value that was compared, in the unit of the condition; absent where there is none.
    pub value: Option<f64>,
    /// Since when the condition is true.
    pub since: Timestamp,
    /// Since when it fires.
    pub firing_since: Option<Timestamp>,
    /// Why the condition cannot be judged now, if it cannot: the alert stays as it is.
    pub because: Option<Because>,
    /// The rule's own labels.
    pub labels: Arc<BTreeMap<Arc<str>, Arc<str>>>,
    /// Where it is written what to do.
    pub runbook: Option<Arc<str>>,
}
