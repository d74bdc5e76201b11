//! One rule: everything that is remembered of its alerts, and what a tick makes of it.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::{AlertRule, Condition, TrendOf};
use super::history::History;
use super::places::{Place, each_place, missing};
use super::reading::Reading;
use super::subject::Subject;
use super::timers::{Delays, Timers};
use super::{AlertInput, lag, latency, lost, replicas, standstill, trend};
use crate::model::{AlertState, Reason, Timestamp};

/// A rule and its alerts.
#[derive(Debug)]
pub(super) struct RuleState {
    pub(super) rule: AlertRule,
    /// Those that are pending or firing, and those whose condition needs the past.
    pub(super) alerts: BTreeMap<Subject, Alert>,
    /// Since when they are shown as one.
    pub(super) summarized_since: Option<Timestamp>,
    /// Alerts that have changed since they were last asked for.
    pub(super) changed: BTreeSet<Subject>,
    pub(super) summary_changed: bool,
    /// Whether the last tick that could know has found anything that the selectors mean.
    pub(super) has_matched: bool,
    tick: u64,
    needs_history: bool,
}

/// What is remembered of one alert.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Alert {
    pub(super) timers: Option<Timers>,
    pub(super) history: History,
    /// The tick of the rule in which there was something to see of it.
    pub(super) seen_in: u64,
}

/// An alert that is pending or firing.
#[derive(Debug, Clone)]
pub(super) struct Active {
    pub(super) subject: Subject,
    pub(super) timers: Timers,
    pub(super) reading: Reading,
}

impl RuleState {
    pub(super) fn new(rule: AlertRule) -> Self {
        let needs_history = History::needed_by(&rule.when, &History::None).is_some();
        Self {
            rule,
            alerts: BTreeMap::new(),
            summarized_since: None,
            changed: BTreeSet::new(),
            summary_changed: false,
            has_matched: true,
            tick: 0,
            needs_history,
        }
    }

    /// Steps every alert of the rule; `steady` never falls. What is pending or firing after it, in order.
    pub(super) fn observe(&mut self, input: &AlertInput<'_>, steady: Timestamp) -> Vec<Active> {
        let mut active = Vec::new();
        self.tick += 1;
        let is_measured = input.up.is_ok() || matches!(self.rule.when, Condition::Unreachable);
        if is_measured {
            let per_partition = self.rule.per_partition && self.rule.when.knows_partitions();
            let condition = self.rule.when.clone();
            let mut has_matched = false;
            each_place(condition.target(), per_partition, input, |subject, place| {
                self.see(&condition, &subject, place, input, steady, &mut active);
                has_matched = true;
            });
            self.has_matched = has_matched;
        }
        let unseen = self.alerts.iter().filter(|(_, alert)| alert.seen_in != self.tick);
        let unseen: Vec<_> = unseen.map(|(subject, _)| subject.clone()).collect();
        for subject in unseen {
            let reading = missing(&subject, input);
            // What is gone starts anew when it comes back.
            if reading.holds == Ok(false)
                && let Some(alert) = self.alerts.get_mut(&subject)
                && alert.history != History::None
            {
                alert.history = History::None;
                self.changed.insert(subject.clone());
            }
            self.step(&subject, reading, steady, &mut active);
        }
        active.sort_by(|one, other| one.subject.cmp(&other.subject));
        self.note_summary(&active, steady);
        active
    }

    /// Whether its alerts are shown as one: from when more than allowed fire until none does. Only in between would
    /// alerts come and go that nobody has resolved.
    fn note_summary(&mut self, active: &[Active], steady: Timestamp) {
        let firing = active.iter().filter(|active| active.timers.state() == AlertState::Firing).count();
        let is_too_many = self.rule.summarize_above.is_some_and(|most| firing > most as usize);
        let is_allowed = self.rule.summarize_above.is_some();
        let before = self.summarized_since;
        self.summarized_since = match before {
            None => is_too_many.then_some(steady),
            Some(since) => (firing > 0 && is_allowed).then_some(since),
        };
        self.summary_changed |= self.summarized_since != before;
    }

    fn see(
        &mut self,
        condition: &Condition,
        subject: &Subject,
        place: Place<'_>,
        input: &AlertInput<'_>,
        steady: Timestamp,
        active: &mut Vec<Active>,
    ) {
        let reading = if self.needs_history {
            let alert = self.alerts.entry(subject.clone()).or_default();
            if let Some(fresh) = History::needed_by(condition, &alert.history) {
                alert.history = fresh;
            }
            let (reading, has_changed) = read(condition, place, input, &mut alert.history, steady);
            if has_changed {
                self.changed.insert(subject.clone());
            }
            reading
        } else {
            read(condition, place, input, &mut History::None, steady).0
        };
        self.step(subject, reading, steady, active);
        if let Some(alert) = self.alerts.get_mut(subject) {
            alert.seen_in = self.tick;
        }
    }

    /// Steps one alert, and forgets it when there is nothing to remember.
    fn step(&mut self, subject: &Subject, reading: Reading, steady: Timestamp, active: &mut Vec<Active>) {
        let before = self.alerts.get(subject).and_then(|alert| alert.timers);
        let delays = Delays { hold: self.rule.hold, resolve_after: self.rule.resolve_after };
        let timers = Timers::step(before, reading.holds.ok(), steady, delays);
        if timers != before {
            self.alerts.entry(subject.clone()).or_default().timers = timers;
            self.changed.insert(subject.clone());
        }
        match timers {
            Some(timers) => active.push(Active { subject: subject.clone(), timers, reading }),
            None => {
                if self.alerts.get(subject).is_some_and(|alert| alert.history == History::None) {
                    self.alerts.remove(subject);
                }
            }
        }
    }
}

/// What `condition` says of `place`, and whether its history has changed.
fn read(
    condition: &Condition,
    place: Place<'_>,
    input: &AlertInput<'_>,
    history: &mut History,
    steady: Timestamp,
) -> (Reading, bool) {
    use Place::{Cluster, GroupPartition, GroupTopic, Topic, TopicPartition};
    let reading = match (condition, place, history) {
        (Condition::Lag { above, .. }, GroupTopic(view), _) => lag::lag(view, *above),
        (Condition::Lag { above, .. }, GroupPartition(view), _) => lag::partition_lag(view, *above),
        (Condition::TimeLag { above, .. }, GroupTopic(view), _) => lag::time_lag(view, *above),
        (Condition::TimeLag { above, .. }, GroupPartition(view), _) => lag::partition_time_lag(view, *above),
        (Condition::RetentionEta { below, .. }, GroupTopic(view), _) => lag::retention_eta(view, *below),
        (Condition::Throughput { below, .. }, GroupTopic(view), _) => lag::throughput(view, *below),
        (Condition::Stuck { longer_than, .. }, GroupTopic(view), _) => {
            standstill::stuck(view, *longer_than, input.now)
        }
        (Condition::Stuck { longer_than, .. }, GroupPartition(view), _) => {
            standstill::partition_stuck(view, *longer_than, input.now)
        }
        (Condition::NotDecreasing { .. }, GroupTopic(view), _) => standstill::not_decreasing(view),
        (Condition::Offline { .. }, Topic(view), _) => replicas::offline(view),
        (Condition::Offline { .. }, TopicPartition(_, partition), _) => {
            replicas::partition_offline(partition)
        }
        (Condition::UnderMinIsr { .. }, Topic(view), _) => replicas::under_min_isr(view),
        (Condition::UnderMinIsr { .. }, TopicPartition(topic, partition), _) => {
            replicas::partition_under_min_isr(topic, partition)
        }
        (Condition::Unreachable, Cluster, _) => replicas::unreachable(input.up),
        (Condition::Latency { quantile, above, window, .. }, GroupTopic(view), History::Latency(history)) => {
            return latency::latency(view, (*quantile, *above, *window), history, steady);
        }
        (Condition::Lost { above, .. }, GroupTopic(view), History::Lost(history)) => {
            return lost::lost(view, *above, history, steady);
        }
        (
            Condition::DeadLetters { dead_letter_topic, above, window, .. },
            Topic(view),
            History::DeadLetters(history),
        ) => {
            let dead = lost::appended_to(input.topics, dead_letter_topic, view);
            return lost::dead_letters(view, dead, (*above, *window), history, steady);
        }
        (Condition::Trend { value, rising_for, by, .. }, GroupTopic(view), History::Trend(history)) => {
            let now = match value {
                TrendOf::TimeLag => view.time_lag.map(trend::Now::TimeLag),
                TrendOf::Latency => match view.latency.as_deref() {
                    Some(histogram) => Ok(trend::Now::Latency(histogram, view.lag == Ok(0))),
                    None => Err(Reason::NotYetWatched),
                },
            };
            return trend::trend(now, (*rising_for, *by), history, steady);
        }
        // No other place is shown to such a condition.
        _ => Reading::unknown(Reason::NotYetRead),
    };
    (reading, false)
}
