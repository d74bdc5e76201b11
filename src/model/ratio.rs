//! Shares as exact decimals: 99.9% is 999 of 1000 and nothing else. Never a floating-point number.

use std::fmt;

/// A share from 0 to 1, as the decimal it was written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ratio {
    parts: u64,
    of: u64,
}

impl Ratio {
    /// All of it.
    pub const ONE: Self = Self { parts: 1, of: 1 };

    /// `parts` of `of`; `None` when that is more than all of it, or of nothing.
    #[must_use]
    pub fn new(parts: u64, of: u64) -> Option<Self> {
        if of == 0 || parts > of {
            return None;
        }
        let (mut a, mut b) = (of, parts);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Some(Self { parts: parts / a, of: of / a })
    }

    /// Reads `99.9%`, `99.9 %` or `0.999`: at most nine digits after the point. `None` when it is no such thing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (number, of) = match text.strip_suffix('%') {
            Some(number) => (number.trim_end(), 100),
            None => (text, 1),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_number = !whole.is_empty() && digits(whole) && digits(fraction);
        if !is_number || whole.len() > 3 || fraction.len() > 9 || number.ends_with('.') {
            return None;
        }
        let scale = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
        let parts = whole.parse::<u64>().ok()? * scale
            + if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
        Self::new(parts, scale * of)
    }

    /// How many of [`Ratio::of`], in lowest terms.
    #[must_use]
    pub fn parts(self) -> u64 {
        self.parts
    }

    /// The whole, at most 10¹¹ for what was parsed.
    #[must_use]
    pub fn of(self) -> u64 {
        self.of
    }

    /// What is missing to all of it: the error budget of an objective.
    #[must_use]
    pub fn rest(self) -> Self {
        Self { parts: self.of - self.parts, of: self.of }
    }

    /// For people and for Prometheus.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a number to show; judging uses the exact one")]
    pub fn as_f64(self) -> f64 {
        self.parts as f64 / self.of as f64
    }
}

/// As a percentage with as many digits as it needs: `99.9%`. Shares that no decimal can hold end after nine digits.
impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scaled = u128::from(self.parts) * 100 * 1_000_000_000 / u128::from(self.of);
        let (whole, fraction) = (scaled / 1_000_000_000, scaled % 1_000_000_000);
        if fraction == 0 {
            return write!(f, "{whole}%");
        }
        let digits = format!("{fraction:09}");
        write!(f, "{whole}.{}%", digits.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_exactly_and_shown_as_written() {
        let check = |text: &str, parts: u64, of: u64, shown: &str| {
            let ratio = Ratio::parse(text).unwrap();
            assert_eq!((ratio.parts(), ratio.of(), ratio.to_string().as_str()), (parts, of, shown), "{text}");
        };
        check("99.9%", 999, 1000, "99.9%");
        check("0.999", 999, 1000, "99.9%");
        check("99.999 %", 99_999, 100_000, "99.999%");
        check("90%", 9, 10, "90%");
        check("100%", 1, 1, "100%");
        check("0%", 0, 1, "0%");
        check("0.1%", 1, 1000, "0.1%");
        check("1", 1, 1, "100%");
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for text in
            ["", "%", "101%", "1.1", "-1%", "99,9%", ".9", "9.", "1e-3", "99.9.9%", "99.9999999999%", "nan"]
        {
            assert_eq!(Ratio::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_rest_is_the_budget() {
        assert_eq!(Ratio::parse("99.9%").map(Ratio::rest), Ratio::new(1, 1000));
    }
}
