//! What the tail of `__consumer_offsets` has told: commits, their deletion, and members, in the order of the log.
//! Never judges, never guesses: a partition of it that could not be read says why.

use std::sync::Arc;

use super::{GroupId, Measured, Millis, Offset, Partition, Timestamp, TopicId, TopicName};

/// A commit can be read only some time after its own timestamp (measured: 11 ms at the median, 346 ms at the 99th
/// percentile): so much is taken off the completeness time.
pub const SETTLING: Millis = Millis::from_seconds(1);

/// Where commits come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CommitSource {
    /// Pushed by the commit log, with the broker's timestamp.
    Log,
    /// Asked for in every tick: when a commit was made is known only to a tick.
    #[default]
    Polled,
}

impl CommitSource {
    /// The label value of `plimsoll_cluster_info{commit_source=…}`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Log => "commit_log",
            Self::Polled => "polled",
        }
    }
}

/// Whose clock tells up to when commits are complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClockSource {
    /// That of every coordinator, known from its commits.
    Commits,
    /// The daemon's own stands in for one coordinator or more: no commit of theirs was seen yet.
    #[default]
    Local,
}

impl ClockSource {
    /// The label value of `plimsoll_cluster_info{clock=…}`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Commits => "commits",
            Self::Local => "local",
        }
    }
}

/// What one cycle has read of the commit log.
#[derive(Debug, Clone, Default)]
pub struct CommitLog {
    /// Whose clock the completeness times go by.
    pub clock: ClockSource,
    /// By number, from 0 without gaps: every partition that the topic has.
    pub partitions: Vec<CommitLogPartition>,
}

/// What one cycle has read of one partition of the commit log.
#[derive(Debug, Clone)]
pub struct CommitLogPartition {
    /// In the order of the log; only what was not in an earlier cycle.
    pub entries: Vec<CommitLogEntry>,
    /// Everything below this offset of the commit log has been handed out; the next cycle goes on here.
    pub position: Measured<Offset>,
    /// The completeness time, in broker time: every commit stamped before it has been handed out.
    pub complete_to: Measured<Timestamp>,
    /// How long commits are given to become readable, which the completeness time has allowed for: at least
    /// [`SETTLING`].
    pub settling: Millis,
    /// Somebody's open transaction keeps what was committed behind it from being read.
    pub held: bool,
    /// Stretches of the log, from (inclusive) and to (exclusive), from which commits may have been compacted away
    /// before they were read. Only while catching up after a restart; ascending. `from` is 0 where nothing is known.
    pub gaps: Vec<(Offset, Offset)>,
    /// Of each commit that was compacted away in a gap, this one's or an earlier cycle's, a later one has been handed out
    /// by now.
    pub gaps_are_over: bool,
}

/// One record of the commit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitLogEntry {
    /// Its offset in the partition of the commit log.
    pub offset: Offset,
    /// The broker's time of it: of a commit, the timestamp in its value; else the record's.
    pub at: Timestamp,
    /// What it says.
    pub event: CommitLogEvent,
}

/// What a record of the commit log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitLogEvent {
    /// A group committed an offset.
    Committed {
        /// The group.
        group: GroupId,
        /// The topic.
        topic: TopicName,
        /// The partition, from 0.
        partition: Partition,
        /// The next offset that the group will read.
        offset: Offset,
        /// The topic's own id, from brokers that tell it (value v4).
        topic_id: Option<TopicId>,
    },
    /// A group's commit was deleted, or has expired.
    Uncommitted {
        /// The group.
        group: GroupId,
        /// The topic.
        topic: TopicName,
        /// The partition, from 0.
        partition: Partition,
    },
    /// A classic group is as follows from here on.
    ClassicGroup {
        /// The group.
        group: GroupId,
        /// Counts its rebalances.
        generation: i32,
        /// How many members it has.
        members: u32,
        /// It has a protocol type: members once joined it. Without one, commits come from `assign()` or a tool.
        has_protocol: bool,
    },
    /// A KIP-848 group is there from here on.
    ConsumerGroup {
        /// The group.
        group: GroupId,
        /// Counts its rebalances.
        epoch: i32,
    },
    /// A member of a KIP-848 group is there from here on, or is not.
    ConsumerMember {
        /// The group.
        group: GroupId,
        /// The member's id.
        member: Arc<str>,
        /// False once it has left.
        is_there: bool,
    },
    /// A group was deleted.
    GroupDeleted {
        /// The group.
        group: GroupId,
    },
}

impl CommitLogEvent {
    /// The group that it is about.
    #[must_use]
    pub fn group(&self) -> &GroupId {
        match self {
            Self::Committed { group, .. }
            | Self::Uncommitted { group, .. }
            | Self::ClassicGroup { group, .. }
            | Self::ConsumerGroup { group, .. }
            | Self::ConsumerMember { group, .. }
            | Self::GroupDeleted { group } => group,
        }
    }
}

/// The partition of the commit log that holds everything of `group`, out of `partitions`; as Kafka finds it: Java's
/// hash of the string, its absolute value (0 for the one that has none), modulo.
#[must_use]
pub fn commit_log_partition(group: &str, partitions: usize) -> usize {
    let hash =
        group.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    let positive = hash.checked_abs().unwrap_or(0).cast_unsigned();
    (positive as usize).checked_rem(partitions).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_s_partition_is_the_one_that_kafka_takes() {
        let check = |group: &str, partitions, expected| {
            assert_eq!(commit_log_partition(group, partitions), expected, "{group}");
        };
        check("a", 50, 97 % 50);
        check("", 50, 0);
        // Java: "polygenelubricants".hashCode() == Integer.MIN_VALUE
        check("polygenelubricants", 50, 0);
        // Java: "Aa".hashCode() == "BB".hashCode() == 2112
        check("Aa", 50, 12);
        check("BB", 50, 12);
        check("a", 0, 0);
    }
}
