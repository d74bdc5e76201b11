//! What the page says of promises, and what it keeps to itself.

use super::*;
use plimsoll::model::{SloState, SloView};

/// The samples of `metric` that have all of `wanted`: their other labels do not matter.
fn found(page: &str, metric: Metric, wanted: &[(&str, &str)]) -> Vec<String> {
    let families = parse(page);
    let Some(family) = families.get(metric.name()) else { return Vec::new() };
    let has = |labels: &Labels, (name, value): &(&str, &str)| {
        labels.get(*name).map_or("", String::as_str) == *value
    };
    let samples = family.samples.iter().filter(|((_, labels), _)| wanted.iter().all(|it| has(labels, it)));
    samples.map(|(_, value)| value.clone()).collect()
}

fn check(snapshot: &Snapshot, metric: Metric, wanted: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(
        found(&rendered(std::slice::from_ref(snapshot)), metric, wanted),
        expected,
        "{metric:?} {wanted:?}"
    );
}

fn with(slos: Vec<SloView>) -> Snapshot {
    Snapshot { slos, alerts: Vec::new(), ..fixture::prod() }
}

#[test]
fn what_nobody_knows_of_a_promise_has_no_series() {
    let prod = fixture::prod();
    let of = |name| [("slo", name)];
    check(&prod, Metric::SloObjectiveRatio, &of("mistyped"), &["0.99"]);
    for metric in [
        Metric::SloErrorBudgetRemainingRatio,
        Metric::SloCoverageRatio,
        Metric::SloEvents,
        Metric::SloBurnRateRatio,
    ] {
        check(&prod, metric, &of("mistyped"), &[]);
    }
    check(&prod, Metric::SloBurnRateRatio, &[("slo", "orders-on-time"), ("window", "1d")], &[]);
    check(&prod, Metric::SloErrorBudgetRemainingRatio, &of("orders-on-time"), &["-0.125"]);
    // a 0 that was counted is a number
    check(&prod, Metric::SloEvents, &[("slo", "billing-lag"), ("outcome", "bad")], &["0"]);
}

#[test]
fn while_the_cluster_is_down_rates_of_records_are_absent_and_everything_counted_stays() {
    let (up, down) = (fixture::prod(), fixture::prod_down());
    let of = |name| [("slo", name)];
    for metric in [
        Metric::SloObjectiveRatio,
        Metric::SloErrorBudgetRemainingRatio,
        Metric::SloCoverageRatio,
        Metric::SloEvents,
        Metric::Alerts,
    ] {
        let shown = found(&rendered(std::slice::from_ref(&up)), metric, &[]);
        assert!(!shown.is_empty());
        check(&down, metric, &[], &shown.iter().map(String::as_str).collect::<Vec<_>>());
    }
    check(&down, Metric::SloBurnRateRatio, &of("orders-on-time"), &[]);
    check(&down, Metric::SloBurnRateRatio, &of("billing-lag"), &["0", "0"]);
}

#[test]
fn an_slo_of_many_groups_is_unmeasured_once_for_each_reason() {
    let no_topic = Some(verdicts::because("no_such_topic", "no such topic"));
    let slos = [verdicts::mistyped().because, no_topic, verdicts::mistyped().because, None];
    let slos = (0..).zip(slos).map(|(group, because): (u32, _)| SloView {
        group: Some(group.to_string().as_str().into()),
        because,
        ..verdicts::mistyped()
    });
    let slos = slos.collect();
    let snapshot = with(slos);
    let reason = |reason| [("subject", "slo"), ("name", "mistyped"), ("reason", reason)];
    for label in ["no_such_group", "no_such_topic", "low_coverage"] {
        check(&snapshot, Metric::Unmeasured, &reason(label), &["1"]);
    }
    check(&snapshot, Metric::Unmeasured, &[("subject", "slo")], &["1"; 3]);
    check(&with(vec![verdicts::billing_lag()]), Metric::Unmeasured, &[("subject", "slo")], &[]);
}

#[test]
fn an_slo_is_an_alert_while_it_pages_asks_for_a_ticket_or_is_unmeasured_for_too_long() {
    let check = |state, unmeasured_alert, expected: &[(&str, &str)]| {
        let slo = SloView { state, unmeasured_alert, ..verdicts::orders_on_time() };
        let page = rendered(&[with(vec![slo])]);
        let all = found(&page, Metric::Alerts, &[("alertname", "orders-on-time"), ("alertstate", "firing")]);
        assert_eq!(all.len(), expected.len(), "{state:?}");
        for (severity, unmeasured) in expected {
            let wanted = [
                ("severity", *severity),
                ("unmeasured", *unmeasured),
                ("slo", "orders-on-time"),
                ("team", "payments"),
            ];
            assert_eq!(found(&page, Metric::Alerts, &wanted), ["1"], "{state:?}");
        }
    };
    check(SloState::Ok, false, &[]);
    check(SloState::Unmeasured, false, &[]);
    check(SloState::Unmeasured, true, &[("ticket", "true")]);
    check(SloState::Ticket, false, &[("ticket", "")]);
    check(SloState::Page, false, &[("page", "")]);
    check(SloState::Ticket, true, &[("ticket", ""), ("ticket", "true")]);
}

#[test]
fn latency_is_a_histogram_without_a_sum() {
    let page = rendered(&[fixture::prod()]);
    let of = |le| [("consumergroup", "orders-processor"), ("le", le)];
    for (le, records) in [("0.05", "100"), ("0.1", "550"), ("1", "550"), ("30", "600"), ("+Inf", "640")] {
        assert_eq!(found(&page, Metric::GroupLatencySeconds, &of(le)), [records], "{le}");
    }
    // without `le`: the count, and nothing else
    assert_eq!(found(&page, Metric::GroupLatencySeconds, &of("")), ["640"]);
    assert!(!page.contains(&format!("{}_sum", Metric::GroupLatencySeconds.name())));
}
