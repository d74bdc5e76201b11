//! Reads the commit log: asks where its partitions end, reads up to what can be read, and says up to when that is all
//! there is. A client of its own fetches in the background; it never joins a group and never commits.
//!
//! When the log may not be read, that is the answer, and it is tried again from time to time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::metadata::Metadata;
use rdkafka::topic_partition_list::{Offset as ListOffset, TopicPartitionList};

use super::COMMIT_LOG;
use super::clock::CoordinatorClocks;
use super::decode::{CommitLogCounts, CommitLogDecoder};
use super::reading::Reading;
use super::standing::StandingCommits;
use crate::kafka::client::{self, Client};
use crate::kafka::config::ClusterConfig;
use crate::kafka::error::{Answers, CallError, ClusterError, POSITION_LOST, reason};
use crate::kafka::native::{AdminCalls, Fetched, FetchedRecords, OffsetSpec};
use crate::kafka::offsets;
use crate::model::{
    ClockSource, CommitLog, GroupId, Measured, Millis, Offset, Partition, Reason, Timestamp, TopicCommits,
    TopicName, commit_log_partition,
};

/// After so long it is tried again to read what may not be read.
const RETRY: Millis = Millis::from_seconds(30);

/// Before any fresh record of a coordinator the local clock stands in for its clock, but not sooner than this.
const STAND_IN_AFTER: Millis = Millis::from_seconds(10);

/// The most entries that are read in one cycle; the rest is read in the next.
const MOST_ENTRIES: usize = 250_000;

/// How many records are taken between two looks at what is still to come.
const BATCH: usize = 1000;

/// How long one wait for the next record takes at most, and after how long without any the cycle goes on.
const WAIT: Duration = Duration::from_millis(50);
const QUIET: Millis = Millis(1000);

/// A record is fresh within two poll intervals, but not less than this.
const LEAST_FRESH_WITHIN: Millis = Millis::from_seconds(30);

/// How far the local clock is ahead of a coordinator's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoordinatorClock {
    /// The coordinator's node id.
    pub broker_id: i32,
    /// In milliseconds, at most too large; `None` while no fresh record has told, and the local clock stands in.
    pub local_ahead_by: Option<i64>,
}

/// The tail of one cluster's commit log.
pub(in crate::kafka) struct Tail {
    reader: Client,
    topic: TopicName,
    decoder: CommitLogDecoder,
    local: LocalTime,
    clocks: CoordinatorClocks,
    standing: StandingCommits,
    /// Where reading goes on, of partitions that were not begun yet.
    stored: BTreeMap<Partition, Offset>,
    partitions: Vec<Reading>,
    /// Whether it can be read; and if it cannot because somebody said so, when to try again (local).
    source: Measured<()>,
    told: Option<Measured<()>>,
    retry_at: Option<Timestamp>,
    /// What was answered when its name was asked for, because it was missing among the topics.
    missing: Option<(Timestamp, Reason)>,
    topic_id: Option<u128>,
    /// It was looked for and did not exist: when it is there, it is read from its start.
    was_absent: bool,
    is_assigned: bool,
    /// The local clock as it is set, less the one that never jumps.
    wall_ahead: i64,
    fresh_within: Millis,
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Tail {
    /// No broker is spoken to yet.
    pub(in crate::kafka) fn connect(config: &ClusterConfig) -> Result<Self, ClusterError> {
        let interval = u64::try_from(config.poll_interval.as_millis()).unwrap_or(u64::MAX);
        Ok(Self {
            reader: client::connect_reader(config)?,
            topic: TopicName::from(COMMIT_LOG),
            decoder: CommitLogDecoder::new(config.groups.clone(), config.topics.clone()),
            local: LocalTime::start(),
            clocks: CoordinatorClocks::default(),
            standing: StandingCommits::default(),
            stored: BTreeMap::new(),
            partitions: Vec::new(),
            source: Err(Reason::NotYetRead),
            told: None,
            retry_at: None,
            missing: None,
            topic_id: None,
            was_absent: false,
            is_assigned: false,
            wall_ahead: 0,
            fresh_within: Millis(interval.saturating_mul(2)).max(LEAST_FRESH_WITHIN),
        })
    }

    /// Reading goes on at these positions; partitions without one begin at their end.
    pub(in crate::kafka) fn resume(&mut self, positions: BTreeMap<Partition, Offset>) {
        self.stored = positions;
    }

    pub(in crate::kafka) fn counts(&self) -> CommitLogCounts {
        self.decoder.counts()
    }

    pub(in crate::kafka) fn clocks(&self) -> Vec<CoordinatorClock> {
        let mut leaders: Vec<_> = self.partitions.iter().filter_map(|reading| reading.leader).collect();
        leaders.sort_unstable();
        leaders.dedup();
        let clock = |broker_id| CoordinatorClock {
            broker_id,
            local_ahead_by: self
                .clocks
                .difference(broker_id)
                .map(|ahead| ahead.saturating_add(self.wall_ahead)),
        };
        leaders.into_iter().map(clock).collect()
    }

    /// Reads what is new, for `patience` at most.
    pub(in crate::kafka) fn read(
        &mut self,
        metadata: &Metadata,
        calls: &AdminCalls<'_>,
        patience: Duration,
        stop: &AtomicBool,
    ) -> Answers {
        let span = tracing::info_span!("kafka.commit_log", entries = tracing::field::Empty);
        let _entered = span.enter();
        let mut answers = Answers::default();
        self.partitions.iter_mut().for_each(|reading| reading.progress.not_asked());
        match self.leaders(metadata, calls, &mut answers) {
            Ok(_) if self.retry_at.is_some_and(|at| self.local.now() < at) => {}
            Ok(leaders) => {
                self.source = Ok(());
                self.identify(calls, &mut answers);
                self.ask(&leaders, calls, &mut answers);
                if self.source.is_ok() {
                    self.assign();
                    span.record("entries", self.fetch(patience, stop));
                }
            }
            Err(Reason::NoSuchTopic) => {
                self.was_absent = true;
                self.partitions.clear();
                self.stored.clear();
                self.source = Ok(());
            }
            Err(why) => self.source = Err(why),
        }
        if self.source.is_err() {
            self.standing.clear();
        }
        self.tell();
        answers
    }

    /// The leader of each of its partitions, or why it cannot be read.
    fn leaders(
        &mut self,
        metadata: &Metadata,
        calls: &AdminCalls<'_>,
        answers: &mut Answers,
    ) -> Measured<Vec<Option<i32>>> {
        let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == COMMIT_LOG) else {
            let now = self.local.now();
            if let Some((_, why)) = self.missing.filter(|(asked, _)| now.since(*asked) < RETRY) {
                return Err(why);
            }
            // What may not be described is left out, too; asking by name tells.
            let described = calls.describe_topics(&[COMMIT_LOG]);
            answers.count(described.as_ref().err().map(CallError::reason));
            let why = match described.as_ref().map(|topics| topics.first().map(|topic| &topic.id)) {
                Ok(Some(Err(failed))) | Err(failed) => failed.reason(),
                // It came to be between the two requests.
                Ok(_) => Reason::NotYetRead,
            };
            if matches!(why, Reason::NoSuchTopic | Reason::NotAuthorized) {
                self.missing = Some((now, why));
            }
            return Err(why);
        };
        self.missing = None;
        if let Some(failed) = topic.error() {
            return Err(reason(failed as std::ffi::c_int));
        }
        let mut leaders: Vec<_> = topic.partitions().iter().map(|p| (p.id(), p.leader())).collect();
        leaders.sort_unstable();
        Ok(leaders.into_iter().map(|(_, leader)| (leader >= 0).then_some(leader)).collect())
    }

    /// Notices a log that was deleted and made again: its offsets start anew, and may look as if nothing had happened.
    fn identify(&mut self, calls: &AdminCalls<'_>, answers: &mut Answers) {
        let described = calls.describe_topics(&[COMMIT_LOG]);
        answers.count(described.as_ref().err().map(CallError::reason));
        let Some(Ok(id)) = described.ok().and_then(|mut topics| topics.pop()).map(|topic| topic.id) else {
            return;
        };
        if self.topic_id.replace(id).is_some_and(|before| before != id) {
            tracing::warn!("the commit log was made again: commits may be missing");
            self.partitions.iter_mut().for_each(|reading| reading.made_again());
            self.stored.clear();
            (self.was_absent, self.is_assigned) = (true, false);
        }
    }

    /// Asks where each partition ends, and finds out where to begin.
    fn ask(&mut self, leaders: &[Option<i32>], calls: &AdminCalls<'_>, answers: &mut Answers) {
        self.partitions.resize_with(leaders.len(), Reading::default);
        for (reading, leader) in self.partitions.iter_mut().zip(leaders) {
            (reading.leader, reading.failed) = (*leader, leader.is_none().then_some(Reason::NoLeader));
        }
        let asked: Vec<(Partition, i32)> =
            (0..).zip(leaders).filter_map(|(number, leader)| Some((number, (*leader)?))).collect();
        let at = self.local.now();
        let ends = offsets::of_topic(calls, &self.topic, &asked, OffsetSpec::Latest, false);
        let took = self.local.now().since(at);
        let stable = offsets::of_topic(calls, &self.topic, &asked, OffsetSpec::Latest, true);
        let lost: Vec<_> =
            asked.iter().filter(|(number, _)| self.partitions[*number as usize].is_lost).copied().collect();
        let starts = offsets::of_topic(calls, &self.topic, &lost, OffsetSpec::Earliest, false);
        let starts: BTreeMap<_, _> = lost.iter().map(|(number, _)| *number).zip(starts).collect();
        for ((number, _), (end, stable)) in asked.iter().zip(ends.into_iter().zip(stable)) {
            let reading = &mut self.partitions[*number as usize];
            answers.count(end.err());
            let (end, stable) = match (end, stable) {
                (Ok(end), Ok(stable)) => (end, stable),
                (Err(Reason::NotAuthorized), _) | (_, Err(Reason::NotAuthorized)) => return self.deny(),
                (Err(why), _) | (_, Err(why)) => {
                    reading.failed = Some(why);
                    continue;
                }
            };
            reading.asked((at, took), end, stable, self.fresh_within);
            if reading.progress.next().is_none() {
                match self.stored.remove(number) {
                    Some(stored) => reading.resume(stored),
                    None if self.was_absent => reading.progress.begin(0),
                    None => reading.progress.begin(stable),
                }
                self.is_assigned = false;
            }
            if let Some(Ok(start)) = starts.get(number) {
                let next = reading.progress.next();
                reading.begin_again(*start, end);
                self.is_assigned = false;
                tracing::warn!(
                    partition = number,
                    position = next,
                    log_start = start,
                    end,
                    "the commit log does not have what was to be read next: commits may be missing"
                );
            }
        }
    }

    fn assign(&mut self) {
        if self.is_assigned {
            return;
        }
        let positions: Vec<_> = (0..)
            .zip(&self.partitions)
            .filter_map(|(number, reading)| Some((number, reading.fetch_from()?)))
            .collect();
        self.is_assigned = self.assign_at(&positions);
    }

    /// Fetching starts anew, at these positions and of no other partition.
    fn assign_at(&self, positions: &[(i32, Offset)]) -> bool {
        let mut list = TopicPartitionList::new();
        for (number, position) in positions {
            let Ok(position) = i64::try_from(*position) else { continue };
            if let Err(failed) = list.add_partition_offset(COMMIT_LOG, *number, ListOffset::Offset(position))
            {
                tracing::debug!(error = %failed, "a position cannot be assigned");
            }
        }
        match self.reader.assign(&list) {
            Ok(()) => true,
            Err(failed) => {
                tracing::debug!(error = %failed, "the commit log cannot be assigned");
                false
            }
        }
    }

    /// Reads until the last stable offsets of this cycle are reached, and returns how many entries that gave.
    fn fetch(&mut self, patience: Duration, stop: &AtomicBool) -> usize {
        let patience = Millis(u64::try_from(patience.as_millis()).unwrap_or(u64::MAX));
        let started = self.local.now();
        let (mut heard_at, mut entries, mut is_denied) = (started, 0, false);
        let fetched_records = FetchedRecords::of(&self.reader);
        loop {
            let is_waiting = self.partitions.iter().any(Reading::is_awaited);
            let (partitions, decoder, standing) =
                (&mut self.partitions, &mut self.decoder, &mut self.standing);
            let mut take = |number: i32, fetched: Fetched<'_>| {
                let Some(reading) = numbered(partitions, number) else { return };
                if let Fetched::Failed { code } = fetched {
                    tracing::debug!(partition = number, code, "fetching the commit log failed");
                    is_denied |= reason(code) == Reason::NotAuthorized;
                    reading.is_lost |= POSITION_LOST.contains(&code);
                }
                entries += reading.take(&fetched, self.local.now(), decoder, standing);
            };
            // A look at all partitions is for many records.
            let mut count = 0;
            while count < BATCH && fetched_records.take(Duration::ZERO, &mut take) {
                count += 1;
            }
            if count == 0 && is_waiting && fetched_records.take(WAIT, &mut take) {
                count = 1;
            }
            let now = self.local.now();
            if count > 0 {
                heard_at = now;
            } else if !is_waiting || now.since(heard_at) > QUIET {
                break;
            }
            let is_over = now.since(started) > patience || stop.load(Ordering::Relaxed);
            if is_over || is_denied || entries >= MOST_ENTRIES {
                break;
            }
        }
        if is_denied {
            self.deny();
        } else {
            self.hear_witnesses(patience, stop);
        }
        let now = self.local.now();
        self.partitions.iter_mut().for_each(|reading| reading.settle(now, &mut self.clocks));
        entries
    }

    /// Where offsets are missing that compaction seems not to have taken: looks once more whether it has not come as far
    /// meanwhile. Who does not answer soon does not confirm it.
    fn hear_witnesses(&mut self, patience: Millis, stop: &AtomicBool) {
        let witnesses: Vec<_> = (0..)
            .zip(&self.partitions)
            .filter_map(|(number, reading)| Some((number, reading.witness()?)))
            .collect();
        if witnesses.is_empty() {
            return;
        }
        let is_assigned = self.assign_at(&witnesses);
        // The next cycle goes on where this one has come to.
        self.is_assigned = false;
        let fetched_records = FetchedRecords::of(&self.reader);
        let started = self.local.now();
        let mut heard_at = started;
        while is_assigned && self.partitions.iter().any(|reading| reading.witness().is_some()) {
            let partitions = &mut self.partitions;
            let take = |number: i32, fetched: Fetched<'_>| {
                if let Some(reading) = numbered(partitions, number) {
                    reading.hear_witness(&fetched);
                }
            };
            let is_heard = fetched_records.take(WAIT, take);
            let now = self.local.now();
            if is_heard {
                heard_at = now;
            }
            // Others may go on for ever while one does not answer.
            let is_over = now.since(started) > patience || stop.load(Ordering::Relaxed);
            if is_over || now.since(heard_at) > QUIET {
                break;
            }
        }
    }

    /// It may not be read: it is left alone for a while.
    fn deny(&mut self) {
        self.source = Err(Reason::NotAuthorized);
        self.retry_at = Some(self.local.now() + RETRY);
        self.is_assigned = false;
        if let Err(failed) = self.reader.unassign() {
            tracing::debug!(error = %failed, "the commit log cannot be left alone");
        }
    }

    /// Says once when the source of commits changes.
    fn tell(&mut self) {
        if self.source.is_ok() {
            self.retry_at = None;
        }
        if self.told.replace(self.source) == Some(self.source) {
            return;
        }
        match self.source {
            Ok(()) => {
                tracing::info!(partitions = self.partitions.len(), "commits are read from the commit log")
            }
            Err(Reason::NotAuthorized) => tracing::warn!(
                reason = Reason::NotAuthorized.label(),
                "commits are polled, as the commit log may not be read: grant READ on the topic __consumer_offsets"
            ),
            Err(why) => tracing::warn!(reason = %why, "commits are polled, as the commit log cannot be read"),
        }
    }

    /// What was read since the last call of this. `wall` is the local clock as it is set now.
    pub(in crate::kafka) fn hand_out(&mut self, wall: Timestamp) -> Measured<CommitLog> {
        self.source?;
        let now = self.local.now();
        self.wall_ahead = wall.0.saturating_sub(now.0);
        let stand_in = if now.since(Timestamp::default()) < STAND_IN_AFTER {
            Err(Reason::NotYetRead)
        } else {
            // The later of what the local clock says and what the other coordinators' clocks do: late, never wrong.
            let local = self.wall_ahead.saturating_neg();
            Ok(self.clocks.greatest().map_or(local, |greatest| greatest.max(local)))
        };
        let partitions = (0..).zip(&mut self.partitions).map(|(number, reading)| {
            let known = reading.leader.and_then(|leader| self.clocks.difference(leader));
            let settling = reading.settling(now, &mut self.clocks);
            reading.hand_out(self.stored.get(&number).copied(), known.map_or(stand_in, Ok), settling)
        });
        let partitions = partitions.collect();
        let is_known = self.clocks().iter().all(|clock| clock.local_ahead_by.is_some());
        let clock = if is_known { ClockSource::Commits } else { ClockSource::Local };
        Ok(CommitLog { clock, partitions })
    }

    /// What `group` has committed up to this cycle's asking, if the log tells.
    pub(in crate::kafka) fn commits_of(&self, group: &GroupId) -> Option<&[TopicCommits]> {
        if self.is_current(group) { self.standing.of(group) } else { None }
    }

    fn is_current(&self, group: &GroupId) -> bool {
        let number = commit_log_partition(group.as_str(), self.partitions.len());
        self.source.is_ok() && self.partitions.get(number).is_some_and(Reading::is_current)
    }

    /// What the admin says that `group` has committed, asked after this cycle's reading.
    pub(in crate::kafka) fn learn_commits(&mut self, group: &GroupId, commits: &Measured<Vec<TopicCommits>>) {
        if self.source.is_ok() {
            self.standing.told(group, commits.as_deref().ok());
        }
    }

    /// To be called before the admin is asked: names the groups whose commits were not as the log had told.
    pub(in crate::kafka) fn check_commits(&mut self, is_known: impl Fn(&GroupId) -> bool) {
        self.standing.retain(is_known);
        let mut standing = std::mem::take(&mut self.standing);
        for group in standing.take_mismatches(|group| self.is_current(group)) {
            tracing::warn!(%group, "the commit log and the coordinator disagreed on what is committed");
        }
        self.standing = standing;
    }
}

/// The partition that a client names; it may name one that nobody knows of yet.
fn numbered(partitions: &mut [Reading], number: i32) -> Option<&mut Reading> {
    partitions.get_mut(usize::try_from(number).ok()?)
}

/// A clock that starts at 0 with the daemon and never jumps.
#[derive(Debug, Clone, Copy)]
struct LocalTime(Instant);

impl LocalTime {
    #[expect(
        clippy::disallowed_methods,
        reason = "durations since the start, which setting a clock does not change"
    )]
    fn start() -> Self {
        Self(Instant::now())
    }

    fn now(self) -> Timestamp {
        Timestamp(i64::try_from(self.0.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}
