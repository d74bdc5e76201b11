//! Says in words who is told of what. Shows no secret: neither a key nor an address that may hold one.

use super::notify::severities_of;
use super::values::show_duration;
use crate::model::Severity;
use crate::notify::{
    GroupingConfig, NotifyConfig, ReceiverConfig, ReceiverKind, ReceiverName, RouteConfig, SlackAccess,
};

/// What a receiver is: `Slack #alerts`.
pub(crate) fn kind_words(kind: &ReceiverKind) -> String {
    match kind {
        ReceiverKind::Slack(slack) => match &slack.access {
            SlackAccess::Webhook { .. } => "Slack".to_owned(),
            SlackAccess::Bot { channel, .. } => format!("Slack {channel}"),
        },
        ReceiverKind::PagerDuty(_) => "PagerDuty".to_owned(),
        ReceiverKind::Email(email) => format!("mail to {}", listed(&email.to)),
        ReceiverKind::Webhook(_) => "webhook".to_owned(),
        ReceiverKind::Alertmanager(them) => match them.urls.len() {
            1 => "Alertmanager".to_owned(),
            instances => format!("{instances} Alertmanagers"),
        },
        ReceiverKind::Heartbeat(heartbeat) => {
            format!("heartbeat every {}", show_duration(heartbeat.interval))
        }
        ReceiverKind::Terminal => "standard output".to_owned(),
    }
}

/// A receiver with what is special about it: `oncall: PagerDuty; chat is told what it refuses`.
pub(super) fn receiver_words(receiver: &ReceiverConfig) -> String {
    let mut words = format!("{}: {}", receiver.name, kind_words(&receiver.kind));
    if let ReceiverKind::Slack(slack) = &receiver.kind {
        words.push_str(match slack.access {
            SlackAccess::Webhook { .. } => ", by an incoming webhook: a new message each time",
            SlackAccess::Bot { .. } => ", by a bot: one message per incident, kept up to date",
        });
    }
    if let ReceiverKind::Email(email) = &receiver.kind {
        words.push_str(&format!(", over {}:{}", email.host, email.port));
    }
    if let Some(limit) = receiver.rate_limit {
        let per = if limit.per.as_secs() == 1 {
            "second"
        } else if limit.per.as_secs() == 60 {
            "minute"
        } else {
            "hour"
        };
        let messages = if limit.messages == 1 { "message" } else { "messages" };
        words.push_str(&format!(", at most {} {messages} a {per}", limit.messages));
    }
    if let Some(fallback) = &receiver.fallback {
        words.push_str(&format!("; what it refuses goes to {fallback}"));
    }
    words
}

/// Every route in its order: `pages go to oncall (PagerDuty) and chat (Slack #alerts)`.
pub(super) fn routes_words(config: &NotifyConfig) -> Vec<String> {
    let mut is_rest = false;
    let each = config.routes.iter().map(|route| {
        let words = route_words(route, is_rest, config);
        is_rest |= !route.goes_on;
        words
    });
    each.collect()
}

fn route_words(route: &RouteConfig, is_rest: bool, config: &NotifyConfig) -> String {
    let names: Vec<_> = route.receivers.iter().map(|name| name_words(name, config)).collect();
    let what = matching_words(route, is_rest);
    let goes = if what.starts_with("everything") { "goes" } else { "go" };
    let mut words = format!("{what} {goes} to {}", listed(&names));
    if let Some(grouping) = &route.grouping {
        words.push_str(&format!(", {}", grouping_words(grouping)));
    }
    if route.goes_on {
        words.push_str("; the routes below are looked at, too");
    }
    words
}

/// What a route matches: `pages with team="payments"`.
pub(crate) fn matching_words(route: &RouteConfig, is_rest: bool) -> String {
    let severities = severities_of(&route.matchers);
    let plural =
        |severity: &Severity| format!("{}s", severity.label()).replace("infos", "what is for information");
    let mut words = if severities.len() == 3 {
        let is_all = route.matchers.is_empty();
        (if is_rest && is_all { "everything else" } else { "everything" }).to_owned()
    } else {
        listed(&severities.iter().map(plural).collect::<Vec<_>>())
    };
    let others: Vec<_> = route
        .matchers
        .iter()
        .filter(|matcher| matcher.label() != "severity")
        .map(ToString::to_string)
        .collect();
    if !others.is_empty() {
        words.push_str(&format!(" with {}", listed(&others)));
    }
    words
}

/// A receiver's name with what it is.
pub(crate) fn name_words(name: &ReceiverName, config: &NotifyConfig) -> String {
    match config.receivers.iter().find(|receiver| receiver.name == *name) {
        Some(receiver) => format!("{name} ({})", kind_words(&receiver.kind)),
        None => name.to_string(),
    }
}

/// How incidents share messages.
pub(crate) fn grouping_words(grouping: &GroupingConfig) -> String {
    let by = if grouping.by.is_empty() {
        "all in one group".to_owned()
    } else {
        format!("grouped by {}", listed(&grouping.by))
    };
    let wait = if grouping.wait.is_zero() {
        "at once".to_owned()
    } else {
        format!("after {}", show_duration(grouping.wait))
    };
    format!(
        "{by}: {wait}, then at most every {}, again after {}",
        show_duration(grouping.interval),
        show_duration(grouping.repeat)
    )
}

/// `a, b and c`.
pub(crate) fn listed(items: &[impl AsRef<str>]) -> String {
    let items: Vec<_> = items.iter().map(AsRef::as_ref).collect();
    match &items[..] {
        [] => "nobody".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
