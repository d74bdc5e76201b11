//! The families of consumer groups, their topics and partitions.
//! Never writes a value that was not measured: its series is absent.

use std::sync::Arc;

use super::cluster::measured;
use super::text::{Page, Value};
use crate::model::{GroupPartitionView, GroupState, GroupTopicView, Measured, Metric, Snapshot};

pub(super) fn render(snapshots: &[Arc<Snapshot>], page: &mut Page<'_>) {
    let mut partitions = |metric, value: fn(&GroupPartitionView) -> Option<Value>| {
        render_partitions(snapshots, page, metric, value);
    };
    partitions(Metric::GroupCurrentOffset, |partition| partition.committed.ok().map(Value::from));
    partitions(Metric::GroupLag, |partition| partition.lag.ok().map(Value::from));
    partitions(Metric::GroupLagSeconds, |partition| partition.time_lag.ok().map(Value::from));

    let mut gauges = |metric, value: fn(&GroupTopicView) -> Option<Value>| {
        render_topics(snapshots, page, metric, value);
    };
    gauges(Metric::GroupCurrentOffsetSum, |topic| topic.committed_sum.ok().map(Value::from));
    gauges(Metric::GroupLagSum, |topic| topic.lag.ok().map(Value::from));
    gauges(Metric::GroupLagSecondsMax, |topic| topic.time_lag.ok().map(Value::from));
    gauges(Metric::GroupNotDecreasing, |topic| topic.not_decreasing.ok().map(Value::from));
    gauges(Metric::GroupRetentionEtaSeconds, |topic| topic.retention_eta.ok().flatten().map(Value::from));

    render_counters(snapshots, page, Metric::GroupConsumedRecords, |topic| Ok(topic.consumed_total));
    render_counters(snapshots, page, Metric::GroupLostRecords, |topic| Ok(topic.lost_total));
    render_counters(snapshots, page, Metric::GroupCommits, |topic| topic.commits_total);
    render_topics(snapshots, page, Metric::GroupCommitIntervalSeconds, |topic| {
        topic.commit_interval.ok().map(Value::from)
    });
    render_groups(snapshots, page);
}

fn render_partitions(
    snapshots: &[Arc<Snapshot>],
    page: &mut Page<'_>,
    metric: Metric,
    value: impl Fn(&GroupPartitionView) -> Option<Value>,
) {
    let mut family = page.family(metric);
    for snapshot in measured(snapshots) {
        for group in snapshot.groups.iter().filter(|group| group.commits.is_ok()) {
            for topic in &group.topics {
                let labels = [snapshot.cluster.as_str(), group.group.as_str(), topic.topic.as_str()];
                let mut siblings = family.siblings(&labels);
                for partition in &topic.partitions {
                    if let Some(value) = value(partition) {
                        siblings.sample(partition.partition, value);
                    }
                }
            }
        }
    }
}

fn render_topics(
    snapshots: &[Arc<Snapshot>],
    page: &mut Page<'_>,
    metric: Metric,
    value: impl Fn(&GroupTopicView) -> Option<Value>,
) {
    let mut family = page.family(metric);
    for snapshot in measured(snapshots) {
        for group in snapshot.groups.iter().filter(|group| group.commits.is_ok()) {
            for topic in &group.topics {
                if let Some(value) = value(topic) {
                    let labels = [snapshot.cluster.as_str(), group.group.as_str(), topic.topic.as_str()];
                    family.sample(&labels, value);
                }
            }
        }
    }
}

/// Counters do not age: they stay while the cluster is down or the group cannot be read.
fn render_counters(
    snapshots: &[Arc<Snapshot>],
    page: &mut Page<'_>,
    metric: Metric,
    total: impl Fn(&GroupTopicView) -> Measured<u64>,
) {
    let mut family = page.family(metric);
    for snapshot in snapshots {
        for group in &snapshot.groups {
            for topic in &group.topics {
                let labels = [snapshot.cluster.as_str(), group.group.as_str(), topic.topic.as_str()];
                family.measured(&labels, total(topic));
            }
        }
    }
}

fn render_groups(snapshots: &[Arc<Snapshot>], page: &mut Page<'_>) {
    let mut members = page.family(Metric::GroupMembers);
    for snapshot in measured(snapshots) {
        for group in &snapshot.groups {
            let labels = [snapshot.cluster.as_str(), group.group.as_str()];
            members
                .measured(&labels, group.members.as_ref().map(|members| members.len()).map_err(|why| *why));
        }
    }
    let mut states = page.family(Metric::GroupState);
    for snapshot in measured(snapshots) {
        for group in &snapshot.groups {
            let Ok(current) = group.state else { continue };
            // all seven, so that a state's series ends with a 0 and not with a gap
            for state in GroupState::ALL {
                let labels = [snapshot.cluster.as_str(), group.group.as_str(), state.label()];
                states.sample(&labels, state == current);
            }
        }
    }
    let mut stuck = page.family(Metric::GroupStuck);
    for snapshot in measured(snapshots) {
        for group in snapshot.groups.iter().filter(|group| group.commits.is_ok()) {
            stuck.measured(&[snapshot.cluster.as_str(), group.group.as_str()], group.stuck);
        }
    }
}
