//! The wire types of what is not known: by name, with the reason as a word for programs and a clause for people.

use serde::Serialize;

use crate::model::{Measured, Partition, Reason, TopicName, Unmeasured};

/// One thing that cannot be measured now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnmeasuredStatus {
    /// `cluster`, `group`, `topic`, `partition` or `slo`.
    pub subject: &'static str,
    /// The name; of a partition `topic/number`. SLOs and alerts come once for each reason.
    pub name: String,
    /// One word for programs, as in `plimsoll_unmeasured{reason=…}`.
    pub reason: &'static str,
    /// One clause for people.
    pub detail: String,
}

impl From<&Unmeasured> for UnmeasuredStatus {
    fn from(item: &Unmeasured) -> Self {
        Self {
            subject: item.subject.label(),
            name: item.name.clone(),
            reason: item.reason.label(),
            detail: item.detail(),
        }
    }
}

/// One value of a group that is absent because it is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingValue {
    /// The absent key, such as `lag`; `cluster` or `commits` stand for everything that hangs on them.
    pub what: &'static str,
    /// The topic whose value it is; absent for the group's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The partition whose value it is; absent for the topic's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    /// One word for programs, as in `plimsoll_unmeasured{reason=…}`.
    pub reason: &'static str,
    /// One clause for people.
    pub detail: String,
}

/// Takes values apart: the known ones go on, the reasons of the others are collected.
#[derive(Debug, Default)]
pub(super) struct Missing {
    pub(super) values: Vec<MissingValue>,
    topic: Option<TopicName>,
    partition: Option<Partition>,
}

impl Missing {
    /// The values that follow are those of `topic`, or of one partition of it.
    pub(super) fn at(&mut self, topic: Option<&TopicName>, partition: Option<Partition>) {
        self.topic = topic.cloned();
        self.partition = partition;
    }

    /// The value, if it is known.
    pub(super) fn known<T: Clone>(&mut self, what: &'static str, value: &Measured<T>) -> Option<T> {
        value.as_ref().map_err(|reason| self.note(what, *reason, None)).ok().cloned()
    }

    /// Something is absent; `detail` says more than the reason does.
    pub(super) fn note(&mut self, what: &'static str, reason: Reason, detail: Option<&str>) {
        self.values.push(MissingValue {
            what,
            topic: self.topic.as_ref().map(|topic| topic.as_str().to_owned()),
            partition: self.partition,
            reason: reason.label(),
            detail: detail.map_or_else(|| reason.to_string(), str::to_owned),
        });
    }
}
