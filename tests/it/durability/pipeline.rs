//! A topic and a group of which every record's fate is known, and the daemon that counts them.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::kafka_server::wait::{try_wait_for, wait_for, wait_until};
use crate::kafka_server::{KafkaCluster, PATIENCE, unique};
use crate::program::{CLUSTER, Daemon, Settings};

/// Milliseconds: longer ago than any threshold, and than any test takes.
const LONG_AGO: i64 = 1_000_000;

/// Milliseconds since 1970.
pub(super) fn unix_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// One topic, and a group of the same name: in time on partition 0, late on partition 1.
pub(super) struct Pipeline<'a> {
    pub(super) cluster: &'a KafkaCluster,
    pub(super) name: String,
    folder: TempDir,
    ends: [Cell<u64>; 2],
}

impl<'a> Pipeline<'a> {
    /// Without a record, and with a commit.
    pub(super) fn new(cluster: &'a KafkaCluster) -> Pipeline<'a> {
        let name = unique("durable");
        cluster.create_topic(&name, 2, &[]);
        for partition in 0..2 {
            cluster.commit_offset(&name, &name, partition, 0);
        }
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Pipeline { cluster, name, folder, ends: [Cell::new(0), Cell::new(0)] }
    }

    /// 99% within a minute, which every record of partition 0 is and none of partition 1.
    pub(super) fn slo(&self, name: &str) -> Value {
        json!({
            "name": name,
            "indicator": {
                "latency": { "group": self.name, "topic": self.name, "within": "60s", "accept_commit_resolution": true },
            },
            "objective": "99%",
            "window": "30d",
        })
    }

    /// The rules of the next start.
    pub(super) fn write_rules(&self, rules: &Value) -> PathBuf {
        let path = self.folder.path().join("rules.yaml");
        std::fs::write(&path, rules.to_string()).unwrap();
        path
    }

    pub(super) fn state_folder(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(super) fn state_file(&self) -> PathBuf {
        self.state_folder().join("plimsoll.redb")
    }

    pub(super) fn settings(&self, rules: &Value) -> Settings {
        let server = self.cluster.bootstrap_server();
        let ours = json!({ "include": [self.name] });
        let keys = json!({
            "poll_interval": "200ms", "request_timeout": "2s", "groups": ours, "topics": ours,
        });
        let others = json!({ "rules": [self.write_rules(rules)], "state": { "path": self.state_folder() } });
        Settings::with(&[&server], &keys, &others)
    }

    /// Returns when it watches: every record to come is appended after that.
    pub(super) fn start(&self, rules: &Value) -> Daemon {
        self.start_again(self.settings(rules))
    }

    pub(super) fn start_again(&self, settings: Settings) -> Daemon {
        let daemon = Daemon::start(settings);
        self.wait_until_watched(&daemon);
        daemon
    }

    pub(super) fn wait_until_watched(&self, daemon: &Daemon) {
        let labels = [("consumergroup", self.name.as_str()), ("topic", self.name.as_str())];
        daemon.wait_for("the group is measured", |page| {
            page.value("kafka_consumergroup_lag_sum", &labels).is_some()
        });
        // What is complete is so for a time that is about a second ago.
        let seen = unix_now();
        wait_until("two seconds of watching", PATIENCE, || {
            let group = daemon.json(&format!("/api/v1/groups/{CLUSTER}/{}", self.name));
            let at = group["measured_at"].as_str().map(milliseconds);
            at.is_some_and(|at| at > seen + 2_000)
        });
    }

    /// So many more records in time, and so many late ones; all are committed when this returns.
    pub(super) fn run(&self, good: u64, bad: u64) {
        self.cluster.produce(&self.name, 0, good as usize);
        self.cluster.produce_at(&self.name, 1, &vec![unix_now() - LONG_AGO; bad as usize]);
        for (partition, more) in [good, bad].into_iter().enumerate() {
            let end = &self.ends[partition];
            end.set(end.get() + more);
            self.cluster.commit_offset(&self.name, &self.name, partition as i32, end.get());
        }
    }

    /// All records so far, each of which is committed.
    pub(super) fn committed(&self) -> u64 {
        self.ends.iter().map(Cell::get).sum()
    }

    /// What the API says of an SLO, once it says anything.
    pub(super) fn slo_of(&self, daemon: &Daemon, name: &str) -> Option<Value> {
        let answer = daemon.json(&format!("/api/v1/slos?slo={name}"));
        let slos = answer["slos"].as_array().unwrap();
        slos.iter().find(|slo| slo["group"] == self.name.as_str()).cloned()
    }

    /// Everything ever counted: good, bad and unmeasured.
    pub(super) fn total(&self, daemon: &Daemon, name: &str) -> Option<[u64; 3]> {
        let slo = self.slo_of(daemon, name)?;
        let total = slo.get("total")?;
        Some(["good", "bad", "unmeasured"].map(|outcome| total[outcome].as_u64().unwrap()))
    }

    /// The first counts that it shows.
    pub(super) fn first_total(&self, daemon: &Daemon, name: &str) -> [u64; 3] {
        wait_for("anything is counted", PATIENCE, || self.total(daemon, name))
    }

    /// Until it has counted `expected`; on the way there, and for ten ticks after that, it never counts more of anything.
    pub(super) fn expect_total(&self, daemon: &Daemon, name: &str, expected: [u64; 3]) {
        let beyond = |total: [u64; 3]| total.iter().zip(expected).any(|(counted, most)| *counted > most);
        let mut settled_at = None;
        let came = try_wait_for(PATIENCE, || {
            let total = self.total(daemon, name);
            assert!(!total.is_some_and(beyond), "{name}: {total:?}, not {expected:?}\n{}", daemon.log());
            let tick = self.slo_of(daemon, name)?["measured_at"].as_str().map(milliseconds)?;
            let is_there = total == Some(expected);
            assert!(is_there || settled_at.is_none(), "{name}: {expected:?}, then {total:?}");
            is_there.then(|| tick >= *settled_at.get_or_insert(tick) + 2_000)?.then_some(())
        });
        assert!(came.is_some(), "{name}: {:?}, not {expected:?}\n{}", self.total(daemon, name), daemon.log());
    }
}

/// Of a time as the API writes it: milliseconds since 1970.
pub(super) fn milliseconds(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}
