//! One group's consumption of one topic from tick to tick: what was consumed, what was lost, whether it moves.

use std::collections::VecDeque;

use super::Gone;
use super::rate::RateWindow;
use crate::model::{Measured, Millis, Offset, Partition, Reason, Timestamp};

/// Lag without progress for longer than this is stuck; the look-back of "not decreasing".
const WINDOW: Millis = Millis::from_seconds(300);
const LAG_SPACING: Millis = Millis::from_seconds(15);

/// What is remembered of one group and topic.
#[derive(Debug)]
pub(super) struct GroupTopic {
    /// Of the topic that the offsets belong to.
    incarnation: u32,
    /// Since when it is watched.
    since: Timestamp,
    /// By partition number, ascending; also those whose commits are gone.
    pub(super) partitions: Vec<Progress>,
    pub(super) consumed_total: u64,
    pub(super) lost_total: u64,
    pub(super) rate: RateWindow,
    pub(super) lag_history: LagHistory,
    pub(super) gone: Gone,
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
    pub(super) still_since: Timestamp,
    has_moved: bool,
    /// False once the commit was deleted.
    is_there: bool,
    /// The commit was to a topic that is no more: it says nothing of the one that has its name now.
    is_stale: bool,
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
            is_there: true,
            is_stale: false,
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
    pub(super) fn new(incarnation: u32, now: Timestamp) -> Self {
        Self {
            incarnation,
            since: now,
            partitions: Vec::new(),
            consumed_total: 0,
            lost_total: 0,
            rate: RateWindow::default(),
            lag_history: LagHistory::default(),
            gone: Gone::default(),
        }
    }

    /// Takes a partition's committed offset and gives the index of its progress. The first commit of a partition that
    /// `appeared` since the group is watched counts from 0, else it is only where counting starts.
    /// `skips` when only an operator can have moved it.
    pub(super) fn commit(
        &mut self,
        partition: Partition,
        committed: Offset,
        appeared: Option<Timestamp>,
        skips: bool,
        now: Timestamp,
    ) -> usize {
        let index = match self.partitions.binary_search_by_key(&partition, |known| known.partition) {
            Ok(index) => index,
            Err(index) => {
                let mut progress = Progress::new(partition, committed, now);
                if appeared.is_some_and(|appeared| appeared >= self.since) {
                    progress.counted_to = 0;
                }
                self.partitions.insert(index, progress);
                index
            }
        };
        let progress = &mut self.partitions[index];
        let is_back = !std::mem::replace(&mut progress.is_there, true);
        if progress.committed != committed || is_back {
            progress.caught_up(now);
            progress.committed = committed;
            // Who has lost a commit may start anywhere, but not who never had one to this log.
            if is_back && !progress.is_stale {
                progress.counted_to = progress.counted_to.max(committed);
            }
            progress.is_stale = false;
        }
        if committed > progress.counted_to && !progress.is_stale {
            if !skips {
                self.consumed_total += committed - progress.counted_to;
            }
            progress.counted_to = committed;
        }
        index
    }

    /// Says which commits are still there.
    pub(super) fn keep_commits(&mut self, is_there: impl Fn(Partition) -> bool) {
        self.partitions.iter_mut().for_each(|progress| progress.is_there &= is_there(progress.partition));
    }

    /// The partitions that have a commit.
    pub(super) fn committed(&self) -> impl Iterator<Item = &Progress> {
        self.partitions.iter().filter(|progress| progress.is_there)
    }

    /// What retention deleted before it was committed is lost, and counted once.
    pub(super) fn log_starts_at(&mut self, index: usize, log_start: Offset) {
        let progress = &mut self.partitions[index];
        if log_start > progress.counted_to && !progress.is_stale {
            self.lost_total += log_start - progress.counted_to;
            progress.counted_to = log_start;
        }
    }

    /// The topic was made again: its offsets start anew, and so does the counting of them.
    pub(super) fn start_over(&mut self, incarnation: u32) {
        if self.incarnation != incarnation {
            self.incarnation = incarnation;
            for progress in &mut self.partitions {
                (progress.counted_to, progress.located, progress.is_stale) = (0, None, true);
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
        let mut topic = GroupTopic::new(0, Timestamp(0));
        let index = topic.commit(0, first, None, false, Timestamp(0));
        for event in events {
            match *event {
                Commit(offset) => assert_eq!(topic.commit(0, offset, None, false, Timestamp(1)), index),
                Reset(offset) => assert_eq!(topic.commit(0, offset, None, true, Timestamp(1)), index),
                LogStart(offset) => topic.log_starts_at(index, offset),
                MadeAgain => topic.start_over(topic.incarnation + 1),
                Deleted => topic.keep_commits(|_| false),
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
        Deleted,
    }
    use Event::{Commit, Deleted, LogStart, MadeAgain, Reset};

    #[test]
    fn each_record_is_consumed_or_lost_once() {
        check(100, &[], 0, 0);
        check(100, &[Commit(110), Commit(110)], 10, 0);
        check(100, &[Commit(110), Commit(50), Commit(120)], 20, 0);
        check(100, &[Reset(500), Commit(510)], 10, 0);
        check(100, &[LogStart(130), Commit(140)], 10, 30);
        check(100, &[LogStart(90), Commit(140), LogStart(140)], 40, 0);
        check(100, &[Commit(110), MadeAgain, Commit(5)], 15, 0);
        // Kafka has not yet removed the commit to the topic of before.
        check(100, &[Commit(110), MadeAgain, Commit(110), LogStart(3), Commit(110), Commit(5)], 15, 0);
        check(100, &[Commit(110), Deleted, MadeAgain, Commit(110)], 120, 0);
        check(100, &[Commit(110), MadeAgain, Commit(110), Deleted, Commit(5)], 15, 0);
        // Deleted by hand, and started from either end.
        check(100, &[Commit(110), Deleted, Commit(50), Commit(120)], 20, 0);
        check(100, &[Commit(110), Deleted, Commit(500), Commit(510)], 20, 0);
    }

    #[test]
    fn the_first_commit_counts_where_the_whole_log_was_watched() {
        let check = |appeared: Option<i64>, consumed: u64| {
            let mut topic = GroupTopic::new(0, Timestamp(1000));
            topic.commit(0, 50, None, false, Timestamp(1000));
            topic.commit(1, 7, appeared.map(Timestamp), false, Timestamp(3000));
            assert_eq!(topic.consumed_total, consumed, "{appeared:?}");
        };
        check(None, 0);
        check(Some(500), 0);
        check(Some(2000), 7);
    }

    #[test]
    fn standing_still_with_lag_is_stuck_after_the_window() {
        let check = |moves: &[(i64, Offset, u64)], at: i64, expected: Measured<bool>| {
            let mut topic = GroupTopic::new(0, Timestamp(0));
            for (second, offset, lag) in moves {
                let index = topic.commit(0, *offset, None, false, Timestamp(second * 1000));
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
