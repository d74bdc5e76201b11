//! What cannot be known is neither kept nor broken: it has a state and a reason of its own, and pages nobody.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::play::unix_now;
use crate::kafka_server::admin::AclResource::{Cluster, Group, Topic};
use crate::kafka_server::wait::try_wait_for;
use crate::kafka_server::{KafkaCluster, KafkaSpec, KafkaVersion, PATIENCE, Security};
use crate::program::{Daemon, Settings};

/// How long records are made, consumed and committed every 5 s: four commits, three times between them.
const TRAFFIC: i64 = 18_000;

fn latency(name: &str, group: &str, within: &str) -> Value {
    json!({
        "name": name,
        "indicator": { "latency": { "group": group, "within": within } },
        "objective": "99.9%",
        "window": "30d",
    })
}

/// What `/api/v1/slos` says of `name`.
fn slo(daemon: &Daemon, name: &str) -> Option<Value> {
    let answer = daemon.json(&format!("/api/v1/slos?slo={name}"));
    answer["slos"].as_array().unwrap().first().cloned()
}

/// State and reason.
fn stands(slo: &Value) -> (&str, Option<&str>) {
    (slo["state"].as_str().unwrap(), slo["reason"].as_str())
}

fn wait_for_slo(daemon: &Daemon, name: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let found = try_wait_for(PATIENCE, || slo(daemon, name).filter(|slo| is_so(slo)));
    found.unwrap_or_else(|| panic!("{name}: {:?}\n{}", slo(daemon, name), daemon.log()))
}

/// Nothing may page, ever.
fn expect_no_page(daemon: &Daemon) {
    let answer = daemon.json("/api/v1/alerts");
    let pages = answer["alerts"].as_array().unwrap().iter().filter(|alert| alert["severity"] == "page");
    assert_eq!(pages.count(), 0, "{answer}");
}

/// One topic with traffic that is committed every 5 s, and one that everything has been read of.
fn cluster() -> KafkaCluster {
    let spec = KafkaSpec::new(KafkaVersion::V4_1).security(Security::Scram).authorizer();
    let cluster = KafkaCluster::start(&spec.user("describer", "secret"));
    for topic in ["orders", "quiet"] {
        cluster.create_topic(topic, 1, &[]);
    }
    cluster.produce("quiet", 0, 10);
    cluster.commit_offset("quiet-reader", "quiet", 0, 10);
    cluster.commit_offset("orders-processor", "orders", 0, 0);
    cluster.allow("describer", &["Describe"], Cluster);
    cluster.allow("describer", &["Describe", "DescribeConfigs"], Topic("*"));
    cluster.allow("describer", &["Describe"], Group("*"));
    cluster
}

#[test]
fn what_cannot_be_judged_has_a_reason_and_never_pages() {
    let cluster = cluster();
    let folder = TempDir::new().unwrap();
    let rules = folder.path().join("rules.yaml");
    let slos = json!({ "slos": [
        latency("mistyped", "orders-procesor", "100ms"),
        latency("nobody", "nobody-*", "100ms"),
        latency("idle", "quiet-reader", "30s"),
        latency("too-fine", "orders-processor", "100ms"),
        latency("coarse", "orders-processor", "30s"),
    ] });
    std::fs::write(&rules, slos.to_string()).unwrap();
    let others = |state: &str| json!({ "rules": [rules], "state": { "path": folder.path().join(state) } });
    let inner = cluster.inner_bootstrap_server();
    let reads = Daemon::start(Settings::with(&[&inner], &json!({}), &others("reads")));
    let polls =
        Daemon::start(Settings::for_user_with(&cluster, "describer", "secret", &json!({}), &others("polls")));
    for daemon in [&reads, &polls] {
        daemon.wait_until_measured();
        assert_eq!(
            stands(&wait_for_slo(daemon, "mistyped", |_| true)),
            ("unmeasured", Some("no_such_group"))
        );
        let detail = slo(daemon, "mistyped").unwrap()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("orders-processor"), "it names what is nearest: {detail}");
        assert_eq!(stands(&wait_for_slo(daemon, "nobody", |_| true)), ("unmeasured", Some("no_match")));
        let ready = daemon.get("/readyz");
        assert!(ready.0 == 200 && ready.1.contains("nobody-*"), "{ready:?}");
        let idle = wait_for_slo(daemon, "idle", |slo| slo["idle"] == true);
        assert_eq!(stands(&idle), ("ok", None));
    }

    let mut config =
        cluster.client_config(&[("group.id", "orders-processor"), ("enable.auto.commit", "true")]);
    config.set("auto.commit.interval.ms", "5000");
    let consumer: BaseConsumer = config.create().unwrap();
    consumer.subscribe(&["orders"]).unwrap();
    let begun = unix_now();
    while unix_now() < begun + TRAFFIC {
        cluster.produce("orders", 0, 20);
        while consumer.poll(Duration::from_millis(100)).is_some() {}
        for daemon in [&reads, &polls] {
            expect_no_page(daemon);
            for name in ["mistyped", "nobody"] {
                let slo = slo(daemon, name).unwrap();
                assert_eq!(slo["state"], "unmeasured", "{slo}");
            }
        }
    }

    let too_fine = wait_for_slo(&reads, "too-fine", |slo| slo["reason"] == "commit_interval");
    assert_eq!(too_fine["state"], "unmeasured");
    // What was counted is true of the commits all the same.
    assert!(too_fine["total"]["bad"].as_u64() > Some(0), "{too_fine}");
    let coarse = wait_for_slo(&reads, "coarse", |slo| slo["total"]["good"].as_u64() > Some(0));
    assert_eq!((stands(&coarse), &coarse["total"]["bad"]), (("ok", None), &json!(0)));

    // A tick tells commits apart by no less than its own length.
    let too_fine = wait_for_slo(&polls, "too-fine", |slo| slo["state"] == "unmeasured");
    let reason = too_fine["reason"].as_str().unwrap();
    assert!(["polled", "commit_interval"].contains(&reason), "{too_fine}");
    let coarse = wait_for_slo(&polls, "coarse", |slo| slo["total"]["good"].as_u64() > Some(0));
    assert_eq!((stands(&coarse), &coarse["total"]["bad"]), (("ok", None), &json!(0)));
    for (daemon, source) in [(&reads, "commit_log"), (&polls, "polled")] {
        let (_, page) = daemon.get("/metrics");
        let told = page.lines().any(|line| {
            line.starts_with("plimsoll_cluster_info{")
                && line.contains(&format!("commit_source=\"{source}\""))
        });
        assert!(told, "the source of commits is {source}");
        expect_no_page(daemon);
    }
}
