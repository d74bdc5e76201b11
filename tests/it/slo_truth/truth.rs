//! What has happened to every record of a play, out of Kafka's own logs.

use std::collections::BTreeMap;

use super::judge::{Commit, Expected, History, Threshold, Told};
use super::play::{Played, unix_now};
use super::script::Pipeline;
use super::watching::THRESHOLDS;
use crate::kafka_server::KafkaCluster;
use crate::kafka_server::logs::{CommitsFollowed, LoggedCommit};

/// The histories of all partitions.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    /// By pipeline.
    histories: BTreeMap<&'static str, Vec<History>>,
    /// When records of it were deleted, by pipeline.
    deleted_at: BTreeMap<&'static str, i64>,
    /// How long a record took at most from its timestamp until it was in its log, in milliseconds.
    pub(super) slowest_append: i64,
}

impl Truth {
    /// Panics where the logs contradict each other, or what was played.
    pub(super) fn read(
        cluster: &KafkaCluster,
        pipelines: &[Pipeline],
        played: &Played,
        commits: &CommitsFollowed,
    ) -> Truth {
        let names: Vec<&str> = pipelines.iter().map(|pipeline| pipeline.name).collect();
        let mut records = cluster.dump_records(&names);
        let commits = commits.all(cluster, names[0]);
        let mut all = BTreeMap::new();
        for pipeline in pipelines {
            let histories = (0..pipeline.partitions as i32).map(|partition| {
                let records = records.remove(&(pipeline.name.to_owned(), partition)).unwrap();
                assert!(
                    records.iter().map(|record| record.offset).eq(0..records.len() as u64),
                    "{}-{partition} has gaps",
                    pipeline.name
                );
                let is_ours = |commit: &&LoggedCommit| {
                    commit.group == pipeline.name
                        && commit.topic == pipeline.name
                        && commit.partition == partition
                };
                let reset = played.reset.get(pipeline.name);
                let commits = commits.iter().filter(is_ours).map(|commit| Commit {
                    at: commit.at,
                    offset: commit.offset,
                    is_reset: reset.is_some_and(|(from, to)| (*from..=*to).contains(&commit.at)),
                });
                let history = History {
                    records,
                    commits: commits.collect(),
                    read_at: unix_now(),
                    deleted: played.deleted.get(pipeline.name).map(|(_, before)| *before),
                    ..History::default()
                };
                expect_acknowledged(pipeline.name, partition, played, &history);
                history
            });
            all.insert(pipeline.name, histories.collect());
        }
        let deleted_at = played.deleted.iter().map(|(name, (at, _))| (*name, *at)).collect();
        Truth { histories: all, deleted_at, slowest_append: played.slowest_append }
    }

    /// As a daemon sees it from which the compaction of the commit log has taken something.
    pub(super) fn seen_compacted(&self) -> Truth {
        let mut seen = self.clone();
        seen.histories.values_mut().flatten().for_each(|history| history.compacted = true);
        seen
    }

    /// What is to be counted, once every deadline has passed, by a daemon that had `told` so much of a pipeline in time.
    /// Of one with several partitions, what was told says of none how far it was judged.
    pub(super) fn expected(&self, pipeline: &str, within: Threshold, told: Told) -> Expected {
        let histories = &self.histories[pipeline];
        let told = if histories.len() == 1 { told } else { Told::default() };
        let mut expected = Expected::default();
        for history in histories {
            expected.add(&history.fates(within, told));
        }
        expected
    }

    /// How many records were committed, at least and at most: those that a commit merely jumped over need not count.
    pub(super) fn committed(&self, pipeline: &str) -> (u64, u64) {
        let (mut least, mut most) = (0, 0);
        for history in &self.histories[pipeline] {
            let fates = history.fates(i64::MAX / 4, Told::default());
            for (fate, commit) in fates.iter().zip(history.first_commits()) {
                least += u64::from(commit.is_some() && !fate.unmeasured);
                most += u64::from(commit.is_some() && (fate.good || fate.bad));
            }
        }
        (least, most)
    }

    /// The age of the oldest record that was not committed at a time, in milliseconds: the worst partition's.
    pub(super) fn time_lag(&self, pipeline: &str) -> impl Fn(i64) -> i64 {
        let partitions: Vec<_> =
            self.histories[pipeline].iter().map(|history| (&history.commits, history.times())).collect();
        move |at| {
            let lags = partitions.iter().map(|(commits, times)| {
                let committed = commits.iter().rfind(|commit| commit.at <= at);
                let committed = committed.map_or(0, |commit| commit.offset) as usize;
                times.get(committed).map_or(0, |time| (at - time).max(0))
            });
            lags.max().unwrap_or(0)
        }
    }

    /// Whether there are records of which nobody can know for every threshold what they are.
    pub(super) fn is_in_doubt(&self, pipeline: &str) -> bool {
        THRESHOLDS.iter().any(|within| self.expected(pipeline, *within, Told::default()).unmeasured.1 > 0)
    }

    /// When records of it were deleted, at the earliest.
    pub(super) fn deleted_at(&self, pipeline: &str) -> Option<i64> {
        self.deleted_at.get(pipeline).copied()
    }

    pub(super) fn histories(&self, pipeline: &str) -> &[History] {
        &self.histories[pipeline]
    }
}

/// What Kafka has acknowledged is in its log, in this order; else the log was not read whole.
fn expect_acknowledged(name: &str, partition: i32, played: &Played, history: &History) {
    let acknowledged = played.acknowledged[name].iter().filter(|(of, _)| *of == partition);
    let mut logged = history.commits.iter();
    for (_, offset) in acknowledged {
        assert!(
            logged.any(|commit| commit.offset == *offset),
            "{name}-{partition}: the commit of {offset} is not in the log, or not in its place"
        );
    }
    if let Some(end) = history.records.last() {
        let beyond = history.commits.iter().find(|commit| commit.offset > end.offset + 1);
        assert_eq!(beyond, None, "{name}-{partition} is committed beyond its end");
    }
}
