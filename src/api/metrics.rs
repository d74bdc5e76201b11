//! `GET /metrics`: the page that the last tick has published, compressed for whoever takes that.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::{ApiState, Problem};

const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn serve(State(state): State<ApiState>, headers: HeaderMap) -> Response {
    state.own.count_scrape();
    let common = [(CONTENT_TYPE, TEXT_FORMAT), (VARY, "accept-encoding")];
    if !takes_gzip(&headers) {
        return (common, state.exposition.plain()).into_response();
    }
    let exposition = Arc::clone(&state.exposition);
    // the first scrape after a tick compresses, which takes long enough to hold up others
    match tokio::task::spawn_blocking(move || exposition.gzip()).await {
        Ok(gzip) => (common, [(CONTENT_ENCODING, "gzip")], gzip).into_response(),
        Err(_panicked) => Problem::internal().into_response(),
    }
}

/// Whether `gzip` (or `*`, when gzip is not named) is accepted with a weight above 0.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| HeaderValue::to_str(value).ok());
    let (mut named, mut any) = (None, false);
    for coding in values.flat_map(|value| value.split(',')) {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        let is_taken = weight.is_ok_and(|weight| weight > 0.0);
        match name.trim() {
            name if name.eq_ignore_ascii_case("gzip") => named = Some(is_taken),
            "*" => any = is_taken,
            _ => {}
        }
    }
    named.unwrap_or(any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_goes_to_those_who_take_it() {
        let check = |accept: &'static str, expected: bool| {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(accept))]);
            assert_eq!(takes_gzip(&headers), expected, "{accept}");
        };
        check("gzip", true);
        check("deflate, GZIP;q=0.5", true);
        check("*", true);
        check("identity", false);
        check("gzip;q=0", false);
        check("*, gzip; q=0", false);
        check("gzip;q=nonsense", false);
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
