//! One topic from tick to tick: what was appended, and what is known of its records' times.

use super::Gone;
use super::rate::RateWindow;
use super::time_lag::RecordTimes;
use crate::model::{
    Damaged, Measured, Offset, PartitionObservation, Reader, Reason, Timestamp, TopicId, TopicName,
    TopicObservation, TopicView, Writer,
};

/// What is remembered of one topic.
#[derive(Debug, Default)]
pub(super) struct Topic {
    pub(super) id: Option<TopicId>,
    /// Counts how often the topic was made again under its name.
    pub(super) incarnation: u32,
    appended_total: u64,
    rate: RateWindow,
    pub(super) partitions: Vec<PartitionMemory>,
    watched: bool,
    pub(super) gone: Gone,
    /// Something that outlives the process has changed since it was last saved.
    is_changed: bool,
}

/// What is remembered of one partition.
#[derive(Debug, Default)]
pub(super) struct PartitionMemory {
    /// When it was first seen, if it came to be, empty, while its topic was watched.
    pub(super) appeared: Option<Timestamp>,
    pub(super) end: Option<Offset>,
    pub(super) log_start: Option<Offset>,
    /// Made when a group first has a commit there: nobody else asks for its records' times.
    pub(super) times: Option<Box<RecordTimes>>,
}

impl Topic {
    /// Takes the ends of one cycle.
    pub(super) fn observe(&mut self, observed: &TopicObservation, ends_at: Timestamp) {
        if let Ok(id) = observed.id {
            if self.id.is_some_and(|known| known != id) {
                self.incarnation += 1;
                self.partitions.clear();
            }
            self.is_changed |= self.id != Some(id);
            self.id = Some(id);
        }
        let is_new = !std::mem::replace(&mut self.watched, true);
        self.partitions.reserve_exact(observed.partitions.len().saturating_sub(self.partitions.len()));
        for (index, partition) in observed.partitions.iter().enumerate() {
            if index == self.partitions.len() {
                // A partition that joins a watched topic starts empty: all it holds was appended since.
                let (appeared, end) = if is_new { (None, None) } else { (Some(ends_at), Some(0)) };
                self.partitions.push(PartitionMemory { appeared, end, ..PartitionMemory::default() });
            }
            let Ok(end) = partition.end else { continue };
            let memory = &mut self.partitions[index];
            if let Some(before) = memory.end {
                // A log that was cut has appended nothing that can be told.
                self.appended_total += end.saturating_sub(before);
                if end < before {
                    memory.times = None;
                }
            }
            self.is_changed |= memory.end != Some(end);
            memory.end = Some(end);
            if let Some(times) = &mut memory.times {
                times.curve.polled(end, ends_at);
            }
        }
        self.partitions.truncate(observed.partitions.len());
        self.rate.push(ends_at, self.appended_total);
    }

    /// The topic as published; `observed` moves into the view.
    pub(super) fn view(&mut self, topic: TopicName, observed: TopicObservation) -> TopicView {
        for (memory, partition) in self.partitions.iter_mut().zip(&observed.partitions) {
            memory.log_start = partition.log_start.ok().or(memory.log_start);
        }
        TopicView {
            topic,
            id: observed.id,
            configs: observed.configs,
            appended_total: self.appended_total,
            // What was appended to a partition that cannot be read is not in the rate: then it is no rate of the topic.
            appended_per_second: observed
                .partitions
                .iter()
                .try_for_each(|partition| partition.end.map(drop))
                .and_then(|()| self.rate.per_second()),
            partitions: observed.partitions,
        }
    }

    /// What to save; `None` when it is saved.
    pub(super) fn changed(&mut self) -> Option<Vec<u8>> {
        if !std::mem::take(&mut self.is_changed) {
            return None;
        }
        let mut writer = Writer::default();
        writer.flag(self.id.is_some());
        if let Some(TopicId(id)) = self.id {
            writer.number((id >> 64) as u64).number(id as u64);
        }
        writer.number(self.appended_total).number(self.partitions.len() as u64);
        for partition in &self.partitions {
            writer.number(partition.end.map_or(0, |end| end + 1));
        }
        Some(writer.into_bytes())
    }

    /// As it was saved.
    pub(super) fn restored(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let id = if reader.flag()? {
            Some(TopicId(u128::from(reader.number()?) << 64 | u128::from(reader.number()?)))
        } else {
            None
        };
        let appended_total = reader.number()?;
        let partition = |end: u64| PartitionMemory { end: end.checked_sub(1), ..PartitionMemory::default() };
        let partitions = (0..reader.count()?).map(|_| reader.number().map(partition));
        let partitions = partitions.collect::<Result<_, _>>()?;
        Ok(Self { id, appended_total, partitions, watched: true, ..Self::default() })
    }

    /// What stays true of a topic that cannot be read: its counters.
    pub(super) fn unmeasured_view(&self, topic: TopicName, why: Reason) -> TopicView {
        TopicView {
            topic,
            id: Err(why),
            configs: Err(why),
            appended_total: self.appended_total,
            appended_per_second: Err(why),
            partitions: Vec::new(),
        }
    }
}

/// Lag of one partition: end − max(committed, log start), in records.
pub(super) fn lag(committed: Measured<Offset>, partition: Option<&PartitionObservation>) -> Measured<u64> {
    let partition = partition.ok_or(Reason::NoSuchTopic)?;
    let (committed, end, log_start) = (committed?, partition.end?, partition.log_start?);
    // Commits are read before ends, so this is no race: the log is another one than was committed to.
    if committed > end {
        return Err(Reason::CommitBeyondEnd);
    }
    // Log starts are read last: what lies below them was deleted, up to and beyond the end as it was then.
    Ok(end.saturating_sub(committed.max(log_start)))
}
