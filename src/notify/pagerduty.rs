//! PagerDuty's Events API v2: one alert per incident, under one key from its first trigger to its resolve.
//!
//! | severity here | severity there |
//! | --- | --- |
//! | page | critical |
//! | ticket | warning |
//! | info | info |

use reqwest::Url;
use serde_json::{Map, Value, json};

use super::answer::Secrets;
use super::config::{PagerDutyConfig, ReceiverConfig};
use super::http::{self, Http};
use super::message::{Failure, Message, Notice, NoticeKind, Receipt};
use super::unusable::Unusable;
use super::{cut, words};
use crate::model::{Incident, Secret, Severity};

/// The longest summary, in characters.
const SUMMARY: usize = 1024;
/// The longest of the other texts: source, component, group and class, in characters.
const TEXT: usize = 255;
/// The largest event, in bytes.
const EVENT: usize = 512_000;

/// An integration.
pub(super) struct PagerDuty {
    http: Http,
    url: Url,
    routing_key: Secret,
}

impl PagerDuty {
    pub(super) fn build(config: &ReceiverConfig, pagerduty: &PagerDutyConfig) -> Result<Self, Unusable> {
        let key = pagerduty.routing_key.expose();
        if key.is_empty() {
            let help = "set the integration key of the service, 32 characters";
            return Err(Unusable::new(&config.name, "has an empty `routing_key`", help));
        }
        let url = http::url(config, "url", &pagerduty.url)?;
        let mut secrets = Secrets::default();
        secrets.add(key);
        secrets.add_user(&url);
        let http = Http::new(config, std::slice::from_ref(&url), secrets)?;
        Ok(Self { http, url, routing_key: pagerduty.routing_key.clone() })
    }

    /// Sends every event of `message`. All of it is sent again after a failure, which PagerDuty's keys make harmless.
    pub(super) async fn send(&self, message: &Message) -> Result<Receipt, Failure> {
        let mut answer = String::new();
        for event in events(message) {
            let mut body = event;
            body.insert("routing_key".to_owned(), self.routing_key.expose().into());
            answer = self.http.send(self.http.post(&self.url).json(&body), message.at).await?.status;
        }
        Ok(Receipt::plain(&answer, message))
    }
}

/// The events of `message` in the order of sending, without the routing key.
fn events(message: &Message) -> Vec<Map<String, Value>> {
    if message.is_summary {
        let key = key(message, &message.group_key);
        let trigger = || summary(message, &key);
        return match (words::is_firing(message), message.notices.iter().map(|notice| notice.kind).max()) {
            (true, _) => vec![trigger()],
            (false, Some(NoticeKind::FiredAndResolved)) => vec![trigger(), resolve(&key)],
            (false, _) => vec![resolve(&key)],
        };
    }
    let mut events = Vec::new();
    for notice in &message.notices {
        let key = key(message, notice.incident.key.as_str());
        if notice.kind != NoticeKind::Resolved {
            events.push(trigger(message, notice, &key));
        }
        if !notice.kind.is_firing() {
            events.push(resolve(&key));
        }
    }
    events
}

/// A drill never touches the alert of a real incident.
fn key(message: &Message, key: &str) -> String {
    format!("plimsoll-{}{key}", if message.is_drill { "drill-" } else { "" })
}

fn resolve(key: &str) -> Map<String, Value> {
    fields(json!({ "event_action": "resolve", "dedup_key": key }))
}

fn trigger(message: &Message, notice: &Notice, key: &str) -> Map<String, Value> {
    let incident = &*notice.incident;
    let story = words::story(message, notice);
    let mut details = Map::new();
    details.insert("What".to_owned(), story.sentence.into());
    for fact in story.facts {
        details.insert(fact.name.to_owned(), fact.lines.join("\n").into());
    }
    details.insert("Incident".to_owned(), incident.id.as_str().into());
    let mut payload = fields(json!({
        "summary": cut::within(&story.headline, SUMMARY),
        "source": source(incident),
        "severity": severity(incident.severity),
        "timestamp": words::iso(incident.opened_at),
        "class": text(&incident.name),
        "custom_details": details,
    }));
    let component = incident.topic.as_ref().map(|topic| text(topic.as_str()));
    let group = incident.group.as_ref().map(|group| text(group.as_str()));
    payload.extend(component.map(|topic| ("component".to_owned(), topic.into())));
    payload.extend(group.map(|group| ("group".to_owned(), group.into())));
    let links: Vec<_> =
        story.links.iter().map(|link| json!({ "href": link.url, "text": link.name })).collect();
    let page = story.links.iter().find(|link| link.name == "Incident").map(|link| link.url.clone());
    event(key, &payload, &links, page)
}

fn summary(message: &Message, key: &str) -> Map<String, Value> {
    let (listed, more) = words::listed(message);
    let mut lines: Vec<_> = listed
        .iter()
        .map(|notice| format!("[{}] {}", words::tag(notice), words::headline(message, notice)))
        .collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    let first = listed.first().map(|notice| &*notice.incident);
    let payload = fields(json!({
        "summary": cut::within(&words::title(message), SUMMARY),
        "source": first.map_or_else(|| "plimsoll".to_owned(), source),
        "severity": severity(words::severity(message)),
        "timestamp": words::iso(message.at),
        "class": first.map_or_else(String::new, |incident| text(&incident.name)),
        "custom_details": { "Incidents": lines.join("\n") },
    }));
    event(key, &payload, &[], message.links.external_url.clone())
}

fn event(
    key: &str,
    payload: &Map<String, Value>,
    links: &[Value],
    page: Option<String>,
) -> Map<String, Value> {
    let mut event = fields(json!({
        "event_action": "trigger",
        "dedup_key": key,
        "client": "Plimsoll",
        "payload": payload,
    }));
    event.extend(page.map(|page| ("client_url".to_owned(), page.into())));
    if !links.is_empty() {
        event.insert("links".to_owned(), links.into());
    }
    // Every part is bounded, so this does not happen; if it did, the page matters more than its details.
    if serde_json::to_vec(&event).is_ok_and(|bytes| bytes.len() > EVENT - 1000)
        && let Some(Value::Object(payload)) = event.get_mut("payload")
    {
        payload.remove("custom_details");
    }
    event
}

fn source(incident: &Incident) -> String {
    // Required, and never empty.
    let cluster = text(incident.cluster.as_str());
    if cluster.is_empty() { "plimsoll".to_owned() } else { cluster }
}

fn text(text: &str) -> String {
    cut::plain(text, TEXT)
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Page => "critical",
        Severity::Ticket => "warning",
        Severity::Info => "info",
    }
}

/// The fields of an object that was written as one.
fn fields(value: Value) -> Map<String, Value> {
    if let Value::Object(fields) = value { fields } else { Map::new() }
}

#[cfg(test)]
mod tests;
