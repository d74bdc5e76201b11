//! The words everything else is said in: names, time, reasons, observations, snapshots, metric names.
//! Never computes a measurement, never does I/O.

mod codec;
mod commit_log;
mod incident;
mod judgement;
mod metric;
mod name;
mod observation;
mod ratio;
mod reason;
mod row;
mod secret;
mod snapshot;
mod time;
mod verdict;

pub use codec::{Damaged, Reader, Writer};
pub use commit_log::{
    ClockSource, CommitLog, CommitLogEntry, CommitLogEvent, CommitLogPartition, CommitSource, SETTLING,
    commit_log_partition,
};
pub use incident::{
    Budget, Change, Happening, Incident, IncidentId, IncidentKey, IncidentSource, Owner, Trend,
    WorstPartition, stable_key,
};
pub use judgement::{Counts, Judgement, LatencyHistogram, Minute};
pub use metric::{Metric, MetricKind};
pub use name::{ClusterName, GroupId, Selector, TopicName};
pub use observation::{
    Broker, GroupObservation, GroupState, GroupType, Member, Observation, PartitionObservation, TimeAnswer,
    TimeQuestion, TopicCommits, TopicConfigs, TopicId, TopicObservation,
};
pub use ratio::Ratio;
pub use reason::{Measured, Reason};
pub use row::{Row, RowKind};
pub use secret::Secret;
pub use snapshot::{
    BrokerView, GroupPartitionView, GroupTopicView, GroupView, HistoryPoint, Snapshot, Subject, TopicView,
    Unmeasured,
};
pub use time::{Millis, Timestamp};
pub use verdict::{
    AlertState, AlertView, Because, BurnRate, Governing, Severity, SloInfo, SloState, SloView,
};

/// A position in a partition's log, in records from its very beginning. Never negative.
pub type Offset = u64;

/// A partition's number within its topic.
pub type Partition = u32;
