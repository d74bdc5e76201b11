//! One SLO of one group and topic: its counts, the running sums of its windows, what its tiers answered, its state.
//! Never knows what is counted, nor where it comes from.

use std::sync::Arc;

use super::Slo;
use super::calendar::UnknownTimeZone;
use super::counts::{EXACT_MINUTES, MinuteCounts};
use super::evaluation::{self, Evaluation, Over};
use super::plan::{Plan, SloWindow};
use super::running::{RunningSum, first_minute};
use super::tiers::Pair;
use crate::model::{Counts, Millis, Minute, Severity, SloState, Timestamp};

const HOUR: i64 = 60;
const MINUTE: u64 = 60_000;

/// See the module. Time may jump: what is evaluated is always the windows that end now.
#[derive(Debug)]
pub struct Instance {
    pub(super) plan: Arc<Plan>,
    pub(super) counts: MinuteCounts,
    /// In the order of the plan's lengths, then the last hour, then the SLO window; empty before the first evaluation.
    sums: Vec<RunningSum>,
    /// The last minute of the windows.
    through: Option<i64>,
    /// The calendar period that `through` lies in.
    period: Option<(Timestamp, Timestamp)>,
    /// The first minute of which anything was counted.
    pub(super) first: Option<i64>,
    /// What each pair answered last.
    pub(super) is_true: Vec<bool>,
    pub(super) state: SloState,
    pub(super) since: Option<Timestamp>,
    /// Since when nothing new can be known.
    frozen_since: Option<Timestamp>,
}

/// What besides the counts makes a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Circumstances {
    /// Nothing new can be known: windows and answers stay as they are.
    pub(super) is_frozen: bool,
    /// What is counted is not there any more: the state is unmeasured, whatever the counts say.
    pub(super) is_gone: bool,
    /// The counts cannot show the promise: unmeasured too, and no answer is held that comes from them.
    pub(super) is_too_coarse: bool,
}

impl Instance {
    /// One that has counted nothing yet.
    ///
    /// # Errors
    /// The time zone of the SLO's calendar window is not known.
    pub fn new(slo: &Slo) -> Result<Self, UnknownTimeZone> {
        Ok(Self::of(Arc::new(Plan::new(slo)?)))
    }

    pub(super) fn of(plan: Arc<Plan>) -> Self {
        Self {
            is_true: vec![false; plan.pairs.len()],
            plan,
            counts: MinuteCounts::default(),
            sums: Vec::new(),
            through: None,
            period: None,
            first: None,
            state: SloState::Ok,
            since: None,
            frozen_since: None,
        }
    }

    /// Counts into `minute`, in the past or not; of slices longer than a minute, their last one.
    pub fn add(&mut self, minute: Minute, counts: Counts) {
        if counts.is_empty() {
            return;
        }
        let began = minute.0 - (self.plan.slice - 1);
        self.first = Some(self.first.map_or(began, |first| first.min(began)));
        self.counts.add(minute.0, counts);
        if let Some(through) = self.through {
            for sum in &mut self.sums {
                sum.add(minute.0, through, counts);
            }
        }
    }

    /// The state at `now`, in an unfinished minute that is the last of every window.
    pub fn evaluate(&mut self, now: Timestamp) -> Evaluation {
        self.evaluate_through(Minute::of(now), now, Circumstances::default())
    }

    /// The state when `minute` begins, from windows that end just before.
    pub fn evaluate_before(&mut self, minute: Minute) -> Evaluation {
        self.evaluate_through(Minute(minute.0 - 1), minute.start(), Circumstances::default())
    }

    /// How fast a window of whole minutes burns that ends where the others do, whether a tier uses it or not; the
    /// length of the SLO window means that one. Absent when nothing was measured in it.
    #[must_use]
    pub fn burn_rate_over(&self, window: Millis) -> Option<f64> {
        let minutes = i64::try_from(window.0 / MINUTE).unwrap_or(i64::MAX).max(1);
        let counts = if window == self.window_length() { self.window() } else { self.sum_anew(minutes) };
        evaluation::burn_rate(counts, self.plan.budget)
    }

    /// The state at `now` from windows that end with `minute`.
    pub(super) fn evaluate_through(
        &mut self,
        minute: Minute,
        now: Timestamp,
        circumstances: Circumstances,
    ) -> Evaluation {
        if !circumstances.is_frozen || self.through.is_none() {
            self.advance(minute.0);
        }
        let answers: Vec<Option<bool>> = if circumstances.is_frozen {
            self.frozen_since.get_or_insert(now);
            vec![None; self.is_true.len()]
        } else {
            self.frozen_since = None;
            let plan = Arc::clone(&self.plan);
            plan.pairs.iter().map(|pair| self.answer(pair)).collect()
        };
        for (is_true, answer) in self.is_true.iter_mut().zip(&answers) {
            *is_true = answer.unwrap_or(*is_true) && !circumstances.is_too_coarse;
        }
        let is_meaningless = circumstances.is_gone || circumstances.is_too_coarse;
        let governing = self.governing();
        let state = match governing.map(|at| self.plan.pairs[at].severity) {
            _ if is_meaningless => SloState::Unmeasured,
            Some(Severity::Page) => SloState::Page,
            Some(_) => SloState::Ticket,
            None if self.is_blind(now) => SloState::Unmeasured,
            None => SloState::Ok,
        };
        if self.since.is_none() || state != self.state {
            (self.state, self.since) = (state, Some(now));
        }
        let held = governing.is_some_and(|at| answers[at].is_none());
        self.report(now, governing.filter(|_| !is_meaningless), held)
    }

    /// The most urgent pair that is true; of several the one with the shortest windows.
    fn governing(&self) -> Option<usize> {
        let pairs = self.plan.pairs.iter().zip(&self.is_true).enumerate();
        let is_true = pairs.filter(|(_, (_, is_true))| **is_true);
        is_true.min_by_key(|(at, (pair, _))| (pair.severity != Severity::Page, *at)).map(|(at, _)| at)
    }

    /// Whether a pair is true, or not; `None` when too little is known.
    fn answer(&self, pair: &Pair) -> Option<bool> {
        let (long, short) = (self.sum_over(pair.long), self.sum_over(pair.short));
        let over = |counts| evaluation::over(counts, pair.threshold, self.plan.coverage_floor);
        match (over(long), over(short)) {
            (Over::No, _) | (_, Over::No) => Some(false),
            (Over::Yes, _) if long.bad < self.plan.min_bad_events => Some(false),
            (Over::Yes, Over::Yes) => Some(true),
            _ => None,
        }
    }

    /// Whether too little is known to call it fine: the coverage of the shortest window is under the floor, or as
    /// much of its time has passed frozen.
    fn is_blind(&self, now: Timestamp) -> bool {
        let floor = self.plan.coverage_floor;
        let (length, counts) = self.shortest();
        let frozen = self.frozen_since.map_or(Millis(0), |since| now.since(since));
        let is_frozen_too_long = u128::from(frozen.0) * u128::from(floor.of())
            > u128::from(length.0) * u128::from(floor.of() - floor.parts());
        !evaluation::is_covered(counts, floor) || (self.frozen_since.is_some() && is_frozen_too_long)
    }

    /// The shortest window: its length and what is in it.
    pub(super) fn shortest(&self) -> (Millis, Counts) {
        match self.plan.lengths.first() {
            Some(length) => (in_millis(*length), self.sum_over(*length)),
            None => (self.window_length(), self.window()),
        }
    }

    /// What the SLO window holds.
    pub(super) fn window(&self) -> Counts {
        self.sums.last().map_or(Counts::default(), |sum| sum.sum)
    }

    /// What was counted in the last hour.
    pub(super) fn last_hour(&self) -> Counts {
        self.sums.iter().rev().nth(1).map_or(Counts::default(), |sum| sum.sum)
    }

    /// What one of the pairs' windows holds.
    pub(super) fn sum_over(&self, minutes: i64) -> Counts {
        let at = self.plan.lengths.binary_search(&minutes).ok();
        at.and_then(|at| self.sums.get(at)).map_or(Counts::default(), |sum| sum.sum)
    }

    /// What any window of whole minutes holds that ends where the others do; it is summed anew.
    pub(super) fn sum_anew(&self, minutes: i64) -> Counts {
        self.through
            .map_or(Counts::default(), |through| self.counts.sum(first_minute(minutes, through), through))
    }

    /// The true length of the SLO window.
    pub(super) fn window_length(&self) -> Millis {
        match (&self.plan.window, self.period) {
            (SloWindow::Rolling(minutes), _) => in_millis(*minutes),
            (SloWindow::Calendar(_), Some((start, end))) => end.since(start),
            (SloWindow::Calendar(_), None) => Millis(0),
        }
    }

    /// The calendar period of the SLO window.
    pub(super) fn period(&self) -> Option<(Timestamp, Timestamp)> {
        self.period
    }

    /// Moves the windows so that they end with minute `through`, and lets go of what none of them needs.
    fn advance(&mut self, through: i64) {
        let hour = through - HOUR + 1;
        let lengths = self.plan.lengths.iter().map(|length| first_minute(*length, through));
        let window = match &self.plan.window {
            SloWindow::Rolling(length) => first_minute(*length, through),
            SloWindow::Calendar(calendar) => {
                let at = Minute(through).start();
                if self.period.is_none_or(|(start, end)| at < start || end <= at) {
                    self.period = Some(calendar.period_of(at));
                }
                self.period.map_or(through, |(start, _)| Minute::of(start).0)
            }
        };
        let firsts = lengths.chain([hour, window]);
        match self.through {
            Some(old) if old == through => {}
            Some(old) => {
                for (sum, first) in self.sums.iter_mut().zip(firsts) {
                    sum.advance(&self.counts, old, first, through);
                }
            }
            None => self.sums = firsts.map(|first| RunningSum::new(&self.counts, first, through)).collect(),
        }
        self.through = Some(through);
        let exact_from = (through - EXACT_MINUTES).div_euclid(HOUR);
        let whole = (window.rem_euclid(HOUR) != 0).then_some(window.div_euclid(HOUR));
        let first_day = (through.div_euclid(HOUR) - self.plan.kept_hours).div_euclid(24);
        let whole = whole.filter(|_| matches!(self.plan.window, SloWindow::Calendar(_)));
        self.counts.condense(exact_from, whole, first_day);
    }
}

pub(super) fn in_millis(minutes: i64) -> Millis {
    Millis(minutes.unsigned_abs().saturating_mul(MINUTE))
}
