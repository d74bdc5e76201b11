//! Records of `__consumer_offsets` as events: commits, group metadata, members and their tombstones, by the schemas
//! that Kafka publishes (OffsetCommitKey, OffsetCommitValue, GroupMetadataKey and so on). What is not watched is
//! dropped early; what is newer than this or malformed is counted and skipped, never a panic.

use std::sync::Arc;

use super::names::Names;
use super::wire::{Fields, Malformed};
use crate::kafka::config::Filter;
use crate::model::{CommitLogEvent, GroupId, Offset, Partition, Timestamp, TopicId, TopicName};

/// What became of the records of the commit log, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommitLogCounts {
    /// Became events.
    pub decoded: u64,
    /// Not watched, or of a kind that says nothing of commits and members.
    pub skipped: u64,
    /// Of a version that is newer than this program.
    pub unknown: u64,
    /// Not what their version says.
    pub malformed: u64,
}

/// Decodes records of the commit log, for the groups and topics that are watched.
#[derive(Debug)]
pub struct CommitLogDecoder {
    groups: Names<GroupId>,
    topics: Names<TopicName>,
    counts: CommitLogCounts,
}

/// One record, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedRecord {
    /// What it says.
    pub event: CommitLogEvent,
    /// Of a commit: the coordinator's time of it.
    pub committed_at: Option<Timestamp>,
}

/// Why a record gives no event although it might have to.
enum Refused {
    Unknown,
    Malformed,
}

impl From<Malformed> for Refused {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// Newest value versions known, and the first flexible one of both.
const NEWEST_VALUE: i16 = 4;
const FLEXIBLE_VALUE: i16 = 4;

/// The tag of the topic's id in a commit of v4.
const TOPIC_ID: u32 = 0;

impl CommitLogDecoder {
    /// Watches what both filters accept.
    #[must_use]
    pub fn new(groups: Filter, topics: Filter) -> Self {
        Self { groups: Names::new(groups), topics: Names::new(topics), counts: CommitLogCounts::default() }
    }

    /// What became of all records so far.
    #[must_use]
    pub fn counts(&self) -> CommitLogCounts {
        self.counts
    }

    /// What a record says, if it is about something watched. No value is a tombstone.
    pub fn decode(&mut self, key: &[u8], value: Option<&[u8]>) -> Option<DecodedRecord> {
        let count = match self.read(key, value) {
            Ok(Some(record)) => {
                self.counts.decoded += 1;
                return Some(record);
            }
            Ok(None) => &mut self.counts.skipped,
            Err(Refused::Unknown) => &mut self.counts.unknown,
            Err(Refused::Malformed) => &mut self.counts.malformed,
        };
        *count += 1;
        None
    }

    fn read(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<Option<DecodedRecord>, Refused> {
        let mut key = Fields::plain(key);
        // Kafka writes its kind of record as the version of the key.
        let kind = key.int16()?;
        match kind {
            0..=3 | 5 => {}
            // The rest of a KIP-848 group: partitions, assignments, resolved regular expressions.
            4 | 6..=8 | 16 => return Ok(None),
            _ => return Err(Refused::Unknown),
        }
        let Some(group) = self.groups.watched(key.string()?)? else { return Ok(None) };
        match kind {
            0 | 1 => self.commit(group, &mut key, value),
            2 => value.map_or_else(|| Ok(deleted(&group)), |value| classic_group(group.clone(), value)),
            3 => value.map_or_else(|| Ok(deleted(&group)), |value| consumer_group(group.clone(), value)),
            _ => member(group, &mut key, value),
        }
    }

    fn commit(
        &mut self,
        group: GroupId,
        key: &mut Fields<'_>,
        value: Option<&[u8]>,
    ) -> Result<Option<DecodedRecord>, Refused> {
        let Some(topic) = self.topics.watched(key.string()?)? else { return Ok(None) };
        let partition = Partition::try_from(key.int32()?).map_err(|_| Malformed)?;
        let Some(value) = value else {
            return Ok(event(CommitLogEvent::Uncommitted { group, topic, partition }));
        };
        let (version, mut value) = versioned(value, FLEXIBLE_VALUE, NEWEST_VALUE)?;
        let offset = value.int64()?;
        if version >= 3 {
            let _leader_epoch = value.int32()?;
        }
        let _metadata = value.string()?;
        let at = value.int64()?;
        let topic_id =
            if version >= FLEXIBLE_VALUE { value.tagged(TOPIC_ID)?.map(topic_id).transpose()? } else { None };
        // Below 0 is how Kafka itself says "no commit" when it is asked.
        let event = match Offset::try_from(offset) {
            Ok(offset) => {
                CommitLogEvent::Committed { group, topic, partition, offset, topic_id: topic_id.flatten() }
            }
            Err(_) => CommitLogEvent::Uncommitted { group, topic, partition },
        };
        Ok(Some(DecodedRecord { event, committed_at: (at >= 0).then_some(Timestamp(at)) }))
    }
}

/// GroupMetadataValue; of the members only their number is read.
fn classic_group(group: GroupId, value: &[u8]) -> Result<Option<DecodedRecord>, Refused> {
    let (version, mut value) = versioned(value, FLEXIBLE_VALUE, NEWEST_VALUE)?;
    let has_protocol = !value.string()?.is_empty();
    let generation = value.int32()?;
    let (_protocol, _leader) = (value.nullable_string()?, value.nullable_string()?);
    if version >= 2 {
        let _state_since = value.int64()?;
    }
    let members = u32::try_from(value.array_length()?).map_err(|_| Malformed)?;
    Ok(event(CommitLogEvent::ClassicGroup { group, generation, members, has_protocol }))
}

/// ConsumerGroupMetadataValue (KIP-848).
fn consumer_group(group: GroupId, value: &[u8]) -> Result<Option<DecodedRecord>, Refused> {
    let (_, mut value) = versioned(value, 0, 0)?;
    let epoch = value.int32()?;
    Ok(event(CommitLogEvent::ConsumerGroup { group, epoch }))
}

/// ConsumerGroupMemberMetadata (KIP-848): whether the member is there is all that is read of the value.
fn member(
    group: GroupId,
    key: &mut Fields<'_>,
    value: Option<&[u8]>,
) -> Result<Option<DecodedRecord>, Refused> {
    let member: Arc<str> = std::str::from_utf8(key.string()?).map_err(|_| Malformed)?.into();
    if let Some(value) = value {
        versioned(value, 0, 0)?;
    }
    Ok(event(CommitLogEvent::ConsumerMember { group, member, is_there: value.is_some() }))
}

fn deleted(group: &GroupId) -> Option<DecodedRecord> {
    event(CommitLogEvent::GroupDeleted { group: group.clone() })
}

#[expect(clippy::unnecessary_wraps, reason = "what every reader returns")]
fn event(event: CommitLogEvent) -> Option<DecodedRecord> {
    Some(DecodedRecord { event, committed_at: None })
}

/// A value's version and its fields, in the encoding of that version.
fn versioned(value: &[u8], flexible_from: i16, newest: i16) -> Result<(i16, Fields<'_>), Refused> {
    let mut fields = Fields::plain(value);
    let version = fields.int16()?;
    if version < 0 {
        return Err(Refused::Malformed);
    }
    if version > newest {
        return Err(Refused::Unknown);
    }
    if version >= flexible_from {
        fields.set_flexible();
    }
    Ok((version, fields))
}

/// All zeroes is how Kafka writes that there is none.
fn topic_id(bytes: &[u8]) -> Result<Option<TopicId>, Malformed> {
    let id = u128::from_be_bytes(bytes.try_into().map_err(|_| Malformed)?);
    Ok((id != 0).then_some(TopicId(id)))
}

#[cfg(test)]
mod tests;
