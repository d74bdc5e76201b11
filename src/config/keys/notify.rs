//! The keys about delivery: receivers, routes, grouping, severities.

use std::time::Duration;

use super::{Key, NOTHING_ELSE, Section, Shape, key, required};
use crate::notify::ReceiverConfig;

/// One of `receivers`.
pub(in crate::config) static RECEIVER: Section = Section {
    keys: &[
        required("name", Shape::ReceiverName, "Its name in routes, metrics and messages."),
        key("slack", Shape::Section(&SLACK), None, "A Slack channel, by an incoming webhook or a bot."),
        key("pagerduty", Shape::Section(&PAGERDUTY), None, "A PagerDuty service, by its Events API v2."),
        key("email", Shape::Section(&EMAIL), None, "Mail over SMTP, always encrypted."),
        key(
            "webhook",
            Shape::Section(&WEBHOOK),
            None,
            "Any HTTP server, in Alertmanager's shape (version 4).",
        ),
        key("alertmanager", Shape::Section(&ALERTMANAGER), None, "Alertmanagers, as Prometheus tells them."),
        key(
            "heartbeat",
            Shape::Section(&HEARTBEAT),
            None,
            "A dead man's switch: a URL that is called while the daemon really judges. No route leads to it.",
        ),
        key("terminal", Shape::Section(&TERMINAL), None, "Standard output: `terminal: {}`."),
        key(
            "fallback",
            Shape::ReceiverName,
            None,
            "The receiver that is told instead of what this one refuses for good.",
        ),
        key(
            "rate_limit",
            Shape::RateLimit,
            None,
            "The most messages in a second, minute or hour, such as `30/m`; by default what its kind can take.",
        ),
        key(
            "ca_file",
            Shape::Path,
            None,
            "A file with further certificate authorities (PEM), relative to this file.",
        ),
        key(
            "timeout",
            Shape::Duration(ReceiverConfig::TIMEOUT.0, ReceiverConfig::TIMEOUT.1),
            Some("10s"),
            "How long one try may take.",
        ),
    ],
    ..NOTHING_ELSE
};

/// The keys of a receiver that say what it is: exactly one of them is given.
pub(in crate::config) const RECEIVER_KINDS: [&str; 7] =
    ["slack", "pagerduty", "email", "webhook", "alertmanager", "heartbeat", "terminal"];

/// `slack`.
pub(in crate::config) static SLACK: Section = Section {
    keys: &[
        key("webhook_url", Shape::SecretUrl, None, "The address of an incoming webhook. It is a secret."),
        key(
            "bot_token",
            Shape::Secret,
            None,
            "Instead: a bot's token, `xoxb-…`, with the scope `chat:write`.",
        ),
        key(
            "channel",
            Shape::Channel,
            None,
            "With the token: the channel's id, or its name as `\"#alerts\"`.",
        ),
        key("api_url", Shape::Url, Some("https://slack.com/api"), "Where the Web API's methods are."),
    ],
    ..NOTHING_ELSE
};

/// `pagerduty`.
pub(in crate::config) static PAGERDUTY: Section = Section {
    keys: &[
        required("routing_key", Shape::Secret, "The integration key of the service, 32 characters."),
        key(
            "url",
            Shape::Url,
            Some("https://events.pagerduty.com/v2/enqueue"),
            "Where events are sent; https://events.eu.pagerduty.com/v2/enqueue for accounts in the EU.",
        ),
    ],
    ..NOTHING_ELSE
};

/// `email`.
pub(in crate::config) static EMAIL: Section = Section {
    keys: &[
        required(
            "smtp",
            Shape::Smtp,
            "The server: `smtps://user@host:465`, or `smtp://user@host:587`, which requires STARTTLS.",
        ),
        key("password", Shape::Secret, None, "The user's password."),
        required("from", Shape::Address, "The sender, such as `Plimsoll <plimsoll@example.com>`."),
        required("to", Shape::Addresses, "Who gets it: an address, or a list of them."),
    ],
    ..NOTHING_ELSE
};

/// `webhook`.
pub(in crate::config) static WEBHOOK: Section = Section {
    keys: &[
        required("url", Shape::SecretUrl, "Where it is posted to. It is a secret."),
        key(
            "headers",
            Shape::Headers,
            Some("{}"),
            "Sent with each request, such as `Authorization: \"Bearer …\"`. They are secrets.",
        ),
    ],
    ..NOTHING_ELSE
};

/// `alertmanager`.
pub(in crate::config) static ALERTMANAGER: Section = Section {
    keys: &[required(
        "urls",
        Shape::SecretUrls,
        "Every instance of the cluster, such as `http://alertmanager-1:9093`; never a load balancer.",
    )],
    ..NOTHING_ELSE
};

/// `heartbeat`.
pub(in crate::config) static HEARTBEAT: Section = Section {
    keys: &[
        required("url", Shape::SecretUrl, "Called with GET. It is a secret."),
        key(
            "interval",
            Shape::Duration(HEARTBEAT_INTERVAL.0, HEARTBEAT_INTERVAL.1),
            Some("1m"),
            "How often it is called.",
        ),
    ],
    ..NOTHING_ELSE
};

const HEARTBEAT_INTERVAL: (Duration, Duration) = (Duration::from_secs(10), Duration::from_hours(24));

/// `terminal`.
pub(in crate::config) static TERMINAL: Section = NOTHING_ELSE;

/// One of `routes`.
pub(in crate::config) static ROUTE: Section = Section {
    keys: &[
        key(
            "match",
            Shape::Matchers,
            Some("{}"),
            "Labels and their values, or a list of matchers such as `team=~\"pay.*\"`; all have to match.",
        ),
        required("receivers", Shape::ReceiverNames, "Who is told: a receiver's name, or a list of them."),
        key("continue", Shape::Flag, Some("false"), "Look at the routes below, too."),
        key("grouping", Shape::Section(&ROUTE_GROUPING), None, "What differs from the general grouping."),
    ],
    ..NOTHING_ELSE
};

const WAIT: Shape = Shape::Duration(Duration::ZERO, Duration::from_hours(1));
const INTERVAL: Shape = Shape::Duration(Duration::from_secs(1), Duration::from_hours(24));
const REPEAT: Shape = Shape::Duration(Duration::from_mins(1), Duration::from_hours(24 * 30));

const BY: &str = "Incidents that share the values of these labels share messages; `[]` for all in one.";
const WAIT_FOR: &str = "How long the first message of a group waits for more. Pages never wait.";
const LEAST_INTERVAL: &str = "The least time between two messages of a group. Pages never wait.";
const REPEATED: &str = "After how long an incident that goes on is told again.";

/// `grouping`.
pub(in crate::config) static GROUPING: Section = Section {
    keys: &[
        key("by", Shape::LabelNames, Some("[\"alertname\", \"cluster\"]"), BY),
        key("wait", WAIT, Some("0s"), WAIT_FOR),
        key("interval", INTERVAL, Some("1m"), LEAST_INTERVAL),
        key("repeat", REPEAT, Some("4h"), REPEATED),
    ],
    ..NOTHING_ELSE
};

const fn inherited(name: &'static str, shape: Shape, about: &'static str) -> Key {
    key(name, shape, None, about)
}

/// `grouping` of a route: what it leaves out is as in the general one.
pub(in crate::config) static ROUTE_GROUPING: Section = Section {
    keys: &[
        inherited("by", Shape::LabelNames, BY),
        inherited("wait", WAIT, WAIT_FOR),
        inherited("interval", INTERVAL, LEAST_INTERVAL),
        inherited("repeat", REPEAT, REPEATED),
    ],
    ..NOTHING_ELSE
};
