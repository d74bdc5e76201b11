//! The HTTP API, asked without a socket.

use std::io::Read as _;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use flate2::read::GzDecoder;
use plimsoll::api::{ApiState, AttemptStatus, DeliveryStatus, router};
use plimsoll::export::{Exposition, OwnMetrics};
use plimsoll::model::{HistoryPoint, Metric, Millis, Reason, Snapshot, Timestamp};
use plimsoll::notify::{NotifyConfig, Outbox};
use serde_json::Value;
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::export::fixture::{self, AT};
use crate::export::parser::{Labels, parse};
use crate::export::{page_of, verdicts as fixtures};

mod incidents;
mod silences;
mod slo_command;
mod verdicts;

const WARNINGS: [&str; 1] = ["alert lag-eu: the selector eu-* matches no group"];

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> Value {
        assert_eq!(self.headers[CONTENT_TYPE], "application/json", "{}", self.text());
        serde_json::from_slice(&self.body).unwrap()
    }
}

fn state(snapshots: &[Snapshot]) -> ApiState {
    let exposition = Arc::new(Exposition::new());
    exposition.publish(page_of(snapshots).into_bytes());
    let shared: Arc<[Arc<Snapshot>]> = snapshots.iter().cloned().map(Arc::new).collect();
    let history = |_: &_, _: &_, _: &_| {
        let empty = HistoryPoint {
            at: AT,
            lag: None,
            time_lag: None,
            consumed_per_second: None,
            appended_per_second: None,
        };
        let earlier = Timestamp(AT.0 - 15_000);
        vec![HistoryPoint { at: earlier, lag: Some(90), time_lag: Some(Millis(2_000)), ..empty }, empty]
    };
    ApiState {
        snapshots: watch::channel(shared).1,
        exposition,
        own: Arc::new(OwnMetrics::new().unwrap()),
        history: Arc::new(history),
        deliveries: Arc::new(|id| if *id == fixtures::open_incident().id { told() } else { Vec::new() }),
        silences: silences::access(&Arc::new(Mutex::new(Outbox::new(NotifyConfig::default(), 1)))),
        warnings: Arc::new(|| WARNINGS.map(str::to_owned).to_vec()),
    }
}

/// One who answered at the second try.
fn told() -> Vec<DeliveryStatus> {
    let attempt = |at: &str, answer: Option<&str>, outcome| AttemptStatus {
        at: Some(at.to_owned()),
        answer: answer.map(str::to_owned),
        took_ms: 250,
        outcome,
    };
    let attempts = vec![
        attempt("2026-01-02T03:02:05.678Z", None, "failed"),
        attempt("2026-01-02T03:02:06.678Z", Some("202 Event processed"), "delivered"),
    ];
    vec![DeliveryStatus { receiver: "oncall".to_owned(), state: "told", attempts }]
}

async fn send(snapshots: &[Snapshot], request: Request<Body>) -> Answer {
    send_to(state(snapshots), request).await
}

async fn send_to(state: ApiState, request: Request<Body>) -> Answer {
    let response = router(state).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

async fn ask(snapshots: &[Snapshot], path: &str) -> Answer {
    send(snapshots, Request::get(path).body(Body::empty()).unwrap()).await
}

/// The answer to `path` is that of the golden file.
async fn check(name: &str, snapshots: &[Snapshot], path: &str, status: u16) {
    let answer = ask(snapshots, path).await;
    assert_eq!(answer.status, status, "{path}: {}", answer.text());
    insta::with_settings!({ snapshot_path => "../golden", prepend_module_to_snapshot => false, description => path }, {
        insta::assert_snapshot!(name, format!("{:#}", answer.json()));
    });
}

#[tokio::test]
async fn every_route_answers_as_documented() {
    let prod = [fixture::prod()];
    check("readyz", &prod, "/readyz", 200).await;
    check("clusters", &prod, "/api/v1/clusters", 200).await;
    check("groups", &prod, "/api/v1/groups", 200).await;
    check("group", &prod, "/api/v1/groups/prod/orders-processor", 200).await;
    check("no_such_cluster", &prod, "/api/v1/groups/pord/orders-processor", 404).await;
    check("no_such_group", &prod, "/api/v1/groups/prod/order-processor", 404).await;
    check("no_such_route", &prod, "/api/v1/group", 404).await;
    check("no_such_parameter", &prod, "/api/v1/groups?groups=orders", 400).await;
}

#[tokio::test]
async fn a_cluster_that_is_down_shows_counters_and_why() {
    let down = [fixture::prod_down()];
    check("readyz_down", &down, "/readyz", 503).await;
    check("clusters_down", &down, "/api/v1/clusters", 200).await;
    check("groups_down", &down, "/api/v1/groups?group=orders-processor", 200).await;
    // whether there is such a group, nobody knows now
    check("group_unknown_while_down", &down, "/api/v1/groups/prod/other", 503).await;
}

#[tokio::test]
async fn ready_is_when_any_cluster_is_measured() {
    let other = Snapshot { cluster: "test".into(), ..fixture::prod() };
    let check = async |snapshots: &[Snapshot], expected: u16| {
        assert_eq!(ask(snapshots, "/readyz").await.status, expected);
        assert_eq!(ask(snapshots, "/healthz").await.status, 200);
    };
    check(&[], 503).await;
    check(&[fixture::prod_down()], 503).await;
    check(&[fixture::prod_down(), other.clone()], 200).await;
    check(&[fixture::prod(), other], 200).await;
}

#[tokio::test]
async fn lists_are_narrowed_by_names_and_globs() {
    let other = Snapshot { cluster: "test".into(), groups: vec![], ..fixture::prod() };
    let snapshots = [fixture::prod(), other];
    let check = async |query: &str, expected: &[&str]| {
        let answer = ask(&snapshots, &format!("/api/v1/groups?{query}")).await.json();
        let groups = answer["groups"].as_array().unwrap();
        let names: Vec<&str> = groups.iter().map(|group| group["group"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{query}");
    };
    check("", &["billing/eu", "orders-processor", "secret"]).await;
    check("cluster=prod&group=orders-*", &["orders-processor"]).await;
    check("group=billing%2Feu", &["billing/eu"]).await;
    check("topic=order?", &["billing/eu", "orders-processor", "secret"]).await;
    check("topic=payments", &[]).await;
    check("cluster=test", &[]).await;
}

#[tokio::test]
async fn group_ids_may_hold_anything() {
    let id = "a/b c?%2F#é\"";
    let mut prod = fixture::prod();
    prod.groups[0].group = id.into();
    for path in ["a/b%20c%3F%252F%23%C3%A9%22", "a%2Fb%20c%3F%252F%23%C3%A9%22"] {
        let answer = ask(std::slice::from_ref(&prod), &format!("/api/v1/groups/prod/{path}")).await;
        assert_eq!(answer.json()["group"], id);
    }
}

/// What an autoscaler reads: a whole number that is 0 or more, or no key at all.
#[tokio::test]
async fn lag_total_is_a_whole_number_or_absent() {
    let check = async |snapshot: &Snapshot, query: &str, expected: Option<u64>| {
        let path = format!("/api/v1/groups/prod/orders-processor{query}");
        let answer = ask(std::slice::from_ref(snapshot), &path).await.json();
        let total = answer["lag"].as_object().unwrap().get("total").cloned();
        assert_eq!(total, expected.map(Value::from), "{path}");
    };
    let with = |change: fn(&mut Snapshot)| {
        let mut snapshot = fixture::prod();
        change(&mut snapshot);
        snapshot
    };
    check(&fixture::prod(), "", Some(100)).await;
    check(&with(|it| it.groups[1].topics[0].lag = Ok(0)), "", Some(0)).await;
    check(&with(|it| it.groups[1].topics[0].lag = Ok(u64::MAX)), "", Some(u64::MAX)).await;
    check(&with(|it| it.groups[1].topics[0].lag = Err(Reason::NoLeader)), "", None).await;
    check(&with(|it| it.groups[1].commits = Err(Reason::TimedOut)), "", None).await;
    check(&with(|it| it.groups[1].topics.clear()), "", None).await;
    check(&fixture::prod_down(), "", None).await;

    let two_topics = with(|it| {
        let mut payments = it.groups[1].topics[0].clone();
        payments.topic = "payments".into();
        payments.lag = Ok(7);
        it.groups[1].topics.push(payments);
    });
    check(&two_topics, "", Some(107)).await;
    check(&two_topics, "?topic=payments", Some(7)).await;
    check(&two_topics, "?topic=other", None).await;
}

#[tokio::test]
async fn the_api_and_the_metrics_say_the_same() {
    let prod = [fixture::prod()];
    let page = parse(&page_of(&prod));
    let groups = ask(&prod, "/api/v1/groups").await.json();
    for group in groups["groups"].as_array().unwrap() {
        for topic in group["topics"].as_array().unwrap() {
            let check = |metric: Metric, value: &Value| {
                let is_wanted = |labels: &Labels| {
                    labels.get("consumergroup").map(String::as_str) == group["group"].as_str()
                        && labels.get("topic").map(String::as_str) == topic["topic"].as_str()
                };
                let series = page[metric.name()].samples.iter();
                let found = series.filter(|((_, labels), _)| is_wanted(labels));
                let found: Vec<f64> = found.map(|(_, value)| value.parse().unwrap()).collect();
                assert_eq!(found, Vec::from_iter(value.as_f64()), "{metric:?} {}", group["group"]);
            };
            check(Metric::GroupLagSum, &topic["lag"]["total"]);
            check(Metric::GroupLagSecondsMax, &topic["time_lag"]["max_seconds"]);
            check(Metric::GroupConsumedRecords, &topic["consumed_total"]);
            check(Metric::GroupLostRecords, &topic["lost_total"]);
            check(Metric::GroupRetentionEtaSeconds, &topic["retention_eta_seconds"]);
            check(Metric::GroupCommits, &topic["commits_total"]);
            check(Metric::GroupCommitIntervalSeconds, &topic["commit_interval_seconds"]);
        }
    }
}

#[tokio::test]
async fn metrics_are_compressed_for_those_who_ask() {
    let prod = [fixture::prod()];
    let plain = ask(&prod, "/metrics").await;
    assert_eq!(plain.headers[CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
    assert!(!plain.headers.contains_key(CONTENT_ENCODING));
    assert!(plain.text().contains("plimsoll_up{cluster=\"prod\"} 1\n"));

    let request = Request::get("/metrics").header(ACCEPT_ENCODING, "gzip").body(Body::empty()).unwrap();
    let gzip = send(&prod, request).await;
    assert_eq!(gzip.headers[CONTENT_TYPE], plain.headers[CONTENT_TYPE]);
    assert_eq!(gzip.headers[CONTENT_ENCODING], "gzip");
    let mut unzipped = String::new();
    GzDecoder::new(gzip.body.as_slice()).read_to_string(&mut unzipped).unwrap();
    let kafka_only = |page: &str| page.lines().filter(|line| line.starts_with("kafka_")).collect::<String>();
    assert_eq!(kafka_only(&unzipped), kafka_only(plain.text()));
}

/// Requests change nothing in Kafka, and here nothing but silences.
#[tokio::test]
async fn everything_is_read_only() {
    for path in [
        "/",
        "/metrics",
        "/readyz",
        "/healthz",
        "/api/v1/groups",
        "/api/v1/groups/prod/secret",
        "/api/v1/slos",
        "/api/v1/alerts",
        "/api/v1/incidents",
    ] {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            let request = Request::builder().method(&method).uri(path).body(Body::empty()).unwrap();
            let answer = send(&[fixture::prod()], request).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(answer.headers[ALLOW], "GET,HEAD");
            assert_eq!(answer.json()["error"], format!("{path} answers GET, not {method}"));
        }
    }
    let silences =
        [("/api/v1/silences", "GET,HEAD,POST", "GET and POST"), ("/api/v1/silences/1", "DELETE", "DELETE")];
    for (path, allowed, answers) in silences {
        for method in [Method::PUT, Method::PATCH] {
            let request = Request::builder().method(&method).uri(path).body(Body::empty()).unwrap();
            let answer = send(&[fixture::prod()], request).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(answer.headers[ALLOW], allowed);
            assert_eq!(answer.json()["error"], format!("{path} answers {answers}, not {method}"));
        }
    }
}

#[tokio::test]
async fn the_first_page_lists_the_routes() {
    let index = ask(&[], "/").await;
    assert_eq!(index.status, 200);
    for route in [
        "/metrics",
        "/healthz",
        "/readyz",
        "/api/v1/clusters",
        "/api/v1/groups",
        "/api/v1/slos",
        "/api/v1/alerts",
        "/api/v1/incidents",
        "/api/v1/silences",
    ] {
        assert!(index.text().lines().any(|line| line.starts_with(&format!("{route} "))), "{}", index.text());
    }
}
