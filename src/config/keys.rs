//! Every key of every file: tables that the reader, the JSON Schemas and the suggestions share.

mod nearest;
mod notify;
mod rules;
mod settings;
mod trials;

use std::time::Duration;

pub(crate) use nearest::nearest;
pub(super) use notify::{
    ALERTMANAGER, EMAIL, GROUPING, HEARTBEAT, PAGERDUTY, RECEIVER, RECEIVER_KINDS, ROUTE, ROUTE_GROUPING,
    SLACK, TERMINAL, WEBHOOK,
};
pub(super) use rules::{ALERT, ALERTING, CONDITION, INDICATOR, RULES, SLO, TIER};
pub(super) use settings::{CLUSTER, FILE, GROUPS, HISTORY, HTTP, LATENCY, OTLP, STATE, TOPICS};
pub(super) use trials::{EVENT, EXPECTATION, TEST, TESTS, VALUE};

/// A mapping with fixed keys.
#[derive(Debug)]
pub(super) struct Section {
    /// The keys that are served.
    pub keys: &'static [Key],
    /// Keys that stand somewhere else, each with what to do.
    pub elsewhere: &'static [(&'static str, &'static str)],
}

/// No key that is looked for here belongs to another place.
const NOTHING_ELSE: Section = Section { keys: &[], elsewhere: &[] };

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    pub name: &'static str,
    /// What it is for, as an editor shows it.
    pub about: &'static str,
    pub shape: Shape,
    /// Its default as YAML; `None` when it must be given or when nothing is the default.
    pub default: Option<&'static str>,
    pub required: bool,
}

/// What a value looks like.
#[derive(Debug)]
pub(super) enum Shape {
    ClusterName,
    /// A list of `HOST:PORT`, or one string with commas.
    Servers,
    /// Any librdkafka properties.
    Properties,
    Selectors,
    Duration(Duration, Duration),
    /// Ascending.
    Durations(Duration, Duration),
    /// A length of time in whole minutes.
    Minutes(Duration, Duration),
    Integer(u64, u64),
    /// A number from 0 to 1.
    Ratio,
    /// A share as an exact decimal: `99.9%` or `0.999`.
    Share,
    /// A share that leaves a budget: neither nothing nor all.
    Objective,
    /// A number above 0.
    Rate,
    /// A number from 0 on.
    Amount,
    /// Decimal digits, which are compared as they are written; maybe with a sign.
    Digits,
    /// Lengths of time to digits.
    DigitsByDuration,
    Flag,
    Choice(&'static [&'static str]),
    Severity,
    Url,
    ListenAddress,
    /// A file or folder.
    Path,
    /// A list of paths or globs, or one of them.
    Paths,
    /// The name of an SLO or alert.
    RuleName,
    /// Words for people.
    Text,
    /// A group's name or glob.
    Group,
    /// A topic's name or glob.
    Topic,
    /// A topic's name.
    ExactTopic,
    /// Names and values of labels.
    Labels,
    TimeZone,
    /// RFC 3339.
    Time,
    /// A text that is never shown.
    Secret,
    /// A URL that is never shown.
    SecretUrl,
    /// A list of URLs that are never shown, or one of them.
    SecretUrls,
    /// Names of HTTP headers, and values that are never shown.
    Headers,
    /// A channel of Slack.
    Channel,
    /// A mail server's address.
    Smtp,
    /// A mail address, maybe with a name.
    Address,
    /// A list of mail addresses, or one of them.
    Addresses,
    ReceiverName,
    /// A list of receivers' names, or one of them.
    ReceiverNames,
    /// `30/m`.
    RateLimit,
    /// Labels and values, or a list of Alertmanager's matchers.
    Matchers,
    /// A list of names of labels.
    LabelNames,
    /// Names of severities in rules files, and what they are.
    Severities,
    Section(&'static Section),
    /// A list of at least one.
    Sections(&'static Section),
    /// A list.
    AnySections(&'static Section),
    /// A mapping with exactly one of the keys.
    OneOf(&'static Section),
}

const fn key(name: &'static str, shape: Shape, default: Option<&'static str>, about: &'static str) -> Key {
    Key { name, about, shape, default, required: false }
}

const fn required(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, about, shape, default: None, required: true }
}
