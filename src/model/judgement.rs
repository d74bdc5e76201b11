//! What was judged: how many records were good, bad or unmeasured, by threshold and minute. Counts, never shares.

use std::ops::AddAssign;
use std::sync::Arc;

use super::{GroupId, Millis, Partition, Timestamp, TopicName};

/// Minutes since 1970, in broker time. Minute m covers [m, m + 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Minute(pub i64);

impl Minute {
    /// The minute that `at` lies in.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        Self(at.0.div_euclid(60_000))
    }

    /// When it begins.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(60_000))
    }
}

/// How many events were judged, and how. Each is counted once, in one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// The promise was kept.
    pub good: u64,
    /// It was not.
    pub bad: u64,
    /// Nobody can know.
    pub unmeasured: u64,
}

impl Counts {
    /// Good and bad ones.
    #[must_use]
    pub fn measured(self) -> u64 {
        self.good.saturating_add(self.bad)
    }

    /// All of them.
    #[must_use]
    pub fn judged(self) -> u64 {
        self.measured().saturating_add(self.unmeasured)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.judged() == 0
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.good = self.good.saturating_add(other.good);
        self.bad = self.bad.saturating_add(other.bad);
        self.unmeasured = self.unmeasured.saturating_add(other.unmeasured);
    }
}

/// Records of one partition that were judged in one tick against one threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The group that should have committed them.
    pub group: GroupId,
    /// Their topic.
    pub topic: TopicName,
    /// Their partition.
    pub partition: Partition,
    /// The threshold: append to commit within this is good.
    pub within: Millis,
    /// The minute that they belong to.
    pub minute: Minute,
    /// How many, and how.
    pub counts: Counts,
}

/// Append-to-commit latencies of a group's topic since counting began: one count per record at its first commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatencyHistogram {
    /// Upper bounds, ascending, each inclusive; above the last there is one more bucket.
    pub bounds: Arc<[Millis]>,
    /// Records in each bucket, not added up; one more than there are bounds.
    pub counts: Vec<u64>,
    /// Of each bound, how many records were put on one side of it by an estimate, because the time lookups did not
    /// suffice. 0 for one that is exact.
    pub estimated: Vec<u64>,
}

impl LatencyHistogram {
    /// All records in it.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}
