//! Which questions the brokers' time index is asked in a tick: first what judging waits for, in the order of time,
//! then time lags, then what makes histograms exact. One question per partition and round. Never asks by itself.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::deadline::Known;
use super::time_lag::{self, RecordTimes};
use super::topic::Topic;
use super::{Measurement, latency, time_index};
use crate::model::{
    GroupId, Measured, Millis, Observation, Offset, Partition, TimeAnswer, TimeQuestion, Timestamp, TopicName,
};

/// Partitions per tick whose histograms may ask; the others take their turns, and are estimated meanwhile.
const HISTOGRAMS: usize = 1000;

/// Questions per partition and tick: no answers, however odd, keep a tick busy for longer.
const MOST_OF_A_PARTITION: u32 = 200;

/// Events of one partition of a group that may ask for their histogram's sake.
const HISTOGRAM_EVENTS: usize = 16;

/// What is open at a partition at a time, over all groups.
const ENOUGH: usize = 512;

/// What a question is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Judging,
    Histogram,
}

/// What a tick has to ask.
#[derive(Debug, Default)]
pub(super) struct Open {
    deadlines: Vec<Waiting>,
    time_lags: Vec<time_lag::Open>,
    histograms: Vec<Waiting>,
    /// With whom the turns of the histograms go on.
    turn: usize,
}

/// A partition, and the groups of which something waits there.
#[derive(Debug)]
struct Waiting {
    topic: TopicName,
    partition: Partition,
    groups: Vec<GroupId>,
    since: Timestamp,
    /// What was open when the groups were last gone through; they are again once none of it is any more.
    open: Vec<time_index::Open>,
}

/// What a partition has to ask now.
enum Next {
    Ask(Timestamp),
    /// Something is open, but asking is of no use in this tick.
    Later,
    Nothing,
}

/// By partition: the groups, and the oldest event that waits.
type Found = BTreeMap<(TopicName, Partition), (Vec<GroupId>, Timestamp)>;

fn note(found: &mut Found, topic: &TopicName, partition: Partition, group: &GroupId, at: Timestamp) {
    let (groups, oldest) = found.entry((topic.clone(), partition)).or_insert_with(|| (Vec::new(), at));
    groups.push(group.clone());
    *oldest = (*oldest).min(at);
}

fn in_order(found: Found) -> Vec<Waiting> {
    let waiting =
        |((topic, partition), (groups, since))| Waiting { topic, partition, groups, since, open: Vec::new() };
    let mut waiting: Vec<_> = found.into_iter().map(waiting).collect();
    waiting.sort_by_key(|waiting| waiting.since);
    waiting
}

impl Measurement {
    /// Finds everything that is open at the beginning of a tick.
    pub(super) fn gather_questions(&mut self, observation: &Observation) {
        let now = observation.ends_at;
        self.open.time_lags = time_lag::wanted(&mut self.topics, &self.groups, observation);
        let (mut deadlines, mut histograms) = (Found::new(), Found::new());
        let mut groups = std::mem::take(&mut self.groups);
        for (id, group) in &mut groups {
            let complete_to = self.complete_to(id, group);
            for (name, memory) in &mut group.topics {
                memory.retarget(&mut self.targets, id, name);
                let Some(Ok(observed)) = observation.topics.get(name) else { continue };
                let Some(topic) = self.topics.get_mut(name) else { continue };
                let id_is_known = topic.id.is_some();
                for progress in memory.partitions.iter_mut().filter(|progress| progress.deadlines.is_some()) {
                    progress.keep_watch(complete_to.unwrap_or(now));
                    let index = progress.partition as usize;
                    let end = observed.partitions.get(index).and_then(|read| read.end.ok());
                    let (Some(end), Some(known)) = (end, topic.partitions.get_mut(index)) else { continue };
                    let Some(waiting) = progress.deadlines.as_deref_mut() else { continue };
                    if waiting.judged_to().is_some_and(|judged| judged > end) {
                        // The log was cut. Of the same topic, what is left of it was judged; else it is another one.
                        let log_start = known.log_start.unwrap_or(0);
                        if id_is_known {
                            waiting.cut_at(end);
                        } else {
                            waiting.judged_from(log_start);
                        }
                        memory.is_changed = true;
                    }
                    let times = known.times.get_or_insert_with(|| Box::new(RecordTimes::new(known.end, now)));
                    let at = waiting.waiting.front().map_or(now, |event| event.at);
                    let known = Known { index: &times.index, end, complete_to };
                    if waiting.is_open(&known) {
                        note(&mut deadlines, name, progress.partition, id, at);
                    }
                    if waiting.waiting.iter().any(|event| event.first < event.offset) {
                        note(&mut histograms, name, progress.partition, id, at);
                    }
                }
            }
        }
        self.groups = groups;
        self.open.deadlines = in_order(deadlines);
        for waiting in &mut self.open.deadlines {
            if let Some(times) = record_times(&mut self.topics, &waiting.topic, waiting.partition) {
                waiting.since = *times.judging_since.get_or_insert(now);
            }
        }
        let mut histograms = in_order(histograms);
        if histograms.len() > HISTOGRAMS {
            let turn = self.open.turn % histograms.len();
            histograms.rotate_left(turn);
            histograms.truncate(HISTOGRAMS);
            self.open.turn = turn + HISTOGRAMS;
        }
        self.open.histograms = histograms;
    }

    /// The next questions for the brokers' time index, at most `limit`, sorted by topic and partition and
    /// none for the same partition twice. Empty when nothing is open: then everything is known that can be.
    pub fn questions(&mut self, limit: usize) -> Vec<TimeQuestion> {
        let (Some(now), resolution) = (self.last_ends_at, self.resolution) else { return Vec::new() };
        let mut open = std::mem::take(&mut self.open);
        let mut asked: HashSet<(TopicName, Partition)> = HashSet::new();
        let mut questions = Vec::new();
        let mut ask = |topic: &TopicName, partition: Partition, at: Timestamp| {
            if questions.len() < limit && asked.insert((topic.clone(), partition)) {
                questions.push(TimeQuestion { topic: topic.clone(), partition, at });
            }
        };
        open.deadlines.retain_mut(|waiting| match self.next(waiting, Purpose::Judging) {
            Next::Ask(at) => {
                ask(&waiting.topic, waiting.partition, at);
                true
            }
            Next::Later => true,
            Next::Nothing => false,
        });
        open.time_lags.retain(|open| {
            let Some(times) = record_times(&mut self.topics, &open.topic, open.partition) else {
                return false;
            };
            if times.failed.is_some() {
                return false;
            }
            let Some(at) = times.question(now, resolution) else {
                times.open_since = None;
                return false;
            };
            if times.last_asked == Some(at) {
                return false;
            }
            times.open_since = Some(open.since);
            ask(&open.topic, open.partition, at);
            true
        });
        open.histograms.retain_mut(|waiting| {
            let Next::Ask(at) = self.next(waiting, Purpose::Histogram) else { return false };
            ask(&waiting.topic, waiting.partition, at);
            true
        });
        self.open = open;
        questions.sort_unstable();
        questions
    }

    /// The question that helps most with what waits at a partition.
    fn next(&mut self, waiting: &mut Waiting, purpose: Purpose) -> Next {
        let topic = self.topics.get_mut(&waiting.topic);
        let partition = topic.and_then(|topic| topic.partitions.get_mut(waiting.partition as usize));
        let Some((times, end)) = partition.and_then(|known| {
            let end = known.end?;
            Some((known.times.take()?, end))
        }) else {
            return Next::Nothing;
        };
        waiting.open.retain(|open| times.index.is_open(open));
        if waiting.open.is_empty() {
            self.find_open(waiting, purpose, &times.index, end);
        }
        let next = match times.index.best_question(&mut waiting.open) {
            None => Next::Nothing,
            Some(_) if times.failed.is_some() || times.asked >= MOST_OF_A_PARTITION => Next::Later,
            // Who asks it again learns nothing more.
            Some(at) if times.last_asked == Some(at) => Next::Later,
            Some(at) => Next::Ask(at),
        };
        let judging_is_done = matches!((&next, purpose), (Next::Nothing, Purpose::Judging));
        if let Some(topic) = self.topics.get_mut(&waiting.topic) {
            let known = &mut topic.partitions[waiting.partition as usize];
            let times = known.times.insert(times);
            times.judging_since = times.judging_since.filter(|_| !judging_is_done);
        }
        next
    }

    fn find_open(&self, waiting: &mut Waiting, purpose: Purpose, index: &time_index::TimeIndex, end: Offset) {
        for id in &waiting.groups {
            if waiting.open.len() >= ENOUGH {
                // The rest when these are closed: what closes them closes most of it, too.
                break;
            }
            let Some(group) = self.groups.get(id) else { continue };
            let Some(memory) = group.topics.get(&waiting.topic) else { continue };
            let Some(deadlines) = memory.deadlines(waiting.partition) else { continue };
            let known = Known { index, end, complete_to: self.complete_to(id, group) };
            match purpose {
                Purpose::Judging => deadlines.open(&known, &mut waiting.open),
                Purpose::Histogram => deadlines.waiting.iter().take(HISTOGRAM_EVENTS).for_each(|event| {
                    latency::open(event, &memory.bounds, &known, &mut waiting.open);
                }),
            }
        }
        // Groups that keep up with each other ask the same.
        waiting.open.sort_unstable_by_key(|open| (open.at, open.from, open.below));
        waiting.open.dedup();
    }

    /// Takes the answers to `questions`, in their order.
    pub fn learn(&mut self, questions: &[TimeQuestion], answers: &[Measured<TimeAnswer>]) {
        let Some(now) = self.last_ends_at else { return };
        self.time_lookups += questions.len() as u64;
        for (question, answer) in questions.iter().zip(answers) {
            let end = self.topics.get(&question.topic).and_then(|topic| {
                topic.partitions.get(question.partition as usize).and_then(|partition| partition.end)
            });
            let times = record_times(&mut self.topics, &question.topic, question.partition);
            let (Some(end), Some(times)) = (end, times) else { continue };
            times.asked += 1;
            times.last_asked = Some(question.at);
            match answer {
                Ok(answer) => {
                    times.curve.learn(question.at, *answer, end, now);
                    times.index.learn(question.at, *answer, end);
                }
                Err(why) => times.failed = Some(*why),
            }
        }
    }

    /// How many questions were asked, in all.
    #[must_use]
    pub fn time_lookups(&self) -> u64 {
        self.time_lookups
    }

    /// The age of the oldest question that is still open at `now`; zero when none is. What only makes histograms exact
    /// is not waited for.
    #[must_use]
    pub fn time_lookup_backlog(&self, now: Timestamp) -> Millis {
        let deadlines = self.open.deadlines.iter().map(|open| open.since);
        let time_lags = self.open.time_lags.iter().map(|open| open.since);
        deadlines.chain(time_lags).map(|since| now.since(since)).max().unwrap_or_default()
    }
}

pub(super) fn record_times<'a>(
    topics: &'a mut HashMap<TopicName, Topic>,
    topic: &TopicName,
    partition: Partition,
) -> Option<&'a mut RecordTimes> {
    topics.get_mut(topic)?.partitions.get_mut(partition as usize)?.times.as_deref_mut()
}
