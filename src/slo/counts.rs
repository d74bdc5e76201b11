//! The counts of one promise by the minute: each minute of the last three days, before that each hour.
//! An event goes to the minute it belongs to, however late it comes. Never forgets the total.

use std::collections::{BTreeMap, BTreeSet};

use super::packed::Packed;
use crate::model::Counts;

/// For so long back every minute is kept by itself.
pub(super) const EXACT_MINUTES: i64 = 3 * 24 * 60;

/// A stretch of time that is kept, and written, as one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stretch {
    /// 60 minutes; hours since 1970.
    Hour(i64),
    /// 24 hours; days since 1970.
    Day(i64),
}

/// Minutes are numbered since 1970, as in [`crate::model::Minute`].
#[derive(Debug, Default)]
pub(super) struct MinuteCounts {
    /// The hour that is being filled, unpacked.
    open: Option<(i64, Box<[Counts; 60]>)>,
    hours: BTreeMap<i64, Packed>,
    /// By hour. What came too late for its minute is there as well.
    days: BTreeMap<i64, Packed>,
    /// What was counted and is too old to be kept.
    forgotten: Counts,
    total: Counts,
    /// The first hour whose minutes are kept by themselves; before the first [`MinuteCounts::condense`] all are.
    exact_from: Option<i64>,
    /// An older hour of which that is true as well: a calendar period began within it.
    whole: Option<i64>,
    /// The first day that is kept.
    first_day: Option<i64>,
    changed: BTreeSet<Stretch>,
}

impl MinuteCounts {
    /// Counts into `minute`, or, when that is too long ago, into its hour.
    pub(super) fn add(&mut self, minute: i64, counts: Counts) {
        let (hour, place) = (minute.div_euclid(60), minute.rem_euclid(60) as usize);
        self.total += counts;
        if !self.is_exact(hour) {
            self.add_to_day(hour, counts);
            return;
        }
        self.changed.insert(Stretch::Hour(hour));
        if self.open.as_ref().is_none_or(|(open, _)| *open < hour) {
            self.close();
            let minutes = self.hours.remove(&hour).unwrap_or_default();
            self.open = Some((hour, Box::new(minutes.unpack())));
        }
        match &mut self.open {
            Some((open, minutes)) if *open == hour => minutes[place] += counts,
            _ => {
                let packed = self.hours.entry(hour).or_default();
                let mut minutes: [Counts; 60] = packed.unpack();
                minutes[place] += counts;
                *packed = Packed::new(&minutes);
            }
        }
    }

    fn is_exact(&self, hour: i64) -> bool {
        self.exact_from.is_none_or(|from| hour >= from) || self.whole == Some(hour)
    }

    fn add_to_day(&mut self, hour: i64, counts: Counts) {
        let (day, place) = (hour.div_euclid(24), hour.rem_euclid(24) as usize);
        if self.first_day.is_some_and(|first| day < first) {
            self.forgotten += counts;
            return;
        }
        let packed = self.days.entry(day).or_default();
        let mut hours: [Counts; 24] = packed.unpack();
        hours[place] += counts;
        *packed = Packed::new(&hours);
        self.changed.insert(Stretch::Day(day));
    }

    fn close(&mut self) {
        if let Some((hour, minutes)) = self.open.take() {
            self.hours.insert(hour, Packed::new(&*minutes));
        }
    }

    /// What happened in the minutes from `from` to `to`, inclusive. An hour that is kept as one counts as its first
    /// minute.
    pub(super) fn sum(&self, from: i64, to: i64) -> Counts {
        if from > to {
            return Counts::default();
        }
        let inside = |hour: i64| {
            let first = (from - hour * 60).clamp(0, 60) as usize;
            (first, (to - hour * 60).clamp(0, 59) as usize)
        };
        let hours = self.hours.range(from.div_euclid(60)..=to.div_euclid(60)).map(|(hour, packed)| {
            let (first, last) = inside(*hour);
            packed.sum(first, last)
        });
        let open = self.open.iter().filter(|(hour, _)| hour * 60 <= to).flat_map(|(hour, minutes)| {
            let (first, last) = inside(*hour);
            minutes.iter().take(last + 1).skip(first).copied()
        });
        let days = self.sum_of_hours((from + 59).div_euclid(60), to.div_euclid(60));
        total_of(hours.chain(open).chain([days]))
    }

    /// What is kept by the hour, from hour `from` to hour `to`, inclusive.
    fn sum_of_hours(&self, from: i64, to: i64) -> Counts {
        if from > to {
            return Counts::default();
        }
        let days = self.days.range(from.div_euclid(24)..=to.div_euclid(24));
        total_of(days.map(|(day, packed)| {
            let first = (from - day * 24).clamp(0, 23) as usize;
            packed.sum(first, (to - day * 24).clamp(0, 23) as usize)
        }))
    }

    /// Everything that was ever counted.
    pub(super) fn total(&self) -> Counts {
        self.total
    }

    /// Whether anything was counted in `minute`, or in its hour, where that is all that is kept.
    pub(super) fn has_counted(&self, minute: i64) -> bool {
        let hour = minute.div_euclid(60);
        !self.sum(minute, minute).is_empty() || !self.sum_of_hours(hour, hour).is_empty()
    }

    /// Keeps the hours before `exact_from` as one count each, but for `whole`, and forgets the days before `first_day`.
    pub(super) fn condense(&mut self, exact_from: i64, whole: Option<i64>, first_day: i64) {
        if (self.exact_from, self.whole, self.first_day) == (Some(exact_from), whole, Some(first_day)) {
            return;
        }
        (self.exact_from, self.whole, self.first_day) = (Some(exact_from), whole, Some(first_day));
        if self.open.as_ref().is_some_and(|(hour, _)| *hour < exact_from) {
            self.close();
        }
        let old: Vec<_> = self.hours.range(..exact_from).map(|(hour, _)| *hour).collect();
        for hour in old.into_iter().filter(|hour| Some(*hour) != whole) {
            if let Some(packed) = self.hours.remove(&hour) {
                self.add_to_day(hour, packed.sum(0, 59));
                self.changed.insert(Stretch::Hour(hour));
            }
        }
        while let Some(entry) = self.days.first_entry().filter(|entry| *entry.key() < first_day) {
            self.changed.insert(Stretch::Day(*entry.key()));
            self.forgotten += entry.remove().sum(0, 23);
        }
    }

    pub(super) fn forgotten(&self) -> Counts {
        self.forgotten
    }

    /// What was written earlier, as [`MinuteCounts::forgotten`] gave it; once.
    pub(super) fn restore_forgotten(&mut self, forgotten: Counts) {
        self.forgotten = forgotten;
        self.total += forgotten;
    }

    /// What was written earlier; each stretch once.
    pub(super) fn restore(&mut self, stretch: Stretch, packed: Packed) {
        self.total += packed.sum(0, 59);
        match stretch {
            Stretch::Hour(hour) => self.hours.insert(hour, packed),
            Stretch::Day(day) => self.days.insert(day, packed),
        };
    }

    /// What is different from what was given out last; `None` for what is no more.
    pub(super) fn take_changed(&mut self) -> Vec<(Stretch, Option<Packed>)> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().map(|stretch| (stretch, self.stretch(stretch))).collect()
    }

    /// Everything that is kept.
    pub(super) fn stretches(&self) -> Vec<(Stretch, Option<Packed>)> {
        let open = self.open.iter().map(|(hour, _)| Stretch::Hour(*hour));
        let hours = self.hours.keys().map(|hour| Stretch::Hour(*hour)).chain(open);
        let all = hours.chain(self.days.keys().map(|day| Stretch::Day(*day)));
        all.map(|stretch| (stretch, self.stretch(stretch))).collect()
    }

    /// The newest of what is kept.
    pub(super) fn last(&self) -> Option<Stretch> {
        let open = self.open.as_ref().map(|(hour, _)| Stretch::Hour(*hour));
        let hour = open.max(self.hours.last_key_value().map(|(hour, _)| Stretch::Hour(*hour)));
        hour.or(self.days.last_key_value().map(|(day, _)| Stretch::Day(*day)))
    }

    fn stretch(&self, stretch: Stretch) -> Option<Packed> {
        match (stretch, &self.open) {
            (Stretch::Hour(hour), Some((open, minutes))) if *open == hour => Some(Packed::new(&**minutes)),
            (Stretch::Hour(hour), _) => self.hours.get(&hour).cloned(),
            (Stretch::Day(day), _) => self.days.get(&day).cloned(),
        }
    }
}

fn total_of(counts: impl Iterator<Item = Counts>) -> Counts {
    counts.fold(Counts::default(), |mut sum, one| {
        sum += one;
        sum
    })
}
