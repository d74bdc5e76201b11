//! The keys of a settings file.

use std::time::Duration;

use super::notify::{GROUPING, RECEIVER, ROUTE};
use super::{NOTHING_ELSE, Section, Shape, key, required};
use crate::kafka::ClusterConfig;
use crate::store::HistoryConfig;
use crate::telemetry::OtlpProtocol;

/// The whole file.
pub(in crate::config) static FILE: Section = Section {
    keys: &[
        required("clusters", Shape::Sections(&CLUSTER), "The Kafka clusters to watch."),
        key("http", Shape::Section(&HTTP), None, "Where metrics and the API are served."),
        key(
            "otlp",
            Shape::Section(&OTLP),
            None,
            "Where traces are sent; the OTEL_* variables fill what is not set.",
        ),
        key("history", Shape::Section(&HISTORY), None, "How much history is kept in memory."),
        key(
            "rules",
            Shape::Paths,
            None,
            "Files with SLOs and alerts: paths or globs, relative to this file; without it, the shipped rules.",
        ),
        key("state", Shape::Section(&STATE), None, "Where is kept what has to survive a restart."),
        key("latency", Shape::Section(&LATENCY), None, "How latency is counted."),
        key(
            "receivers",
            Shape::AnySections(&RECEIVER),
            None,
            "Who is told of alerts; without any, they are written to standard output.",
        ),
        key(
            "routes",
            Shape::AnySections(&ROUTE),
            None,
            "Who is told of what: the first that matches; without any, every receiver is told of everything.",
        ),
        key("grouping", Shape::Section(&GROUPING), None, "How alerts share messages."),
        key(
            "notify",
            Shape::Flag,
            Some("true"),
            "Whether this instance tells anybody; of several that watch the same groups exactly one should.",
        ),
        key(
            "severities",
            Shape::Severities,
            Some("{}"),
            "Further names of severities in rules files, such as `{ urgent: page }`.",
        ),
    ],
    elsewhere: &[
        ("slos", RULES_FILE),
        ("alerts", RULES_FILE),
        ("groups", RULES_FILE),
        ("tests", "move it to a test file, for `plimsoll test FILE`"),
    ],
};

const RULES_FILE: &str = "move it to a rules file, and name that file here: `rules: [rules/*.yaml]`";

/// `state`.
pub(in crate::config) static STATE: Section = Section {
    keys: &[key(
        "path",
        Shape::Path,
        None,
        "The folder of the state file; by default $STATE_DIRECTORY, else the XDG state folder.",
    )],
    ..NOTHING_ELSE
};

/// `latency`.
pub(in crate::config) static LATENCY: Section = Section {
    keys: &[key(
        "buckets",
        Shape::Durations(LATENCY_BUCKET.0, LATENCY_BUCKET.1),
        None,
        "Upper bounds of the latency histogram's buckets, ascending; thresholds of SLOs are added.",
    )],
    ..NOTHING_ELSE
};

/// Shortest and longest bucket.
const LATENCY_BUCKET: (Duration, Duration) = (Duration::from_millis(1), Duration::from_hours(720));

/// One of `clusters`.
pub(in crate::config) static CLUSTER: Section = Section {
    keys: &[
        required(
            "name",
            Shape::ClusterName,
            "The `cluster` label of every series; letters, digits, `_`, `.` and `-`, at most 100.",
        ),
        required(
            "bootstrap_servers",
            Shape::Servers,
            "Brokers to begin with, HOST:PORT each; the others are found.",
        ),
        key(
            "properties",
            Shape::Properties,
            Some("{}"),
            "Properties of librdkafka by its own names, such as `security.protocol`.",
        ),
        key("groups", Shape::Section(&GROUPS), None, "The consumer groups to watch."),
        key("topics", Shape::Section(&TOPICS), None, "The topics to watch."),
        key(
            "poll_interval",
            Shape::Duration(ClusterConfig::POLL_INTERVAL.0, ClusterConfig::POLL_INTERVAL.1),
            Some("1s"),
            "How often everything is measured.",
        ),
        key(
            "request_timeout",
            Shape::Duration(ClusterConfig::REQUEST_TIMEOUT.0, ClusterConfig::REQUEST_TIMEOUT.1),
            Some("3s"),
            "How long one request to a broker may take.",
        ),
        key(
            "time_lookups_per_second",
            Shape::Integer(
                ClusterConfig::TIME_LOOKUPS_PER_SECOND.0 as u64,
                ClusterConfig::TIME_LOOKUPS_PER_SECOND.1 as u64,
            ),
            Some("1000"),
            "The most partitions whose time index is asked per second, to find time lag.",
        ),
    ],
    elsewhere: &[("notify", "move it to the top of the file: it is about the whole instance")],
};

/// `groups` of a cluster.
pub(in crate::config) static GROUPS: Section = Section {
    keys: &[
        key("include", Shape::Selectors, Some("[]"), "Names or globs of the groups to watch; empty for all."),
        key("exclude", Shape::Selectors, Some("[]"), "Names or globs of the groups not to watch."),
    ],
    ..NOTHING_ELSE
};

/// `topics` of a cluster.
pub(in crate::config) static TOPICS: Section = Section {
    keys: &[
        key("include", Shape::Selectors, Some("[]"), "Names or globs of the topics to watch; empty for all."),
        key("exclude", Shape::Selectors, Some("[\"__*\"]"), "Names or globs of the topics not to watch."),
    ],
    ..NOTHING_ELSE
};

/// `http`.
pub(in crate::config) static HTTP: Section = Section {
    keys: &[
        key("listen", Shape::ListenAddress, Some("0.0.0.0:1876"), "The address to listen on, IP:PORT."),
        key(
            "external_url",
            Shape::Url,
            None,
            "Where people reach this daemon's pages, for links in messages.",
        ),
    ],
    ..NOTHING_ELSE
};

/// `otlp`.
pub(in crate::config) static OTLP: Section = Section {
    keys: &[
        key(
            "endpoint",
            Shape::Url,
            None,
            "The collector's URL; nothing is sent when neither this nor OTEL_* is set.",
        ),
        key("protocol", Shape::Choice(OtlpProtocol::NAMES), Some("grpc"), "How to speak to the collector."),
        key("sample_ratio", Shape::Ratio, Some("1.0"), "The share of cycles that are traced."),
    ],
    ..NOTHING_ELSE
};

/// `history`.
pub(in crate::config) static HISTORY: Section = Section {
    keys: &[key(
        "max_series",
        Shape::Integer(HistoryConfig::MAX_SERIES.0, HistoryConfig::MAX_SERIES.1),
        Some("200000"),
        "The most series kept in memory; further ones are dropped and counted.",
    )],
    ..NOTHING_ELSE
};
