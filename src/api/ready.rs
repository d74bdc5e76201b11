//! `GET /readyz`: whether anything is measured, and everything that is not, with its reason.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::{ApiState, UnmeasuredStatus, cluster};
use crate::model::Snapshot;

/// The answer of `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether the last tick measured at least one cluster. The status is 503 when it did not, else 200.
    pub ready: bool,
    /// Every cluster of the settings.
    pub clusters: Vec<ClusterReadiness>,
    /// What else a person should know of the daemon, a sentence each; absent when there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What is and what is not measured of one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClusterReadiness {
    /// Its name in the settings.
    pub cluster: String,
    /// Whether the last tick measured it.
    pub up: bool,
    /// Why it did not, as one word for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The same as one clause for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// When it was last measured, in RFC 3339; absent if never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_measured: Option<String>,
    /// What should be known and is not, by name.
    pub unmeasured: Vec<UnmeasuredStatus>,
    /// Series that the history refused because its budget was used up; absent when it refused none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_series_dropped: Option<u64>,
}

impl Readiness {
    fn of(snapshots: &super::Snapshots, warnings: Vec<String>) -> Self {
        Self {
            ready: snapshots.iter().any(|snapshot| snapshot.up.is_ok()),
            clusters: snapshots.iter().map(|snapshot| ClusterReadiness::of(snapshot)).collect(),
            warnings,
        }
    }
}

impl ClusterReadiness {
    fn of(snapshot: &Snapshot) -> Self {
        let reason = snapshot.up.err();
        let dropped = snapshot.history_series_dropped;
        Self {
            cluster: snapshot.cluster.as_str().to_owned(),
            up: reason.is_none(),
            reason: reason.map(|reason| reason.label()),
            detail: reason.map(|reason| cluster::why_down(snapshot, reason)),
            last_measured: snapshot.last_measured.and_then(cluster::rfc3339),
            unmeasured: cluster::unmeasured(snapshot),
            history_series_dropped: (dropped > 0).then_some(dropped),
        }
    }
}

pub(super) async fn serve(State(state): State<ApiState>) -> Response {
    let readiness = Readiness::of(&state.latest(), (state.warnings)());
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}
