//! Why an SLO cannot be judged, by name: what is not there, and what is called nearly so; what is too coarse.
//! Never decides a state.

use super::instance::Instance;
use super::words;
use super::{Indicator, Slo, TickInput};
use crate::model::{
    Because, CommitSource, GroupTopicView, GroupView, Measured, Millis, Reason, Selector, TopicView,
};

pub(super) fn reason(reason: Reason) -> Because {
    Because { label: reason.label(), sentence: reason.to_string().into() }
}

pub(super) fn named(label: &'static str, sentence: &str) -> Because {
    Because { label, sentence: sentence.into() }
}

/// Why nothing matches.
#[derive(Debug, Clone)]
pub(super) struct Absence {
    pub(super) because: Because,
    /// An exact name is missing, or the cluster: that is worth an alert. A glob may well match nothing.
    pub(super) is_alarming: bool,
    /// Everything that is named is there and empty: fine.
    pub(super) is_idle: bool,
}

/// Why `slo` has no group and topic now. At least one of the two is not there, or they have nothing to do with each
/// other.
pub(super) fn absence(slo: &Slo, input: &TickInput<'_>) -> Absence {
    let (group, topics) = selectors(&slo.indicator);
    let told = |because, is_alarming| Absence { because, is_alarming, is_idle: false };
    if let Err(down) = input.up {
        return told(reason(down), true);
    }
    let known = |selector: &Selector| input.groups.iter().any(|view| selector.matches(view.group.as_str()));
    if let Some(group) = group.filter(|group| !known(group)) {
        if !input.groups_complete {
            return told(reason(Reason::NotListed), group.exact().is_some());
        }
        let names = input.groups.iter().map(|view| view.group.as_str());
        return told(missing(group, "group", Reason::NoSuchGroup, names), group.exact().is_some());
    }
    let known = |selector: &Selector| input.topics.iter().any(|view| selector.matches(view.topic.as_str()));
    if let Some(topic) = topics.into_iter().flatten().find(|topic| !known(topic)) {
        let names = input.topics.iter().map(|view| view.topic.as_str());
        return told(missing(topic, "topic", Reason::NoSuchTopic, names), topic.exact().is_some());
    }
    let group_name = group.map_or("", Selector::as_str);
    let failed = input.groups.iter().find(|view| view.group.as_str() == group_name);
    if let Some(Err(unread)) = failed.map(|view| view.commits) {
        return told(reason(unread), true);
    }
    let [topic, _] = topics;
    let is_exact = group.is_some_and(|group| group.exact().is_some());
    let on = topic.map_or(String::new(), |topic| format!(" on topic {}", topic.as_str()));
    let because = named("no_commits", &format!("group {group_name} has no commits{on}"));
    let view = topic.and_then(|topic| input.topics.iter().find(|view| view.topic.as_str() == topic.as_str()));
    let is_idle = is_exact && view.is_some_and(is_empty);
    Absence { because, is_alarming: is_exact, is_idle }
}

/// Nothing is in it, for sure.
fn is_empty(topic: &TopicView) -> bool {
    let is_empty = |end: Measured<u64>, start: Measured<u64>| end.is_ok() && end == start;
    !topic.partitions.is_empty()
        && topic.partitions.iter().all(|partition| is_empty(partition.end, partition.log_start))
}

/// The group and the topics that an indicator names.
pub(super) fn selectors(indicator: &Indicator) -> (Option<&Selector>, [Option<&Selector>; 2]) {
    match indicator {
        Indicator::Latency { group, topic, .. }
        | Indicator::Lag { group, topic, .. }
        | Indicator::TimeLag { group, topic, .. }
        | Indicator::Throughput { group, topic, .. }
        | Indicator::Progress { group, topic, .. }
        | Indicator::Loss { group, topic } => (Some(group), [topic.as_ref(), None]),
        Indicator::DeadLetters { topic, dead_letter_topic } => (None, [Some(topic), Some(dead_letter_topic)]),
        Indicator::Availability { topic } => (None, [Some(topic), None]),
    }
}

pub(super) fn missing<'a>(
    selector: &Selector,
    what: &str,
    reason: Reason,
    names: impl Iterator<Item = &'a str>,
) -> Because {
    let Some(exact) = selector.exact() else {
        return named("no_match", &format!("no {what} matches {}", selector.as_str()));
    };
    let sentence = match nearest(exact, names) {
        Some(near) => format!("no such {what}: {exact}, did you mean {near}?"),
        None => format!("no such {what}: {exact}"),
    };
    named(reason.label(), &sentence)
}

/// The name that differs from `name` in the fewest characters, if it is not another name altogether.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = name.chars().count() / 3 + 1;
    let distances = names.map(|other| (edits(name, other, most), other));
    distances.filter(|(distance, _)| *distance <= most).min().map(|(_, other)| other)
}

/// How many characters have to be put in, taken out or replaced to make one of the other (Levenshtein's distance);
/// more than `most` is not counted out.
fn edits(from: &str, to: &str, most: usize) -> usize {
    let to: Vec<char> = to.chars().collect();
    if from.chars().count().abs_diff(to.len()) > most {
        return most + 1;
    }
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, one) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(one != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

/// Why latencies below the distance of commits say nothing, unless that is meant.
pub(super) fn too_coarse(
    slo: &Slo,
    consumed: Option<&GroupTopicView>,
    input: &TickInput<'_>,
) -> Option<Because> {
    let Indicator::Latency { within, accept_commit_resolution: false, .. } = &slo.indicator else {
        return None;
    };
    let cannot = |label, coarse: &str, length| {
        named(label, &format!("{coarse} every {} cannot show {}", spaced(length), spaced(*within)))
    };
    let interval = consumed.and_then(|consumed| consumed.commit_interval.ok());
    if let Some(interval) = interval.filter(|interval| within < interval) {
        return Some(cannot("commit_interval", "commits", interval));
    }
    let is_polled = input.commit_source == CommitSource::Polled && *within < input.poll_interval;
    is_polled.then(|| cannot("polled", "commits polled", input.poll_interval))
}

/// Nobody knows whether a threshold says something.
pub(super) fn interval_unknown() -> Because {
    named("commit_interval_unknown", "how often the group commits is not known before its second commit")
}

/// Whether it does not matter how often the group commits.
pub(super) fn accepts_resolution(slo: &Slo) -> bool {
    !matches!(slo.indicator, Indicator::Latency { accept_commit_resolution: false, .. })
}

/// `100 ms`, `5 s`, `5.2 s`.
fn spaced(length: Millis) -> String {
    match length.0 {
        millis @ 0..1000 => format!("{millis} ms"),
        millis if millis % 1000 < 50 => format!("{} s", millis / 1000),
        _ => format!("{:.1} s", length.as_seconds()),
    }
}

/// Nothing new can be told of what an SLO counts in records.
pub(super) fn stall(group: Option<&GroupView>, input: &TickInput<'_>) -> Option<Because> {
    let group = group?;
    if let Err(unread) = group.commits {
        return Some(reason(unread));
    }
    let is_stalled = input.stalled_groups.contains(&group.group);
    is_stalled.then(|| named("commit_log_held", "the commit log is not read up to now: an open transaction holds it, or it is being caught up with"))
}

/// Too little of the shortest window was measured.
pub(super) fn coverage(instance: &Instance) -> Because {
    let (length, counts) = instance.shortest();
    let percent = super::evaluation::coverage(counts) * 100.0;
    named("coverage", &format!("only {percent:.0}% of the last {} could be measured", words::length(length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_finds_its_neighbour() {
        let names = ["orders", "orders-processor", "billing", "payments"];
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(nearest(name, names.into_iter()), expected, "{name}");
        };
        check("orders-procesor", Some("orders-processor"));
        check("order", Some("orders"));
        check("bilingl", Some("billing"));
        check("shipping-labels", None);
        check("x", None);
    }

    #[test]
    fn lengths_read_as_in_a_sentence() {
        let check = |millis, text: &str| assert_eq!(spaced(Millis(millis)), text);
        check(100, "100 ms");
        check(5000, "5 s");
        check(5003, "5 s");
        check(5230, "5.2 s");
    }
}
