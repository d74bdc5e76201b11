//! What differs between two settings: rules by name, and keys that only a start can apply. Never shows a value: it may be
//! a secret.

use std::collections::BTreeMap;

use super::{Config, Rules};
use crate::kafka::ClusterConfig;

/// Rules that are other ones than before, by name, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleChanges {
    /// Those that there were not.
    pub added: Vec<String>,
    /// Those that are no more.
    pub removed: Vec<String>,
    /// Those that say something else under the same name.
    pub changed: Vec<String>,
}

impl RuleChanges {
    /// From `before` to `after`. A name that was an SLO's and is an alert's has changed.
    #[must_use]
    pub fn between(before: &Rules, after: &Rules) -> Self {
        let (before, after) = (by_name(before), by_name(after));
        let mut changes = Self::default();
        for (name, rule) in &after {
            match before.get(name) {
                None => changes.added.push((*name).to_owned()),
                Some(old) if old != rule => changes.changed.push((*name).to_owned()),
                Some(_) => {}
            }
        }
        let removed = before.keys().filter(|name| !after.contains_key(*name));
        changes.removed = removed.map(|name| (*name).to_owned()).collect();
        changes
    }

    /// Whether nothing has changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

#[derive(PartialEq)]
enum Rule<'a> {
    Slo(&'a crate::slo::Slo),
    Alert(&'a crate::alert::AlertRule),
}

fn by_name(rules: &Rules) -> BTreeMap<&str, Rule<'_>> {
    let slos = rules.slos.iter().map(|slo| (&*slo.name, Rule::Slo(slo)));
    slos.chain(rules.alerts.iter().map(|alert| (&*alert.name, Rule::Alert(alert)))).collect()
}

/// The keys that differ from what the process was started with and that it cannot exchange while it runs, such as
/// `http.listen` or `clusters.prod.poll_interval`, where `prod` is the name. Rules and `latency` are not among them.
#[must_use]
pub fn keys_for_a_restart(running: &Config, wanted: &Config) -> Vec<String> {
    // All of them by name: a key that is added must be thought of here.
    let Config {
        clusters,
        http,
        otlp,
        history,
        state,
        latency_bounds: _,
        rules: _,
        notify: _,
        severities: _,
    } = running;
    let mut keys = Vec::new();
    let mut differ = |key: &str, differs: bool| {
        if differs {
            keys.push(key.to_owned());
        }
    };
    let named = |clusters: &[ClusterConfig], name| clusters.iter().find(|one| one.name == name).cloned();
    for cluster in clusters {
        match named(&wanted.clusters, cluster.name.clone()) {
            Some(other) => keys_of_cluster(cluster, &other, &mut differ),
            None => differ(&format!("clusters.{}", cluster.name), true),
        }
    }
    for other in wanted.clusters.iter().filter(|other| named(clusters, other.name.clone()).is_none()) {
        differ(&format!("clusters.{}", other.name), true);
    }
    differ("http.listen", http.listen != wanted.http.listen);
    differ("otlp.endpoint", otlp.endpoint != wanted.otlp.endpoint);
    differ("otlp.protocol", otlp.protocol != wanted.otlp.protocol);
    differ("otlp.sample_ratio", otlp.sample_ratio != wanted.otlp.sample_ratio);
    differ("history.max_series", history.max_series != wanted.history.max_series);
    differ("state.path", state.path != wanted.state.path);
    keys
}

fn keys_of_cluster(running: &ClusterConfig, wanted: &ClusterConfig, differ: &mut impl FnMut(&str, bool)) {
    let ClusterConfig {
        name,
        bootstrap_servers,
        properties,
        groups,
        topics,
        poll_interval,
        request_timeout,
        time_lookups_per_second,
    } = running;
    let mut differ = |key: &str, differs| differ(&format!("clusters.{name}.{key}"), differs);
    differ("bootstrap_servers", *bootstrap_servers != wanted.bootstrap_servers);
    for key in properties.keys().chain(wanted.properties.keys().filter(|key| !properties.contains_key(*key)))
    {
        differ(&format!("properties.{key}"), properties.get(key) != wanted.properties.get(key));
    }
    differ("groups.include", groups.include != wanted.groups.include);
    differ("groups.exclude", groups.exclude != wanted.groups.exclude);
    differ("topics.include", topics.include != wanted.topics.include);
    differ("topics.exclude", topics.exclude != wanted.topics.exclude);
    differ("poll_interval", *poll_interval != wanted.poll_interval);
    differ("request_timeout", *request_timeout != wanted.request_timeout);
    differ("time_lookups_per_second", *time_lookups_per_second != wanted.time_lookups_per_second);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{System, parse, parse_rules};

    const SETTINGS: &str = "clusters:
- { name: prod, bootstrap_servers: [a:1], properties: { sasl.password: one, sasl.username: me } }
- { name: test, bootstrap_servers: [b:1] }
rules: []
";

    fn check(edit: fn(&str) -> String, expected: &[&str]) {
        let [running, wanted] =
            [SETTINGS.to_owned(), edit(SETTINGS)].map(|text| parse(&text, "x.yaml", &System).unwrap());
        assert_eq!(keys_for_a_restart(&running, &wanted), expected);
        assert_eq!(keys_for_a_restart(&wanted, &running).len(), expected.len());
    }

    #[test]
    fn each_key_that_differs_is_named_and_no_value() {
        check(str::to_owned, &[]);
        check(|text| text.replace("one", "two"), &["clusters.prod.properties.sasl.password"]);
        check(
            |text| text.replace("sasl.username: me", "a: b"),
            &["clusters.prod.properties.sasl.username", "clusters.prod.properties.a"],
        );
        check(
            |text| text.replace("[a:1]", "[a:2], poll_interval: 5s, groups: { include: [x] }"),
            &[
                "clusters.prod.bootstrap_servers",
                "clusters.prod.groups.include",
                "clusters.prod.poll_interval",
            ],
        );
        check(|text| text.replace("test", "other"), &["clusters.test", "clusters.other"]);
        check(
            |text| {
                text.to_owned()
                    + "http: { listen: '1.2.3.4:5' }
otlp: { endpoint: 'http://x:1', protocol: http/protobuf, sample_ratio: 0.5 }
history: { max_series: 7 }
state: { path: /x }
"
            },
            &[
                "http.listen",
                "otlp.endpoint",
                "otlp.protocol",
                "otlp.sample_ratio",
                "history.max_series",
                "state.path",
            ],
        );
        check(|text| text.to_owned() + "latency: { buckets: [1s] }\n", &[]);
    }

    #[test]
    fn rules_are_told_by_name() {
        let rules = |text: &str| parse_rules(text, "rules.yaml", &System).unwrap();
        let slo = |name: &str, max: u32| {
            format!(
                "- {{ name: {name}, indicator: {{ lag: {{ group: a, max: {max} }} }}, objective: 99%, window: 7d }}\n"
            )
        };
        let alert =
            |name: &str| format!("- {{ name: {name}, when: {{ unreachable: {{}} }}, severity: ticket }}\n");
        let before =
            rules(&format!("slos:\n{}{}{}alerts:\n{}", slo("a", 1), slo("b", 1), slo("c", 1), alert("d")));
        let after =
            rules(&format!("slos:\n{}{}alerts:\n{}{}", slo("e", 1), slo("b", 2), alert("c"), alert("d")));
        let changes = RuleChanges::between(&before, &after);
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let expected =
            RuleChanges { added: names(&["e"]), removed: names(&["a"]), changed: names(&["b", "c"]) };
        assert_eq!(changes, expected);
        assert!(RuleChanges::between(&before, &before).is_empty());
    }
}
