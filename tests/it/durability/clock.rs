//! The daemon's clock is set while it watches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use plimsoll::app::Watcher;
use plimsoll::config::{System, parse_rules};
use plimsoll::engine::EngineConfig;
use plimsoll::kafka::{ClusterConfig, Filter};
use plimsoll::model::{ClusterName, Counts, Selector, Snapshot, Timestamp};
use serde_json::{Value, json};

use super::pipeline::{Pipeline, unix_now};
use crate::kafka_server::wait::wait_until;
use crate::kafka_server::{KafkaCluster, KafkaSpec, KafkaVersion, PATIENCE};

const HOUR: i64 = 3_600_000;

/// The daemon's own cycle by a clock that is set at will.
struct Watched {
    watcher: Watcher,
    /// In milliseconds.
    ahead: Arc<AtomicI64>,
    stop: Arc<AtomicBool>,
    started: i64,
}

impl Watched {
    fn new(pipeline: &Pipeline<'_>) -> Watched {
        let servers = vec![pipeline.cluster.bootstrap_server()];
        let mut config = ClusterConfig::from_bootstrap_server(ClusterName::from("test"), servers);
        let ours = || Filter { include: vec![Selector::new(&pipeline.name)], exclude: Vec::new() };
        (config.groups, config.topics) = (ours(), ours());
        config.request_timeout = std::time::Duration::from_secs(2);
        let rules = json!({ "slos": [pipeline.slo("on-time"), lag(pipeline)] });
        let rules = parse_rules(&rules.to_string(), "rules.yaml", &System);
        let rules = rules.unwrap_or_else(|problems| panic!("{problems}"));
        let stop = Arc::new(AtomicBool::new(false));
        let judged = EngineConfig { max_history_series: 100, slos: rules.slos, ..EngineConfig::default() };
        let ahead = Arc::new(AtomicI64::new(0));
        let by = Arc::clone(&ahead);
        let watcher = Watcher::connect(config, judged, Arc::clone(&stop)).unwrap();
        let watcher =
            watcher.with_clock(Arc::new(move || Timestamp(unix_now() + by.load(Ordering::Relaxed))));
        let events = watcher.cluster().events();
        std::thread::spawn(move || events.run());
        let mut watched = Watched { watcher, ahead, stop, started: unix_now() };
        let mut last = 0;
        wait_until("two seconds of watching", PATIENCE, || {
            last += i64::from(watched.cycle().groups.iter().any(|group| !group.topics.is_empty()));
            last > 0 && unix_now() > watched.started + 2_000
        });
        watched
    }

    fn cycle(&mut self) -> Snapshot {
        self.watcher.cycle()
    }

    fn set_ahead(&self, milliseconds: i64) {
        self.ahead.store(milliseconds, Ordering::Relaxed);
    }

    /// All that was ever counted is `expected`, and three ticks later still.
    fn expect_total(&mut self, expected: Counts) {
        wait_until(&format!("{expected:?} are counted"), PATIENCE, || {
            total(&self.cycle(), "on-time") == expected
        });
        for _ in 0..3 {
            let snapshot = self.cycle();
            assert_eq!(total(&snapshot, "on-time"), expected);
            self.expect_no_more_slices_than_minutes(&snapshot);
        }
    }

    /// Slices are minutes: there are no more of them than have begun.
    fn expect_no_more_slices_than_minutes(&self, snapshot: &Snapshot) {
        let total = total(snapshot, "lag");
        let begun = (unix_now() / 60_000 - self.started / 60_000) as u64;
        let counted = total.good + total.bad + total.unmeasured;
        assert!(counted <= begun, "{total:?} in {begun} minutes");
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn lag(pipeline: &Pipeline<'_>) -> Value {
    json!({
        "name": "lag",
        "indicator": { "lag": { "group": pipeline.name, "topic": pipeline.name, "max": 100 } },
        "objective": "99%",
        "window": "30d",
    })
}

fn total(snapshot: &Snapshot, name: &str) -> Counts {
    let slo = snapshot.slos.iter().find(|slo| &*slo.slo.name == name);
    slo.map_or(Counts::default(), |slo| slo.total)
}

fn counts(good: u64, bad: u64) -> Counts {
    Counts { good, bad, unmeasured: 0 }
}

#[test]
fn setting_the_clock_by_an_hour_changes_no_count() {
    let pipeline = Pipeline::new(KafkaCluster::shared(KafkaVersion::V4_1));
    let mut watched = Watched::new(&pipeline);
    pipeline.run(5, 3);
    watched.expect_total(counts(5, 3));
    let mut expected = (5, 3);
    for ahead in [HOUR, 0, -HOUR, 0] {
        watched.set_ahead(ahead);
        watched.expect_total(counts(expected.0, expected.1));
        // What is appended before, and what after the daemon has noticed.
        pipeline.run(5, 3);
        watched.set_ahead(0);
        watched.cycle();
        watched.set_ahead(ahead);
        expected = (expected.0 + 5, expected.1 + 3);
        watched.expect_total(counts(expected.0, expected.1));
    }
}

#[test]
fn setting_the_clock_by_an_hour_during_an_outage_changes_no_count() {
    let cluster = KafkaCluster::start(&KafkaSpec::new(KafkaVersion::V4_1));
    let pipeline = Pipeline::new(&cluster);
    let mut watched = Watched::new(&pipeline);
    pipeline.run(5, 3);
    watched.expect_total(counts(5, 3));
    for (ahead, bad) in [(HOUR, 6), (-HOUR, 9)] {
        cluster.stop_broker(1);
        wait_until("the outage is noticed", PATIENCE, || watched.cycle().up.is_err());
        watched.set_ahead(ahead);
        for _ in 0..2 {
            let snapshot = watched.cycle();
            assert!(snapshot.up.is_err());
            watched.expect_no_more_slices_than_minutes(&snapshot);
        }
        cluster.start_broker(1);
        wait_until("it is measured again", PATIENCE, || watched.cycle().up.is_ok());
        pipeline.run(5, 3);
        watched.expect_total(counts(bad / 3 * 5, bad));
    }
}
