//! The wire types of a consumer group. The numbers are those of the metrics.
//! Never says null or 0 for what is not known: the key is absent, and `unmeasured` says why.

use serde::Serialize;

use super::MissingValue;
use crate::model::{Offset, Partition};

mod fill;

/// One consumer group. While its cluster is down it holds counters only.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupStatus {
    /// The cluster's name in the settings.
    pub cluster: String,
    /// The group id.
    pub group: String,
    /// As the `state` label of the metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
    /// `classic` or `consumer`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// The members; empty when there are none, absent when they are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<MemberStatus>>,
    /// Lag above 0 and no commit progress for longer than the window, in any topic of the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stuck: Option<bool>,
    /// Over the topics shown.
    pub lag: LagStatus,
    /// Over the topics shown.
    pub time_lag: TimeLagStatus,
    /// Records consumed per second, over the topics shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumed_per_second: Option<f64>,
    /// In the order of their names.
    pub topics: Vec<TopicStatus>,
    /// When the cluster was last measured, in RFC 3339; absent if never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured_at: Option<String>,
    /// Why keys are absent.
    pub unmeasured: Vec<MissingValue>,
}

/// Lag in records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LagStatus {
    /// The sum over all partitions with a commit. Absent while one of them is unmeasured, while the cluster is
    /// down, and while there is no commit at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

/// Time lag in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TimeLagStatus {
    /// The worst partition's. Absent when `lag.total` would be, and while a time is being looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_seconds: Option<f64>,
}

/// One member of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberStatus {
    /// What the member calls itself; not unique.
    pub client_id: String,
    /// Where it connects from.
    pub host: String,
    /// What it reads, in the order of the topics.
    pub assignment: Vec<AssignmentStatus>,
}

/// What a member reads of one topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AssignmentStatus {
    /// The topic.
    pub topic: String,
    /// Ascending.
    pub partitions: Vec<Partition>,
}

/// A group's consumption of one topic.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopicStatus {
    /// The topic.
    pub topic: String,
    /// Over all partitions with a commit.
    pub lag: LagStatus,
    /// The worst partition with a commit.
    pub time_lag: TimeLagStatus,
    /// Records consumed per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumed_per_second: Option<f64>,
    /// Records appended to the topic per second, by anyone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appended_per_second: Option<f64>,
    /// Records whose first commit was seen.
    pub consumed_total: u64,
    /// Records that retention deleted before they were committed.
    pub lost_total: u64,
    /// Commits seen; absent while they are polled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commits_total: Option<u64>,
    /// The median time between commits that moved a partition, over the last hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_interval_seconds: Option<f64>,
    /// From append to commit; absent until a first commit was seen to move.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyStatus>,
    /// Lag above 0 and no commit progress for longer than five minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stuck: Option<bool>,
    /// Lag above 0 and nowhere lower than five minutes ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_decreasing: Option<bool>,
    /// When retention may reach the committed offset; absent when it will not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_eta_seconds: Option<f64>,
    /// The partitions with a commit, ascending.
    pub partitions: Vec<PartitionStatus>,
    /// Oldest first; only where one group is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<HistoryStatus>>,
}

/// Append-to-commit latencies since counting began, one count per record at its first commit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LatencyStatus {
    /// All records.
    pub records: u64,
    /// Ascending; what is slower than all bounds comes last.
    pub buckets: Vec<BucketStatus>,
}

/// The records between one bound and the one before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BucketStatus {
    /// The bound, inclusive; absent of the last bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up_to_seconds: Option<f64>,
    /// The records in this bucket alone.
    pub records: u64,
    /// Records that were put on one side of the bound by an estimate; absent where all of them are exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_records: Option<u64>,
}

/// One partition with a commit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartitionStatus {
    /// The partition, from 0.
    pub partition: Partition,
    /// The next offset that the group will read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committed_offset: Option<Offset>,
    /// The high watermark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_offset: Option<Offset>,
    /// The first offset that is still in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_start_offset: Option<Offset>,
    /// In records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag: Option<u64>,
    /// The age of the oldest record that is not committed; 0 when `lag` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_lag_seconds: Option<f64>,
    /// The client id of the member it is assigned to; absent when it is assigned to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// One point of a topic's history. What was not measured then is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistoryStatus {
    /// In RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// In records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag: Option<u64>,
    /// The worst partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_lag_seconds: Option<f64>,
    /// Records per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumed_per_second: Option<f64>,
    /// Records per second, by anyone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appended_per_second: Option<f64>,
}
