//! What a pipeline does, as data: when its records are made, and when they are consumed and committed.
//! All times are milliseconds since the beginning of the play.

use std::ops::Range;

pub(super) type Time = u64;

/// How long records are made: longer than the longest stall.
pub(super) const LENGTH: Time = 42_000;

/// When consumers that have not ended before commit for the last time.
pub(super) const END: Time = LENGTH + 1_500;

/// A topic, and the one group that consumes it; both have its name.
#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    pub(super) name: &'static str,
    pub(super) partitions: u32,
    /// The broker says when a record was made, not its producer.
    pub(super) log_append_time: bool,
    pub(super) producing: Producing,
    pub(super) consuming: Consuming,
    /// When the oldest half of what is not committed is deleted.
    pub(super) deletes_at: Option<Time>,
    /// When an operator resets the group to the end. It has to be absent then, and comes back when that is done.
    pub(super) operator_resets_at: Option<Time>,
}

#[derive(Clone, Debug)]
pub(super) enum Producing {
    /// One by one.
    Plain(Vec<Sent>),
    /// A transaction `every` so often, of 1 to 5 records; each third is aborted.
    Transactions { every: Time },
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) at: Time,
    pub(super) partition: i32,
    /// How far the clock of its producer is ahead, in milliseconds.
    pub(super) ahead: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Consuming {
    pub(super) membership: Membership,
    pub(super) commits: Commits,
    /// How long each record takes.
    pub(super) work: Time,
    /// It is there, but does nothing.
    pub(super) stalls: Vec<Range<Time>>,
    /// It has left.
    pub(super) absent: Vec<Range<Time>>,
    /// It ends then, and never commits what it consumed last.
    pub(super) dies_at: Option<Time>,
    /// Commits out of turn.
    pub(super) jumps: Vec<(Time, Jump)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Membership {
    /// `assign()`: the group has no members.
    Assigned,
    Classic,
    /// KIP-848.
    ConsumerProtocol,
    /// `assign()`, and offsets are committed by transactions, of which each fourth is aborted.
    ExactlyOnce,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Commits {
    EveryRecord,
    Every(Time),
}

/// As `seek` and a commit do it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Jump {
    Back(u64),
    Ahead(u64),
}

impl Pipeline {
    /// One partition, `assign()`, CreateTime.
    pub(super) fn new(name: &'static str, sent: Vec<Sent>, commits: Commits) -> Pipeline {
        let consuming = Consuming {
            membership: Membership::Assigned,
            commits,
            work: 0,
            stalls: Vec::new(),
            absent: Vec::new(),
            dies_at: None,
            jumps: Vec::new(),
        };
        Pipeline {
            name,
            partitions: 1,
            log_append_time: false,
            producing: Producing::Plain(sent),
            consuming,
            deletes_at: None,
            operator_resets_at: None,
        }
    }

    pub(super) fn log_append_time(mut self) -> Pipeline {
        self.log_append_time = true;
        self
    }

    pub(super) fn partitions(mut self, count: u32) -> Pipeline {
        self.partitions = count;
        self
    }

    pub(super) fn consuming(mut self, change: impl FnOnce(&mut Consuming)) -> Pipeline {
        change(&mut self.consuming);
        self
    }
}

/// One record after the other, evenly, in turn on `partitions`.
pub(super) fn steady(every: Time, partitions: i32) -> Vec<Sent> {
    let times = (0..LENGTH).step_by(every as usize);
    times.zip((0..partitions).cycle()).map(|(at, partition)| Sent { at, partition, ahead: 0 }).collect()
}

/// `count` at once, `every` so often.
pub(super) fn bursts(count: usize, every: Time) -> Vec<Sent> {
    let times = (500..LENGTH).step_by(every as usize);
    times.flat_map(|at| vec![Sent { at, partition: 0, ahead: 0 }; count]).collect()
}
