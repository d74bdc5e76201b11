//! What was committed while nobody watched is read when somebody does again, and what is gone is told.

use std::collections::BTreeMap;

use plimsoll::model::{CommitLogEvent, commit_log_partition};

use super::reader::CommitLogReader;
use crate::kafka_server::wait::wait_until;
use crate::kafka_server::{KafkaCluster, KafkaSpec, KafkaVersion, PATIENCE, unique};

#[test]
fn reading_goes_on_where_it_was_left() {
    for version in KafkaVersion::ALL {
        let kafka = KafkaCluster::shared(version);
        let name = unique("resumed");
        kafka.create_topic(&name, 1, &[]);
        kafka.produce(&name, 0, 30);
        let mut reader = CommitLogReader::new(kafka, &name);
        kafka.commit_offset(&name, &name, 0, 1);
        reader.catch_up();
        assert_eq!(reader.commits_of(&name), [Some(1)]);
        let positions = reader.positions();
        drop(reader);
        for offset in 2..30 {
            kafka.commit_offset(&name, &name, 0, offset);
        }
        let mut reader = CommitLogReader::with(kafka, &name, "", positions);
        reader.catch_up();
        let missed: Vec<_> = (2..30).map(Some).collect();
        assert_eq!(reader.commits_of(&name), missed);
        let number = commit_log_partition(&name, reader.entries.len());
        let entries = reader.of(&name);
        let unexplained = |(from, to): &&(u64, u64)| entries.iter().any(|e| (*from..*to).contains(&e.offset));
        assert_eq!(reader.gaps[&number].iter().find(unexplained), None);
    }
}

#[test]
fn a_log_that_is_made_again_is_read_from_its_start() {
    let kafka = KafkaCluster::start(&KafkaSpec::new(KafkaVersion::V4_1));
    let name = unique("fresh");
    kafka.create_topic(&name, 1, &[]);
    let mut reader = CommitLogReader::new(&kafka, &name);
    kafka.commit_offset(&name, &name, 0, 1);
    reader.catch_up();
    // Kafka makes it again as soon as somebody wants to commit.
    kafka.delete_topic("__consumer_offsets");
    kafka.commit_offset(&name, &name, 0, 2);
    reader.cycle_until("the commit is read", |reader, _| {
        (reader.commits_of(&name) == [Some(1), Some(2)]).then_some(())
    });
}

#[test]
fn what_compaction_took_is_a_gap() {
    // Kafka 4 has no segments smaller than 1 MiB.
    let spec = KafkaSpec::new(KafkaVersion::V3_9)
        .property("offsets.topic.segment.bytes", "4000")
        .property("log.cleaner.backoff.ms", "100")
        .property("log.cleaner.min.cleanable.ratio", "0.01");
    let kafka = KafkaCluster::start(&spec);
    let name = unique("compacted");
    kafka.create_topic(&name, 1, &[]);
    let mut reader = CommitLogReader::new(&kafka, &name);
    kafka.commit_offset(&name, &name, 0, 1);
    reader.catch_up();
    let (positions, number) = (reader.positions(), commit_log_partition(&name, reader.entries.len()));
    drop(reader);
    let mut offset = 1;
    let gap = || {
        let mut reader = CommitLogReader::with(&kafka, &name, "", positions.clone());
        reader.catch_up();
        let gaps = reader.gaps.remove(&number).unwrap_or_default();
        (reader, gaps)
    };
    let mut found = None;
    wait_until("something is compacted", 2 * PATIENCE, || {
        for _ in 0..50 {
            offset += 1;
            kafka.commit_offset(&name, &name, 0, offset);
        }
        let (reader, gaps) = gap();
        found = (!gaps.is_empty()).then_some((reader, gaps));
        found.is_some()
    });
    let (reader, gaps) = found.unwrap();
    let read: BTreeMap<_, _> = reader
        .of(&name)
        .into_iter()
        .filter_map(|entry| match entry.event {
            CommitLogEvent::Committed { offset, .. } => Some((offset, entry.offset)),
            _ => None,
        })
        .collect();
    assert_eq!(read.last_key_value().map(|(offset, _)| *offset), Some(offset));
    // Each commit since is read, or lies in a gap.
    for missing in (2..=offset).filter(|offset| !read.contains_key(offset)) {
        let after = *read.range(missing..).next().unwrap().1;
        let before = read.range(..missing).next_back().map_or(positions[&(number as u32)], |(_, at)| at + 1);
        let is_told = gaps.iter().any(|(from, to)| before <= *from && *to <= after);
        assert!(is_told, "{missing} was between {before} and {after}: {gaps:?}");
    }
}

#[test]
fn a_position_beyond_the_end_is_a_log_made_again() {
    let kafka = KafkaCluster::start(&KafkaSpec::new(KafkaVersion::V4_1));
    let name = unique("again");
    kafka.create_topic(&name, 1, &[]);
    kafka.commit_offset(&name, &name, 0, 5);
    let positions: BTreeMap<_, _> = (0..3).map(|number| (number, 1_000_000)).collect();
    let mut reader = CommitLogReader::with(&kafka, &name, "", positions);
    reader.cycle_until("it is read from its start", |reader, _| {
        (reader.commits_of(&name) == [Some(5)]).then_some(())
    });
    let number = commit_log_partition(&name, reader.entries.len());
    assert_eq!(reader.gaps[&number].first(), Some(&(0, 0)));
}
