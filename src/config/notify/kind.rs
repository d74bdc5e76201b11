//! Reads what a receiver is: where it is, and what lets us in.

use std::collections::BTreeMap;
use std::time::Duration;

use super::one_or_many;
use crate::config::keys::{ALERTMANAGER, EMAIL, HEARTBEAT, PAGERDUTY, SLACK, TERMINAL, WEBHOOK};
use crate::config::read::{Entries, Reader};
use crate::config::tree::Kind;
use crate::config::values;
use crate::model::Secret;
use crate::notify::{
    AlertmanagerConfig, EmailConfig, HeartbeatConfig, PagerDutyConfig, ReceiverKind, SlackAccess,
    SlackConfig, WebhookConfig,
};

/// The receiver under its key `name`; every problem with it has been noted when it is `None`.
pub(super) fn read(reader: &mut Reader<'_>, entries: &Entries<'_>, name: &str) -> Option<ReceiverKind> {
    let (section, read): (_, fn(&mut Reader<'_>, &Entries<'_>) -> Option<ReceiverKind>) = match name {
        "slack" => (&SLACK, slack),
        "pagerduty" => (&PAGERDUTY, pagerduty),
        "email" => (&EMAIL, email),
        "webhook" => (&WEBHOOK, webhook),
        "alertmanager" => (&ALERTMANAGER, alertmanager),
        "heartbeat" => (&HEARTBEAT, heartbeat),
        _ => (&TERMINAL, |_, _| Some(ReceiverKind::Terminal)),
    };
    let within = reader.entries(entries.get(name)?, section, &entries.path(name));
    read(reader, &within)
}

fn secret(
    reader: &mut Reader<'_>,
    entries: &Entries<'_>,
    name: &str,
    read: fn(&str) -> Result<String, values::Wrong>,
) -> Option<Secret> {
    reader.read(entries, name, read).map(Secret::new)
}

fn slack(reader: &mut Reader<'_>, entries: &Entries<'_>) -> Option<ReceiverKind> {
    let api_url = reader.read(entries, "api_url", values::plain_url);
    let url = secret(reader, entries, "webhook_url", values::secret_url);
    let token = secret(reader, entries, "bot_token", values::token);
    let channel = match entries.get("channel") {
        Some(node) if matches!(node.kind, Kind::Nothing) => {
            let help = "a `#` begins a comment in YAML: put the name in quotes, such as `\"#alerts\"`";
            reader.problem(node.at, format!("{} has no value", entries.path("channel")), help);
            None
        }
        _ => reader.read(entries, "channel", values::channel),
    };
    let has = |name: &str| entries.get(name).is_some();
    let access = match (has("webhook_url"), has("bot_token"), has("channel")) {
        (true, false, false) => SlackAccess::Webhook { url: url? },
        (false, true, true) => SlackAccess::Bot { token: token?, channel: channel? },
        (true, ..) => {
            let other = if has("bot_token") { "bot_token" } else { "channel" };
            let what = format!("{} and `webhook_url` exclude each other", entries.path(other));
            let help = "keep `webhook_url`, whose channel Slack knows, or `bot_token` with `channel`";
            reader.problem(entries.get(other)?.at, what, help);
            return None;
        }
        (false, ..) => {
            let missing = match (has("bot_token"), has("channel")) {
                (true, _) => "`channel`",
                (_, true) => "`bot_token`",
                _ => "`webhook_url`, or `bot_token` and `channel`",
            };
            let help =
                "a webhook gets a new message each time; a bot keeps one message per incident up to date";
            reader.problem(entries.begin(), format!("{} has no {missing}", entries.own_path()), help);
            return None;
        }
    };
    if let (Some(node), SlackAccess::Webhook { .. }) = (entries.get("api_url"), &access) {
        let what = format!("{} has no effect on an incoming webhook", entries.path("api_url"));
        reader.problem(node.at, what, "remove it, or use `bot_token` and `channel`");
    }
    let api_url = api_url.unwrap_or_else(|| "https://slack.com/api".to_owned());
    Some(ReceiverKind::Slack(SlackConfig { access, api_url }))
}

fn pagerduty(reader: &mut Reader<'_>, entries: &Entries<'_>) -> Option<ReceiverKind> {
    let routing_key = secret(reader, entries, "routing_key", values::routing_key);
    let url = reader.read(entries, "url", values::plain_url);
    let url = url.unwrap_or_else(|| "https://events.pagerduty.com/v2/enqueue".to_owned());
    Some(ReceiverKind::PagerDuty(PagerDutyConfig { routing_key: routing_key?, url }))
}

fn email(reader: &mut Reader<'_>, entries: &Entries<'_>) -> Option<ReceiverKind> {
    let server = reader.read(entries, "smtp", values::smtp);
    let password = secret(reader, entries, "password", |text| match text {
        "" => {
            Err(values::Wrong { what: "is empty".to_owned(), help: "write the user's password".to_owned() })
        }
        _ => Ok(text.to_owned()),
    });
    let from = reader.read(entries, "from", values::address);
    let help = "write an address, or a list of them, such as `[oncall@example.com]`";
    let to = one_or_many(reader, entries, "to", help);
    let to: Vec<String> =
        to.iter().filter_map(|(node, path)| reader.value(node, path, values::address)).collect();
    let server = server?;
    match (&server.user, entries.get("password")) {
        (Some(_), None) => {
            let what = format!("{} has no `password` for its user", entries.own_path());
            let help = "add `password: \"${NAME}\"`, or remove `user@` where the server wants no login";
            reader.problem(entries.begin(), what, help);
        }
        (None, Some(node)) => {
            let what = format!("{} belongs to no user", entries.path("password"));
            reader.problem(node.at, what, "name the user: `smtp: smtps://user@host`");
        }
        _ => {}
    }
    let values::MailServer { host, port, encryption, user } = server;
    Some(ReceiverKind::Email(EmailConfig { host, port, encryption, user, password, from: from?, to }))
}

fn webhook(reader: &mut Reader<'_>, entries: &Entries<'_>) -> Option<ReceiverKind> {
    let url = secret(reader, entries, "url", values::secret_url);
    let mut headers = BTreeMap::new();
    let path = entries.path("headers");
    let pairs = entries.get("headers").and_then(|node| reader.pairs(node, &path)).unwrap_or_default();
    for (key, name, value) in pairs {
        let shown = reader.name(key);
        if let Err(wrong) = values::header_name(name) {
            reader.problem(key.at, format!("{path}: `{shown}` {}", wrong.what), wrong.help);
        } else if let Some(text) = reader.value(value, &format!("{path}.{shown}"), values::header_value) {
            headers.insert(name.to_owned(), Secret::new(text));
        }
    }
    Some(ReceiverKind::Webhook(WebhookConfig { url: url?, headers }))
}

fn alertmanager(reader: &mut Reader<'_>, entries: &Entries<'_>) -> Option<ReceiverKind> {
    let help = "name every instance, such as `[http://alertmanager-1:9093]`";
    let found = one_or_many(reader, entries, "urls", help);
    let mut urls: Vec<Secret> = Vec::new();
    for (node, path) in &found {
        let url = reader.value(node, path, |text| {
            let url = values::secret_url(text)?;
            if url.trim_end_matches('/').ends_with("/api/v2/alerts") {
                let help = "write the address without it, such as `http://alertmanager-1:9093`".to_owned();
                return Err(values::Wrong { what: "ends with /api/v2/alerts".to_owned(), help });
            }
            Ok(url.trim_end_matches('/').to_owned())
        });
        urls.extend(url.map(Secret::new));
    }
    (!urls.is_empty()).then_some(ReceiverKind::Alertmanager(AlertmanagerConfig { urls }))
}

fn heartbeat(reader: &mut Reader<'_>, entries: &Entries<'_>) -> Option<ReceiverKind> {
    let url = secret(reader, entries, "url", values::secret_url);
    let interval = reader.duration(entries, "interval").unwrap_or(Duration::from_mins(1));
    Some(ReceiverKind::Heartbeat(HeartbeatConfig { url: url?, interval }))
}
