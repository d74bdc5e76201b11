//! Every condition: when it is so, when it is not, and when nobody can know.

use super::*;
use crate::alert::TrendOf;

/// What `when` says of a tick, after it was true in the tick before: firing, held, or over.
#[track_caller]
fn check_one(when: &Condition, world: World, expected: &str) {
    check(rule(when.clone()), &[(1000, world, expected)]);
}

fn per_partition(when: Condition) -> AlertRule {
    AlertRule { per_partition: true, ..rule(when) }
}

const FIRES: &str = "billing orders F";

#[test]
fn lag_is_above_for_sure() {
    let lag = Condition::Lag { of: everyone(), above: 1000 };
    check_one(&lag, World::lagging(Ok(1000)), "");
    check_one(&lag, World::lagging(Ok(1001)), FIRES);
    check_one(&lag, World::billing(lags(&[Ok(600), Ok(600)])), FIRES);
    check_one(&lag, World::billing(lags(&[Ok(600), Err(UNKNOWN)])), "");
    check_one(&lag, World::billing(lags(&[Ok(1600), Err(UNKNOWN)])), FIRES);
    let view = lags(&[Ok(1001), Ok(1000), Err(UNKNOWN), Ok(2000)]);
    check(per_partition(lag), &[(1000, World::billing(view), "billing orders/0 F, billing orders/3 F")]);
}

#[test]
fn time_lag_is_that_of_the_worst_partition() {
    let time_lag = Condition::TimeLag { of: everyone(), above: seconds(60) };
    check_one(&time_lag, World::billing(lags(&[Ok(60), Ok(1)])), "");
    check_one(&time_lag, World::billing(lags(&[Ok(1), Ok(61)])), FIRES);
    check_one(&time_lag, World::billing(lags(&[Ok(61), Err(UNKNOWN)])), FIRES);
    check_one(&time_lag, World::billing(lags(&[Ok(60), Err(UNKNOWN)])), "");
    let world = World::billing(lags(&[Ok(1), Ok(61)]));
    check(per_partition(time_lag), &[(1000, world, "billing orders/1 F")]);
}

#[test]
fn stuck_is_standing_still_with_lag_for_longer() {
    let stuck = Condition::Stuck { of: everyone(), longer_than: seconds(300) };
    let check_since = |since: Measured<Option<i64>>, expected: &str| {
        let view = GroupTopicView { still_since: since.map(|since| since.map(at)), ..reads("orders") };
        check_one(&stuck, World::billing(view), expected);
    };
    check_since(Ok(Some(700)), "");
    check_since(Ok(Some(699)), FIRES);
    check_since(Ok(None), "");
    check_since(Err(UNKNOWN), "");
    let world = World::billing(lags(&[Ok(0), Ok(5)]));
    check(per_partition(stuck.clone()), &[(300, world.clone(), ""), (301, world, "billing orders/1 F")]);
}

#[test]
fn values_of_one_tick_are_compared_strictly() {
    let of = everyone;
    let view = |change: fn(&mut GroupTopicView)| {
        let mut view = reads("orders");
        change(&mut view);
        World::billing(view)
    };
    let slow = Condition::Throughput { of: of(), below: 10.0 };
    check_one(&slow, view(|it| it.consumed_per_second = Ok(9.9)), FIRES);
    check_one(&slow, view(|it| it.consumed_per_second = Ok(10.0)), "");
    check_one(&slow, view(|it| it.consumed_per_second = Err(UNKNOWN)), "");
    let eta = Condition::RetentionEta { of: of(), below: seconds(3600) };
    check_one(&eta, view(|it| it.retention_eta = Ok(Some(seconds(3599)))), FIRES);
    check_one(&eta, view(|it| it.retention_eta = Ok(Some(seconds(3600)))), "");
    check_one(&eta, view(|it| it.retention_eta = Ok(None)), "");
    let flat = Condition::NotDecreasing { of: of() };
    check_one(&flat, view(|it| it.not_decreasing = Ok(true)), FIRES);
    check_one(&flat, view(|it| it.not_decreasing = Err(UNKNOWN)), "");
}

#[test]
fn records_lost_in_the_last_hour_count() {
    let lost = rule(Condition::Lost { of: everyone(), above: 0 });
    let world = |lost_total, lag| World::billing(GroupTopicView { lost_total, lag, ..reads("orders") });
    check(
        lost,
        &[
            // Lost before anybody watched.
            (0, world(7, Ok(0)), ""),
            (60, world(9, Ok(0)), FIRES),
            (3600, world(9, Ok(0)), FIRES),
            (3601, world(9, Err(UNKNOWN)), FIRES),
            (3660, world(9, Err(UNKNOWN)), "billing orders F?"),
            (3661, world(9, Ok(0)), ""),
            (9000, world(10, Err(UNKNOWN)), FIRES),
        ],
    );
}

#[test]
fn dead_letters_are_a_share_of_what_was_appended() {
    let when = |above| Condition::DeadLetters {
        topic: Selector::new("orders"),
        dead_letter_topic: Selector::new("orders.dlq"),
        above: ratio(above),
        window: seconds(300),
    };
    let world = |all, dead| {
        let ok = [(Some(1), 3)];
        World::of_topics(vec![topic("orders", all, &ok), topic("orders.dlq", dead, &ok)])
    };
    let mut unread = world(1000, 60);
    unread.topics[1].partitions[0].end = Err(UNKNOWN);
    let without = World::of_topics(vec![topic("orders", 1000, &[(Some(1), 3)])]);
    check(
        rule(when("1%")),
        &[
            (0, world(0, 0), ""),
            // Not watched for five minutes.
            (299, world(1000, 9), ""),
            (300, world(1000, 10), ""),
            (301, world(1000, 11), "orders F"),
            (302, unread, "orders F?"),
            (303, without, "orders F?"),
            (700, world(2000, 12), ""),
            // Nothing is appended, and yet there are dead letters.
            (2000, world(2000, 13), "orders F"),
        ],
    );
}

#[test]
fn a_quantile_is_above_only_when_all_of_its_bucket_is() {
    let when = |quantile, above| Condition::Latency {
        of: everyone(),
        quantile: ratio(quantile),
        above: Millis(above),
        window: seconds(60),
    };
    let check_counts = |when: Condition, counts, estimated, lag, expected: &str| {
        let none = latencies([0; 4], [0; 3], Ok(0));
        let ticks = [
            (0, World::billing(none), ""),
            (60, World::billing(latencies(counts, estimated, lag)), expected),
        ];
        check(rule(when), &ticks);
    };
    let exact = [0; 3];
    // Of 100 records, the 99th is within the bound or it is not.
    check_counts(when("0.99", 200), [90, 9, 1, 0], exact, Ok(0), "");
    check_counts(when("0.99", 200), [90, 8, 2, 0], exact, Ok(0), FIRES);
    check_counts(when("0.99", 400), [90, 8, 0, 2], exact, Ok(0), FIRES);
    check_counts(when("0.5", 100), [1, 1, 0, 0], exact, Ok(0), "");
    // Between two bounds nobody knows on which side it lies.
    check_counts(when("0.99", 300), [90, 8, 2, 0], exact, Ok(0), "");
    check_counts(when("0.99", 300), [90, 8, 0, 2], exact, Ok(0), FIRES);
    check_counts(when("0.99", 500), [90, 8, 0, 2], exact, Ok(0), "");
    // Those that were only estimated to be late may have been in time.
    check_counts(when("0.99", 200), [90, 8, 2, 0], [0, 1, 0], Ok(0), "");
    check_counts(when("0.99", 200), [90, 6, 4, 0], [0, 1, 0], Ok(0), FIRES);
}

#[test]
fn a_latency_that_cannot_be_told_is_held() {
    let when = Condition::Latency {
        of: everyone(),
        quantile: ratio("0.5"),
        above: Millis(200),
        window: seconds(60),
    };
    let world = |counts, lag| World::billing(latencies(counts, [0; 3], lag));
    check(
        rule(when),
        &[
            (0, world([0; 4], Ok(5)), ""),
            (59, world([0, 0, 9, 0], Ok(5)), ""),
            (60, world([0, 0, 9, 0], Ok(5)), FIRES),
            // Estimates in a bound above the threshold do not matter; nothing committed with lag does.
            (200, world([0, 0, 9, 0], Ok(5)), "billing orders F?"),
            (201, world([0, 0, 9, 0], Err(UNKNOWN)), "billing orders F?"),
            // The daemon of before has counted on, or started anew.
            (202, world([0, 0, 1, 0], Ok(5)), "billing orders F?"),
            (262, world([8, 0, 2, 0], Ok(5)), ""),
            (400, world([8, 0, 2, 0], Ok(0)), ""),
        ],
    );
}

#[test]
fn a_quantile_next_to_the_threshold_is_held() {
    // Of 100 records the 99th is the first above 200 ms, and nobody knows on which side of the threshold.
    let check_held = |above, estimated| {
        let when = Condition::Latency {
            of: everyone(),
            quantile: ratio("0.99"),
            above: Millis(above),
            window: seconds(60),
        };
        let world = |counts, estimated| World::billing(latencies(counts, estimated, Ok(5)));
        let ticks = [
            (0, world([0; 4], [0; 3]), ""),
            (60, world([0, 0, 0, 9], [0; 3]), FIRES),
            (200, world([90, 8, 2, 9], estimated), "billing orders F?"),
        ];
        check(rule(when), &ticks);
    };
    check_held(300, [0; 3]);
    check_held(200, [0, 1, 0]);
}

#[test]
fn partitions_without_a_leader_or_enough_replicas_are_told() {
    let offline = Condition::Offline { topic: Selector::new("o*") };
    let under = Condition::UnderMinIsr { topic: Selector::new("o*") };
    let ok = (Some(1), 2);
    let world = |partitions: &[_]| {
        World::of_topics(vec![topic("orders", 0, partitions), topic("x", 0, &[(None, 0)])])
    };
    check_one(&offline, world(&[ok, ok]), "");
    check_one(&offline, world(&[ok, (None, 1)]), "orders F");
    check_one(&under, world(&[ok, (Some(1), 1)]), "orders F");
    check_one(&under, world(&[ok, ok]), "");
    let one_bad = world(&[ok, (None, 1)]);
    let mut hidden = world(&[]);
    hidden.topics[0].id = Err(Reason::NotAuthorized);
    for when in [offline, under] {
        let ticks = [
            (0, one_bad.clone(), "orders/1 F"),
            (1, hidden.clone(), "orders/1 F?"),
            (2, world(&[ok, ok]), ""),
        ];
        check(per_partition(when), &ticks);
    }
}

#[test]
fn a_cluster_is_unreachable_when_it_was_tried() {
    let mut starting = World::down();
    starting.up = Err(Reason::NotYetRead);
    let up = World::of_topics(Vec::new());
    check(
        rule(Condition::Unreachable),
        &[(0, starting, ""), (1, World::down(), "F"), (2, World::down(), "F"), (3, up, "")],
    );
}

#[test]
fn a_time_lag_rises_when_every_quarter_is_above_the_one_before() {
    let when = |by: &str| Condition::Trend {
        of: everyone(),
        value: TrendOf::TimeLag,
        rising_for: seconds(480),
        by: ratio(by),
    };
    // One value per minute; whether it rises at the beginning of the minute after the last.
    let check_minutes = |values: &[Measured<u64>], by: &str, expected: bool| {
        let mut alerts = Alerts::new(vec![rule(when(by))]);
        let mut views = Vec::new();
        for (minute, value) in (0..).zip(values.iter().chain([&Ok(500)])) {
            let world = World::billing(GroupTopicView { time_lag: value.map(seconds), ..reads("orders") });
            views = alerts.observe(&world.input(at(minute * 60)));
        }
        assert_eq!(shown(&views) == FIRES, expected, "{values:?} by {by}");
    };
    let known = |values: [u64; 8]| values.map(Ok);
    check_minutes(&known([10, 11, 12, 13, 14, 15, 16, 17]), "20%", true);
    check_minutes(&known([10, 11, 12, 13, 14, 15, 16, 17]), "80%", false);
    // Noise, and a spike.
    check_minutes(&known([10, 12, 11, 14, 13, 16, 15, 18]), "20%", true);
    check_minutes(&known([10, 10, 99, 10, 10, 10, 10, 10]), "20%", false);
    // A step is no trend, nor is a rise that has ended.
    check_minutes(&known([10, 10, 10, 10, 30, 30, 30, 30]), "20%", false);
    check_minutes(&known([10, 12, 14, 16, 18, 20, 17, 15]), "20%", false);
    // Below what can be told apart.
    check_minutes(&known([0, 0, 0, 0, 0, 0, 0, 0]), "20%", false);
    let unknown = Err(UNKNOWN);
    check_minutes(&[Ok(10), unknown, Ok(12), unknown, Ok(14), unknown, Ok(16), unknown], "20%", true);
    check_minutes(&[unknown, unknown, Ok(12), Ok(13), Ok(14), Ok(15), Ok(16), Ok(17)], "20%", false);
    check_minutes(&known([10, 11, 12, 13, 14, 15, 16, 17])[1..], "20%", false);
}

#[test]
fn a_median_latency_rises_by_the_minute() {
    let when = Condition::Trend {
        of: everyone(),
        value: TrendOf::Latency,
        rising_for: seconds(240),
        by: ratio("20%"),
    };
    // Of ten records a minute, so many are within 100 ms; the others are within 200 ms.
    let check_fast = |fast: [u64; 4], lag: Measured<u64>, expected: &str| {
        let mut alerts = Alerts::new(vec![rule(when.clone())]);
        let mut counts = [0; 4];
        let mut views = Vec::new();
        for (minute, fast) in (0..).zip(fast.into_iter().chain([0])) {
            views = alerts.observe(&World::billing(latencies(counts, [0; 3], lag)).input(at(minute * 60)));
            let all = if fast == 99 { [0, 0] } else { [fast, 10 - fast] };
            (counts[0], counts[1]) = (counts[0] + all[0], counts[1] + all[1]);
        }
        assert_eq!(shown(&views), expected, "{fast:?}");
    };
    check_fast([10, 8, 6, 4], Ok(1), FIRES);
    check_fast([4, 6, 8, 10], Ok(1), "");
    check_fast([8, 8, 8, 8], Ok(1), "");
    check_fast([10, 8, 6, 99], Ok(0), "");
    check_fast([10, 8, 6, 99], Ok(1), "");
}
