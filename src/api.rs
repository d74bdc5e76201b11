//! The HTTP API: metrics, health, readiness, and the same numbers as JSON. Read-only but for silences.
//! Never asks Kafka and never computes a measurement: every answer is what the last tick has published.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use tokio::sync::watch;

use crate::export::{Exposition, OwnMetrics};
use crate::model::{ClusterName, GroupId, HistoryPoint, Snapshot, TopicName};

mod alert;
mod cluster;
mod config;
mod group;
mod groups;
mod incident;
mod metrics;
mod problem;
mod ready;
mod silence;
mod slo;
mod unmeasured;

pub use alert::AlertStatus;
pub use cluster::{BrokerStatus, ClusterStatus, rfc3339};
pub use config::HttpConfig;
pub use group::{
    AssignmentStatus, BucketStatus, GroupStatus, HistoryStatus, LagStatus, LatencyStatus, MemberStatus,
    PartitionStatus, TimeLagStatus, TopicStatus,
};
pub use incident::{
    AttemptStatus, BlamedPartitionStatus, BudgetStatus, DeliveryLookup, DeliveryStatus, HappeningStatus,
    IncidentStatus, OwnerStatus, TrendStatus,
};
pub use problem::Problem;
pub use ready::{ClusterReadiness, Readiness};
pub use silence::{ExpireSilence, SilenceAccess, SilenceStatus};
pub use slo::{BurnRateStatus, CountsStatus, SloStatus, TierStatus, WorstPartitionStatus};
pub use unmeasured::{MissingValue, UnmeasuredStatus};

/// The latest snapshot of every cluster, each cluster once.
pub type Snapshots = Arc<[Arc<Snapshot>]>;

/// Gives the history of one topic of one group, oldest point first; empty when none is kept.
pub type HistoryLookup = Arc<dyn Fn(&ClusterName, &GroupId, &TopicName) -> Vec<HistoryPoint> + Send + Sync>;

/// Gives what a person should know of the daemon, a sentence each: selectors that match nothing, state that cannot be
/// written. Empty when all is well.
pub type Warnings = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

/// What the handlers read. Cheap to clone: all of it is shared.
#[derive(Clone)]
pub struct ApiState {
    /// Replaced after every tick.
    pub snapshots: watch::Receiver<Snapshots>,
    /// The metrics page of the last tick.
    pub exposition: Arc<Exposition>,
    /// Counts the scrapes.
    pub own: Arc<OwnMetrics>,
    /// Called once per topic of the group that a detail view shows.
    pub history: HistoryLookup,
    /// Called once per incident of an answer.
    pub deliveries: DeliveryLookup,
    /// The silences, which requests from this machine may change.
    pub silences: SilenceAccess,
    /// Called once per answer of `/readyz`.
    pub warnings: Warnings,
}

impl ApiState {
    fn latest(&self) -> Snapshots {
        Arc::clone(&self.snapshots.borrow())
    }
}

impl fmt::Debug for ApiState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiState").field("clusters", &self.snapshots.borrow().len()).finish_non_exhaustive()
    }
}

/// The routes, and what each answers.
const ROUTES: [(&str, &str); 11] = [
    ("/metrics", "everything for Prometheus, as of the last tick"),
    ("/healthz", "200 while the process lives"),
    ("/readyz", "503 while no cluster is measured; what is not measured, and why"),
    ("/api/v1/clusters", "the clusters"),
    ("/api/v1/groups", "the consumer groups; ?cluster=, ?group= and ?topic= take names or globs"),
    ("/api/v1/groups/{cluster}/{group}", "one group with its history; ?topic= as above"),
    ("/api/v1/slos", "the SLOs: budgets, burn rates, counts; ?cluster=, ?slo=, ?group=, ?topic= as above"),
    (
        "/api/v1/alerts",
        "what is pending or firing, SLOs included; ?cluster=, ?name=, ?group=, ?topic= as above",
    ),
    (
        "/api/v1/incidents",
        "what is wrong and what was; ?cluster=, ?name=, ?group=, ?topic= as above, ?state=open or resolved, ?id=",
    ),
    ("/api/v1/silences", "what nobody is told of for a time; POST, from this machine, makes another"),
    ("/api/v1/silences/{id}", "DELETE, from this machine, ends one"),
];

/// The whole API.
pub fn router(state: ApiState) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/metrics", get(metrics::serve))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready::serve))
        .route("/api/v1/clusters", get(clusters))
        .route("/api/v1/groups", get(groups::list))
        // group ids may hold slashes, encoded or not
        .route("/api/v1/groups/{cluster}/{*group}", get(groups::detail))
        .route("/api/v1/slos", get(slo::list))
        .route("/api/v1/alerts", get(alert::list))
        .route("/api/v1/incidents", get(incident::list))
        .route("/api/v1/silences", get(silence::list).post(silence::add))
        .route("/api/v1/silences/{id}", delete(silence::expire))
        .layer(DefaultBodyLimit::max(silence::MOST_BYTES))
        .method_not_allowed_fallback(wrong_method)
        .fallback(no_such_route)
        .with_state(state)
}

async fn index() -> String {
    let lines = ROUTES.iter().map(|(route, answer)| format!("{route:<34}{answer}\n"));
    std::iter::once("Plimsoll\n\n".to_owned()).chain(lines).collect()
}

async fn clusters(State(state): State<ApiState>) -> Response {
    cluster::ClusterList::of(&state.latest()).into_response()
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    Problem::wrong_method(&method, uri.path())
}

async fn no_such_route(uri: Uri) -> Problem {
    Problem::not_found("route", uri.path(), ROUTES.iter().map(|(route, _)| *route))
}
