//! What a partition's time index has answered, exactly: bounds of F(τ), the first offset whose time is at or after τ.
//! Counts rest on these alone. Knows nothing of polls or clocks, and never guesses what lies between two answers.

use crate::model::{Offset, TimeAnswer, Timestamp};

/// Few enough offsets between two answers to ask for the time of each.
const FEW: u64 = 3;

/// What is open: which of the offsets of a span is the first whose time is at or after `at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) at: Timestamp,
    pub(super) from: Offset,
    pub(super) below: Offset,
}

/// One answer, or several that found the same record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Answer {
    /// The first offset whose time is at or after `from`; of an answer without a record, at least this one.
    offset: Offset,
    /// What was asked for, at the earliest.
    from: Timestamp,
    /// The time of the record at `offset`; `None` while there is no such record.
    time: Option<Timestamp>,
    /// Where the log started, read after the answer: of records before that it says nothing.
    log_start: Offset,
}

/// An answer whose log start was not read yet.
const NOT_READ: Offset = Offset::MAX;

/// The answers of one partition: offsets, questions and times ascend, and no two contradict each other.
#[derive(Debug, Default)]
pub(super) struct TimeIndex {
    answers: Vec<Answer>,
}

impl TimeIndex {
    /// Takes an answer to "first offset at or after `asked`"; `end` was read before it was asked. What was learnt
    /// before and contradicts it (records were deleted, the log was made again) is forgotten.
    pub(super) fn learn(&mut self, asked: Timestamp, answer: TimeAnswer, end: Offset) {
        let (offset, time) = match answer {
            TimeAnswer::Record { offset, time } => (offset, Some(time)),
            TimeAnswer::AllOlder => (end, None),
        };
        let mut new = Answer { offset, from: asked, time, log_start: NOT_READ };
        self.answers.retain(|known| {
            if known.offset < offset {
                known.from < asked && known.time.is_none_or(|time| time < asked)
            } else if known.offset > offset {
                time.is_some_and(|time| known.from > time)
            } else {
                if known.from <= new.from {
                    (new.from, new.log_start) = (known.from, known.log_start);
                }
                new.time = new.time.or(known.time.filter(|time| *time < asked));
                false
            }
        });
        let at = self.answers.partition_point(|known| known.offset < offset);
        self.answers.insert(at, new);
    }

    /// The log start as read after all answers so far.
    pub(super) fn log_starts_at(&mut self, log_start: Offset) {
        let news = self.answers.iter_mut().filter(|answer| answer.log_start == NOT_READ);
        news.for_each(|answer| answer.log_start = log_start);
    }

    /// The least and the greatest that F(`at`) can be; 0 and the greatest offset where nothing is known.
    pub(super) fn bounds(&self, at: Timestamp) -> (Offset, Offset) {
        let right = self.first_answers(|answer| answer.from <= at);
        let low = match right.checked_sub(1).map(|left| &self.answers[left]) {
            Some(Answer { offset, time: Some(time), .. }) if *time >= at => return (*offset, *offset),
            Some(Answer { offset, time: Some(_), .. }) => offset.saturating_add(1),
            Some(Answer { offset, time: None, .. }) => *offset,
            None => 0,
        };
        let high = self.answers[right..].iter().find(|answer| answer.time.is_some());
        (low, high.map_or(Offset::MAX, |answer| answer.offset.max(low)))
    }

    /// A time from which on F is `offset` at least: all records below it are older. `None` when no answer tells one.
    pub(super) fn all_older_from(&self, offset: Offset) -> Option<Timestamp> {
        let first = self.first_answers(|answer| answer.offset < offset);
        self.answers.get(first).map(|answer| answer.from)
    }

    /// How many of the first answers are as `is_before` says, which none behind them is. Of hundreds that are kept,
    /// nearly all that is judged asks for the last few: looking backwards in steps that double, it finds them without
    /// touching those that no cache holds.
    fn first_answers(&self, is_before: impl Fn(&Answer) -> bool) -> usize {
        let (mut last, mut behind) = (4, self.answers.len());
        while let Some(at) = self.answers.len().checked_sub(last)
            && !is_before(&self.answers[at])
        {
            (behind, last) = (at, last * 2);
        }
        let from = self.answers.len().saturating_sub(last);
        from + self.answers[from..behind].partition_point(is_before)
    }

    /// Whether answers since have closed it.
    pub(super) fn is_open(&self, open: &Open) -> bool {
        let (low, high) = self.bounds(open.at);
        low.clamp(open.from, open.below) < high.clamp(open.from, open.below)
    }

    /// Up to which offset all records from `first` on were older than `at`, told by answers that are older than
    /// the deletion of any of them.
    pub(super) fn older_before_deletion(&self, at: Timestamp, first: Offset) -> Offset {
        let right = self.answers.partition_point(|answer| answer.from <= at);
        let told = self.answers[..right].iter().rev().find(|answer| answer.log_start <= first);
        told.map_or(0, |answer| match answer.time {
            Some(time) if time < at => answer.offset.saturating_add(1),
            _ => answer.offset,
        })
    }

    /// The question that helps most with what is `open`: the middle one, or, where few records are in question, the
    /// time of the next of them. `None` when nothing is open.
    pub(super) fn best_question(&self, open: &mut [Open]) -> Option<Timestamp> {
        let middle = open.len() / 2;
        if open.is_empty() {
            return None;
        }
        let middle = open.select_nth_unstable_by_key(middle, |open| open.at).1.at;
        let (low, high) = self.bounds(middle);
        let left = self.answers.partition_point(|answer| answer.from <= middle).checked_sub(1);
        if let Some(time) = left.and_then(|left| self.answers[left].time)
            && high - low <= FEW
        {
            let right = self.answers.iter().find(|answer| answer.offset >= high).map(|answer| answer.from);
            let here = open.iter().filter(|open| open.at > time && right.is_none_or(|right| open.at < right));
            if here.count() as u64 > high - low {
                return Some(Timestamp(time.0.saturating_add(1)));
            }
        }
        Some(middle)
    }

    /// Forgets what says nothing of times from `before` on, and beyond `most` answers the older ones thinly.
    pub(super) fn forget(&mut self, before: Timestamp, most: usize) {
        let keep_from = self.answers.partition_point(|answer| answer.from <= before).saturating_sub(1);
        self.answers.drain(..keep_from);
        while self.answers.len() > most {
            let older_half = self.answers.len().div_ceil(2).max(2);
            let mut at = 0;
            self.answers.retain(|_| {
                at += 1;
                at > older_half || at % 2 == 0
            });
        }
        if self.answers.capacity() > 2 * self.answers.len() + 4 {
            self.answers.shrink_to(self.answers.len() + 2);
        }
    }
}

#[cfg(test)]
mod tests;
