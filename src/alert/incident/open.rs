//! One incident that is open: its revisions, its timers, and what is shown of it.

use std::sync::Arc;

use super::super::timers::{Delays, Timers};
use super::claim::{Claim, Said, budget, said};
use super::happenings::Happenings;
use super::place::Place;
use super::sight::{Sight, rule_gone};
use super::trend::Lags;
use super::worst::{Owners, worst};
use crate::model::{
    Because, Budget, Change, ClusterName, Counts, Incident, IncidentId, IncidentSource, Millis, Partition,
    Severity, SloView, Timestamp, Trend, WorstPartition,
};

/// What happens so long after the opening still belongs to the beginning.
const SETTLES: Millis = Millis::from_seconds(120);

/// An incident that is open.
#[derive(Debug)]
pub(super) struct Open {
    /// As of its last revision: what outlives a restart.
    pub(super) told: Arc<Incident>,
    /// As of the last tick.
    pub(super) shown: Arc<Incident>,
    pub(super) timers: Timers,
    /// How long it has to be silent.
    pub(super) resolve_after: Millis,
    pub(super) lag_at_opening: Option<u64>,
    /// The time in its id.
    pub(super) id_time: Timestamp,
    lags: Lags,
    /// The last tick in which it spoke.
    pub(super) seen_in: u64,
    /// Its row has changed.
    pub(super) is_changed: bool,
    /// What is shown has changed although it did not speak.
    pub(super) has_new_looks: bool,
}

/// What a tick says of an incident that does not speak.
#[derive(Debug)]
pub(super) enum Verdict<'a> {
    /// Nobody can know: it stays as it is.
    Unknown(Because, Option<&'a SloView>),
    /// It is over when that has been so for long enough.
    Silent(Option<&'a SloView>),
    /// It is over, and why, where that is not plain.
    Over(Option<Because>),
    /// Nobody asks for it any more.
    RuleGone,
}

/// What can change from tick to tick without being a revision.
struct Looks {
    because: Option<Because>,
    inhibited: bool,
    /// `None`: as it was told.
    said: Option<Said>,
    budget: Option<Budget>,
    trend: Option<Trend>,
    worst_partitions: Vec<WorstPartition>,
}

/// Who knows what happened, and who consumes what.
type Helpers<'a> = (&'a Happenings, &'a mut Owners);

impl Open {
    /// An incident that opens now.
    pub(super) fn new(
        cluster: &ClusterName,
        place: &Place,
        claim: &Claim<'_>,
        sight: &Sight<'_>,
        (happenings, owners): Helpers<'_>,
    ) -> Self {
        let now = sight.input.now;
        let key = place.key(cluster);
        let since = claim.since.min(now);
        let incident = Incident {
            id: IncidentId::new(&key, sight.opening),
            key,
            cluster: cluster.clone(),
            source: place.source,
            name: Arc::clone(&place.name),
            group: place.group.clone(),
            topic: place.topic.clone(),
            partition: place.partition,
            covers: claim.said.covers,
            severity: claim.severity,
            worst: claim.severity,
            since,
            opened_at: now,
            resolved_at: None,
            revision: 1,
            change: Change::Opened,
            changed_at: now,
            because: None,
            inhibited: false,
            summary: Arc::clone(&claim.said.summary),
            value: None,
            budget: claim
                .budget
                .clone()
                .map(|budget| Budget { remaining_at_opening: budget.remaining, ..budget }),
            trend: None,
            worst_partitions: Vec::new(),
            happenings: happenings.around(place, since, now + SETTLES, &[]),
            labels: Arc::clone(&claim.said.labels),
            description: None,
            runbook: None,
        };
        let told = Arc::new(incident);
        let steady = sight.steady;
        let mut open = Self {
            shown: Arc::clone(&told),
            told,
            timers: Timers { since: steady, firing_since: Some(steady), false_since: None },
            resolve_after: claim.resolve_after,
            lag_at_opening: sight.consumed(place).and_then(|view| view.lag.ok()),
            id_time: sight.opening,
            lags: Lags::default(),
            seen_in: sight.tick,
            is_changed: true,
            has_new_looks: false,
        };
        let looks = open.looks_of(claim, place, sight, owners);
        open.tell(|_| (), looks);
        open
    }

    /// One that a process before this has left.
    pub(super) fn restored(
        told: Incident,
        timers: Timers,
        resolve_after: Millis,
        lag_at_opening: Option<u64>,
        id_time: Timestamp,
    ) -> Self {
        let told = Arc::new(told);
        Self {
            shown: Arc::clone(&told),
            told,
            timers,
            resolve_after,
            lag_at_opening,
            id_time,
            lags: Lags::default(),
            seen_in: 0,
            is_changed: false,
            has_new_looks: false,
        }
    }

    pub(super) fn has_timer(&self) -> bool {
        self.timers.false_since.is_some()
    }

    /// It speaks in this tick. Whether what is shown has changed.
    pub(super) fn goes_on(&mut self, claim: &Claim<'_>, sight: &Sight<'_>, helpers: Helpers<'_>) -> bool {
        let (happenings, owners) = helpers;
        let now = sight.input.now;
        self.seen_in = sight.tick;
        if self.resolve_after != claim.resolve_after {
            (self.resolve_after, self.is_changed) = (claim.resolve_after, true);
        }
        self.step(Some(true), self.resolve_after, sight.steady);
        let place = Place::of(&self.shown);
        let mut has_changed = sight.has_news && self.refresh_happenings(&place, happenings, now);
        let looks = self.looks_of(claim, &place, sight, owners);
        match change(self.told.severity, claim.severity) {
            Some(change) => {
                let severity = claim.severity;
                self.tell(
                    |told| {
                        told.severity = severity;
                        told.worst = told.worst.max(severity);
                        (told.change, told.changed_at) = (change, now);
                        told.revision = told.revision.saturating_add(1);
                    },
                    looks,
                );
                has_changed = true;
            }
            None => has_changed |= self.show(looks),
        }
        has_changed
    }

    /// It does not speak in this tick. The incident, when it is over.
    pub(super) fn is_quiet(
        &mut self,
        place: &Place,
        verdict: Verdict<'_>,
        sight: &Sight<'_>,
        (happenings, owners): Helpers<'_>,
    ) -> Option<Arc<Incident>> {
        if sight.has_news {
            self.has_new_looks |= self.refresh_happenings(place, happenings, sight.input.now);
        }
        let (holds, resolve_after, because, view) = match verdict {
            Verdict::Unknown(because, view) => (None, self.resolve_after, Some(because), view),
            Verdict::Silent(view) => {
                let resolve_after = view.map_or(self.resolve_after, |view| view.slo.resolve_after);
                (Some(false), resolve_after, None, view)
            }
            Verdict::Over(because) => (Some(false), Millis(0), because, None),
            Verdict::RuleGone => (Some(false), Millis(0), Some(rule_gone()), None),
        };
        let is_over = !self.step(holds, resolve_after, sight.steady);
        let is_silent = holds == Some(false);
        let silence = view.filter(|_| is_silent && !is_over).map(|view| said(view, self.silence(view), None));
        let looks = Looks {
            because,
            inhibited: sight.is_inhibited(place.is_nameless() && place.source == IncidentSource::Alert),
            said: silence,
            budget: view.map(|view| budget(sight.input.up, view)),
            trend: self.trend(place, sight),
            worst_partitions: if is_over {
                self.told.worst_partitions.clone()
            } else {
                let bad = view.map_or(&[] as &[(Partition, Counts)], |view| &view.worst_partitions);
                worst(place, bad, sight, owners)
            },
        };
        if !is_over {
            self.has_new_looks |= self.show(looks);
            return None;
        }
        let mut over = (*self.told).clone();
        looks.put_on(&mut over, &self.told);
        over.resolved_at = Some(sight.input.now);
        (over.change, over.changed_at) = (Change::Resolved, sight.input.now);
        over.revision = over.revision.saturating_add(1);
        Some(Arc::new(over))
    }

    /// Steps the timers; whether it goes on.
    fn step(&mut self, holds: Option<bool>, resolve_after: Millis, steady: Timestamp) -> bool {
        let delays = Delays { hold: Millis(0), resolve_after };
        let Some(timers) = Timers::step(Some(self.timers), holds, steady, delays) else { return false };
        if timers != self.timers {
            (self.timers, self.is_changed) = (timers, true);
        }
        true
    }

    fn silence(&self, view: &SloView) -> Arc<str> {
        let delay = view.slo.resolve_after.in_units();
        match self.told.source {
            IncidentSource::UnmeasuredSlo => format!("measured again, but not yet for {delay}").into(),
            _ => format!("no longer burns too fast, but not yet for {delay}").into(),
        }
    }

    /// What happens right after the opening belongs to it, too.
    fn refresh_happenings(&mut self, place: &Place, happenings: &Happenings, now: Timestamp) -> bool {
        let until = self.told.opened_at + SETTLES;
        if now > until {
            return false;
        }
        let around = happenings.around(place, self.told.since, until, &self.told.happenings);
        if around == self.told.happenings {
            return false;
        }
        Arc::make_mut(&mut self.told).happenings.clone_from(&around);
        Arc::make_mut(&mut self.shown).happenings = around;
        self.is_changed = true;
        true
    }

    fn looks_of(
        &mut self,
        claim: &Claim<'_>,
        place: &Place,
        sight: &Sight<'_>,
        owners: &mut Owners,
    ) -> Looks {
        Looks {
            because: claim.because.clone(),
            inhibited: sight.is_inhibited(claim.is_unreachable),
            said: Some(claim.said.clone()),
            budget: claim.budget.clone(),
            trend: self.trend(place, sight),
            worst_partitions: worst(place, claim.bad, sight, owners),
        }
    }

    fn trend(&mut self, place: &Place, sight: &Sight<'_>) -> Option<Trend> {
        let consumed = sight.consumed(place)?;
        let (lag, now) = (consumed.lag.ok()?, sight.input.now);
        self.lags.note(now, lag);
        Some(Trend {
            lag,
            lag_at_opening: self.lag_at_opening,
            time_lag: consumed.time_lag.ok(),
            lag_before: self.lags.before(now),
        })
    }

    /// A revision.
    fn tell(&mut self, change: impl FnOnce(&mut Incident), looks: Looks) {
        let mut told = (*self.told).clone();
        change(&mut told);
        looks.put_on(&mut told, &self.told);
        self.told = Arc::new(told);
        self.shown = Arc::clone(&self.told);
        self.is_changed = true;
    }

    /// No revision; the same incident again where nothing of it has changed.
    fn show(&mut self, looks: Looks) -> bool {
        if looks.are_those_of(&self.shown, &self.told) {
            return false;
        }
        looks.put_on(Arc::make_mut(&mut self.shown), &self.told);
        true
    }
}

fn change(before: Severity, now: Severity) -> Option<Change> {
    match now.cmp(&before) {
        std::cmp::Ordering::Greater => Some(Change::Escalated),
        std::cmp::Ordering::Less => Some(Change::Calmed),
        std::cmp::Ordering::Equal => None,
    }
}

impl Looks {
    fn said_or(&self, told: &Incident) -> Said {
        self.said.clone().unwrap_or_else(|| Said {
            covers: told.covers,
            summary: Arc::clone(&told.summary),
            value: told.value,
            labels: Arc::clone(&told.labels),
            description: told.description.clone(),
            runbook: told.runbook.clone(),
        })
    }

    /// The budget with what was left at the beginning; what is not known now is absent.
    fn budget_of(&self, told: &Incident) -> Option<Budget> {
        let told = told.budget.as_ref()?;
        let now = self.budget.clone();
        let now = now.unwrap_or_else(|| Budget { remaining: None, exhausted_in: None, ..told.clone() });
        Some(Budget { remaining_at_opening: told.remaining_at_opening, ..now })
    }

    fn put_on(self, incident: &mut Incident, told: &Incident) {
        let said = self.said_or(told);
        incident.budget = self.budget_of(told);
        (incident.because, incident.inhibited) = (self.because, self.inhibited);
        (incident.covers, incident.summary, incident.value) = (said.covers, said.summary, said.value);
        (incident.labels, incident.description) = (said.labels, said.description);
        incident.runbook = said.runbook;
        incident.trend = self.trend;
        incident.worst_partitions = self.worst_partitions;
    }

    fn are_those_of(&self, shown: &Incident, told: &Incident) -> bool {
        let said = self.said_or(told);
        (&self.because, self.inhibited) == (&shown.because, shown.inhibited)
            && (said.covers, &said.summary, said.value) == (shown.covers, &shown.summary, shown.value)
            && said.labels == shown.labels
            && (&said.description, &said.runbook) == (&shown.description, &shown.runbook)
            && self.trend == shown.trend
            && self.worst_partitions == shown.worst_partitions
            && self.budget_of(told) == shown.budget
    }
}
