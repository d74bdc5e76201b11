//! Takes what the commit log has told: members and commits, each entry once, in the order of the log.

use std::collections::{BTreeMap, HashMap};

use super::Measurement;
use super::group::Group;
use super::group_topic::{Commit, GroupTopic};
use super::targets::Targets;
use super::topic::Topic;
use crate::model::{
    CommitLogEntry, CommitLogEvent, CommitLogPartition, CommitSource, GroupId, Millis, Observation, Offset,
    Reason, SETTLING, Timestamp, TopicId, TopicName, commit_log_partition,
};

/// A log that was read before and has failed for no longer is waited for.
const MISSED: Millis = Millis::from_seconds(30);

/// Stretches that are kept apart; more are taken as one.
const MOST_GAPS: usize = 16;

/// How far one partition of the commit log was taken.
#[derive(Debug, Default)]
pub(super) struct LogPosition {
    /// Everything below was handed out.
    pub(super) taken_to: Offset,
    pub(super) complete_to: Option<Timestamp>,
    /// From which commits may be missing; ascending.
    pub(super) gaps: Vec<(Offset, Offset)>,
    /// As it was last saved: where reading would go on.
    pub(super) saved: Option<Offset>,
    /// Something was read of it in this process.
    pub(super) is_read: bool,
}

impl LogPosition {
    fn take(&mut self, read: &CommitLogPartition) {
        self.gaps.extend(&read.gaps);
        while self.gaps.len() > MOST_GAPS {
            let (_, to) = self.gaps.remove(1);
            self.gaps[0].1 = self.gaps[0].1.max(to);
        }
        if let Ok(position) = read.position {
            (self.taken_to, self.is_read) = (position, true);
        }
        self.complete_to = read.complete_to.ok().max(self.complete_to);
    }

    fn has_gap(&self, from: Offset, to: Offset) -> bool {
        self.gaps.iter().any(|gap| gap.0 < to && gap.1 > from)
    }
}

/// What taking an entry needs to know of the topics.
struct Topics<'a> {
    memory: &'a HashMap<TopicName, Topic>,
    targets: &'a mut Targets,
    now: Timestamp,
}

impl Measurement {
    /// Where commits come from now.
    #[must_use]
    pub fn commit_source(&self) -> CommitSource {
        self.commit_source
    }

    /// The completeness time of what is known of a group's commits, in broker time.
    pub(super) fn complete_to(&self, id: &GroupId, group: &Group) -> Option<Timestamp> {
        match self.commit_source {
            CommitSource::Polled => Some(group.polled_whole_at? - SETTLING),
            CommitSource::Log => {
                let partition = commit_log_partition(id.as_str(), self.commit_log.len());
                self.commit_log.get(partition)?.complete_to
            }
        }
    }

    /// Takes all that was read of the commit log in this cycle.
    pub(super) fn take_commit_log(&mut self, observation: &Observation) {
        let log = match &observation.commit_log {
            Ok(log) => log,
            Err(why) => return self.miss_commit_log(*why, observation.ends_at),
        };
        (self.commit_source, self.commit_log_missed_since) = (CommitSource::Log, None);
        self.commit_log.resize_with(log.partitions.len().max(self.commit_log.len()), LogPosition::default);
        let mut topics =
            Topics { memory: &self.topics, targets: &mut self.targets, now: observation.ends_at };
        for (number, read) in log.partitions.iter().enumerate() {
            if read.position.is_ok_and(|position| position < self.commit_log[number].taken_to) {
                // It was made again: its offsets say nothing of those before.
                for (_, group) in groups_of(&mut self.groups, number, log.partitions.len()) {
                    group.membership.forget_taken();
                    group.topics.values_mut().for_each(GroupTopic::forget_taken);
                }
                self.commit_log[number].gaps.clear();
            }
            self.commit_log[number].take(read);
            let position = &self.commit_log[number];
            // A group commits its partitions of a topic at a time: names are looked up once for all of them.
            for entries in read.entries.chunk_by(|one, next| subject(&one.event) == subject(&next.event)) {
                let (id, topic) = subject(&entries[0].event);
                if let Some(group) = self.groups.get_mut(id) {
                    group.take(topic, entries, position, &mut topics);
                } else if observation.groups.contains_key(id) {
                    let group = self.groups.entry(id.clone()).or_insert_with(Group::new);
                    group.take(topic, entries, position, &mut topics);
                }
            }
            if read.gaps_are_over {
                self.commit_log[number].gaps.clear();
            }
        }
    }
}

impl Measurement {
    /// The log was not read in this cycle. What fails for a moment is waited for: it will tell exactly what polls cannot.
    fn miss_commit_log(&mut self, why: Reason, now: Timestamp) {
        let since = *self.commit_log_missed_since.get_or_insert(now);
        let is_certain = matches!(why, Reason::NotAuthorized | Reason::NoSuchTopic);
        if is_certain || now.since(since) > MISSED {
            self.commit_source = CommitSource::Polled;
        }
    }
}

fn groups_of(
    groups: &mut BTreeMap<GroupId, Group>,
    number: usize,
    partitions: usize,
) -> impl Iterator<Item = (&GroupId, &mut Group)> {
    groups.iter_mut().filter(move |(id, _)| commit_log_partition(id.as_str(), partitions) == number)
}

/// Whom an entry is about: a group, or its commits of a topic.
fn subject(event: &CommitLogEvent) -> (&GroupId, Option<&TopicName>) {
    match event {
        CommitLogEvent::Committed { topic, .. } | CommitLogEvent::Uncommitted { topic, .. } => {
            (event.group(), Some(topic))
        }
        event => (event.group(), None),
    }
}

impl Group {
    /// Takes entries with one subject: the group, and `topic` if they are about its commits.
    fn take(
        &mut self,
        topic: Option<&TopicName>,
        entries: &[CommitLogEntry],
        log: &LogPosition,
        topics: &mut Topics<'_>,
    ) {
        let known = topic.and_then(|topic| topics.memory.get(topic));
        let mut of_topic = topic.and_then(|topic| self.topics.get_mut(topic));
        for entry in entries {
            match &entry.event {
                CommitLogEvent::Committed { group, topic, partition, offset, topic_id } => {
                    let Some(memory) = known.filter(|known| !is_of_another(*topic_id, known.id)) else {
                        continue;
                    };
                    if of_topic.is_none() {
                        let mut fresh = GroupTopic::new(memory.incarnation, topics.now);
                        fresh.retarget(topics.targets, group, topic);
                        of_topic = Some(self.topics.entry(topic.clone()).or_insert(fresh));
                    }
                    let Some(of_topic) = of_topic.as_deref_mut() else { continue };
                    let taken_to = of_topic.taken_to(*partition);
                    if entry.offset < taken_to {
                        continue;
                    }
                    of_topic.take(&Commit {
                        partition: *partition,
                        offset: *offset,
                        at: entry.at,
                        now: topics.now,
                        log_offset: Some(entry.offset),
                        appeared: memory.partitions.get(*partition as usize).and_then(|known| known.appeared),
                        skips: self.membership.skips(),
                        after_gap: log.has_gap(taken_to, entry.offset),
                    });
                }
                CommitLogEvent::Uncommitted { partition, .. } => {
                    if let Some(of_topic) = of_topic.as_deref_mut() {
                        of_topic.uncommitted(*partition, entry.at, entry.offset);
                    }
                }
                event => self.membership.take(entry.offset, event),
            }
        }
    }
}

/// Whether a commit was to a former topic of the same name.
fn is_of_another(committed: Option<TopicId>, known: Option<TopicId>) -> bool {
    committed.is_some_and(|committed| known.is_some_and(|known| known != committed))
}
