//! The shape in which Alertmanager calls webhooks, version 4: what takes its messages takes ours.

use std::collections::BTreeMap;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use super::answer::Secrets;
use super::config::{ReceiverConfig, WebhookConfig};
use super::http::{self, Http};
use super::labels;
use super::message::{Failure, Message, Notice, NoticeKind, Receipt};
use super::unusable::Unusable;
use super::{fingerprint, words};

/// The end of what goes on: the zero time of the language that Alertmanager is written in.
const NO_END: &str = "0001-01-01T00:00:00Z";

/// An address, and what is sent with each request.
pub(super) struct Webhook {
    http: Http,
    url: Url,
    headers: HeaderMap,
}

impl Webhook {
    pub(super) fn build(config: &ReceiverConfig, webhook: &WebhookConfig) -> Result<Self, Unusable> {
        let url = http::url(config, "url", webhook.url.expose())?;
        let mut secrets = Secrets::default();
        secrets.add_url(&url);
        let mut headers = HeaderMap::new();
        for (name, value) in &webhook.headers {
            let wrong = || {
                let what = format!("has a header that cannot be sent, {:?}", super::cut::plain(name, 80));
                Unusable::new(
                    &config.name,
                    what,
                    "use letters, digits and - in names, and one line as the value",
                )
            };
            let value = value.expose();
            let mut sent = HeaderValue::from_str(value).map_err(|_| wrong())?;
            sent.set_sensitive(true);
            headers.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?, sent);
            secrets.add(value);
            // `Bearer` is none, what follows it is one.
            value.split_whitespace().skip(1).for_each(|part| secrets.add(part));
        }
        let http = Http::new(config, std::slice::from_ref(&url), secrets)?;
        Ok(Self { http, url, headers })
    }

    pub(super) async fn send(&self, message: &Message) -> Result<Receipt, Failure> {
        let request = self
            .http
            .post(&self.url)
            .json(&body(message))
            .header("Idempotency-Key", fingerprint::of_message(message))
            .headers(self.headers.clone());
        let taken = self.http.send(request, message.at).await?;
        Ok(Receipt::plain(&taken.status, message))
    }
}

/// In the order in which Alertmanager writes its fields.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    version: &'static str,
    group_key: String,
    truncated_alerts: usize,
    status: &'static str,
    receiver: String,
    group_labels: BTreeMap<String, String>,
    common_labels: BTreeMap<String, String>,
    common_annotations: BTreeMap<String, String>,
    #[serde(rename = "externalURL")]
    external_url: String,
    #[serde(rename = "notification_reason")]
    notification_reason: &'static str,
    route_labels: BTreeMap<String, String>,
    alerts: Vec<Alert>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    status: &'static str,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: String,
    fingerprint: String,
}

fn body(message: &Message) -> Body {
    let (listed, more) = words::listed(message);
    let alerts: Vec<_> = listed.iter().map(|notice| alert(message, notice)).collect();
    Body {
        version: "4",
        group_key: message.group_key.clone(),
        truncated_alerts: more,
        status: status(words::is_firing(message)),
        receiver: message.receiver.to_string(),
        group_labels: message.group_labels.clone(),
        common_labels: common(alerts.iter().map(|alert| &alert.labels)),
        common_annotations: common(alerts.iter().map(|alert| &alert.annotations)),
        external_url: message.links.external_url.clone().unwrap_or_default(),
        notification_reason: reason(message),
        route_labels: BTreeMap::new(),
        alerts,
    }
}

fn alert(message: &Message, notice: &Notice) -> Alert {
    let incident = &*notice.incident;
    let end = incident.resolved_at.filter(|_| !notice.kind.is_firing());
    Alert {
        status: status(notice.kind.is_firing()),
        labels: labels::with_severity(message, incident, incident.severity),
        annotations: labels::annotations(message, notice),
        starts_at: words::iso(incident.opened_at),
        ends_at: end.map_or_else(|| NO_END.to_owned(), words::iso),
        generator_url: words::page(&message.links, incident).unwrap_or_default(),
        fingerprint: labels::fingerprint(message, incident),
    }
}

fn status(is_firing: bool) -> &'static str {
    if is_firing { "firing" } else { "resolved" }
}

/// Alertmanager's words for why it tells.
fn reason(message: &Message) -> &'static str {
    let has = |kinds: &[NoticeKind]| message.notices.iter().any(|notice| kinds.contains(&notice.kind));
    let all = |kind| message.notices.iter().all(|notice| notice.kind == kind);
    if all(NoticeKind::Fired) {
        "first notification"
    } else if has(&[NoticeKind::Fired, NoticeKind::Escalated, NoticeKind::Calmed]) {
        "new alerts added"
    } else if !words::is_firing(message) {
        "all alerts resolved"
    } else if has(&[NoticeKind::Resolved, NoticeKind::FiredAndResolved]) {
        "some alerts resolved"
    } else {
        "repeat interval elapsed"
    }
}

/// What all of them have alike.
fn common<'a>(mut sets: impl Iterator<Item = &'a BTreeMap<String, String>>) -> BTreeMap<String, String> {
    let mut common = sets.next().cloned().unwrap_or_default();
    for set in sets {
        common.retain(|name, value| set.get(name) == Some(value));
    }
    common
}

#[cfg(test)]
mod tests;
