//! Records and commits that the tests make: every one acknowledged by Kafka before the call returns.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::topic_partition_list::Offset;

use super::wait::{wait_for, wait_until};
use super::{KafkaCluster, PATIENCE, unique};

/// A transaction that its producer has begun and written to; dropping it leaves it open, as a crash does.
#[must_use = "dropped, it stays open until the broker gives it up"]
pub(crate) struct OpenTransaction(BaseProducer<Deliveries>);

impl OpenTransaction {
    pub(crate) fn commit(self) {
        self.0.commit_transaction(PATIENCE).unwrap();
    }

    pub(crate) fn abort(self) {
        self.0.abort_transaction(PATIENCE).unwrap();
    }
}

impl KafkaCluster {
    /// `count` records with the time of now.
    pub(crate) fn produce(&self, topic: &str, partition: i32, count: usize) {
        send(&self.producer(&[]), topic, partition, &vec![None; count]);
    }

    /// One record for each of `timestamps` (CreateTime, milliseconds since 1970), in this order.
    pub(crate) fn produce_at(&self, topic: &str, partition: i32, timestamps: &[i64]) {
        let timestamps: Vec<_> = timestamps.iter().copied().map(Some).collect();
        send(&self.producer(&[]), topic, partition, &timestamps);
    }

    /// One record with a key, for compacted topics; no `payload` is a tombstone.
    pub(crate) fn produce_keyed(&self, topic: &str, partition: i32, key: &str, payload: Option<&str>) {
        send_record(&self.producer(&[]), || {
            let record = BaseRecord::to(topic).partition(partition).key(key);
            match payload {
                Some(payload) => record.payload(payload),
                None => record,
            }
        });
    }

    /// `count` records in a transaction that is open until the caller ends it (at most 15 minutes).
    pub(crate) fn produce_in_transaction(
        &self,
        topic: &str,
        partition: i32,
        count: usize,
    ) -> OpenTransaction {
        let id = unique("transaction");
        let producer =
            self.producer(&[("transactional.id", id.as_str()), ("transaction.timeout.ms", "900000")]);
        wait_until("the transaction coordinator is there", PATIENCE, || {
            producer.init_transactions(PATIENCE).is_ok()
        });
        producer.begin_transaction().unwrap();
        send(&producer, topic, partition, &vec![None; count]);
        OpenTransaction(producer)
    }

    /// A commit without membership, as `assign()` makes it: the group has no members.
    pub(crate) fn commit_offset(&self, group: &str, topic: &str, partition: i32, offset: u64) {
        let consumer: BaseConsumer = self.client_config(&[("group.id", group)]).create().unwrap();
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(topic, partition, Offset::Offset(offset as i64)).unwrap();
        wait_for(&format!("{group} commits {offset} on {topic}-{partition}"), PATIENCE, || {
            consumer.commit(&offsets, CommitMode::Sync).ok()
        });
    }

    fn producer(&self, properties: &[(&str, &str)]) -> BaseProducer<Deliveries> {
        let mut config = self.client_config(properties);
        config.set("acks", "all").set("enable.idempotence", "true").set("linger.ms", "1");
        config.set("queue.buffering.max.messages", "1000000");
        config.create_with_context(Deliveries::default()).unwrap()
    }
}

/// What became of the records sent since the last look.
#[derive(Clone, Default)]
struct Deliveries(Arc<Mutex<(usize, Vec<String>)>>);

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let mut deliveries = self.0.lock().unwrap();
        match result {
            Ok(_) => deliveries.0 += 1,
            Err((error, _)) => deliveries.1.push(error.to_string()),
        }
    }
}

fn send(producer: &BaseProducer<Deliveries>, topic: &str, partition: i32, timestamps: &[Option<i64>]) {
    let Some((first, rest)) = timestamps.split_first() else { return };
    let record = |timestamp: &Option<i64>| {
        let record = BaseRecord::<(), str>::to(topic).partition(partition).payload("payload");
        match timestamp {
            Some(timestamp) => record.timestamp(*timestamp),
            None => record,
        }
    };
    // A topic just created may still be unknown to some broker: the first record waits for that alone, so that the
    // others need no second try, and nothing is ever out of order.
    send_record(producer, || record(first));
    let before = acknowledged(producer);
    for timestamp in rest {
        producer.send(record(timestamp)).map_err(|(error, _)| error).unwrap();
        producer.poll(Duration::ZERO);
    }
    producer.flush(PATIENCE).unwrap();
    assert_eq!(acknowledged(producer) - before, rest.len(), "{:?}", producer.context().0.lock().unwrap().1);
}

/// Until it is acknowledged: a failed one is sent again.
fn send_record<'a, K: rdkafka::message::ToBytes + ?Sized + 'a>(
    producer: &BaseProducer<Deliveries>,
    record: impl Fn() -> BaseRecord<'a, K, str>,
) {
    wait_until(&format!("a record of {} is acknowledged", record().topic), PATIENCE, || {
        let before = acknowledged(producer);
        // An error here or in the delivery is the same: the topic or partition is not known yet.
        producer.send(record()).is_ok() && producer.flush(PATIENCE).is_ok() && acknowledged(producer) > before
    });
}

fn acknowledged(producer: &BaseProducer<Deliveries>) -> usize {
    producer.context().0.lock().unwrap().0
}
