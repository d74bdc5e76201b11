//! `GET /api/v1/slos`: every SLO of every group and topic, with its budget and what it is made of.
//! Never says 0 for what is not known: the key is absent, and `reason` says why.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use super::{ApiState, Problem, Snapshots};
use crate::model::{Partition, Selector};

mod fill;

/// What the list may be narrowed to: exact names or globs.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    cluster: Option<String>,
    slo: Option<String>,
    group: Option<String>,
    topic: Option<String>,
}

/// The answer of `/api/v1/slos`.
#[derive(Debug, Serialize)]
pub(super) struct SloList {
    slos: Vec<SloStatus>,
}

/// One SLO of one group and topic.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SloStatus {
    /// The cluster's name in the settings.
    pub cluster: String,
    /// The SLO's name.
    pub slo: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The group; absent where none is meant, and where the selector matches nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The topic; absent where none is meant, and where the selector matches nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// As a phrase: `latency within 100ms`.
    pub indicator: String,
    /// What is counted: `records` or `slices`.
    pub unit: &'static str,
    /// Exactly, as a percentage: `99.9%`.
    pub objective: String,
    /// The same as a number from 0 to 1.
    pub objective_ratio: f64,
    /// As it is written: `30d`.
    pub window: String,
    /// `ok`, `unmeasured`, `ticket` or `page`.
    pub state: &'static str,
    /// Since when it stands there, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_since: Option<String>,
    /// Why it cannot be judged, as one word for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The same as one clause for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Nothing happens and nothing waits.
    pub idle: bool,
    /// Good events of the window. Absent, like all counts, while nothing was ever measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub good: Option<u64>,
    /// Bad events of the window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bad: Option<u64>,
    /// Events of the window that nobody can judge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmeasured: Option<u64>,
    /// Everything counted since measuring began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<CountsStatus>,
    /// The measured share of the window, 1 without traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<f64>,
    /// The share of the error budget that is left; negative when more than all of it is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_remaining: Option<f64>,
    /// When the budget is used up at the burn rate of the last hour; absent when it does not shrink, or is used up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exhausted_in_seconds: Option<f64>,
    /// Shortest window first. Empty while nothing was ever measured, and when what is known does not reach up to now:
    /// records while the cluster is down.
    pub burn_rates: Vec<BurnRateStatus>,
    /// The tier that makes the state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub governing: Option<TierStatus>,
    /// The partitions with most bad events in the last hour, worst first.
    pub worst_partitions: Vec<WorstPartitionStatus>,
    /// When measuring began, in RFC 3339; absent before the first judgement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured_since: Option<String>,
    /// When the cluster was last measured, in RFC 3339; absent if never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured_at: Option<String>,
    /// The rule's own labels.
    pub labels: BTreeMap<String, String>,
    /// Where it is written what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
}

/// Events that were judged, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CountsStatus {
    /// The promise was kept.
    pub good: u64,
    /// It was not.
    pub bad: u64,
    /// Nobody can know.
    pub unmeasured: u64,
}

/// How fast a window burns the budget.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BurnRateStatus {
    /// Its length: `5m`, `1h`, `30d`.
    pub window: String,
    /// 1 uses the budget up exactly; absent when the window holds nothing measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// The measured share of the window, 1 without traffic.
    pub coverage: f64,
}

/// A pair of windows that both burn too fast.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TierStatus {
    /// `page` or `ticket`.
    pub severity: &'static str,
    /// The long window's length.
    pub long: String,
    /// The short window's length.
    pub short: String,
    /// Both burn, or burned, faster than this.
    pub factor: f64,
    /// Absent when the long window holds nothing measured, or does not reach up to now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub long_rate: Option<f64>,
    /// Absent when the short window holds nothing measured, or does not reach up to now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short_rate: Option<f64>,
    /// What is known now does not decide it, so it stays as it was.
    pub held: bool,
}

/// One partition with bad events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WorstPartitionStatus {
    /// The partition, from 0.
    pub partition: Partition,
    /// Its events in the last hour.
    #[serde(flatten)]
    pub counts: CountsStatus,
}

pub(super) async fn list(
    State(state): State<ApiState>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<SloList>, Problem> {
    let Query(query) = query.map_err(|why| Problem::bad_request(&why.body_text()))?;
    let snapshots = state.latest();
    // with thousands of them this takes long enough to hold up others
    let slos = tokio::task::spawn_blocking(move || select(&snapshots, &query));
    slos.await.map(|slos| Json(SloList { slos })).map_err(|_panicked| Problem::internal())
}

fn select(snapshots: &Snapshots, query: &ListQuery) -> Vec<SloStatus> {
    let wanted = Wanted::new(&query.cluster, &query.slo, &query.group, &query.topic);
    let mut slos = Vec::new();
    for snapshot in snapshots.iter() {
        for view in &snapshot.slos {
            let (group, topic) = (view.group.as_ref(), view.topic.as_ref());
            let place = [group.map(|group| group.as_str()), topic.map(|topic| topic.as_str())];
            if wanted.takes(snapshot.cluster.as_str(), &view.slo.name, place) {
                slos.push(SloStatus::of(snapshot, view));
            }
        }
    }
    slos
}

/// What an SLO or an alert has to match to be listed.
pub(super) struct Wanted {
    selectors: [Option<Selector>; 4],
}

impl Wanted {
    /// Names or globs, each as it stands in the request.
    pub(super) fn new(
        cluster: &Option<String>,
        name: &Option<String>,
        group: &Option<String>,
        topic: &Option<String>,
    ) -> Self {
        Self { selectors: [cluster, name, group, topic].map(|text| text.as_deref().map(Selector::new)) }
    }

    /// Whether everything that was asked for matches; what has no group or no topic matches no selector of one.
    pub(super) fn takes(&self, cluster: &str, name: &str, [group, topic]: [Option<&str>; 2]) -> bool {
        let given = [Some(cluster), Some(name), group, topic];
        let matches = |(selector, name): (&Option<Selector>, Option<&str>)| match (selector, name) {
            (None, _) => true,
            (Some(selector), Some(name)) => selector.matches(name),
            (Some(_), None) => false,
        };
        self.selectors.iter().zip(given).all(matches)
    }
}

/// The rule's own labels, as JSON has them.
pub(super) fn own_labels(labels: &BTreeMap<Arc<str>, Arc<str>>) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().to_owned())).collect()
}
