//! A promise that is broken pages somebody, and the end follows when it is kept again.

use serde_json::json;
use tempfile::TempDir;

use super::hook::{Hook, unix_now};
use super::{daemon, pipeline, report, wait_for_told};
use crate::kafka_server::{KafkaCluster, KafkaVersion, unique};

/// Milliseconds.
const WITHIN: i64 = 1_000;

/// From the deadline of the record that is one too many to the receiver, in milliseconds.
const PAGED: i64 = 4_000;

#[test]
fn a_latency_slo_pages_within_four_seconds_of_the_deadline_and_its_end_follows() {
    let cluster = KafkaCluster::shared(KafkaVersion::V4_1);
    let (folder, hook, prefix) = (TempDir::new().unwrap(), Hook::start(), unique("late-"));
    let groups: [String; 5] = std::array::from_fn(|_| pipeline(cluster, &prefix));
    groups.iter().for_each(|group| cluster.commit_offset(group, group, 0, 100));
    let rules = json!({ "slos": [{
        "name": "on-time",
        "indicator": { "latency": {
            "group": format!("{prefix}*"),
            "topic": "*",
            "within": format!("{WITHIN}ms"),
            "accept_commit_resolution": true,
        } },
        "objective": "99%",
        "window": "30d",
        "alerting": { "resolve_after": "1s" },
    }] });
    let daemon = daemon(&folder, &cluster.bootstrap_server(), &prefix, &rules, &hook);
    let mut took = Vec::new();
    for group in &groups {
        let consume = |records: usize| {
            cluster.produce(group, 0, records);
            cluster.commit_offset(group, group, 0, cluster.end(group));
        };
        let labels = [("slo", "on-time"), ("consumergroup", group), ("topic", group), ("outcome", "good")];
        let wait_for_good = |records: f64| {
            daemon.wait_for("so many are in time", |page| {
                page.value("plimsoll_slo_events_total", &labels).is_some_and(|good| good >= records)
            });
        };
        // Watched since before: all of these are in time.
        consume(10);
        wait_for_good(10.0);
        consume(490);
        wait_for_good(500.0);
        // Half of all are late when their deadline has passed, and 14.4% would do.
        let produced = unix_now();
        cluster.produce(group, 0, 500);
        let paged = wait_for_told(&hook, &daemon, group, "firing");
        assert_eq!(paged.alert["labels"]["severity"], "page", "{}", paged.alert);
        took.push(paged.at - produced - WITHIN);
        // The consumer is back; what it reads from now on is in time, and soon outweighs what was not.
        for _ in 0..11 {
            consume(5_000);
        }
        let over = wait_for_told(&hook, &daemon, group, "resolved");
        assert_eq!(over.alert["fingerprint"], paged.alert["fingerprint"]);
    }
    report(&format!("from deadline to receiver: {took:?} ms"));
    assert!(took.iter().all(|took| *took <= PAGED), "some took longer than {PAGED} ms: {took:?}");
}
