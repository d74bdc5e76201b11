use proptest::prelude::*;

use super::*;

const START: i64 = 1_795_000_000_000;

fn point(second: i64, lag: Option<u64>) -> HistoryPoint {
    HistoryPoint {
        at: Timestamp(START + second * 1000),
        lag,
        time_lag: lag.map(Millis),
        consumed_per_second: Some(12.5),
        appended_per_second: None,
    }
}

fn names(group: &str, topic: &str) -> (GroupId, TopicName) {
    (GroupId::from(group), TopicName::from(topic))
}

fn all(store: &Store, group: &str, topic: &str) -> Vec<HistoryPoint> {
    store.history(group, topic, Timestamp(i64::MIN))
}

/// Appends a point at each of these seconds, and says which were kept.
fn kept(seconds: &[i64]) -> Vec<i64> {
    let mut store = Store::new(4);
    let (group, topic) = names("g", "t");
    for second in seconds {
        store.append(&group, &topic, &point(*second, Some(1)));
    }
    all(&store, "g", "t").iter().map(|point| (point.at.0 - START) / 1000).collect()
}

#[test]
fn points_are_kept_every_fifteen_seconds() {
    let check = |seconds: &[i64], expected: &[i64]| assert_eq!(kept(seconds), expected, "{seconds:?}");
    check(&(0..50).collect::<Vec<_>>(), &[0, 15, 30, 45]);
    check(&[0, 14, 16, 30, 31], &[0, 16, 31]);
    check(&[0, 500, 501], &[0, 500]);
}

#[test]
fn a_clock_that_is_set_back_leaves_no_points_ahead_of_it() {
    let check = |seconds: &[i64], expected: &[i64]| assert_eq!(kept(seconds), expected, "{seconds:?}");
    check(&[0, 15, 30, 29, 28, 45], &[0, 15, 30, 45]);
    check(&[0, 15, 30, 45, 20, 35], &[0, 20, 35]);
    check(&[0, 15, 30, -100, -85], &[-100, -85]);
}

#[test]
fn history_begins_where_it_is_asked_to() {
    let mut store = Store::new(4);
    let (group, topic) = names("g", "t");
    (0..200).for_each(|n| store.append(&group, &topic, &point(n * 15, Some(1))));
    let since = Timestamp(START + 1500 * 1000);
    let history = store.history("g", "t", since);
    assert_eq!((history.len(), history[0].at), (100, since));
    assert!(store.history("g", "other", since).is_empty());
    assert!(store.history("other", "t", since).is_empty());
}

#[test]
fn what_is_older_than_an_hour_makes_room() {
    let mut store = Store::new(4);
    let (group, topic) = names("g", "t");
    (0..2000).for_each(|n| store.append(&group, &topic, &point(n * 15, Some(1))));
    let held = all(&store, "g", "t").len();
    assert!((240..=301).contains(&held), "{held} points");
}

#[test]
fn series_beyond_the_budget_are_refused_and_counted_once() {
    let mut store = Store::new(9);
    for second in [0, 15, 30] {
        for name in ["a", "b", "c", "d"] {
            let (group, topic) = names(name, "t");
            store.append(&group, &topic, &point(second, Some(1)));
        }
    }
    assert_eq!((store.series(), store.dropped_total()), (8, 8));
    assert_eq!((all(&store, "b", "t").len(), all(&store, "c", "t").len()), (3, 0));

    store.retain(|group, _| group.as_str() != "a");
    assert_eq!(store.series(), 4);
    let (group, topic) = names("c", "t");
    store.append(&group, &topic, &point(45, Some(1)));
    assert_eq!((store.series(), store.dropped_total()), (8, 8));
    assert_eq!((all(&store, "a", "t").len(), all(&store, "c", "t").len()), (0, 1));
}

#[test]
fn a_rate_that_is_no_rate_is_absent() {
    let mut store = Store::new(4);
    let (group, topic) = names("g", "t");
    for (n, rate) in [f64::NAN, -1.0, f64::INFINITY, 0.0].into_iter().enumerate() {
        let point = HistoryPoint { consumed_per_second: Some(rate), ..point(n as i64 * 15, None) };
        store.append(&group, &topic, &point);
    }
    let rates: Vec<_> = all(&store, "g", "t").iter().map(|point| point.consumed_per_second).collect();
    assert_eq!(rates, [None, None, None, Some(0.0)]);
}

/// All noise is the worst case: five digits of a rate that no guess can know are more than two bytes.
#[test]
fn an_hour_takes_few_bytes_a_value() {
    let busy = |below: u64| below;
    check_bytes_per_value(busy, 3.6);
    let steady = |below: u64| below.min(2);
    check_bytes_per_value(steady, 2.0);
    let idle = |_: u64| 1;
    check_bytes_per_value(idle, 1.3);
}

/// `spread` cuts the noise of each number and of the clock, from its largest to none.
fn check_bytes_per_value(spread: impl Fn(u64) -> u64, limit: f64) {
    let mut store = Store::new(4);
    let (group, topic) = names("g", "t");
    let mut noise = 1_u64;
    let mut next = |below: u64| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (noise >> 33) % spread(below)
    };
    for n in 0..240 {
        let point = HistoryPoint {
            at: Timestamp(START + n * 15_020 + next(20).cast_signed()),
            lag: Some(5_000 + next(2_000)),
            time_lag: Some(Millis(1_200 + next(900))),
            consumed_per_second: Some(1000.0 + next(50_000) as f64 / 1000.0),
            appended_per_second: Some(1000.0 + next(50_000) as f64 / 1000.0),
        };
        store.append(&group, &topic, &point);
    }
    assert_eq!(all(&store, "g", "t").len(), 240);
    let bytes_per_value = store.bytes() as f64 / (4.0 * 240.0);
    assert!(bytes_per_value < limit, "{bytes_per_value} bytes a value");
}

/// A wait before the point, in milliseconds, and the point's values.
fn any_step() -> impl Strategy<Value = (u64, HistoryPoint)> {
    let rate =
        || prop::option::of((0_u64..10_000_000_000).prop_map(|thousandths| thousandths as f64 / 1000.0));
    let values = (any::<Option<u64>>(), any::<Option<u64>>(), rate(), rate());
    (0_u64..40_000, values).prop_map(|(wait, (lag, time_lag, consumed_per_second, appended_per_second))| {
        let time_lag = time_lag.map(Millis);
        let at = Timestamp(0);
        (wait, HistoryPoint { at, lag, time_lag, consumed_per_second, appended_per_second })
    })
}

proptest! {
    #[test]
    fn what_went_in_within_the_hour_comes_out_exactly(steps in prop::collection::vec(any_step(), 0..400)) {
        let mut store = Store::new(4);
        let (group, topic) = names("g", "t");
        let mut expected: Vec<HistoryPoint> = Vec::new();
        let mut at = Timestamp(START);
        for (wait, values) in steps {
            at = at + Millis(wait);
            let point = HistoryPoint { at, ..values };
            store.append(&group, &topic, &point);
            if expected.last().is_none_or(|last| at.since(last.at) >= RESOLUTION) {
                expected.push(point);
            }
        }
        let since = expected.last().map_or(at, |last| last.at - RETENTION);
        expected.retain(|point| point.at >= since);
        prop_assert_eq!(store.history("g", "t", since), expected);
    }

    #[test]
    fn any_clock_leaves_points_in_order_and_apart(times in prop::collection::vec(any::<i64>(), 0..200)) {
        let mut store = Store::new(4);
        let (group, topic) = names("g", "t");
        for at in times {
            store.append(&group, &topic, &HistoryPoint { at: Timestamp(at), ..point(0, None) });
        }
        for pair in all(&store, "g", "t").windows(2) {
            prop_assert!(pair[1].at.since(pair[0].at) >= RESOLUTION);
        }
    }
}
