//! One group's consumption of one topic from tick to tick: what was consumed, what was lost, whether it moves.

use std::collections::VecDeque;

use super::rate::RateWindow;
use crate::model::{Measured, Millis, Offset, Partition, Reason, Timestamp};

/// Lag without progress for longer than this is stuck; the look-back of "not decreasing".
const WINDOW: Millis = Millis::from_seconds(300);
const LAG_SPACING: Millis = Millis::from_seconds(15);

/// What is remembered of one group and topic.
#[derive(Debug, Default)]
pub(super) struct GroupTopic {
    /// Of the topic that the offsets belong to.
    pub(super) incarnation: u32,
    /// By partition number, ascending.
    pub(super) partitions: Vec<Progress>,
    pub(super) consumed_total: u64,
    pub(super) lost_total: u64,
    pub(super) rate: RateWindow,
    pub(super) lag_history: LagHistory,
}

/// What is remembered of one partition of one group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    pub(super) partition: Partition,
    pub(super) committed: Offset,
    /// Everything below was consumed, skipped by an operator, or lost: it is counted already.
    counted_to: Offset,
    /// The time of the record at an offset, once it was found out.
    pub(super) located: Option<(Offset, Timestamp)>,
    /// The last moment at which the partition moved or had no lag; at first, since when it is watched.
    still_since: Timestamp,
    has_moved: bool,
}

impl Progress {
    fn new(partition: Partition, committed: Offset, now: Timestamp) -> Self {
        Self {
            partition,
            committed,
            counted_to: committed,
            located: None,
            still_since: now,
            has_moved: false,
        }
    }

    /// Lag above 0 and no progress for longer than the window; unknown until that can be told.
    pub(super) fn stuck(&self, lag: Measured<u64>, now: Timestamp) -> Measured<bool> {
        let still = now.since(self.still_since);
        match lag? {
            0 => Ok(false),
            _ if still > WINDOW => Ok(true),
            _ if self.has_moved => Ok(false),
            _ => Err(Reason::NotYetWatched),
        }
    }

    /// The partition has no lag at `now`: whoever has nothing to do does not stand still.
    pub(super) fn caught_up(&mut self, now: Timestamp) {
        (self.still_since, self.has_moved) = (now, true);
    }
}

impl GroupTopic {
    /// Takes a partition's committed offset; `skips` when only an operator can have moved it.
    pub(super) fn commit(
        &mut self,
        partition: Partition,
        committed: Offset,
        skips: bool,
        now: Timestamp,
    ) -> usize {
        let index = match self.partitions.binary_search_by_key(&partition, |known| known.partition) {
            Ok(index) => index,
            Err(index) => {
                self.partitions.insert(index, Progress::new(partition, committed, now));
                index
            }
        };
        let progress = &mut self.partitions[index];
        if progress.committed != committed {
            progress.caught_up(now);
            progress.committed = committed;
        }
        if committed > progress.counted_to {
            if !skips {
                self.consumed_total += committed - progress.counted_to;
            }
            progress.counted_to = committed;
        }
        index
    }

    /// What retention deleted before it was committed is lost, and counted once.
    pub(super) fn log_starts_at(&mut self, index: usize, log_start: Offset) {
        let progress = &mut self.partitions[index];
        if log_start > progress.counted_to {
            self.lost_total += log_start - progress.counted_to;
            progress.counted_to = log_start;
        }
    }

    /// The topic was made again: its offsets start anew, and so does the counting of them.
    pub(super) fn start_over(&mut self, incarnation: u32) {
        if self.incarnation != incarnation {
            self.incarnation = incarnation;
            for progress in &mut self.partitions {
                (progress.counted_to, progress.located) = (0, None);
            }
        }
    }
}

/// The least lag of each quarter minute of the last five minutes.
#[derive(Debug, Default)]
pub(super) struct LagHistory {
    slots: VecDeque<(Timestamp, u64)>,
}

impl LagHistory {
    pub(super) fn push(&mut self, now: Timestamp, lag: u64) {
        if self.slots.back().is_some_and(|(start, _)| *start > now) {
            self.slots.clear();
        }
        match self.slots.back_mut() {
            Some((start, least)) if now.since(*start) < LAG_SPACING => *least = (*least).min(lag),
            _ => self.slots.push_back((now, lag)),
        }
        while self.slots.len() > 1 && now.since(self.slots[1].0) >= WINDOW {
            self.slots.pop_front();
        }
    }

    /// Lag above 0 and nowhere lower than at the window's start; unknown until the window is full.
    pub(super) fn not_decreasing(&self, now: Timestamp, lag: Measured<u64>) -> Measured<bool> {
        let lag = lag?;
        let Some((start, at_start)) = self.slots.front() else { return Err(Reason::NotYetWatched) };
        let is_lower = self.slots.iter().any(|(_, least)| least < at_start) || lag < *at_start;
        match lag {
            0 => Ok(false),
            _ if is_lower => Ok(false),
            _ if now.since(*start) < WINDOW => Err(Reason::NotYetWatched),
            _ => Ok(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Commits and log starts in their order; what was consumed and lost at the end.
    fn check(first: Offset, events: &[Event], consumed: u64, lost: u64) {
        let mut topic = GroupTopic::default();
        let index = topic.commit(0, first, false, Timestamp(0));
        for event in events {
            match *event {
                Commit(offset) => drop(topic.commit(0, offset, false, Timestamp(1))),
                Reset(offset) => drop(topic.commit(0, offset, true, Timestamp(1))),
                LogStart(offset) => topic.log_starts_at(index, offset),
                MadeAgain => topic.start_over(topic.incarnation + 1),
            }
        }
        assert_eq!((topic.consumed_total, topic.lost_total), (consumed, lost), "{first} {events:?}");
    }

    #[derive(Debug)]
    enum Event {
        Commit(Offset),
        Reset(Offset),
        LogStart(Offset),
        MadeAgain,
    }
    use Event::{Commit, LogStart, MadeAgain, Reset};

    #[test]
    fn each_record_is_consumed_or_lost_once() {
        check(100, &[], 0, 0);
        check(100, &[Commit(110), Commit(110)], 10, 0);
        check(100, &[Commit(110), Commit(50), Commit(120)], 20, 0);
        check(100, &[Reset(500), Commit(510)], 10, 0);
        check(100, &[LogStart(130), Commit(140)], 10, 30);
        check(100, &[LogStart(90), Commit(140), LogStart(140)], 40, 0);
        check(100, &[Commit(110), MadeAgain, Commit(5)], 15, 0);
    }

    #[test]
    fn standing_still_with_lag_is_stuck_after_the_window() {
        let check = |moves: &[(i64, Offset, u64)], at: i64, expected: Measured<bool>| {
            let mut topic = GroupTopic::default();
            for (second, offset, lag) in moves {
                let index = topic.commit(0, *offset, false, Timestamp(second * 1000));
                if *lag == 0 {
                    topic.partitions[index].caught_up(Timestamp(second * 1000));
                }
            }
            let lag = moves.last().map_or(0, |(_, _, lag)| *lag);
            assert_eq!(
                topic.partitions[0].stuck(Ok(lag), Timestamp(at * 1000)),
                expected,
                "{moves:?} at {at}"
            );
        };
        check(&[(0, 5, 10)], 10, Err(Reason::NotYetWatched));
        check(&[(0, 5, 10)], 301, Ok(true));
        check(&[(0, 5, 10), (100, 6, 9)], 301, Ok(false));
        check(&[(0, 5, 10), (100, 6, 9)], 401, Ok(true));
        // Idle for long, then records come: the wait starts with them.
        check(&[(0, 5, 0), (1000, 5, 0), (1001, 5, 3)], 1100, Ok(false));
        check(&[(0, 5, 0), (1000, 5, 0), (1001, 5, 3)], 1301, Ok(true));
    }

    #[test]
    fn lag_that_never_falls_is_not_decreasing() {
        let check = |lags: &[(i64, u64)], expected: Measured<bool>| {
            let mut history = LagHistory::default();
            lags.iter().for_each(|(second, lag)| history.push(Timestamp(second * 1000), *lag));
            let (second, lag) = lags[lags.len() - 1];
            assert_eq!(history.not_decreasing(Timestamp(second * 1000), Ok(lag)), expected, "{lags:?}");
        };
        check(&[(0, 5)], Err(Reason::NotYetWatched));
        check(&[(0, 5), (100, 6), (200, 7), (300, 5)], Ok(true));
        check(&[(0, 5), (100, 4), (200, 7), (300, 9)], Ok(false));
        check(&[(0, 0), (100, 0)], Ok(false));
        check(&[(0, 9), (100, 8)], Ok(false));
    }
}
