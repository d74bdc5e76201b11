//! Whether lag has fallen within the last five minutes. Never tells before it has seen all of them.

use std::collections::VecDeque;

use crate::model::{Measured, Millis, Reason, Timestamp};

const WINDOW: Millis = Millis::from_seconds(300);
const SPACING: Millis = Millis::from_seconds(15);

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
            Some((start, least)) if now.since(*start) < SPACING => *least = (*least).min(lag),
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
