//! Time lag: the age of the oldest record that is not committed, and what the time index must be asked for it.

use std::collections::{BTreeMap, HashMap};

use super::curve::{Location, TimeCurve};
use super::group::Group;
use super::group_topic::Progress;
use super::time_index::TimeIndex;
use super::topic::{PartitionMemory, Topic};
use crate::model::{
    GroupId, GroupPartitionView, Measured, Millis, Observation, Offset, Partition, Reason, Timestamp,
    TopicConfigs, TopicName,
};

/// Answers kept per partition while something is judged there, and while nothing is.
const ANSWERS: usize = 512;
const SPARE_ANSWERS: usize = 4;

/// What groups need to know of the times of one partition's records.
#[derive(Debug, Default)]
pub(super) struct RecordTimes {
    pub(super) curve: TimeCurve,
    /// What the time index has answered, for what is counted.
    pub(super) index: TimeIndex,
    /// From which time on judging still needs its answers.
    pub(super) needed_from: Option<Timestamp>,
    /// Since when judging waits for an answer.
    pub(super) judging_since: Option<Timestamp>,
    /// How many questions this tick has asked.
    pub(super) asked: u32,
    /// The last of them: who would ask it again learns nothing more in this tick.
    pub(super) last_asked: Option<Timestamp>,
    /// The offsets whose times this tick needs and nothing known tells.
    wanted: Vec<Offset>,
    /// Since when a question waits for its answer.
    pub(super) open_since: Option<Timestamp>,
    /// Why the time index did not answer in this tick.
    pub(super) failed: Option<Reason>,
    /// The lowest committed offset of this tick; nobody needs the times of records below it.
    lowest: Offset,
}

/// A partition with a question that is open in this tick.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) topic: TopicName,
    pub(super) partition: Partition,
    pub(super) since: Timestamp,
}

/// Where a group stands in what is left of the log.
fn position(committed: Offset, log_start: Option<Offset>) -> Offset {
    committed.max(log_start.unwrap_or(0))
}

/// Gathers the positions of all groups with lag, by partition. The longest open come first.
pub(super) fn wanted(
    topics: &mut HashMap<TopicName, Topic>,
    groups: &BTreeMap<GroupId, Group>,
    observation: &Observation,
) -> Vec<Open> {
    let now = observation.ends_at;
    let all_times = topics.values_mut().flat_map(|topic| &mut topic.partitions);
    for times in all_times.filter_map(|partition| partition.times.as_mut()) {
        times.wanted.clear();
        times.last_asked = None;
        (times.failed, times.lowest, times.asked) = (None, Offset::MAX, 0);
    }
    for (id, group) in groups {
        let is_read = observation.groups.get(id).is_some_and(|group| group.commits.is_ok());
        for (name, memory) in group.topics.iter().filter(|_| is_read) {
            let Some(Ok(observed)) = observation.topics.get(name) else { continue };
            let Some(topic) = topics.get_mut(name) else { continue };
            for progress in memory.committed() {
                let index = progress.partition as usize;
                let Some(known) = topic.partitions.get_mut(index) else { continue };
                let offset = position(progress.committed, known.log_start);
                let times = known.times.get_or_insert_with(|| Box::new(RecordTimes::new(known.end, now)));
                times.lowest = times.lowest.min(offset);
                let Some(Ok(end)) = observed.partitions.get(index).map(|read| read.end) else { continue };
                let is_known = progress.located.is_some_and(|(located, _)| located == offset);
                if offset < end && !is_known {
                    times.wanted.push(offset);
                }
            }
        }
    }
    let mut open = Vec::new();
    for (name, topic) in topics {
        for (partition, memory) in (0..).zip(&topic.partitions) {
            let Some(times) = memory.times.as_ref().filter(|times| !times.wanted.is_empty()) else {
                continue;
            };
            let since = times.open_since.unwrap_or(now);
            open.push(Open { topic: name.clone(), partition, since });
        }
    }
    open.sort_by_key(|open| open.since);
    open
}

impl RecordTimes {
    pub(super) fn new(end: Option<Offset>, now: Timestamp) -> Self {
        let mut times = Self { lowest: Offset::MAX, ..Self::default() };
        end.into_iter().for_each(|end| times.curve.polled(end, now));
        times
    }

    /// The next question, if one is open.
    pub(super) fn question(&mut self, now: Timestamp, resolution: Millis) -> Option<Timestamp> {
        let Self { curve, wanted, .. } = self;
        wanted.retain(|offset| matches!(curve.locate(*offset, now, resolution), Location::Ask(_)));
        // The middle one halves what is open for the others.
        let offset = wanted.get(wanted.len() / 2)?;
        match curve.locate(*offset, now, resolution) {
            Location::Ask(at) => Some(at),
            Location::At(_) | Location::InFuture => None,
        }
    }
}

/// The age at `now` of the record at the group's position, as far as it is known.
pub(super) fn measure(
    progress: &mut Progress,
    memory: Option<&PartitionMemory>,
    resolution: Millis,
    now: Timestamp,
) -> Measured<Millis> {
    let memory = memory.ok_or(Reason::NotYetRead)?;
    let offset = position(progress.committed, memory.log_start);
    if let Some((located, time)) = progress.located
        && located == offset
    {
        return Ok(now.since(time));
    }
    let times = memory.times.as_ref().ok_or(Reason::NotYetRead)?;
    match times.curve.locate(offset, now, resolution) {
        Location::At(time) => {
            progress.located = Some((offset, time));
            Ok(now.since(time))
        }
        Location::Ask(_) => Err(times.failed.unwrap_or(Reason::NotYetLocated)),
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
pub(super) fn forget(topics: &mut HashMap<TopicName, Topic>, now: Timestamp) {
    for memory in topics.values_mut().flat_map(|topic| &mut topic.partitions) {
        match &mut memory.times {
            // No group has a commit there any more.
            Some(times) if times.lowest == Offset::MAX && times.needed_from.is_none() => memory.times = None,
            Some(times) => {
                times.wanted = Vec::new();
                times.curve.forget(times.lowest, now);
                match times.needed_from.take() {
                    Some(before) => times.index.forget(before, ANSWERS),
                    None => times.index.forget(now, SPARE_ANSWERS),
                }
            }
            None => {}
        }
    }
}
