//! The Kafka side: asks one cluster everything that one cycle needs, in the order that keeps lag true.
//! Blocking; `app` runs it on threads of its own. Never writes to Kafka, never judges what it read.

mod answer;
mod client;
mod cluster;
mod commit_log;
mod config;
mod error;
mod groups;
mod native;
mod offsets;
mod topics;

pub use client::{BrokerRoundTrip, ClientEvents};
pub use cluster::{Cluster, RequestTiming};
pub use commit_log::{CommitLogCounts, CommitLogDecoder, CoordinatorClock, DecodedRecord};
pub use config::{ClusterConfig, Filter, RESERVED_PROPERTIES};
pub use error::{CallError, ClusterError};
