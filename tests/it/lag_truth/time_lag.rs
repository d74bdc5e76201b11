//! The age of the oldest record that is not committed: right from the first value on, whatever the records' times are.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::watched::{Watched, group_topic};
use crate::kafka_server::wait::wait_until;
use crate::kafka_server::{KafkaCluster, KafkaVersion, PATIENCE, unique};
use plimsoll::model::{Measured, Millis, Reason, Snapshot, Timestamp};

const MINUTE: i64 = 60_000;

/// How far a published value may be off.
const EXACT: i64 = 1_000;

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// A topic with one partition whose records have `times`, and a group that has committed `committed` of them.
struct Backlog {
    cluster: &'static KafkaCluster,
    topic: String,
    group: String,
}

impl Backlog {
    fn new(version: KafkaVersion, times: &[i64], committed: u64, configs: &[(&str, &str)]) -> Backlog {
        let cluster = KafkaCluster::shared(version);
        let topic = unique("backlog");
        let group = format!("{topic}-group");
        cluster.create_topic(&topic, 1, configs);
        cluster.produce_at(&topic, 0, times);
        cluster.commit_offset(&group, &topic, 0, committed);
        Backlog { cluster, topic, group }
    }

    fn watch(&self) -> Watched {
        Watched::new(self.cluster, &self.topic)
    }

    fn time_lag(&self, snapshot: &Snapshot) -> Measured<Millis> {
        group_topic(snapshot, &self.group, &self.topic).unwrap().time_lag
    }

    /// The value published is the age of a record made at `time`.
    fn expect(&self, snapshot: &Snapshot, time: i64) {
        let age = self.time_lag(snapshot).unwrap_or_else(|why| panic!("{}: {why}", self.topic));
        let off = snapshot.at.0 - time - age.0 as i64;
        assert!(off.abs() <= EXACT, "{}: {off} ms off the age of {} ms", self.topic, snapshot.at.0 - time);
    }
}

/// One a second, up to now.
fn last_quarter_of_an_hour() -> Vec<i64> {
    let now = now();
    (0..=900).map(|second| now - 15 * MINUTE + second * 1000).collect()
}

#[test]
fn a_group_that_is_ten_minutes_behind_is_located_in_the_first_cycle() {
    for version in KafkaVersion::ALL {
        let times = last_quarter_of_an_hour();
        let backlog = Backlog::new(version, &times, 300, &[("retention.ms", "1200000")]);
        let mut watched = backlog.watch();
        for _ in 0..5 {
            let snapshot = watched.cycle();
            backlog.expect(&snapshot, times[300]);
            let view = group_topic(&snapshot, &backlog.group, &backlog.topic).unwrap();
            assert_eq!(view.lag, Ok(601));
            // Records live for 20 minutes, and the oldest that is needed is as old as the time lag.
            let left = 1_200_000 - view.time_lag.unwrap().0;
            assert_eq!(view.retention_eta, Ok(Some(Millis(left))));
        }
    }
}

#[test]
fn until_it_is_located_it_is_absent_and_within_ten_seconds_it_is_located() {
    for version in KafkaVersion::ALL {
        let times = last_quarter_of_an_hour();
        let backlog = Backlog::new(version, &times, 300, &[]);
        // One question in each cycle, so that there are cycles in which it is not located.
        let mut watched = Watched::with(backlog.cluster, &backlog.topic, |config| {
            config.time_lookups_per_second = 1;
        });
        let mut absent = 0;
        let first: Timestamp = watched.cycle().at;
        let located = loop {
            let snapshot = watched.cycle();
            match backlog.time_lag(&snapshot) {
                Err(why) => assert_eq!(why, Reason::NotYetLocated),
                Ok(_) => break snapshot,
            }
            assert_eq!(snapshot.unmeasured, [], "what is only not known yet is no fault");
            absent += 1;
        };
        backlog.expect(&located, times[300]);
        assert!(absent > 0, "one question has told it all");
        assert!(located.at.since(first) < Millis::from_seconds(10), "{:?}", located.at.since(first));
    }
}

#[test]
fn a_stuck_group_on_an_idle_topic_grows_older_with_the_clock() {
    for version in KafkaVersion::ALL {
        let times = last_quarter_of_an_hour();
        let backlog = Backlog::new(version, &times[..400], 250, &[]);
        let mut watched = backlog.watch();
        let since = |snapshot: &Snapshot| snapshot.at - backlog.time_lag(snapshot).unwrap();
        let first = watched.cycle();
        backlog.expect(&first, times[250]);
        watched.cycle_until("two seconds have passed", |snapshot| {
            assert_eq!(since(snapshot), since(&first), "the record has not moved");
            (snapshot.at.since(first.at) > Millis::from_seconds(2)).then_some(())
        });
    }
}

#[test]
fn records_without_order_are_as_old_as_the_youngest_before_them() {
    for version in KafkaVersion::ALL {
        let mut times = last_quarter_of_an_hour();
        // Each block of a minute is back to front, and some records are out of all order.
        times.chunks_mut(60).for_each(<[i64]>::reverse);
        for index in (0..times.len()).step_by(7) {
            times[index] -= 12 * 60 * MINUTE;
        }
        for committed in [0, 1, 130, 299, 300, 301, 777] {
            let backlog = Backlog::new(version, &times, committed, &[]);
            let youngest = *times[..=committed as usize].iter().max().unwrap();
            backlog.expect(&backlog.watch().cycle(), youngest);
        }
    }
}

#[test]
fn a_replay_of_old_records_is_as_old_as_they_are() {
    for version in KafkaVersion::ALL {
        // What is produced now was made 10 minutes ago.
        let start = now() - 10 * MINUTE;
        let mut times: Vec<i64> = (0..100).map(|record| start + record * 100).collect();
        let backlog = Backlog::new(version, &times, 10, &[]);
        let mut watched = backlog.watch();
        backlog.expect(&watched.cycle(), times[10]);
        for round in 1..10_u64 {
            let more: Vec<i64> = (0..100).map(|record| times[times.len() - 1] + 100 + record * 100).collect();
            backlog.cluster.produce_at(&backlog.topic, 0, &more);
            times.extend(more);
            backlog.expect(&watched.cycle(), times[if round == 1 { 10 } else { (round * 90 - 90) as usize }]);
            backlog.cluster.commit_offset(&backlog.group, &backlog.topic, 0, round * 90);
            backlog.expect(&watched.cycle(), times[round as usize * 90]);
        }
    }
}

/// How far a group is behind live records, in milliseconds.
const BEHIND: i64 = 2_500;

#[test]
fn behind_live_records_it_is_the_age_of_the_next_one() {
    for version in KafkaVersion::ALL {
        let mut times: Vec<i64> = last_quarter_of_an_hour();
        let backlog = Backlog::new(version, &times, 300, &[]);
        let mut watched = backlog.watch();
        backlog.expect(&watched.cycle(), times[300]);
        // It catches up with the backlog, and then stays behind what is produced.
        let start = now();
        while now() < start + 2 * BEHIND {
            let made = [now(); 10];
            backlog.cluster.produce_at(&backlog.topic, 0, &made);
            times.extend(made);
            let committed = times.partition_point(|time| *time < now() - BEHIND);
            backlog.cluster.commit_offset(&backlog.group, &backlog.topic, 0, committed as u64);
            backlog.expect(&watched.cycle(), times[committed]);
        }
    }
}

/// Every record has the key `key`, so that compaction keeps the last one only, once its segment is closed.
fn produce_with_key(backlog: &Backlog, key: &str, times: &[i64]) {
    let producer: BaseProducer = backlog.cluster.client_config(&[("linger.ms", "0")]).create().unwrap();
    for time in times {
        let record = BaseRecord::to(&backlog.topic).partition(0).key(key).payload("payload").timestamp(*time);
        producer.send(record).unwrap();
        // One batch each, so that each may be the first of a segment.
        producer.flush(PATIENCE).unwrap();
    }
}

/// The first offset that a consumer gets.
fn first_record(backlog: &Backlog) -> Option<i64> {
    let consumer: BaseConsumer = backlog.cluster.client_config(&[("group.id", "nobody")]).create().unwrap();
    let mut from = TopicPartitionList::new();
    from.add_partition_offset(&backlog.topic, 0, Offset::Beginning).unwrap();
    consumer.assign(&from).unwrap();
    Some(consumer.poll(Duration::from_secs(2))?.unwrap().offset())
}

#[test]
fn on_a_compacted_topic_the_oldest_record_that_is_left_counts() {
    for version in KafkaVersion::ALL {
        let start = now() - 10 * MINUTE;
        let configs = [
            ("cleanup.policy", "compact"),
            ("segment.ms", "100"),
            ("min.cleanable.dirty.ratio", "0.01"),
            ("min.compaction.lag.ms", "0"),
        ];
        let backlog = Backlog::new(version, &[], 3, &configs);
        let left = start + 8 * MINUTE;
        let times = [0, 1, 2, 3, 4, 5].map(|second| start + second * 1000);
        produce_with_key(&backlog, "same", &times);
        produce_with_key(&backlog, "same", &[left]);
        produce_with_key(&backlog, "other", &[left + MINUTE]);
        wait_until("the first records are compacted away", PATIENCE, || first_record(&backlog) == Some(6));

        let snapshot = backlog.watch().cycle();
        let view = group_topic(&snapshot, &backlog.group, &backlog.topic).unwrap();
        // Offsets, as Kafka's own tool counts them too: how many records are left nobody tells.
        assert_eq!(view.lag, Ok(5));
        backlog.expect(&snapshot, left);
    }
}
