//! What is published of a group: gauges from this tick, counters from all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::super::group_topic::GroupTopic;
use super::super::time_lag;
use super::super::topic::{self, Topic};
use super::{Group, hidden};
use crate::model::{
    CommitSource, GroupId, GroupObservation, GroupPartitionView, GroupTopicView, GroupView, Measured, Millis,
    Reason, Timestamp, TopicCommits, TopicName, TopicObservation,
};

/// What a group's view is made from besides the group.
pub(in crate::measure) struct Context<'a> {
    pub(in crate::measure) topics: &'a BTreeMap<TopicName, Measured<TopicObservation>>,
    pub(in crate::measure) memory: &'a HashMap<TopicName, Topic>,
    pub(in crate::measure) resolution: Millis,
    pub(in crate::measure) now: Timestamp,
    pub(in crate::measure) source: CommitSource,
}

impl Group {
    pub(in crate::measure) fn view(
        &mut self,
        id: GroupId,
        observed: GroupObservation,
        context: &Context<'_>,
    ) -> GroupView {
        let (commits, topics) = match observed.commits {
            Ok(commits) => {
                let told: BTreeSet<_> = commits.iter().map(|commits| commits.topic.clone()).collect();
                let view = |commits| self.topic_view(commits, context);
                let mut topics: Vec<_> = commits.into_iter().filter_map(view).collect();
                topics.extend(self.unmeasured_topics(|topic| {
                    hidden(context.topics, topic).filter(|_| !told.contains(topic))
                }));
                (Ok(()), topics)
            }
            Err(why) => (Err(why), self.unmeasured_topics(|_| Some(why))),
        };
        let mut topics = topics;
        topics.sort_by(|one, other| one.topic.cmp(&other.topic));
        GroupView {
            group: id,
            kind: observed.kind,
            state: observed.state,
            members: observed.members,
            stuck: commits.and_then(|()| any(topics.iter().map(|topic| topic.stuck))),
            commits,
            topics,
        }
    }

    fn topic_view(&mut self, commits: TopicCommits, context: &Context<'_>) -> Option<GroupTopicView> {
        let memory = self.topics.get_mut(&commits.topic)?;
        let observed = context.topics.get(&commits.topic);
        let configs =
            observed.ok_or(Reason::NoSuchTopic).and_then(|topic| topic.as_ref().map_err(|why| *why));
        let topic = context.memory.get(&commits.topic);
        let mut partitions = Vec::with_capacity(commits.partitions.len());
        let mut stuck = Vec::with_capacity(commits.partitions.len());
        for (partition, committed) in commits.partitions {
            let read =
                configs.and_then(|topic| topic.partitions.get(partition as usize).ok_or(Reason::NoSuchTopic));
            let lag = read.and_then(|read| topic::lag(committed, Some(read)));
            let found =
                memory.partitions.binary_search_by_key(&partition, |progress| progress.partition).ok();
            let progress = found.map(|index| &mut memory.partitions[index]);
            let mut still_since = lag.map(|_| None);
            let time_lag = match (lag, progress) {
                (Ok(0), Some(progress)) => {
                    progress.caught_up(context.now);
                    stuck.push(Ok(false));
                    Ok(Millis(0))
                }
                (Ok(lag), Some(progress)) => {
                    still_since = Ok(Some(progress.lags(context.now)));
                    stuck.push(progress.stuck(Ok(lag), context.now));
                    let known = topic.and_then(|topic| topic.partitions.get(partition as usize));
                    time_lag::measure(progress, known, context.resolution, context.now)
                }
                (Ok(_), None) => {
                    still_since = Err(Reason::NotYetRead);
                    Err(Reason::NotYetRead)
                }
                (Err(why), _) => {
                    stuck.push(Err(why));
                    Err(why)
                }
            };
            partitions.push(GroupPartitionView { partition, committed, lag, time_lag, still_since });
        }
        let lag = sum(partitions.iter().map(|partition| partition.lag));
        if let Ok(lag) = lag {
            memory.lag_history.push(context.now, lag);
        }
        let retention_eta = configs
            .and_then(|topic| topic.configs)
            .and_then(|configs| time_lag::retention_eta(&configs, &partitions));
        let committed_sum = sum(partitions.iter().map(|partition| partition.committed));
        Some(GroupTopicView {
            lag,
            time_lag: greatest(partitions.iter().map(|partition| partition.time_lag)),
            committed_sum,
            consumed_total: memory.consumed_total,
            lost_total: memory.lost_total,
            // As for the sum: without one partition's commit it is not the rate of all of them.
            consumed_per_second: committed_sum.and_then(|_| memory.rate.per_second()),
            stuck: any(stuck.into_iter()),
            not_decreasing: memory.lag_history.not_decreasing(context.now, lag),
            retention_eta,
            still_since: still_since(&partitions),
            latency: memory.latency.clone(),
            commits_total: match context.source {
                CommitSource::Log => Ok(memory.commits_total),
                CommitSource::Polled => Err(Reason::NotYetWatched),
            },
            commit_interval: memory.intervals.median(context.now),
            topic: commits.topic,
            partitions,
        })
    }

    /// Those topics for which there is a reason: their counters.
    fn unmeasured_topics(&self, why: impl Fn(&TopicName) -> Option<Reason>) -> Vec<GroupTopicView> {
        let view = |(topic, memory): (&TopicName, &GroupTopic)| {
            let why = why(topic)?;
            Some(GroupTopicView {
                topic: topic.clone(),
                lag: Err(why),
                time_lag: Err(why),
                committed_sum: Err(why),
                consumed_total: memory.consumed_total,
                lost_total: memory.lost_total,
                consumed_per_second: Err(why),
                stuck: Err(why),
                not_decreasing: Err(why),
                retention_eta: Err(why),
                still_since: Err(why),
                latency: memory.latency.clone(),
                commits_total: Err(why),
                commit_interval: Err(why),
                partitions: Vec::new(),
            })
        };
        self.topics.iter().filter(|(_, memory)| memory.gone.0.is_none()).filter_map(view).collect()
    }

    pub(in crate::measure) fn unmeasured_view(&self, group: GroupId, why: Reason) -> GroupView {
        GroupView {
            group,
            kind: Err(why),
            state: Err(why),
            members: Err::<Arc<_>, _>(why),
            stuck: Err(why),
            commits: Err(why),
            topics: self.unmeasured_topics(|_| Some(why)),
        }
    }
}

/// Since when the partition that stands still longest has not moved, of those with lag.
fn still_since(partitions: &[GroupPartitionView]) -> Measured<Option<Timestamp>> {
    let mut since = None;
    for partition in partitions.iter().filter(|partition| partition.lag != Ok(0)) {
        let still_since = partition.still_since?;
        since = [since, still_since].into_iter().flatten().min();
    }
    Ok(since)
}

/// The sum, unless a part of it is unmeasured: then the whole is.
fn sum(mut values: impl Iterator<Item = Measured<u64>>) -> Measured<u64> {
    values.try_fold(0_u64, |sum, value| Ok(sum.saturating_add(value?)))
}

/// The greatest, unless one is unmeasured: it might be greater.
fn greatest<T: Ord + Default>(mut values: impl Iterator<Item = Measured<T>>) -> Measured<T> {
    values.try_fold(T::default(), |greatest, value| Ok(greatest.max(value?)))
}

/// True when one is known to be; false only when all are known not to be.
fn any(values: impl Iterator<Item = Measured<bool>>) -> Measured<bool> {
    let mut unknown = None;
    for value in values {
        match value {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(why) => unknown = Some(why),
        }
    }
    unknown.map_or(Ok(false), Err)
}
