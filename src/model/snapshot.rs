//! What one tick has published of one cluster: the numbers that metrics, API and table all show.
//! Never changes after it was published, and never computes: readers share one copy.

use std::sync::Arc;

use super::{
    AlertView, Broker, ClockSource, ClusterName, CommitSource, GroupId, GroupState, GroupType, Incident,
    LatencyHistogram, Measured, Member, Millis, Offset, Partition, PartitionObservation, Reason, SloView,
    Timestamp, TopicConfigs, TopicId, TopicName,
};

/// Everything that is known of one cluster after one tick.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The cluster that it is of.
    pub cluster: ClusterName,
    /// Counts the ticks of this process, from 1.
    pub tick: u64,
    /// The daemon's clock when the tick was judged.
    pub at: Timestamp,
    /// Whether the last cycle measured the cluster, and why not. While it did not, brokers, topics
    /// and groups keep only what does not age: their counters.
    pub up: Measured<()>,
    /// One clause for people when `up` is an error, with the broker's own words.
    pub down_because: Option<String>,
    /// When the cluster was last measured; the same as `at` while it is up.
    pub last_measured: Option<Timestamp>,
    /// The cluster's own id, when it told it.
    pub cluster_id: Option<String>,
    /// Where commits come from.
    pub commit_source: CommitSource,
    /// Whose clock tells up to when they are complete.
    pub clock: ClockSource,
    /// The brokers, in the order of their ids; those that are missing are among them.
    pub brokers: Vec<BrokerView>,
    /// In the order of their names.
    pub topics: Vec<TopicView>,
    /// In the order of their ids.
    pub groups: Vec<GroupView>,
    /// The SLOs, in the order of their names, then groups and topics.
    pub slos: Vec<SloView>,
    /// The alerts that are pending or firing, in the order of their names, then groups and topics.
    pub alerts: Vec<AlertView>,
    /// The incidents that are open, and the newest 1,000 of those that are over. Open ones come first, and of both the
    /// newest first.
    pub incidents: Arc<[Arc<Incident>]>,
    /// Everything that should be known and is not, by name. In the order of subject and name.
    pub unmeasured: Vec<Unmeasured>,
    /// How many time questions this process has asked, in all.
    pub time_lookups: u64,
    /// The age of the oldest open time question; zero when none is open.
    pub time_lookup_backlog: Millis,
    /// How many series the history holds.
    pub history_series: u64,
    /// How many series the history has refused for its budget, in all.
    pub history_series_dropped: u64,
}

/// A broker, and whether it is in the cluster's metadata now.
#[derive(Debug, Clone)]
pub struct BrokerView {
    /// Its id and address, as last seen.
    pub broker: Broker,
    /// False for a broker that was seen before and is missing now.
    pub up: bool,
}

/// One topic after one tick.
#[derive(Debug, Clone)]
pub struct TopicView {
    /// The topic.
    pub topic: TopicName,
    /// Its own id; unmeasured while the cluster is down.
    pub id: Measured<TopicId>,
    /// The settings that measuring needs.
    pub configs: Measured<TopicConfigs>,
    /// Records appended since the daemon first saw the topic; survives re-creation under the same name.
    pub appended_total: u64,
    /// Records appended per second, over the last half minute.
    pub appended_per_second: Measured<f64>,
    /// By number; empty while the cluster is down or the topic cannot be read.
    pub partitions: Vec<PartitionObservation>,
}

/// One consumer group after one tick.
#[derive(Debug, Clone)]
pub struct GroupView {
    /// The group.
    pub group: GroupId,
    /// Classic or KIP-848.
    pub kind: Measured<GroupType>,
    /// The state in this cycle.
    pub state: Measured<GroupState>,
    /// The members, read in turns and whenever the state changes.
    pub members: Measured<Arc<[Member]>>,
    /// Lag above 0 and no commit progress for longer than five minutes, in any topic.
    pub stuck: Measured<bool>,
    /// Why the group's commits could not be read, if they could not. Its gauges are absent then.
    pub commits: Measured<()>,
    /// In the order of their names.
    pub topics: Vec<GroupTopicView>,
}

/// One group's consumption of one topic after one tick.
#[derive(Debug, Clone)]
pub struct GroupTopicView {
    /// The topic.
    pub topic: TopicName,
    /// Records between commit and end, over all partitions with a commit. Unmeasured when one of them is.
    pub lag: Measured<u64>,
    /// The age of the oldest record that is not committed, worst partition. Zero when nothing lags.
    pub time_lag: Measured<Millis>,
    /// The sum of the committed offsets.
    pub committed_sum: Measured<u64>,
    /// Records whose first commit was seen.
    pub consumed_total: u64,
    /// Records that retention deleted before they were committed; told in the tick after their deletion was seen.
    pub lost_total: u64,
    /// Records consumed per second, over the last half minute.
    pub consumed_per_second: Measured<f64>,
    /// Lag above 0 and no commit progress for longer than five minutes.
    pub stuck: Measured<bool>,
    /// Lag above 0 and nowhere lower than five minutes ago.
    pub not_decreasing: Measured<bool>,
    /// When retention may reach the committed offset: the earliest partition. `None`: never, or nothing lags.
    pub retention_eta: Measured<Option<Millis>>,
    /// Since when, of the partitions that have lag, the one that stands still longest has not moved; `None` when none
    /// lags.
    pub still_since: Measured<Option<Timestamp>>,
    /// Append-to-commit latencies; absent until a first commit was seen to move.
    pub latency: Option<Arc<LatencyHistogram>>,
    /// Commits seen; unmeasured while they are polled, which misses some.
    pub commits_total: Measured<u64>,
    /// Median time between commits that moved a partition, over the last hour.
    pub commit_interval: Measured<Millis>,
    /// Partitions with a commit, ascending; empty while the cluster is down.
    pub partitions: Vec<GroupPartitionView>,
}

/// One partition of one group after one tick.
#[derive(Debug, Clone, Copy)]
pub struct GroupPartitionView {
    /// The partition, from 0.
    pub partition: Partition,
    /// The offset that the group has committed: the next one it will read.
    pub committed: Measured<Offset>,
    /// end − max(committed, log start), in records.
    pub lag: Measured<u64>,
    /// now − time of the record at the committed offset; zero when lag is zero.
    pub time_lag: Measured<Millis>,
    /// Since when it has lag and its commit has not moved; `None` when it has no lag.
    pub still_since: Measured<Option<Timestamp>>,
}

/// One point of the history of a group's topic. What was not measured then is absent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HistoryPoint {
    /// The daemon's clock at that tick.
    pub at: Timestamp,
    /// In records.
    pub lag: Option<u64>,
    /// Worst partition.
    pub time_lag: Option<Millis>,
    /// Records per second.
    pub consumed_per_second: Option<f64>,
    /// Records per second, by anyone.
    pub appended_per_second: Option<f64>,
}

/// What kind of thing cannot be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A cluster, or something of it as a whole.
    Cluster,
    /// A consumer group.
    Group,
    /// A topic.
    Topic,
    /// One partition of a topic.
    Partition,
    /// An SLO or an alert.
    Slo,
}

impl Subject {
    /// The label value of `plimsoll_unmeasured{subject=…}`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Group => "group",
            Self::Topic => "topic",
            Self::Partition => "partition",
            Self::Slo => "slo",
        }
    }
}

/// One thing that cannot be measured now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unmeasured {
    /// What kind of thing it is.
    pub subject: Subject,
    /// The name; of a partition `topic/number`.
    pub name: String,
    /// Why it cannot.
    pub reason: Reason,
}

impl Unmeasured {
    /// The reason as one clause for people, with what to do about this very thing.
    #[must_use]
    pub fn detail(&self) -> String {
        match (self.subject, self.reason) {
            // Which of the two is missing shows in what is absent; a user with both sees everything.
            (Subject::Topic, Reason::NotAuthorized) => {
                "not authorized: grant DESCRIBE and DESCRIBE_CONFIGS on it to the daemon's user".to_owned()
            }
            (_, reason) => reason.to_string(),
        }
    }
}
