//! Alertmanagers, told as Prometheus tells them: every instance, again and again while it goes on.
//! To them the severity is a part of what an alert is, so one that changes ends the old alert and begins another.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use reqwest::Url;
use serde::Serialize;

use super::answer::Secrets;
use super::config::{AlertmanagerConfig, ReceiverConfig};
use super::http::{self, Http};
use super::message::{Failure, Message, Notice, NoticeKind, Receipt, Thread};
use super::unusable::Unusable;
use super::{labels, words};
use crate::model::{Incident, Millis, Severity, Timestamp};

/// How long an alert goes on without being told again: four times as long as it takes until it is.
const LIVES: Millis = Millis::from_seconds(4 * 60);

/// How long an alert that is over before it was told is told as if it were not: an Alertmanager is silent about what
/// begins and ends before its first look, and looks after 30 s by default.
const LINGERS: Millis = Millis::from_seconds(2 * 60);

/// The most alerts in one request.
const BATCH: usize = 256;

/// All the instances.
pub(super) struct Alertmanager {
    http: Http,
    instances: Vec<Instance>,
}

struct Instance {
    /// With `/api/v2/alerts`, without user and password.
    url: Url,
    user: String,
    password: Option<crate::model::Secret>,
}

impl Alertmanager {
    pub(super) fn build(config: &ReceiverConfig, settings: &AlertmanagerConfig) -> Result<Self, Unusable> {
        let mut urls = Vec::new();
        for text in &settings.urls {
            urls.push(http::url(config, "urls", text.expose())?);
        }
        if urls.is_empty() {
            let help = "name every instance of the Alertmanager in `urls`";
            return Err(Unusable::new(&config.name, "has no address", help));
        }
        let mut secrets = Secrets::default();
        urls.iter().for_each(|url| secrets.add_url(url));
        let http = Http::new(config, &urls, secrets)?;
        Ok(Self { http, instances: urls.iter().map(Instance::new).collect() })
    }

    /// All instances have to take it: each of them may be the one that tells people. Telling them again is harmless.
    pub(super) async fn send(&self, message: &Message) -> Result<Receipt, Failure> {
        let alerts = alerts(message);
        let tells = self.instances.iter().map(|instance| self.tell(instance, &alerts, message.at));
        let answers = join_all(tells).await;
        let mut failures = Vec::new();
        for (at, answer) in answers.into_iter().enumerate() {
            failures.extend(answer.err().map(|failure| (at, failure)));
        }
        if failures.is_empty() {
            return Ok(Receipt {
                answer: "200 OK".to_owned(),
                threads: message.notices.iter().map(told).collect(),
            });
        }
        Err(self.failure(&failures))
    }

    async fn tell(&self, instance: &Instance, alerts: &[Alert], now: Timestamp) -> Result<(), Failure> {
        for batch in alerts.chunks(BATCH) {
            let mut request = self.http.post(&instance.url).json(batch);
            if let Some(password) = &instance.password {
                request = request.basic_auth(&instance.user, Some(password.expose()));
            } else if !instance.user.is_empty() {
                request = request.basic_auth(&instance.user, None::<&str>);
            }
            self.http.send(request, now).await?;
        }
        Ok(())
    }

    /// One failure of those of some instances, by their place in the settings. It is final only when all of them have
    /// refused: as long as one may take it, it is tried again.
    fn failure(&self, failures: &[(usize, Failure)]) -> Failure {
        let of = self.instances.len();
        let mut wait = None;
        let mut is_final = failures.len() == of;
        let mut texts = Vec::new();
        for (at, failure) in failures {
            let answer = match failure {
                Failure::Later { answer, after } => {
                    wait = wait.max(*after);
                    is_final = false;
                    answer
                }
                Failure::Never { answer } => answer,
            };
            texts.push(if of == 1 {
                answer.clone()
            } else {
                format!("instance {} of {of}: {answer}", at + 1)
            });
        }
        let answer = texts.join("; ");
        if is_final { self.http.secrets.never(&answer) } else { self.http.secrets.later(&answer, wait) }
    }
}

impl Instance {
    fn new(url: &Url) -> Self {
        let decoded =
            |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let user = decoded(url.username());
        let password = url.password().map(|password| crate::model::Secret::new(decoded(password)));
        let mut url = url.clone();
        // Fails for addresses that cannot have any.
        url.set_username("").ok();
        url.set_password(None).ok();
        url.set_path(&format!("{}/api/v2/alerts", url.path().trim_end_matches('/')));
        Self { url, user, password }
    }
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    /// Always there: an Alertmanager takes the end for the beginning otherwise.
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL", skip_serializing_if = "String::is_empty")]
    generator_url: String,
}

/// Of every notice the alert as it is now, after the one that it was before, which is over.
fn alerts(message: &Message) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for notice in &message.notices {
        for severity in before(notice) {
            alerts.push(alert(message, notice, severity, message.at));
        }
        let incident = &*notice.incident;
        let end = match (notice.kind, incident.resolved_at) {
            (NoticeKind::FiredAndResolved, _) => message.at + LINGERS,
            (NoticeKind::Resolved, Some(end)) => end,
            (NoticeKind::Resolved, None) => message.at,
            _ => message.at + LIVES,
        };
        alerts.push(alert(message, notice, incident.severity, end));
    }
    alerts
}

/// The severities under which it was told before, other than that of now: the one that was kept, or, where nothing was,
/// all that it may have had.
fn before(notice: &Notice) -> Vec<Severity> {
    let incident: &Incident = &notice.incident;
    let all = [Severity::Info, Severity::Ticket, Severity::Page];
    let is_kept = |thread: &&Thread| all.iter().any(|severity| thread.id == severity.label());
    let was_told = |severity: &Severity| match notice.thread.as_ref().filter(is_kept) {
        Some(thread) => thread.id == severity.label(),
        None => {
            *severity <= incident.worst
                && matches!(notice.kind, NoticeKind::Escalated | NoticeKind::Calmed | NoticeKind::Resolved)
                && incident.worst > Severity::Info
        }
    };
    all.into_iter().filter(|severity| *severity != incident.severity && was_told(severity)).collect()
}

fn alert(message: &Message, notice: &Notice, severity: Severity, end: Timestamp) -> Alert {
    let incident = &*notice.incident;
    let labels = labels::with_severity(message, incident, severity);
    Alert {
        // Alertmanagers before 0.27 refuse every other name.
        labels: labels.into_iter().map(|(name, value)| (label_name(&name), value)).collect(),
        annotations: labels::annotations(message, notice),
        starts_at: words::iso(incident.opened_at.min(end)),
        ends_at: words::iso(end),
        generator_url: words::page(&message.links, incident).unwrap_or_default(),
    }
}

/// `name` with an underscore for everything that a label's name may not hold.
fn label_name(name: &str) -> String {
    let fits = |(at, c): (usize, char)| {
        let is_fit = c == '_' || c.is_ascii_alphabetic() || (at > 0 && c.is_ascii_digit());
        if is_fit { c } else { '_' }
    };
    let fit: String = name.chars().enumerate().map(fits).collect();
    if fit.is_empty() { "_".to_owned() } else { fit }
}

/// What has to be known to speak of the same alert again: the severity that it was told with.
fn told(notice: &Notice) -> Option<Thread> {
    Some(Thread { channel: String::new(), id: notice.incident.severity.label().to_owned() })
}

#[cfg(test)]
mod tests;
