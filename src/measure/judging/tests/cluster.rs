//! A cluster of one topic and one group, as brokers hold it and answer for it, and a daemon that watches it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::measure::{Deadline, Measurement, Measurements};
use crate::model::{
    ClockSource, CommitLog, CommitLogEntry, CommitLogEvent, CommitLogPartition, Counts, GroupObservation,
    GroupState, GroupType, Measured, Millis, Minute, Observation, Offset, Partition, PartitionObservation,
    Reason, Row, RowKind, Selector, TimeAnswer, TimeQuestion, Timestamp, TopicCommits, TopicConfigs, TopicId,
    TopicObservation,
};

pub(super) const TOPIC: &str = "orders";
pub(super) const GROUP: &str = "billing";
pub(super) const START: i64 = 1_790_000_000_000;
pub(super) const SETTLING: u64 = 1000;

/// A partition as its broker holds it.
#[derive(Debug, Default, Clone)]
pub(super) struct Log {
    /// The timestamps of all records ever appended.
    pub(super) stamps: Vec<i64>,
    pub(super) log_start: Offset,
}

impl Log {
    pub(super) fn end(&self) -> Offset {
        self.stamps.len() as Offset
    }

    fn answer(&self, at: Timestamp) -> TimeAnswer {
        let found = (self.log_start..).zip(&self.stamps[self.log_start as usize..]);
        match found.into_iter().find(|(_, stamp)| **stamp >= at.0) {
            Some((offset, stamp)) => TimeAnswer::Record { offset, time: Timestamp(*stamp) },
            None => TimeAnswer::AllOlder,
        }
    }

    /// The time of a record: the highest timestamp up to it.
    pub(super) fn time(&self, offset: Offset) -> i64 {
        self.stamps[..=offset as usize].iter().copied().max().unwrap_or(0)
    }
}

/// By threshold and minute.
pub(super) type Sums = BTreeMap<(Millis, Minute), Counts>;

pub(super) struct Cluster {
    pub(super) now: i64,
    pub(super) topic_id: u128,
    pub(super) logs: Vec<Log>,
    pub(super) commit_log: Vec<CommitLogEntry>,
    /// What compaction has taken since: not handed out.
    pub(super) gaps: Vec<(Offset, Offset)>,
    /// All that was there when the last gap was found has been read.
    pub(super) gaps_are_over: bool,
    pub(super) committed: BTreeMap<Partition, Offset>,
    pub(super) state: GroupState,
    /// The commit log may not be read.
    pub(super) is_polled: bool,
    /// Why it may not, or cannot, be read then.
    pub(super) log_fails: Reason,
    /// The coordinator does not tell what is committed.
    pub(super) is_mute: bool,
    /// Nothing more can be read of the commit log.
    pub(super) is_held: bool,
    read_to: usize,
    complete_to: i64,
    pub(super) thresholds: Vec<u64>,
    pub(super) daemon: Measurement,
    /// What was made durable.
    rows: BTreeMap<(RowKind, Vec<u8>), Vec<u8>>,
    pub(super) sums: Sums,
    pub(super) last: Option<Measurements>,
}

fn watching(thresholds: &[u64]) -> Measurement {
    let mut daemon = Measurement::default();
    daemon.set_deadlines(deadlines(thresholds));
    daemon
}

fn deadlines(thresholds: &[u64]) -> Vec<Deadline> {
    let deadline =
        |within: &u64| Deadline { group: Selector::new("bill*"), topic: None, within: Millis(*within) };
    thresholds.iter().map(deadline).collect()
}

impl Cluster {
    pub(super) fn new(partitions: usize, thresholds: &[u64]) -> Self {
        Self {
            now: START,
            topic_id: 1,
            logs: vec![Log::default(); partitions],
            commit_log: Vec::new(),
            gaps: Vec::new(),
            gaps_are_over: true,
            committed: BTreeMap::new(),
            state: GroupState::Stable,
            is_polled: false,
            log_fails: Reason::NotAuthorized,
            is_mute: false,
            is_held: false,
            read_to: 0,
            complete_to: START - 1,
            thresholds: thresholds.to_vec(),
            daemon: watching(thresholds),
            rows: BTreeMap::new(),
            sums: Sums::new(),
            last: None,
        }
    }

    pub(super) fn wait(&mut self, millis: i64) -> &mut Self {
        self.now += millis;
        self
    }

    /// Appends records that claim to be so much older than they are.
    pub(super) fn append(&mut self, partition: usize, ages: &[i64]) -> &mut Self {
        let now = self.now;
        self.logs[partition].stamps.extend(ages.iter().map(|age| now - age));
        self
    }

    pub(super) fn log(&mut self, event: CommitLogEvent) -> &mut Self {
        let offset = self.commit_log.len() as Offset;
        self.commit_log.push(CommitLogEntry { offset, at: Timestamp(self.now), event });
        self
    }

    pub(super) fn commit(&mut self, partition: Partition, offset: Offset) -> &mut Self {
        self.committed.insert(partition, offset);
        let topic_id = Some(TopicId(self.topic_id));
        let (group, topic) = (GROUP.into(), TOPIC.into());
        self.log(CommitLogEvent::Committed { group, topic, partition, offset, topic_id })
    }

    pub(super) fn uncommit(&mut self, partition: Partition) -> &mut Self {
        self.committed.remove(&partition);
        self.log(CommitLogEvent::Uncommitted { group: GROUP.into(), topic: TOPIC.into(), partition })
    }

    pub(super) fn members(&mut self, members: u32) -> &mut Self {
        self.state = if members == 0 { GroupState::Empty } else { GroupState::Stable };
        self.log(CommitLogEvent::ClassicGroup {
            group: GROUP.into(),
            generation: 1,
            members,
            has_protocol: true,
        })
    }

    /// Deletes records below `offset`.
    pub(super) fn delete(&mut self, partition: usize, offset: Offset) -> &mut Self {
        self.logs[partition].log_start = offset;
        self
    }

    fn observation(&mut self) -> Observation {
        let mut commit_log = Err(self.log_fails);
        if !self.is_polled {
            let mut entries = Vec::new();
            if !self.is_held {
                entries.extend_from_slice(&self.commit_log[self.read_to.min(self.commit_log.len())..]);
                entries.retain(|entry| !self.gaps.iter().any(|gap| (gap.0..gap.1).contains(&entry.offset)));
                self.read_to = self.commit_log.len();
                self.complete_to = self.complete_to.max(self.now - SETTLING as i64);
            }
            commit_log = Ok(CommitLog {
                clock: ClockSource::Commits,
                partitions: vec![CommitLogPartition {
                    entries,
                    position: Ok(self.read_to as Offset),
                    complete_to: Ok(Timestamp(self.complete_to)),
                    settling: Millis(SETTLING),
                    held: self.is_held,
                    gaps: if self.is_held { Vec::new() } else { self.gaps.clone() },
                    gaps_are_over: self.gaps_are_over,
                }],
            });
        }
        let partition = |log: &Log| PartitionObservation {
            leader: Some(1),
            preferred_leader: Some(1),
            replicas: 1,
            in_sync_replicas: 1,
            end: Ok(log.end()),
            log_start: Ok(log.log_start),
            last_stable: Ok(log.end()),
        };
        let configs = TopicConfigs {
            retention: None,
            retention_by_size: false,
            deletes: true,
            compacts: false,
            min_insync_replicas: 1,
        };
        let topic = TopicObservation {
            id: Ok(TopicId(self.topic_id)),
            configs: Ok(configs),
            partitions: self.logs.iter().map(partition).collect(),
        };
        let partitions: Vec<_> =
            self.committed.iter().map(|(number, offset)| (*number, Ok(*offset))).collect();
        let mut commits = Vec::new();
        if !partitions.is_empty() {
            commits.push(TopicCommits { topic: TOPIC.into(), partitions });
        }
        let group = GroupObservation {
            kind: Ok(GroupType::Classic),
            state: Ok(self.state),
            is_simple: false,
            members: Ok(Arc::new([])),
            commits: if self.is_mute { Err(Reason::NoCoordinator) } else { Ok(commits) },
        };
        Observation {
            topics: BTreeMap::from([(TOPIC.into(), Ok(topic))]),
            groups: BTreeMap::from([(GROUP.into(), group)]),
            groups_complete: true,
            commit_log,
            ends_at: Timestamp(self.now),
            ..Observation::default()
        }
    }

    /// One cycle with so many lookups at most. Gives how many it took.
    pub(super) fn tick_within(&mut self, mut budget: usize) -> usize {
        let observation = self.observation();
        self.daemon.begin(&observation);
        let mut asked = 0;
        for round in 0.. {
            assert!(round < 400, "the questions do not end");
            let questions = self.daemon.questions(budget);
            if questions.is_empty() {
                break;
            }
            budget -= questions.len();
            asked += questions.len();
            let answer = |question: &TimeQuestion| -> Measured<TimeAnswer> {
                Ok(self.logs[question.partition as usize].answer(question.at))
            };
            let answers: Vec<_> = questions.iter().map(answer).collect();
            self.daemon.learn(&questions, &answers);
        }
        self.last = Some(self.daemon.finish(observation, Timestamp(self.now)));
        asked
    }

    /// Takes over what the last cycle has judged and saved, as one durable step.
    pub(super) fn save(&mut self) {
        for judgement in &self.last.as_ref().unwrap().judgements {
            *self.sums.entry((judgement.within, judgement.minute)).or_default() += judgement.counts;
        }
        for Row { kind, key, value } in self.daemon.changed_rows() {
            match value {
                Some(value) => self.rows.insert((kind, key), value),
                None => self.rows.remove(&(kind, key)),
            };
        }
    }

    /// A cycle that takes commits and ends, and then fails.
    pub(super) fn begin_and_fail(&mut self) -> &mut Self {
        let observation = self.observation();
        self.daemon.begin(&observation);
        self.last = Some(self.daemon.outage(Reason::Unreachable));
        self.save();
        self
    }

    /// The commit log was deleted and made again, empty.
    pub(super) fn made_again(&mut self) -> &mut Self {
        self.commit_log.clear();
        self.read_to = 0;
        self
    }

    pub(super) fn tick(&mut self) -> &mut Self {
        self.tick_within(usize::MAX);
        self.save();
        self
    }

    /// kill -9 and start: what was not saved has not been.
    pub(super) fn restart(&mut self) -> &mut Self {
        let row = |((kind, key), value): (&(RowKind, Vec<u8>), &Vec<u8>)| Row {
            kind: *kind,
            key: key.clone(),
            value: Some(value.clone()),
        };
        let rows: Vec<_> = self.rows.iter().map(row).collect();
        self.daemon = watching(&self.thresholds);
        self.daemon.restore(&rows).unwrap();
        let positions = self.daemon.commit_log_positions();
        self.read_to = positions.get(&0).map_or(0, |position| *position as usize);
        self.complete_to = 0;
        self
    }

    /// Other rules while the process goes on; each threshold is a bucket, too.
    pub(super) fn reload(&mut self, thresholds: &[u64]) -> &mut Self {
        self.thresholds = thresholds.to_vec();
        self.daemon.set_deadlines(deadlines(thresholds));
        self.daemon.set_latency_bounds(thresholds.iter().map(|bound| Millis(bound * 2)).collect());
        self
    }

    /// All counts of a threshold.
    pub(super) fn counts(&self, within: u64) -> Counts {
        let mut sum = Counts::default();
        let of_threshold = self.sums.iter().filter(|((of, _), _)| *of == Millis(within));
        of_threshold.for_each(|(_, counts)| sum += *counts);
        sum
    }

    /// How far a partition is judged.
    pub(super) fn judged(&self, partition: Partition, within: u64) -> Option<Offset> {
        let memory = self.daemon.groups.get(GROUP)?.topics.get(TOPIC)?;
        let deadlines = memory.deadlines(partition)?;
        deadlines.thresholds.iter().find(|threshold| threshold.within == Millis(within))?.judged
    }
}
