//! Time lag: the age of the oldest record that is not committed, and what the time index must be asked for it.

use std::collections::{BTreeMap, HashMap};

use super::curve::{Location, TimeCurve};
use super::group::Progress;
use super::topic::{PartitionMemory, Topic};
use super::{Group, Measurement};
use crate::model::{
    GroupId, GroupPartitionView, Measured, Millis, Observation, Offset, Partition, Reason, TimeAnswer,
    TimeQuestion, Timestamp, TopicConfigs, TopicName,
};

/// The offsets whose times this tick needs and nothing known tells.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    open: Vec<Open>,
    /// Partitions whose time index did not answer in this tick.
    pub(super) failed: BTreeMap<(TopicName, Partition), Reason>,
}

#[derive(Debug)]
struct Open {
    topic: TopicName,
    partition: Partition,
    offsets: Vec<Offset>,
    since: Timestamp,
}

/// Where a group stands in what is left of the log.
fn position(committed: Offset, memory: &PartitionMemory) -> Offset {
    committed.max(memory.log_start.unwrap_or(0))
}

/// Gathers the positions of all groups with lag, by partition. The longest open come first.
pub(super) fn wanted(
    topics: &mut HashMap<TopicName, Topic>,
    groups: &BTreeMap<GroupId, Group>,
    observation: &Observation,
) -> Wanted {
    let now = observation.ends_at;
    let mut by_partition = BTreeMap::<(&TopicName, Partition), Vec<Offset>>::new();
    for (id, group) in groups {
        if observation.groups.get(id).is_none_or(|group| group.commits.is_err()) {
            continue;
        }
        for (name, memory) in &group.topics {
            let Some(Ok(observed)) = observation.topics.get(name) else { continue };
            let Some(topic) = topics.get_mut(name) else { continue };
            for progress in memory.committed() {
                let index = progress.partition as usize;
                let Some(known) = topic.partitions.get_mut(index) else { continue };
                known.curve.get_or_insert_with(|| {
                    let mut curve = TimeCurve::default();
                    known.end.into_iter().for_each(|end| curve.polled(end, now));
                    Box::new(curve)
                });
                let Some(Ok(end)) = observed.partitions.get(index).map(|read| read.end) else { continue };
                let offset = position(progress.committed, known);
                let is_known = progress.located.is_some_and(|(located, _)| located == offset);
                if offset < end && !is_known {
                    by_partition.entry((name, progress.partition)).or_default().push(offset);
                }
            }
        }
    }
    let mut open: Vec<_> = by_partition
        .into_iter()
        .map(|((topic, partition), offsets)| {
            let memory = topics.get(topic).and_then(|topic| topic.partitions.get(partition as usize));
            let since = memory.and_then(|memory| memory.open_since).unwrap_or(now);
            Open { topic: topic.clone(), partition, offsets, since }
        })
        .collect();
    open.sort_by_key(|open| open.since);
    Wanted { open, failed: BTreeMap::new() }
}

impl Measurement {
    /// The next questions for the brokers' time index, at most `limit`, sorted by topic and partition and
    /// none for the same partition twice. Empty when nothing is open: then every position is located.
    pub fn questions(&mut self, limit: usize) -> Vec<TimeQuestion> {
        let (Some(now), resolution) = (self.last_ends_at, self.resolution) else { return Vec::new() };
        let mut questions = Vec::new();
        let topics = &mut self.topics;
        self.wanted.open.retain_mut(|open| {
            let memory = topics
                .get_mut(&open.topic)
                .and_then(|topic| topic.partitions.get_mut(open.partition as usize));
            let Some(memory) = memory else { return false };
            let asked = memory.curve.as_ref().and_then(|curve| {
                open.offsets
                    .retain(|offset| matches!(curve.locate(*offset, now, resolution), Location::Ask(_)));
                // The middle one halves what is open for the others.
                let offset = open.offsets.get(open.offsets.len() / 2)?;
                match curve.locate(*offset, now, resolution) {
                    Location::Ask(at) => Some(at),
                    Location::At(_) | Location::InFuture => None,
                }
            });
            let Some(at) = asked else {
                memory.open_since = None;
                return false;
            };
            memory.open_since = Some(open.since);
            if questions.len() < limit {
                let (topic, partition) = (open.topic.clone(), open.partition);
                questions.push(TimeQuestion { topic, partition, at });
            }
            true
        });
        questions.sort_unstable();
        questions
    }

    /// Takes the answers to `questions`, in their order.
    pub fn learn(&mut self, questions: &[TimeQuestion], answers: &[Measured<TimeAnswer>]) {
        let Some(now) = self.last_ends_at else { return };
        self.time_lookups += questions.len() as u64;
        for (question, answer) in questions.iter().zip(answers) {
            let memory = self
                .topics
                .get_mut(&question.topic)
                .and_then(|topic| topic.partitions.get_mut(question.partition as usize));
            let Some(memory) = memory else { continue };
            match (answer, &mut memory.curve, memory.end) {
                (Ok(answer), Some(curve), Some(end)) => curve.learn(question.at, *answer, end, now),
                (Err(why), _, _) => {
                    let partition = (question.topic.clone(), question.partition);
                    self.wanted
                        .open
                        .retain(|open| (&open.topic, open.partition) != (&partition.0, partition.1));
                    self.wanted.failed.insert(partition, *why);
                }
                _ => {}
            }
        }
    }

    /// How many questions were asked, in all.
    #[must_use]
    pub fn time_lookups(&self) -> u64 {
        self.time_lookups
    }

    /// The age of the oldest question that is still open at `now`; zero when none is.
    #[must_use]
    pub fn time_lookup_backlog(&self, now: Timestamp) -> Millis {
        self.wanted.open.iter().map(|open| now.since(open.since)).max().unwrap_or_default()
    }
}

/// The age at `now` of the record at the group's position, as far as it is known.
pub(super) fn measure(
    progress: &mut Progress,
    memory: Option<&PartitionMemory>,
    resolution: Millis,
    now: Timestamp,
    failed: Option<Reason>,
) -> Measured<Millis> {
    let memory = memory.ok_or(Reason::NotYetRead)?;
    let offset = position(progress.committed, memory);
    if let Some((located, time)) = progress.located
        && located == offset
    {
        return Ok(now.since(time));
    }
    let curve = memory.curve.as_ref().ok_or(Reason::NotYetRead)?;
    match curve.locate(offset, now, resolution) {
        Location::At(time) => {
            progress.located = Some((offset, time));
            Ok(now.since(time))
        }
        Location::Ask(_) => Err(failed.unwrap_or(Reason::NotYetLocated)),
        Location::InFuture => Err(Reason::TimestampInFuture),
    }
}

/// How long until a record at a group's position is old enough to be deleted, the first over `partitions`.
/// A segment goes as a whole once its newest record is that old, so records live this long at least.
/// `None` when nothing waits, or when records are kept for ever.
pub(super) fn retention_eta(
    configs: &TopicConfigs,
    partitions: &[GroupPartitionView],
) -> Measured<Option<Millis>> {
    if !configs.deletes || (configs.retention.is_none() && !configs.retention_by_size) {
        return Ok(None);
    }
    let mut first = None;
    for partition in partitions {
        if partition.lag? == 0 {
            continue;
        }
        let age = partition.time_lag?;
        let Some(retention) = configs.retention.filter(|_| !configs.retention_by_size) else {
            return Err(Reason::RetentionBySize);
        };
        let left = Millis(retention.0.saturating_sub(age.0));
        first = Some(first.map_or(left, |first: Millis| first.min(left)));
    }
    Ok(first)
}

/// After a tick: forgets what is known of records that every group has passed.
pub(super) fn forget(
    topics: &mut HashMap<TopicName, Topic>,
    groups: &BTreeMap<GroupId, Group>,
    now: Timestamp,
) {
    let mut lowest = HashMap::<(&TopicName, Partition), Offset>::new();
    for (name, memory) in groups.values().flat_map(|group| &group.topics) {
        for progress in memory.committed() {
            let lowest = lowest.entry((name, progress.partition)).or_insert(Offset::MAX);
            *lowest = (*lowest).min(progress.committed);
        }
    }
    for (name, topic) in topics {
        for (partition, memory) in (0..).zip(&mut topic.partitions) {
            let Some(curve) = &mut memory.curve else { continue };
            match lowest.get(&(name, partition)) {
                Some(lowest) => curve.forget((*lowest).max(memory.log_start.unwrap_or(0)), now),
                None => memory.curve = None,
            }
        }
    }
}
