//! One incident's messages, and receivers of every kind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use plimsoll::model::{
    Change, Incident, IncidentId, IncidentKey, IncidentSource, Millis, Secret, Severity, Timestamp,
};
use plimsoll::notify::{
    AlertmanagerConfig, HeartbeatConfig, Links, Message, Notice, NoticeKind, PagerDutyConfig, ReceiverConfig,
    ReceiverKind, ReceiverName, Sender, SlackAccess, SlackConfig, Thread, WebhookConfig,
};

/// 2026-11-25 09:46:40 UTC.
pub(super) const NOW: Timestamp = Timestamp(1_795_600_000_000);

/// A page since a minute.
pub(super) fn incident(group: &str) -> Incident {
    let (cluster, group, topic) = ("prod".into(), group.into(), "orders".into());
    let name = "orders-lag";
    let key = IncidentKey::of(&cluster, IncidentSource::Alert, name, Some(&group), Some(&topic), None);
    let opened_at = NOW - Millis(60_000);
    Incident {
        id: IncidentId::new(&key, opened_at),
        key,
        cluster,
        source: IncidentSource::Alert,
        name: name.into(),
        group: Some(group),
        topic: Some(topic),
        partition: None,
        covers: 1,
        severity: Severity::Page,
        worst: Severity::Page,
        since: opened_at,
        opened_at,
        resolved_at: None,
        revision: 1,
        change: Change::Opened,
        changed_at: opened_at,
        because: None,
        inhibited: false,
        summary: "lag is 12000 records, above 10000".into(),
        value: Some(12_000.0),
        budget: None,
        trend: None,
        worst_partitions: Vec::new(),
        happenings: Vec::new(),
        labels: Arc::new([("team".into(), "payments".into())].into()),
        description: None,
        runbook: Some("https://runbooks.example/lag".into()),
    }
}

/// The next revision of it: that it is over.
pub(super) fn over(incident: Incident) -> Incident {
    let revision = incident.revision + 1;
    Incident { resolved_at: Some(NOW - Millis(1_000)), revision, change: Change::Resolved, ..incident }
}

pub(super) fn notice(kind: NoticeKind, incident: Incident, thread: Option<Thread>) -> Notice {
    Notice { incident: Arc::new(incident), kind, thread }
}

pub(super) fn message(notices: Vec<Notice>) -> Message {
    Message {
        receiver: ReceiverName::from("oncall"),
        group_labels: BTreeMap::from([("alertname".to_owned(), "orders-lag".to_owned())]),
        group_key: "00112233445566778899aabbccddeeff".to_owned(),
        notices,
        is_summary: false,
        at: NOW,
        links: Links { external_url: Some("https://plimsoll.example".to_owned()) },
        is_drill: false,
    }
}

/// A page that is told for the first time.
pub(super) fn fired() -> Message {
    message(vec![notice(NoticeKind::Fired, incident("orders-processor"), None)])
}

pub(super) fn receiver(kind: ReceiverKind) -> ReceiverConfig {
    ReceiverConfig {
        timeout: Duration::from_secs(20),
        ..ReceiverConfig::new(ReceiverName::from("oncall"), kind)
    }
}

pub(super) fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

pub(super) fn pagerduty(base: &str) -> ReceiverKind {
    let url = format!("{base}/v2/enqueue");
    ReceiverKind::PagerDuty(PagerDutyConfig { routing_key: secret("0123456789abcdef0123456789ABCDEF"), url })
}

pub(super) fn slack_webhook(base: &str) -> ReceiverKind {
    let url = secret(&format!("{base}/services/T000SECRET/B000SECRET/hooksecret"));
    ReceiverKind::Slack(SlackConfig { access: SlackAccess::Webhook { url }, api_url: String::new() })
}

pub(super) fn slack_bot(base: &str) -> ReceiverKind {
    let access = SlackAccess::Bot { token: secret("xoxb-bot-token-secret"), channel: "#alerts".to_owned() };
    ReceiverKind::Slack(SlackConfig { access, api_url: format!("{base}/api") })
}

pub(super) fn webhook(base: &str) -> ReceiverKind {
    let headers = [("Authorization", "Bearer bearer-secret"), ("X-Api-Key", "key&\"secret")]
        .map(|(name, value)| (name.to_owned(), secret(value)));
    ReceiverKind::Webhook(WebhookConfig {
        url: secret(&format!("{base}/hook/pathsecret?token=querysecret")),
        headers: headers.into(),
    })
}

pub(super) fn alertmanager(base: &str) -> ReceiverKind {
    let url = base.replacen("://", "://watch:p%40ss-secret@", 1);
    ReceiverKind::Alertmanager(AlertmanagerConfig { urls: vec![secret(&format!("{url}/prefixsecret"))] })
}

pub(super) fn heartbeat(base: &str) -> ReceiverKind {
    let url = secret(&format!("{base}/ping/beatsecret"));
    ReceiverKind::Heartbeat(HeartbeatConfig { url, interval: Duration::from_secs(60) })
}

/// Every kind that is told over HTTP.
pub(super) fn kinds(base: &str) -> Vec<ReceiverKind> {
    vec![
        pagerduty(base),
        slack_webhook(base),
        slack_bot(base),
        webhook(base),
        alertmanager(base),
        heartbeat(base),
    ]
}

pub(super) fn sender(kind: ReceiverKind) -> Sender {
    Sender::build(&receiver(kind)).unwrap()
}

/// What `kind` can be told: a heartbeat takes drills only.
pub(super) fn message_for(kind: &ReceiverKind) -> Message {
    Message { is_drill: matches!(kind, ReceiverKind::Heartbeat(_)), ..fired() }
}
