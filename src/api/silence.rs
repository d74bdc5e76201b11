//! `/api/v1/silences`: the one thing that requests may change, and only those from this machine. In Kafka they change
//! nothing either.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, Extension, Path, State};
use axum::http::header::{FORWARDED, HeaderName, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::{Json, response::IntoResponse, response::Response};
use serde::{Deserialize, Serialize};

use super::{ApiState, Problem, cluster};
use crate::model::{Millis, Timestamp};
use crate::notify::{Matcher, NewSilence, Silence, SilenceId, SilenceState};

/// The most bytes of a request.
pub(super) const MOST_BYTES: usize = 64 * 1024;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Ends a silence now, and gives it; `None` when there is none of that id.
pub type ExpireSilence = Arc<dyn Fn(&SilenceId) -> Option<Silence> + Send + Sync>;

/// What the API may do with silences. The functions may block.
#[derive(Clone)]
pub struct SilenceAccess {
    /// The time of day.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// All there are.
    pub list: Arc<dyn Fn() -> Vec<Silence> + Send + Sync>,
    /// Makes one, or says in one sentence why it cannot be.
    pub add: Arc<dyn Fn(NewSilence) -> Result<Silence, String> + Send + Sync>,
    /// Ends one now; `None` when there is none of that id.
    pub expire: ExpireSilence,
}

impl fmt::Debug for SilenceAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SilenceAccess").finish_non_exhaustive()
    }
}

/// The answer of `GET /api/v1/silences`.
#[derive(Debug, Serialize)]
pub(super) struct SilenceList {
    silences: Vec<SilenceStatus>,
}

/// One silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SilenceStatus {
    /// Which.
    pub id: String,
    /// `active`, `pending` or `expired`.
    pub state: &'static str,
    /// All of them have to match: `team="payments"`.
    pub matchers: Vec<String>,
    /// In RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<String>,
    /// In RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<String>,
    /// In RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// Who made it.
    pub author: String,
    /// Why.
    pub comment: String,
}

/// The body of `POST /api/v1/silences`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    matchers: Vec<String>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    duration: Option<String>,
    author: String,
    #[serde(default)]
    comment: String,
}

impl SilenceStatus {
    fn of(silence: &Silence, now: Timestamp) -> Self {
        let wanted = &silence.wanted;
        Self {
            id: silence.id.to_string(),
            state: silence.state(now).label(),
            matchers: wanted.matchers.iter().map(Matcher::to_string).collect(),
            starts_at: cluster::rfc3339(wanted.starts_at),
            ends_at: cluster::rfc3339(wanted.ends_at),
            created_at: cluster::rfc3339(silence.created_at),
            author: wanted.author.clone(),
            comment: wanted.comment.clone(),
        }
    }
}

impl Wanted {
    fn parse(self, now: Timestamp) -> Result<NewSilence, String> {
        let matcher = |text: &String| {
            Matcher::parse(text)
                .map_err(|wrong| format!("the matcher {text:?} {}: {}", wrong.what, wrong.help))
        };
        let matchers = self.matchers.iter().map(matcher).collect::<Result<Vec<_>, _>>()?;
        let starts_at = self.starts_at.as_deref().map(|text| time("starts_at", text)).transpose()?;
        let starts_at = starts_at.unwrap_or(now);
        let ends_at = match (self.ends_at.as_deref(), self.duration.as_deref()) {
            (Some(text), None) => time("ends_at", text)?,
            (None, Some(text)) => {
                let length = Millis::from_units(text).ok_or_else(|| {
                    format!(
                        "duration {text:?} is not a length of time: write one such as \"2h\" or \"1h30m\""
                    )
                })?;
                starts_at + length
            }
            (Some(_), Some(_)) => return Err("a silence has either ends_at or duration, not both".to_owned()),
            (None, None) => return Err("a silence needs an end: ends_at or duration".to_owned()),
        };
        if cluster::rfc3339(ends_at).is_none() {
            return Err("a silence cannot end that far in the future".to_owned());
        }
        Ok(NewSilence { matchers, starts_at, ends_at, author: self.author, comment: self.comment })
    }
}

fn time(name: &str, text: &str) -> Result<Timestamp, String> {
    let time: jiff::Timestamp = text.parse().map_err(|_| {
        format!("{name} {text:?} is not a time: write one in RFC 3339, such as \"2026-01-02T03:04:05Z\"")
    })?;
    Ok(Timestamp(time.as_millisecond()))
}

pub(super) async fn list(State(state): State<ApiState>) -> Json<SilenceList> {
    let now = (state.silences.now)();
    let mut silences = (state.silences.list)();
    let rank = |silence: &Silence| match silence.state(now) {
        SilenceState::Active => (0, silence.wanted.ends_at.0),
        SilenceState::Pending => (1, silence.wanted.starts_at.0),
        SilenceState::Expired => (2, -silence.wanted.ends_at.0),
    };
    silences.sort_by_key(|silence| (rank(silence), silence.id.clone()));
    Json(SilenceList { silences: silences.iter().map(|silence| SilenceStatus::of(silence, now)).collect() })
}

/// Who asks; absent when that is not known, which is as good as somebody far away.
type Peer = Option<Extension<ConnectInfo<SocketAddr>>>;

pub(super) async fn add(
    State(state): State<ApiState>,
    peer: Peer,
    headers: HeaderMap,
    body: Result<Json<Wanted>, JsonRejection>,
) -> Result<Response, Problem> {
    may_write(peer, &headers)?;
    let Json(wanted) = body.map_err(|why| Problem::rejected(why.status(), &why.body_text()))?;
    let access = state.silences;
    let now = (access.now)();
    let wanted = wanted.parse(now).map_err(|why| Problem::bad_request(&why))?;
    let added = tokio::task::spawn_blocking(move || (access.add)(wanted)).await;
    let silence =
        added.map_err(|_panicked| Problem::internal())?.map_err(|why| Problem::bad_request(&why))?;
    Ok((StatusCode::CREATED, Json(SilenceStatus::of(&silence, now))).into_response())
}

pub(super) async fn expire(
    State(state): State<ApiState>,
    peer: Peer,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<SilenceStatus>, Problem> {
    may_write(peer, &headers)?;
    let access = state.silences;
    let known = Arc::clone(&access.list);
    let wanted = SilenceId::from_text(&id);
    let expired = tokio::task::spawn_blocking(move || (access.expire)(&wanted)).await;
    match expired.map_err(|_panicked| Problem::internal())? {
        Some(silence) => Ok(Json(SilenceStatus::of(&silence, (access.now)()))),
        None => {
            let known = known();
            Err(Problem::not_found("silence", &id, known.iter().map(|silence| silence.id.as_str())))
        }
    }
}

/// As long as nobody has to say who they are, only those on this machine may change anything: not those behind a proxy
/// on it, and no page that a browser on it shows.
fn may_write(peer: Peer, headers: &HeaderMap) -> Result<(), Problem> {
    let is_here = peer.is_some_and(|Extension(ConnectInfo(peer))| peer.ip().to_canonical().is_loopback());
    let is_handed_on = [FORWARDED, FORWARDED_FOR, ORIGIN].iter().any(|name| headers.contains_key(name));
    if is_here && !is_handed_on {
        return Ok(());
    }
    Err(Problem::forbidden(
        "silences can be changed from the daemon's own machine only, at 127.0.0.1 and not through a proxy or a browser",
    ))
}
