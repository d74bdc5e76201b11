//! The daemon's own cycles on a real Kafka, as a real OTLP receiver sees them.

use std::collections::BTreeSet;
use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};

use super::receiver::Receiver;
use super::{attributes, hex};
use crate::kafka_server::{KafkaCluster, KafkaVersion, unique};
use crate::program::{CLUSTER, Daemon, Settings};

/// Watches a group with lag until it is measured, and stops. Gives the spans that arrived, and the log.
fn watch(receiver: &Receiver, protocol: &str) -> (Vec<Span>, Vec<Value>) {
    let cluster = KafkaCluster::shared(KafkaVersion::V4_1);
    let (topic, group) = (unique("traced"), unique("traced"));
    cluster.create_topic(&topic, 3, &[]);
    cluster.produce(&topic, 0, 5);
    cluster.commit_offset(&group, &topic, 0, 2);
    let keys = json!({ "groups": { "include": [group] }, "topics": { "include": [topic] } });
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", &*receiver.url), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)];
    let daemon = Daemon::start_among(Settings::of(&cluster.bootstrap_server(), &keys), &[], &variables);
    daemon.wait_until_measured();
    let log = daemon.log();
    daemon.signal("TERM");
    assert_eq!(daemon.wait_for_end(Duration::from_secs(5)), Some(0));
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let received = receiver.received().into_iter();
    let spans = received.flat_map(|request| request.resource_spans).flat_map(|of| of.scope_spans);
    (spans.flat_map(|of| of.spans).collect(), lines)
}

fn check(receiver: &Receiver, protocol: &str) {
    let (spans, lines) = watch(receiver, protocol);
    let first = |span: &&Span| span.name == "cycle" && attributes(&span.attributes)["tick"] == "1";
    let cycle = spans.iter().find(first).unwrap();
    assert!(cycle.parent_span_id.is_empty());
    assert_eq!(attributes(&cycle.attributes)["cluster"], CLUSTER);

    let children: Vec<&Span> = spans.iter().filter(|span| span.trace_id == cycle.trace_id).collect();
    let names: BTreeSet<&str> = children.iter().map(|span| &*span.name).collect();
    let expected = [
        "cycle",
        "export",
        "kafka.commit_log",
        "kafka.describe_configs",
        "kafka.describe_topics",
        "kafka.list_groups",
        "kafka.list_offsets",
        "kafka.metadata",
        "kafka.offset_fetch",
        "kafka.time_lookups",
        "measure",
        "state",
    ];
    assert_eq!(names, BTreeSet::from(expected));
    let ends = children.iter().find(|span| span.name == "kafka.list_offsets").unwrap();
    let ends = attributes(&ends.attributes);
    assert_eq!((&*ends["partitions"], &*ends["errors"]), ("3", "0"));
    let commits = children.iter().find(|span| span.name == "kafka.offset_fetch").unwrap();
    assert_eq!(attributes(&commits.attributes)["groups"], "1");

    let told = lines.iter().find(|line| line["message"] == "cluster is measured").unwrap();
    assert_eq!(told["trace_id"], hex(&cycle.trace_id), "{told}");
    assert_eq!((&told["cluster"], &told["tick"]), (&CLUSTER.into(), &1.into()), "{told}");
}

#[test]
fn each_cycle_of_the_daemon_is_a_trace_over_grpc() {
    check(&Receiver::grpc(), "grpc");
}

#[test]
fn each_cycle_of_the_daemon_is_a_trace_over_http() {
    check(&Receiver::http(), "http/protobuf");
}

#[test]
fn a_collector_that_is_down_costs_no_measurement() {
    let cluster = KafkaCluster::shared(KafkaVersion::V4_1);
    let nobody = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")];
    let settings = Settings::of(&cluster.bootstrap_server(), &json!({ "poll_interval": "100ms" }));
    let daemon = Daemon::start_among(settings, &[], &nobody);
    daemon.wait_until_measured();
    daemon.wait_for("it goes on measuring", |_| {
        let clusters = daemon.json("/api/v1/clusters");
        clusters.to_string().contains("\"up\":true") && clusters["clusters"][0]["tick"].as_u64() >= Some(10)
    });
    daemon.signal("TERM");
    assert_eq!(daemon.wait_for_end(Duration::from_secs(5)), Some(0));
}
