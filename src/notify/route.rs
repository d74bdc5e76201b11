//! Which receivers are told of what: routes in their order, and how what they take is grouped.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::config::{GroupingConfig, NotifyConfig, ReceiverName};
use super::explain::receivers_of;
use crate::model::{Incident, Severity};

/// The receivers that the routes name for these labels and this severity, each once, with the grouping of the route
/// that names it first.
pub(super) fn receivers<'a>(
    config: &'a NotifyConfig,
    labels: &BTreeMap<Arc<str>, Arc<str>>,
    severity: Severity,
) -> Vec<(&'a ReceiverName, &'a GroupingConfig)> {
    let mut labels = labels.clone();
    labels.insert("severity".into(), severity.label().into());
    receivers_of(config, &labels)
}

/// Those of an incident: of the severity that it has, and of the worst that it had. Earlier ones have their entries.
pub(super) fn of_incident<'a>(
    config: &'a NotifyConfig,
    incident: &Incident,
    labels: &BTreeMap<Arc<str>, Arc<str>>,
) -> Vec<(&'a ReceiverName, &'a GroupingConfig)> {
    let mut named = receivers(config, labels, incident.severity);
    if incident.worst != incident.severity {
        for (name, grouping) in receivers(config, labels, incident.worst) {
            if named.iter().all(|(known, _)| *known != name) {
                named.push((name, grouping));
            }
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::{Matcher, ReceiverConfig, ReceiverKind, RouteConfig};

    fn route(matchers: &[&str], receivers: &[&str], goes_on: bool) -> RouteConfig {
        RouteConfig {
            matchers: matchers.iter().map(|text| Matcher::parse(text).unwrap()).collect(),
            receivers: receivers.iter().map(|name| ReceiverName::from(*name)).collect(),
            goes_on,
            grouping: None,
        }
    }

    #[test]
    fn the_first_route_decides_unless_it_goes_on() {
        let receiver = |name: &str| ReceiverConfig::new(name.into(), ReceiverKind::Terminal);
        let config = NotifyConfig {
            receivers: ["a", "b", "c"].map(receiver).to_vec(),
            routes: vec![
                route(&["severity=page"], &["a"], true),
                route(&["team=payments"], &["b", "a"], false),
                route(&["team!=dev"], &["c"], false),
            ],
            ..NotifyConfig::default()
        };
        let check = |team: &str, severity, expected: &[&str]| {
            let labels = BTreeMap::from([("team".into(), team.into())]);
            let named: Vec<_> =
                receivers(&config, &labels, severity).iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(named, expected, "{team} {severity:?}");
        };
        check("payments", Severity::Page, &["a", "b"]);
        check("payments", Severity::Ticket, &["b", "a"]);
        check("orders", Severity::Page, &["a", "c"]);
        check("orders", Severity::Ticket, &["c"]);
        check("dev", Severity::Ticket, &[]);
    }
}
