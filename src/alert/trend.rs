//! Whether a value keeps rising, told from a value per minute so that noise, spikes and single steps do not count.
//!
//! The time `rising_for` before the current minute is cut into quarters, and each stands for itself with the median of
//! its minutes. It is a rise when each quarter's median is above the one before, and the last is above the first by at
//! least `by` of it, and by at least a second for time lag, which is located no finer. A quarter needs half of its
//! minutes, and all of the time has to have passed since the first of them. For more than an hour "minute" means a sixtieth of it, so that no more than 61 are kept.

use std::collections::VecDeque;

use super::counter::spacing;
use super::reading::{Reading, Value};
use crate::model::{Damaged, LatencyHistogram, Millis, Ratio, Reader, Reason, Timestamp, Writer};

/// Time lag is known to within a second.
const TIME_LAG_RESOLUTION: u64 = 1_000_000;

/// What one minute has to say, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Measured(u64),
    /// Nothing was there to be late.
    Idle,
}

/// What is measured now.
#[derive(Debug, Clone, Copy)]
pub(super) enum Now<'a> {
    /// Time lag of the worst partition.
    TimeLag(Millis),
    /// Latencies so far, and whether nothing waits.
    Latency(&'a LatencyHistogram, bool),
}

/// The minutes of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct TrendHistory {
    /// By number of the slot since 1970, ascending; unknown ones are missing.
    slots: VecDeque<(i64, Slot)>,
    /// The first that was watched, at least in part.
    since: Option<i64>,
    open: Option<Open>,
}

/// The minute that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Open {
    slot: i64,
    /// The least time lag in it: between commits it swings, and only its best moments say that all of it rises.
    least: Option<u64>,
    /// The bounds and counts of the histogram when it began.
    at_start: Option<(Vec<Millis>, Vec<u64>)>,
}

/// Takes what is measured at `now`, or that nothing is, and judges the slots before it. True when something changed.
pub(super) fn trend(
    value: Result<Now<'_>, Reason>,
    (rising_for, by): (Millis, Ratio),
    history: &mut TrendHistory,
    now: Timestamp,
) -> (Reading, bool) {
    let length = i64::try_from(spacing(rising_for).0).unwrap_or(i64::MAX);
    let current = now.0.div_euclid(length);
    let count = usize::try_from(rising_for.0 / spacing(rising_for).0).unwrap_or(0);
    let has_changed = history.take(value, current, count);
    let least_rise = if matches!(value, Ok(Now::TimeLag(_))) { TIME_LAG_RESOLUTION } else { 0 };
    let reading = match value {
        Ok(_) => history.judge(current, count, by, least_rise),
        Err(why) => Reading::unknown(why),
    };
    (reading, has_changed)
}

impl TrendHistory {
    fn take(&mut self, value: Result<Now<'_>, Reason>, current: i64, count: usize) -> bool {
        let mut has_changed = false;
        if let Some(open) = self.open.take_if(|open| open.slot != current) {
            has_changed = true;
            self.slots.extend(open.close(value.ok(), current).map(|closed| (open.slot, closed)));
        }
        let oldest = current.saturating_sub(i64::try_from(count).unwrap_or(i64::MAX));
        while self.slots.front().is_some_and(|(slot, _)| *slot < oldest) {
            self.slots.pop_front();
            has_changed = true;
        }
        let Ok(value) = value else { return has_changed };
        self.since.get_or_insert(current);
        let is_new = self.open.is_none();
        let open = self.open.get_or_insert(Open { slot: current, least: None, at_start: None });
        match value {
            Now::TimeLag(time_lag) => {
                let micros = time_lag.0.saturating_mul(1000);
                if open.least.is_none_or(|least| micros < least) {
                    open.least = Some(micros);
                    has_changed = true;
                }
            }
            Now::Latency(histogram, _) if is_new => {
                open.at_start = Some((histogram.bounds.to_vec(), histogram.counts.clone()));
            }
            Now::Latency(..) => {}
        }
        has_changed || is_new
    }

    fn judge(&self, current: i64, count: usize, by: Ratio, least_rise: u64) -> Reading {
        let first = current.saturating_sub(i64::try_from(count).unwrap_or(i64::MAX));
        let quarter = |number: usize| {
            let border = |number: usize| first + i64::try_from(number * count / 4).unwrap_or(0);
            median_of(&self.slots, border(number), border(number + 1))
        };
        let quarters = [quarter(0), quarter(1), quarter(2), quarter(3)];
        let is_idle = quarters.contains(&Some(Slot::Idle));
        let known = quarters.map(|quarter| match quarter {
            Some(Slot::Measured(value)) => Some(value),
            _ => None,
        });
        let falls = |pair: &[Option<u64>]| matches!(pair, [Some(one), Some(next)] if next <= one);
        let holds = match known {
            _ if self.since.is_none_or(|since| since > first) => Err(Reason::NotYetWatched.into()),
            _ if is_idle || known.windows(2).any(falls) => Ok(false),
            [Some(first), Some(_), Some(_), Some(last)] => {
                let rise = last.saturating_sub(first);
                let is_enough =
                    u128::from(rise) * u128::from(by.of()) >= u128::from(first) * u128::from(by.parts());
                Ok(is_enough && rise >= least_rise)
            }
            _ => Err(Reason::NotYetWatched.into()),
        };
        #[expect(clippy::cast_precision_loss, reason = "a number to show; what decides is exact")]
        let seconds = |micros: u64| micros as f64 / 1e6;
        let value = match (known[0], known[3]) {
            (Some(first), Some(last)) => Value::Rise(seconds(first), seconds(last)),
            _ => Value::None,
        };
        Reading { holds, value }
    }
}

/// The median of the slots from `first` to before `end`, when at least half of them are known.
fn median_of(slots: &VecDeque<(i64, Slot)>, first: i64, end: i64) -> Option<Slot> {
    let within = slots.iter().filter(|(slot, _)| (first..end).contains(slot));
    let (mut values, mut idle) = (Vec::new(), 0);
    for (_, slot) in within {
        match slot {
            Slot::Measured(value) => values.push(*value),
            Slot::Idle => idle += 1,
        }
    }
    let half = usize::try_from(end.saturating_sub(first)).unwrap_or(0).div_ceil(2);
    values.sort_unstable();
    if values.len() >= half {
        values.get(values.len() / 2).copied().map(Slot::Measured)
    } else {
        (values.len() + idle >= half).then_some(Slot::Idle)
    }
}

impl Open {
    /// What it says now that it is over; nothing when nobody looked at its end.
    fn close(&self, value: Option<Now<'_>>, current: i64) -> Option<Slot> {
        if let Some(least) = self.least {
            return Some(Slot::Measured(least));
        }
        let (Now::Latency(histogram, nothing_waits), (bounds, counts)) = (value?, self.at_start.as_ref()?)
        else {
            return None;
        };
        if current != self.slot + 1 || *bounds != *histogram.bounds {
            return None;
        }
        let grown: Vec<_> =
            histogram.counts.iter().zip(counts).map(|(now, then)| now.saturating_sub(*then)).collect();
        match median_latency(&histogram.bounds, &grown) {
            Some(median) => Some(Slot::Measured(median)),
            None => nothing_waits.then_some(Slot::Idle),
        }
    }
}

/// The median in microseconds, as if records were spread evenly in their bucket: good enough for where it is going,
/// not for where it is. Above all bounds it is the last one.
fn median_latency(bounds: &[Millis], counts: &[u64]) -> Option<u64> {
    let all = counts.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
    let rank = all.div_ceil(2);
    let mut below = 0_u64;
    for (at, count) in counts.iter().enumerate() {
        if *count > 0 && below.saturating_add(*count) >= rank {
            let micros =
                |at: usize| bounds.get(at).or(bounds.last()).map_or(0, |bound| bound.0.saturating_mul(1000));
            let (from, to) = (at.checked_sub(1).map_or(0, micros), micros(at));
            let part = u128::from(to.saturating_sub(from)) * u128::from(rank - below) / u128::from(*count);
            return Some(from.saturating_add(u64::try_from(part).unwrap_or(u64::MAX)));
        }
        below = below.saturating_add(*count);
    }
    None
}

impl TrendHistory {
    pub(super) fn write(&self, to: &mut Writer) {
        to.signed(self.since.unwrap_or(i64::MIN));
        to.number(self.slots.len() as u64);
        for (number, slot) in &self.slots {
            to.signed(*number);
            // 0 is idle, so that no flag is needed.
            to.number(match slot {
                Slot::Idle => 0,
                Slot::Measured(value) => value.saturating_add(1),
            });
        }
        to.flag(self.open.is_some());
        if let Some(open) = &self.open {
            to.signed(open.slot).number(open.least.map_or(0, |least| least.saturating_add(1)));
            to.flag(open.at_start.is_some());
            if let Some((bounds, counts)) = &open.at_start {
                to.number(bounds.len() as u64);
                for bound in bounds {
                    to.number(bound.0);
                }
                to.number(counts.len() as u64);
                for count in counts {
                    to.number(*count);
                }
            }
        }
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let since = Some(from.signed()?).filter(|since| *since != i64::MIN);
        let mut slots = VecDeque::new();
        for _ in 0..from.count()? {
            let number = from.signed()?;
            slots.push_back((number, from.number()?.checked_sub(1).map_or(Slot::Idle, Slot::Measured)));
        }
        let open = if from.flag()? {
            let (slot, least) = (from.signed()?, from.number()?.checked_sub(1));
            let at_start = if from.flag()? {
                let bounds =
                    (0..from.count()?).map(|_| from.number().map(Millis)).collect::<Result<_, _>>()?;
                Some((bounds, (0..from.count()?).map(|_| from.number()).collect::<Result<_, _>>()?))
            } else {
                None
            };
            Some(Open { slot, least, at_start })
        } else {
            None
        };
        Ok(Self { slots, since, open })
    }
}
