//! What the examples of `deploy/kubernetes/autoscaling` ask for is there, is right, and is absent when it is not known.

use std::fs;

use serde_json::{Value, json};

use super::repository;
use crate::kafka_server::wait::wait_until;
use crate::kafka_server::{KafkaCluster, KafkaSpec, KafkaVersion, PATIENCE};
use crate::program::{Daemon, Settings};
use crate::prometheus::Prometheus;

fn example(name: &str) -> Value {
    let path = repository("deploy/kubernetes/autoscaling").join(name);
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// What KEDA's scaler reads: nothing but a number at its place in a good answer is one.
fn keda(daemon: &Daemon, metadata: &Value) -> Option<u64> {
    let url = metadata["url"].as_str().unwrap();
    let path = url.strip_prefix("http://plimsoll.plimsoll.svc:1876").unwrap();
    let (status, body) = daemon.get(path);
    let place = format!("/{}", metadata["valueLocation"].as_str().unwrap().replace('.', "/"));
    let value = serde_json::from_str::<Value>(&body).ok()?.pointer(&place)?.clone();
    assert_eq!(status, 200, "{body}");
    Some(value.as_u64().unwrap_or_else(|| panic!("{value} is no whole number from 0 on")))
}

/// What prometheus-adapter answers.
fn adapter(prometheus: &Prometheus) -> Option<String> {
    let hpa = example("hpa.yaml");
    let metric = &hpa["spec"]["metrics"][0]["external"]["metric"];
    let rule = example("prometheus-adapter.yaml")["rules"]["external"][0].clone();
    assert_eq!(metric["name"], rule["seriesQuery"], "the adapter serves another metric");
    let labels = metric["selector"]["matchLabels"].as_object().unwrap();
    let matchers: Vec<_> = labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
    let query = rule["metricsQuery"].as_str().unwrap().replace("<<.LabelMatchers>>", &matchers.join(","));
    let mut series = prometheus.query(&query)?;
    assert!(series.len() <= 1, "{series:?}");
    series.pop().map(|(_, value)| value)
}

#[test]
fn autoscalers_get_the_lag_and_nothing_when_it_is_unknown() {
    let cluster = KafkaCluster::start(&KafkaSpec::new(KafkaVersion::V4_1));
    cluster.create_topic("orders", 2, &[]);
    cluster.produce("orders", 0, 30);
    cluster.produce("orders", 1, 12);
    cluster.commit_offset("orders-processor", "orders", 0, 10);
    cluster.commit_offset("orders-processor", "orders", 1, 12);
    let daemon = Daemon::start(Settings::of(&cluster.bootstrap_server(), &json!({})));
    let prometheus = Prometheus::start(&daemon);
    let scaled = example("keda.yaml");
    let metadata = &scaled["spec"]["triggers"][0]["metadata"];
    let both = || (keda(&daemon, metadata), adapter(&prometheus));

    wait_until("it lags by 20", PATIENCE, || both() == (Some(20), Some("20".to_owned())));
    // Nothing lags: that is known, and 0.
    cluster.commit_offset("orders-processor", "orders", 0, 30);
    wait_until("it has caught up", PATIENCE, || both() == (Some(0), Some("0".to_owned())));
    // Records that retention has deleted nobody can consume any more: no replica would help.
    cluster.produce("orders", 0, 20);
    wait_until("it lags again", PATIENCE, || both() == (Some(20), Some("20".to_owned())));
    cluster.delete_records("orders", 0, 45);
    wait_until("what is gone does not lag", PATIENCE, || both() == (Some(5), Some("5".to_owned())));
    // A commit beyond the end is no negative lag, and none of 0 either.
    cluster.commit_offset("orders-processor", "orders", 0, 60);
    wait_until("nobody knows the lag of one partition", PATIENCE, || both() == (None, None));
    cluster.commit_offset("orders-processor", "orders", 0, 49);
    wait_until("it is known again", PATIENCE, || both() == (Some(1), Some("1".to_owned())));
    cluster.stop_broker(1);
    wait_until("nobody knows anything", 2 * PATIENCE, || both() == (None, None));
}
