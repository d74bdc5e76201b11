//! What alerts and rules say to people: one clause for each alert, one for many, one sentence for each rule.

use std::collections::BTreeSet;

use super::definition::{AlertRule, Condition, Consumption, TrendOf};
use super::reading::Value;
use super::rule::Active;
use crate::model::{AlertState, Millis, Selector, Severity};

/// How many subjects a summary names.
const NAMED: usize = 5;

/// A rule as a sentence: `pages when orders-processor lags by more than 10000 records, for 5m`.
#[must_use]
pub fn plain_words(rule: &AlertRule) -> String {
    let does = match rule.severity {
        Severity::Page => "pages",
        Severity::Ticket => "opens a ticket",
        Severity::Info => "tells",
    };
    let mut words = format!("{does} when {}", clause(rule));
    if rule.hold > Millis(0) {
        words.push_str(&format!(", for {}", length(rule.hold)));
    }
    if let Some(most) = rule.summarize_above {
        words.push_str(&format!("; more than {most} at once are told as one"));
    }
    words
}

fn clause(rule: &AlertRule) -> String {
    let of_partition =
        if rule.per_partition && rule.when.knows_partitions() { "a partition of " } else { "" };
    match &rule.when {
        Condition::Lag { of, above } => {
            format!("{} lags by more than {above} records{}", who(of), on(of, of_partition))
        }
        Condition::TimeLag { of, above } => {
            format!("{} lags by more than {}{}", who(of), length(*above), on(of, of_partition))
        }
        Condition::Latency { of, quantile, above, window } => format!(
            "{} commits more than {} of the records of {}{} later than {} after they were appended",
            who(of),
            quantile.rest(),
            length(*window),
            on(of, ""),
            length(*above)
        ),
        Condition::Throughput { of, below } => {
            format!("{} consumes fewer than {below} records per second{}", who(of), on(of, ""))
        }
        Condition::Stuck { of, longer_than } => format!(
            "{} has lag{} and commits no progress for longer than {}",
            who(of),
            on(of, of_partition),
            length(*longer_than)
        ),
        Condition::NotDecreasing { of } => {
            format!("{} has lag{} that is nowhere lower than five minutes before", who(of), on(of, ""))
        }
        Condition::Trend { of, value, rising_for, by } => format!(
            "the {} of {}{} keeps rising over {}, by at least {by}",
            trend_of(*value),
            who(of),
            on(of, ""),
            length(*rising_for)
        ),
        Condition::Lost { of, above: 0 } => format!("{} loses records to retention{}", who(of), on(of, "")),
        Condition::Lost { of, above } => {
            format!("{} loses more than {above} records to retention within an hour{}", who(of), on(of, ""))
        }
        Condition::RetentionEta { of, below } => format!(
            "retention deletes within less than {} what {} has not committed{}",
            length(*below),
            who(of),
            on(of, "")
        ),
        Condition::DeadLetters { topic, dead_letter_topic, above, window } => format!(
            "more than {above} of the records of {} are dead letters in {}, over {}",
            which(topic, "topic"),
            which(dead_letter_topic, "topic"),
            length(*window)
        ),
        Condition::Offline { topic } => format!("a partition of {} has no leader", which(topic, "topic")),
        Condition::UnderMinIsr { topic } => {
            format!("a partition of {} has fewer in-sync replicas than it needs", which(topic, "topic"))
        }
        Condition::Unreachable => "the cluster cannot be measured".to_owned(),
    }
}

/// One alert in one clause. Never with a number that was not measured in this tick.
pub(super) fn summary(rule: &AlertRule, active: &Active) -> String {
    let Ok(holds) = active.reading.holds else {
        return format!("{}: cannot be judged now, so it stays as it was", noun(&rule.when));
    };
    if !holds {
        let delay = length(rule.resolve_after);
        return format!("{}: not any more, but not yet for {delay}", noun(&rule.when));
    }
    let mut words = claim(&rule.when, active.reading.value);
    if active.timers.state() == AlertState::Firing && rule.hold > Millis(0) {
        words.push_str(&format!(", for {}", length(rule.hold)));
    }
    words
}

fn claim(condition: &Condition, value: Value) -> String {
    let value = match value {
        Value::None | Value::Above => String::new(),
        Value::Records(records) => records.to_string(),
        Value::AtLeastRecords(records) => format!("at least {records}"),
        Value::Time(time) => time.to_string(),
        Value::AtLeastTime(time) => format!("at least {time}"),
        Value::PerSecond(rate) => format!("{rate:.1}"),
        Value::Share { parts, of } => match condition {
            Condition::DeadLetters { .. } => percent(parts, of),
            _ => format!("{parts} of {of}"),
        },
        Value::Rise(from, to) => format!("from {} to {}", seconds(from), seconds(to)),
        Value::Failed(reason) => reason.to_string(),
    };
    match condition {
        Condition::Lag { above, .. } => format!("lag is {value} records, above {above}"),
        Condition::TimeLag { above, .. } => format!("time lag is {value}, above {}", length(*above)),
        Condition::Latency { .. } => noun(condition).replacen(" above", " is above", 1),
        Condition::Throughput { below, .. } => {
            format!("{value} records per second are consumed, below {below}")
        }
        Condition::Stuck { longer_than, .. } => {
            format!("records wait and no commit has moved for {value}, longer than {}", length(*longer_than))
        }
        Condition::NotDecreasing { .. } if value.is_empty() => noun(condition),
        Condition::NotDecreasing { .. } => {
            format!("lag is {value} records, nowhere lower than five minutes ago")
        }
        Condition::Trend { value: of, rising_for, by, .. } => {
            let (of, over) = (trend_of(*of), length(*rising_for));
            format!("{of} keeps rising, {value} over {over}, by at least {by}")
        }
        Condition::Lost { above, .. } => {
            format!("{value} records were lost to retention in the last hour, above {above}")
        }
        Condition::RetentionEta { below, .. } => {
            format!("retention deletes in {value} what is not committed, below {}", length(*below))
        }
        Condition::DeadLetters { above, window, .. } => {
            format!("{value} of the records of {} are dead letters, above {above}", length(*window))
        }
        Condition::Offline { .. } if value.is_empty() => "the partition has no leader".to_owned(),
        Condition::Offline { .. } => format!("{value} partitions have no leader"),
        Condition::UnderMinIsr { .. } if value.contains(" of ") => {
            format!("{value} partitions have fewer in-sync replicas than min.insync.replicas")
        }
        Condition::UnderMinIsr { .. } => {
            format!("in-sync replicas are {value}, fewer than min.insync.replicas")
        }
        Condition::Unreachable => format!("the cluster cannot be measured: {value}"),
    }
}

/// The condition as a noun, for when there is no value to tell.
fn noun(condition: &Condition) -> String {
    match condition {
        Condition::Lag { above, .. } => format!("lag above {above} records"),
        Condition::TimeLag { above, .. } => format!("time lag above {}", length(*above)),
        Condition::Latency { quantile, above, window, .. } => {
            let quantile = quantile.to_string();
            let quantile = quantile.trim_end_matches('%');
            format!("p{quantile} latency above {} over {}", length(*above), length(*window))
        }
        Condition::Throughput { below, .. } => format!("consumption below {below} records per second"),
        Condition::Stuck { longer_than, .. } => format!("stuck for longer than {}", length(*longer_than)),
        Condition::NotDecreasing { .. } => "lag nowhere lower than five minutes ago".to_owned(),
        Condition::Trend { value, rising_for, .. } => {
            format!("{} that keeps rising over {}", trend_of(*value), length(*rising_for))
        }
        Condition::Lost { above, .. } => format!("more than {above} records lost in an hour"),
        Condition::RetentionEta { below, .. } => {
            format!("less than {} until retention deletes what is not committed", length(*below))
        }
        Condition::DeadLetters { above, .. } => format!("dead letters above {above}"),
        Condition::Offline { .. } => "partition without a leader".to_owned(),
        Condition::UnderMinIsr { .. } => "partition under min ISR".to_owned(),
        Condition::Unreachable => "cluster that cannot be measured".to_owned(),
    }
}

/// Many alerts of one rule: `50 groups are stuck: a, b, c, d, e and 45 more`.
pub(super) fn summary_of_many(rule: &AlertRule, alerts: &[&Active]) -> String {
    let groups: BTreeSet<_> = alerts.iter().filter_map(|alert| alert.subject.group.as_ref()).collect();
    let has_partitions = alerts.iter().any(|alert| alert.subject.partition.is_some());
    let names_groups = groups.len() == alerts.len();
    let what = match groups.len() {
        0 if has_partitions => "partitions".to_owned(),
        0 => "topics".to_owned(),
        _ if names_groups => "groups".to_owned(),
        of if has_partitions => format!("partitions of {of} {}", if of == 1 { "group" } else { "groups" }),
        of => format!("topics of {of} {}", if of == 1 { "group" } else { "groups" }),
    };
    let names: Vec<_> = alerts
        .iter()
        .take(NAMED)
        .map(|alert| match &alert.subject.group {
            Some(group) if names_groups => group.to_string(),
            _ => alert.subject.to_string(),
        })
        .collect();
    let more = alerts.len() - names.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let is_pending = alerts.iter().all(|alert| alert.timers.state() == AlertState::Pending);
    let delay = if is_pending { format!(", not yet for {}", length(rule.hold)) } else { String::new() };
    format!("{} {what} {}{delay}: {}{more}", alerts.len(), plural(&rule.when), names.join(", "))
}

fn plural(condition: &Condition) -> String {
    match condition {
        Condition::Lag { above, .. } => format!("lag by more than {above} records"),
        Condition::TimeLag { above, .. } => format!("lag by more than {}", length(*above)),
        Condition::Latency { .. } => format!("have a {}", noun(condition)),
        Condition::Throughput { below, .. } => {
            format!("are consumed with less than {below} records per second")
        }
        Condition::Stuck { .. } => "are stuck".to_owned(),
        Condition::NotDecreasing { .. } => "have lag that does not decrease".to_owned(),
        Condition::Trend { value, .. } => format!("have a rising {}", trend_of(*value)),
        Condition::Lost { .. } => "have lost records to retention".to_owned(),
        Condition::RetentionEta { below, .. } => {
            format!("have less than {} until retention deletes what is not committed", length(*below))
        }
        Condition::DeadLetters { above, .. } => format!("have more than {above} dead letters"),
        Condition::Offline { .. } => "are offline".to_owned(),
        Condition::UnderMinIsr { .. } => "are under min ISR".to_owned(),
        Condition::Unreachable => "cannot be measured".to_owned(),
    }
}

fn trend_of(value: TrendOf) -> &'static str {
    match value {
        TrendOf::TimeLag => "time lag",
        TrendOf::Latency => "median latency",
    }
}

fn who(of: &Consumption) -> String {
    which(&of.group, "group")
}

fn on(of: &Consumption, of_partition: &str) -> String {
    match &of.topic {
        Some(topic) => format!(" on {of_partition}{}", which(topic, "topic")),
        None if of_partition.is_empty() => String::new(),
        None => format!(" on {of_partition}a topic"),
    }
}

fn which(selector: &Selector, what: &str) -> String {
    match selector.exact() {
        Some(name) => name.to_owned(),
        None if selector.as_str() == "*" => format!("any {what}"),
        None => format!("any {what} like {}", selector.as_str()),
    }
}

/// A length as settings write it: `100ms`, `5m`, `1h30m`.
pub(super) fn length(length: Millis) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
    let mut rest = length.0;
    let mut words = String::new();
    for (unit, name) in units {
        if rest >= unit {
            words.push_str(&format!("{}{name}", rest / unit));
            rest %= unit;
        }
    }
    if words.is_empty() { "0s".to_owned() } else { words }
}

fn seconds(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0}ms", seconds * 1000.0) } else { format!("{seconds:.1}s") }
}

fn percent(parts: u64, of: u64) -> String {
    match (u128::from(parts) * 1000).checked_div(u128::from(of)) {
        Some(thousandths) => format!("{}.{}%", thousandths / 10, thousandths % 10),
        None => format!("{parts} more than any"),
    }
}
