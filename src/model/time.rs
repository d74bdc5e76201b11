//! Points in time and lengths of time, in whole milliseconds. Never reads a clock.

use std::fmt;
use std::ops::{Add, Sub};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z, as Kafka stamps its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// A length of time in milliseconds. Never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub u64);

impl Timestamp {
    /// The time from `earlier` to this one; zero when `earlier` is later (two clocks may disagree by a little).
    #[must_use]
    pub fn since(self, earlier: Self) -> Millis {
        Millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Millis> for Timestamp {
    type Output = Self;

    fn add(self, length: Millis) -> Self {
        Self(self.0.saturating_add_unsigned(length.0))
    }
}

impl Sub<Millis> for Timestamp {
    type Output = Self;

    fn sub(self, length: Millis) -> Self {
        Self(self.0.saturating_sub_unsigned(length.0))
    }
}

/// `ms` before `m`, which is its beginning.
const UNITS: &[(&str, u64)] = &[("ms", 1), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];

impl Millis {
    /// A length of `seconds`.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds * 1000)
    }

    /// This length in seconds, for people and for Prometheus.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "2^53 ms are 285,000 years")]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// What settings write as a length of time: units from the largest to the smallest, each at most once, with whole
    /// numbers.
    #[must_use]
    pub fn from_units(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut total: u64 = 0;
        let mut unit_before = u64::MAX;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let number: u64 = rest[..digits].parse().ok()?;
            let (name, unit) = UNITS.iter().find(|(name, _)| rest[digits..].starts_with(name))?;
            // So that 1m1h is not taken for a slip of the pen.
            if *unit >= unit_before {
                return None;
            }
            unit_before = *unit;
            total = total.checked_add(number.checked_mul(*unit)?)?;
            rest = &rest[digits + name.len()..];
        }
        (unit_before != u64::MAX).then_some(Self(total))
    }

    /// As settings and labels write it, exactly: `100ms`, `5m`, `1h30m`, `30d`.
    #[must_use]
    pub fn in_units(self) -> String {
        let mut rest = self.0;
        let mut text = String::new();
        for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
            if rest >= length {
                text.push_str(&format!("{}{unit}", rest / length));
                rest %= length;
            }
        }
        if text.is_empty() { "0s".to_owned() } else { text }
    }
}

/// For people: `0s`, `1.2s`, `59s`, `4m05s`, `3h07m`, `2d04h`.
impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1000;
        match seconds {
            0..10 if self.0.is_multiple_of(1000) => write!(f, "{seconds}s"),
            0..10 => write!(f, "{}.{}s", seconds, self.0 % 1000 / 100),
            10..60 => write!(f, "{seconds}s"),
            60..3600 => write!(f, "{}m{:02}s", seconds / 60, seconds % 60),
            3600..86_400 => write!(f, "{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
            _ => write!(f, "{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_like_a_person_would_say_them() {
        let check = |millis, text: &str| assert_eq!(Millis(millis).to_string(), text);
        check(0, "0s");
        check(1_250, "1.2s");
        check(59_999, "59s");
        check(245_000, "4m05s");
        check(11_220_000, "3h07m");
        check(187_200_000, "2d04h");
    }

    #[test]
    fn lengths_are_written_as_settings_write_them() {
        let check = |millis, text: &str| assert_eq!(Millis(millis).in_units(), text);
        check(0, "0s");
        check(100, "100ms");
        check(1_500, "1s500ms");
        check(300_000, "5m");
        check(3_600_000, "1h");
        check(5_400_000, "1h30m");
        check(2_592_000_000, "30d");
    }

    #[test]
    fn lengths_are_read_as_settings_write_them() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(Millis::from_units(text), expected.map(Millis), "{text}");
        };
        check("500ms", Some(500));
        check("1h30m", Some(5_400_000));
        check("30d", Some(2_592_000_000));
        check("30m1h", None);
        check("5", None);
        check("1.5s", None);
        check("", None);
        check("99999999999999999999d", None);
        check("9999999999999999d", None);
    }

    #[test]
    fn a_time_that_lies_ahead_is_no_time_ago() {
        assert_eq!(Timestamp(5).since(Timestamp(9)), Millis(0));
    }
}
