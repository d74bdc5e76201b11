//! The whole cluster goes away and comes back: never an old number as a new one, never a restart of the daemon.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::{appended, end, lag};
use crate::kafka_server::{KafkaCluster, KafkaSpec, KafkaVersion};
use crate::program::{Daemon, Page, Settings};

const POLL_INTERVAL: Duration = Duration::from_millis(200);
const REQUEST_TIMEOUT: Duration = Duration::from_millis(1500);

/// The time that a cycle may take until it has measured or given up: one request in vain, and what follows it.
const TICK: Duration = Duration::from_millis(200 + 2 * 1500);

fn daemon(cluster: &KafkaCluster) -> Daemon {
    let millis = |length: Duration| format!("{}ms", length.as_millis());
    let keys = json!({ "poll_interval": millis(POLL_INTERVAL), "request_timeout": millis(REQUEST_TIMEOUT) });
    Daemon::start(Settings::for_user(cluster, "", "", &keys))
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

fn is_up(page: &Page) -> bool {
    page.value("plimsoll_up", &[]) == Some(1.0)
}

/// Waits for the outage that began at `since`, and checks how it is shown; `expected` is in its reason.
fn check_outage(daemon: &Daemon, since: i64, log_lines: usize, counted: f64, expected: &str) {
    let page = daemon.wait_for("the outage is told", |page| !is_up(page));
    let told = daemon.logged_at("cluster cannot be measured", log_lines).unwrap() - since;
    assert!(told <= 2 * TICK.as_millis() as i64, "told after {told} ms\n{}", daemon.log());

    let gauges = page.gauges_with(&[("topic", "orders")]);
    assert_eq!((gauges, page.gauges_with(&[("consumergroup", "late")])), (vec![], vec![]));
    assert_eq!(page.value("kafka_brokers", &[]), None);
    assert_eq!(appended(&page, "orders"), Some(counted), "a counter stays");
    let (status, body) = daemon.get("/readyz");
    assert!(status == 503 && body.contains(expected), "{status} {body}");
    assert_eq!(daemon.get("/healthz").0, 200);
}

fn check_recovery(daemon: &Daemon, records: f64, counted: f64) {
    let page =
        daemon.wait_for("the cluster is measured again", |page| end(page, "orders", 0) == Some(records));
    assert!(is_up(&page));
    assert_eq!(lag(&page, "late", "orders", 0), Some(records - 7.0));
    assert_eq!(appended(&page, "orders"), Some(counted));
    assert_eq!((page.unmeasured(), daemon.get("/readyz").0), (vec![], 200));
}

#[test]
fn an_outage_is_told_and_ends_by_itself() {
    let cluster = KafkaCluster::start(&KafkaSpec::new(KafkaVersion::V4_1));
    cluster.create_topic("orders", 1, &[]);
    cluster.produce("orders", 0, 10);
    cluster.commit_offset("late", "orders", 0, 7);
    cluster.stop_broker(1);

    // Started before the broker.
    let daemon = daemon(&cluster);
    daemon
        .wait_for("that nobody is there is told", |_| daemon.get("/readyz").1.contains("Connection refused"));
    assert_eq!((daemon.get("/readyz").0, daemon.get("/healthz").0), (503, 200));
    assert_eq!(daemon.metrics().value("plimsoll_up", &[]), Some(0.0));
    cluster.start_broker(1);
    check_recovery(&daemon, 10.0, 0.0);

    // Stopped, and started again.
    cluster.produce("orders", 0, 5);
    check_recovery(&daemon, 15.0, 5.0);
    let lines = daemon.log_lines();
    cluster.stop_broker(1);
    check_outage(&daemon, now(), lines, 5.0, "\"reason\":\"unreachable\"");
    cluster.start_broker(1);
    check_recovery(&daemon, 15.0, 5.0);

    // Hanging: connections stay, and nothing answers.
    let lines = daemon.log_lines();
    cluster.pause_broker(1);
    check_outage(&daemon, now(), lines, 5.0, "no broker answers at");
    cluster.resume_broker(1);
    check_recovery(&daemon, 15.0, 5.0);
    cluster.produce("orders", 0, 5);
    check_recovery(&daemon, 20.0, 10.0);

    // Asked to stop while Kafka hangs.
    cluster.pause_broker(1);
    daemon.signal("TERM");
    assert_eq!(daemon.wait_for_end(Duration::from_secs(5)), Some(0));
    cluster.resume_broker(1);
}
