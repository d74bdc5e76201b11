//! What speaks in a tick, and how: an SLO that burns, one that is unmeasured for too long, an alert that fires.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{
    AlertView, Because, Budget, Counts, Measured, Millis, Partition, Reason, Severity, SloState, SloView,
    Timestamp,
};
use crate::slo;

/// The words of a rule that an incident shows.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) covers: u32,
    pub(super) summary: Arc<str>,
    pub(super) value: Option<f64>,
    pub(super) labels: Arc<BTreeMap<Arc<str>, Arc<str>>>,
    pub(super) description: Option<Arc<str>>,
    pub(super) runbook: Option<Arc<str>>,
}

/// Something speaks.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    pub(super) severity: Severity,
    /// Since when it is so.
    pub(super) since: Timestamp,
    /// How long it has to be silent.
    pub(super) resolve_after: Millis,
    /// Why it is held rather than judged, if it is.
    pub(super) because: Option<Because>,
    pub(super) said: Said,
    pub(super) budget: Option<Budget>,
    /// Late records by partition, worst first.
    pub(super) bad: &'a [(Partition, Counts)],
    /// It says that the cluster cannot be reached, which is why the others are inhibited.
    pub(super) is_unreachable: bool,
}

/// How urgent a state is, if it is.
pub(super) fn burns(state: SloState) -> Option<Severity> {
    match state {
        SloState::Page => Some(Severity::Page),
        SloState::Ticket => Some(Severity::Ticket),
        SloState::Unmeasured | SloState::Ok => None,
    }
}

pub(super) fn unmeasured(why: Reason) -> Because {
    Because { label: why.label(), sentence: why.to_string().into() }
}

/// Of an SLO that is held although its cluster is measured.
pub(super) fn undecided() -> Because {
    Because { label: "low_coverage", sentence: "too little can be measured to say whether it goes on".into() }
}

impl<'a> Claim<'a> {
    pub(super) fn of_slo(up: Measured<()>, view: &'a SloView, severity: Severity) -> Self {
        let is_current = slo::is_current(up, view);
        let is_held = view.governing.as_ref().is_some_and(|tier| tier.held);
        let because = match up {
            Err(why) if !is_current => Some(unmeasured(why)),
            _ => is_held.then(undecided),
        };
        let value = view.governing.as_ref().and_then(|tier| tier.long_rate).filter(|_| is_current);
        Self {
            severity,
            because,
            said: said(view, slo::burning(up, view).into(), value),
            ..Self::of_unmeasured(up, view)
        }
    }

    pub(super) fn of_unmeasured(up: Measured<()>, view: &'a SloView) -> Self {
        Self {
            severity: Severity::Ticket,
            since: view.state_since,
            resolve_after: view.slo.resolve_after,
            because: None,
            said: said(view, slo::unmeasured(view).into(), None),
            budget: Some(budget(up, view)),
            bad: &view.worst_partitions,
            is_unreachable: false,
        }
    }

    pub(super) fn of_alert(view: &'a AlertView) -> Self {
        Self {
            severity: view.severity,
            since: view.since,
            // The alert itself has waited for as long as its rule says.
            resolve_after: Millis(0),
            because: view.because.clone(),
            said: Said {
                covers: view.covers,
                summary: Arc::clone(&view.summary),
                value: view.value,
                labels: Arc::clone(&view.labels),
                description: view.description.clone(),
                runbook: view.runbook.clone(),
            },
            budget: None,
            bad: &[],
            is_unreachable: view.condition == "unreachable",
        }
    }
}

/// What an SLO shows beside its budget.
pub(super) fn said(view: &SloView, summary: Arc<str>, value: Option<f64>) -> Said {
    Said {
        covers: 1,
        summary,
        value,
        labels: Arc::clone(&view.slo.labels),
        description: view.slo.description.clone(),
        runbook: view.slo.runbook.clone(),
    }
}

/// What is left of an SLO's budget; what was left at the beginning is not known here.
pub(super) fn budget(up: Measured<()>, view: &SloView) -> Budget {
    Budget {
        window: Arc::clone(&view.slo.window),
        indicator: Arc::clone(&view.slo.indicator),
        remaining: view.budget_remaining,
        remaining_at_opening: None,
        exhausted_in: view.exhausted_in.filter(|_| slo::is_current(up, view)),
    }
}
