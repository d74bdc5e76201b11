//! Records and commits that the tests make: every one acknowledged by Kafka before the call returns.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, ToBytes};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::topic_partition_list::Offset;
use rdkafka::types::RDKafkaErrorCode;

use super::wait::{wait_for, wait_until};
use super::{KafkaCluster, PATIENCE, REQUEST, unique};

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
        send(&self.producer(), topic, partition, &vec![None; count]);
    }

    /// One record for each of `timestamps` (CreateTime, milliseconds since 1970), in this order.
    pub(crate) fn produce_at(&self, topic: &str, partition: i32, timestamps: &[i64]) {
        let timestamps: Vec<_> = timestamps.iter().copied().map(Some).collect();
        send(&self.producer(), topic, partition, &timestamps);
    }

    /// One record with a key, for compacted topics; no `payload` is a tombstone.
    pub(crate) fn produce_keyed(&self, topic: &str, partition: i32, key: &str, payload: Option<&str>) {
        send_record(&self.producer(), || {
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
        let producer = self.transactional_producer();
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

    /// The offset that the next record of partition 0 will get.
    pub(crate) fn end(&self, topic: &str) -> u64 {
        let client: BaseConsumer = self.client_config(&[]).create().unwrap();
        wait_for(&format!("the end of {topic}"), PATIENCE, || client.fetch_watermarks(topic, 0, REQUEST).ok())
            .1 as u64
    }

    /// Sends each record once, so that no retry can make two of it; idempotence would cost half a second each time.
    fn producer(&self) -> BaseProducer<Deliveries> {
        let mut config = self.client_config(&[("acks", "all"), ("message.send.max.retries", "0")]);
        config.set("linger.ms", "1").set("queue.buffering.max.messages", "1000000");
        config.create_with_context(Deliveries::default()).unwrap()
    }

    fn transactional_producer(&self) -> BaseProducer<Deliveries> {
        let id = unique("transaction");
        let mut config = self.client_config(&[("transactional.id", &id)]);
        config.set("transaction.timeout.ms", "900000").set("linger.ms", "1");
        config.create_with_context(Deliveries::default()).unwrap()
    }
}

/// What became of the records sent so far.
#[derive(Clone, Default)]
struct Deliveries(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    acknowledged: usize,
    failed: Vec<KafkaError>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let mut counts = self.0.lock().unwrap();
        match result {
            Ok(_) => counts.acknowledged += 1,
            Err((error, _)) => counts.failed.push(error.clone()),
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
    // A topic just created may still be unknown to its broker: the first record waits for that alone, so that the
    // others need no second try, and nothing is ever out of order.
    send_record(producer, || record(first));
    for timestamp in rest {
        producer.send(record(timestamp)).map_err(|(error, _)| error).unwrap();
        producer.poll(Duration::ZERO);
    }
    producer.flush(PATIENCE).unwrap();
    let counts = producer.context().0.lock().unwrap();
    assert_eq!(counts.acknowledged, timestamps.len(), "{topic}-{partition}: {:?}", counts.failed);
}

/// Until it is acknowledged: while nobody leads its partition it is sent again, any other failure panics.
fn send_record<'a, K: ToBytes + ?Sized + 'a>(
    producer: &BaseProducer<Deliveries>,
    record: impl Fn() -> BaseRecord<'a, K, str>,
) {
    wait_until(&format!("a record of {} is acknowledged", record().topic), PATIENCE, || {
        let failure = match producer.send(record()) {
            Ok(()) => {
                producer.flush(PATIENCE).unwrap();
                producer.context().0.lock().unwrap().failed.pop()
            }
            Err((error, _)) => Some(error),
        };
        match failure {
            None => true,
            Some(error) if error.rdkafka_error_code().is_some_and(|code| NO_LEADER_YET.contains(&code)) => {
                false
            }
            Some(error) => panic!("a record of {}: {error}", record().topic),
        }
    });
}

/// Kafka's answers, and the client's own conclusions, about a topic or partition that is on its way.
const NO_LEADER_YET: [RDKafkaErrorCode; 5] = [
    RDKafkaErrorCode::UnknownTopicOrPartition,
    RDKafkaErrorCode::UnknownTopic,
    RDKafkaErrorCode::UnknownPartition,
    RDKafkaErrorCode::LeaderNotAvailable,
    RDKafkaErrorCode::NotLeaderForPartition,
];
