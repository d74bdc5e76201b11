//! Everything that should be known and is not, by name: what `/readyz` and `plimsoll_unmeasured` say.
//! What is only not known yet, as everything is in the first seconds, is not in it.

use crate::model::{GroupView, Reason, Subject, TopicName, TopicView, Unmeasured};

/// Names each thing once, at the level at which it failed: a topic rather than each of its partitions.
pub(super) fn named(
    topics: &[TopicView],
    groups: &[GroupView],
    unread: &[(TopicName, Reason)],
    groups_complete: bool,
) -> Vec<Unmeasured> {
    let mut found = Vec::new();
    let mut add = |subject, name: String, reason: Reason| {
        if !reason.is_pending() {
            found.push(Unmeasured { subject, name, reason });
        }
    };
    if !groups_complete {
        add(Subject::Cluster, "consumer groups".to_owned(), Reason::NotListed);
    }
    for (topic, why) in unread {
        add(Subject::Topic, topic.to_string(), *why);
    }
    for topic in topics {
        if unread.iter().any(|(unread, _)| *unread == topic.topic) {
            continue;
        }
        let whys: Vec<Option<Reason>> = topic.partitions.iter().map(why).collect();
        match whys.first().copied().flatten() {
            Some(first) if whys.iter().all(|why| *why == Some(first)) => {
                add(Subject::Topic, topic.topic.to_string(), first);
            }
            _ => {
                for (number, why) in whys.into_iter().enumerate() {
                    if let Some(why) = why {
                        add(Subject::Partition, format!("{}/{number}", topic.topic), why);
                    }
                }
                if let Err(why) = topic.configs {
                    add(Subject::Topic, topic.topic.to_string(), why);
                }
            }
        }
    }
    for group in groups {
        match (group.commits, group.state) {
            (Err(why), _) | (Ok(()), Err(why)) => add(Subject::Group, group.group.to_string(), why),
            (Ok(()), Ok(_)) => {
                if let Some(why) = own_fault(group) {
                    add(Subject::Group, group.group.to_string(), why);
                }
            }
        }
    }
    found.sort();
    found
}

fn why(partition: &crate::model::PartitionObservation) -> Option<Reason> {
    partition.end.err().or(partition.log_start.err()).or(partition.last_stable.err())
}

/// A reason that no partition of the topic explains: a commit that failed alone, or that lies beyond the end.
fn own_fault(group: &GroupView) -> Option<Reason> {
    let mut partitions = group.topics.iter().flat_map(|topic| &topic.partitions);
    partitions.find_map(|partition| match (partition.committed, partition.lag) {
        (Err(why), _) => Some(why),
        (Ok(_), Err(why @ (Reason::CommitBeyondEnd | Reason::NoSuchTopic))) => Some(why),
        _ => partition.time_lag.err().filter(|why| *why == Reason::TimestampInFuture),
    })
}
