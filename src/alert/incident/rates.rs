//! Whether a rate has doubled or halved within about a minute.

use std::collections::VecDeque;

use crate::model::{Millis, Timestamp};

/// The oldest rate that is compared with.
const WITHIN: Millis = Millis::from_seconds(75);

/// Records per second; a change of less than this is noise.
const LEAST: f64 = 1.0;

/// The rates of about a minute, one whenever it is looked at.
#[derive(Debug, Default)]
pub(super) struct Rates {
    samples: VecDeque<(Timestamp, f64)>,
}

impl Rates {
    /// Takes the rate at `now`; nothing when it is not measured. The rate that it went from when it has at least
    /// doubled (`up`) or halved (not `up`) since; that is told once.
    pub(super) fn changed(&mut self, now: Timestamp, rate: Option<f64>, up: bool) -> Option<f64> {
        let Some(rate) = rate else {
            self.samples.clear();
            return None;
        };
        self.samples.retain(|(at, _)| *at <= now && now.since(*at) <= WITHIN);
        let is_change = |before: f64| match up {
            true => rate >= before * 2.0 && rate - before >= LEAST,
            false => rate <= before / 2.0 && before - rate >= LEAST,
        };
        let before = self.samples.iter().map(|(_, before)| *before).find(|before| is_change(*before));
        if before.is_some() {
            self.samples.clear();
        }
        self.samples.push_back((now, rate));
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rate each 15 s; what it is told to have gone from.
    fn check(up: bool, rates: &[f64], expected: &[Option<f64>]) {
        let mut seen = Rates::default();
        let told: Vec<_> = (0..)
            .zip(rates)
            .map(|(at, rate)| seen.changed(Timestamp(at * 15_000), rate.is_finite().then_some(*rate), up))
            .collect();
        assert_eq!(told, expected, "{rates:?}");
    }

    #[test]
    fn a_change_within_a_minute_is_told_once() {
        let unknown = f64::NAN;
        check(true, &[100.0, 150.0, 199.0], &[None; 3]);
        check(true, &[100.0, 150.0, 200.0, 250.0, 399.0], &[None, None, Some(100.0), None, None]);
        check(true, &[0.0, 0.9, 1.0, 1.0], &[None, None, Some(0.0), None]);
        check(true, &[100.0, 120.0, 140.0, 160.0, 180.0, 199.0, 220.0], &[None; 7]);
        check(true, &[100.0, unknown, 300.0], &[None; 3]);
        check(false, &[100.0, 60.0, 49.0, 0.0], &[None, None, Some(100.0), Some(49.0)]);
        check(false, &[100.0, 200.0, 400.0], &[None; 3]);
        check(false, &[1.0, 0.5], &[None; 2]);
    }
}
