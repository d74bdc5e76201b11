//! A cluster watched as the daemon does it, one cycle at a time, by those topics and groups that one test has made.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use plimsoll::app::Watcher;
use plimsoll::kafka::{ClusterConfig, Filter};
use plimsoll::model::{ClusterName, GroupTopicView, GroupView, Selector, Snapshot, TopicView};

use crate::kafka_server::KafkaCluster;

/// The daemon's own cycle, run whenever the test wants it.
pub(super) struct Watched {
    watcher: Watcher,
    stop: Arc<AtomicBool>,
    events: Option<JoinHandle<()>>,
}

impl Watched {
    /// Everything whose name begins with `prefix`.
    pub(super) fn new(cluster: &KafkaCluster, prefix: &str) -> Watched {
        Watched::with(cluster, prefix, |_| {})
    }

    /// As [`Self::new`], with other settings.
    pub(super) fn with(
        cluster: &KafkaCluster,
        prefix: &str,
        settings: impl FnOnce(&mut ClusterConfig),
    ) -> Watched {
        let servers = vec![cluster.bootstrap_server()];
        let mut config = ClusterConfig::from_bootstrap_server(ClusterName::from("test"), servers);
        let ours = || Filter { include: vec![Selector::new(&format!("{prefix}*"))], exclude: Vec::new() };
        (config.groups, config.topics) = (ours(), ours());
        settings(&mut config);
        let stop = Arc::new(AtomicBool::new(false));
        let watcher = Watcher::connect(
            config,
            plimsoll::engine::EngineConfig { max_history_series: 100, ..Default::default() },
            Arc::clone(&stop),
        )
        .unwrap();
        let events = watcher.cluster().events();
        let events = Some(std::thread::spawn(move || events.run()));
        Watched { watcher, stop, events }
    }

    /// One cycle and its tick; the cluster must be there.
    pub(super) fn cycle(&mut self) -> Snapshot {
        let snapshot = self.watcher.cycle();
        assert_eq!(snapshot.up, Ok(()), "{:?}", snapshot.down_because);
        snapshot
    }

    /// Cycles until `find` has what it looks for; panics with `what` after many.
    pub(super) fn cycle_until<T>(&mut self, what: &str, find: impl Fn(&Snapshot) -> Option<T>) -> T {
        crate::kafka_server::wait::wait_for(what, crate::kafka_server::PATIENCE, || find(&self.cycle()))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.events.take().unwrap().join().ok();
    }
}

/// None when it is not in the snapshot.
pub(super) fn group<'a>(snapshot: &'a Snapshot, group: &str) -> Option<&'a GroupView> {
    snapshot.groups.iter().find(|view| view.group.as_str() == group)
}

/// None when it is not in the snapshot.
pub(super) fn group_topic<'a>(snapshot: &'a Snapshot, id: &str, topic: &str) -> Option<&'a GroupTopicView> {
    group(snapshot, id)?.topics.iter().find(|view| view.topic.as_str() == topic)
}

/// None when it is not in the snapshot.
pub(super) fn topic<'a>(snapshot: &'a Snapshot, topic: &str) -> Option<&'a TopicView> {
    snapshot.topics.iter().find(|view| view.topic.as_str() == topic)
}
