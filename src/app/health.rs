//! `plimsoll health`: whether a running daemon answers and measures, in one line and an exit code. Changes nothing.

use std::io::Write;

use serde::Deserialize;

use super::client::{BAD_URL, Question};
use super::{Ending, say};
use crate::cli::HealthArgs;

/// What of `/readyz` matters here.
#[derive(Debug, Deserialize)]
struct Readiness {
    clusters: Vec<Cluster>,
}

#[derive(Debug, Deserialize)]
struct Cluster {
    cluster: String,
    up: bool,
    /// Why it is not measured.
    detail: Option<String>,
}

/// # Errors
/// When no daemon answers, or standard output cannot be written.
pub(super) fn run(arguments: &HealthArgs) -> anyhow::Result<Ending> {
    let Some(question) = Question::new(&arguments.daemon.url, "/readyz", &[]) else {
        say(BAD_URL);
        return Ok(Ending::Refused);
    };
    let (is_ready, readiness) = question.ask_whether::<Readiness>()?;
    writeln!(std::io::stdout(), "{}", sentence(is_ready, &readiness))?;
    Ok(if is_ready || !arguments.ready { Ending::Fine } else { Ending::Failed })
}

fn sentence(is_ready: bool, readiness: &Readiness) -> String {
    let away: Vec<_> = readiness.clusters.iter().filter(|cluster| !cluster.up).map(cluster_words).collect();
    let state = if is_ready { "healthy and ready" } else { "healthy, not ready" };
    if away.is_empty() { state.to_owned() } else { format!("{state}: {}", away.join("; ")) }
}

fn cluster_words(cluster: &Cluster) -> String {
    let why = cluster.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
    format!("cluster {} is not measured{why}", cluster.cluster)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(is_ready: bool, answer: &str, expected: &str) {
        assert_eq!(sentence(is_ready, &serde_json::from_str(answer).unwrap()), expected);
    }

    #[test]
    fn what_is_not_measured_is_named_with_its_reason() {
        check(true, r#"{"clusters":[{"cluster":"a","up":true}]}"#, "healthy and ready");
        check(
            true,
            r#"{"clusters":[{"cluster":"a","up":true},{"cluster":"b","up":false,"detail":"no broker answers"}]}"#,
            "healthy and ready: cluster b is not measured: no broker answers",
        );
        check(
            false,
            r#"{"clusters":[{"cluster":"a","up":false}]}"#,
            "healthy, not ready: cluster a is not measured",
        );
    }
}
