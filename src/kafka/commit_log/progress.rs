//! How far one partition of the commit log was read: what is new, what may be missing, and up to which time of asking
//! it is complete. Offsets and times in, decisions out: never speaks to Kafka.
//!
//! Gaps. Offsets that no record was read for are transaction markers, aborted commits, or compacted away, and the
//! client library does not tell which. While the log is read as it grows, compaction cannot have been there: it leaves
//! the segment in use alone. While catching up it can, so a gap is told, unless the keys speak against compaction and
//! that is confirmed. Where the keys tell nothing, markers and aborted commits are told as gaps: too careful, never too
//! careless.

use std::collections::VecDeque;

use crate::model::{Millis, Offset, Timestamp};

/// Gaps of one cycle that are excused each for itself; more are taken as one.
const MOST_EXCUSED: usize = 1024;

/// The most askings that wait to be passed; beyond, every second one is forgotten.
const MOST_ASKINGS: usize = 1024;

/// A partition whose end was not reached for longer is catching up.
const CATCHING_UP_AFTER: Millis = Millis::from_seconds(60);

/// One or more askings in a row that were answered with the same end.
#[derive(Debug, Clone, Copy)]
struct Asking {
    /// Local times.
    first: Timestamp,
    last: Timestamp,
    /// No less than the high watermark at any of them.
    end: Offset,
}

/// One partition of the commit log, from cycle to cycle.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Everything below was read; `None` until it is known where to begin.
    next: Option<Offset>,
    /// Those not passed yet, ascending.
    askings: VecDeque<Asking>,
    /// The newest time of asking whose high watermark was passed.
    passed: Option<Timestamp>,
    /// Where reading has to stop in this cycle; `None` when it could not be asked for.
    stable: Option<Offset>,
    /// When the last stable offset was last reached.
    reached_at: Option<Timestamp>,
    /// Records below were there before it was read on.
    catching_up_to: Offset,
    /// The asking before this cycle's: local time, and the end; `None` when that is too long ago.
    before: Option<(Timestamp, Offset)>,
    /// Local time of this cycle's asking.
    asked_at: Timestamp,
    held: bool,
    /// Those that the keys speak for, if that is confirmed.
    excused: Vec<(Offset, Offset)>,
    gaps: Vec<(Offset, Offset)>,
    /// Local time of the asking of the cycle in which the last gap was found.
    gap_at: Option<Timestamp>,
}

impl Progress {
    /// Where to read on; `None` until that is known.
    pub(super) fn next(&self) -> Option<Offset> {
        self.next
    }

    /// Reading begins at `offset`, where the log is read as it grows from now on.
    pub(super) fn begin(&mut self, offset: Offset) {
        self.next = Some(offset);
        self.catching_up_to = 0;
    }

    /// Reading goes on at `offset`, behind what was read before the daemon was stopped.
    pub(super) fn resume(&mut self, offset: Offset) {
        self.next = Some(offset);
    }

    /// The broker does not have what was to be read next: its log starts at `log_start` and ends at `end`.
    pub(super) fn begin_again(&mut self, log_start: Offset, end: Offset) {
        let Some(next) = self.next.filter(|next| !(log_start..=end).contains(next)) else { return };
        // Beyond the end, it is another log, or was cut: nothing is known of what this one may have held before.
        let from = if next > end { 0 } else { next };
        self.gaps.push((from, log_start));
        self.gap_at = Some(self.asked_at);
        self.next = Some(log_start);
        self.catching_up_to = end;
        self.askings.clear();
    }

    /// It is another log, under the old name: nothing is known of what it may have held before.
    pub(super) fn made_again(&mut self) {
        if self.next.take().is_some() {
            let gap_at = Some(self.asked_at);
            *self = Self { gaps: vec![(0, 0)], gap_at, next: Some(0), ..Self::default() };
        }
    }

    /// At `at` (local) the partition ended at `high_watermark`, and could be read up to `stable`. A record that was
    /// not there at the asking before is fresh, if that was at most `fresh_within` ago.
    pub(super) fn asked(
        &mut self,
        at: Timestamp,
        high_watermark: Offset,
        stable: Offset,
        fresh_within: Millis,
    ) -> bool {
        let before = self.askings.back().map(|asking| (asking.last, asking.end));
        let before =
            before.or(self.passed.zip(self.next)).filter(|(asked, _)| at.since(*asked) <= fresh_within);
        self.before = before;
        let was_away = self.reached_at.is_some_and(|reached| at.since(reached) > CATCHING_UP_AFTER)
            && !self.is_catching_up();
        if was_away || self.reached_at.is_none() {
            self.catching_up_to = self.catching_up_to.max(high_watermark);
        }
        self.stable = Some(stable);
        match self.askings.back_mut() {
            Some(same) if same.end >= high_watermark => same.last = at,
            _ => self.askings.push_back(Asking { first: at, last: at, end: high_watermark }),
        }
        if self.askings.len() > MOST_ASKINGS {
            let mut keep = false;
            self.askings.retain(|_| {
                keep = !keep;
                keep
            });
        }
        self.asked_at = at;
        was_away
    }

    /// Whether what is read now was there before reading went on.
    pub(super) fn is_catching_up(&self) -> bool {
        self.next.is_some_and(|next| next < self.catching_up_to)
    }

    /// It could not be asked where the partition ends.
    pub(super) fn not_asked(&mut self) {
        self.stable = None;
        self.before = None;
    }

    /// A record was read; false when it had been read before. Whether its key `excuses` it decides what it means that
    /// offsets are missing right before it.
    pub(super) fn record(&mut self, offset: Offset, excuses: bool) -> bool {
        if self.next.is_some_and(|next| offset < next) {
            return false;
        }
        self.skip_to(offset, excuses);
        self.next = Some(offset + 1);
        true
    }

    /// The end that could be read was reached at `offset`.
    pub(super) fn end(&mut self, offset: Offset, excuses: bool) {
        if self.next.is_some_and(|next| offset > next) {
            self.skip_to(offset, excuses);
            self.next = Some(offset);
        }
    }

    fn skip_to(&mut self, offset: Offset, excuses: bool) {
        let Some(next) = self.next.filter(|next| *next < offset && self.is_catching_up()) else {
            return;
        };
        self.gap_at = Some(self.asked_at);
        if excuses {
            let is_full = self.excused.len() == MOST_EXCUSED;
            match self.excused.last_mut().filter(|_| is_full) {
                Some(last) => last.1 = offset,
                None => self.excused.push((next, offset)),
            }
        } else {
            self.gaps.push((next, offset));
        }
    }

    /// Whether there are gaps that are excused, if it is confirmed that compaction has not come as far.
    pub(super) fn has_excused(&self) -> bool {
        !self.excused.is_empty()
    }

    /// Compaction has not come as far.
    pub(super) fn confirm(&mut self) {
        self.excused.clear();
    }

    /// When `offset` could not be read yet: at the local time of the asking before. `None` unless it was appended since.
    pub(super) fn absent_at(&self, offset: Offset) -> Option<Timestamp> {
        self.before.filter(|(_, end)| offset >= *end).map(|(asked, _)| asked)
    }

    /// Whether everything that could be read at this cycle's asking was read.
    pub(super) fn has_reached_stable(&self) -> bool {
        self.stable.zip(self.next).is_some_and(|(stable, next)| next >= stable)
    }

    /// The cycle has read what it could.
    pub(super) fn settle(&mut self, now: Timestamp) {
        let next = self.next.unwrap_or(0);
        while let Some(asking) = self.askings.pop_front_if(|asking| asking.end <= next) {
            self.passed = Some(asking.last);
        }
        if self.has_reached_stable() {
            self.reached_at = Some(now);
            // A transaction that ends as it should is open for less than a cycle.
            self.held = self.askings.front().is_some_and(|asking| asking.first < self.asked_at);
        }
    }

    /// The newest local time of asking for which everything was read.
    pub(super) fn passed(&self) -> Option<Timestamp> {
        self.passed
    }

    /// Whether an open transaction keeps from being read what was there at an earlier cycle's asking.
    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    /// The gaps since the last call of this; what was excused and not confirmed is one.
    pub(super) fn take_gaps(&mut self) -> Vec<(Offset, Offset)> {
        let mut gaps = std::mem::take(&mut self.gaps);
        gaps.append(&mut self.excused);
        gaps.sort_unstable();
        gaps
    }

    /// Whether of each commit that was missing in a gap a later one was read: all is read that was there after the last
    /// gap was found.
    pub(super) fn gaps_are_over(&self) -> bool {
        self.passed.is_some_and(|passed| self.gap_at.is_none_or(|at| passed > at))
    }
}

#[cfg(test)]
mod tests;
