//! `GET /api/v1/clusters`: what is known of each cluster as a whole.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::{Snapshots, UnmeasuredStatus};
use crate::export::unmeasured_slos;
use crate::model::{Because, Reason, Snapshot, Subject, Timestamp};

/// The answer of `/api/v1/clusters`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ClusterList {
    clusters: Vec<ClusterStatus>,
}

/// One cluster. What is not known now is absent, never null and never 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClusterStatus {
    /// Its name in the settings.
    pub cluster: String,
    /// Whether the last tick measured it.
    pub up: bool,
    /// When it was last measured, in RFC 3339; absent if never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured_at: Option<String>,
    /// The cluster's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<String>,
    /// How commits are read.
    pub commit_source: &'static str,
    /// Whose clock tells up to when they are complete.
    pub clock: &'static str,
    /// The ticks of this process so far.
    pub tick: u64,
    /// Absent while the cluster is down, like the counts that follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brokers: Option<Vec<BrokerStatus>>,
    /// Topics that are watched and could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topics: Option<usize>,
    /// Their partitions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partitions: Option<usize>,
    /// Consumer groups that are watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<usize>,
    /// What should be known and is not, by name.
    pub unmeasured: Vec<UnmeasuredStatus>,
}

/// One broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrokerStatus {
    /// The broker's node id.
    pub id: i32,
    /// `host:port` as advertised.
    pub address: String,
    /// False for one that was seen before and is missing.
    pub up: bool,
}

impl ClusterList {
    pub(super) fn of(snapshots: &Snapshots) -> Self {
        Self { clusters: snapshots.iter().map(|snapshot| ClusterStatus::of(snapshot)).collect() }
    }
}

impl IntoResponse for ClusterList {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

impl ClusterStatus {
    /// What `snapshot` holds of the cluster as a whole.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        let is_up = snapshot.up.is_ok();
        let readable = || snapshot.topics.iter().filter(|topic| !topic.partitions.is_empty());
        Self {
            cluster: snapshot.cluster.as_str().to_owned(),
            up: is_up,
            measured_at: snapshot.last_measured.and_then(rfc3339),
            cluster_id: snapshot.cluster_id.clone(),
            commit_source: snapshot.commit_source.label(),
            clock: snapshot.clock.label(),
            tick: snapshot.tick,
            brokers: is_up.then(|| brokers(snapshot)),
            topics: is_up.then(|| readable().count()),
            partitions: is_up.then(|| readable().map(|topic| topic.partitions.len()).sum()),
            groups: is_up.then_some(snapshot.groups.len()),
            unmeasured: unmeasured(snapshot),
        }
    }
}

fn brokers(snapshot: &Snapshot) -> Vec<BrokerStatus> {
    let status = |view: &crate::model::BrokerView| BrokerStatus {
        id: view.broker.id,
        address: view.broker.address.as_ref().to_owned(),
        up: view.up,
    };
    snapshot.brokers.iter().map(status).collect()
}

/// Everything of the cluster that is not known; the cluster itself first, when it is down.
pub(super) fn unmeasured(snapshot: &Snapshot) -> Vec<UnmeasuredStatus> {
    let is_told = |subject| subject == Subject::Cluster && snapshot.up.is_err();
    let itself = snapshot.up.err().map(|reason| UnmeasuredStatus {
        subject: Subject::Cluster.label(),
        name: snapshot.cluster.as_str().to_owned(),
        reason: reason.label(),
        detail: why_down(snapshot, reason),
    });
    let others = snapshot.unmeasured.iter().filter(|item| !is_told(item.subject));
    let promises = promises(snapshot);
    itself.into_iter().chain(others.map(UnmeasuredStatus::from)).chain(promises).collect()
}

/// The SLOs and alerts that cannot be judged: one line for each name and reason, however many groups it has.
fn promises(snapshot: &Snapshot) -> Vec<UnmeasuredStatus> {
    let mut found: BTreeMap<(&str, &str), (Because, usize)> = BTreeMap::new();
    for (name, because) in unmeasured_slos(snapshot) {
        found.entry((name, because.label)).or_insert((because, 0)).1 += 1;
    }
    let is_told = |name: &str, reason: &str| {
        let mut told = snapshot.unmeasured.iter().filter(|item| item.subject == Subject::Slo);
        told.any(|item| item.name == name && item.reason.label() == reason)
    };
    let status = |((name, _), (because, count)): ((&str, &str), (Because, usize))| UnmeasuredStatus {
        subject: Subject::Slo.label(),
        name: name.to_owned(),
        reason: because.label,
        detail: match count {
            1 => because.to_string(),
            _ => format!("{because} (and {} more of its groups and topics)", count - 1),
        },
    };
    found.into_iter().filter(|((name, reason), _)| !is_told(name, reason)).map(status).collect()
}

/// The broker's own words where there are any.
pub(super) fn why_down(snapshot: &Snapshot, reason: Reason) -> String {
    snapshot.down_because.clone().unwrap_or_else(|| reason.to_string())
}

/// RFC 3339 with milliseconds, in UTC; `None` outside the years that it can write.
pub fn rfc3339(at: Timestamp) -> Option<String> {
    jiff::Timestamp::from_millisecond(at.0).ok().map(|at| format!("{at:.3}"))
}
