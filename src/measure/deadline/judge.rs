//! What is open before an event can be judged, and judging it once nothing is.

use super::super::time_index::Open;
use super::{Deadlines, Event, EventKind, FUTURE, Known, MOST_QUESTIONS, Threshold, Verdicts};
use crate::model::{Counts, Millis, Minute, Offset, Timestamp};

/// Room that is kept for events between ticks: there may be a few hundred thousand partitions.
const FEW_WAITING: usize = 4;

/// Records of one partition: from, below.
type Span = (Offset, Offset);

/// The least and the greatest that an F(τ) can be.
type Bounds = (Offset, Offset);

/// What the time index has told of the records that an event judges by one threshold.
#[derive(Debug, Clone, Copy)]
struct Told {
    /// How far is judged after it; at least, while something is open.
    judged: Option<Offset>,
    /// Where those end that are late; `None` when it judges none, or while it is open.
    late_to: Option<Offset>,
    /// Of those behind the first may be believed; false when there are none, or while it is open.
    is_believable: bool,
}

impl Told {
    /// Of an event that judges no records.
    fn nothing(judged: Option<Offset>) -> Self {
        Self { judged, late_to: None, is_believable: false }
    }
}

/// F(`at`) within `span` out of its bounds, or `at` itself when that is still to be asked.
fn within_span(at: Timestamp, (low, high): Bounds, span: Span) -> Result<Offset, Open> {
    let (low, high) = (low.clamp(span.0, span.1), high.clamp(span.0, span.1));
    if low == high { Ok(low) } else { Err(Open { at, from: span.0, below: span.1 }) }
}

impl Known<'_> {
    /// F(`at`) within `span`, or `at` itself when that is still to be asked.
    fn first_since(&self, at: Timestamp, span: Span) -> Result<Offset, Open> {
        within_span(at, self.index.bounds(at), span)
    }

    /// What lies in the future of a commit at `committed`, further than clocks differ.
    fn future_of(&self, committed: Timestamp) -> Bounds {
        self.index.bounds(committed + FUTURE + Millis(1))
    }

    /// Whether the first record since `at`, by its bounds, is one that may be believed by a commit: not of its future.
    fn is_believable(at: Timestamp, (first, latest): Bounds, future: Bounds) -> Result<bool, Open> {
        let (past_future, into_future) = future;
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
        self.open_at_most(MOST_QUESTIONS, known, open);
    }

    /// Whether there are any.
    pub(in crate::measure) fn is_open(&self, known: &Known<'_>) -> bool {
        let mut open = Vec::new();
        self.open_at_most(1, known, &mut open);
        !open.is_empty()
    }

    fn open_at_most(&self, most: usize, known: &Known<'_>, open: &mut Vec<Open>) {
        let most = open.len() + most;
        let mut judged: Vec<_> = self.thresholds.iter().map(|threshold| threshold.judged).collect();
        for event in &self.waiting {
            let mut future = None;
            for (Threshold { within, .. }, judged) in self.thresholds.iter().zip(&mut judged) {
                if open.len() >= most {
                    return;
                }
                *judged = self.tell(event, &mut future, *within, *judged, known, open).judged;
            }
        }
        let Some(t) = self.next_expiry(known) else { return };
        for (Threshold { within, .. }, judged) in self.thresholds.iter().zip(judged) {
            if let Some(judged) = judged {
                self.late_to(t, *within, (judged, known.end.max(judged)), known, open);
            }
        }
    }

    /// What is told of the records that `event` judges by one threshold, up to which everything below `judged` is
    /// judged; what is not goes to `open`. `future` is the event's, once it was needed: it is that of all thresholds.
    fn tell(
        &self,
        event: &Event,
        future: &mut Option<Bounds>,
        within: Millis,
        judged: Option<Offset>,
        known: &Known<'_>,
        open: &mut Vec<Open>,
    ) -> Told {
        let at = event.at - within;
        let offset = event.offset.min(known.end);
        match (event.kind, judged) {
            (EventKind::End, None) => Told::nothing(None),
            (EventKind::End, Some(judged)) => {
                let late_to = self.late_to(event.at, within, (judged, known.end.max(judged)), known, open);
                Told { late_to, ..Told::nothing(None) }
            }
            // What is late already when watching begins is never charged.
            (_, None) => match known.first_since(at, (offset, known.end.max(offset))) {
                Ok(first) => Told::nothing(Some(first)),
                Err(first) => {
                    open.push(first);
                    Told::nothing(Some(offset))
                }
            },
            (EventKind::Start, judged) => Told::nothing(judged),
            (EventKind::Commit | EventKind::Skip, Some(judged)) if offset <= judged => {
                Told::nothing(Some(judged))
            }
            (EventKind::Commit | EventKind::Skip, Some(judged)) => {
                let first = known.index.bounds(at);
                let late_to = self.late_to_of(event.at, within, first, (judged, offset), known, open);
                let mut is_believable = false;
                if late_to.is_some_and(|late_to| late_to < offset) && event.kind == EventKind::Commit {
                    let future = *future.get_or_insert_with(|| known.future_of(event.at));
                    match Known::is_believable(at, first, future) {
                        Ok(told) => is_believable = told,
                        Err(first) => open.push(first),
                    }
                }
                Told { judged: Some(offset), late_to, is_believable }
            }
        }
    }

    /// Where the records of `span` end that are late at `at`; what is open of them and of their minutes goes to `open`.
    fn late_to(
        &self,
        at: Timestamp,
        within: Millis,
        span: Span,
        known: &Known<'_>,
        open: &mut Vec<Open>,
    ) -> Option<Offset> {
        self.late_to_of(at, within, known.index.bounds(at - within), span, known, open)
    }

    /// The same by the bounds of the first that is not late, for who knows them.
    fn late_to_of(
        &self,
        at: Timestamp,
        within: Millis,
        first: Bounds,
        span: Span,
        known: &Known<'_>,
        open: &mut Vec<Open>,
    ) -> Option<Offset> {
        match within_span(at - within, first, span) {
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
        // By threshold: an event is judged by all of them, or waits.
        let mut told = Vec::with_capacity(self.thresholds.len());
        while let Some(event) = self.waiting.front().copied() {
            told.clear();
            let mut future = None;
            for Threshold { within, judged } in &self.thresholds {
                told.push(self.tell(&event, &mut future, *within, *judged, known, &mut open));
            }
            if !open.is_empty() {
                return has_changed;
            }
            self.waiting.pop_front();
            for (index, told) in told.iter().enumerate() {
                let threshold = self.thresholds[index];
                self.judge_event(&event, threshold, told, known, log_start, verdicts);
                self.thresholds[index].judged = told.judged;
            }
            // The first deadlines that can pass are those of records that were there when watching began.
            self.expired_to = self.expired_to.or(Some(event.at));
            has_changed = true;
            done(&event);
        }
        self.waiting.shrink_to(FEW_WAITING);
        let Some(t) = self.next_expiry(known) else { return has_changed };
        told.clear();
        for Threshold { within, judged } in &self.thresholds {
            let span = judged.map(|judged| (judged, known.end.max(judged)));
            let late_to = span.and_then(|span| self.late_to(t, *within, span, known, &mut open));
            told.push(Told { judged: late_to, late_to, is_believable: false });
        }
        if !open.is_empty() {
            return has_changed;
        }
        for (index, told) in told.iter().enumerate() {
            let Threshold { within, judged } = self.thresholds[index];
            let (Some(judged), Some(late_to)) = (judged, told.late_to) else { continue };
            self.count_late(t, within, (judged, late_to), known, log_start, verdicts);
            has_changed |= late_to > judged;
            self.thresholds[index].judged = told.judged;
        }
        self.expired_to = Some(t);
        has_changed
    }

    /// Counts what one event judges, of which nothing is open, by one threshold.
    fn judge_event(
        &self,
        event: &Event,
        threshold: Threshold,
        told: &Told,
        known: &Known<'_>,
        log_start: Offset,
        verdicts: &mut Verdicts,
    ) {
        let within = threshold.within;
        let (Some(judged), Some(late_to)) = (threshold.judged, told.late_to) else { return };
        let minute = Minute::of(event.at);
        let unmeasured = |unmeasured| Counts { unmeasured, ..Counts::default() };
        if event.after_gap && event.is_commit() {
            verdicts.add(within, minute, unmeasured(late_to - judged));
        } else {
            self.count_late(event.at, within, (judged, late_to), known, log_start, verdicts);
        }
        // Nothing is behind those that are late when watching ends.
        let rest = told.judged.map_or(0, |judged| judged - late_to);
        let counts =
            if told.is_believable { Counts { good: rest, ..Counts::default() } } else { unmeasured(rest) };
        verdicts.add(within, minute, counts);
    }

    /// Counts the records of `span`, which are late at `at`, as bad, in the minutes of their deadlines; unmeasured where
    /// they were deleted before the time index was asked.
    fn count_late(
        &self,
        at: Timestamp,
        within: Millis,
        span: Span,
        known: &Known<'_>,
        log_start: Offset,
        verdicts: &mut Verdicts,
    ) {
        let deleted_to = log_start.clamp(span.0, span.1);
        if deleted_to > span.0 {
            let told = known.index.older_before_deletion(at - within, span.0).clamp(span.0, deleted_to);
            let counts = Counts { bad: told - span.0, unmeasured: deleted_to - told, good: 0 };
            verdicts.add(within, Minute::of(at), counts);
        }
        let minutes = self.minutes(at);
        let mut bad = |minute, bad| verdicts.add(within, minute, Counts { bad, ..Counts::default() });
        known.spread(within, (deleted_to, span.1), minutes, &mut bad, &mut |_| {});
    }
}
