//! One cluster's commit log, read cycle by cycle, by those groups and topics that one test has made.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use plimsoll::kafka::{Cluster, ClusterConfig, Filter};
use plimsoll::model::{
    ClusterName, CommitLog, CommitLogEntry, CommitLogEvent, Measured, Observation, Offset, Secret, Selector,
    Timestamp, commit_log_partition,
};

use crate::kafka_server::wait::wait_for;
use crate::kafka_server::{KafkaCluster, PATIENCE};

pub(super) fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64)
}

/// What was read of the commit log of one cluster so far.
pub(super) struct CommitLogReader {
    pub(super) cluster: Cluster,
    stop: Arc<AtomicBool>,
    events: Option<JoinHandle<()>>,
    /// By partition of the commit log.
    pub(super) entries: BTreeMap<usize, Vec<CommitLogEntry>>,
    pub(super) gaps: BTreeMap<usize, Vec<(Offset, Offset)>>,
    pub(super) last: Measured<CommitLog>,
}

impl CommitLogReader {
    /// Of what begins with `prefix`, from now on: the first cycle has been.
    pub(super) fn new(kafka: &KafkaCluster, prefix: &str) -> CommitLogReader {
        CommitLogReader::with(kafka, prefix, "", BTreeMap::new())
    }

    /// As `user` of the cluster, going on at `positions`.
    pub(super) fn with(
        kafka: &KafkaCluster,
        prefix: &str,
        user: &str,
        positions: BTreeMap<u32, Offset>,
    ) -> CommitLogReader {
        let mut config = ClusterConfig::from_bootstrap_server("test".into(), vec![kafka.bootstrap_server()]);
        assert_eq!(config.name, ClusterName::from("test"));
        let ours = || Filter { include: vec![Selector::new(&format!("{prefix}*"))], exclude: Vec::new() };
        (config.groups, config.topics) = (ours(), ours());
        config.request_timeout = Duration::from_secs(3);
        let properties = kafka.client_properties(user, "secret");
        config.properties = properties.into_iter().map(|(key, value)| (key, Secret::new(value))).collect();
        let stop = Arc::new(AtomicBool::new(false));
        let mut cluster = Cluster::connect(config, Arc::clone(&stop)).unwrap();
        cluster.resume_commit_log(positions);
        let events = cluster.events();
        let events = Some(std::thread::spawn(move || events.run()));
        let (entries, gaps) = (BTreeMap::new(), BTreeMap::new());
        let last = Err(plimsoll::model::Reason::NotYetRead);
        let mut reader = CommitLogReader { cluster, stop, events, entries, gaps, last };
        reader.cycle();
        reader
    }

    /// One cycle; the cluster must be there.
    pub(super) fn cycle(&mut self) -> Observation {
        let observation = self.cluster.observe(&now).unwrap();
        self.keep(&observation);
        observation
    }

    /// One cycle; false when nobody answers.
    pub(super) fn try_cycle(&mut self) -> bool {
        self.cluster.observe(&now).map(|observation| self.keep(&observation)).is_ok()
    }

    fn keep(&mut self, observation: &Observation) {
        self.last = observation.commit_log.clone();
        for (number, partition) in self.last.iter().flat_map(|log| &log.partitions).enumerate() {
            self.entries.entry(number).or_default().extend_from_slice(&partition.entries);
            self.gaps.entry(number).or_default().extend_from_slice(&partition.gaps);
        }
    }

    /// Cycles until `find` has what it looks for; panics with `what` after many.
    pub(super) fn cycle_until<T>(
        &mut self,
        what: &str,
        find: impl Fn(&Self, &Observation) -> Option<T>,
    ) -> T {
        wait_for(what, PATIENCE, || {
            let observation = self.cycle();
            find(self, &observation)
        })
    }

    /// Cycles until everything that was committed before this call was read.
    pub(super) fn catch_up(&mut self) {
        let asked = now();
        self.cycle_until("the commit log is complete", |reader, _| {
            let log = reader.last.as_ref().ok()?;
            let is_complete = |at: &Measured<Timestamp>| at.is_ok_and(|at| at > asked);
            log.partitions.iter().all(|partition| is_complete(&partition.complete_to)).then_some(())
        });
    }

    /// What was read of `group`, in its order.
    pub(super) fn of(&self, group: &str) -> Vec<CommitLogEntry> {
        let number = commit_log_partition(group, self.entries.len());
        let entries = self.entries.get(&number).into_iter().flatten();
        entries.filter(|entry| entry.event.group().as_str() == group).cloned().collect()
    }

    /// The offsets that `group` has committed or, as `None`, that were deleted.
    pub(super) fn commits_of(&self, group: &str) -> Vec<Option<Offset>> {
        let commit = |entry: CommitLogEntry| match entry.event {
            CommitLogEvent::Committed { offset, .. } => Some(Some(offset)),
            CommitLogEvent::Uncommitted { .. } => Some(None),
            _ => None,
        };
        self.of(group).into_iter().filter_map(commit).collect()
    }

    /// Where each partition will be read on.
    pub(super) fn positions(&self) -> BTreeMap<u32, Offset> {
        let log = self.last.as_ref().unwrap();
        (0..).zip(&log.partitions).map(|(number, partition)| (number, partition.position.unwrap())).collect()
    }
}

impl Drop for CommitLogReader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.events.take().unwrap().join().ok();
    }
}
