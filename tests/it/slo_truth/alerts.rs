//! Threshold alerts on a real Kafka: when they fire and when they are over, by the times that they record.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::play::unix_now;
use crate::kafka_server::wait::try_wait_for;
use crate::kafka_server::{KafkaCluster, KafkaVersion, PATIENCE, unique};
use crate::program::{Daemon, Settings};

/// Milliseconds.
const TICK: i64 = 1_000;
const SHORT: i64 = 3_000;
const LONG: i64 = 12_000;

fn rule(name: &str, group: &str, hold: i64) -> Value {
    json!({
        "name": name,
        "when": { "lag": { "group": group, "topic": group, "above": 100 } },
        "for": format!("{hold}ms"),
        "severity": "page",
        "resolve_after": "2s",
    })
}

/// What `/api/v1/alerts` says of `name`.
fn alert(daemon: &Daemon, name: &str) -> Option<Value> {
    let answer = daemon.json(&format!("/api/v1/alerts?name={name}"));
    answer["alerts"].as_array().unwrap().first().cloned()
}

fn wait_for_alert(daemon: &Daemon, name: &str, state: &str) -> Value {
    let found = try_wait_for(PATIENCE, || alert(daemon, name).filter(|alert| alert["state"] == state));
    found.unwrap_or_else(|| panic!("{name} is not {state}: {:?}\n{}", alert(daemon, name), daemon.log()))
}

/// The one incident of `name` that is in `state`.
fn incident(daemon: &Daemon, name: &str, state: &str) -> Value {
    let answer = daemon.json(&format!("/api/v1/incidents?name={name}"));
    let incidents = answer["incidents"].as_array().unwrap();
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert_eq!(incidents[0]["state"], state, "{}", incidents[0]);
    incidents[0].clone()
}

/// Milliseconds since 1970.
fn time(alert: &Value, key: &str) -> i64 {
    let text = alert[key].as_str().unwrap_or_else(|| panic!("{key} of {alert}"));
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

/// It fires when its condition has been true for `hold`, and two ticks later at the latest.
fn expect_fired_in_time(alert: &Value, hold: i64) {
    let held = time(alert, "firing_since") - time(alert, "since");
    assert!(
        (hold..=hold + 2 * TICK).contains(&held),
        "it fired after {held} ms instead of {hold} ms: {alert}"
    );
}

#[test]
fn an_alert_fires_in_time_survives_a_crash_while_pending_and_resolves() {
    let cluster = KafkaCluster::shared(KafkaVersion::V4_1);
    let group = unique("late");
    cluster.create_topic(&group, 1, &[]);
    cluster.produce(&group, 0, 100);
    cluster.commit_offset(&group, &group, 0, 0);
    let folder = TempDir::new().unwrap();
    let rules = folder.path().join("rules.yaml");
    let alerts = json!({ "alerts": [rule("soon", &group, SHORT), rule("later", &group, LONG)] });
    std::fs::write(&rules, alerts.to_string()).unwrap();
    let keys = json!({ "poll_interval": format!("{TICK}ms"), "groups": { "include": [group] } });
    let others = json!({ "rules": [rules], "state": { "path": folder.path().join("state") } });
    let server = cluster.bootstrap_server();
    let daemon = Daemon::start(Settings::with(&[&server], &keys, &others));

    let labels = [("consumergroup", group.as_str()), ("topic", group.as_str())];
    daemon
        .wait_for("the lag is 100", |page| page.value("kafka_consumergroup_lag_sum", &labels) == Some(100.0));
    assert_eq!(alert(&daemon, "soon"), None, "100 is not above 100");

    let crossing = unix_now();
    cluster.produce(&group, 0, 1);
    let crossed = unix_now();
    let pending = wait_for_alert(&daemon, "later", "pending");
    let since = time(&pending, "since");
    assert!((crossing..=crossed + 2 * TICK).contains(&since), "{pending} {crossing}");
    let soon = wait_for_alert(&daemon, "soon", "firing");
    expect_fired_in_time(&soon, SHORT);
    assert_eq!(time(&soon, "since"), since);

    let opened = incident(&daemon, "soon", "open");
    assert_eq!((time(&opened, "since"), time(&opened, "opened_at")), (since, time(&soon, "firing_since")));
    assert_eq!((&opened["revision"], &opened["trend"]["lag_at_opening"]), (&json!(1), &json!(101)));

    // Killed while one is pending and the other fires: both go on as if nothing had been.
    let daemon = Daemon::start(daemon.kill());
    daemon.wait_until_measured();
    let again = wait_for_alert(&daemon, "soon", "firing");
    assert_eq!((time(&again, "since"), time(&again, "firing_since")), (since, time(&soon, "firing_since")));
    let going_on = incident(&daemon, "soon", "open");
    for same in ["id", "key", "opened_at", "revision", "summary"] {
        assert_eq!(going_on[same], opened[same], "{going_on}");
    }
    let later = wait_for_alert(&daemon, "later", "firing");
    assert_eq!(time(&later, "since"), since);
    expect_fired_in_time(&later, LONG);
    let page = daemon.metrics();
    let firing = [
        ("alertname", "later"),
        ("alertstate", "firing"),
        ("severity", "page"),
        ("consumergroup", group.as_str()),
        ("topic", group.as_str()),
    ];
    assert_eq!(page.value("ALERTS", &firing), Some(1.0));

    cluster.commit_offset(&group, &group, 0, 50);
    for name in ["soon", "later"] {
        let over = try_wait_for(PATIENCE, || alert(&daemon, name).is_none().then_some(()));
        assert!(over.is_some(), "{name} is not over: {:?}", alert(&daemon, name));
    }
    let over = incident(&daemon, "soon", "resolved");
    assert_eq!(
        (&over["id"], &over["revision"], &over["change"]),
        (&opened["id"], &json!(2), &json!("resolved"))
    );
    assert_eq!((&over["trend"]["lag"], &over["trend"]["lag_at_opening"]), (&json!(51), &json!(101)));
}
