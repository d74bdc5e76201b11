//! Which promises a group's topic is judged by, and the bounds of its latencies. Chosen once per group and topic, and
//! again when the promises change.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::{GroupId, Millis, Selector, TopicName};

/// A promise: records of matching topics are committed by matching groups within this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// Which groups.
    pub group: Selector,
    /// Which topics; all of them when absent.
    pub topic: Option<Selector>,
    /// The threshold.
    pub within: Millis,
}

/// Bounds of the latency histogram unless the settings say others.
pub const LATENCY_BOUNDS: [Millis; 15] = [
    Millis(10),
    Millis(25),
    Millis(50),
    Millis(100),
    Millis(250),
    Millis(500),
    Millis(1_000),
    Millis(2_500),
    Millis(5_000),
    Millis(10_000),
    Millis(30_000),
    Millis(60_000),
    Millis(300_000),
    Millis(1_800_000),
    Millis(7_200_000),
];

/// Thresholds and bounds of a group's topic, each ascending.
type Chosen = (Arc<[Millis]>, Arc<[Millis]>);

/// All promises and bounds.
#[derive(Debug)]
pub(super) struct Targets {
    deadlines: Vec<Deadline>,
    bounds: Vec<Millis>,
    /// Counts how often they have changed, from 1.
    pub(super) version: u32,
    /// Thresholds that some group has, and its bounds: shared by all that have the same.
    known: Vec<Chosen>,
}

impl Default for Targets {
    fn default() -> Self {
        Self { deadlines: Vec::new(), bounds: LATENCY_BOUNDS.to_vec(), version: 1, known: Vec::new() }
    }
}

impl Targets {
    pub(super) fn set_deadlines(&mut self, deadlines: Vec<Deadline>) {
        if self.deadlines != deadlines {
            self.deadlines = deadlines;
            self.change();
        }
    }

    pub(super) fn set_bounds(&mut self, bounds: Vec<Millis>) {
        if self.bounds != bounds {
            self.bounds = bounds;
            self.change();
        }
    }

    fn change(&mut self) {
        self.version += 1;
        self.known.clear();
    }

    /// Thresholds and bounds of a group's topic, each ascending.
    pub(super) fn of(&mut self, group: &GroupId, topic: &TopicName) -> Chosen {
        let matches = |deadline: &&Deadline| {
            deadline.group.matches(group.as_str())
                && deadline.topic.as_ref().is_none_or(|selector| selector.matches(topic.as_str()))
        };
        let thresholds: BTreeSet<Millis> =
            self.deadlines.iter().filter(matches).map(|deadline| deadline.within).collect();
        let same = |known: &&Chosen| known.0.iter().eq(&thresholds);
        if let Some(known) = self.known.iter().find(same) {
            return known.clone();
        }
        let bounds: BTreeSet<Millis> = self.bounds.iter().chain(&thresholds).copied().collect();
        let new = (thresholds.into_iter().collect(), bounds.into_iter().collect());
        self.known.push(new);
        self.known[self.known.len() - 1].clone()
    }
}
