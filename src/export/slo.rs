//! The families of SLOs, and which of their numbers may be shown: that rule is the API's, too.
//! Never computes a budget or a rate, and never writes one that is not known.

use std::sync::Arc;

use super::text::Page;
use crate::model::{Because, BurnRate, Counts, Metric, Millis, SloState, SloView, Snapshot};
use crate::slo::is_current;

/// Of an SLO or an alert that gives no reason for being unmeasured.
const NO_REASON: &str = "low_coverage";

pub(super) fn render(snapshots: &[Arc<Snapshot>], page: &mut Page<'_>) {
    let mut objective = page.family(Metric::SloObjectiveRatio);
    for (snapshot, view) in views(snapshots) {
        objective.sample(&labels(snapshot, view), view.slo.objective.as_f64());
    }
    let mut budget = page.family(Metric::SloErrorBudgetRemainingRatio);
    for (snapshot, view) in views(snapshots) {
        if let Some(remaining) = view.budget_remaining {
            budget.sample(&labels(snapshot, view), remaining);
        }
    }
    let mut coverage = page.family(Metric::SloCoverageRatio);
    for (snapshot, view) in views(snapshots) {
        if counted(view, view.window).is_some() {
            coverage.sample(&labels(snapshot, view), view.coverage);
        }
    }
    let mut events = page.family(Metric::SloEvents);
    for (snapshot, view) in views(snapshots) {
        let [cluster, slo, group, topic] = labels(snapshot, view);
        if let Some(Counts { good, bad, unmeasured }) = counted(view, view.total) {
            for (outcome, count) in [("good", good), ("bad", bad), ("unmeasured", unmeasured)] {
                events.sample(&[cluster, slo, group, topic, outcome], count);
            }
        }
    }
    let mut burn = page.family(Metric::SloBurnRateRatio);
    let mut lengths = Lengths::default();
    for (snapshot, view) in views(snapshots) {
        let [cluster, slo, group, topic] = labels(snapshot, view);
        for window in burn_rates(snapshot, view) {
            if let Some(rate) = window.rate {
                burn.sample(&[cluster, slo, group, topic, lengths.of(window.window)], rate);
            }
        }
    }
}

/// Lengths of windows as they are written. There are few of them, each of them on many SLOs.
#[derive(Default)]
struct Lengths {
    written: Vec<(Millis, String)>,
}

impl Lengths {
    fn of(&mut self, length: Millis) -> &str {
        let known = self.written.iter().position(|(known, _)| *known == length);
        let at = known.unwrap_or_else(|| {
            self.written.push((length, length.in_units()));
            self.written.len() - 1
        });
        &self.written[at].1
    }
}

fn views(snapshots: &[Arc<Snapshot>]) -> impl Iterator<Item = (&Snapshot, &SloView)> {
    snapshots.iter().flat_map(|snapshot| snapshot.slos.iter().map(move |view| (&**snapshot, view)))
}

fn labels<'a>(snapshot: &'a Snapshot, view: &'a SloView) -> [&'a str; 4] {
    let group = view.group.as_ref().map_or("", |group| group.as_str());
    let topic = view.topic.as_ref().map_or("", |topic| topic.as_str());
    [snapshot.cluster.as_str(), &view.slo.name, group, topic]
}

/// `counts`, unless they are the zeros of an SLO that was never measured: those say nothing.
pub(crate) fn counted(view: &SloView, counts: Counts) -> Option<Counts> {
    let says_nothing = counts.is_empty() && view.state == SloState::Unmeasured;
    (!says_nothing).then_some(counts)
}

/// The burn rates that may be shown, each window once.
pub(crate) fn burn_rates<'a>(
    snapshot: &Snapshot,
    view: &'a SloView,
) -> impl Iterator<Item = &'a BurnRate> + use<'a> {
    let may_be_shown = is_current(snapshot.up, view) && counted(view, view.window).is_some();
    let rates: &[BurnRate] = if may_be_shown { &view.burn_rates } else { &[] };
    let is_first = |at: usize| rates[..at].iter().all(|earlier| earlier.window != rates[at].window);
    rates.iter().enumerate().filter(move |(at, _)| is_first(*at)).map(|(_, rate)| rate)
}

/// The SLOs and alerts that cannot be judged now, by name and why: one for each group and topic.
pub(crate) fn unmeasured(snapshot: &Snapshot) -> impl Iterator<Item = (&str, Because)> {
    let slos = snapshot.slos.iter().filter_map(|view| Some((view.slo.name.as_ref(), why(view)?)));
    let alerts = snapshot.alerts.iter().filter_map(|view| Some((view.name.as_ref(), view.because.clone()?)));
    slos.chain(alerts)
}

fn why(view: &SloView) -> Option<Because> {
    let unnamed = || Because { label: NO_REASON, sentence: "too few events could be measured".into() };
    view.because.clone().or_else(|| (view.state == SloState::Unmeasured).then(unnamed))
}
