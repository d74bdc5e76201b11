//! The families of topics and their partitions.
//! Never writes a value that was not measured: its series is absent.

use std::sync::Arc;

use super::cluster::measured;
use super::text::{Page, Value};
use crate::model::{Metric, PartitionObservation, Reason, Snapshot, TopicView};

pub(super) fn render(snapshots: &[Arc<Snapshot>], page: &mut Page<'_>) {
    let mut partitions = page.family(Metric::TopicPartitions);
    for snapshot in measured(snapshots) {
        // a topic without partitions is one that could not be read
        for topic in snapshot.topics.iter().filter(|topic| !topic.partitions.is_empty()) {
            let labels = [snapshot.cluster.as_str(), topic.topic.as_str()];
            partitions.sample(&labels, topic.partitions.len());
        }
    }

    let mut family = |metric, value: fn(&TopicView, &PartitionObservation) -> Option<Value>| {
        render_partitions(snapshots, page, metric, value);
    };
    family(Metric::PartitionCurrentOffset, |_, partition| partition.end.ok().map(Value::from));
    family(Metric::PartitionOldestOffset, |_, partition| partition.log_start.ok().map(Value::from));
    family(Metric::PartitionLastStableOffset, |_, partition| partition.last_stable.ok().map(Value::from));
    family(Metric::PartitionLeader, |_, partition| partition.leader.map(Value::from));
    family(Metric::PartitionLeaderIsPreferred, |_, partition| {
        partition.preferred_leader.map(|preferred| Value::from(partition.leader == Some(preferred)))
    });
    family(Metric::PartitionReplicas, |_, partition| Some(partition.replicas.into()));
    family(Metric::PartitionInSyncReplica, |_, partition| Some(partition.in_sync_replicas.into()));
    family(Metric::PartitionUnderReplicated, |_, partition| {
        Some((partition.in_sync_replicas < partition.replicas).into())
    });
    family(Metric::PartitionUnderMinIsr, |topic, partition| {
        let configs = topic.configs.ok()?;
        Some((partition.in_sync_replicas < configs.min_insync_replicas).into())
    });
    family(Metric::PartitionAtMinIsr, |topic, partition| {
        let configs = topic.configs.ok()?;
        Some((partition.in_sync_replicas == configs.min_insync_replicas).into())
    });
    family(Metric::PartitionOffline, |_, partition| Some(partition.leader.is_none().into()));

    let mut appended = page.family(Metric::TopicAppendedRecords);
    for snapshot in snapshots {
        for topic in &snapshot.topics {
            // the 0 of a topic that was hidden from the start would be a made-up number
            let is_hidden = matches!(topic.id, Err(Reason::NotAuthorized | Reason::NoSuchTopic));
            let is_empty = topic.partitions.is_empty() && topic.appended_total == 0;
            let was_never_read = is_empty && (is_hidden || snapshot.up.is_ok());
            if !was_never_read {
                appended.sample(&[snapshot.cluster.as_str(), topic.topic.as_str()], topic.appended_total);
            }
        }
    }
}

fn render_partitions(
    snapshots: &[Arc<Snapshot>],
    page: &mut Page<'_>,
    metric: Metric,
    value: impl Fn(&TopicView, &PartitionObservation) -> Option<Value>,
) {
    let mut family = page.family(metric);
    for snapshot in measured(snapshots) {
        for topic in &snapshot.topics {
            let mut siblings = family.siblings(&[snapshot.cluster.as_str(), topic.topic.as_str()]);
            for (number, partition) in (0..).zip(&topic.partitions) {
                if let Some(value) = value(topic, partition) {
                    siblings.sample(number, value);
                }
            }
        }
    }
}
