//! Plays the scripts of many pipelines side by side in one cluster, and notes what was done when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::topic_partition_list::Offset;

use super::pipelines::{HELD, HELD_FROM, HELD_TO};
use super::script::{Commits, Consuming, END, Jump, LENGTH, Membership, Pipeline, Producing, Time};
use super::transactions::{Transactions, commit_offsets, send};
use crate::kafka_server::wait::{park_until, wait_for, wait_until};
use crate::kafka_server::{KafkaCluster, PATIENCE};

/// What was done besides producing and committing, in milliseconds since 1970, by pipeline.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// Commits that Kafka has acknowledged: partition and offset.
    pub(super) acknowledged: BTreeMap<&'static str, Vec<(i32, u64)>>,
    /// When what was deleted, on partition 0: everything below this offset.
    pub(super) deleted: BTreeMap<&'static str, (i64, u64)>,
    /// Between which times the operator's commit was made.
    pub(super) reset: BTreeMap<&'static str, (i64, i64)>,
    /// How long a record took at most from its timestamp until Kafka had acknowledged it, in milliseconds.
    pub(super) slowest_append: i64,
    /// Whose consumer has been absent: nothing of it is under way any more.
    pub(super) left: BTreeSet<&'static str>,
}

/// The beginning of the play.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn now(self) -> Time {
        self.0.elapsed().as_millis() as Time
    }

    pub(super) fn wait_until(self, time: Time) {
        park_until(self.0 + Duration::from_millis(time));
    }
}

pub(super) fn unix_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// Their topics, and a first commit of every group, before there is any record.
pub(super) fn set_up(cluster: &KafkaCluster, pipelines: &[Pipeline]) {
    for pipeline in pipelines {
        let time = if pipeline.log_append_time { "LogAppendTime" } else { "CreateTime" };
        cluster.create_topic(pipeline.name, pipeline.partitions, &[("message.timestamp.type", time)]);
        for partition in 0..pipeline.partitions {
            cluster.commit_offset(pipeline.name, pipeline.name, partition as i32, 0);
        }
    }
}

/// Plays them all, and `meanwhile` beside them.
pub(super) fn play(cluster: &KafkaCluster, pipelines: &[Pipeline], meanwhile: impl FnOnce(Clock)) -> Played {
    let clock = Clock(Instant::now());
    let played = Mutex::new(Played::default());
    thread::scope(|scope| {
        scope.spawn(|| {
            let slowest = produce(cluster, pipelines, clock);
            played.lock().unwrap().slowest_append = slowest;
        });
        for pipeline in pipelines {
            if let Producing::Transactions { every } = pipeline.producing {
                scope.spawn(move || produce_in_transactions(cluster, pipeline.name, every, clock));
            }
            let played = &played;
            scope.spawn(move || {
                let has_left = || {
                    played.lock().unwrap().left.insert(pipeline.name);
                };
                let is_reset = || played.lock().unwrap().reset.contains_key(pipeline.name);
                let acknowledged = Consumption::new(cluster, pipeline, clock).play(has_left, is_reset);
                played.lock().unwrap().acknowledged.insert(pipeline.name, acknowledged);
            });
            if let Some(at) = pipeline.deletes_at {
                scope.spawn(move || {
                    clock.wait_until(at);
                    let committed = committed(cluster, pipeline.name);
                    let before = committed + (cluster.end(pipeline.name) - committed) / 2;
                    let begun = unix_now();
                    cluster.delete_records(pipeline.name, 0, before);
                    played.lock().unwrap().deleted.insert(pipeline.name, (begun, before));
                });
            }
            if let Some(at) = pipeline.operator_resets_at {
                scope.spawn(move || {
                    clock.wait_until(at);
                    wait_until(&format!("the consumer of {} has left", pipeline.name), 2 * PATIENCE, || {
                        played.lock().unwrap().left.contains(pipeline.name)
                    });
                    let (begun, end) = (unix_now(), cluster.end(pipeline.name));
                    // A member that left while the broker was down is there until its session ends.
                    wait_until(&format!("{} is reset", pipeline.name), 2 * PATIENCE, || {
                        cluster.try_reset_offsets(pipeline.name, pipeline.name, end).is_ok()
                    });
                    played.lock().unwrap().reset.insert(pipeline.name, (begun, unix_now()));
                });
            }
        }
        scope.spawn(|| hold(cluster, clock));
        meanwhile(clock);
    });
    played.into_inner().unwrap()
}

/// Notes how long the slowest record took from its true timestamp until it was acknowledged.
#[derive(Default)]
struct Acknowledgements(AtomicI64);

impl ClientContext for Acknowledgements {}

impl ProducerContext for Acknowledgements {
    /// When it was sent.
    type DeliveryOpaque = Box<i64>;

    fn delivery(&self, _: &DeliveryResult<'_>, sent_at: Box<i64>) {
        self.0.fetch_max(unix_now() - *sent_at, Ordering::Relaxed);
    }
}

/// All plain records, of all pipelines, in the order of their times. Returns how long the slowest took to be
/// acknowledged, in milliseconds.
fn produce(cluster: &KafkaCluster, pipelines: &[Pipeline], clock: Clock) -> i64 {
    let mut all: Vec<_> = pipelines
        .iter()
        .filter_map(|pipeline| match &pipeline.producing {
            Producing::Plain(sent) => Some(sent.iter().map(|sent| (sent.at, pipeline.name, *sent))),
            Producing::Transactions { .. } => None,
        })
        .flatten()
        .collect();
    all.sort_by_key(|(at, ..)| *at);
    // No retry may change the order of records, or make two of one.
    let config = cluster.client_config(&[("enable.idempotence", "true"), ("linger.ms", "0")]);
    let producer: BaseProducer<Acknowledgements> =
        config.create_with_context(Acknowledgements::default()).unwrap();
    for (at, topic, sent) in all {
        while clock.now() < at {
            producer.poll(Duration::from_millis(1));
        }
        let now = unix_now();
        let record = BaseRecord::<(), str, Box<i64>>::with_opaque_to(topic, Box::new(now));
        let record = record.partition(sent.partition).payload("payload").timestamp(now + sent.ahead);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    producer.context().0.load(Ordering::Relaxed)
}

fn produce_in_transactions(cluster: &KafkaCluster, topic: &'static str, every: Time, clock: Clock) {
    let mut transactions = Transactions::new(cluster, &format!("{topic}-producer"));
    for (at, records) in (0..LENGTH).step_by(every as usize).zip((1..=5).cycle()) {
        clock.wait_until(at);
        transactions.run(3, |producer| send(producer, topic, records));
    }
}

/// Another application's transaction, open on the partition of `__consumer_offsets` that has the commits of [`HELD`].
fn hold(cluster: &KafkaCluster, clock: Clock) {
    let partition = |group: &str| plimsoll::model::commit_log_partition(group, 3);
    let group = ('a'..='z').map(|letter| format!("foreign-{letter}"));
    let group = group.into_iter().find(|group| partition(group) == partition(HELD)).unwrap();
    let consumer: BaseConsumer = cluster.client_config(&[("group.id", &group)]).create().unwrap();
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(HELD, 0, Offset::Offset(1)).unwrap();
    let mut transactions = Transactions::new(cluster, &group);
    clock.wait_until(HELD_FROM);
    transactions.run(2, |producer| {
        commit_offsets(producer, &offsets, &consumer.group_metadata().unwrap())?;
        clock.wait_until(HELD_TO);
        Ok(())
    });
}

fn committed(cluster: &KafkaCluster, name: &str) -> u64 {
    let client: BaseConsumer = cluster.client_config(&[("group.id", name)]).create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition(name, 0);
    let committed = wait_for(&format!("the commit of {name}"), PATIENCE, || {
        client.committed_offsets(list.clone(), PATIENCE).ok()
    });
    committed.elements()[0].offset().to_raw().unwrap() as u64
}

/// One group's consumer.
struct Consumption<'a> {
    cluster: &'a KafkaCluster,
    name: &'static str,
    script: &'a Consuming,
    partitions: i32,
    awaits_reset: bool,
    clock: Clock,
    transactions: Option<Transactions<'a>>,
    /// What has been consumed and not yet committed, by partition.
    consumed: BTreeMap<i32, u64>,
    acknowledged: Vec<(i32, u64)>,
}

impl<'a> Consumption<'a> {
    fn new(cluster: &'a KafkaCluster, pipeline: &'a Pipeline, clock: Clock) -> Consumption<'a> {
        let script = &pipeline.consuming;
        let exactly_once = script.membership == Membership::ExactlyOnce;
        Consumption {
            cluster,
            name: pipeline.name,
            script,
            partitions: pipeline.partitions as i32,
            awaits_reset: pipeline.operator_resets_at.is_some(),
            clock,
            transactions: exactly_once.then(|| Transactions::new(cluster, pipeline.name)),
            consumed: BTreeMap::new(),
            acknowledged: Vec::new(),
        }
    }

    /// An operator resets the group only while it is absent.
    fn play(mut self, has_left: impl Fn(), is_reset: impl Fn() -> bool) -> Vec<(i32, u64)> {
        let mut from = 0;
        let ends_at = self.script.dies_at.unwrap_or(END);
        for absent in self.script.absent.iter().cloned().chain(std::iter::once(ends_at..ends_at)) {
            self.clock.wait_until(from);
            if self.awaits_reset && from > 0 {
                wait_until(&format!("the reset of {} is done", self.name), 3 * PATIENCE, &is_reset);
            }
            let consumer = self.connect();
            self.consume(&consumer, absent.start);
            if self.script.dies_at.is_none() {
                self.commit(&consumer);
            }
            drop(consumer);
            has_left();
            from = absent.end;
        }
        self.acknowledged
    }

    fn connect(&self) -> BaseConsumer {
        let protocol = match self.script.membership {
            Membership::ConsumerProtocol => "consumer",
            _ => "classic",
        };
        let mut config = self.cluster.client_config(&[("group.id", self.name), ("group.protocol", protocol)]);
        config.set("enable.auto.commit", "false").set("auto.offset.reset", "earliest");
        config.set("fetch.wait.max.ms", "100");
        if self.script.membership == Membership::Classic {
            config.set("session.timeout.ms", "6000");
        }
        let consumer: BaseConsumer = config.create().unwrap();
        match self.script.membership {
            Membership::Classic | Membership::ConsumerProtocol => consumer.subscribe(&[self.name]).unwrap(),
            Membership::Assigned | Membership::ExactlyOnce => {
                let mut all = TopicPartitionList::new();
                for partition in 0..self.partitions {
                    all.add_partition_offset(self.name, partition, Offset::Stored).unwrap();
                }
                consumer.assign(&all).unwrap();
            }
        }
        consumer
    }

    fn consume(&mut self, consumer: &BaseConsumer, until: Time) {
        let (mut free_at, mut commit_at) = (0, 0);
        let mut jumps = self.script.jumps.iter().peekable();
        while self.clock.now() < until {
            let now = self.clock.now();
            if let Some((_, jump)) = jumps.next_if(|(at, _)| *at <= now) {
                self.jump(consumer, *jump);
            }
            if now < free_at || self.script.stalls.iter().any(|stall| stall.contains(&now)) {
                self.clock.wait_until(now + 2);
                continue;
            }
            // What goes wrong while the broker is down comes right with it.
            if let Some(Ok(record)) = consumer.poll(Duration::from_millis(5)) {
                self.consumed.insert(record.partition(), record.offset() as u64 + 1);
                free_at = free_at.max(now.saturating_sub(50)) + self.script.work;
                if matches!(self.script.commits, Commits::EveryRecord) {
                    self.commit(consumer);
                }
            }
            if let Commits::Every(every) = self.script.commits
                && now >= commit_at
            {
                self.commit(consumer);
                commit_at = now - now % every + every;
            }
        }
    }

    /// On partition 0, from what is consumed.
    fn jump(&mut self, consumer: &BaseConsumer, jump: Jump) {
        self.commit(consumer);
        let Some(last) = self.acknowledged.last().map(|(_, offset)| *offset) else { return };
        let to = match jump {
            Jump::Back(records) => last.saturating_sub(records),
            // Not beyond what there is: a record that was committed before it was made has no latency.
            Jump::Ahead(records) => {
                let ends = consumer.fetch_watermarks(self.name, 0, PATIENCE);
                ends.map_or(last, |(_, end)| (last + records).min(end as u64))
            }
        };
        self.consumed.insert(0, to);
        self.commit(consumer);
    }

    /// What was not acknowledged is committed with what comes next.
    fn commit(&mut self, consumer: &BaseConsumer) {
        if self.consumed.is_empty() {
            return;
        }
        let mut offsets = TopicPartitionList::new();
        for (partition, offset) in &self.consumed {
            offsets.add_partition_offset(self.name, *partition, Offset::Offset(*offset as i64)).unwrap();
        }
        let is_done = match &mut self.transactions {
            Some(transactions) => transactions
                .run(4, |producer| commit_offsets(producer, &offsets, &consumer.group_metadata().unwrap())),
            None => consumer.commit(&offsets, CommitMode::Sync).is_ok(),
        };
        if is_done {
            self.acknowledged.extend(std::mem::take(&mut self.consumed));
        }
    }
}
