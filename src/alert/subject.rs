//! Whom an alert is about: a group's topic, a topic, one partition of either, or the cluster.

use std::fmt;

use crate::model::{Damaged, GroupId, Partition, Reader, TopicName, Writer};

/// Whom one alert of a rule is about; unique within the rule. Without any of them it is the cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Subject {
    pub(super) group: Option<GroupId>,
    pub(super) topic: Option<TopicName>,
    pub(super) partition: Option<Partition>,
}

impl Subject {
    pub(super) fn write(&self, to: &mut Writer) {
        let names = [self.group.as_ref().map(GroupId::as_str), self.topic.as_ref().map(TopicName::as_str)];
        for name in names {
            to.flag(name.is_some());
            if let Some(name) = name {
                to.text(name);
            }
        }
        // 0 is none, so that no flag is needed.
        to.number(self.partition.map_or(0, |partition| u64::from(partition) + 1));
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let group = if from.flag()? { Some(from.text()?.into()) } else { None };
        let topic = if from.flag()? { Some(from.text()?.into()) } else { None };
        let partition = match from.number()?.checked_sub(1) {
            Some(partition) => Some(Partition::try_from(partition).map_err(|_| Damaged)?),
            None => None,
        };
        Ok(Self { group, topic, partition })
    }
}

/// As a summary names it: `billing on orders/3`, `orders/3`, `the cluster`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.group, &self.topic) {
            (None, None) => f.write_str("the cluster")?,
            (Some(group), None) => write!(f, "{group}")?,
            (None, Some(topic)) => write!(f, "{topic}")?,
            (Some(group), Some(topic)) => write!(f, "{group} on {topic}")?,
        }
        self.partition.map_or(Ok(()), |partition| write!(f, "/{partition}"))
    }
}
