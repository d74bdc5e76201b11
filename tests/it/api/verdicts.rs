//! SLOs and alerts as JSON.

use super::*;
use crate::export::verdicts;
use plimsoll::model::SloView;

#[tokio::test]
async fn slos_and_alerts_answer_as_documented() {
    let (prod, down) = ([fixture::prod()], [fixture::prod_down()]);
    check("slos", &prod, "/api/v1/slos", 200).await;
    check("alerts", &prod, "/api/v1/alerts", 200).await;
    check("slos_down", &down, "/api/v1/slos?slo=orders-on-time", 200).await;
    check("alerts_down", &down, "/api/v1/alerts?name=orders-on-time", 200).await;
}

#[tokio::test]
async fn lists_of_slos_and_alerts_are_narrowed_by_names_and_globs() {
    let test = Snapshot {
        cluster: "test".into(),
        slos: vec![verdicts::billing_lag()],
        alerts: Vec::new(),
        ..fixture::prod()
    };
    let snapshots = [fixture::prod(), test];
    let check = async |list: &str, key: &str, query: &str, expected: &[&str]| {
        let answer = ask(&snapshots, &format!("/api/v1/{list}?{query}")).await.json();
        let found = answer[list].as_array().unwrap().iter().map(|it| it[key].as_str().unwrap());
        assert_eq!(Vec::from_iter(found), expected, "{list}?{query}");
    };
    check("slos", "slo", "", &["billing-lag", "mistyped", "orders-fast", "orders-on-time", "billing-lag"])
        .await;
    check("slos", "slo", "slo=orders-*", &["orders-fast", "orders-on-time"]).await;
    check("slos", "slo", "group=billing%2Feu&cluster=prod", &["billing-lag"]).await;
    check("slos", "slo", "topic=*", &["orders-fast", "orders-on-time"]).await;
    check("slos", "slo", "cluster=test", &["billing-lag"]).await;
    check("slos", "slo", "slo=orders-fast&group=billing*", &[]).await;
    let worst_first = ["offline", "orders-on-time", "orders-fast", "consumer-stuck", "growing \"lag\""];
    check("alerts", "name", "", &worst_first).await;
    check("alerts", "name", "name=o*", &["offline", "orders-on-time", "orders-fast"]).await;
    check("alerts", "name", "group=billing%2Feu", &["growing \"lag\""]).await;
    check("alerts", "name", "cluster=test", &[]).await;
    for path in ["/api/v1/slos?name=a", "/api/v1/alerts?slo=a"] {
        assert_eq!(ask(&snapshots, path).await.status, 400, "{path}");
    }
}

/// Of every SLO, while the cluster is up and while it is down.
#[tokio::test]
async fn the_api_and_the_metrics_say_the_same_of_slos() {
    for snapshot in [fixture::prod(), fixture::prod_down()] {
        let page = parse(&page_of(std::slice::from_ref(&snapshot)));
        let answer = ask(std::slice::from_ref(&snapshot), "/api/v1/slos").await.json();
        for slo in answer["slos"].as_array().unwrap() {
            let check = |metric: Metric, label: &str, wanted: &str, value: &Value| {
                let samples = page.get(metric.name()).map(|family| &family.samples);
                let is_wanted = |labels: &Labels| {
                    labels.get("slo").map(String::as_str) == slo["slo"].as_str()
                        && (label.is_empty() || labels[label] == wanted)
                };
                let found = samples.into_iter().flatten().filter(|((_, labels), _)| is_wanted(labels));
                let found: Vec<f64> = found.map(|(_, value)| value.parse().unwrap()).collect();
                assert_eq!(found, Vec::from_iter(value.as_f64()), "{metric:?} {wanted} {}", slo["slo"]);
            };
            check(Metric::SloObjectiveRatio, "", "", &slo["objective_ratio"]);
            check(Metric::SloErrorBudgetRemainingRatio, "", "", &slo["budget_remaining"]);
            check(Metric::SloCoverageRatio, "", "", &slo["coverage"]);
            for outcome in ["good", "bad", "unmeasured"] {
                check(Metric::SloEvents, "outcome", outcome, &slo["total"][outcome]);
            }
            for window in ["5m", "1h", "1d", "30d"] {
                let rates = slo["burn_rates"].as_array().unwrap();
                let rate = rates.iter().find(|rate| rate["window"] == window).map(|rate| &rate["rate"]);
                check(Metric::SloBurnRateRatio, "window", window, rate.unwrap_or(&Value::Null));
            }
        }
    }
}

/// However many groups have it, a reason is told once, and it never makes the daemon unready.
#[tokio::test]
async fn readiness_names_what_is_unmeasured_and_stays_ready() {
    let slos = vec![verdicts::mistyped(), verdicts::mistyped(), verdicts::mistyped()];
    let snapshot = Snapshot { slos, unmeasured: Vec::new(), alerts: Vec::new(), ..fixture::prod() };
    let answer = ask(&[snapshot], "/readyz").await;
    assert_eq!(answer.status, 200);
    let answer = answer.json();
    let told = answer["clusters"][0]["unmeasured"].as_array().unwrap();
    let detail = "no such group; the nearest is orders-processor (and 2 more of its groups and topics)";
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["subject"], &told[0]["detail"]), (&"slo".into(), &detail.into()));
    assert_eq!(answer["warnings"][0], WARNINGS[0]);

    let well = Snapshot { slos: vec![verdicts::billing_lag()], ..fixture::prod() };
    let told = ask(&[well], "/readyz").await.json();
    let is_slo = |item: &Value| item["name"] == "billing-lag";
    assert!(!told["clusters"][0]["unmeasured"].as_array().unwrap().iter().any(is_slo));
}

/// Zeros of what was never measured are not shown; zeros that were counted are.
#[tokio::test]
async fn counts_are_absent_until_something_was_measured() {
    let check = async |slo: SloView, is_shown: bool| {
        let snapshot = Snapshot { slos: vec![slo], ..fixture::prod() };
        let answer = ask(&[snapshot], "/api/v1/slos").await.json();
        let slo = answer["slos"][0].as_object().unwrap().clone();
        for key in ["good", "bad", "unmeasured", "total", "coverage"] {
            assert_eq!(slo.contains_key(key), is_shown, "{key}");
        }
    };
    check(verdicts::mistyped(), false).await;
    check(SloView { state: plimsoll::model::SloState::Ok, ..verdicts::mistyped() }, true).await;
    check(verdicts::too_fine(), true).await;
}
