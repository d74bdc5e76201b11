//! Every key of the settings: one table that the reader, the JSON Schema and the suggestions share.

use crate::kafka::ClusterConfig;
use crate::store::HistoryConfig;
use crate::telemetry::OtlpProtocol;

use std::time::Duration;

/// A mapping with fixed keys.
#[derive(Debug)]
pub(super) struct Section {
    /// The keys that are served.
    pub keys: &'static [Key],
    /// The keys that a later version serves.
    pub later: &'static [&'static str],
}

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
    Integer(u64, u64),
    /// A number from 0 to 1.
    Ratio,
    Choice(&'static [&'static str]),
    Url,
    ListenAddress,
    Section(&'static Section),
    /// A list of at least one.
    Sections(&'static Section),
}

const fn key(name: &'static str, shape: Shape, default: Option<&'static str>, about: &'static str) -> Key {
    Key { name, about, shape, default, required: false }
}

const fn required(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, about, shape, default: None, required: true }
}

/// The whole file.
pub(super) static FILE: Section = Section {
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
    ],
    later: &[
        "rules",
        "state",
        "receivers",
        "routes",
        "grouping",
        "severities",
        "notify",
        "slos",
        "alerts",
        "groups",
    ],
};

/// One of `clusters`.
pub(super) static CLUSTER: Section = Section {
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
    later: &["notify"],
};

/// `groups` of a cluster.
pub(super) static GROUPS: Section = Section {
    keys: &[
        key("include", Shape::Selectors, Some("[]"), "Names or globs of the groups to watch; empty for all."),
        key("exclude", Shape::Selectors, Some("[]"), "Names or globs of the groups not to watch."),
    ],
    later: &[],
};

/// `topics` of a cluster.
pub(super) static TOPICS: Section = Section {
    keys: &[
        key("include", Shape::Selectors, Some("[]"), "Names or globs of the topics to watch; empty for all."),
        key("exclude", Shape::Selectors, Some("[\"__*\"]"), "Names or globs of the topics not to watch."),
    ],
    later: &[],
};

/// `http`.
pub(super) static HTTP: Section = Section {
    keys: &[key("listen", Shape::ListenAddress, Some("0.0.0.0:1876"), "The address to listen on, IP:PORT.")],
    later: &["external_url"],
};

/// `otlp`.
pub(super) static OTLP: Section = Section {
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
    later: &[],
};

/// `history`.
pub(super) static HISTORY: Section = Section {
    keys: &[key(
        "max_series",
        Shape::Integer(HistoryConfig::MAX_SERIES.0, HistoryConfig::MAX_SERIES.1),
        Some("200000"),
        "The most series kept in memory; further ones are dropped and counted.",
    )],
    later: &[],
};

/// The one of `names` that `wrong` was meant to be, when it is close enough to guess.
pub(super) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Longer than any key, and the cost is quadratic.
    if wrong.len() > 64 {
        return None;
    }
    let plain = |name: &str| name.to_ascii_lowercase().replace('-', "_");
    let wrong = plain(wrong);
    let scored = names.filter_map(|name| {
        let distance = distance(&wrong, name);
        let related = name.starts_with(&wrong) && wrong.len() > 2 || wrong.starts_with(name);
        (distance <= 1 + name.len() / 4 || related).then_some((distance, name))
    });
    scored.min().map(|(_, name)| name)
}

/// Levenshtein's distance, in characters.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_finds_the_one_that_was_meant() {
        let check = |wrong: &str, expected: Option<&str>| {
            let names = CLUSTER.keys.iter().map(|key| key.name);
            assert_eq!(nearest(wrong, names), expected, "{wrong}");
        };
        check("bootstrap_server", Some("bootstrap_servers"));
        check("bootstrap-servers", Some("bootstrap_servers"));
        check("bootstrap", Some("bootstrap_servers"));
        check("Name", Some("name"));
        check("poll_intervall", Some("poll_interval"));
        check("topic", Some("topics"));
        check("colour", None);
        check("", None);
    }
}
