//! What nobody would be told of, or by whom: warnings about receivers and routes that can work, but hardly as meant.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::Config;
use crate::config::keys::nearest;
use crate::model::Severity;
use crate::notify::{Matcher, ReceiverKind, ReceiverName, RouteConfig};
use crate::slo;

/// What every incident may carry besides the labels of its rule.
const FIXED_LABELS: [&str; 8] =
    ["alertname", "cluster", "consumergroup", "partition", "severity", "slo", "topic", "unmeasured"];

/// So many rules are named in one warning.
const MOST_NAMES: usize = 3;

/// A sentence each; empty when all is well.
pub(super) fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = untaken(config);
    warnings.extend(never_reached(&config.notify.routes));
    warnings.extend(unnamed(config));
    warnings.extend(strange_labels(config));
    warnings
}

/// What is known beforehand of the incidents of one rule.
struct Expected<'c> {
    name: &'c str,
    is_slo: bool,
    labels: &'c BTreeMap<Arc<str>, Arc<str>>,
    severities: Vec<Severity>,
}

fn expected(config: &Config) -> impl Iterator<Item = Expected<'_>> {
    let slos = config.rules.slos.iter().map(|slo| Expected {
        name: &slo.name,
        is_slo: true,
        labels: &slo.labels,
        severities: slo::severities(slo),
    });
    let alerts = config.rules.alerts.iter().map(|alert| Expected {
        name: &alert.name,
        is_slo: false,
        labels: &alert.labels,
        severities: vec![alert.severity],
    });
    slos.chain(alerts)
}

/// Severities of rules that no route can take, whatever group and topic they are about.
fn untaken(config: &Config) -> Vec<String> {
    let mut untaken: BTreeMap<Severity, Vec<String>> = BTreeMap::new();
    for rule in expected(config) {
        for severity in &rule.severities {
            let may_match = |matcher: &Matcher| may_match(matcher, &rule, *severity, config);
            if !config.notify.routes.iter().any(|route| route.matchers.iter().all(may_match)) {
                let kind = if rule.is_slo { "slo" } else { "alert" };
                untaken.entry(*severity).or_default().push(format!("{kind} {}", rule.name));
            }
        }
    }
    let sentence = |(severity, rules): (Severity, Vec<String>)| {
        let mut named = rules[..rules.len().min(MOST_NAMES)].join(", ");
        if rules.len() > MOST_NAMES {
            named.push_str(&format!(" and {} more", rules.len() - MOST_NAMES));
        }
        format!("no route takes `{}` of {named}: nobody is told", severity.label())
    };
    untaken.into_iter().rev().map(sentence).collect()
}

/// Whether an incident of the rule can have a value that matches.
fn may_match(matcher: &Matcher, rule: &Expected<'_>, severity: Severity, config: &Config) -> bool {
    match matcher.label() {
        "consumergroup" | "topic" | "partition" => true,
        "unmeasured" => rule.is_slo || matcher.matches(""),
        "cluster" => config.clusters.iter().any(|cluster| matcher.matches(cluster.name.as_str())),
        "alertname" => matcher.matches(rule.name),
        "slo" => matcher.matches(if rule.is_slo { rule.name } else { "" }),
        "severity" => matcher.matches(severity.label()),
        other => matcher.matches(rule.labels.get(other).map_or("", |value| value)),
    }
}

fn never_reached(routes: &[RouteConfig]) -> Vec<String> {
    let takes_all = |route: &RouteConfig| route.matchers.is_empty() && !route.goes_on;
    let Some(last) = routes.iter().position(takes_all) else { return Vec::new() };
    let behind = last + 2..=routes.len();
    behind
        .map(|number| format!("route {number} is never reached: route {} takes everything", last + 1))
        .collect()
}

/// Receivers that are told of nothing, not even instead of another one.
fn unnamed(config: &Config) -> Vec<String> {
    let receivers = &config.notify.receivers;
    let mut told: BTreeSet<&ReceiverName> =
        config.notify.routes.iter().flat_map(|route| &route.receivers).collect();
    // A fallback of a fallback is told, too.
    for _ in receivers {
        let further = receivers.iter().filter(|receiver| told.contains(&receiver.name));
        let further: Vec<_> = further.filter_map(|receiver| receiver.fallback.as_ref()).collect();
        let before = told.len();
        told.extend(further);
        if told.len() == before {
            break;
        }
    }
    let untold = receivers.iter().filter(|receiver| {
        !matches!(receiver.kind, ReceiverKind::Heartbeat(_)) && !told.contains(&receiver.name)
    });
    untold
        .map(|receiver| format!("receiver {} is told of nothing: no route names it", receiver.name))
        .collect()
}

/// Labels in routes and groupings that no incident will have.
fn strange_labels(config: &Config) -> Vec<String> {
    let own: BTreeSet<&str> =
        expected(config).flat_map(|rule| rule.labels.keys().map(|label| &**label)).collect();
    let is_known = |label: &str| FIXED_LABELS.contains(&label) || own.contains(label);
    let sentence = |place: &str, label: &str| {
        let meant = match label {
            "group" | "consumer_group" => Some("consumergroup"),
            "alert" => Some("alertname"),
            _ => nearest(label, FIXED_LABELS.into_iter().chain(own.iter().copied())),
        };
        let help = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        format!("{place} looks at the label `{label}`, which no incident of these rules has{help}")
    };
    let mut warnings = Vec::new();
    for (number, route) in (1..).zip(&config.notify.routes) {
        let by = route.grouping.iter().flat_map(|grouping| &grouping.by).map(String::as_str);
        let labels: BTreeSet<_> = route.matchers.iter().map(Matcher::label).chain(by).collect();
        let strange = labels.into_iter().filter(|label| !is_known(label));
        warnings.extend(strange.map(|label| sentence(&format!("route {number}"), label)));
    }
    let general = config.notify.grouping.by.iter().filter(|label| !is_known(label));
    warnings.extend(general.map(|label| sentence("grouping", label)));
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{System, parse};

    const RECEIVERS: &str = "clusters: [{ name: prod, bootstrap_servers: [a:1] }]\nreceivers:\n- { name: a, terminal: \
                             {} }\n- { name: b, webhook: { url: http://b }, fallback: a }\n- { name: beat, heartbeat: \
                             { url: http://c } }\n";

    fn check(routes: &str, expected: &[&str]) {
        let mut config = parse(&format!("{RECEIVERS}{routes}"), "plimsoll.yaml", &System).unwrap();
        let rules = "slos: [{ name: s, indicator: { lag: { group: g, max: 1 } }, objective: 99%, window: 7d, labels: \
                     { team: pay } }]\nalerts: [{ name: i, when: { unreachable: {} }, severity: info }]\n";
        config.rules = crate::config::parse_rules(rules, "rules.yaml", &System).unwrap();
        assert_eq!(warnings(&config), expected, "{routes}");
    }

    #[test]
    fn what_nobody_is_told_of_is_warned_of() {
        check("", &[]);
        check("routes: [{ receivers: b }]", &[]);
        check("routes: [{ receivers: a }]", &["receiver b is told of nothing: no route names it"]);
        check(
            "routes: [{ match: { severity: page }, receivers: b }]",
            &[
                "no route takes `ticket` of slo s: nobody is told",
                "no route takes `info` of alert i: nobody is told",
            ],
        );
        check(
            "routes: [{ match: { team: pay, cluster: prod, topic: x }, receivers: b }]",
            &["no route takes `info` of alert i: nobody is told"],
        );
        check(
            "routes: [{ match: { cluster: test }, receivers: b }]",
            &[
                "no route takes `page` of slo s: nobody is told",
                "no route takes `ticket` of slo s: nobody is told",
                "no route takes `info` of alert i: nobody is told",
            ],
        );
        check(
            "routes: [{ receivers: a, continue: true }, { receivers: b }, { receivers: a }]",
            &["route 3 is never reached: route 2 takes everything"],
        );
        check(
            "routes: [{ match: [group!=x, teams!=y, slo!=z], receivers: b, grouping: { by: [zone] } }]\n\
             grouping: { by: [consumer_group] }",
            &[
                "route 1 looks at the label `group`, which no incident of these rules has; did you mean `consumergroup`?",
                "route 1 looks at the label `teams`, which no incident of these rules has; did you mean `team`?",
                "route 1 looks at the label `zone`, which no incident of these rules has",
                "grouping looks at the label `consumer_group`, which no incident of these rules has; did you mean \
                 `consumergroup`?",
            ],
        );
    }
}
