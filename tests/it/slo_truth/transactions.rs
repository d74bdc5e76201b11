//! A transactional producer that goes on whatever happens: what fails is given up, and the next transaction begins anew.

use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::KafkaResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::kafka_server::wait::{try_wait_for, wait_until};
use crate::kafka_server::{KafkaCluster, PATIENCE};

pub(super) struct Transactions<'a> {
    cluster: &'a KafkaCluster,
    id: String,
    producer: BaseProducer,
    begun: u64,
}

impl<'a> Transactions<'a> {
    pub(super) fn new(cluster: &'a KafkaCluster, id: &str) -> Transactions<'a> {
        let producer = connect(cluster, id);
        Transactions { cluster, id: id.to_owned(), producer, begun: 0 }
    }

    /// One transaction of `work`; each `aborted`th is aborted. Says whether it was committed for sure.
    pub(super) fn run(&mut self, aborted: u64, work: impl Fn(&BaseProducer) -> KafkaResult<()>) -> bool {
        self.begun += 1;
        let commits = !self.begun.is_multiple_of(aborted);
        let done = self.producer.begin_transaction().and_then(|()| work(&self.producer)).and_then(|()| {
            if commits {
                self.producer.commit_transaction(PATIENCE)
            } else {
                self.producer.abort_transaction(PATIENCE)
            }
        });
        if done.is_err() {
            // The new producer takes over the id, which aborts what the old one has left.
            self.producer = connect(self.cluster, &self.id);
        }
        commits && done.is_ok()
    }
}

fn connect(cluster: &KafkaCluster, id: &str) -> BaseProducer {
    let config = cluster.client_config(&[("transactional.id", id), ("linger.ms", "0")]);
    let producer: BaseProducer = config.create().unwrap();
    wait_until(&format!("{id} may begin transactions"), 2 * PATIENCE, || {
        producer.init_transactions(PATIENCE).is_ok()
    });
    producer
}

/// `count` records of now.
pub(super) fn send(producer: &BaseProducer, topic: &str, count: u64) -> KafkaResult<()> {
    for _ in 0..count {
        let record = BaseRecord::<(), str>::to(topic).partition(0).payload("payload");
        producer.send(record).map_err(|(error, _)| error)?;
    }
    // An abort waits for what is still on its way, and for somebody to take note of it.
    producer.flush(PATIENCE)
}

/// Commits `offsets` in the transaction.
pub(super) fn commit_offsets(
    producer: &BaseProducer,
    offsets: &TopicPartitionList,
    group: &ConsumerGroupMetadata,
) -> KafkaResult<()> {
    // The coordinator may be loading; anything else fails again, and for good.
    let sent = try_wait_for(Duration::from_secs(5), || {
        producer.send_offsets_to_transaction(offsets, group, PATIENCE).ok()
    });
    sent.map_or_else(|| producer.send_offsets_to_transaction(offsets, group, PATIENCE), Ok)
}
