//! `GET /api/v1/groups` and `GET /api/v1/groups/{cluster}/{group}`.
//! Says "no such group" only where that is known: of a cluster that is down, it is not.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};

use super::cluster::why_down;
use super::{ApiState, GroupStatus, Problem, Snapshots};
use crate::model::{GroupId, Reason, Selector, Snapshot, Subject};

/// What a list may be narrowed to: exact names or globs.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    cluster: Option<String>,
    group: Option<String>,
    topic: Option<String>,
}

/// What one group may be narrowed to.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DetailQuery {
    topic: Option<String>,
}

/// The answer of `/api/v1/groups`.
#[derive(Debug, Serialize)]
pub(super) struct GroupList {
    groups: Vec<GroupStatus>,
}

pub(super) async fn list(
    State(state): State<ApiState>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<GroupList>, Problem> {
    let Query(query) = query.map_err(|why| Problem::bad_request(&why.body_text()))?;
    let snapshots = state.latest();
    // with many partitions this takes long enough to hold up others
    let groups = tokio::task::spawn_blocking(move || select(&snapshots, &query));
    groups.await.map(|groups| Json(GroupList { groups })).map_err(|_panicked| Problem::internal())
}

pub(super) async fn detail(
    State(state): State<ApiState>,
    path: Result<Path<(String, String)>, PathRejection>,
    query: Result<Query<DetailQuery>, QueryRejection>,
) -> Result<Json<GroupStatus>, Problem> {
    let Path((cluster, group)) = path.map_err(|why| Problem::bad_request(&why.body_text()))?;
    let Query(query) = query.map_err(|why| Problem::bad_request(&why.body_text()))?;
    let snapshots = state.latest();
    let snapshot = snapshots
        .iter()
        .find(|snapshot| snapshot.cluster.as_str() == cluster)
        .ok_or_else(|| Problem::not_found("cluster", &cluster, cluster_names(&snapshots)))?;
    let found = snapshot.groups.iter().find(|view| view.group.as_str() == group);
    let view = found.ok_or_else(|| absent(snapshot, &group))?;
    let topics = query.topic.as_deref().map(Selector::new);
    Ok(Json(GroupStatus::of(snapshot, view, topics.as_ref(), Some(&state.history))))
}

fn select(snapshots: &Snapshots, query: &ListQuery) -> Vec<GroupStatus> {
    let selector = |text: &Option<String>| text.as_deref().map(Selector::new);
    let (cluster, group, topic) = (selector(&query.cluster), selector(&query.group), selector(&query.topic));
    let takes = |selector: &Option<Selector>, name: &str| selector.as_ref().is_none_or(|it| it.matches(name));
    let mut groups = Vec::new();
    for snapshot in snapshots.iter().filter(|snapshot| takes(&cluster, snapshot.cluster.as_str())) {
        for view in snapshot.groups.iter().filter(|view| takes(&group, view.group.as_str())) {
            let has_topic = topic.is_none() || view.topics.iter().any(|it| takes(&topic, it.topic.as_str()));
            if has_topic {
                groups.push(GroupStatus::of(snapshot, view, topic.as_ref(), None));
            }
        }
    }
    groups
}

fn cluster_names(snapshots: &Snapshots) -> impl Iterator<Item = &str> {
    snapshots.iter().map(|snapshot| snapshot.cluster.as_str())
}

/// Why a group is not in the snapshot: it does not exist, or that cannot be told.
fn absent(snapshot: &Snapshot, group: &str) -> Problem {
    if let Err(reason) = snapshot.up {
        return Problem::unmeasured(group, &why_down(snapshot, reason));
    }
    let unmeasured = snapshot.unmeasured.iter().find(|item| {
        item.subject == Subject::Group && item.name == group && item.reason != Reason::NoSuchGroup
    });
    match unmeasured {
        Some(item) => Problem::unmeasured(group, &item.reason.to_string()),
        None => {
            let names = snapshot.groups.iter().map(|view| &view.group).map(GroupId::as_str);
            Problem::not_found("group", group, names)
        }
    }
}
