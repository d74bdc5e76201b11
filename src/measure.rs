//! From what was read of a cluster to what is true of it: lag, time lag, rates, counters, stuck and lost.
//! Pure: time and observations come in. What was not read is unmeasured with its reason, never a number.

mod curve;
mod group;
mod rate;
mod time_lag;
mod topic;
mod unmeasured;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::model::{
    GroupId, GroupObservation, GroupPartitionView, GroupState, GroupTopicView, GroupView, Measured, Millis,
    Observation, Partition, Reason, Timestamp, TopicCommits, TopicName, TopicObservation, TopicView,
    Unmeasured,
};
use group::GroupTopic;
use topic::Topic;

/// One cluster from tick to tick.
#[derive(Debug, Default)]
pub struct Measurement {
    topics: HashMap<TopicName, Topic>,
    groups: BTreeMap<GroupId, Group>,
    /// What the time index is asked in this tick.
    wanted: time_lag::Wanted,
    time_lookups: u64,
    last_ends_at: Option<Timestamp>,
    resolution: Millis,
}

/// What a tick has measured.
#[derive(Debug)]
pub struct Measurements {
    /// In the order of their names.
    pub topics: Vec<TopicView>,
    /// In the order of their ids.
    pub groups: Vec<GroupView>,
    /// Everything that should be known and is not.
    pub unmeasured: Vec<Unmeasured>,
}

/// What is remembered of one group.
#[derive(Debug)]
struct Group {
    state: Measured<GroupState>,
    topics: BTreeMap<TopicName, GroupTopic>,
}

impl Measurement {
    /// Takes commits and ends, before log starts and the time index are asked.
    pub fn begin(&mut self, observation: &Observation) {
        if let Some(last) = self.last_ends_at.replace(observation.ends_at) {
            self.resolution = observation.ends_at.since(last);
        }
        // A topic that is gone takes its counters along; one that is only hidden keeps them.
        self.topics.retain(|name, _| {
            observation.topics.get(name).is_some_and(|topic| !matches!(topic, Err(Reason::NoSuchTopic)))
        });
        for (name, observed) in &observation.topics {
            if let Ok(observed) = observed {
                self.topics.entry(name.clone()).or_default().observe(observed, observation.ends_at);
            }
        }
        self.groups.retain(|id, _| observation.groups.contains_key(id) || !observation.groups_complete);
        for (id, observed) in &observation.groups {
            let group = self.groups.entry(id.clone()).or_insert_with(Group::new);
            group.observe(observed, &self.topics, observation.ends_at);
        }
        self.wanted = time_lag::wanted(&mut self.topics, &self.groups, observation);
    }

    /// Takes the finished observation and says what is true of the cluster at `now`.
    pub fn finish(&mut self, observation: Observation, now: Timestamp) -> Measurements {
        let mut groups = Vec::with_capacity(observation.groups.len());
        for (id, observed) in observation.groups {
            let Some(group) = self.groups.get_mut(&id) else { continue };
            let context = Context {
                topics: &observation.topics,
                memory: &self.topics,
                failed: &self.wanted.failed,
                resolution: self.resolution,
                now,
            };
            groups.push(group.view(id, observed, &context));
        }
        let mut topics = Vec::with_capacity(observation.topics.len());
        let mut unread = Vec::new();
        for (name, observed) in observation.topics {
            match observed {
                Ok(observed) => {
                    if let Some(topic) = self.topics.get_mut(&name) {
                        topics.push(topic.view(name, observed));
                    }
                }
                Err(why) => {
                    if let Some(topic) = self.topics.get(&name) {
                        topics.push(topic.unmeasured_view(name.clone(), why));
                    }
                    unread.push((name, why));
                }
            }
        }
        time_lag::forget(&mut self.topics, &self.groups, now);
        let unmeasured = unmeasured::named(&topics, &groups, &unread, observation.groups_complete);
        Measurements { topics, groups, unmeasured }
    }

    /// What stays true of a cluster that was not measured: its counters.
    #[must_use]
    pub fn outage(&self, why: Reason) -> Measurements {
        let topics = self.topics.iter().map(|(name, topic)| topic.unmeasured_view(name.clone(), why));
        let mut topics: Vec<_> = topics.collect();
        topics.sort_by(|one, other| one.topic.cmp(&other.topic));
        let groups = self.groups.iter().map(|(id, group)| group.unmeasured_view(id.clone(), why)).collect();
        Measurements { topics, groups, unmeasured: Vec::new() }
    }
}

/// What a group's view is made from besides the group.
struct Context<'a> {
    topics: &'a BTreeMap<TopicName, Measured<TopicObservation>>,
    memory: &'a HashMap<TopicName, Topic>,
    failed: &'a BTreeMap<(TopicName, Partition), Reason>,
    resolution: Millis,
    now: Timestamp,
}

impl Group {
    fn new() -> Self {
        Self { state: Err(Reason::NotYetRead), topics: BTreeMap::new() }
    }

    fn observe(&mut self, observed: &GroupObservation, topics: &HashMap<TopicName, Topic>, now: Timestamp) {
        let was_empty = self.state == Ok(GroupState::Empty);
        let is_empty = observed.state == Ok(GroupState::Empty);
        self.state = observed.state;
        let Ok(commits) = &observed.commits else { return };
        // Nobody consumes in a group without members: who moves its offsets skips records.
        let skips = was_empty && is_empty && !observed.is_simple;
        self.topics.retain(|topic, _| commits.iter().any(|of_topic| of_topic.topic == *topic));
        for of_topic in commits {
            if !self.topics.contains_key(&of_topic.topic) {
                let incarnation = topics.get(&of_topic.topic).map_or(0, |topic| topic.incarnation);
                let fresh = GroupTopic { incarnation, ..GroupTopic::default() };
                self.topics.insert(of_topic.topic.clone(), fresh);
            }
            let Some(memory) = self.topics.get_mut(&of_topic.topic) else { continue };
            if let Some(topic) = topics.get(&of_topic.topic) {
                memory.start_over(topic.incarnation);
            }
            for (partition, committed) in &of_topic.partitions {
                if let Ok(committed) = committed {
                    memory.commit(*partition, *committed, skips, now);
                }
            }
            let has_commit = |partition: Partition| {
                of_topic.partitions.binary_search_by_key(&partition, |(number, _)| *number).is_ok()
            };
            memory.partitions.retain(|progress| has_commit(progress.partition));
            memory.rate.push(now, memory.consumed_total);
        }
    }

    fn view(&mut self, id: GroupId, observed: GroupObservation, context: &Context<'_>) -> GroupView {
        let (commits, topics) = match observed.commits {
            Ok(commits) => {
                let view = |commits| self.topic_view(commits, context);
                (Ok(()), commits.into_iter().filter_map(view).collect::<Vec<_>>())
            }
            Err(why) => (Err(why), self.unmeasured_topics(why)),
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
            if let (Some(index), Ok(read)) = (found, read)
                && let Ok(log_start) = read.log_start
            {
                memory.log_starts_at(index, log_start);
            }
            let progress = found.map(|index| &mut memory.partitions[index]);
            let time_lag = match (lag, progress) {
                (Ok(0), Some(progress)) => {
                    progress.caught_up(context.now);
                    stuck.push(Ok(false));
                    Ok(Millis(0))
                }
                (Ok(lag), Some(progress)) => {
                    stuck.push(progress.stuck(Ok(lag), context.now));
                    let failed = context.failed.get(&(commits.topic.clone(), partition)).copied();
                    let known = topic.and_then(|topic| topic.partitions.get(partition as usize));
                    time_lag::measure(progress, known, context.resolution, context.now, failed)
                }
                (Ok(_), None) => Err(Reason::NotYetRead),
                (Err(why), _) => {
                    stuck.push(Err(why));
                    Err(why)
                }
            };
            partitions.push(GroupPartitionView { partition, committed, lag, time_lag });
        }
        let lag = sum(partitions.iter().map(|partition| partition.lag));
        if let Ok(lag) = lag {
            memory.lag_history.push(context.now, lag);
        }
        let retention_eta = configs
            .and_then(|topic| topic.configs)
            .and_then(|configs| time_lag::retention_eta(&configs, &partitions));
        Some(GroupTopicView {
            lag,
            time_lag: greatest(partitions.iter().map(|partition| partition.time_lag)),
            committed_sum: sum(partitions.iter().map(|partition| partition.committed)),
            consumed_total: memory.consumed_total,
            lost_total: memory.lost_total,
            consumed_per_second: memory.rate.per_second(),
            stuck: any(stuck.into_iter()),
            not_decreasing: memory.lag_history.not_decreasing(context.now, lag),
            retention_eta,
            topic: commits.topic,
            partitions,
        })
    }

    fn unmeasured_topics(&self, why: Reason) -> Vec<GroupTopicView> {
        let view = |(topic, memory): (&TopicName, &GroupTopic)| GroupTopicView {
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
            partitions: Vec::new(),
        };
        self.topics.iter().map(view).collect()
    }

    fn unmeasured_view(&self, group: GroupId, why: Reason) -> GroupView {
        GroupView {
            group,
            kind: Err(why),
            state: Err(why),
            members: Err::<Arc<_>, _>(why),
            stuck: Err(why),
            commits: Err(why),
            topics: self.unmeasured_topics(why),
        }
    }
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

#[cfg(test)]
mod tests;
