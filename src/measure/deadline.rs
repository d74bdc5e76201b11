//! Deadline accounting of one partition of one group: each record is judged once per threshold, when it is first
//! committed or when its deadline passes. Waits, in log order, for what the time index has not told; never guesses.

mod judge;
mod rows;

use std::collections::VecDeque;

use super::time_index::TimeIndex;
use crate::model::{Counts, Millis, Minute, Offset, Timestamp};

/// A record that claims to be made so much later than it was committed says nothing of those behind it.
pub(super) const FUTURE: Millis = Millis::from_seconds(1);

/// Commits that may wait for the time index, per partition; beyond that nobody will know.
const MOST_WAITING: usize = 8192;

/// Questions that one partition of a group has at a time; the rest follows in later rounds.
const MOST_QUESTIONS: usize = 64;

/// What was committed, skipped or ended, in the order of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Event {
    /// The broker's time of it.
    pub(super) at: Timestamp,
    pub(super) kind: EventKind,
    /// The committed offset.
    pub(super) offset: Offset,
    /// Where it is in the commit log; `None` when it was polled, or is no commit.
    pub(super) log_offset: Option<Offset>,
    /// The records whose first commit it is: from here on below `offset`.
    pub(super) first: Offset,
    /// What was counted already when it came.
    pub(super) counted_from: Offset,
    /// A commit was there before it.
    pub(super) was_there: bool,
    /// An earlier commit may have been compacted away, or was not polled.
    pub(super) after_gap: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventKind {
    /// A commit; of thresholds that are not watched yet it starts the watching.
    Commit,
    /// An operator's reset: what it skips nobody has consumed.
    Skip,
    /// Watching starts where it has not yet; nothing was committed.
    Start,
    /// The commit was deleted: watching ends.
    End,
}

/// How far a partition is judged against one threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Threshold {
    pub(super) within: Millis,
    /// Everything below is judged; `None` while it is not watched.
    pub(super) judged: Option<Offset>,
}

/// What waits to be judged, and how far that has come.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    pub(super) waiting: VecDeque<Event>,
    /// Ascending.
    pub(super) thresholds: Vec<Threshold>,
    /// Every deadline before this has been judged.
    pub(super) expired_to: Option<Timestamp>,
    /// Records that were given up before anything could be known of them.
    given_up: Vec<(Millis, u64)>,
}

/// What is known of the records of a partition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) index: &'a TimeIndex,
    /// The end as read in this tick, before the questions.
    pub(super) end: Offset,
    /// Every commit stamped before this has been handed out.
    pub(super) complete_to: Option<Timestamp>,
}

/// Verdicts of one partition of one group in one tick.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    pub(super) counts: Vec<(Millis, Minute, Counts)>,
}

impl Event {
    fn is_commit(&self) -> bool {
        matches!(self.kind, EventKind::Commit | EventKind::Skip)
    }
}

impl Verdicts {
    pub(super) fn add(&mut self, within: Millis, minute: Minute, counts: Counts) {
        if counts.is_empty() {
            return;
        }
        let mut recent = self.counts.iter_mut().rev().take(64);
        match recent.find(|(of, at, _)| *of == within && *at == minute) {
            Some((_, _, sum)) => *sum += counts,
            None => self.counts.push((within, minute, counts)),
        }
    }
}

impl Deadlines {
    /// Watches for `thresholds` (ascending) from now on; those that stay keep their state. True when they are others than
    /// before.
    pub(super) fn watch_for(&mut self, thresholds: &[Millis]) -> bool {
        if self.thresholds.iter().map(|known| &known.within).eq(thresholds) {
            return false;
        }
        let judged = |within| self.thresholds.iter().find(|known| known.within == within)?.judged;
        let thresholds =
            thresholds.iter().map(|within| Threshold { within: *within, judged: judged(*within) });
        self.thresholds = thresholds.collect();
        true
    }

    /// Whether there is a threshold that nothing watches or is about to.
    pub(super) fn is_to_start(&self) -> bool {
        let last = self.waiting.iter().rev().find(|event| event.kind != EventKind::Skip);
        match last.map(|event| event.kind) {
            Some(EventKind::End) => true,
            Some(_) => false,
            None => self.thresholds.iter().any(|threshold| threshold.judged.is_none()),
        }
    }

    /// Whether there is a threshold that something watches or is about to.
    pub(super) fn is_to_end(&self) -> bool {
        let last = self.waiting.iter().rev().find(|event| event.kind != EventKind::Skip);
        match last.map(|event| event.kind) {
            Some(EventKind::End) => false,
            Some(_) => true,
            None => self.thresholds.iter().any(|threshold| threshold.judged.is_some()),
        }
    }

    /// Takes the next event of the log.
    pub(super) fn push(&mut self, event: Event) {
        if self.waiting.len() == MOST_WAITING
            && let Some(oldest) = self.waiting.pop_front()
        {
            self.give_up(oldest);
        }
        self.waiting.push_back(event);
    }

    /// Nobody will know of the records that this event would have judged.
    fn give_up(&mut self, event: Event) {
        for threshold in &mut self.thresholds {
            let judged = match (event.kind, threshold.judged) {
                (EventKind::End, _) => None,
                (_, None) => Some(event.offset),
                (_, Some(judged)) => {
                    let lost = event.offset.saturating_sub(judged);
                    if lost > 0 {
                        match self.given_up.iter_mut().find(|(within, _)| *within == threshold.within) {
                            Some((_, sum)) => *sum += lost,
                            None => self.given_up.push((threshold.within, lost)),
                        }
                    }
                    Some(judged.max(event.offset))
                }
            };
            threshold.judged = judged;
        }
    }

    /// The log is another one: what was committed in the former can no more be looked up.
    pub(super) fn start_over(&mut self, log_start: Offset) {
        while let Some(event) = self.waiting.pop_front() {
            self.give_up(event);
        }
        self.judged_from(log_start);
    }

    /// Judging goes on at `offset`, wherever it was.
    pub(super) fn judged_from(&mut self, offset: Offset) {
        let watched = self.thresholds.iter_mut().filter_map(|threshold| threshold.judged.as_mut());
        watched.for_each(|judged| *judged = offset);
    }

    /// The log ends at `end` now: what comes there next is not judged yet.
    pub(super) fn cut_at(&mut self, end: Offset) {
        let watched = self.thresholds.iter_mut().filter_map(|threshold| threshold.judged.as_mut());
        watched.for_each(|judged| *judged = end.min(*judged));
    }

    /// The furthest offset that is judged, for any threshold.
    pub(super) fn judged_to(&self) -> Option<Offset> {
        self.thresholds.iter().filter_map(|threshold| threshold.judged).max()
    }

    /// From which time on answers of the time index are still needed; `None` when nothing is.
    pub(super) fn needs_from(&self) -> Option<Timestamp> {
        let longest = self.thresholds.last()?.within;
        let waiting = self.waiting.iter().map(|event| event.at).min();
        Some(waiting.into_iter().chain(self.expired_to).min()? - longest)
    }

    /// Whether it can be dropped without forgetting anything.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.thresholds.is_empty()
    }

    /// The minutes over which deadlines may spread that are judged by something at `at`.
    fn minutes(&self, at: Timestamp) -> (Minute, Minute) {
        let last = Minute::of(at);
        (self.expired_to.map_or(last, Minute::of).min(last), last)
    }
}
