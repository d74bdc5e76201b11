//! What one tick says of an indicator that is cut in slices: kept, broken, or not to be told.
//! Never takes what could not be measured for either.

use super::{Indicator, ThroughputFloor};
use crate::model::{GroupTopicView, GroupView, Measured, Reason, Timestamp, TopicView};

/// What a tick has published of the group and the topic of one instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) group: Option<&'a GroupView>,
    pub(super) consumed: Option<&'a GroupTopicView>,
    pub(super) topic: Option<&'a TopicView>,
}

/// Whether the promise is kept at this moment.
///
/// Whoever has read everything consumes enough, however little that is. An unreachable cluster is unmeasured for
/// availability, too: the daemon cannot tell the cluster's failure from its own.
pub(super) fn is_kept(indicator: &Indicator, sight: Sight<'_>, now: Timestamp) -> Measured<bool> {
    let consumed = || match (sight.consumed, sight.group.map(|group| group.commits)) {
        (_, Some(Err(reason))) => Err(reason),
        (Some(consumed), _) => Ok(consumed),
        (None, _) => Err(Reason::NotYetRead),
    };
    match indicator {
        Indicator::Lag { max, .. } => Ok(consumed()?.lag? <= *max),
        Indicator::TimeLag { max, .. } => Ok(consumed()?.time_lag? <= *max),
        Indicator::Progress { within, .. } => {
            Ok(consumed()?.still_since?.is_none_or(|still| now.since(still) <= *within))
        }
        Indicator::Throughput { floor, .. } => {
            let consumed = consumed()?;
            if consumed.lag == Ok(0) {
                return Ok(true);
            }
            let enough = match floor {
                ThroughputFloor::PerSecond(floor) => *floor,
                ThroughputFloor::Share(share) => {
                    share.as_f64() * sight.topic.ok_or(Reason::NoSuchTopic)?.appended_per_second?
                }
            };
            if consumed.consumed_per_second? >= enough { Ok(true) } else { consumed.lag.map(|_| false) }
        }
        Indicator::Availability { .. } => is_available(sight.topic.ok_or(Reason::NoSuchTopic)?),
        Indicator::Latency { .. } | Indicator::DeadLetters { .. } | Indicator::Loss { .. } => {
            Err(Reason::NotYetRead)
        }
    }
}

/// Every partition has a leader, and as many in-sync replicas as writing with `acks=all` needs.
fn is_available(topic: &TopicView) -> Measured<bool> {
    if topic.partitions.is_empty() {
        return Err(topic.id.err().unwrap_or(Reason::NotYetRead));
    }
    if topic.partitions.iter().any(|partition| partition.leader.is_none()) {
        return Ok(false);
    }
    let least = topic.configs?.min_insync_replicas;
    Ok(topic.partitions.iter().all(|partition| partition.in_sync_replicas >= least))
}
