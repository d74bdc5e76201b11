//! Alerts on their way to people, on a real Kafka: how soon, how often, and that the end follows.

mod flood;
mod hook;
mod instances;
mod outage;
mod silenced;
mod slo;

use serde_json::{Value, json};
use tempfile::TempDir;

use self::hook::{Hook, Told};
use crate::kafka_server::wait::{try_wait_for, wait_for};
use crate::kafka_server::{KafkaCluster, KafkaVersion, PATIENCE, unique};
use crate::program::{CLUSTER, Daemon, Settings};

/// From a crossing to the receiver, in milliseconds.
const CROSSING: i64 = 2_000;

/// A daemon that watches groups of `prefix` on their topics by `rules`, and tells `hook`.
fn daemon(folder: &TempDir, servers: &str, prefix: &str, rules: &Value, hook: &Hook) -> Daemon {
    daemon_with(folder, servers, prefix, rules, &json!({ "receivers": [webhook("hook", &hook.url())] }))
}

/// As [`daemon`], with `others` in its settings, among them its receivers.
fn daemon_with(folder: &TempDir, servers: &str, prefix: &str, rules: &Value, others: &Value) -> Daemon {
    write_settings(folder, servers, prefix, rules, others);
    Daemon::start(Settings::at(&folder.path().join("plimsoll.yaml")))
}

fn write_settings(folder: &TempDir, servers: &str, prefix: &str, rules: &Value, others: &Value) {
    let file = folder.path().join("rules.yaml");
    std::fs::write(&file, rules.to_string()).unwrap();
    let cluster = json!({
        "name": CLUSTER,
        "bootstrap_servers": [servers],
        "groups": { "include": [format!("{prefix}*")] },
    });
    let mut settings = json!({
        "clusters": [cluster],
        "http": { "listen": "127.0.0.1:0" },
        "rules": [file],
        "state": { "path": folder.path().join("state") },
        // One message for each group, so that none repeats what another one says.
        "grouping": { "by": ["alertname", "consumergroup"] },
    });
    settings.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
    std::fs::write(folder.path().join("plimsoll.yaml"), settings.to_string()).unwrap();
}

/// Seen with `--nocapture`.
#[expect(clippy::print_stdout, reason = "its figures are for who runs it")]
fn report(figures: &str) {
    println!("{figures}");
}

fn webhook(name: &str, url: &str) -> Value {
    json!({ "name": name, "webhook": { "url": url } })
}

fn lag_rule(prefix: &str, above: u64) -> Value {
    json!({ "alerts": [{
        "name": "crossed",
        "when": { "lag": { "group": format!("{prefix}*"), "above": above } },
        "severity": "page",
        "resolve_after": "1s",
    }] })
}

/// A topic with 100 records, and its group, which has committed none of them.
fn pipeline(cluster: &KafkaCluster, prefix: &str) -> String {
    let group = unique(prefix);
    cluster.create_topic(&group, 1, &[]);
    cluster.produce(&group, 0, 100);
    cluster.commit_offset(&group, &group, 0, 0);
    group
}

fn wait_for_lag(daemon: &Daemon, group: &str, lag: f64) {
    let labels = [("consumergroup", group), ("topic", group)];
    daemon.wait_for(&format!("the lag of {group}"), |page| {
        page.value("kafka_consumergroup_lag_sum", &labels) == Some(lag)
    });
}

/// The open incident of `group`, as soon as there is one.
fn wait_for_open(daemon: &Daemon, group: &str) -> Value {
    wait_for(&format!("the incident of {group} is open"), PATIENCE, || {
        let open = daemon.json("/api/v1/incidents?state=open");
        open["incidents"].as_array()?.iter().find(|one| one["group"] == group).cloned()
    })
}

/// Waits until the hook was told of `group` in that `status`.
fn wait_for_told(hook: &Hook, daemon: &Daemon, group: &str, status: &str) -> Told {
    // A receiver that has failed for long is left alone for up to 90 s.
    let found = try_wait_for(4 * PATIENCE, || hook.told(group, status).into_iter().next());
    found.unwrap_or_else(|| panic!("nobody was told that {group} is {status}\n{}", daemon.log()))
}

#[test]
fn a_crossing_is_told_within_two_seconds_and_its_end_follows() {
    let cluster = KafkaCluster::shared(KafkaVersion::V4_1);
    let (folder, hook) = (TempDir::new().unwrap(), Hook::start());
    let prefix = unique("crossing-");
    let groups: Vec<String> = (0..20).map(|_| pipeline(cluster, &prefix)).collect();
    let daemon = daemon(&folder, &cluster.bootstrap_server(), &prefix, &lag_rule(&prefix, 100), &hook);
    groups.iter().for_each(|group| wait_for_lag(&daemon, group, 100.0));
    assert_eq!(hook.all().len(), 0, "100 is not above 100");

    let mut took: Vec<i64> = Vec::new();
    for group in &groups {
        cluster.produce(group, 0, 1);
        let crossed = hook::unix_now();
        took.push(wait_for_told(&hook, &daemon, group, "firing").at - crossed);
    }
    took.sort_unstable();
    report(&format!("from crossing to receiver: {took:?} ms"));
    assert!(took[19] <= CROSSING, "some took longer than {CROSSING} ms: {took:?}");

    // What is told names group, topic and lag, and its end comes under the same fingerprint.
    let group = &groups[0];
    let fired = wait_for_told(&hook, &daemon, group, "firing");
    assert_eq!(fired.alert["labels"]["topic"], json!(group));
    assert_eq!(fired.alert["labels"]["severity"], "page");
    assert!(fired.alert["annotations"]["summary"].as_str().unwrap().contains("101"), "{}", fired.alert);
    cluster.commit_offset(group, group, 0, 50);
    let over = wait_for_told(&hook, &daemon, group, "resolved");
    assert_eq!(over.alert["fingerprint"], fired.alert["fingerprint"]);

    // Both attempts stand with the incident, as soon as the tick is published and the answer noted.
    let attempts = try_wait_for(PATIENCE, || {
        let incident = daemon.json("/api/v1/incidents?state=resolved")["incidents"][0].clone();
        let delivery = incident["deliveries"][0].clone();
        (delivery["attempts"].as_array()?.len() == 2 && delivery["state"] == "told").then_some(delivery)
    });
    let attempts = attempts.unwrap_or_else(|| panic!("{}", daemon.json("/api/v1/incidents")));
    assert!(attempts["attempts"].as_array().unwrap().iter().all(|one| one["outcome"] == "delivered"));
    let is_counted = || {
        let (_, page) = daemon.get("/metrics");
        let counted = |line: &str| page.lines().any(|one| one == line);
        counted("plimsoll_receiver_up{receiver=\"hook\"} 1")
            && page.contains("plimsoll_notifications_total{outcome=\"delivered\",receiver=\"hook\"}")
    };
    assert!(try_wait_for(PATIENCE, || is_counted().then_some(())).is_some(), "{}", daemon.get("/metrics").1);
}

#[test]
fn killed_at_any_moment_it_tells_at_least_once_and_at_most_once_more() {
    let cluster = KafkaCluster::shared(KafkaVersion::V4_1);
    let (folder, hook) = (TempDir::new().unwrap(), Hook::start());
    let prefix = unique("killed-");
    let times = if std::env::var_os("PLIMSOLL_TORTURE").is_some() { 200 } else { 20 };
    let groups: Vec<String> = (0..times).map(|_| pipeline(cluster, &prefix)).collect();
    let mut running = daemon(&folder, &cluster.bootstrap_server(), &prefix, &lag_rule(&prefix, 100), &hook);
    groups.iter().for_each(|group| wait_for_lag(&running, group, 100.0));
    // Moments from before it can have been seen until after it has surely been told, in no order.
    for (turn, group) in (0_i64..).zip(&groups) {
        cluster.produce(group, 0, 1);
        let crossed = hook::unix_now();
        let moment = turn * 617 % 1_900;
        try_wait_for(PATIENCE, || (hook::unix_now() >= crossed + moment).then_some(()));
        running = Daemon::start(running.kill());
        wait_for_told(&hook, &running, group, "firing");
    }
    // The ends follow, once each, or once more for the crash.
    groups.iter().for_each(|group| cluster.commit_offset(group, group, 0, 101));
    for group in &groups {
        wait_for_told(&hook, &running, group, "resolved");
        let firing = hook.told(group, "firing");
        let prints: std::collections::BTreeSet<_> =
            firing.iter().map(|told| told.alert["fingerprint"].to_string()).collect();
        assert_eq!(prints.len(), 1, "{group} was told under several keys: {prints:?}");
        assert!((1..=2).contains(&firing.len()), "{group} was told {} times that it fires", firing.len());
    }
}
