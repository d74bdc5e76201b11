//! Conditions on a topic's partitions and on the cluster: offline, under min ISR, unreachable.

use super::reading::{Reading, Value};
use crate::model::{Measured, PartitionObservation, Reason, TopicView};

/// Partitions without a leader.
pub(super) fn offline(view: &TopicView) -> Reading {
    count(view, is_offline)
}

/// Partitions with fewer in-sync replicas than `min.insync.replicas`.
pub(super) fn under_min_isr(view: &TopicView) -> Reading {
    match (readable(view), view.configs) {
        (Ok(()), Ok(configs)) => {
            count(view, |partition| partition.in_sync_replicas < configs.min_insync_replicas)
        }
        (Err(why), _) | (_, Err(why)) => Reading::unknown(why),
    }
}

/// One partition without a leader.
pub(super) fn partition_offline(partition: &PartitionObservation) -> Reading {
    Reading { holds: Ok(is_offline(partition)), value: Value::None }
}

/// One partition with fewer in-sync replicas than `min.insync.replicas`.
pub(super) fn partition_under_min_isr(view: &TopicView, partition: &PartitionObservation) -> Reading {
    let value = Value::Records(u64::from(partition.in_sync_replicas));
    Reading::of(view.configs, |configs| partition.in_sync_replicas < configs.min_insync_replicas, |_| value)
}

/// The cluster could not be measured, and not for want of a first try.
pub(super) fn unreachable(up: Measured<()>) -> Reading {
    match up {
        Ok(()) => Reading { holds: Ok(false), value: Value::None },
        Err(why) if why.is_pending() => Reading::unknown(why),
        Err(why) => Reading { holds: Ok(true), value: Value::Failed(why) },
    }
}

/// Why a topic's partitions are not there, if they are not.
pub(super) fn readable(view: &TopicView) -> Measured<()> {
    match view.id {
        Err(why) if view.partitions.is_empty() => Err(why),
        _ if view.partitions.is_empty() => Err(Reason::NotYetRead),
        _ => Ok(()),
    }
}

fn is_offline(partition: &PartitionObservation) -> bool {
    partition.leader.is_none()
}

fn count(view: &TopicView, is_so: impl Fn(&PartitionObservation) -> bool) -> Reading {
    if let Err(why) = readable(view) {
        return Reading::unknown(why);
    }
    let parts = view.partitions.iter().filter(|partition| is_so(partition)).count() as u64;
    let value = Value::Share { parts, of: view.partitions.len() as u64 };
    Reading { holds: Ok(parts > 0), value }
}
