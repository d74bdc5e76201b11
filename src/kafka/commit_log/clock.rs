//! How far the local clock is from each coordinator's, as the commits themselves tell: a commit is read after it was
//! made, so the least (time of reading − its timestamp) is no less than the true difference. And how long a coordinator
//! takes from the timestamp of a commit until it can be read. Never reads a clock.
//!
//! The difference may be negative: then the watcher's clock is behind. It is used as it is, since what is taken from
//! the local time of asking is never less than the true difference either way.
//! Local times here are of a clock that never jumps ([`super::tail`]), so setting the watcher's clock changes nothing.

use std::collections::{BTreeMap, VecDeque};

use crate::model::{Millis, SETTLING, Timestamp};

/// For so long a difference counts; the newest one counts until there is another.
const WINDOW: Millis = Millis::from_seconds(600);

/// No commit is waited for longer, however slow its coordinator.
const MOST_SETTLING: Millis = Millis::from_seconds(30);

/// The differences to every coordinator from which a fresh record was read, by broker id.
#[derive(Debug, Default)]
pub(super) struct CoordinatorClocks {
    /// Ascending in both: when it was read, and the difference in milliseconds.
    samples: BTreeMap<i32, VecDeque<(Timestamp, i64)>>,
    /// When it was noticed, ascending, and how long a commit took to be readable, descending.
    delays: BTreeMap<i32, VecDeque<(Timestamp, Millis)>>,
}

impl CoordinatorClocks {
    /// A fresh record of `coordinator` was read at `read_at` (local), `difference` ms after its timestamp.
    pub(super) fn learn(&mut self, coordinator: i32, read_at: Timestamp, difference: i64) {
        let samples = self.samples.entry(coordinator).or_default();
        while samples.back().is_some_and(|(_, larger)| *larger >= difference) {
            samples.pop_back();
        }
        samples.push_back((read_at, difference));
        while samples.len() > 1 && samples.front().is_some_and(|(at, _)| read_at.since(*at) > WINDOW) {
            samples.pop_front();
        }
    }

    /// A commit of `coordinator` could not be read yet so long after its timestamp, it turned out at `now` (local).
    pub(super) fn was_delayed(&mut self, coordinator: i32, now: Timestamp, delay: Millis) {
        let delays = self.delays.entry(coordinator).or_default();
        while delays.back().is_some_and(|(_, shorter)| *shorter <= delay) {
            delays.pop_back();
        }
        delays.push_back((now, delay));
    }

    /// How long after its timestamp a commit of `coordinator` can surely be read: [`SETTLING`], or twice what the slowest
    /// one of the last minutes took, or twice what the coordinator `took` to answer just now. A broker that starves
    /// gives signs of it before it is slower than any margin.
    pub(super) fn settling(&mut self, coordinator: i32, now: Timestamp, took: Millis) -> Millis {
        let delays = self.delays.entry(coordinator).or_default();
        while delays.front().is_some_and(|(at, _)| now.since(*at) > WINDOW) {
            delays.pop_front();
        }
        let slowest = delays.front().map_or(took, |(_, delay)| took.max(*delay));
        Millis(slowest.0.saturating_mul(2)).clamp(SETTLING, MOST_SETTLING)
    }

    /// What was learnt of `coordinator` is wrong: its clock was set back.
    pub(super) fn forget(&mut self, coordinator: i32) {
        self.samples.remove(&coordinator);
    }

    /// The greatest difference to any of them: a clock that is not known yet is hardly further behind.
    pub(super) fn greatest(&self) -> Option<i64> {
        self.samples.values().filter_map(|samples| samples.front()).map(|(_, difference)| *difference).max()
    }

    /// Local time less the coordinator's, in milliseconds and at most too large; `None` before any fresh record.
    pub(super) fn difference(&self, coordinator: i32) -> Option<i64> {
        self.samples.get(&coordinator)?.front().map(|(_, difference)| *difference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_difference_of_ten_minutes_counts() {
        let mut clocks = CoordinatorClocks::default();
        let mut check = |seconds: i64, difference, expected| {
            clocks.learn(1, Timestamp(seconds * 1000), difference);
            assert_eq!(clocks.difference(1), Some(expected), "at {seconds} s");
        };
        check(0, 700, 700);
        check(10, -40, -40);
        check(20, 300, -40);
        check(500, 90, -40);
        check(610, 800, -40);
        check(611, 800, 90);
        // The only one there is counts for as long as it takes.
        check(5000, 900, 900);
        check(9000, 950, 950);
        assert_eq!(clocks.difference(2), None);
        clocks.learn(2, Timestamp(9_000_000), 30);
        assert_eq!(clocks.greatest(), Some(950));
        clocks.forget(1);
        assert_eq!(clocks.difference(1), None);
    }

    #[test]
    fn a_coordinator_that_was_slow_is_waited_for() {
        let mut clocks = CoordinatorClocks::default();
        let mut check = |seconds: i64, delay: Option<u64>, took: u64, expected: u64| {
            let now = Timestamp(seconds * 1000);
            if let Some(delay) = delay {
                clocks.was_delayed(1, now, Millis(delay));
            }
            assert_eq!(clocks.settling(1, now, Millis(took)), Millis(expected), "at {seconds} s");
        };
        check(0, None, 3, 1_000);
        check(1, Some(40), 3, 1_000);
        check(2, Some(900), 3, 1_800);
        check(3, Some(700), 3, 1_800);
        check(4, None, 2_000, 4_000);
        check(5, None, 3, 1_800);
        check(603, None, 3, 1_400);
        check(604, None, 3, 1_000);
        check(605, Some(100_000), 3, 30_000);
    }
}
