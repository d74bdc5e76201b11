//! From what was read of a cluster to what is true of it: lag, time lag, rates, counters, stuck and lost.
//! Pure: time and observations come in. What was not read is unmeasured with its reason, never a number.

mod curve;
mod group;
mod rate;
mod time_lag;
mod topic;
mod unmeasured;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::{
    GroupId, GroupObservation, GroupPartitionView, GroupState, GroupTopicView, GroupView, Measured, Millis,
    Observation, Reason, Timestamp, TopicCommits, TopicName, TopicObservation, TopicView, Unmeasured,
};
use group::GroupTopic;
use topic::Topic;

/// One cluster from tick to tick.
#[derive(Debug, Default)]
pub struct Measurement {
    topics: HashMap<TopicName, Topic>,
    groups: BTreeMap<GroupId, Group>,
    /// What the time index is still to be asked in this tick.
    open: Vec<time_lag::Open>,
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

/// How long counters outlive what they count: what is made again under its name meanwhile goes on counting.
const REMEMBERED: Millis = Millis::from_seconds(3600);

/// What is remembered of one group.
#[derive(Debug)]
struct Group {
    state: Measured<GroupState>,
    /// Also those without commits, until they are forgotten: nothing is published of them.
    topics: BTreeMap<TopicName, GroupTopic>,
    gone: Gone,
}

/// Since when something is gone; default while it is there.
#[derive(Debug, Default)]
struct Gone(Option<Timestamp>);

impl Gone {
    /// Notes whether it is there at `now`. False once it has been gone for too long to be remembered.
    fn is_remembered(&mut self, is_there: bool, now: Timestamp) -> bool {
        self.0 = if is_there { None } else { self.0.or(Some(now)) };
        self.0.is_none_or(|since| now.since(since) < REMEMBERED)
    }
}

impl Measurement {
    /// Takes commits and ends, before log starts and the time index are asked.
    pub fn begin(&mut self, observation: &Observation) {
        if let Some(last) = self.last_ends_at.replace(observation.ends_at) {
            self.resolution = observation.ends_at.since(last);
        }
        let now = observation.ends_at;
        self.topics.retain(|name, topic| {
            let observed = observation.topics.get(name);
            let is_there = observed.is_some_and(|topic| !matches!(topic, Err(Reason::NoSuchTopic)));
            topic.gone.is_remembered(is_there, now)
        });
        for (name, observed) in &observation.topics {
            if let Ok(observed) = observed {
                self.topics.entry(name.clone()).or_default().observe(observed, now);
            }
        }
        self.groups.retain(|id, group| {
            let is_there = observation.groups.contains_key(id) || !observation.groups_complete;
            if !is_there {
                group.leave();
            }
            group.gone.is_remembered(is_there, now)
        });
        for (id, observed) in &observation.groups {
            let group = self.groups.entry(id.clone()).or_insert_with(Group::new);
            group.observe(observed, &self.topics, &observation.topics, now);
        }
        self.open = time_lag::wanted(&mut self.topics, &self.groups, observation);
    }

    /// Takes the finished observation and says what is true of the cluster at `now`.
    pub fn finish(&mut self, observation: Observation, now: Timestamp) -> Measurements {
        let mut groups = Vec::with_capacity(observation.groups.len());
        for (id, observed) in observation.groups {
            let Some(group) = self.groups.get_mut(&id) else { continue };
            let context = Context {
                topics: &observation.topics,
                memory: &self.topics,
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
                    if let Some(topic) = self.topics.get(&name).filter(|topic| topic.gone.0.is_none()) {
                        topics.push(topic.unmeasured_view(name.clone(), why));
                    }
                    unread.push((name, why));
                }
            }
        }
        time_lag::forget(&mut self.topics, now);
        let unmeasured = unmeasured::named(&topics, &groups, &unread, observation.groups_complete);
        Measurements { topics, groups, unmeasured }
    }

    /// What stays true of a cluster that was not measured: its counters.
    #[must_use]
    pub fn outage(&self, why: Reason) -> Measurements {
        let topics = self.topics.iter().filter(|(_, topic)| topic.gone.0.is_none());
        let mut topics: Vec<_> =
            topics.map(|(name, topic)| topic.unmeasured_view(name.clone(), why)).collect();
        topics.sort_by(|one, other| one.topic.cmp(&other.topic));
        let groups = self.groups.iter().filter(|(_, group)| group.gone.0.is_none());
        let groups = groups.map(|(id, group)| group.unmeasured_view(id.clone(), why)).collect();
        Measurements { topics, groups, unmeasured: Vec::new() }
    }
}

/// What a group's view is made from besides the group.
struct Context<'a> {
    topics: &'a BTreeMap<TopicName, Measured<TopicObservation>>,
    memory: &'a HashMap<TopicName, Topic>,
    resolution: Millis,
    now: Timestamp,
}

impl Group {
    fn new() -> Self {
        Self { state: Err(Reason::NotYetRead), topics: BTreeMap::new(), gone: Gone::default() }
    }

    /// The group is gone: whoever comes by its name later starts anywhere.
    fn leave(&mut self) {
        self.state = Err(Reason::NoSuchGroup);
        self.topics.values_mut().for_each(|topic| topic.keep_commits(|_| false));
    }

    fn observe(
        &mut self,
        observed: &GroupObservation,
        topics: &HashMap<TopicName, Topic>,
        read: &BTreeMap<TopicName, Measured<TopicObservation>>,
        now: Timestamp,
    ) {
        let was_empty = self.state == Ok(GroupState::Empty);
        let is_empty = observed.state == Ok(GroupState::Empty);
        self.state = observed.state;
        let Ok(commits) = &observed.commits else { return };
        // Nobody consumes in a group without members: who moves its offsets skips records.
        let skips = was_empty && is_empty && !observed.is_simple;
        let incarnation = |name: &TopicName| topics.get(name).map_or(0, |topic| topic.incarnation);
        self.topics.retain(|name, memory| {
            if topics.contains_key(name) {
                memory.start_over(incarnation(name));
            }
            let is_told = commits.iter().any(|of_topic| of_topic.topic == *name);
            let is_there = is_told || hidden(read, name).is_some();
            if !is_there {
                memory.keep_commits(|_| false);
            }
            memory.gone.is_remembered(is_there, now)
        });
        for of_topic in commits {
            let topic = topics.get(&of_topic.topic);
            if !self.topics.contains_key(&of_topic.topic) {
                // Room for just these: there may be a few hundred thousand of them, and they rarely grow.
                let mut fresh = GroupTopic::new(incarnation(&of_topic.topic), now);
                fresh.partitions.reserve_exact(of_topic.partitions.len());
                self.topics.insert(of_topic.topic.clone(), fresh);
            }
            let Some(memory) = self.topics.get_mut(&of_topic.topic) else { continue };
            memory.keep_commits(|partition| {
                of_topic.partitions.binary_search_by_key(&partition, |(number, _)| *number).is_ok()
            });
            for (partition, committed) in &of_topic.partitions {
                let known = topic.and_then(|topic| topic.partitions.get(*partition as usize));
                if let Ok(committed) = committed {
                    let appeared = known.and_then(|known| known.appeared);
                    let index = memory.commit(*partition, *committed, appeared, skips, now);
                    // Read in the tick before, so before the commit: what is below it was not committed in time.
                    if let Some(log_start) = known.and_then(|known| known.log_start) {
                        memory.log_starts_at(index, log_start);
                    }
                }
            }
            memory.rate.push(now, memory.consumed_total);
        }
    }

    fn view(&mut self, id: GroupId, observed: GroupObservation, context: &Context<'_>) -> GroupView {
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
                    stuck.push(progress.stuck(Ok(lag), context.now));
                    still_since = Ok(Some(progress.still_since));
                    let known = topic.and_then(|topic| topic.partitions.get(partition as usize));
                    time_lag::measure(progress, known, context.resolution, context.now)
                }
                (Ok(_), None) => Err(Reason::NotYetRead),
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
            still_since: Err(Reason::NotYetWatched),
            latency: None,
            commits_total: Err(Reason::NotYetWatched),
            commit_interval: Err(Reason::NotYetWatched),
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
                latency: None,
                commits_total: Err(why),
                commit_interval: Err(why),
                partitions: Vec::new(),
            })
        };
        self.topics.iter().filter(|(_, memory)| memory.gone.0.is_none()).filter_map(view).collect()
    }

    fn unmeasured_view(&self, group: GroupId, why: Reason) -> GroupView {
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

/// Why a topic could not be read although it may be there: then a coordinator leaves it out of a group's commits,
/// and that it is not among them says nothing.
fn hidden(topics: &BTreeMap<TopicName, Measured<TopicObservation>>, topic: &TopicName) -> Option<Reason> {
    topics.get(topic)?.as_ref().err().copied().filter(|why| *why != Reason::NoSuchTopic)
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
