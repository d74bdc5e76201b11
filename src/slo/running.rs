//! The sums of several windows over the same counts, moved on minute by minute: no tick reads a whole window again.
//! Never decides what a window's length should be.

use super::counts::{EXACT_MINUTES, MinuteCounts};
use crate::model::Counts;

/// A step of more minutes than this is summed anew.
const LONGEST_STEP: i64 = 180;

/// A window that ends with the current minute.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunningSum {
    /// The first minute in it.
    pub(super) from: i64,
    /// What is in it.
    pub(super) sum: Counts,
}

/// The first minute of a window of `length` minutes that ends with minute `through`. Longer than what is exact, its
/// far edge moves by the hour.
pub(super) fn first_minute(length: i64, through: i64) -> i64 {
    let first = through - length + 1;
    if length > EXACT_MINUTES { first.div_euclid(60) * 60 } else { first }
}

impl RunningSum {
    pub(super) fn new(counts: &MinuteCounts, from: i64, through: i64) -> Self {
        Self { from, sum: counts.sum(from, through) }
    }

    /// Moves on from what ended with minute `old` to what goes from `from` through `through`.
    pub(super) fn advance(&mut self, counts: &MinuteCounts, old: i64, from: i64, through: i64) {
        let is_small = |step: i64| (0..=LONGEST_STEP).contains(&step);
        if !is_small(through - old) || !is_small(from - self.from) || from > old {
            *self = Self::new(counts, from, through);
            return;
        }
        if through > old {
            self.sum += counts.sum(old + 1, through);
        }
        if from > self.from {
            let left = counts.sum(self.from, from - 1);
            self.sum.good = self.sum.good.saturating_sub(left.good);
            self.sum.bad = self.sum.bad.saturating_sub(left.bad);
            self.sum.unmeasured = self.sum.unmeasured.saturating_sub(left.unmeasured);
            self.from = from;
        }
    }

    /// An event came into `minute`.
    pub(super) fn add(&mut self, minute: i64, through: i64, counts: Counts) {
        if (self.from..=through).contains(&minute) {
            self.sum += counts;
        }
    }
}
