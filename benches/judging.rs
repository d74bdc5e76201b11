//! What it costs to judge commits: one core, with the answers of the time index known. Memory per group-partition.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]
#![expect(clippy::print_stdout, reason = "its figures are for who runs it")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use plimsoll::measure::{Deadline, Measurement};
use plimsoll::model::{
    ClockSource, CommitLog, CommitLogEntry, CommitLogEvent, CommitLogPartition, GroupId, GroupObservation,
    GroupState, GroupType, Millis, Observation, Offset, PartitionObservation, Selector, TimeAnswer,
    Timestamp, TopicCommits, TopicName, TopicObservation,
};

const GROUPS: u32 = 100;
const PARTITIONS: u32 = 100;
const START: i64 = 1_790_000_000_000;

fn main() {
    judge("with no promise", &[]);
    judge("with one promise", &[1_000]);
    judge("with three promises", &[100, 1_000, 30_000]);
}

/// Each partition of each group commits ten times a second, 100 records behind the end; a record every 10 ms.
fn judge(picture: &str, thresholds: &[u64]) {
    let before = resident_bytes();
    let topic: TopicName = "orders".into();
    let groups: Vec<GroupId> =
        (0..GROUPS).map(|number| format!("group-{number:03}").as_str().into()).collect();
    let mut measurement = Measurement::default();
    let deadline =
        |within: &u64| Deadline { group: Selector::new("*"), topic: None, within: Millis(*within) };
    measurement.set_deadlines(thresholds.iter().map(deadline).collect());
    let mut position = 0;
    let (mut commits, mut lookups, mut judged, mut took) = (0, 0, 0, 0.0);
    for second in 1..=30_i64 {
        let now = Timestamp(START + second * 1_000);
        let end = second.unsigned_abs() * 100;
        let mut entries = Vec::new();
        for tenth in 0..10 {
            for group in &groups {
                for partition in 0..PARTITIONS {
                    let offset = (end + tenth * 10).saturating_sub(200);
                    let event = CommitLogEvent::Committed {
                        group: group.clone(),
                        topic: topic.clone(),
                        partition,
                        offset,
                        topic_id: None,
                    };
                    let at = now - Millis(1_000) + Millis(tenth * 100);
                    entries.push(CommitLogEntry { offset: position, at, event });
                    position += 1;
                }
            }
        }
        commits += entries.len();
        let observation = observation(&topic, &groups, entries, position, end, now);
        let started = on_core();
        measurement.begin(&observation);
        loop {
            let questions = measurement.questions(usize::MAX);
            if questions.is_empty() {
                break;
            }
            lookups += questions.len();
            let answer = |at: Timestamp| {
                let offset = u64::try_from(at.0 - START).unwrap_or(0).div_ceil(10);
                let time = Timestamp(START + i64::try_from(offset).unwrap_or(0) * 10);
                Ok(if offset < end { TimeAnswer::Record { offset, time } } else { TimeAnswer::AllOlder })
            };
            let answers: Vec<_> = questions.iter().map(|question| answer(question.at)).collect();
            measurement.learn(&questions, &answers);
        }
        let measured = measurement.finish(observation, now);
        took += (on_core() - started).as_secs_f64();
        judged += measured.judgements.iter().map(|judgement| judgement.counts.judged()).sum::<u64>();
        let rows = measurement.changed_rows();
        assert!(!rows.is_empty());
    }
    let group_partitions = u64::from(GROUPS * PARTITIONS);
    println!(
        "{picture}: {:.0} commits/s on one core ({commits} commits, {lookups} lookups, {judged} records judged), \
         {} bytes per group-partition",
        f64::from(u32::try_from(commits).unwrap()) / took,
        resident_bytes().saturating_sub(before) / group_partitions
    );
}

fn observation(
    topic: &TopicName,
    groups: &[GroupId],
    entries: Vec<CommitLogEntry>,
    position: Offset,
    end: Offset,
    now: Timestamp,
) -> Observation {
    let partition = PartitionObservation {
        leader: Some(1),
        preferred_leader: Some(1),
        replicas: 3,
        in_sync_replicas: 3,
        end: Ok(end),
        log_start: Ok(0),
        last_stable: Ok(end),
    };
    let committed = (end + 90).saturating_sub(200);
    let group = || GroupObservation {
        kind: Ok(GroupType::Classic),
        state: Ok(GroupState::Stable),
        is_simple: false,
        members: Ok(Arc::from([])),
        commits: Ok(vec![TopicCommits {
            topic: topic.clone(),
            partitions: (0..PARTITIONS).map(|partition| (partition, Ok(committed))).collect(),
        }]),
    };
    let read = TopicObservation {
        id: Err(plimsoll::model::Reason::NotYetRead),
        configs: Err(plimsoll::model::Reason::NotYetRead),
        partitions: vec![partition; PARTITIONS as usize],
    };
    let log = CommitLogPartition {
        entries,
        position: Ok(position),
        complete_to: Ok(now - Millis(1_000)),
        settling: Millis(1_000),
        held: false,
        gaps: Vec::new(),
        gaps_are_over: true,
    };
    Observation {
        topics: BTreeMap::from([(topic.clone(), Ok(read))]),
        groups: groups.iter().map(|id| (id.clone(), group())).collect(),
        groups_complete: true,
        commit_log: Ok(CommitLog { clock: ClockSource::Commits, partitions: vec![log] }),
        ends_at: now,
        ..Observation::default()
    }
}

/// The time that this thread has had a core: others on the machine do not count.
fn on_core() -> Duration {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(spent.split_whitespace().next().unwrap().parse().unwrap())
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
