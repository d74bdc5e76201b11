//! What a silence, or a cluster that cannot be reached, holds back.

use serde_json::json;
use tempfile::TempDir;

use super::hook::Hook;
use super::{daemon, lag_rule, pipeline, wait_for_lag, wait_for_open, wait_for_told};
use crate::kafka_server::wait::wait_until;
use crate::kafka_server::{KafkaCluster, KafkaSpec, KafkaVersion, PATIENCE, unique};
use crate::program::{Daemon, run};

#[test]
fn what_is_silent_is_told_when_it_still_goes_on_at_the_end_of_the_silence() {
    let cluster = KafkaCluster::shared(KafkaVersion::V4_1);
    let (folder, hook, prefix) = (TempDir::new().unwrap(), Hook::start(), unique("silent-"));
    let [silent, other]: [String; 2] = std::array::from_fn(|_| pipeline(cluster, &prefix));
    let servers = cluster.bootstrap_server();
    let mut running = daemon(&folder, &servers, &prefix, &lag_rule(&prefix, 100), &hook);
    [&silent, &other].iter().for_each(|group| wait_for_lag(&running, group, 100.0));

    let url = format!("http://{}", running.address());
    let matcher = format!("consumergroup={silent}");
    let added = run(&[
        "silence",
        "add",
        "--url",
        &url,
        "-d",
        "1h",
        "-c",
        "being mended",
        "--author",
        "me",
        "--json",
        &matcher,
    ]);
    assert_eq!(added.code, Some(0), "{added:?}");
    let id = added.json()["id"].as_str().unwrap_or_else(|| panic!("{added:?}")).to_owned();

    cluster.produce(&silent, 0, 1);
    wait_for_open(&running, &silent);
    // A restart does not make it speak.
    running = Daemon::start(running.kill());
    wait_for_open(&running, &silent);
    cluster.produce(&other, 0, 1);
    wait_for_told(&hook, &running, &other, "firing");
    assert_eq!(hook.told(&silent, "firing").len(), 0, "it was told in spite of its silence");

    let url = format!("http://{}", running.address());
    let expired = run(&["silence", "expire", "--url", &url, &id]);
    assert_eq!(expired.code, Some(0), "{expired:?}");
    wait_for_told(&hook, &running, &silent, "firing");

    // The end is told through a silence that came later.
    let again = run(&["silence", "add", "--url", &url, "-d", "1h", "--author", "me", &matcher]);
    assert_eq!(again.code, Some(0), "{again:?}");
    cluster.commit_offset(&silent, &silent, 0, 101);
    wait_for_told(&hook, &running, &silent, "resolved");
}

#[test]
fn a_cluster_that_cannot_be_reached_is_told_once_and_not_for_each_of_its_groups() {
    let cluster = KafkaCluster::start(&KafkaSpec::new(KafkaVersion::V4_1));
    let (folder, hook, prefix) = (TempDir::new().unwrap(), Hook::start(), unique("away-"));
    let groups: [String; 3] = std::array::from_fn(|_| pipeline(&cluster, &prefix));
    let rules = json!({ "alerts": [
        { "name": "gone", "when": { "unreachable": {} }, "severity": "page", "resolve_after": "1s" },
        {
            "name": "crossed",
            "when": { "lag": { "group": format!("{prefix}*"), "above": 100 } },
            "severity": "page",
            "resolve_after": "1s",
        },
    ] });
    let daemon = daemon(&folder, &cluster.bootstrap_server(), &prefix, &rules, &hook);
    groups.iter().for_each(|group| wait_for_lag(&daemon, group, 100.0));
    // One of them fires before.
    cluster.produce(&groups[0], 0, 1);
    wait_for_told(&hook, &daemon, &groups[0], "firing");
    cluster.stop_broker(1);
    let of_cluster = |status: &str| {
        let requests = hook.all();
        let alerts = requests.iter().flat_map(|request| request.body["alerts"].as_array().cloned().unwrap());
        alerts
            .filter(|alert| alert["status"] == status && alert["labels"]["alertname"] == "gone")
            .collect::<Vec<_>>()
    };
    wait_until("the cluster's alert is told", 2 * PATIENCE, || of_cluster("firing").len() == 1);
    // The one that was open stays as it is: nobody knows whether it is over.
    assert_eq!(hook.told(&groups[0], "resolved").len(), 0);
    let inhibited = &daemon.json("/api/v1/incidents")["incidents"];
    let of_group = inhibited.as_array().unwrap().iter().find(|one| one["group"] == groups[0].as_str());
    assert_eq!(of_group.unwrap()["inhibited"], true, "{inhibited}");
    cluster.start_broker(1);
    groups[1..].iter().for_each(|group| cluster.produce(group, 0, 1));
    wait_until("it is told that the cluster is back", 2 * PATIENCE, || of_cluster("resolved").len() == 1);
    groups[1..].iter().for_each(|group| {
        wait_for_told(&hook, &daemon, group, "firing");
    });
    cluster.commit_offset(&groups[0], &groups[0], 0, 101);
    wait_for_told(&hook, &daemon, &groups[0], "resolved");
    assert_eq!(hook.told(&groups[0], "firing").len(), 1, "told again because of the outage");
    assert_eq!(of_cluster("firing").len(), 1);
}
