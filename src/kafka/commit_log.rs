//! The commit log, `__consumer_offsets`: what its records say, how far it was read, and up to when it is complete.
//! Never writes to it, never joins a group, never judges what was committed.

mod clock;
mod compaction;
mod decode;
mod names;
mod progress;
mod reading;
mod standing;
mod tail;
mod wire;

pub use decode::{CommitLogCounts, CommitLogDecoder, DecodedRecord};
pub use tail::CoordinatorClock;
pub(super) use tail::Tail;

/// The topic in which Kafka keeps the commits.
const COMMIT_LOG: &str = "__consumer_offsets";
