//! A cluster that nobody can reach: what was said of it stands until somebody knows better.

use std::time::Duration;

use serde_json::{Value, json};

use super::pipeline::Pipeline;
use crate::kafka_server::wait::{try_wait_for, wait_until};
use crate::kafka_server::{KafkaCluster, KafkaSpec, KafkaVersion, PATIENCE};
use crate::program::Daemon;

/// A slice is a minute, and the first whole one may begin a minute from now.
const TWO_SLICES: Duration = Duration::from_secs(180);

fn rules(pipeline: &Pipeline<'_>) -> Value {
    let of = |more: Value| {
        let mut all = json!({ "group": pipeline.name, "topic": pipeline.name });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let mut on_time = pipeline.slo("on-time");
    on_time["alerting"] = json!({ "min_bad_events": 3, "resolve_after": "1s" });
    json!({
        "slos": [
            on_time,
            {
                "name": "lag",
                "indicator": { "lag": of(json!({ "max": 100 })) },
                "objective": "99%",
                "window": "30d",
            },
        ],
        "alerts": [
            {
                "name": "behind",
                "when": { "lag": of(json!({ "above": 1 })) },
                "severity": "page",
                "resolve_after": "1s",
            },
            { "name": "nobody-there", "when": { "unreachable": {} }, "severity": "page", "resolve_after": "1s" },
        ],
    })
}

/// Name, state, severity and since when, of all alerts but the one that the outage itself raises.
fn alerts(daemon: &Daemon) -> Vec<Value> {
    let answer = daemon.json("/api/v1/alerts");
    let alerts = answer["alerts"].as_array().unwrap().iter();
    let ours = alerts.filter(|alert| alert["name"] != "nobody-there" && alert["unmeasured"] != true);
    let mut all: Vec<Value> = ours
        .map(|alert| {
            json!([alert["name"], alert["state"], alert["severity"], alert["since"], alert["firing_since"]])
        })
        .collect();
    all.sort_by_key(Value::to_string);
    all
}

fn unreachable_fires(daemon: &Daemon) -> bool {
    let answer = daemon.json("/api/v1/alerts?name=nobody-there");
    answer["alerts"].as_array().unwrap().iter().any(|alert| alert["state"] == "firing")
}

#[test]
fn while_nobody_answers_slices_are_unmeasured_and_nothing_resolves() {
    let cluster = KafkaCluster::start(&KafkaSpec::new(KafkaVersion::V4_1));
    let pipeline = Pipeline::new(&cluster);
    let daemon = pipeline.start(&rules(&pipeline));
    pipeline.run(5, 30);
    // Nobody commits these; in time for the minute of the SLO they are neither good nor bad yet.
    cluster.produce(&pipeline.name, 0, 10);
    pipeline.expect_total(&daemon, "on-time", [5, 30, 0]);
    wait_until("both alerts fire", PATIENCE, || {
        let all = alerts(&daemon);
        all.len() == 2 && all.iter().all(|alert| alert[1] == "firing" && alert[2] == "page")
    });
    let before = alerts(&daemon);
    let state = |daemon: &Daemon| pipeline.slo_of(daemon, "on-time").unwrap()["state"].clone();
    assert_eq!(state(&daemon), "page");

    cluster.stop_broker(1);
    wait_until("the outage is told", PATIENCE, || unreachable_fires(&daemon));
    let check = |daemon: &Daemon| {
        assert_eq!(alerts(daemon), before, "{}", daemon.log());
        assert_eq!(state(daemon), "page");
        assert_eq!(pipeline.total(daemon, "on-time"), Some([5, 30, 0]));
    };
    let lag = |daemon: &Daemon| pipeline.total(daemon, "lag").unwrap_or_default();
    let seen = try_wait_for(TWO_SLICES, || {
        check(&daemon);
        (lag(&daemon)[2] > 0).then(|| lag(&daemon))
    });
    let seen = seen.unwrap_or_else(|| panic!("no slice is unmeasured: {:?}\n{}", lag(&daemon), daemon.log()));
    assert_eq!(seen[1], 0, "nobody knows that the lag was too high");

    // Killed in the middle of it.
    let daemon = Daemon::start(daemon.kill());
    wait_until("the outage is told", PATIENCE, || unreachable_fires(&daemon));
    check(&daemon);
    assert!(lag(&daemon)[2] >= seen[2] && lag(&daemon)[..2] == seen[..2], "{seen:?} {:?}", lag(&daemon));

    cluster.start_broker(1);
    wait_until("the cluster is there again", PATIENCE, || !unreachable_fires(&daemon));
    // What nobody committed for a minute is late by now, and the rest as it was.
    pipeline.expect_total(&daemon, "on-time", [5, 40, 0]);
    cluster.commit_offset(&pipeline.name, &pipeline.name, 0, 15);
    wait_until("the lag is over", PATIENCE, || alerts(&daemon).len() == 1);
}
