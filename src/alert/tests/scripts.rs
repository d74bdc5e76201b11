//! Rules tried on scripted minutes.

use super::*;
use crate::alert::{ScriptedMinute, TrendOf, scripted_states};

/// One word per minute: a value, `?` for unmeasured, `-` for nothing. One letter per state from minute 0 on.
#[track_caller]
fn check(rule: &AlertRule, minutes: &str, expected: &str) {
    let minute = |word| match word {
        "?" => ScriptedMinute::Unmeasured,
        "-" => ScriptedMinute::Nothing,
        value => ScriptedMinute::Value(value),
    };
    let minutes: Vec<_> = minutes.split_whitespace().map(minute).collect();
    let letter = |state: Option<AlertState>| match state {
        None => '.',
        Some(AlertState::Pending) => 'p',
        Some(AlertState::Firing) => 'F',
    };
    let found =
        scripted_states(rule, &minutes).map(|states| states.into_iter().map(letter).collect::<String>());
    assert_eq!(found.as_deref(), Ok(expected), "{minutes:?}");
}

fn for_minutes(minutes: u64, when: Condition) -> AlertRule {
    AlertRule { hold: seconds(minutes * 60), resolve_after: seconds(60), ..rule(when) }
}

#[test]
fn a_state_has_seen_the_minutes_before_it() {
    let lag = for_minutes(5, Condition::Lag { of: everyone(), above: 10_000 });
    check(&lag, "12000 12000 12000 12000 12000 12000 0 0", ".ppppFF..");
    check(&lag, "12000 12000 12000 12000 0 0", ".pppp..");
    check(&lag, "12000 12000 12000 ? ? ? ? 12000 ? 0 0", ".pppppppFF..");
    check(&lag, "10000 10001 - 10001", "..p.p");
    let at_once = AlertRule { hold: Millis(0), ..lag };
    check(&at_once, "10000 10001 0 10001 0 0 -", "..F.F...");
}

#[test]
fn every_condition_can_be_scripted() {
    let of = everyone;
    let at_once = |when| AlertRule { resolve_after: Millis(0), ..for_minutes(0, when) };
    check(&at_once(Condition::TimeLag { of: of(), above: seconds(90) }), "1m30s 90.5s 2m", "..FF");
    check(&at_once(Condition::TimeLag { of: of(), above: seconds(90) }), "90 91 90000ms 0.1h", "..F.F");
    let latency =
        Condition::Latency { of: of(), quantile: ratio("0.99"), above: Millis(200), window: seconds(60) };
    check(&at_once(latency), "200ms 0.2 0.201", "...F");
    check(&at_once(Condition::Throughput { of: of(), below: 1.5 }), "1.5 1.49", "..F");
    check(&at_once(Condition::Stuck { of: of(), longer_than: seconds(300) }), "5m 301s", "..F");
    check(&at_once(Condition::RetentionEta { of: of(), below: seconds(60) }), "never 1m 59s", "...F");
    check(&at_once(Condition::Lost { of: of(), above: 0 }), "0 1", "..F");
    check(&at_once(Condition::NotDecreasing { of: of() }), "false true", "..F");
    check(&at_once(Condition::Unreachable), "true false", ".F.");
    let orders = || Selector::new("orders");
    let dead = Condition::DeadLetters {
        topic: orders(),
        dead_letter_topic: Selector::new("dlq"),
        above: ratio("1%"),
        window: seconds(60),
    };
    check(&at_once(dead), "1% 0.0101 2%", "..FF");
    check(&at_once(Condition::Offline { topic: orders() }), "true", ".F");
    check(&at_once(Condition::UnderMinIsr { topic: orders() }), "false", "..");
    let trend =
        Condition::Trend { of: of(), value: TrendOf::TimeLag, rising_for: seconds(240), by: ratio("20%") };
    check(&at_once(trend), "10 12 14 16 18 18 18", "....FF..");
}

#[test]
fn a_value_that_cannot_be_compared_is_refused() {
    let check = |when: Condition, text: &str, expected: &str| {
        let found = scripted_states(&rule(when), &[ScriptedMinute::Value(text)]);
        assert_eq!(found, Err(format!("`{text}` is not {expected}")));
    };
    let of = everyone;
    check(Condition::Lag { of: of(), above: 1 }, "1.5", "a whole number of records, such as 12000");
    let time = "a length of time, such as 90s, or a number of seconds";
    for text in ["soon", "", "-1s", "1x", "99999999999999999999d", "1.0000000001s"] {
        check(Condition::Stuck { of: of(), longer_than: seconds(1) }, text, time);
    }
    check(Condition::Throughput { of: of(), below: 1.0 }, "NaN", "records per second, such as 12.5");
    check(Condition::Unreachable, "yes", "true or false");
}
