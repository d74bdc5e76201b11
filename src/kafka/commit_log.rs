//! The commit log, `__consumer_offsets`: what its records say, how far it was read, and up to when it is complete.
//! Never writes to it, never joins a group, never judges what was committed.

mod decode;
mod names;
mod wire;

pub use decode::{CommitLogCounts, CommitLogDecoder, DecodedRecord};

/// The topic in which Kafka keeps the commits.
pub(super) const COMMIT_LOG: &str = "__consumer_offsets";
