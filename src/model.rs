//! The words everything else is said in: names, time, reasons, observations, snapshots, metric names.
//! Never computes a measurement, never does I/O.

mod metric;
mod name;
mod observation;
mod reason;
mod snapshot;
mod time;

pub use metric::{Metric, MetricKind};
pub use name::{ClusterName, GroupId, Selector, TopicName};
pub use observation::{
    Broker, GroupObservation, GroupState, GroupType, Member, Observation, PartitionObservation, TimeAnswer,
    TimeQuestion, TopicCommits, TopicConfigs, TopicId, TopicObservation,
};
pub use reason::{Measured, Reason};
pub use snapshot::{
    BrokerView, GroupPartitionView, GroupTopicView, GroupView, HistoryPoint, Snapshot, Subject, TopicView,
    Unmeasured,
};
pub use time::{Millis, Timestamp};

/// A position in a partition's log, in records from its very beginning. Never negative.
pub type Offset = u64;

/// A partition's number within its topic.
pub type Partition = u32;
