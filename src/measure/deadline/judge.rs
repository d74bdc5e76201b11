//! What is open before an event can be judged, and judging it once nothing is.

use super::super::time_index::Open;
use super::{Deadlines, Event, EventKind, FUTURE, Known, MOST_QUESTIONS, Verdicts};
use crate::model::{Counts, Millis, Minute, Offset, Timestamp};

/// Room that is kept for events between ticks: there may be a few hundred thousand partitions.
const FEW_WAITING: usize = 4;

/// Records of one partition: from, below.
type Span = (Offset, Offset);

impl Known<'_> {
    /// F(`at`) within `span`, or `at` itself when that is still to be asked.
    fn first_since(&self, at: Timestamp, span: Span) -> Result<Offset, Open> {
        let (low, high) = self.index.bounds(at);
        let (low, high) = (low.clamp(span.0, span.1), high.clamp(span.0, span.1));
        if low == high { Ok(low) } else { Err(Open { at, from: span.0, below: span.1 }) }
    }

    /// Whether the first record since `at` is one that may be believed by a commit at `committed`: not of its future.
    fn is_believable(&self, at: Timestamp, committed: Timestamp) -> Result<bool, Open> {
        let (first, latest) = self.index.bounds(at);
        let (past_future, into_future) = self.index.bounds(committed + FUTURE + Millis(1));
        if past_future > latest {
            Ok(true)
        } else if into_future <= first {
            Ok(false)
        } else {
            Err(Open { at, from: 0, below: Offset::MAX })
        }
    }

    /// Spreads records whose deadlines have passed, `span`, over the minutes in which they did.
    fn spread(
        &self,
        within: Millis,
        span: Span,
        minutes: (Minute, Minute),
        each: &mut impl FnMut(Minute, u64),
        open: &mut impl FnMut(Open),
    ) {
        let ((first, last), (from, below)) = (minutes, span);
        if from >= below {
            return;
        }
        if first >= last {
            each(last, below - from);
            return;
        }
        let middle = Minute(last.0 - (last.0 - first.0) / 2);
        match self.first_since(middle.start() - within, span) {
            Ok(border) => {
                self.spread(within, (from, border), (first, Minute(middle.0 - 1)), each, open);
                self.spread(within, (border, below), (middle, last), each, open);
            }
            Err(border) => open(border),
        }
    }
}

impl Deadlines {
    /// The questions that stand between what waits and its judgement, those of the oldest event first: of a long backlog
    /// the answers that the next events need would else be forgotten before they are used.
    pub(in crate::measure) fn open(&self, known: &Known<'_>, open: &mut Vec<Open>) {
        let most = open.len() + MOST_QUESTIONS;
        let mut judged: Vec<_> = self.thresholds.iter().map(|threshold| threshold.judged).collect();
        for event in &self.waiting {
            if open.len() >= most {
                return;
            }
            for (threshold, judged) in self.thresholds.iter().zip(&mut judged) {
                *judged = self.open_of_event(event, threshold.within, *judged, known, open);
            }
        }
        let Some(t) = self.next_expiry(known) else { return };
        for (threshold, judged) in self.thresholds.iter().zip(judged) {
            if let Some(judged) = judged {
                self.open_of_late(t, threshold.within, (judged, known.end.max(judged)), known, open);
            }
        }
    }

    /// Gives how far is judged after it, at least.
    fn open_of_event(
        &self,
        event: &Event,
        within: Millis,
        judged: Option<Offset>,
        known: &Known<'_>,
        open: &mut Vec<Open>,
    ) -> Option<Offset> {
        let at = event.at - within;
        let offset = event.offset.min(known.end);
        match (event.kind, judged) {
            (EventKind::End, None) => None,
            (EventKind::End, Some(judged)) => {
                self.open_of_late(event.at, within, (judged, known.end.max(judged)), known, open);
                None
            }
            (_, None) => {
                let span = (offset, known.end.max(offset));
                match known.first_since(at, span) {
                    Ok(first) => Some(first),
                    Err(first) => {
                        open.push(first);
                        Some(offset)
                    }
                }
            }
            (EventKind::Start, judged) => judged,
            (EventKind::Commit | EventKind::Skip, Some(judged)) => {
                if offset <= judged {
                    return Some(judged);
                }
                let late_to = self.open_of_late(event.at, within, (judged, offset), known, open);
                if let Some(late_to) = late_to
                    && late_to < offset
                    && event.kind == EventKind::Commit
                    && let Err(first) = known.is_believable(at, event.at)
                {
                    open.push(first);
                }
                Some(offset)
            }
        }
    }

    /// What is open of the records of `span` that are late at `at`; gives where they end when that is known.
    fn open_of_late(
        &self,
        at: Timestamp,
        within: Millis,
        span: Span,
        known: &Known<'_>,
        open: &mut Vec<Open>,
    ) -> Option<Offset> {
        match known.first_since(at - within, span) {
            Ok(late_to) => {
                let minutes = self.minutes(at);
                known.spread(within, (span.0, late_to), minutes, &mut |_, _| {}, &mut |border| {
                    open.push(border)
                });
                Some(late_to)
            }
            Err(first) => {
                open.push(first);
                None
            }
        }
    }

    /// Up to which deadlines may be judged that nobody has met.
    fn next_expiry(&self, known: &Known<'_>) -> Option<Timestamp> {
        known.complete_to.filter(|t| self.expired_to.is_none_or(|expired_to| *t > expired_to))
    }

    /// Judges what can be, in log order, and hands each event on that is done; `log_start` as read after the answers.
    /// True when anything has changed.
    pub(in crate::measure) fn judge(
        &mut self,
        known: &Known<'_>,
        log_start: Offset,
        verdicts: &mut Verdicts,
        mut done: impl FnMut(&Event),
    ) -> bool {
        let mut has_changed = false;
        let mut open = Vec::new();
        if let Some(t) = known.complete_to {
            for (within, unmeasured) in std::mem::take(&mut self.given_up) {
                has_changed = true;
                verdicts.add(within, Minute::of(t), Counts { unmeasured, ..Counts::default() });
            }
        }
        while let Some(event) = self.waiting.front().copied() {
            for threshold in &self.thresholds {
                self.open_of_event(&event, threshold.within, threshold.judged, known, &mut open);
            }
            if !open.is_empty() {
                return has_changed;
            }
            self.waiting.pop_front();
            for index in 0..self.thresholds.len() {
                let threshold = self.thresholds[index];
                self.thresholds[index].judged =
                    self.judge_event(&event, threshold.within, threshold.judged, known, log_start, verdicts);
            }
            // The first deadlines that can pass are those of records that were there when watching began.
            self.expired_to = self.expired_to.or(Some(event.at));
            has_changed = true;
            done(&event);
        }
        self.waiting.shrink_to(FEW_WAITING);
        let Some(t) = self.next_expiry(known) else { return has_changed };
        for threshold in &self.thresholds {
            if let Some(judged) = threshold.judged {
                let span = (judged, known.end.max(judged));
                self.open_of_late(t, threshold.within, span, known, &mut open);
            }
        }
        if !open.is_empty() {
            return has_changed;
        }
        for index in 0..self.thresholds.len() {
            let threshold = self.thresholds[index];
            let Some(judged) = threshold.judged else { continue };
            let late_to =
                self.late(t, threshold.within, (judged, known.end.max(judged)), known, log_start, verdicts);
            has_changed |= late_to > judged;
            self.thresholds[index].judged = Some(late_to);
        }
        self.expired_to = Some(t);
        has_changed
    }

    /// Judges one event of which nothing is open; gives how far is judged after it.
    fn judge_event(
        &self,
        event: &Event,
        within: Millis,
        judged: Option<Offset>,
        known: &Known<'_>,
        log_start: Offset,
        verdicts: &mut Verdicts,
    ) -> Option<Offset> {
        let at = event.at - within;
        let offset = event.offset.min(known.end);
        match (event.kind, judged) {
            (EventKind::End, judged) => {
                let judged = judged?;
                self.late(event.at, within, (judged, known.end.max(judged)), known, log_start, verdicts);
                None
            }
            // What is late already when watching begins is never charged.
            (_, None) => Some(known.first_since(at, (offset, known.end.max(offset))).unwrap_or(offset)),
            (EventKind::Start, judged) => judged,
            (EventKind::Commit | EventKind::Skip, Some(judged)) if offset <= judged => Some(judged),
            (EventKind::Commit | EventKind::Skip, Some(judged)) => {
                let minute = Minute::of(event.at);
                let unmeasured = |unmeasured| Counts { unmeasured, ..Counts::default() };
                let late_to = if event.after_gap {
                    let late_to = known.first_since(at, (judged, offset)).unwrap_or(offset);
                    verdicts.add(within, minute, unmeasured(late_to - judged));
                    late_to
                } else {
                    self.late(event.at, within, (judged, offset), known, log_start, verdicts)
                };
                let rest = offset - late_to;
                let is_good = event.kind == EventKind::Commit
                    && (rest == 0 || known.is_believable(at, event.at) == Ok(true));
                let counts =
                    if is_good { Counts { good: rest, ..Counts::default() } } else { unmeasured(rest) };
                verdicts.add(within, minute, counts);
                Some(offset)
            }
        }
    }

    /// Counts the records of `span` that are late at `at` as bad, in the minutes of their deadlines; unmeasured where
    /// they were deleted before the time index was asked. Gives where they end.
    fn late(
        &self,
        at: Timestamp,
        within: Millis,
        span: Span,
        known: &Known<'_>,
        log_start: Offset,
        verdicts: &mut Verdicts,
    ) -> Offset {
        let late_to = known.first_since(at - within, span).unwrap_or(span.0);
        let deleted_to = log_start.clamp(span.0, late_to);
        if deleted_to > span.0 {
            let told = known.index.older_before_deletion(at - within, span.0).clamp(span.0, deleted_to);
            let counts = Counts { bad: told - span.0, unmeasured: deleted_to - told, good: 0 };
            verdicts.add(within, Minute::of(at), counts);
        }
        let minutes = self.minutes(at);
        let mut bad = |minute, bad| verdicts.add(within, minute, Counts { bad, ..Counts::default() });
        known.spread(within, (deleted_to, late_to), minutes, &mut bad, &mut |_| {});
        late_to
    }
}
