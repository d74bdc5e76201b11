//! Fills an alert's wire type from a snapshot: from a threshold alert, or from an SLO that raises one.

use super::AlertStatus;
use crate::api::cluster::rfc3339;
use crate::api::slo::own_labels;
use crate::model::{AlertState, AlertView, Severity, SloState, SloView, Snapshot};
use crate::slo;

impl AlertStatus {
    /// A threshold alert, one of those of `snapshot`.
    #[must_use]
    pub fn of_alert(snapshot: &Snapshot, view: &AlertView) -> Self {
        Self {
            cluster: snapshot.cluster.as_str().to_owned(),
            source: "alert",
            name: view.name.as_ref().to_owned(),
            state: view.state.label(),
            severity: view.severity.label(),
            group: view.group.as_ref().map(|group| group.as_str().to_owned()),
            topic: view.topic.as_ref().map(|topic| topic.as_str().to_owned()),
            partition: view.partition,
            covers: (view.covers != 1).then_some(view.covers),
            summary: view.summary.as_ref().to_owned(),
            value: view.value,
            since: rfc3339(view.since),
            firing_since: view.firing_since.and_then(rfc3339),
            unmeasured: false,
            reason: view.because.as_ref().map(|because| because.label),
            detail: view.because.as_ref().map(ToString::to_string),
            labels: own_labels(&view.labels),
            runbook: view.runbook.as_ref().map(|runbook| runbook.as_ref().to_owned()),
        }
    }

    /// What an SLO of `snapshot` raises: nothing, the tier that is true, the alert that it is unmeasured, or both.
    pub(super) fn of_slo(snapshot: &Snapshot, view: &SloView) -> Vec<(Severity, Self)> {
        let burns = match view.state {
            SloState::Page => Some(Severity::Page),
            SloState::Ticket => Some(Severity::Ticket),
            SloState::Unmeasured | SloState::Ok => None,
        };
        let burns = burns.map(|severity| {
            let long_rate = view.governing.as_ref().and_then(|tier| tier.long_rate);
            let value = long_rate.filter(|_| slo::is_current(snapshot.up, view));
            (
                severity,
                Self { value, ..Self::raised(snapshot, view, severity, slo::burning(snapshot.up, view)) },
            )
        });
        let unmeasured = view.unmeasured_alert.then(|| {
            let alert = Self::raised(snapshot, view, Severity::Ticket, slo::unmeasured(view));
            // since when it is unmeasured is known, since when for too long is not
            (Severity::Ticket, Self { unmeasured: true, firing_since: None, ..alert })
        });
        burns.into_iter().chain(unmeasured).collect()
    }

    fn raised(snapshot: &Snapshot, view: &SloView, severity: Severity, summary: String) -> Self {
        Self {
            cluster: snapshot.cluster.as_str().to_owned(),
            source: "slo",
            name: view.slo.name.as_ref().to_owned(),
            state: AlertState::Firing.label(),
            severity: severity.label(),
            group: view.group.as_ref().map(|group| group.as_str().to_owned()),
            topic: view.topic.as_ref().map(|topic| topic.as_str().to_owned()),
            partition: None,
            covers: None,
            summary,
            value: None,
            since: rfc3339(view.state_since),
            firing_since: rfc3339(view.state_since),
            unmeasured: false,
            reason: view.because.as_ref().map(|because| because.label),
            detail: view.because.as_ref().map(ToString::to_string),
            labels: own_labels(&view.slo.labels),
            runbook: view.slo.runbook.as_ref().map(|runbook| runbook.as_ref().to_owned()),
        }
    }
}
