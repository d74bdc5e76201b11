//! A rule tried on scripted values, by the same state machine that judges live. No clock, no files.
//!
//! A value holds over its whole minute [m, m + 1): it is seen when the minute begins and still there when it ends. So
//! with `for: 5m` a condition that is true from minute 10 on is pending at 11m and firing at 15m.

use super::definition::{AlertRule, Condition};
use super::timers::{Delays, Timers};
use super::trend::{Now, TrendHistory, trend};
use crate::model::{AlertState, Millis, Ratio, Timestamp};

/// What is measured in one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptedMinute<'a> {
    /// The value that the condition compares, as text: a number in the unit of the condition (records, seconds,
    /// records per second, a share), a length of time (`90s`, `5m`), a percentage, or `true` and `false` for
    /// conditions that compare nothing. Of `trend` it is the value of the minute; of `retention_eta` `never` is one.
    Value(&'a str),
    /// It cannot be measured.
    Unmeasured,
    /// There is nothing to judge: the condition is not true of anything.
    Nothing,
}

/// Where an alert of `rule` stands at the beginning of each minute from 0 on, and at the end of the last: one more than
/// there are minutes. A state at T has seen the minutes before T. `None` is ok.
///
/// # Errors
/// A value that the condition cannot compare, and what would be right.
pub fn scripted_states(
    rule: &AlertRule,
    minutes: &[ScriptedMinute<'_>],
) -> Result<Vec<Option<AlertState>>, String> {
    let delays = Delays { hold: rule.hold, resolve_after: rule.resolve_after };
    let mut timers: Option<Timers> = None;
    let mut history = TrendHistory::default();
    let mut states = vec![None];
    for (minute, value) in (0_i64..).zip(minutes) {
        let begin = Timestamp(minute * 60_000);
        let end = Timestamp(begin.0 + 60_000);
        let judge = |history: &mut TrendHistory, at| -> Result<Option<bool>, String> {
            Ok(match (value, &rule.when) {
                (ScriptedMinute::Nothing, _) => Some(false),
                (ScriptedMinute::Value(text), Condition::Trend { rising_for, by, .. }) => {
                    let value = Ok(Now::TimeLag(time(text)?));
                    trend(value, (*rising_for, *by), history, at).0.holds.ok()
                }
                (ScriptedMinute::Value(text), condition) => Some(is_so(condition, text)?),
                (ScriptedMinute::Unmeasured, _) => None,
            })
        };
        timers = Timers::step(timers, judge(&mut history, begin)?, begin, delays);
        // A trend knows a minute when it is over. The next one does not begin with its value, so that is forgotten.
        timers = Timers::step(timers, judge(&mut history.clone(), end)?, end, delays);
        states.push(timers.map(|timers| timers.state()));
    }
    Ok(states)
}

fn is_so(condition: &Condition, text: &str) -> Result<bool, String> {
    Ok(match condition {
        Condition::Lag { above, .. } | Condition::Lost { above, .. } => records(text)? > *above,
        Condition::TimeLag { above, .. } | Condition::Latency { above, .. } => time(text)? > *above,
        Condition::Stuck { longer_than, .. } => time(text)? > *longer_than,
        Condition::RetentionEta { below, .. } => text != "never" && time(text)? < *below,
        Condition::Throughput { below, .. } => {
            let rate = text.parse::<f64>().ok().filter(|rate| rate.is_finite() && *rate >= 0.0);
            rate.ok_or_else(|| wrong(text, "records per second, such as 12.5"))? < *below
        }
        Condition::DeadLetters { above, .. } => {
            let share = Ratio::parse(text).ok_or_else(|| wrong(text, "a share, such as 2% or 0.02"))?;
            u128::from(share.parts()) * u128::from(above.of())
                > u128::from(above.parts()) * u128::from(share.of())
        }
        Condition::NotDecreasing { .. }
        | Condition::Offline { .. }
        | Condition::UnderMinIsr { .. }
        | Condition::Unreachable
        | Condition::Trend { .. } => match text {
            "true" => true,
            "false" => false,
            _ => return Err(wrong(text, "true or false")),
        },
    })
}

fn records(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| wrong(text, "a whole number of records, such as 12000"))
}

/// A number of seconds, or numbers with units, as in `1m30s`.
fn time(text: &str) -> Result<Millis, String> {
    let length =
        if text.ends_with(|last: char| last.is_ascii_digit()) { scaled(text, 1000) } else { sum(text) };
    length.map(Millis).ok_or_else(|| wrong(text, "a length of time, such as 90s, or a number of seconds"))
}

fn sum(text: &str) -> Option<u64> {
    let (mut rest, mut sum) = (text, 0_u64);
    while !rest.is_empty() {
        let unit = rest.find(|letter: char| letter.is_ascii_alphabetic())?;
        let (number, after) = rest.split_at(unit);
        let end = after.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(after.len());
        let millis = match &after[..end] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        sum = sum.checked_add(scaled(number, millis)?)?;
        rest = &after[end..];
    }
    (!text.is_empty()).then_some(sum)
}

/// A decimal number of `unit`, cut to whole ones.
fn scaled(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let parts = fraction.parse::<u64>().ok()?.checked_mul(unit)?;
    let scale = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
    whole.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(parts / scale)
}

fn wrong(text: &str, right: &str) -> String {
    format!("`{text}` is not {right}")
}
