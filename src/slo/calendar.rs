//! Calendar periods in a time zone: when the current one began and when it ends, exactly.
//! The zones are part of the program; never reads a clock, a file or the environment.

use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp as Instant, ToSpan as _};

use super::Period;
use crate::model::Timestamp;

/// No zone of that name is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownTimeZone(pub String);

impl std::fmt::Display for UnknownTimeZone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no such time zone: {}; write it as in Europe/Paris, or UTC", self.0)
    }
}

impl std::error::Error for UnknownTimeZone {}

/// A period and where.
#[derive(Debug, Clone)]
pub(super) struct Calendar {
    period: Period,
    zone: TimeZone,
}

impl Calendar {
    pub(super) fn new(period: Period, zone: &str) -> Result<Self, UnknownTimeZone> {
        let known = TimeZoneDatabase::bundled().get(zone);
        Ok(Self { period, zone: known.map_err(|_| UnknownTimeZone(zone.to_owned()))? })
    }

    /// Start (inclusive) and end (exclusive) of the period that `at` lies in. The end of time is the end of what
    /// calendars can tell.
    pub(super) fn period_of(&self, at: Timestamp) -> (Timestamp, Timestamp) {
        let bounded = at.0.clamp(Instant::MIN.as_millisecond(), Instant::MAX.as_millisecond());
        let date =
            Instant::from_millisecond(bounded).unwrap_or(Instant::MIN).to_zoned(self.zone.clone()).date();
        let first = match self.period {
            Period::Day => date,
            Period::Week => date.saturating_sub(i64::from(date.weekday().since(Weekday::Monday)).days()),
            Period::Month => date.first_of_month(),
            Period::Quarter => {
                let into = i64::from((date.month() - 1) % 3);
                date.first_of_month().saturating_sub(into.months())
            }
        };
        let next = match self.period {
            Period::Day => first.saturating_add(1.day()),
            Period::Week => first.saturating_add(7.days()),
            Period::Month => first.saturating_add(1.month()),
            Period::Quarter => first.saturating_add(3.months()),
        };
        (self.start_of(first, Instant::MIN), self.start_of(next, Instant::MAX))
    }

    /// The first moment of a day: not always midnight, where summer time begins then.
    fn start_of(&self, date: Date, otherwise: Instant) -> Timestamp {
        let start = date.to_zoned(self.zone.clone()).map_or(otherwise, |day| day.timestamp());
        Timestamp(start.as_millisecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(period: Period, zone: &str, at: &str, start: &str, end: &str) {
        let read = |text: &str| Timestamp(text.parse::<Instant>().unwrap().as_millisecond());
        let found = Calendar::new(period, zone).unwrap().period_of(read(at));
        assert_eq!(found, (read(start), read(end)), "{period:?} in {zone} at {at}");
    }

    #[test]
    fn periods_begin_and_end_where_they_are_lived() {
        check(Period::Day, "UTC", "2026-11-22T23:59:59.999Z", "2026-11-22T00:00Z", "2026-11-23T00:00Z");
        check(Period::Day, "UTC", "2026-11-22T00:00Z", "2026-11-22T00:00Z", "2026-11-23T00:00Z");
        check(Period::Week, "UTC", "2026-11-22T12:00Z", "2026-11-16T00:00Z", "2026-11-23T00:00Z");
        check(Period::Week, "UTC", "2026-11-23T00:00Z", "2026-11-23T00:00Z", "2026-11-30T00:00Z");
        check(Period::Month, "UTC", "2028-02-29T12:00Z", "2028-02-01T00:00Z", "2028-03-01T00:00Z");
        check(Period::Quarter, "UTC", "2026-12-31T12:00Z", "2026-10-01T00:00Z", "2027-01-01T00:00Z");
        check(Period::Quarter, "UTC", "2026-05-01T12:00Z", "2026-04-01T00:00Z", "2026-07-01T00:00Z");
    }

    #[test]
    fn summer_time_makes_days_of_23_and_25_hours() {
        let paris = "Europe/Paris";
        check(Period::Day, paris, "2026-03-29T12:00Z", "2026-03-28T23:00Z", "2026-03-29T22:00Z");
        check(Period::Day, paris, "2026-10-25T12:00Z", "2026-10-24T22:00Z", "2026-10-25T23:00Z");
        check(Period::Month, paris, "2026-03-15T12:00Z", "2026-02-28T23:00Z", "2026-03-31T22:00Z");
        // Midnight does not exist on this day: it begins at one.
        check(Period::Day, "America/Santiago", "2026-09-06T12:00Z", "2026-09-06T04:00Z", "2026-09-07T03:00Z");
        check(Period::Day, "Asia/Kathmandu", "2026-11-22T12:00Z", "2026-11-21T18:15Z", "2026-11-22T18:15Z");
    }

    #[test]
    fn a_zone_that_nobody_knows_is_refused() {
        assert_eq!(
            Calendar::new(Period::Day, "Mars/Base").err(),
            Some(UnknownTimeZone("Mars/Base".to_owned()))
        );
    }

    #[test]
    fn no_time_is_beyond_the_calendar() {
        let calendar = Calendar::new(Period::Month, "Europe/Paris").unwrap();
        for at in [i64::MIN, i64::MAX] {
            let (start, end) = calendar.period_of(Timestamp(at));
            assert!(start < end, "{at}");
        }
    }
}
