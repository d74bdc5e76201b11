//! What a cluster's settings are: where it is, what is watched there, how often.
//! Checked and ready to use; how they are written in a file is the business of `config`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{ClusterName, Secret, Selector};

/// One Kafka cluster to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterConfig {
    /// The `cluster` label of every series; unique among the clusters.
    pub name: ClusterName,
    /// `HOST:PORT` each, at least one.
    pub bootstrap_servers: Vec<String>,
    /// Settings of librdkafka by its own names; none of [`RESERVED_PROPERTIES`].
    pub properties: BTreeMap<String, Secret>,
    /// The consumer groups to watch.
    pub groups: Filter,
    /// The topics to watch.
    pub topics: Filter,
    /// Time from the start of one measurement to the next, within [`ClusterConfig::POLL_INTERVAL`].
    pub poll_interval: Duration,
    /// How long one request may take, within [`ClusterConfig::REQUEST_TIMEOUT`].
    pub request_timeout: Duration,
    /// The most partitions whose time index is asked per second, within
    /// [`ClusterConfig::TIME_LOOKUPS_PER_SECOND`].
    pub time_lookups_per_second: u32,
}

impl ClusterConfig {
    /// Shortest and longest `poll_interval`.
    pub const POLL_INTERVAL: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3600));
    /// Shortest and longest `request_timeout`.
    pub const REQUEST_TIMEOUT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));
    /// Fewest and most `time_lookups_per_second`.
    pub const TIME_LOOKUPS_PER_SECOND: (u32, u32) = (1, 1_000_000);

    /// A cluster of which only the brokers are known, as `--bootstrap-server` gives them; the rest are defaults.
    #[must_use]
    pub fn from_bootstrap_server(name: ClusterName, servers: Vec<String>) -> Self {
        Self {
            name,
            bootstrap_servers: servers,
            properties: BTreeMap::new(),
            groups: Filter::default(),
            topics: Filter { include: Vec::new(), exclude: vec![Selector::new("__*")] },
            poll_interval: Duration::from_secs(1),
            request_timeout: Duration::from_secs(3),
            time_lookups_per_second: 1000,
        }
    }
}

/// Which names are watched: those included and not excluded. Nothing included means every name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Names to watch; empty for all.
    pub include: Vec<Selector>,
    /// Names not to watch, even when included.
    pub exclude: Vec<Selector>,
}

impl Filter {
    /// Whether `name` is watched.
    #[must_use]
    pub fn accepts(&self, name: &str) -> bool {
        let included = self.include.is_empty() || self.include.iter().any(|one| one.matches(name));
        included && !self.exclude.iter().any(|one| one.matches(name))
    }

    /// The names that are watched by name, so that their absence from the cluster can be told.
    pub fn exact_names(&self) -> impl Iterator<Item = &str> {
        self.include.iter().filter_map(Selector::exact).filter(|name| self.accepts(name))
    }
}

/// Properties of librdkafka that the settings may not give, each with what to do instead.
/// They would join a group, commit offsets, create topics, load code, or blind the daemon.
pub const RESERVED_PROPERTIES: &[(&str, &str)] = &[
    ("bootstrap.servers", "use the key `bootstrap_servers` of the cluster"),
    ("metadata.broker.list", "use the key `bootstrap_servers` of the cluster"),
    ("group.id", "remove it: watching is read-only and joins no consumer group"),
    ("group.instance.id", "remove it: watching is read-only and joins no consumer group"),
    ("enable.auto.commit", "remove it: watching is read-only and commits no offsets"),
    ("allow.auto.create.topics", "remove it: watching is read-only and creates no topics"),
    ("statistics.interval.ms", "remove it: the request times in the metrics depend on it"),
    ("plugin.library.paths", "remove it: foreign code is not loaded"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(include: &[&str], exclude: &[&str]) -> Filter {
        let selectors = |texts: &[&str]| texts.iter().map(|text| Selector::new(text)).collect();
        Filter { include: selectors(include), exclude: selectors(exclude) }
    }

    #[test]
    fn a_name_is_watched_when_included_and_not_excluded() {
        let check = |include: &[&str], exclude: &[&str], name: &str, expected: bool| {
            assert_eq!(
                filter(include, exclude).accepts(name),
                expected,
                "{name} in {include:?} not {exclude:?}"
            );
        };
        check(&[], &[], "orders", true);
        check(&[], &["__*"], "__consumer_offsets", false);
        check(&["orders-*"], &[], "payments", false);
        check(&["orders-*"], &["*-dlq"], "orders-eu", true);
        check(&["orders-*"], &["*-dlq"], "orders-dlq", false);
    }

    #[test]
    fn only_names_that_can_be_missed_are_exact() {
        let names = filter(&["orders", "pay*", "old", "payments"], &["ol?"]);
        assert_eq!(names.exact_names().collect::<Vec<_>>(), ["orders", "payments"]);
    }
}
