//! How long a receiver that failed is left alone: 500 ms, doubling up to a minute, half of it more or less, so that
//! many daemons do not come back together. What it asks for itself is kept to. Nobody is given up.

use std::time::Duration;

use crate::model::{Millis, Timestamp};

const FIRST: u64 = 500;
const LONGEST: u64 = 60_000;

/// A receiver that wants to be left alone for longer is asked again all the same.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

/// Numbers that look random: SplitMix64. The same for the same seed.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From half to one and a half, in thousandths.
    pub(super) fn jitter(&mut self) -> u64 {
        500 + self.next() % 1001
    }
}

/// How long to wait after so many failures in a row, the first being 1; `jitter` in thousandths.
pub(super) fn delay(failures: u32, jitter: u64) -> Millis {
    let doubled = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(20));
    Millis(doubled.min(LONGEST) * jitter / 1000)
}

/// A stretch of time in which something is left alone. A clock that is set back to before it ends it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pause {
    from: Timestamp,
    until: Timestamp,
}

impl Pause {
    pub(super) fn new(now: Timestamp, length: Millis) -> Self {
        Self { from: now, until: now + length }
    }

    /// As long as `wanted`, or for what the receiver has asked, whichever is longer.
    pub(super) fn asked(now: Timestamp, wanted: Millis, asked: Option<Duration>) -> Self {
        let asked = asked.unwrap_or_default().min(LONGEST_ASKED);
        let asked = Millis(u64::try_from(asked.as_millis()).unwrap_or(u64::MAX));
        Self::new(now, wanted.max(asked))
    }

    /// When it is over: `now`, or later.
    pub(super) fn over_at(&self, now: Timestamp) -> Timestamp {
        if now < self.from { now } else { self.until.max(now) }
    }
}

/// `length` after `since`, or `now` if the clock was set back to before `since`.
pub(super) fn after(since: Timestamp, length: Duration, now: Timestamp) -> Timestamp {
    let length = Millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
    Pause::new(since, length).over_at(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        let check = |failures, jitter, expected| {
            assert_eq!(delay(failures, jitter), Millis(expected), "{failures} {jitter}");
        };
        check(1, 1000, 500);
        check(2, 1000, 1_000);
        check(3, 500, 1_000);
        check(7, 1000, 32_000);
        check(8, 1000, 60_000);
        check(8, 1500, 90_000);
        check(u32::MAX, 500, 30_000);
    }

    #[test]
    fn jitter_is_half_of_it_more_or_less() {
        let mut random = Random::new(7);
        let drawn: Vec<u64> = (0..1_000).map(|_| random.jitter()).collect();
        assert!(drawn.iter().all(|jitter| (500..=1500).contains(jitter)));
        assert!(drawn.iter().any(|jitter| *jitter < 600) && drawn.iter().any(|jitter| *jitter > 1400));
    }

    #[test]
    fn what_a_receiver_asks_for_is_kept_to_within_reason() {
        let now = Timestamp(1_000);
        let check = |wanted, asked: Option<u64>, expected| {
            let pause = Pause::asked(now, Millis(wanted), asked.map(Duration::from_secs));
            assert_eq!(pause.over_at(now), Timestamp(expected), "{wanted} {asked:?}");
        };
        check(500, None, 1_500);
        check(500, Some(30), 31_000);
        check(60_000, Some(30), 61_000);
        check(500, Some(u64::MAX), 3_601_000);
    }

    #[test]
    fn a_clock_that_is_set_back_prolongs_nothing() {
        let pause = Pause::new(Timestamp(100_000), Millis(500));
        assert_eq!(pause.over_at(Timestamp(100_200)), Timestamp(100_500));
        assert_eq!(pause.over_at(Timestamp(100_600)), Timestamp(100_600));
        assert_eq!(pause.over_at(Timestamp(90_000)), Timestamp(90_000));
    }
}
