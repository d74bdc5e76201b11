//! The watched topics: which there are, where their partitions live, their ids and the settings that measuring needs.
//! Ids are asked in every cycle, so that a topic made again under its old name is noticed at once; settings in turns.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rdkafka::metadata::{Metadata, MetadataTopic};

use super::config::Filter;
use super::error::{Answers, CallError, reason};
use super::native::{AdminCalls, DescribedConfigs};
use crate::model::{
    Measured, Millis, PartitionObservation, Reason, TopicConfigs, TopicId, TopicName, TopicObservation,
};

/// A topic's settings are read again after this many cycles.
const CONFIGS_EVERY: u64 = 60;

/// What is known of topics from one cycle to the next.
#[derive(Debug)]
pub(super) struct Topics {
    filter: Filter,
    /// Every name ever met, shared; `None` for those that are not watched.
    names: HashMap<Box<str>, Option<TopicName>>,
    /// Those that were there once and, as far as is known, have not been deleted since.
    seen: BTreeSet<TopicName>,
    configs: HashMap<TopicName, (u64, Measured<TopicConfigs>)>,
    cycle: u64,
}

impl Topics {
    pub(super) fn new(filter: Filter) -> Self {
        Self { filter, names: HashMap::new(), seen: BTreeSet::new(), configs: HashMap::new(), cycle: 0 }
    }

    /// The shared name of a watched topic.
    pub(super) fn watched(&mut self, name: &str) -> Option<TopicName> {
        if let Some(known) = self.names.get(name) {
            return known.clone();
        }
        let watched = self.filter.accepts(name).then(|| TopicName::from(name));
        self.names.insert(name.into(), watched.clone());
        watched
    }

    /// Every watched topic of `metadata`, and those that it lacks: named in the settings, or seen before and hidden
    /// since. One that was seen before and is told not to exist was deleted, and is forgotten.
    pub(super) fn read(
        &mut self,
        metadata: &Metadata,
        calls: &AdminCalls<'_>,
    ) -> (BTreeMap<TopicName, Measured<TopicObservation>>, Answers) {
        let mut topics = BTreeMap::new();
        let mut answers = Answers::default();
        for topic in metadata.topics() {
            let Some(name) = self.watched(topic.name()) else { continue };
            topics.insert(name, observe(topic));
        }
        let named: BTreeSet<_> = self.filter.exact_names().map(TopicName::from).collect();
        for name in named.union(&self.seen) {
            // Metadata for all topics leaves out what may not be described; asking by name tells.
            topics.entry(name.clone()).or_insert(Err(Reason::NotYetRead));
        }
        self.read_ids(&mut topics, calls, &mut answers);
        topics.retain(|name, topic| !matches!(topic, Err(Reason::NoSuchTopic)) || named.contains(name));
        self.seen.retain(|name| topics.contains_key(name));
        self.seen.extend(topics.iter().filter(|(_, topic)| topic.is_ok()).map(|(name, _)| name.clone()));
        // Who is silent is not asked twice.
        if !answers.all_silent() {
            self.read_configs(&mut topics, calls, &mut answers);
        }
        self.cycle += 1;
        (topics, answers)
    }

    fn read_ids(
        &self,
        topics: &mut BTreeMap<TopicName, Measured<TopicObservation>>,
        calls: &AdminCalls<'_>,
        answers: &mut Answers,
    ) {
        let span = tracing::info_span!("kafka.describe_topics", topics = topics.len());
        let _entered = span.enter();
        let names: Vec<TopicName> = topics.keys().cloned().collect();
        if names.is_empty() {
            return;
        }
        let described = calls.describe_topics(&names.iter().map(TopicName::as_str).collect::<Vec<_>>());
        answers.count(described.as_ref().err().map(CallError::reason));
        let described = match described {
            Ok(described) => described,
            Err(failed) => {
                for topic in topics.values_mut() {
                    match topic {
                        Ok(topic) => topic.id = Err(failed.reason()),
                        Err(why) => *why = failed.reason(),
                    }
                }
                return;
            }
        };
        for answer in described {
            match (topics.get_mut(answer.name.as_str()), answer.id) {
                (Some(Ok(topic)), Ok(id)) => topic.id = Ok(TopicId(id)),
                (Some(Ok(topic)), Err(failed)) => topic.id = Err(failed.reason()),
                // It came to be between the two requests: the next cycle reads it.
                (Some(topic), Ok(_)) => *topic = Err(Reason::NotYetRead),
                (Some(topic), Err(failed)) => *topic = Err(failed.reason()),
                (None, _) => {}
            }
        }
    }

    fn read_configs(
        &mut self,
        topics: &mut BTreeMap<TopicName, Measured<TopicObservation>>,
        calls: &AdminCalls<'_>,
        answers: &mut Answers,
    ) {
        self.configs.retain(|name, _| topics.contains_key(name));
        let cycle = self.cycle;
        let due =
            |name: &TopicName| self.configs.get(name).is_none_or(|(read, _)| cycle >= read + CONFIGS_EVERY);
        let due: Vec<_> = topics
            .iter()
            .filter(|(_, topic)| topic.is_ok())
            .map(|(name, _)| name.clone())
            .filter(due)
            .collect();
        if !due.is_empty() {
            let span = tracing::info_span!("kafka.describe_configs", topics = due.len());
            let _entered = span.enter();
            let described = calls.topic_configs(&due.iter().map(TopicName::as_str).collect::<Vec<_>>());
            answers.count(described.as_ref().err().map(CallError::reason));
            match described {
                Ok(described) => {
                    for answer in described {
                        let name = TopicName::from(answer.topic.as_str());
                        self.configs.insert(name, (cycle, parse(answer)));
                    }
                }
                Err(failed) => {
                    for name in due {
                        self.configs.entry(name).or_insert((cycle, Err(failed.reason()))).0 = cycle;
                    }
                }
            }
        }
        for (name, topic) in topics {
            if let (Ok(topic), Some((_, configs))) = (topic, self.configs.get(name)) {
                topic.configs = *configs;
            }
        }
    }
}

fn observe(topic: &MetadataTopic) -> Measured<TopicObservation> {
    if let Some(failed) = topic.error() {
        return Err(reason(failed as std::ffi::c_int));
    }
    let mut partitions: Vec<_> = topic.partitions().iter().collect();
    partitions.sort_by_key(|partition| partition.id());
    let partitions = partitions.into_iter().map(|partition| PartitionObservation {
        leader: (partition.leader() >= 0).then(|| partition.leader()),
        preferred_leader: partition.replicas().first().copied(),
        replicas: count(partition.replicas()),
        in_sync_replicas: count(partition.isr()),
        end: Err(Reason::NotYetRead),
        log_start: Err(Reason::NotYetRead),
        last_stable: Err(Reason::NotYetRead),
    });
    Ok(TopicObservation {
        id: Err(Reason::NotYetRead),
        configs: Err(Reason::NotYetRead),
        partitions: partitions.collect(),
    })
}

fn count(replicas: &[i32]) -> u32 {
    u32::try_from(replicas.len()).unwrap_or(u32::MAX)
}

fn parse(answer: DescribedConfigs) -> Measured<TopicConfigs> {
    let entries = answer.entries.map_err(|failed| failed.reason())?;
    let value = |name: &str| {
        let entry = entries.iter().find(|(entry, _)| entry == name);
        entry.and_then(|(_, value)| value.as_deref()).ok_or(Reason::NotYetRead)
    };
    let number = |name: &str| value(name)?.parse::<i64>().map_err(|_| Reason::NotYetRead);
    let policy = value("cleanup.policy")?;
    Ok(TopicConfigs {
        retention: u64::try_from(number("retention.ms")?).ok().map(Millis),
        retention_by_size: number("retention.bytes")? >= 0,
        deletes: policy.contains("delete"),
        compacts: policy.contains("compact"),
        min_insync_replicas: u32::try_from(number("min.insync.replicas")?).map_err(|_| Reason::NotYetRead)?,
    })
}
