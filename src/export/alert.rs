//! `ALERTS`, as Prometheus itself exports them: threshold alerts, and SLOs that page or ask for a ticket.
//! Never decides that something is an alert. Alerts are held through an outage, so they are shown during one.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::text::{Family, Page};
use crate::model::{AlertState, AlertView, Metric, Severity, SloState, SloView, Snapshot};

pub(super) fn render(snapshots: &[Arc<Snapshot>], page: &mut Page<'_>) {
    let mut family = page.family(Metric::Alerts);
    for snapshot in snapshots {
        let cluster = snapshot.cluster.as_str();
        for view in &snapshot.alerts {
            alert(&mut family, cluster, view);
        }
        for view in &snapshot.slos {
            slo(&mut family, cluster, view);
        }
    }
}

fn alert(family: &mut Family<'_>, cluster: &str, view: &AlertView) {
    let partition = view.partition.map(|partition| partition.to_string());
    let labels = [
        cluster,
        &view.name,
        view.state.label(),
        view.severity.label(),
        "",
        view.group.as_ref().map_or("", |group| group.as_str()),
        view.topic.as_ref().map_or("", |topic| topic.as_str()),
        partition.as_deref().unwrap_or(""),
        "",
    ];
    family.labelled(&labels, own(&view.labels), 1_u32);
}

fn slo(family: &mut Family<'_>, cluster: &str, view: &SloView) {
    let severity = match view.state {
        SloState::Page => Some(Severity::Page),
        SloState::Ticket => Some(Severity::Ticket),
        SloState::Unmeasured | SloState::Ok => None,
    };
    // The one for being unmeasured is another alert of the same name, so it needs a label of its own.
    let unmeasured = view.unmeasured_alert.then_some((Severity::Ticket, "true"));
    for (severity, unmeasured) in severity.map(|severity| (severity, "")).into_iter().chain(unmeasured) {
        let labels = [
            cluster,
            &view.slo.name,
            AlertState::Firing.label(),
            severity.label(),
            &view.slo.name,
            view.group.as_ref().map_or("", |group| group.as_str()),
            view.topic.as_ref().map_or("", |topic| topic.as_str()),
            "",
            unmeasured,
        ];
        family.labelled(&labels, own(&view.slo.labels), 1_u32);
    }
}

fn own(labels: &BTreeMap<Arc<str>, Arc<str>>) -> impl Iterator<Item = (&str, &str)> {
    labels.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
}
