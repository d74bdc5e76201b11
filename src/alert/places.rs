//! Where a condition looks in what a tick has measured: each subject that its selectors mean, and what became of those
//! that are not there any more.

use super::AlertInput;
use super::definition::{Condition, Consumption};
use super::reading::Reading;
use super::subject::Subject;
use crate::model::{
    GroupPartitionView, GroupTopicView, GroupView, PartitionObservation, Reason, Selector, TopicView,
};

/// What there is to see of one subject.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    Cluster,
    Topic(&'a TopicView),
    TopicPartition(&'a TopicView, &'a PartitionObservation),
    GroupTopic(&'a GroupTopicView),
    GroupPartition(&'a GroupPartitionView),
}

/// What a condition's selectors are about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target<'a> {
    Cluster,
    Topic(&'a Selector),
    Consumption(&'a Consumption),
}

impl Condition {
    pub(super) fn target(&self) -> Target<'_> {
        match self {
            Self::Lag { of, .. }
            | Self::TimeLag { of, .. }
            | Self::Latency { of, .. }
            | Self::Throughput { of, .. }
            | Self::Stuck { of, .. }
            | Self::NotDecreasing { of }
            | Self::Trend { of, .. }
            | Self::Lost { of, .. }
            | Self::RetentionEta { of, .. } => Target::Consumption(of),
            Self::DeadLetters { topic, .. } | Self::Offline { topic } | Self::UnderMinIsr { topic } => {
                Target::Topic(topic)
            }
            Self::Unreachable => Target::Cluster,
        }
    }

    /// Whether it can speak of a partition.
    pub(super) fn knows_partitions(&self) -> bool {
        matches!(
            self,
            Self::Lag { .. }
                | Self::TimeLag { .. }
                | Self::Stuck { .. }
                | Self::Offline { .. }
                | Self::UnderMinIsr { .. }
        )
    }
}

/// Shows every place that `target` means. In the order of subjects.
pub(super) fn each_place<'a>(
    target: Target<'_>,
    per_partition: bool,
    input: &AlertInput<'a>,
    mut see: impl FnMut(Subject, Place<'a>),
) {
    match target {
        Target::Cluster => see(Subject::default(), Place::Cluster),
        Target::Topic(selector) => {
            for topic in input.topics.iter().filter(|topic| selector.matches(topic.topic.as_str())) {
                let subject = Subject { topic: Some(topic.topic.clone()), ..Subject::default() };
                if per_partition {
                    for (number, partition) in (0..).zip(&topic.partitions) {
                        let subject = Subject { partition: Some(number), ..subject.clone() };
                        see(subject, Place::TopicPartition(topic, partition));
                    }
                } else {
                    see(subject, Place::Topic(topic));
                }
            }
        }
        Target::Consumption(of) => {
            for (group, topic) in input.groups.iter().flat_map(|group| meant(of, group)) {
                let subject = Subject {
                    group: Some(group.group.clone()),
                    topic: Some(topic.topic.clone()),
                    partition: None,
                };
                if per_partition {
                    for partition in &topic.partitions {
                        let subject = Subject { partition: Some(partition.partition), ..subject.clone() };
                        see(subject, Place::GroupPartition(partition));
                    }
                } else {
                    see(subject, Place::GroupTopic(topic));
                }
            }
        }
    }
}

fn meant<'a>(
    of: &Consumption,
    group: &'a GroupView,
) -> impl Iterator<Item = (&'a GroupView, &'a GroupTopicView)> {
    let is_meant = of.group.matches(group.group.as_str());
    let topics = if is_meant { group.topics.as_slice() } else { &[] };
    let is_meant = |topic: &&GroupTopicView| {
        of.topic.as_ref().is_none_or(|selector| selector.matches(topic.topic.as_str()))
    };
    topics.iter().filter(is_meant).map(move |topic| (group, topic))
}

/// What is to be said of a subject that no place was shown of: that it is gone, where that is known.
pub(super) fn missing(subject: &Subject, input: &AlertInput<'_>) -> Reading {
    match why_missing(subject, input) {
        Some(why) => Reading::unknown(why),
        None => Reading::GONE,
    }
}

/// Why nobody can know whether it is gone; nothing when it is.
fn why_missing(subject: &Subject, input: &AlertInput<'_>) -> Option<Reason> {
    if let Err(why) = input.up {
        return Some(why);
    }
    let find_topic = |name| input.topics.binary_search_by(|view| view.topic.cmp(name)).ok();
    let Some(group) = &subject.group else {
        let topic = &input.topics[find_topic(subject.topic.as_ref()?)?];
        return topic.id.err().filter(|_| topic.partitions.is_empty());
    };
    let Ok(at) = input.groups.binary_search_by(|view| view.group.cmp(group)) else {
        return (!input.groups_complete).then_some(Reason::NotListed);
    };
    let group = &input.groups[at];
    if let Err(why) = group.commits {
        return Some(why);
    }
    let name = subject.topic.as_ref()?;
    let topic = group.topics.iter().find(|view| view.topic == *name)?;
    topic.lag.err().filter(|_| topic.partitions.is_empty())
}
