//! Labels and annotations as Prometheus' world has them, for webhooks and Alertmanagers.

use std::collections::BTreeMap;

use super::message::{Message, Notice};
use super::{fingerprint, words};
use crate::model::{Incident, Severity};

/// The label that keeps a drill apart from every real incident.
const DRILL: &str = "drill";

/// All labels that have a value, but the severity.
fn without_severity(message: &Message, incident: &Incident) -> BTreeMap<String, String> {
    let mut labels: BTreeMap<_, _> =
        incident.label_set().into_iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    labels.remove("severity");
    if message.is_drill {
        labels.insert(DRILL.to_owned(), "true".to_owned());
    }
    labels.retain(|_, value| !value.is_empty());
    labels
}

/// All labels that have a value, with `severity`.
pub(super) fn with_severity(
    message: &Message,
    incident: &Incident,
    severity: Severity,
) -> BTreeMap<String, String> {
    let mut labels = without_severity(message, incident);
    labels.insert("severity".to_owned(), severity.label().to_owned());
    labels
}

/// The same for an incident whatever its severity. 16 hexadecimal digits.
pub(super) fn fingerprint(message: &Message, incident: &Incident) -> String {
    let labels = without_severity(message, incident);
    fingerprint::of_labels(labels.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// What is so now: for people, and the numbers for programs. What is not measured is absent.
pub(super) fn annotations(message: &Message, notice: &Notice) -> BTreeMap<String, String> {
    let incident = &*notice.incident;
    let story = words::story(message, notice);
    let facts = story.facts.iter().filter(|fact| fact.name != "Labels");
    let facts = facts.map(|fact| format!("{}: {}", fact.name, fact.lines.join("; ")));
    let description = std::iter::once(story.sentence.clone()).chain(facts).collect::<Vec<_>>().join("\n");
    let link = |name| story.links.iter().find(|link| link.name == name).map(|link| link.url.clone());
    let (budget, trend) = (incident.budget.as_ref(), incident.trend);
    let number = |value: Option<f64>| value.map(|value| value.to_string());
    [
        ("summary", Some(story.headline.clone())),
        ("description", Some(description)),
        ("runbook_url", link("Runbook")),
        ("dashboard_url", link("Dashboard")),
        ("incident", Some(incident.id.to_string())),
        ("incident_url", link("Incident")),
        ("value", number(incident.value)),
        ("lag", trend.map(|trend| trend.lag.to_string())),
        ("time_lag_seconds", number(trend.and_then(|trend| trend.time_lag).map(|late| late.as_seconds()))),
        ("budget_remaining", number(budget.and_then(|budget| budget.remaining))),
        (
            "budget_exhausted_in_seconds",
            number(budget.and_then(|it| it.exhausted_in).map(|it| it.as_seconds())),
        ),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}
