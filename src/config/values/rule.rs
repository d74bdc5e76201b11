//! Single values of rules and their tests: shares, names, severities, times.

use std::path::PathBuf;
use std::time::Duration;

use super::{Wrong, duration, topic_selector, wrong};
use crate::model::{Ratio, Selector, Timestamp};

/// The shortest window.
pub(in crate::config) const MINUTE: Duration = Duration::from_mins(1);
/// The longest window.
pub(in crate::config) const NINETY_DAYS: Duration = Duration::from_hours(90 * 24);

/// As [`duration`], in whole minutes.
pub(in crate::config) fn minutes(text: &str, least: Duration, most: Duration) -> Result<Duration, Wrong> {
    let length = duration(text, least, most)?;
    if !length.as_millis().is_multiple_of(60_000) {
        return wrong("is not in whole minutes", "write one such as `1m`, `6h` or `30d`");
    }
    Ok(length)
}

/// A share from 0 to 1, exactly.
pub(in crate::config) fn share(text: &str) -> Result<Ratio, Wrong> {
    match Ratio::parse(text) {
        Some(ratio) => Ok(ratio),
        None if Ratio::parse(&format!("{text}%")).is_some() => {
            wrong("is more than all", "write a `%` after it, such as `99.9%`, or a decimal from 0 to 1")
        }
        None => wrong(
            "is no share",
            "write a percentage such as `99.9%`, or a decimal from 0 to 1, with at most nine digits after the point",
        ),
    }
}

/// A share that is neither nothing nor all.
pub(in crate::config) fn objective(text: &str) -> Result<Ratio, Wrong> {
    let ratio = share(text)?;
    if ratio.parts() == 0 {
        return wrong("is nothing, so it is always met", "write a share above 0, such as `99.9%`");
    }
    if ratio == Ratio::ONE {
        return wrong(
            "leaves no error budget, so it can only be missed",
            "write a share below 100%, such as `99.9%`",
        );
    }
    Ok(ratio)
}

/// A quantile, strictly between 0 and 1.
pub(in crate::config) fn quantile(text: &str) -> Result<Ratio, Wrong> {
    let help = "write one between 0 and 1, such as `0.99`";
    match Ratio::parse(text) {
        Some(ratio) if ratio.parts() > 0 && ratio != Ratio::ONE => Ok(ratio),
        Some(_) => wrong("is the least or the greatest value, not a quantile", help),
        None => wrong("is not a quantile", help),
    }
}

/// A number above 0, in plain decimal digits.
pub(in crate::config) fn rate(text: &str) -> Result<f64, Wrong> {
    let help = "write a number above 0, such as `10` or `0.5`";
    let number = digits(text).ok().and_then(|text| text.parse::<f64>().ok());
    match number {
        Some(number) if number > 0.0 && number.is_finite() => Ok(number),
        Some(_) => wrong("is not above 0", help),
        None => wrong("is not a number", help),
    }
}

/// A number from 0 on, in plain decimal digits; kept as it is written.
pub(in crate::config) fn amount(text: &str) -> Result<String, Wrong> {
    match digits(text) {
        Ok(text) if !text.starts_with('-') => Ok(text),
        _ => wrong("is not a number from 0 on", "write one such as `10` or `0.5`"),
    }
}

/// Decimal digits with a point and a sign at most; kept as they are written.
pub(in crate::config) fn digits(text: &str) -> Result<String, Wrong> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if are_digits(whole) && are_digits(fraction) && text.len() <= 30 {
        return Ok(text.to_owned());
    }
    wrong("is not a decimal number", "write as many digits as matter, such as `0.98` or `-1.5`")
}

/// `true` or `false`, and nothing that only looks like it.
pub(in crate::config) fn flag(text: &str) -> Result<bool, Wrong> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => wrong("is neither true nor false", "write `true` or `false`"),
    }
}

/// The name of an SLO or alert.
pub(in crate::config) fn rule_name(text: &str) -> Result<String, Wrong> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ':');
    let help = "use 1 to 100 letters, digits, `_`, `.`, `-` and `:`";
    match text.len() {
        0 => wrong("is empty", help),
        101.. => wrong("is too long", help),
        _ if !text.chars().all(allowed) => wrong("is not a rule's name", help),
        _ => Ok(text.to_owned()),
    }
}

/// Words for people.
pub(in crate::config) fn text(text: &str) -> Result<String, Wrong> {
    match text.len() {
        0 => wrong("is empty", "write something, or remove the key"),
        2049.. => wrong("is too long", "write at most 2048 bytes"),
        _ => Ok(text.to_owned()),
    }
}

/// The name of a label that a rule brings itself.
pub(in crate::config) fn label_name(text: &str) -> Result<(), Wrong> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) || !text.chars().all(is_plain) {
        return wrong("is not a label's name", "use letters, digits and `_`, with no digit at the beginning");
    }
    if text.starts_with("__") {
        return wrong("is a name that Prometheus keeps for itself", "begin it with no more than one `_`");
    }
    if RESERVED_LABELS.contains(&text) {
        let help = format!("choose another name than `{}`", RESERVED_LABELS.join("`, `"));
        return wrong("is a label that plimsoll sets itself", help);
    }
    Ok(())
}

/// What every alert carries: the same name twice would make it unreadable.
const RESERVED_LABELS: [&str; 9] = [
    "alertname",
    "alertstate",
    "slo",
    "cluster",
    "consumergroup",
    "topic",
    "partition",
    "severity",
    "unmeasured",
];

/// The name of a topic that is meant alone.
pub(in crate::config) fn exact_topic(text: &str) -> Result<Selector, Wrong> {
    let selector = topic_selector(text)?;
    if selector.exact().is_none() {
        return wrong("is a glob", "write the exact name of one topic");
    }
    Ok(selector)
}

/// A time zone's name, out of the time zones that the program brings with it.
pub(in crate::config) fn time_zone(text: &str) -> Result<String, Wrong> {
    if jiff::tz::TimeZone::get(text).is_ok() {
        return Ok(text.to_owned());
    }
    wrong("is not a time zone", "write its name in the IANA database, such as `Europe/Paris`, or `UTC`")
}

/// A point in time in RFC 3339.
pub(in crate::config) fn time(text: &str) -> Result<Timestamp, Wrong> {
    match text.parse::<jiff::Timestamp>() {
        Ok(time) => Ok(Timestamp(time.as_millisecond())),
        Err(_) => wrong("is not a point in time", "write it as `2026-03-01T00:00:00Z`"),
    }
}

/// A file or folder.
pub(in crate::config) fn path(text: &str) -> Result<PathBuf, Wrong> {
    if text.is_empty() || text.contains('\0') {
        return wrong("is not a path", "write one such as `/var/lib/plimsoll`");
    }
    Ok(PathBuf::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: std::fmt::Debug>(read: fn(&str) -> Result<T, Wrong>, text: &str, expected: &str) {
        let told = read(text).map_or_else(|wrong| wrong.what, |value| format!("{value:?}"));
        assert_eq!(told, expected, "{text}");
    }

    #[test]
    fn an_objective_leaves_a_budget() {
        check(objective, "99.95%", "Ratio { parts: 1999, of: 2000 }");
        check(objective, "0.999", "Ratio { parts: 999, of: 1000 }");
        check(objective, "100%", "leaves no error budget, so it can only be missed");
        check(objective, "0%", "is nothing, so it is always met");
        check(objective, "99.9", "is more than all");
        check(objective, "much", "is no share");
    }

    #[test]
    fn digits_are_kept_as_they_are_written() {
        check(digits, "-0.50", "\"-0.50\"");
        check(digits, "1e3", "is not a decimal number");
        check(digits, ".5", "is not a decimal number");
        check(digits, "5.", "is not a decimal number");
        check(rate, "0.5", "0.5");
        check(rate, "0", "is not above 0");
        check(rate, "inf", "is not a number");
    }

    #[test]
    fn a_label_is_the_rule_s_own() {
        check(label_name, "team", "()");
        check(label_name, "topic", "is a label that plimsoll sets itself");
        check(label_name, "__name__", "is a name that Prometheus keeps for itself");
        check(label_name, "my-team", "is not a label's name");
    }

    #[test]
    fn minutes_are_whole() {
        let check = |text: &str, expected: Result<u64, &str>| {
            let read = minutes(text, Duration::from_mins(1), Duration::from_hours(24 * 90));
            let read = read.map(|length| length.as_secs()).map_err(|wrong| wrong.what);
            assert_eq!(read, expected.map_err(str::to_owned), "{text}");
        };
        check("30d", Ok(2_592_000));
        check("1d12h", Ok(129_600));
        check("90s", Err("is not in whole minutes"));
        check("91d", Err("is too long"));
    }

    #[test]
    fn times_and_zones_are_known_ones() {
        check(time, "1970-01-01T00:01:00Z", "Timestamp(60000)");
        check(time, "2026-03-01", "is not a point in time");
        check(time_zone, "Europe/Paris", "\"Europe/Paris\"");
        check(time_zone, "Europe/Pariss", "is not a time zone");
    }
}
