//! One consumer group from tick to tick: whose topics it consumes, and what was polled of its commits.
//! What is published of it is made in `view`.

mod view;

use std::collections::{BTreeMap, HashMap, HashSet};

pub(super) use view::Context;

use super::Gone;
use super::group_topic::{Commit, GroupTopic};
use super::membership::Membership;
use super::targets::Targets;
use super::topic::Topic;
use crate::model::{
    CommitSource, GroupId, GroupObservation, GroupState, Measured, Observation, Reason, Timestamp, TopicName,
    TopicObservation,
};

/// What is remembered of one group.
#[derive(Debug)]
pub(super) struct Group {
    state: Measured<GroupState>,
    /// Also those without commits, until they are forgotten: nothing is published of them.
    pub(super) topics: BTreeMap<TopicName, GroupTopic>,
    pub(super) membership: Membership,
    pub(super) gone: Gone,
    /// When its commits were last polled.
    polled_at: Option<Timestamp>,
    /// When the last poll told every one of them.
    pub(super) polled_whole_at: Option<Timestamp>,
}

/// What a poll is read against.
pub(super) struct Poll<'a> {
    pub(super) topics: &'a HashMap<TopicName, Topic>,
    pub(super) observation: &'a Observation,
    pub(super) source: CommitSource,
    /// The last poll of the cluster; commits of a group that was not polled then may be missing.
    pub(super) last: Option<Timestamp>,
}

impl Group {
    pub(super) fn new() -> Self {
        Self {
            state: Err(Reason::NotYetRead),
            topics: BTreeMap::new(),
            membership: Membership::default(),
            gone: Gone::default(),
            polled_at: None,
            polled_whole_at: None,
        }
    }

    /// The group is gone: whoever comes by its name later starts anywhere.
    pub(super) fn leave(&mut self) {
        self.state = Err(Reason::NoSuchGroup);
        self.topics.values_mut().for_each(|topic| topic.keep_commits(|_| false));
    }

    /// Offsets of topics that were made again start anew.
    pub(super) fn start_over(&mut self, topics: &HashMap<TopicName, Topic>) {
        for (name, memory) in &mut self.topics {
            if let Some(topic) = topics.get(name) {
                let log_start = |partition| {
                    topic.partitions.get(partition as usize).and_then(|known| known.log_start).unwrap_or(0)
                };
                memory.start_over(topic.incarnation, log_start);
            }
        }
    }

    /// Takes what the brokers tell of the group in this tick. Gives the topics that are forgotten now.
    pub(super) fn observe(
        &mut self,
        id: &GroupId,
        observed: &GroupObservation,
        poll: &Poll<'_>,
        targets: &mut Targets,
    ) -> Vec<TopicName> {
        let (topics, now) = (poll.topics, poll.observation.ends_at);
        let was_empty = self.state == Ok(GroupState::Empty);
        let is_empty = observed.state == Ok(GroupState::Empty);
        self.state = observed.state;
        self.membership.observe(observed, now);
        let Ok(commits) = &observed.commits else { return Vec::new() };
        let was_polled = self.polled_at.replace(now);
        if commits.iter().flat_map(|of_topic| &of_topic.partitions).all(|(_, committed)| committed.is_ok()) {
            self.polled_whole_at = Some(now);
        }
        // Nobody consumes in a group without members: who moves its offsets skips records.
        let skips = was_empty && is_empty && !observed.is_simple;
        let after_gap = was_polled.is_some() && was_polled != poll.last;
        let incarnation = |name: &TopicName| topics.get(name).map_or(0, |topic| topic.incarnation);
        let mut forgotten = Vec::new();
        let told: HashSet<&TopicName> = commits.iter().map(|of_topic| &of_topic.topic).collect();
        self.topics.retain(|name, memory| {
            let is_there = told.contains(name) || hidden(&poll.observation.topics, name).is_some();
            if !is_there {
                memory.keep_commits(|_| false);
            }
            let stays = memory.gone.is_remembered(is_there, now);
            if !stays {
                forgotten.push(name.clone());
            }
            stays
        });
        for of_topic in commits {
            let topic = topics.get(&of_topic.topic);
            if !self.topics.contains_key(&of_topic.topic) {
                // Room for just these: there may be a few hundred thousand of them, and they rarely grow.
                let mut fresh = GroupTopic::new(incarnation(&of_topic.topic), now);
                fresh.partitions.reserve_exact(of_topic.partitions.len());
                fresh.retarget(targets, id, &of_topic.topic);
                self.topics.insert(of_topic.topic.clone(), fresh);
            }
            let Some(memory) = self.topics.get_mut(&of_topic.topic) else { continue };
            memory.keep_commits(|partition| {
                of_topic.partitions.binary_search_by_key(&partition, |(number, _)| *number).is_ok()
            });
            for (partition, committed) in &of_topic.partitions {
                let known = topic.and_then(|topic| topic.partitions.get(*partition as usize));
                if let Ok(committed) = committed {
                    let commit = Commit {
                        partition: *partition,
                        offset: *committed,
                        at: now,
                        now,
                        log_offset: None,
                        appeared: known.and_then(|known| known.appeared),
                        skips,
                        after_gap,
                    };
                    let index = match poll.source {
                        CommitSource::Polled => memory.poll(&commit),
                        CommitSource::Log => memory.see(&commit).0,
                    };
                    // Read in the tick before, so before the commit: what is below it was not committed in time.
                    if let Some(log_start) = known.and_then(|known| known.log_start) {
                        memory.log_starts_at(index, log_start);
                    }
                }
            }
            memory.rate.push(now, memory.consumed_total);
        }
        forgotten
    }
}

/// Why a topic could not be read although it may be there: then a coordinator leaves it out of a group's commits,
/// and that it is not among them says nothing.
fn hidden(topics: &BTreeMap<TopicName, Measured<TopicObservation>>, topic: &TopicName) -> Option<Reason> {
    topics.get(topic)?.as_ref().err().copied().filter(|why| *why != Reason::NoSuchTopic)
}
