//! A small cluster by the second: what a rule makes of it.

mod conditions;
mod restart;
mod lives;
mod scripts;
mod sentences;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{AlertInput, AlertRule, Alerts, Condition, Consumption};
use crate::model::{
    AlertState, AlertView, GroupPartitionView, GroupTopicView, GroupView, LatencyHistogram, Measured, Millis,
    PartitionObservation, Ratio, Reason, Selector, Severity, Timestamp, TopicConfigs, TopicId, TopicView,
};

pub(super) const UNKNOWN: Reason = Reason::NoLeader;

pub(super) fn seconds(seconds: u64) -> Millis {
    Millis::from_seconds(seconds)
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1000)
}

pub(super) fn ratio(text: &str) -> Ratio {
    Ratio::parse(text).unwrap()
}

pub(super) fn everyone() -> Consumption {
    Consumption { group: Selector::new("*"), topic: None }
}

/// Fires at once and is over at once.
pub(super) fn rule(when: Condition) -> AlertRule {
    AlertRule {
        name: "rule".into(),
        description: None,
        when,
        hold: Millis(0),
        severity: Severity::Ticket,
        per_partition: false,
        summarize_above: None,
        resolve_after: Millis(0),
        labels: Arc::new(BTreeMap::new()),
        runbook: None,
    }
}

pub(super) fn reads(topic: &str) -> GroupTopicView {
    GroupTopicView {
        topic: topic.into(),
        lag: Ok(0),
        time_lag: Ok(Millis(0)),
        committed_sum: Ok(0),
        consumed_total: 0,
        lost_total: 0,
        consumed_per_second: Ok(0.0),
        stuck: Ok(false),
        not_decreasing: Ok(false),
        retention_eta: Ok(None),
        still_since: Ok(None),
        latency: None,
        commits_total: Ok(0),
        commit_interval: Err(Reason::NotYetWatched),
        partitions: Vec::new(),
    }
}

/// One partition for each lag.
pub(super) fn lags(lags: &[Measured<u64>]) -> GroupTopicView {
    let partition = |(partition, lag): (u32, &Measured<u64>)| GroupPartitionView {
        partition,
        committed: lag.map(|_| 100),
        lag: *lag,
        time_lag: lag.map(seconds),
        still_since: lag.map(|lag| (lag > 0).then_some(at(0))),
    };
    let sum: Measured<u64> = lags.iter().copied().sum();
    GroupTopicView {
        lag: sum,
        time_lag: lags.iter().copied().try_fold(Millis(0), |worst, lag| Ok(worst.max(seconds(lag?)))),
        partitions: (0..).zip(lags).map(partition).collect(),
        ..reads("orders")
    }
}

/// Records within 100 ms, 200 ms, 400 ms, and later, so far; and what was estimated of each bound.
pub(super) fn latencies(counts: [u64; 4], estimated: [u64; 3], lag: Measured<u64>) -> GroupTopicView {
    let histogram = LatencyHistogram {
        bounds: [100, 200, 400].map(Millis).into(),
        counts: counts.to_vec(),
        estimated: estimated.to_vec(),
    };
    GroupTopicView { lag, latency: Some(Arc::new(histogram)), ..reads("orders") }
}

pub(super) fn group(name: &str, topics: Vec<GroupTopicView>) -> GroupView {
    GroupView {
        group: name.into(),
        kind: Err(UNKNOWN),
        state: Err(UNKNOWN),
        members: Err(UNKNOWN),
        stuck: Ok(false),
        commits: Ok(()),
        topics,
    }
}

/// Leader and in-sync replicas of each partition; it needs two.
pub(super) fn topic(name: &str, appended_total: u64, partitions: &[(Option<i32>, u32)]) -> TopicView {
    let partition = |(leader, in_sync_replicas): &(Option<i32>, u32)| PartitionObservation {
        leader: *leader,
        preferred_leader: Some(1),
        replicas: 3,
        in_sync_replicas: *in_sync_replicas,
        end: Ok(appended_total),
        log_start: Ok(0),
        last_stable: Ok(0),
    };
    TopicView {
        topic: name.into(),
        id: Ok(TopicId(1)),
        configs: Ok(TopicConfigs {
            retention: None,
            retention_by_size: false,
            deletes: true,
            compacts: false,
            min_insync_replicas: 2,
        }),
        appended_total,
        appended_per_second: Ok(0.0),
        partitions: partitions.iter().map(partition).collect(),
    }
}

/// What a tick has measured.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) up: Measured<()>,
    pub(super) topics: Vec<TopicView>,
    pub(super) groups: Vec<GroupView>,
    pub(super) groups_complete: bool,
}

impl World {
    pub(super) fn of_groups(groups: Vec<GroupView>) -> Self {
        Self { up: Ok(()), topics: vec![topic("orders", 0, &[(Some(1), 3)])], groups, groups_complete: true }
    }

    pub(super) fn of_topics(topics: Vec<TopicView>) -> Self {
        Self { up: Ok(()), topics, groups: Vec::new(), groups_complete: true }
    }

    /// The group `billing` reads `orders`.
    pub(super) fn billing(view: GroupTopicView) -> Self {
        Self::of_groups(vec![group("billing", vec![view])])
    }

    pub(super) fn lagging(lag: Measured<u64>) -> Self {
        Self::billing(lags(&[lag]))
    }

    pub(super) fn down() -> Self {
        Self { up: Err(Reason::Unreachable), topics: Vec::new(), groups: Vec::new(), groups_complete: false }
    }

    pub(super) fn input(&self, now: Timestamp) -> AlertInput<'_> {
        AlertInput {
            now,
            up: self.up,
            topics: &self.topics,
            groups: &self.groups,
            groups_complete: self.groups_complete,
        }
    }
}

/// What is shown after a tick, in short: `billing orders F`, `orders/3 p?` (held), `50 F` (a summary).
pub(super) fn shown(views: &[AlertView]) -> String {
    let one = |view: &AlertView| {
        let mut words = Vec::new();
        words.extend(view.group.as_ref().map(ToString::to_string));
        let partition = view.partition.map(|partition| format!("/{partition}")).unwrap_or_default();
        words.extend(view.topic.as_ref().map(|topic| format!("{topic}{partition}")));
        words.extend((view.covers > 1).then(|| view.covers.to_string()));
        let held = if view.because.is_some() { "?" } else { "" };
        let state = if view.state == AlertState::Firing { "F" } else { "p" };
        words.push(format!("{state}{held}"));
        words.join(" ")
    };
    views.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What `rule` shows at each second of `ticks`.
#[track_caller]
pub(super) fn check(rule: AlertRule, ticks: &[(i64, World, &str)]) {
    let mut alerts = Alerts::new(vec![rule]);
    for (second, world, expected) in ticks {
        let views = alerts.observe(&world.input(at(*second)));
        assert_eq!(shown(&views), *expected, "at {second}s");
    }
}
