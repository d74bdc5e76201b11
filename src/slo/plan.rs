//! What is the same for every instance of one SLO: its windows, pairs and guards, worked out once.
//! Never holds a count.

use super::calendar::{Calendar, UnknownTimeZone};
use super::tiers::{self, Pair};
use super::{Slo, Window};
use crate::model::{Millis, Ratio};

const HOUR: i64 = 60;

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) pairs: Vec<Pair>,
    /// The lengths of all windows of the pairs, in minutes, ascending.
    pub(super) lengths: Vec<i64>,
    /// The SLO window.
    pub(super) window: SloWindow,
    pub(super) budget: Ratio,
    pub(super) coverage_floor: Ratio,
    pub(super) min_bad_events: u64,
    /// How much is unmeasured for longer than this has an alert of its own; `None` when nothing is to speak.
    pub(super) unmeasured_delay: Option<Millis>,
    /// How long counts are kept, in hours.
    pub(super) kept_hours: i64,
    /// In minutes; 1 for records.
    pub(super) slice: i64,
}

#[derive(Debug)]
pub(super) enum SloWindow {
    /// In minutes.
    Rolling(i64),
    Calendar(Calendar),
}

impl Plan {
    pub(super) fn new(slo: &Slo) -> Result<Self, UnknownTimeZone> {
        let window = match &slo.window {
            Window::Rolling(length) => {
                let length = length.0.min(tiers::LONGEST_WINDOW.0);
                SloWindow::Rolling(i64::try_from(length / 60_000).unwrap_or(1).max(1))
            }
            Window::Calendar { period, timezone } => SloWindow::Calendar(Calendar::new(*period, timezone)?),
        };
        // A calendar quarter has up to 92 days, and summer time another hour.
        let minutes = i64::try_from(tiers::minutes(&slo.window)).unwrap_or(1);
        let kept_hours = minutes / HOUR + if matches!(window, SloWindow::Calendar(_)) { 96 } else { 25 };
        let counts_records = slo.indicator.counts_records();
        let (pairs, _) = tiers::of(slo);
        let unmeasured_delay = (!slo.alerting.disabled).then(|| unmeasured_delay(slo, &pairs));
        let mut lengths: Vec<_> = pairs.iter().flat_map(|pair| [pair.long, pair.short]).collect();
        lengths.sort_unstable();
        lengths.dedup();
        Ok(Self {
            pairs: if slo.alerting.disabled { Vec::new() } else { pairs },
            lengths,
            window,
            budget: slo.objective.rest(),
            coverage_floor: slo.alerting.coverage_floor,
            min_bad_events: slo.alerting.min_bad_events.unwrap_or(default_min_bad_events(counts_records)),
            unmeasured_delay,
            kept_hours: kept_hours.max(4 * 24),
            slice: if counts_records { 1 } else { i64::try_from(slo.slice.0 / 60_000).unwrap_or(1).max(1) },
        })
    }
}

pub(super) fn default_min_bad_events(counts_records: bool) -> u64 {
    if counts_records { 10 } else { 2 }
}

/// factor × (1 − objective) × long of the pair with the shortest long window, which is share × window × (1 −
/// objective): as long as an outage would take to be noticed. At least 2 minutes. Without pairs the whole budget.
fn unmeasured_delay(slo: &Slo, pairs: &[Pair]) -> Millis {
    let share = pairs.first().map_or(Ratio::ONE, |pair| pair.share);
    let budget = slo.objective.rest();
    let millis = u128::from(tiers::minutes(&slo.window)) * 60_000;
    let parts = millis.saturating_mul(u128::from(share.parts())).saturating_mul(u128::from(budget.parts()));
    let of = u128::from(share.of()).saturating_mul(u128::from(budget.of()));
    Millis(u64::try_from(parts / of).unwrap_or(u64::MAX)).max(Millis::from_seconds(120))
}
