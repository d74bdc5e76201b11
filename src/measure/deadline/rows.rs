//! What is saved of a partition's deadlines: how far it is judged, and what of it is not yet counted for good.

use super::{Deadlines, Threshold};
use crate::model::{Damaged, Millis, Offset, Reader, Timestamp, Writer};

/// What events that wait have added to counters.
#[derive(Debug, Default)]
pub(in crate::measure) struct NotYetCounted {
    pub(in crate::measure) consumed: u64,
    pub(in crate::measure) commits: u64,
}

impl Deadlines {
    /// Where in the commit log the oldest commit is that waits.
    pub(in crate::measure) fn waits_from(&self) -> Option<Offset> {
        self.waiting.iter().find_map(|event| event.log_offset)
    }

    /// What will be counted again when the commit log is read again from what waits.
    pub(in crate::measure) fn not_yet_counted(&self) -> NotYetCounted {
        let mut sum = NotYetCounted::default();
        for event in &self.waiting {
            sum.consumed += event.offset - event.first;
            sum.commits += u64::from(event.log_offset.is_some() && event.is_commit());
        }
        sum
    }

    pub(in crate::measure) fn write(&self, writer: &mut Writer) {
        writer.signed(self.expired_to.map_or(i64::MIN, |expired_to| expired_to.0));
        writer.number(self.thresholds.len() as u64);
        for threshold in &self.thresholds {
            writer.number(threshold.within.0).number(threshold.judged.map_or(0, |judged| judged + 1));
        }
        writer.number(self.given_up.len() as u64);
        for (within, records) in &self.given_up {
            writer.number(within.0).number(*records);
        }
    }

    pub(in crate::measure) fn restored(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let expired_to = Some(reader.signed()?).filter(|at| *at != i64::MIN).map(Timestamp);
        let mut thresholds = Vec::new();
        for _ in 0..reader.count()? {
            let (within, judged) = (Millis(reader.number()?), reader.number()?.checked_sub(1));
            thresholds.push(Threshold { within, judged });
        }
        let mut given_up = Vec::new();
        for _ in 0..reader.count()? {
            given_up.push((Millis(reader.number()?), reader.number()?));
        }
        Ok(Self { thresholds, expired_to, given_up, ..Self::default() })
    }
}
