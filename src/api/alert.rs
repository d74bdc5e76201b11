//! `GET /api/v1/alerts`: everything that is pending or firing, threshold alerts and SLOs in one list, worst first.
//! Never decides that something is an alert: the states are those of the last tick.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use super::slo::Wanted;
use super::{ApiState, Problem, Snapshots};
use crate::model::Partition;

mod fill;

/// What the list may be narrowed to: exact names or globs.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    cluster: Option<String>,
    name: Option<String>,
    group: Option<String>,
    topic: Option<String>,
}

/// The answer of `/api/v1/alerts`.
#[derive(Debug, Serialize)]
pub(super) struct AlertList {
    alerts: Vec<AlertStatus>,
}

/// One alert that is pending or firing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlertStatus {
    /// The cluster's name in the settings.
    pub cluster: String,
    /// `alert`, or `slo` for one that an SLO raises.
    pub source: &'static str,
    /// The rule's name, or the SLO's.
    pub name: String,
    /// `pending` or `firing`.
    pub state: &'static str,
    /// `page`, `ticket` or `info`.
    pub severity: &'static str,
    /// Absent where none is meant, and in a summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Absent where none is meant, and in a summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Only of rules that speak per partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    /// How many alerts this one stands for; absent unless it is a summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covers: Option<u32>,
    /// What is so, in one clause.
    pub summary: String,
    /// The value that was compared, in the unit of the condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Since when it is so, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Since when it fires, in RFC 3339; absent while it is pending, and of an SLO that is unmeasured for too long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firing_since: Option<String>,
    /// The SLO has been unmeasured for too long: that is what this alert says. Absent of all others.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unmeasured: bool,
    /// Why it cannot be judged now, as one word for programs; it stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The same as one clause for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The rule's own labels.
    pub labels: BTreeMap<String, String>,
    /// Where it is written what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
}

pub(super) async fn list(
    State(state): State<ApiState>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<AlertList>, Problem> {
    let Query(query) = query.map_err(|why| Problem::bad_request(&why.body_text()))?;
    let snapshots = state.latest();
    // with thousands of them this takes long enough to hold up others
    let alerts = tokio::task::spawn_blocking(move || select(&snapshots, &query));
    alerts.await.map(|alerts| Json(AlertList { alerts })).map_err(|_panicked| Problem::internal())
}

fn select(snapshots: &Snapshots, query: &ListQuery) -> Vec<AlertStatus> {
    let wanted = Wanted::new(&query.cluster, &query.name, &query.group, &query.topic);
    let mut alerts = Vec::new();
    for snapshot in snapshots.iter() {
        let thresholds =
            snapshot.alerts.iter().map(|view| (view.severity, AlertStatus::of_alert(snapshot, view)));
        let slos = snapshot.slos.iter().flat_map(|view| AlertStatus::of_slo(snapshot, view));
        alerts.extend(thresholds.chain(slos).filter(|(_, alert)| {
            wanted.takes(&alert.cluster, &alert.name, [alert.group.as_deref(), alert.topic.as_deref()])
        }));
    }
    // "firing" comes before "pending"; within, they stay in the order of the snapshot
    alerts.sort_by_key(|(severity, alert)| (alert.state, Reverse(*severity)));
    alerts.into_iter().map(|(_, alert)| alert).collect()
}
