//! One group's consumption of one topic from tick to tick: what was consumed, what was lost, whether it moves, and
//! what of it waits to be judged. Counts each record once; never looks anything up.

mod rows;

use std::sync::Arc;

use super::Gone;
use super::commit_interval::CommitIntervals;
use super::deadline::{Deadlines, Event, EventKind};
use super::lag_history::LagHistory;
use super::latency;
use super::rate::RateWindow;
use super::targets::Targets;
use crate::model::{
    GroupId, LatencyHistogram, Measured, Millis, Offset, Partition, Reason, Timestamp, TopicName,
};

/// Lag without progress for longer than this is stuck.
const WINDOW: Millis = Millis::from_seconds(300);

/// What is remembered of one group and topic.
#[derive(Debug)]
pub(super) struct GroupTopic {
    /// Of the topic that the offsets belong to.
    incarnation: u32,
    /// Since when it is watched.
    since: Timestamp,
    /// By partition number, ascending; also those whose commits are gone.
    pub(super) partitions: Vec<Progress>,
    pub(super) consumed_total: u64,
    pub(super) lost_total: u64,
    pub(super) commits_total: u64,
    pub(super) latency: Option<Arc<LatencyHistogram>>,
    pub(super) intervals: CommitIntervals,
    pub(super) rate: RateWindow,
    pub(super) lag_history: LagHistory,
    pub(super) gone: Gone,
    /// The promises that it is judged by, ascending, and the bounds of its latencies.
    pub(super) thresholds: Arc<[Millis]>,
    pub(super) bounds: Arc<[Millis]>,
    /// Of the promises that these were chosen from.
    pub(super) targets_version: u32,
    /// Something that outlives the process has changed since it was last saved.
    pub(super) is_changed: bool,
}

/// What is remembered of one partition of one group.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) partition: Partition,
    pub(super) committed: Offset,
    /// Everything below was consumed, skipped by an operator, or lost: it is counted already.
    pub(super) counted_to: Offset,
    /// The records, from and to, that were found lost last: no commit that is read again has consumed them.
    lost: (Offset, Offset),
    /// The time of the record at an offset, once it was found out.
    pub(super) located: Option<(Offset, Timestamp)>,
    /// The last moment at which the partition moved or had no lag; at first, since when it is watched.
    /// `None` after a restart, if that was not saved, until the next tick.
    pub(super) still_since: Option<Timestamp>,
    has_moved: bool,
    /// It had lag when that was looked at last: then only a commit, or retention, can end its standing still.
    has_lag: bool,
    /// False once the commit was deleted.
    pub(super) is_there: bool,
    /// The commit was to a topic that is no more: it says nothing of the one that has its name now.
    is_stale: bool,
    /// It was restored, so polling may have missed commits.
    is_restored: bool,
    /// Everything of it below this offset of the commit log was taken.
    pub(super) taken_to: Offset,
    /// When a commit last moved it, in broker time.
    moved_at: Option<Timestamp>,
    /// Only of partitions with thresholds, or with something that waits.
    pub(super) deadlines: Option<Box<Deadlines>>,
}

/// A commit as it comes from the log or from a poll.
#[derive(Debug, Clone, Copy)]
pub(super) struct Commit {
    pub(super) partition: Partition,
    pub(super) offset: Offset,
    /// In broker time, as well as it is known.
    pub(super) at: Timestamp,
    /// The daemon's clock.
    pub(super) now: Timestamp,
    pub(super) log_offset: Option<Offset>,
    /// Since when the partition is there, if it came to be while its topic was watched.
    pub(super) appeared: Option<Timestamp>,
    /// Only an operator can have made it.
    pub(super) skips: bool,
    /// Commits before it may be missing.
    pub(super) after_gap: bool,
}

impl Progress {
    fn new(partition: Partition, committed: Offset, now: Timestamp) -> Self {
        Self {
            partition,
            committed,
            counted_to: committed,
            lost: (0, 0),
            located: None,
            still_since: Some(now),
            has_moved: false,
            has_lag: false,
            is_there: true,
            is_stale: false,
            is_restored: false,
            taken_to: 0,
            moved_at: None,
            deadlines: None,
        }
    }

    /// It has lag at `now`; since when it has not moved, or has been watched.
    pub(super) fn lags(&mut self, now: Timestamp) -> Timestamp {
        self.has_lag = true;
        *self.still_since.get_or_insert(now)
    }

    /// Lag above 0 and no progress for longer than the window; unknown until that can be told.
    pub(super) fn stuck(&self, lag: Measured<u64>, now: Timestamp) -> Measured<bool> {
        let still = self.still_since.map_or(Millis(0), |since| now.since(since));
        match lag? {
            0 => Ok(false),
            _ if still > WINDOW => Ok(true),
            _ if self.has_moved => Ok(false),
            _ => Err(Reason::NotYetWatched),
        }
    }

    /// The partition has no lag at `now`: whoever has nothing to do does not stand still.
    pub(super) fn caught_up(&mut self, now: Timestamp) {
        (self.still_since, self.has_moved, self.has_lag) = (Some(now), true, false);
    }

    /// Whether a commit was seen that was not counted: the log is to tell when it was made.
    fn is_behind(&self) -> bool {
        self.is_there && !self.is_stale && self.committed > self.counted_to
    }

    /// Lets something be judged, if there is anything to judge by or to count.
    fn wait_for(&mut self, event: Event) {
        if event.first < event.offset || self.deadlines.is_some() {
            self.deadlines.get_or_insert_default().push(event);
        }
    }

    /// Where judging starts or ends without a commit: what the log says of it comes later, or never.
    pub(super) fn keep_watch(&mut self, at: Timestamp) {
        let offset = self.committed.max(self.counted_to);
        let is_there = self.is_there && !self.is_stale;
        let Some(deadlines) = self.deadlines.as_deref_mut().filter(|one| !one.thresholds.is_empty()) else {
            return;
        };
        let kind = if is_there && deadlines.is_to_start() {
            EventKind::Start
        } else if !self.is_there && deadlines.is_to_end() {
            EventKind::End
        } else {
            return;
        };
        deadlines.push(Event {
            at,
            kind,
            offset,
            log_offset: None,
            first: offset,
            counted_from: self.counted_to,
            was_there: true,
            after_gap: false,
        });
    }
}

impl GroupTopic {
    pub(super) fn new(incarnation: u32, now: Timestamp) -> Self {
        Self {
            incarnation,
            since: now,
            partitions: Vec::new(),
            consumed_total: 0,
            lost_total: 0,
            commits_total: 0,
            latency: None,
            intervals: CommitIntervals::default(),
            rate: RateWindow::default(),
            lag_history: LagHistory::default(),
            gone: Gone::default(),
            thresholds: Arc::default(),
            bounds: Arc::default(),
            targets_version: 0,
            is_changed: true,
        }
    }

    /// Is judged by what is promised of `topic` to `group` now.
    pub(super) fn retarget(&mut self, targets: &mut Targets, group: &GroupId, topic: &TopicName) {
        if std::mem::replace(&mut self.targets_version, targets.version) == targets.version {
            return;
        }
        let (thresholds, bounds) = targets.of(group, topic);
        if let Some(histogram) = self.latency.as_mut().filter(|histogram| histogram.bounds != bounds) {
            *histogram = Arc::new(latency::rebound(histogram, &bounds));
            self.is_changed = true;
        }
        (self.thresholds, self.bounds) = (thresholds, bounds);
        for progress in &mut self.partitions {
            if !self.thresholds.is_empty() {
                progress.deadlines.get_or_insert_default();
            }
            if let Some(deadlines) = &mut progress.deadlines {
                self.is_changed |= deadlines.watch_for(&self.thresholds);
            }
        }
    }

    /// Where a partition is in `partitions`, or is to be. Where none is left out before it, its number tells.
    fn find(&self, partition: Partition) -> Result<usize, usize> {
        let number = partition as usize;
        if self.partitions.get(number).is_some_and(|known| known.partition == partition) {
            return Ok(number);
        }
        self.partitions.binary_search_by_key(&partition, |known| known.partition)
    }

    /// Where a partition is in `partitions`; it is watched from now on when it was not.
    fn place(
        &mut self,
        partition: Partition,
        committed: Offset,
        appeared: Option<Timestamp>,
        now: Timestamp,
    ) -> usize {
        self.find(partition).unwrap_or_else(|index| {
            let mut progress = Progress::new(partition, committed, now);
            // The first commit of a partition that came to be since counts from 0, else it is where counting starts.
            if appeared.is_some_and(|appeared| appeared >= self.since) {
                progress.counted_to = 0;
            }
            if !self.thresholds.is_empty() {
                progress.deadlines.get_or_insert_default().watch_for(&self.thresholds);
            }
            self.is_changed = true;
            self.partitions.insert(index, progress);
            index
        })
    }

    /// Takes a partition's committed offset as it was polled. Gives the index of its progress, and whether it has
    /// changed.
    pub(super) fn see(&mut self, commit: &Commit) -> (usize, bool) {
        let before = self.partitions.len();
        let index = self.place(commit.partition, commit.offset, commit.appeared, commit.now);
        let is_new = self.partitions.len() > before;
        let progress = &mut self.partitions[index];
        let is_back = !std::mem::replace(&mut progress.is_there, true);
        let is_changed = progress.committed != commit.offset || is_back;
        if is_changed {
            progress.caught_up(commit.now);
            progress.committed = commit.offset;
            // Who has lost a commit may start anywhere, but not who never had one to this log.
            if is_back && !progress.is_stale {
                progress.counted_to = progress.counted_to.max(commit.offset);
            }
            progress.is_stale = false;
            self.is_changed = true;
        }
        (index, is_changed || is_new)
    }

    /// Takes a commit that was polled: what is between two polls is not known.
    pub(super) fn poll(&mut self, commit: &Commit) -> usize {
        let found = self.find(commit.partition);
        // It was seen while the log was to tell when it was made, which will not be told any more, or too late.
        let was_behind = found.is_ok_and(|index| self.partitions[index].is_behind());
        let (index, is_changed) = self.see(commit);
        let progress = &mut self.partitions[index];
        let was_restored = std::mem::take(&mut progress.is_restored);
        if (is_changed || was_behind) && !progress.is_stale {
            let commit = Commit { after_gap: commit.after_gap || was_restored || was_behind, ..*commit };
            self.count(index, &commit, true);
        }
        index
    }

    /// Takes a commit from the log.
    pub(super) fn take(&mut self, commit: &Commit) {
        let index = self.place(commit.partition, commit.offset, commit.appeared, commit.now);
        let progress = &mut self.partitions[index];
        let was_there = std::mem::replace(&mut progress.is_there, true);
        if !was_there && !progress.is_stale {
            progress.counted_to = progress.counted_to.max(commit.offset);
        }
        progress.is_stale = false;
        self.commits_total += 1;
        self.count(index, commit, was_there);
    }

    /// Counts what is committed for the first time, and lets it be judged.
    fn count(&mut self, index: usize, commit: &Commit, was_there: bool) {
        let progress = &mut self.partitions[index];
        let counted_from = progress.counted_to;
        let moves = commit.offset > counted_from;
        let is_lost = (progress.lost.0..progress.lost.1).contains(&counted_from);
        let first = match (moves && !commit.skips, is_lost) {
            (true, true) => progress.lost.1.min(commit.offset),
            (true, false) => counted_from,
            (false, _) => commit.offset,
        };
        self.consumed_total += commit.offset - first;
        if moves {
            progress.counted_to = commit.offset;
            if let Some(last) = progress.moved_at.replace(commit.at) {
                self.intervals.push(commit.at, commit.at.since(last));
            }
        }
        if let Some(offset) = commit.log_offset {
            progress.taken_to = offset + 1;
        }
        self.is_changed = true;
        progress.wait_for(Event {
            at: commit.at,
            kind: if commit.skips { EventKind::Skip } else { EventKind::Commit },
            offset: commit.offset,
            log_offset: commit.log_offset,
            first,
            counted_from,
            was_there,
            after_gap: commit.after_gap,
        });
    }

    /// The commit of a partition was deleted, says the log.
    pub(super) fn uncommitted(&mut self, partition: Partition, at: Timestamp, log_offset: Offset) {
        let found = self.find(partition);
        let Some(progress) = found.ok().and_then(|index| self.partitions.get_mut(index)) else { return };
        if log_offset < progress.taken_to {
            return;
        }
        (progress.is_there, progress.taken_to) = (false, log_offset + 1);
        progress.keep_watch(at);
        self.is_changed = true;
    }

    /// What of a partition waits to be judged.
    pub(super) fn deadlines(&self, partition: Partition) -> Option<&Deadlines> {
        let found = self.find(partition).ok()?;
        self.partitions[found].deadlines.as_deref()
    }

    /// Up to where in the commit log a partition was taken.
    pub(super) fn taken_to(&self, partition: Partition) -> Offset {
        let found = self.find(partition);
        found.map_or(0, |index| self.partitions[index].taken_to)
    }

    /// The commit log was made again.
    pub(super) fn forget_taken(&mut self) {
        self.partitions.iter_mut().for_each(|progress| progress.taken_to = 0);
        self.is_changed = true;
    }

    /// Says which commits are still there.
    pub(super) fn keep_commits(&mut self, is_there: impl Fn(Partition) -> bool) {
        for progress in self.partitions.iter_mut().filter(|progress| progress.is_there) {
            if !is_there(progress.partition) {
                (progress.is_there, self.is_changed) = (false, true);
            }
        }
    }

    /// The partitions that have a commit.
    pub(super) fn committed(&self) -> impl Iterator<Item = &Progress> {
        self.partitions.iter().filter(|progress| progress.is_there)
    }

    /// What retention deleted before it was committed is lost, and counted once.
    pub(super) fn log_starts_at(&mut self, index: usize, log_start: Offset) {
        let progress = &mut self.partitions[index];
        // A commit that was polled but not yet read in the log says that they were not lost.
        if log_start > progress.counted_to && !progress.is_stale && !progress.is_behind() {
            let is_known = (progress.lost.0..=progress.lost.1).contains(&progress.counted_to);
            let (from, to) =
                if is_known { progress.lost } else { (progress.counted_to, progress.counted_to) };
            self.lost_total += log_start.saturating_sub(to);
            progress.lost = (from, to.max(log_start));
            progress.counted_to = log_start;
            self.is_changed = true;
        }
    }

    /// The topic was made again: its offsets start anew, and so does the counting of them.
    pub(super) fn start_over(&mut self, incarnation: u32, log_start: impl Fn(Partition) -> Offset) {
        if self.incarnation != incarnation {
            self.incarnation = incarnation;
            self.is_changed = true;
            for progress in &mut self.partitions {
                (progress.counted_to, progress.located, progress.is_stale) = (0, None, true);
                progress.lost = (0, 0);
                if let Some(deadlines) = &mut progress.deadlines {
                    deadlines.start_over(log_start(progress.partition));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
