//! From what was read of a cluster to what is true of it: lag, time lag, rates, counters, stuck and lost.
//! Pure: time and observations come in. What was not read is unmeasured with its reason, never a number.

mod commit_interval;
mod commit_stream;
mod curve;
mod deadline;
mod group;
mod group_topic;
mod judging;
mod lag_history;
mod latency;
mod lookups;
mod membership;
mod rate;
mod rows;
mod targets;
mod time_index;
mod time_lag;
mod topic;
mod unmeasured;

use std::collections::{BTreeMap, HashMap};

use crate::model::{
    CommitSource, GroupId, GroupView, Judgement, Millis, Observation, Reason, Timestamp, TopicName,
    TopicView, Unmeasured,
};
use commit_stream::LogPosition;
use group::{Context, Group, Poll};
use targets::Targets;
pub use targets::{Deadline, LATENCY_BOUNDS};
use topic::Topic;

/// One cluster from tick to tick.
#[derive(Debug, Default)]
pub struct Measurement {
    topics: HashMap<TopicName, Topic>,
    groups: BTreeMap<GroupId, Group>,
    targets: Targets,
    commit_source: CommitSource,
    /// Since when the commit log was to be read and was not.
    commit_log_missed_since: Option<Timestamp>,
    /// By the number of its partition.
    commit_log: Vec<LogPosition>,
    /// What the time index is still to be asked in this tick.
    open: lookups::Open,
    time_lookups: u64,
    last_ends_at: Option<Timestamp>,
    resolution: Millis,
    /// What was saved of topics and groups that are no more is still to be removed.
    removed: Vec<rows::Removed>,
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
    /// What was judged in this tick: at most one for each group, partition, threshold and minute.
    pub judgements: Vec<Judgement>,
}

/// How long counters outlive what they count: what is made again under its name meanwhile goes on counting.
const REMEMBERED: Millis = Millis::from_seconds(3600);

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

/// A tick that comes so much later than the one before it leaves room for commits that nobody has polled.
const LATE_POLL: Millis = Millis::from_seconds(5);

impl Measurement {
    /// By which promises records are judged from the next tick on. One that goes away is forgotten; a new one judges
    /// what comes from then on.
    pub fn set_deadlines(&mut self, deadlines: Vec<Deadline>) {
        self.targets.set_deadlines(deadlines);
    }

    /// The bounds of the latency histograms, ascending; thresholds are added to them.
    pub fn set_latency_bounds(&mut self, bounds: Vec<Millis>) {
        self.targets.set_bounds(bounds);
    }

    /// Takes commits and ends, before log starts and the time index are asked.
    pub fn begin(&mut self, observation: &Observation) {
        let now = observation.ends_at;
        let last = self.last_ends_at.replace(now);
        let before = self.resolution;
        if let Some(last) = last {
            self.resolution = now.since(last);
        }
        let is_late = self.resolution > Millis(3 * before.0 + LATE_POLL.0) && before > Millis(0);
        let removed = &mut self.removed;
        self.topics.retain(|name, topic| {
            let observed = observation.topics.get(name);
            let is_there = observed.is_some_and(|topic| !matches!(topic, Err(Reason::NoSuchTopic)));
            let stays = topic.gone.is_remembered(is_there, now);
            if !stays {
                removed.push(rows::Removed::Topic(name.clone()));
            }
            stays
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
            let stays = group.gone.is_remembered(is_there, now);
            if !stays {
                removed.push(rows::Removed::Group(id.clone(), group.topics.keys().cloned().collect()));
            }
            stays
        });
        self.groups.values_mut().for_each(|group| group.start_over(&self.topics));
        self.take_commit_log(observation);
        let source = self.commit_source;
        let poll = Poll { topics: &self.topics, observation, source, last: last.filter(|_| !is_late) };
        for (id, observed) in &observation.groups {
            let group = self.groups.entry(id.clone()).or_insert_with(Group::new);
            let forgotten = group.observe(id, observed, &poll, &mut self.targets);
            if !forgotten.is_empty() {
                self.removed.push(rows::Removed::GroupTopics(id.clone(), forgotten));
            }
        }
        self.gather_questions(observation);
    }

    /// Takes the finished observation and says what is true of the cluster at `now`.
    pub fn finish(&mut self, observation: Observation, now: Timestamp) -> Measurements {
        let judgements = self.judge(&observation);
        let mut groups = Vec::with_capacity(observation.groups.len());
        for (id, observed) in observation.groups {
            let Some(group) = self.groups.get_mut(&id) else { continue };
            let context = Context {
                topics: &observation.topics,
                memory: &self.topics,
                resolution: self.resolution,
                now,
                source: self.commit_source,
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
        Measurements { topics, groups, unmeasured, judgements }
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
        Measurements { topics, groups, unmeasured: Vec::new(), judgements: Vec::new() }
    }
}

#[cfg(test)]
mod tests;
