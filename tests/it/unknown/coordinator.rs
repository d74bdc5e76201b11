//! The broker that coordinates groups hangs and comes back, or is another one from now on: the groups are unmeasured by
//! name meanwhile and measured again afterwards, by the same process. Commits are read from their log or polled.

use serde_json::json;

use super::{end, lag_sum};
use crate::kafka_server::admin::AclResource::{Cluster, Group, Topic};
use crate::kafka_server::member::GroupMember;
use crate::kafka_server::{KafkaCluster, KafkaSpec, KafkaVersion, Security};
use crate::program::{Daemon, Page, Settings};

const COMMIT_LOG: &str = "__consumer_offsets";

/// Without members, and enough for each partition of the commit log to have one.
const IDLE: [&str; 4] = ["idle-1", "idle-2", "idle-3", "idle-4"];
/// With a member of the classic protocol and of the newer one.
const BUSY: [&str; 2] = ["busy-classic", "busy-consumer"];

/// Two brokers, the first of which leads the topic `orders` with 10 records, 7 of which each group has committed. The
/// user `polling` may see everything but not read the commit log, `reading` may do that, too.
fn cluster() -> (KafkaCluster, Vec<GroupMember>) {
    let spec = KafkaSpec::new(KafkaVersion::V4_1).brokers(2).security(Security::Scram).authorizer();
    let cluster = KafkaCluster::start(&spec.user("polling", "secret").user("reading", "secret"));
    // Whoever it is.
    cluster.allow("*", &["Describe"], Cluster);
    cluster.allow("*", &["Describe"], Group("*"));
    cluster.allow("*", &["Describe", "DescribeConfigs"], Topic("*"));
    cluster.allow("reading", &["Read"], Topic(COMMIT_LOG));
    cluster.create_topic_with_assignment("orders", &[&[1]], &[]);
    cluster.produce("orders", 0, 10);
    for group in IDLE {
        cluster.commit_offset(group, "orders", 0, 7);
    }
    let members = vec![
        GroupMember::join_classic(&cluster, BUSY[0], "orders"),
        GroupMember::join_consumer_protocol(&cluster, BUSY[1], "orders"),
    ];
    for member in &members {
        member.consume_and_commit(7);
    }
    (cluster, members)
}

fn daemon(cluster: &KafkaCluster, user: &str, source: &str) -> Daemon {
    let keys = json!({ "poll_interval": "200ms", "request_timeout": "1500ms" });
    let daemon = Daemon::start(Settings::for_user(cluster, user, "secret", &keys));
    daemon.wait_for("everything is measured", |page| {
        is_whole(page) && daemon.json("/api/v1/clusters")["clusters"][0]["commit_source"] == source
    });
    daemon
}

impl Page {
    fn is_up(&self) -> bool {
        self.value("plimsoll_up", &[]) == Some(1.0)
    }

    fn cycles(&self) -> f64 {
        self.histogram("plimsoll_cycle_seconds", &[]).unwrap().0
    }
}

fn lags(page: &Page) -> Vec<Option<f64>> {
    IDLE.iter().chain(&BUSY).map(|group| lag_sum(page, group, "orders")).collect()
}

fn is_whole(page: &Page) -> bool {
    page.unmeasured().is_empty() && lags(page).iter().all(|lag| *lag == Some(3.0))
}

#[test]
fn a_coordinator_that_hangs_may_come_back() {
    let (cluster, _members) = cluster();
    // The controller and the records are elsewhere, so everything but the groups goes on.
    cluster.reassign(COMMIT_LOG, &[&[2], &[2], &[2]]);
    let daemons = [daemon(&cluster, "polling", "polled"), daemon(&cluster, "reading", "commit_log")];
    for _ in 0..3 {
        cluster.pause_broker(2);
        let cycles = daemons.each_ref().map(|daemon| {
            let page = daemon.wait_for("every group is unmeasured by name", |page| {
                let unmeasured = page.unmeasured();
                let is_told = |group: &&str| {
                    unmeasured.iter().any(|(subject, name, _)| *subject == "group" && name == group)
                };
                page.is_up() && IDLE.iter().chain(&BUSY).all(is_told)
            });
            assert_eq!((lags(&page), end(&page, "orders", 0)), (vec![None; 6], Some(10.0)));
            page.cycles()
        });
        for (daemon, before) in daemons.iter().zip(cycles) {
            daemon.wait_for("it has asked again and again", |page| page.cycles() >= before + 3.0);
        }
        cluster.resume_broker(2);
        for daemon in &daemons {
            daemon.wait_for("everything is measured again", is_whole);
        }
    }
}

#[test]
fn a_coordinator_that_moves_is_found() {
    let (cluster, _members) = cluster();
    let daemons = [daemon(&cluster, "polling", "polled"), daemon(&cluster, "reading", "commit_log")];
    // The broker of before lives on, and would go on saying that it is the wrong one.
    for (broker, committed) in [(2, 8), (1, 9)] {
        cluster.reassign(COMMIT_LOG, &[&[broker], &[broker], &[broker]]);
        for group in IDLE {
            cluster.commit_offset(group, "orders", 0, committed);
        }
        for daemon in &daemons {
            daemon.wait_for("the new commits are seen", |page| {
                let lag = Some((10 - committed) as f64);
                page.unmeasured().is_empty() && lags(page) == [lag, lag, lag, lag, Some(3.0), Some(3.0)]
            });
        }
    }
}
