//! Answers that are no success: one JSON object with a sentence, and the nearest name where a name was wrong.

use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Why a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    #[serde(skip)]
    status: u16,
    /// One sentence for people.
    pub error: String,
    /// The existing name that is most like the one asked for; absent when there is none at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

impl Problem {
    /// 404: there is no `kind` of that name.
    pub(super) fn not_found<'a>(kind: &str, name: &str, existing: impl Iterator<Item = &'a str>) -> Self {
        let nearest = existing
            .map(|candidate| (strsim::normalized_damerau_levenshtein(name, candidate), candidate))
            .max_by(|left, right| left.0.total_cmp(&right.0))
            .map(|(_, candidate)| candidate.to_owned());
        let hint =
            nearest.as_deref().map(|nearest| format!(", the nearest is {nearest:?}")).unwrap_or_default();
        Self { status: 404, error: format!("no such {kind}: {name:?}{hint}"), nearest }
    }

    /// 503: whether it exists, or what it is, cannot be told now.
    pub(super) fn unmeasured(name: &str, detail: &str) -> Self {
        Self { status: 503, error: format!("{name:?} is not measured: {detail}"), nearest: None }
    }

    /// 400: the request cannot be read.
    pub(super) fn bad_request(why: &str) -> Self {
        Self { status: 400, error: why.to_owned(), nearest: None }
    }

    /// 403: not from there.
    pub(super) fn forbidden(why: &str) -> Self {
        Self { status: 403, error: why.to_owned(), nearest: None }
    }

    /// The body of the request cannot be taken.
    pub(super) fn rejected(status: StatusCode, why: &str) -> Self {
        Self { status: status.as_u16(), error: why.to_owned(), nearest: None }
    }

    /// 405: what `path` answers is something else, nearly everywhere GET and nothing else.
    pub(super) fn wrong_method(method: &Method, path: &str) -> Self {
        let answers = match path.strip_prefix("/api/v1/silences") {
            Some("" | "/") => "GET and POST",
            Some(_) => "DELETE",
            None => "GET",
        };
        Self { status: 405, error: format!("{path} answers {answers}, not {method}"), nearest: None }
    }

    /// 500: the answer could not be made.
    pub(super) fn internal() -> Self {
        Self { status: 500, error: "the answer could not be made".to_owned(), nearest: None }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self)).into_response()
    }
}
