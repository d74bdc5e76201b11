//! Thousands of incidents at once are few messages, little memory, and none of them is forgotten.

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::topic_partition_list::Offset;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::hook::{Hook, Request};
use super::{daemon_with, lag_rule, report, webhook, write_settings};
use crate::kafka_server::wait::{wait_for, wait_until};
use crate::kafka_server::{KafkaCluster, KafkaSpec, KafkaVersion, PATIENCE, unique};
use crate::program::Daemon;

const GROUPS: usize = 100;
const TOPICS: usize = 50;
const INCIDENTS: usize = GROUPS * TOPICS;

/// What they may cost in memory, with what is kept of who was told: 20 KB each, in a build for tests.
const MOST_BYTES: u64 = 100_000_000;

fn resident_bytes(daemon: &Daemon) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Of each message its status and how many incidents it tells of, those included that it only counts.
fn messages(requests: &[Request]) -> Vec<(String, usize)> {
    let message = |request: &Request| {
        let alerts = request.body["alerts"].as_array().unwrap().len();
        let more = request.body["truncatedAlerts"].as_u64().unwrap() as usize;
        (request.body["status"].as_str().unwrap().to_owned(), alerts + more)
    };
    requests.iter().map(message).collect()
}

/// No minute holds more than `most` of these.
fn expect_rate(times: &[i64], most: usize) {
    for window in times.windows(most + 1) {
        assert!(window[most] - window[0] >= 60_000, "more than {most} within a minute: {times:?}");
    }
}

/// Every group commits `offset` on every topic.
fn commit(cluster: &KafkaCluster, groups: &[String], topics: &[String], offset: i64) {
    let mut offsets = TopicPartitionList::new();
    for topic in topics {
        offsets.add_partition_offset(topic, 0, Offset::Offset(offset)).unwrap();
    }
    for group in groups {
        let consumer: BaseConsumer = cluster.client_config(&[("group.id", group)]).create().unwrap();
        wait_for(&format!("{group} commits {offset}"), PATIENCE, || {
            consumer.commit(&offsets, CommitMode::Sync).ok()
        });
    }
}

#[test]
fn five_thousand_incidents_at_once_are_few_messages_and_none_is_forgotten() {
    let cluster = KafkaCluster::start(&KafkaSpec::new(KafkaVersion::V4_1));
    let (folder, prefix) = (TempDir::new().unwrap(), unique("flood-"));
    let groups: Vec<String> = (0..GROUPS).map(|number| format!("{prefix}{number:02}")).collect();
    let topics: Vec<String> = (0..TOPICS).map(|_| unique("flood")).collect();
    for topic in &topics {
        cluster.create_topic(topic, 1, &[]);
        cluster.produce(topic, 0, 100);
    }
    commit(&cluster, &groups, &topics, 0);
    let (hook, slow) = (Hook::start(), Hook::start());
    let mut limited = webhook("limited", &slow.url());
    limited["rate_limit"] = json!("6/m");
    let others = json!({
        "receivers": [webhook("hook", &hook.url()), limited],
        "grouping": { "by": ["alertname", "cluster"] },
    });
    let (servers, few, many) = (cluster.bootstrap_server(), lag_rule(&prefix, 1_000), lag_rule(&prefix, 99));
    let daemon = daemon_with(&folder, &servers, &prefix, &few, &others);
    wait_until("everything is measured", 4 * PATIENCE, || {
        let (_, page) = daemon.get("/metrics");
        page.lines().filter(|line| line.starts_with("kafka_consumergroup_lag_sum{")).count() == INCIDENTS
    });
    let before = resident_bytes(&daemon);

    // All of them in one tick.
    write_settings(&folder, &servers, &prefix, &many, &others);
    daemon.signal("HUP");
    for hook in [&hook, &slow] {
        wait_until("they are told", 4 * PATIENCE, || !hook.all().is_empty());
        assert_eq!(messages(&hook.all()), [("firing".to_owned(), INCIDENTS)]);
    }
    let more = resident_bytes(&daemon).saturating_sub(before);
    report(&format!("{INCIDENTS} incidents take {more} bytes"));
    assert!(more <= MOST_BYTES, "{INCIDENTS} incidents take {more} bytes");
    let open = daemon.json("/api/v1/incidents?state=open");
    assert_eq!(open["incidents"].as_array().unwrap().len(), INCIDENTS);

    // They end group after group. A message tells of all that go on and of those that have ended since the one before: of
    // fewer each time, until the last one tells that the rest is over, too.
    commit(&cluster, &groups, &topics, 100);
    wait_until("everything is told to be over", 4 * PATIENCE, || {
        let listed = |state: &str| {
            let answer = daemon.json(&format!("/api/v1/incidents?state={state}"));
            answer["incidents"].as_array().unwrap().clone()
        };
        let is_told = |delivery: &Value| {
            delivery["state"] == "told" && delivery["attempts"].as_array().is_some_and(|all| all.len() > 1)
        };
        let is_told_to_both = |incident: &Value| {
            let deliveries = incident["deliveries"].as_array().unwrap();
            deliveries.len() == 2 && deliveries.iter().all(is_told)
        };
        // Asked in this order, the last ones of those that are over are the last ones of all.
        if !listed("open").is_empty() {
            return false;
        }
        let over = listed("resolved");
        over.len() >= 1_000 && over.iter().all(is_told_to_both)
    });
    for (hook, most) in [(&hook, 120), (&slow, 6)] {
        let messages = messages(&hook.all());
        assert!(messages.is_sorted_by(|one, next| one.1 >= next.1), "{messages:?}");
        assert_eq!(messages.last().unwrap().0, "resolved", "{messages:?}");
        expect_rate(&hook.attempts(), most);
    }
}
