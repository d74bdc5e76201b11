//! What alerts and rules say.

use super::*;
use crate::alert::{TrendOf, plain_words, problems};

fn of(group: &str, topic: Option<&str>) -> Consumption {
    Consumption { group: Selector::new(group), topic: topic.map(Selector::new) }
}

fn conditions() -> Vec<(Condition, &'static str)> {
    let orders = || Selector::new("orders");
    vec![
        (
            Condition::Lag { of: of("orders-processor", None), above: 10_000 },
            "opens a ticket when orders-processor lags by more than 10000 records, for 5m",
        ),
        (
            Condition::TimeLag { of: of("billing-*", Some("orders")), above: seconds(90) },
            "opens a ticket when any group like billing-* lags by more than 1m30s on orders, for 5m",
        ),
        (
            Condition::Latency {
                of: of("*", None),
                quantile: ratio("0.99"),
                above: Millis(200),
                window: seconds(600),
            },
            "opens a ticket when any group commits more than 1% of the records of 10m later than 200ms after they \
             were appended, for 5m",
        ),
        (
            Condition::Throughput { of: of("a", None), below: 2.5 },
            "opens a ticket when a consumes fewer than 2.5 records per second, for 5m",
        ),
        (
            Condition::Stuck { of: of("a", None), longer_than: seconds(300) },
            "opens a ticket when a has lag and commits no progress for longer than 5m, for 5m",
        ),
        (
            Condition::NotDecreasing { of: of("a", Some("orders")) },
            "opens a ticket when a has lag on orders that is nowhere lower than five minutes before, for 5m",
        ),
        (
            Condition::Trend {
                of: of("a", None),
                value: TrendOf::Latency,
                rising_for: seconds(900),
                by: ratio("20%"),
            },
            "opens a ticket when the median latency of a keeps rising over 15m, by at least 20%, for 5m",
        ),
        (
            Condition::Lost { of: of("a", None), above: 0 },
            "opens a ticket when a loses records to retention, for 5m",
        ),
        (
            Condition::RetentionEta { of: of("a", None), below: seconds(3600) },
            "opens a ticket when retention deletes within less than 1h what a has not committed, for 5m",
        ),
        (
            Condition::DeadLetters {
                topic: orders(),
                dead_letter_topic: Selector::new("dlq"),
                above: ratio("1%"),
                window: seconds(3600),
            },
            "opens a ticket when more than 1% of the records of orders are dead letters in dlq, over 1h, for 5m",
        ),
        (
            Condition::Offline { topic: Selector::new("*") },
            "opens a ticket when a partition of any topic has no leader, for 5m",
        ),
        (
            Condition::UnderMinIsr { topic: orders() },
            "opens a ticket when a partition of orders has fewer in-sync replicas than it needs, for 5m",
        ),
        (Condition::Unreachable, "opens a ticket when the cluster cannot be measured, for 5m"),
    ]
}

#[test]
fn a_rule_can_be_said_in_plain_words() {
    for (when, expected) in conditions() {
        let rule = AlertRule { hold: seconds(300), ..rule(when) };
        assert_eq!((plain_words(&rule).as_str(), problems(&rule)), (expected, Vec::new()));
    }
    let one = AlertRule {
        severity: Severity::Page,
        per_partition: true,
        summarize_above: Some(5),
        ..rule(Condition::Lag { of: of("a", Some("orders")), above: 1 })
    };
    assert_eq!(
        plain_words(&one),
        "pages when a lags by more than 1 records on a partition of orders; more than 5 at once are told as one"
    );
}

#[test]
fn an_alert_says_what_is_so_and_what_nobody_knows() {
    let lag = Condition::Lag { of: everyone(), above: 10 };
    let slow = AlertRule { hold: seconds(300), resolve_after: seconds(60), ..rule(lag) };
    let mut alerts = Alerts::new(vec![slow]);
    let mut check = |second, world: World, summary: &str, value: Option<f64>| {
        let views = alerts.observe(&world.input(at(second)));
        assert_eq!((&*views[0].summary, views[0].value), (summary, value), "at {second}s");
    };
    check(0, World::lagging(Ok(12)), "lag is 12 records, above 10", Some(12.0));
    check(300, World::lagging(Ok(13)), "lag is 13 records, above 10, for 5m", Some(13.0));
    let part = World::billing(lags(&[Ok(14), Err(UNKNOWN)]));
    check(301, part, "lag is at least 14 records, above 10, for 5m", None);
    let held = "lag above 10 records: cannot be judged now, so it stays as it was";
    check(302, World::down(), held, None);
    let calm = "lag above 10 records: not any more, but not yet for 1m";
    check(303, World::lagging(Ok(2)), calm, Some(2.0));
}

/// What one tick makes of a rule that fires at once.
#[track_caller]
fn check_claim(when: Condition, worlds: &[World], expected: &str) {
    let mut alerts = Alerts::new(vec![rule(when)]);
    let mut views = Vec::new();
    for (minute, world) in (0..).zip(worlds) {
        views = alerts.observe(&world.input(at(minute * 60)));
    }
    assert_eq!(views.first().map(|view| &*view.summary), Some(expected));
}

#[test]
fn every_condition_has_its_sentence() {
    let of = everyone;
    let view = |change: fn(&mut GroupTopicView)| {
        let mut view = lags(&[Ok(0), Ok(100)]);
        change(&mut view);
        vec![World::billing(view)]
    };
    let any = |_: &mut GroupTopicView| {};
    let time_lag = Condition::TimeLag { of: of(), above: seconds(60) };
    check_claim(time_lag, &view(any), "time lag is 1m40s, above 1m");
    let stuck = Condition::Stuck { of: of(), longer_than: seconds(300) };
    let still = "records wait and no commit has moved for 10m00s, longer than 5m";
    check_claim(stuck, &view(|it| it.still_since = Ok(Some(at(-600)))), still);
    let slow = Condition::Throughput { of: of(), below: 10.0 };
    check_claim(
        slow,
        &view(|it| it.consumed_per_second = Ok(2.25)),
        "2.2 records per second are consumed, below 10",
    );
    let flat = "lag is 100 records, nowhere lower than five minutes ago";
    check_claim(Condition::NotDecreasing { of: of() }, &view(|it| it.not_decreasing = Ok(true)), flat);
    let eta = Condition::RetentionEta { of: of(), below: seconds(3600) };
    let soon = "retention deletes in 10m00s what is not committed, below 1h";
    check_claim(eta, &view(|it| it.retention_eta = Ok(Some(seconds(600)))), soon);
    let lost = [view(|it| it.lost_total = 3), view(|it| it.lost_total = 5)].concat();
    let gone = "2 records were lost to retention in the last hour, above 0";
    check_claim(Condition::Lost { of: of(), above: 0 }, &lost, gone);
    let latency =
        Condition::Latency { of: of(), quantile: ratio("99.9%"), above: Millis(200), window: seconds(60) };
    let late = [latencies([0; 4], [0; 3], Ok(0)), latencies([0, 0, 9, 0], [0; 3], Ok(0))].map(World::billing);
    check_claim(latency, &late, "p99.9 latency is above 200ms over 1m");
    let trend =
        Condition::Trend { of: of(), value: TrendOf::TimeLag, rising_for: seconds(240), by: ratio("20%") };
    let rising = [10, 12, 14, 16, 16].map(|lag| World::lagging(Ok(lag)));
    check_claim(trend, &rising, "time lag keeps rising, from 10.0s to 16.0s over 4m, by at least 20%");
    let topics = World::of_topics(vec![topic("orders", 0, &[(Some(1), 3), (None, 1)])]);
    let orders = || Selector::new("orders");
    check_claim(
        Condition::Offline { topic: orders() },
        std::slice::from_ref(&topics),
        "1 of 2 partitions have no leader",
    );
    let under = "1 of 2 partitions have fewer in-sync replicas than min.insync.replicas";
    check_claim(Condition::UnderMinIsr { topic: orders() }, &[topics], under);
    let down = "the cluster cannot be measured: no broker can be reached";
    check_claim(Condition::Unreachable, &[World::down()], down);
    let ok = [(Some(1), 3)];
    let dead = |all, dead| World::of_topics(vec![topic("dlq", dead, &ok), topic("orders", all, &ok)]);
    let when = Condition::DeadLetters {
        topic: orders(),
        dead_letter_topic: Selector::new("dlq"),
        above: ratio("1%"),
        window: seconds(60),
    };
    check_claim(when, &[dead(0, 0), dead(400, 10)], "2.5% of the records of 1m are dead letters, above 1%");
}

#[test]
fn a_rule_that_can_never_fire_is_told() {
    let check = |when: Condition, expected: &str| {
        let found = problems(&rule(when));
        assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
    };
    let latency = |quantile, above, window| Condition::Latency {
        of: everyone(),
        quantile: ratio(quantile),
        above: Millis(above),
        window: seconds(window),
    };
    check(latency("1", 200, 60), "the quantile is 0 or 1");
    check(latency("0", 200, 60), "the quantile is 0 or 1");
    check(latency("0.99", 0, 60), "every latency is above 0");
    check(latency("0.99", 200, 59), "at least 1m");
    check(latency("0.99", 200, 86_401), "at most 1d");
    check(Condition::Throughput { of: everyone(), below: 0.0 }, "no rate is below this");
    check(Condition::RetentionEta { of: everyone(), below: Millis(0) }, "no time is below 0s");
    let dead = |topic: &str, above: &str| Condition::DeadLetters {
        topic: Selector::new(topic),
        dead_letter_topic: Selector::new("dlq"),
        above: ratio(above),
        window: seconds(60),
    };
    check(dead("orders", "100%"), "less than 100%");
    check(dead("dlq", "1%"), "nothing to compare");
    let trend = |rising_for, by| Condition::Trend {
        of: everyone(),
        value: TrendOf::TimeLag,
        rising_for: seconds(rising_for),
        by: ratio(by),
    };
    check(trend(239, "20%"), "at least 4m");
    check(trend(86_401, "20%"), "at most 1d");
    check(trend(240, "0%"), "any noise");
    let partition = AlertRule { per_partition: true, ..rule(Condition::Lost { of: everyone(), above: 0 }) };
    assert_eq!(problems(&partition).len(), 1);
}
