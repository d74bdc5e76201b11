//! Which groups and topics each rule is about, so that what its selectors match can be told.

use crate::alert::Condition;
use crate::config::Rules;
use crate::model::Selector;
use crate::slo::Indicator;

/// A rule and its selectors.
pub(super) struct About<'a> {
    /// `slo` or `alert`.
    pub kind: &'static str,
    pub name: &'a str,
    pub group: Option<&'a Selector>,
    pub topics: Vec<&'a Selector>,
}

impl<'a> About<'a> {
    /// `group` or `topic`, and the selector.
    pub(super) fn selectors(&self) -> impl Iterator<Item = (&'static str, &'a Selector)> {
        let topics = self.topics.iter().map(|selector| ("topic", *selector));
        self.group.iter().map(|selector| ("group", *selector)).chain(topics)
    }
}

/// Every rule, in the order in which they are written.
pub(super) fn abouts(rules: &Rules) -> Vec<About<'_>> {
    let slos = rules.slos.iter().map(|slo| {
        let (group, topics) = of_indicator(&slo.indicator);
        About { kind: "slo", name: &slo.name, group, topics }
    });
    let alerts = rules.alerts.iter().map(|alert| {
        let (group, topics) = of_condition(&alert.when);
        About { kind: "alert", name: &alert.name, group, topics }
    });
    slos.chain(alerts).collect()
}

fn of_indicator(indicator: &Indicator) -> (Option<&Selector>, Vec<&Selector>) {
    match indicator {
        Indicator::Latency { group, topic, .. }
        | Indicator::Lag { group, topic, .. }
        | Indicator::TimeLag { group, topic, .. }
        | Indicator::Throughput { group, topic, .. }
        | Indicator::Progress { group, topic, .. }
        | Indicator::Loss { group, topic } => (Some(group), topic.iter().collect()),
        Indicator::DeadLetters { topic, dead_letter_topic } => (None, vec![topic, dead_letter_topic]),
        Indicator::Availability { topic } => (None, vec![topic]),
    }
}

fn of_condition(when: &Condition) -> (Option<&Selector>, Vec<&Selector>) {
    match when {
        Condition::Lag { of, .. }
        | Condition::TimeLag { of, .. }
        | Condition::Latency { of, .. }
        | Condition::Throughput { of, .. }
        | Condition::Stuck { of, .. }
        | Condition::NotDecreasing { of }
        | Condition::Trend { of, .. }
        | Condition::Lost { of, .. }
        | Condition::RetentionEta { of, .. } => (Some(&of.group), of.topic.iter().collect()),
        Condition::DeadLetters { topic, dead_letter_topic, .. } => (None, vec![topic, dead_letter_topic]),
        Condition::Offline { topic } | Condition::UnderMinIsr { topic } => (None, vec![topic]),
        Condition::Unreachable => (None, Vec::new()),
    }
}
