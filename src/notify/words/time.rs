//! Points in time as people and programs read them. Always UTC.

use crate::model::Timestamp;

const DAY: i64 = 86_400_000;

/// `14:03:10 UTC`, with the date before it when it is not less than a day before `now`.
pub(in crate::notify) fn clock(time: Timestamp, now: Timestamp) -> String {
    let is_near = time.0.abs_diff(now.0) < DAY.unsigned_abs();
    let format = if is_near { "%H:%M:%S UTC" } else { "%Y-%m-%d %H:%M:%S UTC" };
    instant(time).strftime(format).to_string()
}

/// `14:03:10 UTC, 4m05s ago`.
pub(in crate::notify) fn ago(time: Timestamp, now: Timestamp) -> String {
    format!("{}, {} ago", clock(time, now), now.since(time))
}

/// `2026-11-22T09:16:42.943Z`.
pub(in crate::notify) fn iso(time: Timestamp) -> String {
    instant(time).to_string()
}

/// A time that no calendar knows, which only a broken clock gives, is the beginning of 1970.
fn instant(time: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(time.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_a_clock_and_as_an_age() {
        let now = Timestamp(1_795_600_000_000);
        let check = |before: i64, expected: &str| {
            assert_eq!(ago(Timestamp(now.0 - before), now), expected);
        };
        check(245_000, "09:42:35 UTC, 4m05s ago");
        check(2 * DAY, "2026-11-23 09:46:40 UTC, 2d00h ago");
        check(-5_000, "09:46:45 UTC, 0s ago");
        assert_eq!(iso(now), "2026-11-25T09:46:40Z");
        assert_eq!(iso(Timestamp(now.0 + 20)), "2026-11-25T09:46:40.02Z");
        assert_eq!(iso(Timestamp(i64::MAX)), "1970-01-01T00:00:00Z");
    }
}
