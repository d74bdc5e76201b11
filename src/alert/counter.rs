//! How far counters have grown over a window, from samples of them that survive a restart.
//! Bounded: at most 62 samples, so a window is up to a sixtieth of itself, and at least a minute, longer than asked.

use std::collections::VecDeque;

use crate::model::{Damaged, Millis, Reader, Timestamp, Writer};

const LEAST_SPACING: Millis = Millis::from_seconds(60);
const MOST_SPACINGS: u64 = 60;

/// How far apart what is kept of a window lies.
pub(super) fn spacing(window: Millis) -> Millis {
    Millis(window.0 / MOST_SPACINGS).max(LEAST_SPACING)
}

/// Some counters of one subject, over one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CounterHistory<const N: usize> {
    /// Ascending. A sample stands until the next; one that says the same as the one before is not kept.
    samples: VecDeque<(Timestamp, [u64; N])>,
}

impl<const N: usize> Default for CounterHistory<N> {
    fn default() -> Self {
        Self { samples: VecDeque::new() }
    }
}

impl<const N: usize> CounterHistory<N> {
    /// Takes the counters at `now`, which never falls. True when something has to be kept of it.
    pub(super) fn push(&mut self, now: Timestamp, counters: [u64; N], window: Millis) -> bool {
        let is_kept = match self.samples.back() {
            None => true,
            // They are other counters than before.
            Some((_, before)) if before.iter().zip(&counters).any(|(before, now)| now < before) => {
                self.samples.clear();
                true
            }
            Some((at, before)) => *before != counters && now.since(*at) >= spacing(window),
        };
        if is_kept {
            self.samples.push_back((now, counters));
        }
        while self.samples.get(1).is_some_and(|(at, _)| now.since(*at) >= window) {
            self.samples.pop_front();
        }
        is_kept
    }

    /// How far they have grown in the window before `now`, up to `counters`, and whether all of it was watched.
    pub(super) fn growth(&self, now: Timestamp, counters: [u64; N], window: Millis) -> ([u64; N], bool) {
        let Some((at, first)) = self.samples.front() else { return ([0; N], false) };
        let mut growth = counters;
        growth.iter_mut().zip(first).for_each(|(growth, first)| *growth = growth.saturating_sub(*first));
        (growth, now.since(*at) >= window)
    }

    pub(super) fn clear(&mut self) {
        self.samples.clear();
    }

    pub(super) fn write(&self, to: &mut Writer) {
        to.number(self.samples.len() as u64);
        // Differences are short.
        let mut last = (Timestamp(0), [0; N]);
        for (at, counters) in &self.samples {
            to.signed(at.0.saturating_sub(last.0.0));
            for (now, before) in counters.iter().zip(last.1) {
                to.number(now.saturating_sub(before));
            }
            last = (*at, *counters);
        }
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut samples = VecDeque::new();
        let mut last = (Timestamp(0), [0_u64; N]);
        for _ in 0..from.count()? {
            last.0 = Timestamp(last.0.0.checked_add(from.signed()?).ok_or(Damaged)?);
            for counter in &mut last.1 {
                *counter = counter.checked_add(from.number()?).ok_or(Damaged)?;
            }
            samples.push_back(last);
        }
        Ok(Self { samples })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Millis = Millis::from_seconds(600);

    /// Seconds and the counter then; what it has grown in the last ten minutes at the end, and whether that is all.
    fn check(points: &[(i64, u64)], growth: u64, is_covered: bool) {
        let mut history = CounterHistory::default();
        for (second, counter) in points {
            history.push(Timestamp(second * 1000), [*counter], WINDOW);
            let mut writer = Writer::default();
            history.write(&mut writer);
            let bytes = writer.into_bytes();
            assert_eq!(CounterHistory::read(&mut Reader::new(&bytes)), Ok(history.clone()));
        }
        let (second, counter) = points[points.len() - 1];
        let found = history.growth(Timestamp(second * 1000), [counter], WINDOW);
        assert_eq!(found, ([growth], is_covered), "{points:?}");
    }

    #[test]
    fn growth_is_that_of_the_window() {
        check(&[(0, 5)], 0, false);
        check(&[(0, 5), (300, 8)], 3, false);
        check(&[(0, 5), (600, 8)], 3, true);
        check(&[(0, 5), (300, 8), (899, 8)], 3, true);
        check(&[(0, 5), (300, 8), (900, 8)], 0, true);
        // Long idle, then growth: the window begins with what stood at its beginning.
        check(&[(0, 5), (100, 5), (5000, 7), (5100, 9)], 4, true);
        check(&[(0, 5), (5000, 7), (5100, 9), (5600, 9)], 2, true);
        check(&[(0, 5), (5000, 7), (5100, 9), (5700, 9)], 0, true);
    }

    #[test]
    fn a_counter_that_falls_is_another_one() {
        check(&[(0, 50), (700, 80), (710, 3), (720, 4)], 1, false);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let window = Millis::from_seconds(86_400);
        let mut history = CounterHistory::default();
        for second in 0..200_000 {
            history.push(Timestamp(second * 1000), [second.unsigned_abs()], window);
        }
        assert!(history.samples.len() <= 62, "{}", history.samples.len());
        let (growth, is_covered) = history.growth(Timestamp(199_999_000), [199_999], window);
        assert!(is_covered && (86_400..=86_400 + 1440).contains(&growth[0]), "{growth:?}");
    }
}
