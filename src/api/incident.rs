//! `GET /api/v1/incidents`: what is wrong now and what was, with every try to tell somebody. Open ones first.
//! Never says 0 for what is not known: the key is absent.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use super::slo::Wanted;
use super::{ApiState, Problem, Snapshots};
use crate::model::{Incident, IncidentId, Partition};

mod fill;

/// Gives how far each receiver has been told of an incident; empty when nobody is to be told.
pub type DeliveryLookup = Arc<dyn Fn(&IncidentId) -> Vec<DeliveryStatus> + Send + Sync>;

/// What the list may be narrowed to: exact names or globs; one state; one id.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    cluster: Option<String>,
    name: Option<String>,
    group: Option<String>,
    topic: Option<String>,
    state: Option<WantedState>,
    id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WantedState {
    Open,
    Resolved,
}

/// The answer of `/api/v1/incidents`.
#[derive(Debug, Serialize)]
pub(super) struct IncidentList {
    incidents: Vec<IncidentStatus>,
}

/// One incident.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IncidentStatus {
    /// This one among all that there ever were.
    pub id: String,
    /// The same for every incident that there ever is at this place.
    pub key: String,
    /// The cluster's name in the settings.
    pub cluster: String,
    /// `slo`, `alert`, or `unmeasured_slo`.
    pub source: &'static str,
    /// The SLO's or the alert's name.
    pub name: String,
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
    /// `open` or `resolved`.
    pub state: &'static str,
    /// `page`, `ticket` or `info`: as it is now, or was last.
    pub severity: &'static str,
    /// The same at its worst.
    pub worst: &'static str,
    /// Since when the condition is, or was, true, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// When it became an incident, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<String>,
    /// When it was over, in RFC 3339; absent while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<String>,
    /// How long it lasted, or has lasted so far.
    pub lasted_seconds: f64,
    /// 1 when it opens; every change that is worth telling adds one.
    pub revision: u32,
    /// The last of these changes: `opened`, `escalated`, `calmed` or `resolved`.
    pub change: &'static str,
    /// When that was, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<String>,
    /// While it is open: why it cannot be judged now, as one word for programs; it stays as it is. When it is over: why,
    /// where nobody has seen its condition end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The same as one clause for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Its cluster cannot be reached, which is an incident of its own: nothing new is told of this one meanwhile.
    pub inhibited: bool,
    /// What is so, or was so when it was last told of, in one clause.
    pub summary: String,
    /// The value that was compared, in the unit of the condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Only of SLOs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetStatus>,
    /// Absent where lag is not measured, or no group is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trend: Option<TrendStatus>,
    /// Worst first, at most five.
    pub worst_partitions: Vec<BlamedPartitionStatus>,
    /// What happened around the beginning, in the order of time. Nobody says that it is the cause.
    pub happenings: Vec<HappeningStatus>,
    /// The rule's own labels.
    pub labels: BTreeMap<String, String>,
    /// For people, from the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where it is written what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// One for each receiver that is to be told, or was.
    pub deliveries: Vec<DeliveryStatus>,
}

/// An SLO's error budget.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BudgetStatus {
    /// The SLO's window as it is written: `30d`.
    pub window: String,
    /// As a phrase: `latency within 100ms`.
    pub indicator: String,
    /// The share that is left; negative when more than all of it is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<f64>,
    /// The same when the incident opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining_at_opening: Option<f64>,
    /// When it is used up at the rate of the last hour; absent when it does not shrink, or is used up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exhausted_in_seconds: Option<f64>,
}

/// Where lag goes, over all partitions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrendStatus {
    /// In records, now.
    pub lag: u64,
    /// In records, when the incident opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_at_opening: Option<u64>,
    /// In records, five minutes ago, or since the daemon has watched it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_before: Option<u64>,
    /// Of the worst partition, now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_lag_seconds: Option<f64>,
}

/// A partition that has a share in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlamedPartitionStatus {
    /// The partition, from 0.
    pub partition: Partition,
    /// In records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag: Option<u64>,
    /// Records that were late in the last hour; only of SLOs that count records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bad: Option<u64>,
    /// Who consumes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerStatus>,
}

/// The member of a group that consumes a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnerStatus {
    /// Its client id.
    pub client_id: String,
    /// Its host.
    pub host: String,
}

/// Something that happened around the beginning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HappeningStatus {
    /// When, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What, in one clause.
    pub what: String,
}

/// How far one receiver has been told of one incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryStatus {
    /// The receiver's name in the settings.
    pub receiver: String,
    /// `told`, `owed`, `refused`, `silenced` and the like.
    pub state: &'static str,
    /// Oldest first.
    pub attempts: Vec<AttemptStatus>,
}

/// One try to tell a receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttemptStatus {
    /// When, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What the receiver answered, in one line, without any secret; absent when it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// How long that took, in milliseconds.
    pub took_ms: u64,
    /// `delivered`, `failed` or `refused`.
    pub outcome: &'static str,
}

pub(super) async fn list(
    State(state): State<ApiState>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<IncidentList>, Problem> {
    let Query(query) = query.map_err(|why| Problem::bad_request(&why.body_text()))?;
    let (snapshots, deliveries) = (state.latest(), Arc::clone(&state.deliveries));
    // with thousands of them this takes long enough to hold up others
    let incidents = tokio::task::spawn_blocking(move || select(&snapshots, &query, &deliveries));
    incidents.await.map(|incidents| Json(IncidentList { incidents })).map_err(|_panicked| Problem::internal())
}

fn select(snapshots: &Snapshots, query: &ListQuery, deliveries: &DeliveryLookup) -> Vec<IncidentStatus> {
    let wanted = Wanted::new(&query.cluster, &query.name, &query.group, &query.topic);
    let is_wanted = |incident: &Incident| {
        let place =
            [incident.group.as_ref().map(|it| it.as_str()), incident.topic.as_ref().map(|it| it.as_str())];
        wanted.takes(incident.cluster.as_str(), &incident.name, place)
            && query.state.is_none_or(|state| (state == WantedState::Open) == incident.is_open())
            && query.id.as_deref().is_none_or(|id| id == incident.id.as_str())
    };
    let mut found = Vec::new();
    for snapshot in snapshots.iter() {
        let wanted = snapshot.incidents.iter().filter(|incident| is_wanted(incident));
        found.extend(wanted.map(|incident| (incident, snapshot.at)));
    }
    // within a cluster they are in order already, and this keeps the order of equals
    found.sort_by_key(|(incident, _)| {
        (!incident.is_open(), Reverse(incident.resolved_at.unwrap_or(incident.opened_at)))
    });
    found.iter().map(|(incident, now)| IncidentStatus::of(incident, *now, deliveries(&incident.id))).collect()
}
