//! What consumers of every kind do is read as they did it.

use plimsoll::model::{CommitLogEntry, CommitLogEvent, Measured, Timestamp, commit_log_partition};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, Producer};
use rdkafka::{Offset, TopicPartitionList};

use super::reader::{CommitLogReader, now};
use crate::kafka_server::member::GroupMember;
use crate::kafka_server::{KafkaCluster, KafkaVersion, PATIENCE, unique};

/// Commits `offset` of partition 0 in a transaction that is still open.
pub(super) fn commit_in_transaction(
    kafka: &KafkaCluster,
    group: &str,
    topic: &str,
    offset: i64,
) -> BaseProducer {
    let id = unique("transaction");
    let config = kafka.client_config(&[("transactional.id", &id), ("transaction.timeout.ms", "900000")]);
    let producer: BaseProducer = config.create().unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    let consumer: BaseConsumer = kafka.client_config(&[("group.id", group)]).create().unwrap();
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(topic, 0, Offset::Offset(offset)).unwrap();
    let metadata = consumer.group_metadata().unwrap();
    producer.send_offsets_to_transaction(&offsets, &metadata, PATIENCE).unwrap();
    producer
}

/// The admin's answer, as the observation has it.
fn told(reader: &mut CommitLogReader, group: &str) -> Option<Measured<u64>> {
    let observation = reader.cycle();
    let commits = observation.groups.get(group)?.commits.clone().ok()?;
    Some(commits.first()?.partitions.first()?.1)
}

#[test]
fn commits_are_read_once_with_their_time() {
    for version in KafkaVersion::ALL {
        let kafka = KafkaCluster::shared(version);
        let name = unique("read");
        kafka.create_topic(&name, 1, &[]);
        kafka.produce(&name, 0, 10);
        kafka.commit_offset(&name, &name, 0, 1);
        let mut reader = CommitLogReader::new(kafka, &name);
        let before = now();
        for offset in [3, 7, 5] {
            kafka.commit_offset(&name, &name, 0, offset);
        }
        reader.catch_up();
        assert_eq!(reader.commits_of(&name), [Some(3), Some(7), Some(5)], "nothing from before, all since");
        let entries = reader.of(&name);
        assert!(entries.is_sorted_by(|a, b| a.offset < b.offset && a.at <= b.at), "{entries:?}");
        assert!(entries.iter().all(|entry| entry.at >= before && entry.at <= now()), "{entries:?}");
        // Lag goes by the same commits, without asking anybody.
        assert_eq!(told(&mut reader, &name), Some(Ok(5)));

        kafka.delete_group(&name);
        reader.catch_up();
        assert_eq!(reader.commits_of(&name).last(), Some(&None));
        assert_eq!(told(&mut reader, &name), None);
        let counts = reader.cluster.commit_log_counts();
        assert_eq!((counts.unknown, counts.malformed), (0, 0));
        assert!(
            reader.cluster.coordinator_clocks()[0].local_ahead_by.is_some_and(|ahead| ahead.abs() < 5000)
        );
    }
}

#[test]
fn members_of_classic_groups_come_and_go() {
    for version in KafkaVersion::ALL {
        let kafka = KafkaCluster::shared(version);
        let name = unique("classic");
        kafka.create_topic(&name, 1, &[]);
        kafka.produce(&name, 0, 10);
        let mut reader = CommitLogReader::new(kafka, &name);
        let member = GroupMember::join_classic(kafka, &name, &name);
        member.consume_and_commit(4);
        drop(member);
        let members = reader.cycle_until("the group is empty again", |reader, _| {
            let members: Vec<_> = reader
                .of(&name)
                .iter()
                .filter_map(|entry| match entry.event {
                    CommitLogEvent::ClassicGroup { members, has_protocol, .. } => {
                        Some((members, has_protocol))
                    }
                    _ => None,
                })
                .collect();
            (members.len() > 1 && members.last()?.0 == 0).then_some(members)
        });
        assert!(members.contains(&(1, true)), "{members:?}");
        assert_eq!(members.last(), Some(&(0, true)));
        assert_eq!(reader.commits_of(&name), [Some(4)]);
        kafka.delete_group(&name);
        reader.catch_up();
        let deleted = |entry: &CommitLogEntry| matches!(entry.event, CommitLogEvent::GroupDeleted { .. });
        assert!(reader.of(&name).iter().any(deleted), "{:?}", reader.of(&name));
    }
}

#[test]
fn members_of_the_consumer_protocol_come_and_go() {
    let kafka = KafkaCluster::shared(KafkaVersion::V4_1);
    let name = unique("consumer");
    kafka.create_topic(&name, 1, &[]);
    kafka.produce(&name, 0, 10);
    let mut reader = CommitLogReader::new(kafka, &name);
    let member = GroupMember::join_consumer_protocol(kafka, &name, &name);
    member.consume_and_commit(4);
    drop(member);
    let there = reader.cycle_until("the member has left", |reader, _| {
        let there: Vec<_> = reader
            .of(&name)
            .into_iter()
            .filter_map(|entry| match entry.event {
                CommitLogEvent::ConsumerMember { is_there, member, .. } => Some((member, is_there)),
                _ => None,
            })
            .collect();
        (!there.last()?.1).then_some(there)
    });
    assert!(there[0].1 && there.iter().all(|(member, _)| *member == there[0].0), "{there:?}");
    let epochs = |entry: &CommitLogEntry| matches!(entry.event, CommitLogEvent::ConsumerGroup { .. });
    assert!(reader.of(&name).iter().any(epochs));
    assert_eq!(reader.commits_of(&name), [Some(4)]);
}

#[test]
fn commits_in_transactions_are_read_once_they_are_committed() {
    for version in KafkaVersion::ALL {
        let kafka = KafkaCluster::shared(version);
        let name = unique("exactly-once");
        kafka.create_topic(&name, 1, &[]);
        kafka.produce(&name, 0, 10);
        let mut reader = CommitLogReader::new(kafka, &name);
        commit_in_transaction(kafka, &name, &name, 9).abort_transaction(PATIENCE).unwrap();
        commit_in_transaction(kafka, &name, &name, 4).commit_transaction(PATIENCE).unwrap();
        reader.catch_up();
        assert_eq!(reader.commits_of(&name), [Some(4)]);
        let gaps = reader.gaps.values().flatten();
        assert_eq!(gaps.count(), 0, "nothing is compacted where it is written");
    }
}

#[test]
fn an_open_transaction_holds_completeness_and_nothing_else() {
    // Others read the same partitions of the shared cluster.
    let kafka = KafkaCluster::start(&crate::kafka_server::KafkaSpec::new(KafkaVersion::V4_1));
    let name = unique("held");
    kafka.create_topic(&name, 1, &[]);
    kafka.produce(&name, 0, 10);
    kafka.commit_offset(&name, &name, 0, 2);
    let mut reader = CommitLogReader::new(&kafka, &name);
    reader.catch_up();
    let number = commit_log_partition(&name, reader.entries.len());
    let open = commit_in_transaction(&kafka, &name, &name, 9);
    let begun = now();
    let held = |reader: &CommitLogReader| reader.last.as_ref().unwrap().partitions[number].held;
    reader.cycle_until("it is held", |reader, _| held(reader).then_some(()));
    kafka.commit_offset(&name, &name, 0, 3);
    let complete_to = |reader: &CommitLogReader| reader.last.as_ref().unwrap().partitions[number].complete_to;
    // Lag is told all the same, by the coordinator; completeness waits.
    reader.cycle_until("the coordinator tells", |reader, observation| {
        let commits = observation.groups[name.as_str()].commits.as_ref().ok()?;
        assert!(complete_to(reader).is_ok_and(|at: Timestamp| at <= begun));
        (commits[0].partitions[0].1 == Ok(3)).then_some(())
    });
    assert_eq!(reader.commits_of(&name), []);
    open.abort_transaction(PATIENCE).unwrap();
    reader.catch_up();
    assert!(!held(&reader));
    assert_eq!(reader.commits_of(&name), [Some(3)]);
}
