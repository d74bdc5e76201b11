//! Alert tiers: pairs of windows and the burn rate that both have to exceed, derived from shares of the budget.
//! All comparisons are of whole numbers. Never judges a window.
//!
//! Burn rates and the four pairs: Google's "The Site Reliability Workbook", chapter "Alerting on SLOs".

use super::{Period, Slo, Tier, Window};
use crate::model::{Millis, Ratio, Severity};

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60;

/// The longest rolling window: 90 days.
pub(super) const LONGEST_WINDOW: Millis = Millis(90 * DAY * MINUTE);

/// A pair of windows with its factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    pub(super) severity: Severity,
    /// In minutes.
    pub(super) long: i64,
    /// In minutes.
    pub(super) short: i64,
    /// The share of the budget that a long window full of this burn rate spends.
    pub(super) share: Ratio,
    /// The share of bad events that both windows have to exceed: factor × (1 − objective).
    pub(super) threshold: Threshold,
    /// For people.
    pub(super) factor: f64,
}

/// A share as an exact fraction; from 1 on nothing can exceed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Threshold {
    parts: u128,
    of: u128,
}

impl Threshold {
    /// share × window / long × (1 − objective). Exact for shares and objectives of up to nine digits.
    fn new(share: Ratio, window: u64, long: u64, budget: Ratio) -> Self {
        let product = |numbers: [u64; 3]| {
            numbers.iter().fold(1_u128, |product, number| product.saturating_mul(u128::from(*number)))
        };
        Self {
            parts: product([share.parts(), window, budget.parts()]),
            of: product([share.of(), long, budget.of()]),
        }
    }

    /// Whether even 100% bad is not above it.
    fn is_out_of_reach(self) -> bool {
        self.parts >= self.of
    }

    /// Whether `part` of `whole` is a larger share than this; of nothing it never is.
    pub(super) fn is_exceeded_by(self, part: u64, whole: u64) -> bool {
        whole > 0 && wide_product(part, self.of) > wide_product(whole, self.parts)
    }
}

/// a × b without loss: the part from 2⁶⁴ on, and the rest.
fn wide_product(a: u64, b: u128) -> (u128, u128) {
    let (a, low_half) = (u128::from(a), u128::from(u64::MAX));
    let low = a * (b & low_half);
    (a * (b >> 64) + (low >> 64), low & low_half)
}

/// Why a pair is not used, or cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) tier: Tier,
    pub(super) why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Its long window is more than half of the SLO window.
    TooLong,
    /// Even 100% bad does not burn fast enough.
    OutOfReach,
    /// Its short window is less than two slices, or not shorter than the long one.
    TooShort,
    /// It speaks of something that is neither page nor ticket, or of no share at all.
    Meaningless,
}

/// The window's length in minutes, for tiers; calendar periods count as 1, 7, 30 or 90 days.
pub(super) fn minutes(window: &Window) -> u64 {
    match window {
        Window::Rolling(length) => length.0 / MINUTE,
        Window::Calendar { period: Period::Day, .. } => DAY,
        Window::Calendar { period: Period::Week, .. } => 7 * DAY,
        Window::Calendar { period: Period::Month, .. } => 30 * DAY,
        Window::Calendar { period: Period::Quarter, .. } => 90 * DAY,
    }
}

/// The contract's pairs for a window of `minutes`, before any is left out.
fn defaults(minutes: u64) -> Vec<Tier> {
    let shares = match minutes {
        0..=14_400 => [10, 20, 40, 50],
        14_401..=64_800 => [2, 5, 10, 10],
        _ => [1, 3, 5, 5],
    };
    let windows = [(60, 5), (360, 30), (1440, 120), (4320, 360)];
    let severities = [Severity::Page, Severity::Page, Severity::Ticket, Severity::Ticket];
    let parts = shares.into_iter().zip(windows).zip(severities);
    let tiers = parts.filter_map(|((share, (long, short)), severity)| {
        let (long, short) = (Millis(long * MINUTE), Millis(short * MINUTE));
        Some(Tier { severity, share: Ratio::new(share, 100)?, long, short })
    });
    tiers.collect()
}

/// The pairs of an SLO in the order of their long windows, and those that are left out.
pub(super) fn of(slo: &Slo) -> (Vec<Pair>, Vec<LeftOut>) {
    let window = minutes(&slo.window);
    let own = slo.alerting.tiers.as_ref();
    let slices = if slo.indicator.counts_records() { Millis(0) } else { slo.slice };
    let (mut pairs, mut left_out) = (Vec::new(), Vec::new());
    for mut tier in own.cloned().unwrap_or_else(|| defaults(window)) {
        if own.is_none() {
            tier.short = tier.short.max(Millis(slices.0.saturating_mul(2)));
        }
        match pair(tier, window, slo.objective, slices) {
            Ok(pair) => pairs.push(pair),
            Err(why) => left_out.push(LeftOut { tier, why }),
        }
    }
    pairs.sort_by_key(|pair| pair.long);
    (pairs, left_out)
}

fn pair(tier: Tier, window: u64, objective: Ratio, slice: Millis) -> Result<Pair, Why> {
    let (long, short) = (tier.long.0 / MINUTE, tier.short.0 / MINUTE);
    let is_whole = [tier.long, tier.short].iter().all(|length| length.0.is_multiple_of(MINUTE));
    if tier.severity == Severity::Info || tier.share.parts() == 0 || !is_whole || objective == Ratio::ONE {
        return Err(Why::Meaningless);
    }
    if short == 0 || tier.short.0 < slice.0.saturating_mul(2) || short >= long {
        return Err(Why::TooShort);
    }
    if long.saturating_mul(2) > window {
        return Err(Why::TooLong);
    }
    let threshold = Threshold::new(tier.share, window, long, objective.rest());
    if threshold.is_out_of_reach() {
        return Err(Why::OutOfReach);
    }
    let in_minutes = |length: u64| i64::try_from(length).unwrap_or(i64::MAX);
    Ok(Pair {
        severity: tier.severity,
        long: in_minutes(long),
        short: in_minutes(short),
        share: tier.share,
        threshold,
        factor: factor(tier, window),
    })
}

/// share × window / long, for people.
#[expect(clippy::cast_precision_loss, reason = "minutes of 90 days are far below 2^53")]
pub(super) fn factor(tier: Tier, window: u64) -> f64 {
    let long = (tier.long.0 / MINUTE).max(1);
    (u128::from(tier.share.parts()) * u128::from(window)) as f64
        / (u128::from(tier.share.of()) * u128::from(long)) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_count_is_too_large_to_be_compared_exactly() {
        let check = |(parts, of): (u128, u128), part, whole, expected| {
            assert_eq!(
                Threshold { parts, of }.is_exceeded_by(part, whole),
                expected,
                "{part}/{whole} > {parts}/{of}"
            );
        };
        // Both products are beyond 128 bits, and differ in their last digits.
        let (large, most) = (1_u128 << 100, u64::MAX);
        check((large, large + 1), most, most, true);
        check((large, large + 1), most - 1, most, false);
        check((large - 1, large), 1 << 40, 1, true);
        check((large - 1, large), 1, 1 << 40, false);
        check((1, 2), 1, 2, false);
        check((1, 2), 2, 3, true);
        check((1, 2), 0, 0, false);
    }
}
