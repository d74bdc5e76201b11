//! ListOffsets for many partitions: split by leader, so that one broker's failure stays its own, and into
//! small chunks, since librdkafka takes quadratic time in them. Never retries: the next cycle asks again.

use std::collections::BTreeMap;

use super::error::{Answers, CallError, reason};
use super::native::{AdminCalls, OffsetRequest, OffsetSpec, PartitionAnswer};
use crate::model::{
    Measured, Observation, Offset, Partition, PartitionObservation, Reason, TimeAnswer, TimeQuestion,
    Timestamp, TopicName,
};

/// Partitions per call and calls at a time, as measured: 100,000 partitions in 0.4 s.
const CHUNK: usize = 250;
const IN_FLIGHT: usize = 8;

/// What a broker answers where no record is as young.
const ALL_OLDER: i64 = -1;

/// Asks every partition that has a leader for `spec` and writes the answers into `field`. One whose end could not be
/// read is not asked for anything else: it would only take the same time to fail for the same reason.
pub(super) fn read(
    calls: &AdminCalls<'_>,
    observation: &mut Observation,
    spec: OffsetSpec,
    read_committed: bool,
    field: impl Fn(&mut PartitionObservation) -> &mut Measured<Offset>,
) -> Answers {
    let mut by_leader = BTreeMap::<i32, Vec<OffsetRequest>>::new();
    let mut count = 0_usize;
    for (name, topic) in &mut observation.topics {
        let Ok(topic) = topic else { continue };
        for (number, partition) in (0..).zip(&mut topic.partitions) {
            let failed = partition.end.err().filter(|why| *why != Reason::NotYetRead);
            match (partition.leader, failed) {
                (_, Some(failed)) => *field(partition) = Err(failed),
                (Some(leader), None) => {
                    let request = OffsetRequest { topic: name.clone(), partition: number, spec };
                    by_leader.entry(leader).or_default().push(request);
                    count += 1;
                }
                (None, None) => *field(partition) = Err(Reason::NoLeader),
            }
        }
    }
    let span = tracing::info_span!(
        "kafka.list_offsets",
        partitions = count,
        read_committed,
        errors = tracing::field::Empty
    );
    let _entered = span.enter();
    let batches = chunks(by_leader);
    let found = ask(calls, &batches, read_committed);
    let mut errors = 0_u64;
    let mut answers = Answers::default();
    for (request, answer) in batches.iter().flatten().zip(found) {
        answers.count(answer.err());
        let Some(Ok(topic)) = observation.topics.get_mut(&request.topic) else { continue };
        let Some(partition) = topic.partitions.get_mut(request.partition as usize) else { continue };
        errors += u64::from(answer.is_err());
        *field(partition) =
            answer.and_then(|(offset, _)| Offset::try_from(offset).map_err(|_| Reason::NotYetRead));
    }
    span.record("errors", errors);
    answers
}

/// Answers `questions`, in their order; they are sorted and hold no partition twice.
pub(super) fn time_lookups(
    calls: &AdminCalls<'_>,
    observation: &Observation,
    questions: &[TimeQuestion],
) -> Vec<Measured<TimeAnswer>> {
    let span = tracing::info_span!(
        "kafka.time_lookups",
        partitions = questions.len(),
        errors = tracing::field::Empty
    );
    let _entered = span.enter();
    let mut by_leader = BTreeMap::<i32, Vec<OffsetRequest>>::new();
    let mut asked = BTreeMap::<i32, Vec<usize>>::new();
    let mut answers = vec![Err(Reason::NoLeader); questions.len()];
    for (index, question) in questions.iter().enumerate() {
        let topic = observation.topics.get(&question.topic).and_then(|topic| topic.as_ref().ok());
        let partition = topic.and_then(|topic| topic.partitions.get(question.partition as usize));
        let Some(leader) = partition.and_then(|partition| partition.leader) else { continue };
        by_leader.entry(leader).or_default().push(OffsetRequest {
            topic: question.topic.clone(),
            partition: question.partition,
            spec: OffsetSpec::AtOrAfter(question.at.0),
        });
        asked.entry(leader).or_default().push(index);
    }
    let batches = chunks(by_leader);
    let found = ask(calls, &batches, false);
    for (index, found) in asked.into_values().flatten().zip(found) {
        answers[index] = found.and_then(|(offset, time)| time_answer(offset, Timestamp(time)));
    }
    span.record("errors", answers.iter().filter(|answer| answer.is_err()).count());
    answers
}

/// A broker answers -1 where every record is older. librdkafka leaves another number below 0, and no error, when the
/// broker was lost before it answered: that is no answer.
fn time_answer(offset: i64, time: Timestamp) -> Measured<TimeAnswer> {
    match Offset::try_from(offset) {
        Ok(offset) => Ok(TimeAnswer::Record { offset, time }),
        Err(_) if offset == ALL_OLDER => Ok(TimeAnswer::AllOlder),
        Err(_) => Err(Reason::TimedOut),
    }
}

/// Asks for `spec` of the partitions of one topic, given with their leaders, ascending. The answers are in their order.
pub(super) fn of_topic(
    calls: &AdminCalls<'_>,
    topic: &TopicName,
    partitions: &[(Partition, i32)],
    spec: OffsetSpec,
    read_committed: bool,
) -> Vec<Measured<Offset>> {
    let mut by_leader = BTreeMap::<i32, Vec<OffsetRequest>>::new();
    let mut asked = BTreeMap::<i32, Vec<usize>>::new();
    for (index, (partition, leader)) in partitions.iter().enumerate() {
        let request = OffsetRequest { topic: topic.clone(), partition: *partition, spec };
        by_leader.entry(*leader).or_default().push(request);
        asked.entry(*leader).or_default().push(index);
    }
    let mut answers = vec![Err(Reason::TimedOut); partitions.len()];
    let found = ask(calls, &chunks(by_leader), read_committed);
    for (index, found) in asked.into_values().flatten().zip(found) {
        answers[index] =
            found.and_then(|(offset, _)| Offset::try_from(offset).map_err(|_| Reason::NotYetRead));
    }
    answers
}

/// Whole leaders one after the other, each in chunks; the order of the requests is kept.
fn chunks(by_leader: BTreeMap<i32, Vec<OffsetRequest>>) -> Vec<Vec<OffsetRequest>> {
    by_leader
        .into_values()
        .flat_map(|of_leader| of_leader.chunks(CHUNK).map(<[_]>::to_vec).collect::<Vec<_>>())
        .collect()
}

/// Topic, partition, and its (offset, timestamp).
type ChunkAnswer = (String, i32, Measured<(i64, i64)>);

/// One (offset, timestamp) per request, in the order of `batches`.
fn ask(
    calls: &AdminCalls<'_>,
    batches: &[Vec<OffsetRequest>],
    read_committed: bool,
) -> Vec<Measured<(i64, i64)>> {
    let read = |answers: &mut dyn Iterator<Item = PartitionAnswer<'_>>| {
        answers.map(|a| (a.topic.to_owned(), a.partition, measured(&a))).collect::<Vec<_>>()
    };
    let answered = calls.list_offsets(batches, read_committed, IN_FLIGHT, read);
    batches.iter().zip(answered).flat_map(|(batch, answers)| in_order(batch, answers)).collect()
}

fn measured(answer: &PartitionAnswer<'_>) -> Measured<(i64, i64)> {
    if answer.error == 0 { Ok((answer.offset, answer.timestamp)) } else { Err(reason(answer.error)) }
}

/// A batch's answers in the order of its requests; what was not answered timed out.
fn in_order(
    batch: &[OffsetRequest],
    answers: Result<Vec<ChunkAnswer>, CallError>,
) -> Vec<Measured<(i64, i64)>> {
    let answers = match answers {
        Ok(answers) => answers,
        Err(failed) => return vec![Err(failed.reason()); batch.len()],
    };
    let mut ordered = vec![Err(Reason::TimedOut); batch.len()];
    for (topic, partition, measured) in answers {
        let key = (topic.as_str(), partition.cast_unsigned());
        if let Ok(index) =
            batch.binary_search_by(|request| (request.topic.as_str(), request.partition).cmp(&key))
        {
            ordered[index] = measured;
        }
    }
    ordered
}
