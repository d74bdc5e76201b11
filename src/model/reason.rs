//! Why something is not known. A value is measured or it carries one of these; it is never a made-up number.

use std::fmt;

/// A measured value, or the reason why there is none.
pub type Measured<T> = Result<T, Reason>;

/// Why a value is absent. Small and `Copy`: there may be one per partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The daemon's Kafka user lacks a permission on this very thing.
    NotAuthorized,
    /// The settings name a group that the cluster does not know.
    NoSuchGroup,
    /// The settings, or a group's commits, name a topic that the cluster does not know.
    NoSuchTopic,
    /// The partition has no leader now.
    NoLeader,
    /// The broker that leads the partition or coordinates the group did not answer in time.
    TimedOut,
    /// No broker of the cluster can be reached.
    Unreachable,
    /// The coordinator of the group is not there, or is still loading.
    NoCoordinator,
    /// A broker failed to list its groups, so a group seen before may still exist.
    NotListed,
    /// The record's time is still being looked up in the broker's time index.
    NotYetLocated,
    /// A rate or a trend needs to be watched for longer before it can be told.
    NotYetWatched,
    /// Not asked for yet since the daemon started or the thing appeared.
    NotYetRead,
    /// The group is in a state that only KIP-848 has and that the client library cannot name.
    StateNotNamed,
    /// Retention by size cannot be predicted from offsets.
    RetentionBySize,
    /// The commit lies beyond the log's end: the topic was made again, or cut.
    CommitBeyondEnd,
    /// The record's time lies in the future, so its age has no meaning.
    TimestampInFuture,
    /// Any other error of the Kafka protocol, by its code.
    Kafka(i16),
}

impl Reason {
    /// The label value of `plimsoll_unmeasured{reason=…}`: lower case, words joined by underscores.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::NotAuthorized => "not_authorized",
            Self::NoSuchGroup => "no_such_group",
            Self::NoSuchTopic => "no_such_topic",
            Self::NoLeader => "no_leader",
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
            Self::NoCoordinator => "no_coordinator",
            Self::NotListed => "not_listed",
            Self::NotYetLocated => "not_yet_located",
            Self::NotYetWatched => "not_yet_watched",
            Self::NotYetRead => "not_yet_read",
            Self::StateNotNamed => "state_not_named",
            Self::RetentionBySize => "retention_by_size",
            Self::CommitBeyondEnd => "commit_beyond_end",
            Self::TimestampInFuture => "timestamp_in_future",
            Self::Kafka(_) => "kafka_error",
        }
    }

    /// Whether this is the ordinary state of something just started, not a fault that a person should look at.
    #[must_use]
    pub fn is_pending(self) -> bool {
        matches!(self, Self::NotYetLocated | Self::NotYetWatched | Self::NotYetRead)
    }
}

/// One clause for people, with what to do where something can be done.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::NotAuthorized => "not authorized: grant DESCRIBE on it to the daemon's user",
            Self::NoSuchGroup => "no such group",
            Self::NoSuchTopic => "no such topic",
            Self::NoLeader => "the partition has no leader",
            Self::TimedOut => "the broker did not answer in time",
            Self::Unreachable => "no broker can be reached",
            Self::NoCoordinator => "the group's coordinator is not available",
            Self::NotListed => "a broker could not list its groups",
            Self::NotYetLocated => "the record's time is still being looked up",
            Self::NotYetWatched => "not watched for long enough yet",
            Self::NotYetRead => "not read yet",
            Self::StateNotNamed => "assigning or reconciling: the client library cannot tell which",
            Self::RetentionBySize => "retention by size cannot be predicted from offsets",
            Self::CommitBeyondEnd => "the commit lies beyond the log's end: the topic was made again, or cut",
            Self::TimestampInFuture => "the record's timestamp lies in the future",
            Self::Kafka(code) => return write!(f, "Kafka error {code}"),
        };
        f.write_str(text)
    }
}
