//! What has happened to every record of a play, out of Kafka's own logs.

use std::collections::BTreeMap;
use std::ops::Range;

use super::judge::{Commit, Expected, History, Threshold};
use super::play::{Played, unix_now};
use super::script::Pipeline;
use super::watching::THRESHOLDS;
use crate::kafka_server::KafkaCluster;
use crate::kafka_server::logs::{CommitsFollowed, LoggedCommit};

/// By pipeline, the histories of its partitions.
#[derive(Clone, Debug)]
pub(super) struct Truth(BTreeMap<&'static str, Vec<History>>);

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
                    deleted: played.deleted.get(pipeline.name).copied(),
                    ..History::default()
                };
                expect_acknowledged(pipeline.name, partition, played, &history);
                history
            });
            all.insert(pipeline.name, histories.collect());
        }
        Truth(all)
    }

    /// As a daemon sees it that was `away`.
    pub(super) fn seen_without(&self, away: &Range<i64>, compacted: bool) -> Truth {
        let mut seen = self.clone();
        for history in seen.0.values_mut().flatten() {
            history.away = Some(away.clone());
            history.compacted = compacted;
        }
        seen
    }

    /// What is to be counted, once every deadline has passed.
    pub(super) fn expected(&self, pipeline: &str, within: Threshold) -> Expected {
        let mut expected = Expected::default();
        for history in &self.0[pipeline] {
            expected.add(&history.fates(within));
        }
        expected
    }

    /// How many records were committed, at least and at most: those that a commit merely jumped over need not count.
    pub(super) fn committed(&self, pipeline: &str) -> (u64, u64) {
        let (mut least, mut most) = (0, 0);
        for history in &self.0[pipeline] {
            let fates = history.fates(i64::MAX / 4);
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
            self.0[pipeline].iter().map(|history| (&history.commits, history.times())).collect();
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
        THRESHOLDS.iter().any(|within| self.expected(pipeline, *within).unmeasured.1 > 0)
    }

    pub(super) fn histories(&self, pipeline: &str) -> &[History] {
        &self.0[pipeline]
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
