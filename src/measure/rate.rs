//! A rate per second from a counter, over the last half minute. Never guesses: one point is no rate.

use std::collections::VecDeque;

use crate::model::{Measured, Millis, Reason, Timestamp};

const WINDOW: Millis = Millis::from_seconds(30);
const SPACING: Millis = Millis::from_seconds(5);

/// The last points of a counter, at most one in five seconds besides the newest.
#[derive(Debug, Default)]
pub(super) struct RateWindow {
    points: VecDeque<(Timestamp, u64)>,
}

impl RateWindow {
    /// Takes the counter's value at `now`.
    pub(super) fn push(&mut self, now: Timestamp, total: u64) {
        let count = self.points.len();
        if count >= 2 && self.points[count - 1].0.since(self.points[count - 2].0) < SPACING {
            self.points.pop_back();
        }
        if self.points.back().is_some_and(|(last, _)| *last >= now) {
            // The clock was set back: what was measured against the old one says nothing.
            self.points.clear();
        }
        self.points.push_back((now, total));
        while self.points.len() > 2 && now.since(self.points[1].0) >= WINDOW {
            self.points.pop_front();
        }
    }

    /// Increase per second between the oldest and the newest point; needs two.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate is for people; 2^53 records in half a minute are not"
    )]
    pub(super) fn per_second(&self) -> Measured<f64> {
        let (Some(first), Some(last)) = (self.points.front(), self.points.back()) else {
            return Err(Reason::NotYetWatched);
        };
        let seconds = last.0.since(first.0).as_seconds();
        if seconds > 0.0 {
            Ok(last.1.saturating_sub(first.1) as f64 / seconds)
        } else {
            Err(Reason::NotYetWatched)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(points: &[(i64, u64)], expected: Measured<f64>) {
        let mut window = RateWindow::default();
        for (seconds, total) in points {
            window.push(Timestamp(seconds * 1000), *total);
        }
        assert_eq!(window.per_second(), expected, "{points:?}");
    }

    #[test]
    fn a_rate_needs_two_points_and_looks_half_a_minute_back() {
        check(&[], Err(Reason::NotYetWatched));
        check(&[(0, 7)], Err(Reason::NotYetWatched));
        check(&[(0, 0), (1, 10)], Ok(10.0));
        check(&[(0, 0), (1, 10), (2, 40)], Ok(20.0));
        check(&[(0, 9), (10, 9)], Ok(0.0));
        // 100 a second until 60, then nothing: half a minute later it is over.
        let silent: Vec<_> =
            (0..=120_u32).map(|second| (i64::from(second), u64::from(second.min(60) * 100))).collect();
        check(&silent, Ok(0.0));
    }

    #[test]
    fn a_clock_set_back_starts_anew() {
        check(&[(100, 5), (101, 6), (50, 7)], Err(Reason::NotYetWatched));
    }
}
