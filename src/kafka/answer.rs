//! What the admin calls are asked and what they answer, as plain values with the numbers of the Kafka protocol.
//! Never says what an answer means.

use std::ffi::c_int;

use super::error::CallError;
use crate::model::{Partition, TopicName};

/// Which offset of a partition is asked for: the numbers of the Kafka protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OffsetSpec {
    Earliest,
    Latest,
    AtOrAfter(i64),
}

impl OffsetSpec {
    /// The number of the protocol: a time in milliseconds since 1970, or one below 0 with a meaning of its own.
    pub(super) fn wire(self) -> i64 {
        match self {
            Self::Earliest => -2,
            Self::Latest => -1,
            Self::AtOrAfter(time) => time.max(0),
        }
    }
}

/// One partition's part of a ListOffsets request.
#[derive(Debug, Clone)]
pub(super) struct OffsetRequest {
    pub(super) topic: TopicName,
    pub(super) partition: Partition,
    pub(super) spec: OffsetSpec,
}

/// A partition of an answer, as the list gives it. Offsets below 0 mean "none".
#[derive(Debug, Clone, Copy)]
pub(super) struct PartitionAnswer<'a> {
    pub(super) topic: &'a str,
    pub(super) partition: i32,
    pub(super) offset: i64,
    /// Only ListOffsets fills it; -1 where there is no such record.
    pub(super) timestamp: i64,
    pub(super) error: c_int,
}

/// One group as listed: Kafka's numbers for type and state.
#[derive(Debug, Clone)]
pub(super) struct ListedGroup {
    pub(super) id: String,
    pub(super) is_simple: bool,
    pub(super) state: c_int,
    pub(super) kind: c_int,
}

/// The groups that one broker lists.
#[derive(Debug, Default)]
pub(super) struct GroupListing {
    pub(super) groups: Vec<ListedGroup>,
    /// Why it could not list them, or not all.
    pub(super) errors: Vec<CallError>,
}

/// One member of a described group.
#[derive(Debug)]
pub(super) struct DescribedMember {
    pub(super) client_id: String,
    pub(super) host: String,
    pub(super) assignment: Vec<(String, i32)>,
}

/// A group's members, or why they are not known.
#[derive(Debug)]
pub(super) struct DescribedGroup {
    pub(super) id: String,
    pub(super) members: Result<Vec<DescribedMember>, CallError>,
}

/// A topic's id, or why it is not known.
#[derive(Debug)]
pub(super) struct DescribedTopic {
    pub(super) name: String,
    pub(super) id: Result<u128, CallError>,
}

/// A topic's settings, or why they are not known.
#[derive(Debug)]
pub(super) struct DescribedConfigs {
    pub(super) topic: String,
    pub(super) entries: Result<Vec<(String, Option<String>)>, CallError>,
}
