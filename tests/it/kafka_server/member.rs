//! A member of a consumer group that really joins, is assigned partitions, consumes, commits and leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::wait::wait_for;
use super::{KafkaCluster, PATIENCE};

type Partition = (String, i32);

/// Leaves its group when it is dropped.
pub(crate) struct GroupMember {
    state: State,
    orders: Option<Sender<usize>>,
    commits: Receiver<BTreeMap<Partition, u64>>,
    thread: Option<JoinHandle<()>>,
}

impl GroupMember {
    /// By the classic protocol; returns when the group has assigned partitions to it, or none for want of any.
    pub(crate) fn join_classic(cluster: &KafkaCluster, group: &str, topic: &str) -> GroupMember {
        GroupMember::join(cluster, group, topic, "classic")
    }

    /// By the consumer protocol (KIP-848), which Kafka 4 has on; returns as [`Self::join_classic`].
    pub(crate) fn join_consumer_protocol(cluster: &KafkaCluster, group: &str, topic: &str) -> GroupMember {
        GroupMember::join(cluster, group, topic, "consumer")
    }

    fn join(cluster: &KafkaCluster, group: &str, topic: &str, protocol: &str) -> GroupMember {
        let state = State::default();
        let mut config = cluster.client_config(&[("group.id", group), ("group.protocol", protocol)]);
        config.set("enable.auto.commit", "false").set("auto.offset.reset", "earliest");
        let consumer: BaseConsumer<State> = config.create_with_context(state.clone()).unwrap();
        consumer.subscribe(&[topic]).unwrap();
        let (orders, ordered) = channel();
        let (committed, commits) = channel();
        let thread = std::thread::spawn(move || consume(&consumer, &ordered, &committed));
        let member = GroupMember { state, orders: Some(orders), commits, thread: Some(thread) };
        wait_for(&format!("{group} has assigned {topic}"), PATIENCE, || member.assignment());
        member
    }

    /// The partitions it has now; none before the group has decided.
    pub(crate) fn assignment(&self) -> Option<BTreeSet<Partition>> {
        self.state.0.lock().unwrap().assigned.clone()
    }

    /// Takes the next `count` records of its partitions and commits behind them. Returns the offsets it committed;
    /// panics when there are not so many records.
    pub(crate) fn consume_and_commit(&self, count: usize) -> BTreeMap<Partition, u64> {
        self.orders.as_ref().unwrap().send(count).unwrap();
        self.commits
            .recv_timeout(2 * PATIENCE)
            .unwrap_or_else(|_| panic!("{count} records were not to be had"))
    }
}

impl Drop for GroupMember {
    fn drop(&mut self) {
        drop(self.orders.take());
        // Its panic, if any, was told where it was waited for.
        self.thread.take().unwrap().join().ok();
    }
}

/// What has been fetched and not yet consumed, and of which partitions.
#[derive(Clone, Default)]
struct State(Arc<Mutex<Fetched>>);

#[derive(Default)]
struct Fetched {
    assigned: Option<BTreeSet<Partition>>,
    /// Offsets of the records that wait to be consumed.
    waiting: BTreeMap<Partition, BTreeSet<u64>>,
}

impl ClientContext for State {}

impl ConsumerContext for State {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let mut fetched = self.0.lock().unwrap();
        match rebalance {
            Rebalance::Assign(partitions) => {
                fetched.assigned.get_or_insert_default().extend(named(partitions));
            }
            Rebalance::Revoke(partitions) => {
                for partition in named(partitions) {
                    fetched.assigned.get_or_insert_default().remove(&partition);
                    fetched.waiting.remove(&partition);
                }
            }
            Rebalance::Error(error) => panic!("{error}"),
        }
    }
}

fn named(partitions: &TopicPartitionList) -> Vec<Partition> {
    partitions.elements().iter().map(|element| (element.topic().to_owned(), element.partition())).collect()
}

/// Polls on between the orders, as a member must that wants to stay one.
fn consume(
    consumer: &BaseConsumer<State>,
    orders: &Receiver<usize>,
    committed: &Sender<BTreeMap<Partition, u64>>,
) {
    loop {
        fetch(consumer);
        match orders.recv_timeout(Duration::ZERO) {
            Ok(count) => {
                let Some(offsets) = take(consumer, count) else { return };
                let mut list = TopicPartitionList::new();
                for ((topic, partition), offset) in &offsets {
                    list.add_partition_offset(topic, *partition, Offset::Offset(*offset as i64)).unwrap();
                }
                consumer.commit(&list, CommitMode::Sync).unwrap();
                if committed.send(offsets).is_err() {
                    return;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn fetch(consumer: &BaseConsumer<State>) {
    // What goes wrong while a broker is down comes right with it; who waits for records is bounded.
    if let Some(Ok(message)) = consumer.poll(Duration::from_millis(50)) {
        let mut fetched = consumer.context().0.lock().unwrap();
        let partition = (message.topic().to_owned(), message.partition());
        fetched.waiting.entry(partition).or_default().insert(message.offset() as u64);
    }
}

/// The offset behind the last of `count` records, for each partition they come from; none when they do not come.
fn take(consumer: &BaseConsumer<State>, count: usize) -> Option<BTreeMap<Partition, u64>> {
    let started = Instant::now();
    let mut taken = BTreeMap::new();
    for _ in 0..count {
        loop {
            let next = {
                let mut fetched = consumer.context().0.lock().unwrap();
                let partition = fetched.waiting.iter_mut().find(|(_, offsets)| !offsets.is_empty());
                partition.and_then(|(partition, offsets)| Some((partition.clone(), offsets.pop_first()?)))
            };
            if let Some((partition, offset)) = next {
                taken.insert(partition, offset + 1);
                break;
            }
            if started.elapsed() > PATIENCE {
                return None;
            }
            fetch(consumer);
        }
    }
    Some(taken)
}
