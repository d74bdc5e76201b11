//! The median time between commits that moved a partition, over the last hour. Bounded: of a busy group it keeps an
//! even sample.

use std::collections::VecDeque;

use crate::model::{Measured, Millis, Reason, Timestamp};

const SLOT: Millis = Millis::from_seconds(300);
const SLOTS: usize = 12;
const MOST_OF_A_SLOT: usize = 16;

/// Five minutes each.
#[derive(Debug, Default)]
pub(super) struct CommitIntervals {
    slots: VecDeque<Slot>,
}

#[derive(Debug)]
struct Slot {
    from: Timestamp,
    /// Every so many intervals are kept.
    stride: u32,
    seen: u32,
    kept: Vec<u32>,
}

impl CommitIntervals {
    /// A commit at `at`, broker time, came so long after the one before it.
    pub(super) fn push(&mut self, at: Timestamp, interval: Millis) {
        let is_over =
            self.slots.back().is_none_or(|slot| at.since(slot.from) >= SLOT || at + SLOT < slot.from);
        if is_over {
            self.slots.push_back(Slot { from: at, stride: 1, seen: 0, kept: Vec::new() });
            while self.slots.len() > SLOTS {
                self.slots.pop_front();
            }
        }
        if let Some(slot) = self.slots.back_mut() {
            slot.push(u32::try_from(interval.0).unwrap_or(u32::MAX));
        }
    }

    /// The median at `now`; unmeasured until two commits have moved a partition.
    pub(super) fn median(&self, now: Timestamp) -> Measured<Millis> {
        let hour = Millis(SLOT.0 * SLOTS as u64);
        let recent = self.slots.iter().filter(|slot| now.since(slot.from) < hour);
        let mut all: Vec<(u32, u64)> = Vec::new();
        for slot in recent {
            all.extend(slot.kept.iter().map(|interval| (*interval, u64::from(slot.stride))));
        }
        all.sort_unstable();
        let half = all.iter().map(|(_, weight)| weight).sum::<u64>().div_ceil(2);
        let mut passed = 0;
        let median = all.iter().find(|(_, weight)| {
            passed += weight;
            passed >= half
        });
        median.map(|(interval, _)| Millis(u64::from(*interval))).ok_or(Reason::NotYetWatched)
    }
}

impl Slot {
    fn push(&mut self, interval: u32) {
        self.seen = self.seen.wrapping_add(1);
        if !self.seen.is_multiple_of(self.stride) {
            return;
        }
        if self.kept.len() == MOST_OF_A_SLOT {
            let mut at = 0;
            self.kept.retain(|_| {
                at += 1;
                at % 2 == 0
            });
            self.stride = self.stride.saturating_mul(2);
        }
        self.kept.push(interval);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_the_last_hour() {
        let check = |intervals: &[(i64, u64)], at: i64, expected: Measured<Millis>| {
            let mut of_group = CommitIntervals::default();
            intervals
                .iter()
                .for_each(|(second, millis)| of_group.push(Timestamp(second * 1000), Millis(*millis)));
            assert_eq!(of_group.median(Timestamp(at * 1000)), expected, "{intervals:?} at {at}");
        };
        check(&[], 0, Err(Reason::NotYetWatched));
        check(&[(0, 100), (1, 900), (2, 200)], 3, Ok(Millis(200)));
        check(&[(0, 100), (1, 900)], 3, Ok(Millis(100)));
        check(&[(0, 100)], 3600, Err(Reason::NotYetWatched));
        // A slow five minutes weigh as little as they have commits.
        let busy = (0..1000).map(|second| (second / 4, 250));
        let slow = (0..10).map(|second| (300 + second * 30, 30_000));
        check(&busy.chain(slow).collect::<Vec<_>>(), 700, Ok(Millis(250)));
    }
}
