//! Incidents and receivers to try the outbox with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::model::{
    Change, ClusterName, Incident, IncidentId, IncidentKey, IncidentSource, Millis, Secret, Severity,
    Timestamp,
};

mod laws;
mod many;
mod restart;
mod stories;
mod world;

const START: Timestamp = Timestamp(1_767_323_045_678);

fn at(seconds: u64) -> Timestamp {
    START + Millis::from_seconds(seconds)
}

/// The first incident of a rule on a topic of the cluster `prod`.
fn incident(rule: &str, topic: &str, severity: Severity, opened_at: Timestamp) -> Incident {
    incident_in("prod", rule, topic, severity, opened_at)
}

fn incident_in(cluster: &str, rule: &str, topic: &str, severity: Severity, opened_at: Timestamp) -> Incident {
    let (cluster, topic) = (ClusterName::from(cluster), topic.into());
    let key = IncidentKey::of(&cluster, IncidentSource::Alert, rule, None, Some(&topic), None);
    Incident {
        id: IncidentId::new(&key, opened_at),
        key,
        cluster,
        source: IncidentSource::Alert,
        name: rule.into(),
        group: None,
        topic: Some(topic),
        partition: None,
        covers: 1,
        severity,
        worst: severity,
        since: opened_at,
        opened_at,
        resolved_at: None,
        revision: 1,
        change: Change::Opened,
        changed_at: opened_at,
        because: None,
        inhibited: false,
        summary: "lag is 12000, above 10000".into(),
        value: Some(12_000.0),
        budget: None,
        trend: None,
        worst_partitions: Vec::new(),
        happenings: Vec::new(),
        labels: Arc::new(BTreeMap::from([("team".into(), "payments".into())])),
        description: None,
        runbook: None,
    }
}

fn changed(before: &Incident, severity: Severity, now: Timestamp) -> Incident {
    let change = if severity > before.severity { Change::Escalated } else { Change::Calmed };
    Incident {
        severity,
        worst: before.worst.max(severity),
        revision: before.revision + 1,
        change,
        changed_at: now,
        ..before.clone()
    }
}

fn resolved(before: &Incident, now: Timestamp) -> Incident {
    Incident {
        resolved_at: Some(now),
        revision: before.revision + 1,
        change: Change::Resolved,
        changed_at: now,
        ..before.clone()
    }
}

fn receiver(name: &str, kind: ReceiverKind) -> ReceiverConfig {
    ReceiverConfig::new(ReceiverName::from(name), kind)
}

fn pager() -> ReceiverKind {
    let url = "https://events.pagerduty.com/v2/enqueue".to_owned();
    ReceiverKind::PagerDuty(PagerDutyConfig { routing_key: Secret::new("0".repeat(32)), url })
}

fn slack() -> ReceiverKind {
    let access = SlackAccess::Webhook { url: Secret::new("https://hooks.slack.example/x".to_owned()) };
    ReceiverKind::Slack(SlackConfig { access, api_url: "https://slack.com/api".to_owned() })
}

fn bot() -> ReceiverKind {
    let access = SlackAccess::Bot { token: Secret::new("xoxb-1".to_owned()), channel: "C1".to_owned() };
    ReceiverKind::Slack(SlackConfig { access, api_url: "https://slack.com/api".to_owned() })
}

fn hook() -> ReceiverKind {
    let url = Secret::new("https://hook.example/".to_owned());
    ReceiverKind::Webhook(WebhookConfig { url, headers: BTreeMap::new() })
}

fn alertmanager() -> ReceiverKind {
    ReceiverKind::Alertmanager(AlertmanagerConfig { urls: vec![Secret::new("http://am".to_owned())] })
}

fn route(matchers: &[&str], receivers: &[&str]) -> RouteConfig {
    RouteConfig {
        matchers: matchers.iter().map(|text| Matcher::parse(text).unwrap()).collect(),
        receivers: receivers.iter().map(|name| ReceiverName::from(*name)).collect(),
        goes_on: false,
        grouping: None,
    }
}

/// One receiver that is told everything.
fn only(kind: ReceiverKind) -> NotifyConfig {
    let config = receiver("r", kind);
    NotifyConfig { receivers: vec![config], routes: vec![route(&[], &["r"])], ..NotifyConfig::default() }
}

fn taken(message: &Message) -> Receipt {
    Receipt { answer: "200 OK".to_owned(), threads: vec![None; message.notices.len()] }
}

const TOOK: Duration = Duration::from_millis(20);

/// `!topic` fired, `^` escalated, `v` calmed, `=` repeated, `.` resolved, `!.` both; a summary in brackets.
fn spoken(message: &Message) -> String {
    let word = |notice: &Notice| {
        let sign = match notice.kind {
            NoticeKind::Fired => "!",
            NoticeKind::Escalated => "^",
            NoticeKind::Calmed => "v",
            NoticeKind::Repeated => "=",
            NoticeKind::Resolved => ".",
            NoticeKind::FiredAndResolved => "!.",
        };
        format!("{sign}{}", notice.incident.topic.as_ref().map_or("", |topic| topic.as_str()))
    };
    let words: Vec<String> = message.notices.iter().map(word).collect();
    if message.is_summary { format!("[{}]", words.join(" ")) } else { words.join(" ") }
}
