//! What is saved of a group's topic: its counters and how far each partition is judged, as of what waits no more.

use std::sync::Arc;

use super::super::deadline::Deadlines;
use super::{GroupTopic, Progress};
use crate::model::{Damaged, LatencyHistogram, Millis, Offset, Partition, Reader, Timestamp, Writer};

/// Of the layout below.
const VERSION: u64 = 1;

impl GroupTopic {
    /// Where in the commit log the oldest commit is that waits.
    pub(in crate::measure) fn waits_from(&self) -> Option<Offset> {
        self.partitions.iter().filter_map(|progress| progress.deadlines.as_ref()?.waits_from()).min()
    }

    /// What to save. Counters leave out what waits: it is counted again when the log is read again.
    pub(in crate::measure) fn to_bytes(&self) -> Vec<u8> {
        let (mut consumed, mut commits) = (self.consumed_total, self.commits_total);
        for deadlines in self.partitions.iter().filter_map(|progress| progress.deadlines.as_ref()) {
            let waiting = deadlines.not_yet_counted();
            consumed = consumed.saturating_sub(waiting.consumed);
            commits = commits.saturating_sub(waiting.commits);
        }
        let mut writer = Writer::default();
        writer.number(VERSION).number(consumed).number(self.lost_total).number(commits);
        write_histogram(&mut writer, self.latency.as_deref());
        writer.number(self.partitions.len() as u64);
        self.partitions.iter().for_each(|progress| progress.write(&mut writer));
        writer.into_bytes()
    }

    /// As it was saved.
    pub(in crate::measure) fn restored(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut restored = Self::new(0, Timestamp(0));
        if reader.number()? != VERSION {
            return Err(Damaged);
        }
        restored.consumed_total = reader.number()?;
        restored.lost_total = reader.number()?;
        restored.commits_total = reader.number()?;
        restored.latency = read_histogram(reader)?.map(Arc::new);
        let partitions = (0..reader.count()?).map(|_| Progress::restored(reader));
        restored.partitions = partitions.collect::<Result<_, _>>()?;
        if !restored.partitions.is_sorted_by(|one, other| one.partition < other.partition) {
            return Err(Damaged);
        }
        restored.is_changed = false;
        Ok(restored)
    }
}

fn write_histogram(writer: &mut Writer, histogram: Option<&LatencyHistogram>) {
    let Some(histogram) = histogram else {
        writer.number(0);
        return;
    };
    writer.number(histogram.counts.len() as u64);
    for number in
        histogram.bounds.iter().map(|bound| &bound.0).chain(&histogram.counts).chain(&histogram.estimated)
    {
        writer.number(*number);
    }
}

fn read_histogram(reader: &mut Reader<'_>) -> Result<Option<LatencyHistogram>, Damaged> {
    let Some(bounds) = reader.count()?.checked_sub(1) else { return Ok(None) };
    let mut numbers = |count: usize| (0..count).map(|_| reader.number()).collect::<Result<Vec<_>, _>>();
    let bounds: Arc<[Millis]> = numbers(bounds)?.into_iter().map(Millis).collect();
    let (counts, estimated) = (numbers(bounds.len() + 1)?, numbers(bounds.len())?);
    let is_ascending = bounds.is_sorted_by(|one, other| one < other);
    if is_ascending { Ok(Some(LatencyHistogram { bounds, counts, estimated })) } else { Err(Damaged) }
}

impl Progress {
    fn write(&self, writer: &mut Writer) {
        let front = self.deadlines.as_ref().and_then(|deadlines| deadlines.waiting.front());
        // What waits is read again: it is as if it had not been taken.
        let counted_to = front.map_or(self.counted_to, |event| event.counted_from);
        let waits_from = self.deadlines.as_ref().and_then(|deadlines| deadlines.waits_from());
        let taken_to = waits_from.map_or(self.taken_to, |waits_from| waits_from.min(self.taken_to));
        let polled = front.filter(|event| event.log_offset.is_none());
        let committed = polled.map_or(self.committed, |event| event.counted_from);
        let is_there = front.map_or(self.is_there, |event| event.was_there);
        writer.number(u64::from(self.partition)).number(committed).number(counted_to).number(taken_to);
        writer.number(self.lost.0).number(self.lost.1).flag(is_there).flag(self.is_stale);
        // Without lag it may have had something to do since: then that begins when it is seen again.
        let still_since = self.still_since.filter(|_| self.has_lag);
        writer.flag(still_since.is_some());
        if let Some(still_since) = still_since {
            writer.signed(still_since.0);
        }
        match self.deadlines.as_ref().filter(|deadlines| !deadlines.thresholds.is_empty()) {
            Some(deadlines) => {
                writer.number(1);
                deadlines.write(writer);
            }
            None => {
                writer.number(0);
            }
        }
    }

    fn restored(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let partition = Partition::try_from(reader.number()?).map_err(|_| Damaged)?;
        let mut restored = Self::new(partition, reader.number()?, Timestamp(0));
        restored.counted_to = reader.number()?;
        restored.taken_to = reader.number()?;
        restored.lost = (reader.number()?, reader.number()?);
        (restored.is_there, restored.is_stale) = (reader.flag()?, reader.flag()?);
        restored.has_lag = reader.flag()?;
        restored.has_moved = restored.has_lag;
        restored.still_since = if restored.has_lag { Some(Timestamp(reader.signed()?)) } else { None };
        if reader.flag()? {
            restored.deadlines = Some(Box::new(Deadlines::restored(reader)?));
        }
        restored.is_restored = true;
        Ok(restored)
    }
}
