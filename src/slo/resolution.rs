//! How often a group commits has to be known before a latency below it may speak. Never judges.

use super::Slo;
use super::because::{accepts_resolution, interval_unknown};
use crate::model::{Because, GroupTopicView, Millis, Timestamp};

/// Who has not committed twice within this time is judged all the same: it may be dead.
const PATIENCE: Millis = Millis::from_seconds(300);

/// Since when the time between commits is wanted and not known. After a start, and after an hour without commits, two
/// have to come first; until then nothing tells a late consumer from one that commits seldom.
#[derive(Debug, Default)]
pub(super) struct CommitResolution {
    unknown_since: Option<Timestamp>,
    busy_at: Option<Timestamp>,
    has_judged: bool,
}

impl CommitResolution {
    /// Records were judged in this tick.
    pub(super) fn judged(&mut self) {
        self.has_judged = true;
    }

    /// It was waited for in vain.
    pub(super) fn is_given_up(&self, now: Timestamp) -> bool {
        self.unknown_since.is_some_and(|since| now.since(since) >= PATIENCE)
    }

    /// Takes a tick; says why a latency cannot be told yet, if it cannot.
    pub(super) fn observe(
        &mut self,
        slo: &Slo,
        consumed: Option<&GroupTopicView>,
        now: Timestamp,
    ) -> Option<Because> {
        let is_busy = std::mem::take(&mut self.has_judged) | consumed.is_some_and(|view| view.lag != Ok(0));
        let is_accepted = accepts_resolution(slo);
        if is_accepted || consumed.is_some_and(|view| view.commit_interval.is_ok()) {
            self.unknown_since = None;
            return None;
        }
        if is_busy {
            let was_idle = self.busy_at.is_none_or(|busy| now.since(busy) >= PATIENCE);
            if self.unknown_since.is_none() || was_idle {
                self.unknown_since = Some(now);
            }
            self.busy_at = Some(now);
        }
        let waits = self.unknown_since.is_some_and(|since| now.since(since) < PATIENCE);
        waits.then(interval_unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::views;
    use super::*;
    use crate::model::{Measured, Reason};

    /// Minutes, whether there is lag, and whether the interval is known; when it has to wait.
    fn check(ticks: &[(i64, bool, bool)], expected: &[bool]) {
        let slo = views::latency("99.9%", "30d");
        let mut resolution = CommitResolution::default();
        for ((minute, has_lag, is_known), expected) in ticks.iter().zip(expected) {
            let interval: Measured<Millis> =
                if *is_known { Ok(Millis(50)) } else { Err(Reason::NotYetWatched) };
            let view = GroupTopicView {
                commit_interval: interval,
                ..views::consumed("orders", Ok(u64::from(*has_lag)))
            };
            let waits = resolution.observe(&slo, Some(&view), Timestamp(minute * 60_000)).is_some();
            assert_eq!(waits, *expected, "minute {minute} of {ticks:?}");
        }
    }

    #[test]
    fn it_waits_for_the_second_commit_but_not_for_ever() {
        // Idle is idle.
        check(&[(0, false, false), (9, false, false)], &[false, false]);
        // The second commit tells; so does silence.
        check(&[(0, true, false), (1, false, false), (2, true, true)], &[true, true, false]);
        check(
            &[(0, true, false), (4, true, false), (5, true, false), (9, true, false)],
            &[true, true, false, false],
        );
        // After a long time without anything it waits again.
        check(&[(0, true, true), (90, false, false), (91, true, false)], &[false, false, true]);
    }
}
