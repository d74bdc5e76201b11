//! One alert's state machine: inactive, pending, firing, and the timers between them.
//! Never knows what the condition is about; time is given and never falls.

use crate::model::{AlertState, Damaged, Millis, Reader, Timestamp, Writer};

/// An alert that is pending or firing. One that is inactive has no timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timers {
    /// Since when the condition is true.
    pub(super) since: Timestamp,
    /// Since when it fires.
    pub(super) firing_since: Option<Timestamp>,
    /// Since when, while it fires, the condition is known to be false.
    pub(super) false_since: Option<Timestamp>,
}

/// How long a condition has to be true and false.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delays {
    /// True for so long: it fires.
    pub(super) hold: Millis,
    /// False for so long: it is over.
    pub(super) resolve_after: Millis,
}

impl Timers {
    /// Where the alert stands after a tick at `now`. `holds` is `None` while nobody can know: then nothing changes,
    /// but the timers run on, so the next tick that knows decides by the time since they were started.
    pub(super) fn step(
        before: Option<Self>,
        holds: Option<bool>,
        now: Timestamp,
        delays: Delays,
    ) -> Option<Self> {
        match (before, holds) {
            (before, None) => before,
            (None, Some(false)) => None,
            (before, Some(true)) => {
                let mut timers = before.unwrap_or(Self { since: now, firing_since: None, false_since: None });
                timers.false_since = None;
                if timers.firing_since.is_none() && now.since(timers.since) >= delays.hold {
                    timers.firing_since = Some(now);
                }
                Some(timers)
            }
            (Some(mut timers), Some(false)) => {
                timers.firing_since?;
                let false_since = *timers.false_since.get_or_insert(now);
                (now.since(false_since) < delays.resolve_after).then_some(timers)
            }
        }
    }

    pub(super) fn state(&self) -> AlertState {
        match self.firing_since {
            None => AlertState::Pending,
            Some(_) => AlertState::Firing,
        }
    }

    pub(super) fn write(&self, to: &mut Writer) {
        to.signed(self.since.0);
        for at in [self.firing_since, self.false_since] {
            to.flag(at.is_some());
            if let Some(at) = at {
                to.signed(at.0);
            }
        }
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let since = Timestamp(from.signed()?);
        let mut optional = || from.flag()?.then(|| from.signed().map(Timestamp)).transpose();
        Ok(Self { since, firing_since: optional()?, false_since: optional()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One letter per 10 s: `t`rue, `f`alse, `?`; then the state after each: `.`, `p`ending, `F`iring.
    fn check(hold: u64, resolve_after: u64, truth: &str, expected: &str) {
        let delays =
            Delays { hold: Millis::from_seconds(hold), resolve_after: Millis::from_seconds(resolve_after) };
        let mut timers = None;
        let states: String = (0..)
            .zip(truth.chars())
            .map(|(index, truth)| {
                let holds = (truth != '?').then_some(truth == 't');
                timers = Timers::step(timers, holds, Timestamp(index * 10_000), delays);
                timers.map_or('.', |timers| match timers.state() {
                    AlertState::Pending => 'p',
                    AlertState::Firing => 'F',
                })
            })
            .collect();
        assert_eq!(states, expected, "for {hold}s, resolve after {resolve_after}s: {truth}");
    }

    #[test]
    fn it_fires_when_it_was_true_for_long_enough() {
        check(0, 0, "ftf", ".F.");
        check(30, 0, "ttttf", "pppF.");
        check(30, 0, "tttfttt", "ppp.ppp");
    }

    #[test]
    fn it_resolves_when_it_was_false_for_long_enough() {
        check(0, 20, "tffff", "FFF..");
        // What comes back meanwhile is still the same alert.
        check(0, 20, "tfftfff", "FFFFFF.");
        check(30, 20, "ttttffttt", "pppFFFFFF");
    }

    #[test]
    fn nothing_fires_or_resolves_out_of_ignorance() {
        check(30, 20, "?????", ".....");
        check(30, 20, "t?????f", "pppppp.");
        check(30, 20, "t?????t", "ppppppF");
        check(0, 20, "t??????f", "FFFFFFFF");
        check(0, 20, "tf????f", "FFFFFF.");
        check(0, 20, "tf????t", "FFFFFFF");
    }
}
