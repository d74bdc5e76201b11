//! Where the lag of an incident's group and topic goes. Remembers a few minutes, of this process only.

use std::collections::VecDeque;

use crate::model::{Millis, Timestamp};

/// How far back is looked.
const BACK: Millis = Millis::from_seconds(300);

/// How far a sample may be from there: beyond it nothing was measured around that time.
const TOLERANCE: Millis = Millis::from_seconds(60);

/// At least so far apart are two samples.
const EVERY: Millis = Millis::from_seconds(30);

/// Samples of the last minutes.
#[derive(Debug, Default)]
pub(super) struct Lags {
    samples: VecDeque<(Timestamp, u64)>,
}

impl Lags {
    /// Takes the lag at `now`.
    pub(super) fn note(&mut self, now: Timestamp, lag: u64) {
        if self.samples.back().is_some_and(|(at, _)| *at > now) {
            // The clock was set back: nobody knows how old these are.
            self.samples.clear();
        }
        if self.samples.back().is_none_or(|(at, _)| now.since(*at) >= EVERY) {
            self.samples.push_back((now, lag));
        }
        while self.samples.get(1).is_some_and(|(at, _)| now.since(*at) >= BACK) {
            self.samples.pop_front();
        }
    }

    /// The lag five minutes before `now`, or nearer when it is not known for so long; nothing before there is an
    /// earlier sample.
    pub(super) fn before(&self, now: Timestamp) -> Option<u64> {
        let is_near_enough = |at: Timestamp| now.since(at).0 <= BACK.0 + TOLERANCE.0;
        let earliest = self.samples.iter().find(|(at, _)| is_near_enough(*at) && *at < now);
        earliest.map(|(_, lag)| *lag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds and lags; then the lag before the last of them.
    fn check(samples: &[(i64, u64)], expected: Option<u64>) {
        let mut lags = Lags::default();
        let mut before = None;
        for (second, lag) in samples {
            let now = Timestamp(second * 1000);
            lags.note(now, *lag);
            before = lags.before(now);
        }
        assert_eq!(before, expected, "{samples:?}");
        assert!(lags.samples.len() <= 12);
    }

    #[test]
    fn the_lag_of_five_minutes_ago_or_nearer() {
        check(&[(0, 5)], None);
        check(&[(0, 5), (1, 9)], Some(5));
        check(&Vec::from_iter((0..2000).map(|second: i64| (second, second.unsigned_abs()))), Some(1680));
        check(&[(0, 5), (100, 9), (350, 11)], Some(5));
        // Nothing was measured around then.
        check(&[(0, 5), (1000, 9)], None);
        check(&[(0, 5), (1000, 9), (1010, 12)], Some(9));
        // The clock was set back.
        check(&[(1000, 5), (10, 9)], None);
    }
}
