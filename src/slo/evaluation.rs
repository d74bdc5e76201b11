//! The arithmetic of budgets: whether a window burns too fast, how fast it burns, what is left.
//! Judging is done in whole numbers; floating-point numbers are only for showing.

use super::instance::{Instance, in_millis};
use super::tiers::Threshold;
use crate::model::{BurnRate, Counts, Governing, Millis, Minute, Ratio, SloState, Timestamp};

/// Whether a window burns faster than a pair's factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Yes,
    No,
    Unknown,
}

/// Over even with everything unmeasured taken as good; not over even with all of it taken as bad, or without any
/// record; between the two the measured part decides, if it is large enough.
pub(super) fn over(counts: Counts, threshold: Threshold, coverage_floor: Ratio) -> Over {
    let Counts { bad, unmeasured, .. } = counts;
    if threshold.is_exceeded_by(bad, counts.judged()) {
        Over::Yes
    } else if !threshold.is_exceeded_by(bad.saturating_add(unmeasured), counts.judged()) {
        Over::No
    } else if !is_covered(counts, coverage_floor) {
        Over::Unknown
    } else if threshold.is_exceeded_by(bad, counts.measured()) {
        Over::Yes
    } else {
        Over::No
    }
}

/// Whether the measured share is at least `floor`; of nothing it is 1.
pub(super) fn is_covered(counts: Counts, floor: Ratio) -> bool {
    u128::from(counts.measured()) * u128::from(floor.of())
        >= u128::from(counts.judged()) * u128::from(floor.parts())
}

/// measured / (measured + unmeasured); 1 without traffic.
pub(super) fn coverage(counts: Counts) -> f64 {
    if counts.is_empty() { 1.0 } else { share(counts.measured(), counts.judged()) }
}

/// bad / (budget · total); absent without anything measured, or without a budget.
pub(super) fn burn_rate(counts: Counts, budget: Ratio) -> Option<f64> {
    let has_both = counts.measured() > 0 && budget.parts() > 0;
    has_both.then(|| share(counts.bad, counts.measured()) / budget.as_f64())
}

#[expect(clippy::cast_precision_loss, reason = "a number to show; judging uses whole ones")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// What one evaluation has found.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Where it stands.
    pub state: SloState,
    /// Since when.
    pub state_since: Timestamp,
    /// What the SLO window holds.
    pub window: Counts,
    /// When measuring began.
    pub measured_since: Option<Timestamp>,
    /// Of the SLO window.
    pub coverage: f64,
    /// 1 − consumed; absent while the window holds nothing measured.
    pub budget_remaining: Option<f64>,
    /// At the burn rate of the last hour; absent when the budget does not shrink, is used up, or lasts until the
    /// calendar period ends.
    pub exhausted_in: Option<Millis>,
    /// Per window of the tiers, then of the SLO window.
    pub burn_rates: Vec<BurnRate>,
    /// The tier that makes the state.
    pub governing: Option<Governing>,
    /// It has been unmeasured for too long.
    pub unmeasured_alert: bool,
}

impl Instance {
    /// What is so at `now`; `governing` is a pair's place.
    pub(super) fn report(&self, now: Timestamp, governing: Option<usize>, held: bool) -> Evaluation {
        let budget = self.plan.budget;
        let rate = |length: Millis, counts| BurnRate {
            window: length,
            rate: burn_rate(counts, budget),
            coverage: coverage(counts),
        };
        let (window, length) = (self.window(), self.window_length());
        let lengths =
            self.plan.lengths.iter().map(|minutes| rate(in_millis(*minutes), self.sum_over(*minutes)));
        let remaining = self.budget_remaining(now);
        let since = self.since.unwrap_or(now);
        let is_late = |delay: Millis| now.since(since) > delay;
        Evaluation {
            state: self.state,
            state_since: since,
            window,
            measured_since: self.measured_since(),
            coverage: coverage(window),
            budget_remaining: remaining,
            exhausted_in: remaining.and_then(|remaining| self.exhausted_in(remaining, now)),
            burn_rates: lengths.chain([rate(length, window)]).collect(),
            governing: governing.map(|at| self.governing_view(at, held)),
            unmeasured_alert: self.state == SloState::Unmeasured
                && self.plan.unmeasured_delay.is_some_and(is_late),
        }
    }

    pub(super) fn measured_since(&self) -> Option<Timestamp> {
        self.first.map(|minute| Minute(minute).start())
    }

    /// 1 − bad / (b · total) · min(1, age / W). Age counts from the first measurement, or from the start of the calendar
    /// period, if that is later.
    #[expect(clippy::cast_precision_loss, reason = "a number to show; 2^53 ms are 285,000 years")]
    fn budget_remaining(&self, now: Timestamp) -> Option<f64> {
        let first = self.measured_since()?;
        let from = self.period().map_or(first, |(start, _)| start.max(first));
        let length = self.window_length();
        let age = now.since(from).min(length);
        let burnt = burn_rate(self.window(), self.plan.budget)?;
        Some(1.0 - burnt * (age.0 as f64 / length.0.max(1) as f64))
    }

    /// remaining · W / burn rate.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "to show"
    )]
    fn exhausted_in(&self, remaining: f64, now: Timestamp) -> Option<Millis> {
        let rate = burn_rate(self.last_hour(), self.plan.budget)?;
        if remaining <= 0.0 || rate <= 0.0 {
            return None;
        }
        let left = Millis((remaining * self.window_length().0 as f64 / rate) as u64);
        let ends_before = self.period().is_some_and(|(_, end)| left > end.since(now));
        (!ends_before).then_some(left)
    }

    fn governing_view(&self, at: usize, held: bool) -> Governing {
        let pair = &self.plan.pairs[at];
        let rate = |minutes| burn_rate(self.sum_over(minutes), self.plan.budget);
        Governing {
            severity: pair.severity,
            long: in_millis(pair.long),
            short: in_millis(pair.short),
            factor: pair.factor,
            long_rate: rate(pair.long),
            short_rate: rate(pair.short),
            held,
        }
    }
}
