//! What a broker is asked while it goes away is not answered, and no answer is not the answer that all is older.

use std::sync::atomic::{AtomicBool, Ordering};

use plimsoll::model::{TimeAnswer, TimeQuestion, Timestamp};

use super::reader::CommitLogReader;
use crate::kafka_server::{KafkaCluster, KafkaSpec, KafkaVersion, unique};

/// Far before any record.
const LONG_AGO: Timestamp = Timestamp(1_000);

#[test]
fn a_lookup_that_is_lost_with_its_broker_has_no_answer() {
    for goes_away in [KafkaCluster::pause_broker, KafkaCluster::kill_broker] {
        let kafka = KafkaCluster::start(&KafkaSpec::new(KafkaVersion::V4_1));
        let name = unique("lost");
        kafka.create_topic(&name, 1, &[]);
        kafka.produce(&name, 0, 10);
        kafka.commit_offset(&name, &name, 0, 1);
        let mut reader = CommitLogReader::new(&kafka, &name);
        let observation = reader.cluster.observe(&|| Timestamp(0)).unwrap();
        let questions = [TimeQuestion { topic: name.as_str().into(), partition: 0, at: LONG_AGO }];
        let is_over = AtomicBool::new(false);
        // Asked all the time, so that some question is on its way when the broker goes.
        let mut answers = Vec::new();
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| {
                let mut answers = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    answers.extend(reader.cluster.time_lookups(&observation, &questions));
                }
                answers
            });
            goes_away(&kafka, 1);
            is_over.store(true, Ordering::Relaxed);
            answers = asking.join().unwrap();
        });
        answers.extend(reader.cluster.time_lookups(&observation, &questions));
        let is_true = |answer: &TimeAnswer| matches!(answer, TimeAnswer::Record { offset: 0, .. });
        let wrong: Vec<_> = answers.iter().flatten().filter(|answer| !is_true(answer)).collect();
        assert!(wrong.is_empty(), "{} of {}: {wrong:?}", wrong.len(), answers.len());
        assert!(answers.last().unwrap().is_err());
    }
}
