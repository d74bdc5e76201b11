//! Topics and groups that change under the daemon: lag stays right, and every record is counted at most once.

use super::watched::{Watched, group, group_topic, topic};
use crate::kafka_server::member::GroupMember;
use crate::kafka_server::{KafkaCluster, KafkaVersion, unique};
use plimsoll::model::{GroupState, Snapshot};

/// A group and the only topic it consumes, watched.
struct Scene {
    cluster: &'static KafkaCluster,
    topic: String,
    group: String,
    watched: Watched,
}

/// What a tick says of the group's topic: lag, consumed, lost and appended records.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    lag: u64,
    consumed: u64,
    lost: u64,
    appended: u64,
}

impl Scene {
    fn new(version: KafkaVersion, name: &str, partitions: u32, configs: &[(&str, &str)]) -> Scene {
        let cluster = KafkaCluster::shared(version);
        let topic = unique(name);
        let group = format!("{topic}-group");
        cluster.create_topic(&topic, partitions, configs);
        let watched = Watched::new(cluster, &topic);
        Scene { cluster, topic, group, watched }
    }

    fn counts(&self, snapshot: &Snapshot) -> Option<Counts> {
        let view = group_topic(snapshot, &self.group, &self.topic)?;
        Some(Counts {
            lag: view.lag.ok()?,
            consumed: view.consumed_total,
            lost: view.lost_total,
            appended: topic(snapshot, &self.topic)?.appended_total,
        })
    }

    /// After the next cycle, and after some more of them in which nothing happens.
    fn expect(&mut self, what: &str, lag: u64, consumed: u64, lost: u64, appended: u64) {
        let expected = Counts { lag, consumed, lost, appended };
        // What was deleted is known to be lost once commits were read again.
        self.watched.cycle();
        for _ in 0..3 {
            let snapshot = self.watched.cycle();
            assert_eq!(self.counts(&snapshot).as_ref(), Some(&expected), "{what}: {:?}", snapshot.unmeasured);
        }
    }

    fn commit(&self, partition: i32, offset: u64) {
        self.cluster.commit_offset(&self.group, &self.topic, partition, offset);
    }

    fn produce(&self, partition: i32, count: usize) {
        self.cluster.produce(&self.topic, partition, count);
    }
}

#[test]
fn an_open_transaction_holds_back_the_last_stable_offset_but_not_lag() {
    for version in KafkaVersion::ALL {
        let mut scene = Scene::new(version, "transactions", 1, &[]);
        scene.produce(0, 5);
        scene.commit(0, 2);
        let aborted = scene.cluster.produce_in_transaction(&scene.topic, 0, 3);
        let stable = |scene: &mut Scene, expected: (u64, u64)| {
            let name = scene.topic.clone();
            scene.watched.cycle_until("end and last stable offset are as expected", |snapshot| {
                let partition = &topic(snapshot, &name)?.partitions[0];
                (partition.end == Ok(expected.0) && partition.last_stable == Ok(expected.1)).then_some(())
            });
        };
        stable(&mut scene, (8, 5));
        scene.expect("open", 6, 0, 0, 0);
        aborted.abort();
        // The marker takes an offset of its own.
        stable(&mut scene, (9, 9));
        scene.expect("aborted", 7, 0, 0, 1);
    }
}

#[test]
fn records_deleted_before_their_commit_are_lost_once() {
    for version in KafkaVersion::ALL {
        let mut scene = Scene::new(version, "deleted", 1, &[]);
        scene.produce(0, 30);
        scene.commit(0, 5);
        scene.expect("at first", 25, 0, 0, 0);
        scene.cluster.delete_records(&scene.topic, 0, 12);
        scene.expect("deleted up to 12", 18, 0, 7, 0);
        scene.commit(0, 20);
        scene.expect("committed 20", 10, 8, 7, 0);
        scene.cluster.delete_records(&scene.topic, 0, 15);
        scene.expect("deleted what was committed", 10, 8, 7, 0);
        scene.cluster.delete_records(&scene.topic, 0, 30);
        scene.expect("deleted everything", 0, 8, 17, 0);
        scene.commit(0, 30);
        scene.produce(0, 3);
        scene.expect("went on", 3, 8, 17, 3);
    }
}

#[test]
fn counters_go_on_when_a_topic_is_made_again() {
    for version in KafkaVersion::ALL {
        // Whether the daemon looks while there is no such topic, and while nobody has committed to the new one.
        for (looks_while_gone, looks_before_the_commit) in [(false, false), (false, true), (true, true)] {
            let mut scene = Scene::new(version, "again", 1, &[]);
            scene.produce(0, 40);
            scene.commit(0, 30);
            scene.expect("at first", 10, 0, 0, 0);
            scene.produce(0, 10);
            scene.commit(0, 45);
            scene.expect("before", 5, 15, 0, 10);
            scene.cluster.delete_topic(&scene.topic);
            if looks_while_gone {
                let (name, id) = (scene.topic.clone(), scene.group.clone());
                scene.watched.cycle_until("topic and commits are gone", |snapshot| {
                    let is_gone =
                        topic(snapshot, &name).is_none() && group_topic(snapshot, &id, &name).is_none();
                    is_gone.then_some(())
                });
            }
            scene.cluster.create_topic(&scene.topic, 1, &[]);
            if looks_before_the_commit {
                let snapshot = scene.watched.cycle();
                assert_eq!(topic(&snapshot, &scene.topic).unwrap().appended_total, 10);
            }
            scene.produce(0, 20);
            if looks_before_the_commit {
                let snapshot = scene.watched.cycle();
                assert_eq!(topic(&snapshot, &scene.topic).unwrap().appended_total, 30);
            }
            scene.commit(0, 8);
            scene.expect("again", 12, 23, 0, 30);
            scene.produce(0, 100);
            scene.commit(0, 110);
            scene.expect("far behind where it was", 10, 125, 0, 130);
        }
    }
}

#[test]
fn partitions_added_are_counted_from_their_first_record() {
    for version in KafkaVersion::ALL {
        for looks_between in [false, true] {
            let mut scene = Scene::new(version, "grown", 1, &[]);
            scene.produce(0, 6);
            scene.commit(0, 5);
            scene.expect("at first", 1, 0, 0, 0);
            scene.cluster.add_partitions(&scene.topic, 3);
            if looks_between {
                scene.expect("empty partitions", 1, 0, 0, 0);
            }
            scene.produce(2, 4);
            if looks_between {
                scene.expect("nobody has committed there", 1, 0, 0, 4);
            }
            scene.commit(2, 3);
            scene.expect("consumed from there", 2, 3, 0, 4);
        }
    }
}

#[test]
fn a_deleted_group_vanishes_without_complaint() {
    for version in KafkaVersion::ALL {
        let mut scene = Scene::new(version, "leaving", 1, &[]);
        let other = format!("{}-other", scene.topic);
        scene.produce(0, 6);
        scene.commit(0, 5);
        scene.cluster.commit_offset(&other, &scene.topic, 0, 2);
        scene.expect("at first", 1, 0, 0, 0);
        scene.cluster.delete_group(&scene.group);
        for _ in 0..3 {
            let snapshot = scene.watched.cycle();
            assert!(group(&snapshot, &scene.group).is_none(), "{:?}", snapshot.groups);
            assert_eq!(snapshot.unmeasured, []);
            assert_eq!(group_topic(&snapshot, &other, &scene.topic).unwrap().lag, Ok(4));
        }
        // Another one by its name starts where it likes, and what was counted is not counted again.
        scene.commit(0, 2);
        scene.expect("made again", 4, 0, 0, 0);
        scene.commit(0, 6);
        scene.expect("further than before", 0, 1, 0, 0);
        scene.cluster.delete_group(&scene.group);
        assert!(group(&scene.watched.cycle(), &scene.group).is_none());
        scene.produce(0, 4);
        scene.commit(0, 8);
        scene.expect("made again further on", 2, 1, 0, 4);
        scene.commit(0, 10);
        scene.expect("and consumed", 0, 3, 0, 4);
    }
}

#[test]
fn offsets_reset_by_hand_are_not_consumption() {
    type Join = fn(&KafkaCluster, &str, &str) -> GroupMember;
    let cases: [(KafkaVersion, Join); 3] = [
        (KafkaVersion::V3_9, GroupMember::join_classic),
        (KafkaVersion::V4_1, GroupMember::join_classic),
        (KafkaVersion::V4_1, GroupMember::join_consumer_protocol),
    ];
    for (version, join) in cases {
        let mut scene = Scene::new(version, "reset", 1, &[]);
        scene.produce(0, 100);
        let member = join(scene.cluster, &scene.group, &scene.topic);
        member.consume_and_commit(20);
        scene.expect("first seen", 80, 0, 0, 0);
        member.consume_and_commit(10);
        scene.expect("consumed", 70, 10, 0, 0);
        drop(member);
        let id = scene.group.clone();
        scene.watched.cycle_until("the member has left", |snapshot| {
            group(snapshot, &id).filter(|view| view.state == Ok(GroupState::Empty)).map(|_| ())
        });
        scene.cluster.reset_offsets(&scene.group, &scene.topic, 80);
        scene.expect("reset forward", 20, 10, 0, 0);
        scene.commit(0, 5);
        scene.expect("reset backward", 95, 10, 0, 0);
        let member = join(scene.cluster, &scene.group, &scene.topic);
        member.consume_and_commit(10);
        scene.expect("consumed a second time", 85, 10, 0, 0);
        member.consume_and_commit(80);
        scene.expect("consumed what had been skipped, then new records", 5, 25, 0, 0);
    }
}
