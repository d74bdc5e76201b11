//! What one cycle has read from one cluster, as it was read. Each item may have failed alone.
//! Never holds anything derived: that is `measure`'s.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{CommitLog, GroupId, Measured, Offset, Partition, Reason, Timestamp, TopicName};

/// One cycle's answers from one cluster. Commits were asked before ends, ends before log starts.
#[derive(Debug, Clone)]
pub struct Observation {
    /// The cluster's own id, when it told it.
    pub cluster_id: Option<String>,
    /// The brokers that are alive, in the order of their ids.
    pub brokers: Vec<Broker>,
    /// Every watched topic. An error stands for the whole topic: named in the settings, but hidden or unknown.
    pub topics: BTreeMap<TopicName, Measured<TopicObservation>>,
    /// Every watched group.
    pub groups: BTreeMap<GroupId, GroupObservation>,
    /// False when a broker failed to list its groups: then a group that is missing here may still exist.
    pub groups_complete: bool,
    /// What the commit log has told; why it cannot be read, if it cannot. Then commits are those polled in `groups`.
    pub commit_log: Measured<CommitLog>,
    /// The daemon's clock when the ends were asked for: what a partition holds beyond them is younger.
    pub ends_at: Timestamp,
}

/// Nothing was read yet.
impl Default for Observation {
    fn default() -> Self {
        Self {
            cluster_id: None,
            brokers: Vec::new(),
            topics: BTreeMap::new(),
            groups: BTreeMap::new(),
            groups_complete: false,
            commit_log: Err(Reason::NotYetRead),
            ends_at: Timestamp::default(),
        }
    }
}

/// One broker of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// The broker's node id.
    pub id: i32,
    /// `host:port` as advertised.
    pub address: Arc<str>,
}

/// A topic's own id, which a topic that was deleted and made again under its old name does not share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TopicId(pub u128);

/// One topic as read in one cycle.
#[derive(Debug, Clone)]
pub struct TopicObservation {
    /// The topic's id; unmeasured on brokers before 2.8 and until it was first read.
    pub id: Measured<TopicId>,
    /// The settings that measuring needs.
    pub configs: Measured<TopicConfigs>,
    /// The partitions, by their number from 0 without gaps.
    pub partitions: Vec<PartitionObservation>,
}

/// The topic settings that measuring needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicConfigs {
    /// `retention.ms`; `None` when records are kept for ever.
    pub retention: Option<super::Millis>,
    /// `retention.bytes` is set.
    pub retention_by_size: bool,
    /// `cleanup.policy` contains `delete`.
    pub deletes: bool,
    /// `cleanup.policy` contains `compact`.
    pub compacts: bool,
    /// `min.insync.replicas`.
    pub min_insync_replicas: u32,
}

/// One partition as read in one cycle.
#[derive(Debug, Clone)]
pub struct PartitionObservation {
    /// The broker that leads it; `None` while there is none.
    pub leader: Option<i32>,
    /// The first of the replicas, which leads when all is well.
    pub preferred_leader: Option<i32>,
    /// How many replicas are assigned.
    pub replicas: u32,
    /// How many of them are in sync.
    pub in_sync_replicas: u32,
    /// High watermark.
    pub end: Measured<Offset>,
    /// First offset that is still there; read after everything else of the cycle.
    pub log_start: Measured<Offset>,
    /// Last stable offset: where a `read_committed` consumer has to stop.
    pub last_stable: Measured<Offset>,
}

/// Classic, or the consumer protocol of KIP-848.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupType {
    /// Members agree on the assignment among themselves.
    Classic,
    /// KIP-848: the broker assigns.
    Consumer,
}

/// A group's state in Kafka's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GroupState {
    /// Has no members.
    Empty,
    /// Every member has its assignment.
    Stable,
    /// Members are joining or leaving.
    PreparingRebalance,
    /// Members are waiting for their assignment.
    CompletingRebalance,
    /// KIP-848: the broker is making an assignment.
    Assigning,
    /// KIP-848: members are moving to the new assignment.
    Reconciling,
    /// Has neither members nor commits.
    Dead,
}

impl GroupState {
    /// Every state, in the order of the `state` label's documentation.
    pub const ALL: [Self; 7] = [
        Self::Empty,
        Self::Stable,
        Self::PreparingRebalance,
        Self::CompletingRebalance,
        Self::Assigning,
        Self::Reconciling,
        Self::Dead,
    ];

    /// The label value: lower case, words joined by underscores.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Stable => "stable",
            Self::PreparingRebalance => "preparing_rebalance",
            Self::CompletingRebalance => "completing_rebalance",
            Self::Assigning => "assigning",
            Self::Reconciling => "reconciling",
            Self::Dead => "dead",
        }
    }
}

impl GroupType {
    /// The word that Kafka's own tools print, in lower case.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Consumer => "consumer",
        }
    }
}

/// One group as read in one cycle.
#[derive(Debug, Clone)]
pub struct GroupObservation {
    /// From the listing, or the last description.
    pub kind: Measured<GroupType>,
    /// From the listing.
    pub state: Measured<GroupState>,
    /// The group has never had members: its commits come from `assign()` or from a tool.
    pub is_simple: bool,
    /// From the last description, which is made in turns and whenever the state changes.
    pub members: Measured<Arc<[Member]>>,
    /// The committed offsets, by topic.
    pub commits: Measured<Vec<TopicCommits>>,
}

/// A group's committed offsets in one topic. A partition without a commit is not in it.
#[derive(Debug, Clone)]
pub struct TopicCommits {
    /// The topic.
    pub topic: TopicName,
    /// By partition number, ascending.
    pub partitions: Vec<(Partition, Measured<Offset>)>,
}

/// One member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What the member calls itself; not unique.
    pub client_id: Arc<str>,
    /// Where it connects from, as the broker shows it: with a slash in front where there is no name.
    pub host: Arc<str>,
    /// What is assigned to it, ascending.
    pub assignment: Vec<(TopicName, Partition)>,
}

/// "What is the first offset of this partition whose time is at or after `at`?"
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeQuestion {
    /// The topic.
    pub topic: TopicName,
    /// The partition, from 0.
    pub partition: Partition,
    /// The time asked for, as records carry it.
    pub at: Timestamp,
}

/// The broker's answer to a `TimeQuestion`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeAnswer {
    /// The first such record, and its own timestamp.
    Record {
        /// Where it is.
        offset: Offset,
        /// As the record carries it, not below the time asked for.
        time: Timestamp,
    },
    /// There is no such record: everything below the end read before the question is older.
    AllOlder,
}
