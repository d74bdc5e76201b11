//! One partition of the commit log as it is read: its progress, what was read and not handed out yet, and what that
//! tells of its coordinator's clock. Never speaks to Kafka.

use super::clock::CoordinatorClocks;
use super::compaction::{Compaction, LOOK_BACK};
use super::decode::CommitLogDecoder;
use super::progress::Progress;
use super::standing::StandingCommits;
use crate::kafka::native::Fetched;
use crate::model::{CommitLogEntry, CommitLogPartition, Measured, Millis, Offset, Reason, Timestamp};

/// A coordinator appends a commit within this of the time that it gives it.
const APPENDED_WITHIN: i64 = 10_000;

/// The coordinator's time of a commit. The record's own timestamp is always the coordinator's, while very old clients
/// could give the commit any.
fn commit_time(committed_at: Option<Timestamp>, stamped: Timestamp) -> Timestamp {
    let is_its_own =
        |at: &Timestamp| stamped.0 < 0 || at.0.saturating_sub(stamped.0).saturating_abs() <= APPENDED_WITHIN;
    committed_at.filter(is_its_own).unwrap_or(stamped)
}

#[derive(Debug)]
pub(super) struct Reading {
    pub(super) progress: Progress,
    compaction: Compaction,
    /// Some of what was read before is read again first.
    looks_back: bool,
    /// The coordinator of its groups.
    pub(super) leader: Option<i32>,
    /// Why it could not be asked in this cycle where it ends.
    pub(super) failed: Option<Reason>,
    /// The broker does not have what was to be read next.
    pub(super) is_lost: bool,
    /// Nothing came although there was something: it is not waited for.
    is_stalled: bool,
    has_fetched: bool,
    entries: Vec<CommitLogEntry>,
    fresh: Option<Fresh>,
    /// How long it took to ask where it ends.
    asking_took: Millis,
    /// The completeness time handed out last.
    complete_to: Option<Timestamp>,
}

/// What the fresh records of a cycle tell.
#[derive(Debug, Clone, Copy)]
struct Fresh {
    /// The least difference of a timestamp to the local time of reading, in milliseconds.
    difference: i64,
    oldest: Timestamp,
    /// Local time at which none of them could be read yet.
    absent_at: Timestamp,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            progress: Progress::default(),
            compaction: Compaction::default(),
            looks_back: false,
            leader: None,
            failed: Some(Reason::NotYetRead),
            is_lost: false,
            is_stalled: false,
            has_fetched: false,
            entries: Vec::new(),
            fresh: None,
            asking_took: Millis(0),
            complete_to: None,
        }
    }
}

impl Reading {
    /// Reading goes on at `offset`, behind what was read before the daemon was stopped.
    pub(super) fn resume(&mut self, offset: Offset) {
        self.progress.resume(offset);
        self.looks_back = true;
    }

    /// The broker does not have what was to be read next: its log starts at `log_start` and ends at `end`.
    pub(super) fn begin_again(&mut self, log_start: Offset, end: Offset) {
        self.progress.begin_again(log_start, end);
        self.compaction.start_over();
        (self.is_lost, self.looks_back) = (false, false);
    }

    /// It is another log, under the old name.
    pub(super) fn made_again(&mut self) {
        self.progress.made_again();
        self.compaction.start_over();
        self.looks_back = false;
    }

    /// Where to fetch from; `None` until that is known.
    pub(super) fn fetch_from(&self) -> Option<Offset> {
        let look_back = if self.looks_back { LOOK_BACK } else { 0 };
        self.progress.next().map(|next| next.saturating_sub(look_back))
    }

    /// See [`Progress::asked`]; asking `took` so long.
    pub(super) fn asked(
        &mut self,
        (at, took): (Timestamp, Millis),
        end: Offset,
        stable: Offset,
        fresh_within: Millis,
    ) {
        self.asking_took = took;
        if self.progress.asked(at, end, stable, fresh_within) {
            self.compaction.start_over();
        }
    }

    /// Takes what was fetched at `read_at` (local). Returns how many entries that made: one or none.
    pub(super) fn take(
        &mut self,
        fetched: &Fetched<'_>,
        read_at: Timestamp,
        decoder: &mut CommitLogDecoder,
        standing: &mut StandingCommits,
    ) -> usize {
        let number = |offset: i64| Offset::try_from(offset).unwrap_or(0);
        (self.has_fetched, self.is_stalled) = (true, false);
        match fetched {
            Fetched::Record { offset, timestamp, key, value } => {
                let offset = number(*offset);
                // A witness has to be older than what it speaks for.
                if self.progress.is_catching_up() && !self.progress.has_excused() {
                    self.compaction.saw(offset, key);
                }
                if !self.progress.record(offset, self.compaction.witness().is_some()) {
                    return 0;
                }
                let decoded = decoder.decode(key, *value);
                let stamped = Timestamp(*timestamp);
                let at = commit_time(decoded.as_ref().and_then(|record| record.committed_at), stamped);
                if let Some(absent_at) = self.progress.absent_at(offset).filter(|_| stamped.0 >= 0) {
                    let at = at.min(stamped);
                    let difference = read_at.0.saturating_sub(at.0);
                    let this = Fresh { difference, oldest: at, absent_at };
                    self.fresh = Some(self.fresh.map_or(this, |fresh| Fresh {
                        difference: difference.min(fresh.difference),
                        oldest: at.min(fresh.oldest),
                        absent_at,
                    }));
                }
                let Some(record) = decoded else { return 0 };
                standing.apply(&record.event);
                self.entries.push(CommitLogEntry { offset, at, event: record.event });
                1
            }
            Fetched::End { offset } => {
                self.progress.end(number(*offset), self.compaction.witness().is_some());
                0
            }
            Fetched::Failed { .. } => 0,
        }
    }

    /// The record that has to be there still, now that the cycle has read what it could: else compaction has run
    /// meanwhile, and the gaps that were excused are told.
    pub(super) fn witness(&self) -> Option<Offset> {
        self.compaction.witness().filter(|_| self.progress.has_excused())
    }

    /// Takes what was fetched from [`Self::witness`] on.
    pub(super) fn hear_witness(&mut self, fetched: &Fetched<'_>) {
        let Some(witness) = self.witness() else { return };
        match fetched {
            Fetched::Record { offset, .. } if Offset::try_from(*offset) == Ok(witness) => {
                self.progress.confirm()
            }
            Fetched::Record { .. } | Fetched::End { .. } => self.compaction.start_over(),
            Fetched::Failed { .. } => {}
        }
    }

    /// The cycle has read what it could, until `now` (local).
    pub(super) fn settle(&mut self, now: Timestamp, clocks: &mut CoordinatorClocks) {
        self.progress.settle(now);
        self.is_stalled = !self.has_fetched && !self.progress.has_reached_stable();
        self.has_fetched = false;
        let Some((fresh, leader)) = self.fresh.take().zip(self.leader) else { return };
        let (oldest, before) = (fresh.oldest, clocks.difference(leader));
        if self.complete_to.is_some_and(|given| oldest < given) {
            tracing::warn!(
                broker = leader,
                "a commit is older than those that were complete: was the broker's clock set back, or is it starving?"
            );
            clocks.forget(leader);
            clocks.learn(leader, now, now.0.saturating_sub(oldest.0));
        } else {
            clocks.learn(leader, now, fresh.difference);
        }
        // Of a clock that was just forgotten, what was known before tells how slow it seemed.
        let after = clocks.difference(leader);
        if let Some(difference) = after.into_iter().chain(before).min() {
            let absent_at = Timestamp(fresh.absent_at.0.saturating_sub(difference));
            clocks.was_delayed(leader, now, absent_at.since(oldest));
        }
    }

    /// Whether more of it is still to come in this cycle.
    pub(super) fn is_awaited(&self) -> bool {
        self.failed.is_none() && !self.is_stalled && !self.progress.has_reached_stable()
    }

    /// Whether everything committed up to this cycle's asking is known.
    pub(super) fn is_current(&self) -> bool {
        self.failed.is_none() && self.progress.has_reached_stable() && !self.progress.is_held()
    }

    /// How long after its timestamp a commit of this partition can surely be read, at `now` (local).
    pub(super) fn settling(&self, now: Timestamp, clocks: &mut CoordinatorClocks) -> Millis {
        clocks.settling(self.leader.unwrap_or(-1), now, self.asking_took)
    }

    /// What is new. `stored` is where reading will go on once the partition can be asked; `local_ahead_by` is how far
    /// the local clock is thought to be ahead of the coordinator's, in ms; `settling` as [`Self::settling`] says.
    pub(super) fn hand_out(
        &mut self,
        stored: Option<Offset>,
        local_ahead_by: Measured<i64>,
        settling: Millis,
    ) -> CommitLogPartition {
        let failed = self.failed.unwrap_or(Reason::NotYetRead);
        let passed = self.progress.passed().ok_or(failed);
        let complete_to = match self.failed {
            Some(why) => Err(why),
            None => {
                passed.and_then(|passed| Ok(Timestamp(passed.0.saturating_sub(local_ahead_by?)) - settling))
            }
        };
        self.complete_to = complete_to.ok().max(self.complete_to);
        CommitLogPartition {
            entries: std::mem::take(&mut self.entries),
            position: self.progress.next().or(stored).ok_or(failed),
            complete_to,
            settling,
            held: self.progress.is_held(),
            gaps: self.progress.take_gaps(),
            gaps_are_over: self.progress.gaps_are_over(),
        }
    }
}

#[cfg(test)]
mod tests;
