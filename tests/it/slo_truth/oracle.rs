//! The truth itself is put to the test: of a few records whose fate is certain, it has to say the same.

use std::collections::BTreeMap;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::Offset;

use super::judge::{Expected, Told};
use super::play::{Played, unix_now};
use super::script::{Commits, Pipeline};
use super::transactions::{Transactions, commit_offsets};
use super::truth::Truth;
use crate::kafka_server::{KafkaCluster, KafkaVersion, unique};

/// Nobody who reads what is committed ever sees it.
fn commit_in_aborted_transaction(cluster: &KafkaCluster, name: &str, offset: i64) {
    let consumer: BaseConsumer = cluster.client_config(&[("group.id", name)]).create().unwrap();
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(name, 0, Offset::Offset(offset)).unwrap();
    Transactions::new(cluster, name)
        .run(1, |producer| commit_offsets(producer, &offsets, &consumer.group_metadata().unwrap()));
}

/// Far beyond what the slowest machine needs between two lines of a test.
const MINUTE: i64 = 60_000;

#[test]
fn the_truth_is_what_was_done() {
    for version in KafkaVersion::ALL {
        let cluster = KafkaCluster::shared(version);
        let name: &'static str = unique("truth").leak();
        let pipelines = [Pipeline::new(name, Vec::new(), Commits::EveryRecord)];
        cluster.create_topic(name, 1, &[]);
        let commits = cluster.follow_commits();
        let begun = unix_now();
        // 10 that are committed 10 minutes after they were made, 10 that are committed at once, a transaction of 3
        // and its marker that are too, another that was aborted and is not, and 10 that are not either.
        cluster.produce_at(name, 0, &[begun - 10 * MINUTE; 10]);
        cluster.produce_at(name, 0, &[begun; 10]);
        cluster.produce_in_transaction(name, 0, 3).commit();
        cluster.commit_offset(name, name, 0, 24);
        cluster.commit_offset(name, name, 0, 5);
        commit_in_aborted_transaction(cluster, name, 37);
        cluster.produce_in_transaction(name, 0, 3).abort();
        cluster.produce_at(name, 0, &[begun; 10]);
        let acknowledged = BTreeMap::from([(name, vec![(0, 24), (0, 5)])]);
        let played = Played { acknowledged, ..Played::default() };
        let truth = Truth::read(cluster, &pipelines, &played, &commits);

        let [history] = truth.histories(name) else { panic!("one partition") };
        assert_eq!(history.records.iter().filter(|record| record.is_marker).count(), 2);
        assert_eq!(history.records.iter().rposition(|record| record.is_marker), Some(27));
        let check = |within, good, bad| {
            let expected = Expected { good: (good, good), bad: (bad, bad), unmeasured: (0, 0), total: 38 };
            assert_eq!(truth.expected(name, within, Told::default()), expected, "within {within} ms");
        };
        check(5 * MINUTE, 14, 24);
        check(15 * MINUTE, 24, 14);
        assert_eq!(truth.committed(name), (24, 24));

        // The commit of 5 is a rewind: the oldest record that waits is then the sixth.
        let now = unix_now();
        assert_eq!(truth.time_lag(name)(now), now - begun + 10 * MINUTE);
        assert_eq!(
            truth.time_lag(name)(history.commits[0].at),
            (history.commits[0].at - history.times()[24]).max(0)
        );
    }
}
