//! Who is told of what has certain labels, and why. The one place that decides by routes: what is explained to people
//! is what is done. Never looks at silences, at time or at what was told before.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::config::{GroupingConfig, NotifyConfig, ReceiverName, RouteConfig};
use super::matcher::Matcher;

/// Labels and their values, the severity among them; a label that is not there has the empty value.
pub type Labels = BTreeMap<Arc<str>, Arc<str>>;

/// What became of one route.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteExplained<'c> {
    /// The route.
    pub route: &'c RouteConfig,
    /// Whether it takes what has the labels, and why not.
    pub verdict: RouteVerdict<'c>,
}

/// Whether a route takes what has certain labels.
#[derive(Debug, Clone, PartialEq)]
pub enum RouteVerdict<'c> {
    /// All its matchers match: its receivers are told.
    Taken,
    /// This one, the first in their order, does not match.
    Differs {
        /// The matcher.
        matcher: &'c Matcher,
        /// What the label is; empty where it is absent.
        value: Arc<str>,
    },
    /// It was not looked at, because a route before it takes them and does not go on.
    NotReached,
}

/// Every route in its order, with what becomes of it.
#[must_use]
pub fn explain<'c>(routes: &'c [RouteConfig], labels: &Labels) -> Vec<RouteExplained<'c>> {
    let mut is_decided = false;
    let each = routes.iter().map(|route| {
        let verdict = if is_decided { RouteVerdict::NotReached } else { verdict(route, labels) };
        is_decided |= verdict == RouteVerdict::Taken && !route.goes_on;
        RouteExplained { route, verdict }
    });
    each.collect()
}

fn verdict<'c>(route: &'c RouteConfig, labels: &Labels) -> RouteVerdict<'c> {
    for matcher in &route.matchers {
        let value = labels.get(matcher.label()).cloned().unwrap_or_default();
        if !matcher.matches(&value) {
            return RouteVerdict::Differs { matcher, value };
        }
    }
    RouteVerdict::Taken
}

/// Who is told of what has the labels, each once, in the order of the routes, and how their messages are grouped: as
/// the first route says that names the receiver. Empty when nobody is told.
#[must_use]
pub fn receivers_of<'c>(
    config: &'c NotifyConfig,
    labels: &Labels,
) -> Vec<(&'c ReceiverName, &'c GroupingConfig)> {
    let mut told: Vec<(&ReceiverName, &GroupingConfig)> = Vec::new();
    let explained = explain(&config.routes, labels);
    for RouteExplained { route, .. } in explained.iter().filter(|one| one.verdict == RouteVerdict::Taken) {
        let grouping = route.grouping.as_ref().unwrap_or(&config.grouping);
        for receiver in &route.receivers {
            if !told.iter().any(|(earlier, _)| *earlier == receiver) {
                told.push((receiver, grouping));
            }
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(matchers: &[&str], receivers: &[&str], goes_on: bool) -> RouteConfig {
        RouteConfig {
            matchers: matchers.iter().map(|text| Matcher::parse(text).unwrap()).collect(),
            receivers: receivers.iter().map(|name| ReceiverName::from(*name)).collect(),
            goes_on,
            grouping: None,
        }
    }

    fn labels(pairs: &str) -> Labels {
        let each = pairs.split_whitespace().map(|pair| pair.split_once('=').unwrap());
        each.map(|(label, value)| (label.into(), value.into())).collect()
    }

    fn config() -> NotifyConfig {
        let mut audit = route(&["audit!="], &["mail"], true);
        audit.grouping = Some(GroupingConfig { by: Vec::new(), ..GroupingConfig::default() });
        let routes = vec![
            audit,
            route(&["severity=page", "team=~pay.*"], &["oncall", "mail"], false),
            route(&["severity=page"], &["chat"], false),
            route(&["severity=ticket"], &["chat", "chat"], false),
        ];
        NotifyConfig { routes, ..NotifyConfig::default() }
    }

    #[test]
    fn the_first_route_that_matches_decides_unless_it_goes_on() {
        let check = |pairs: &str, expected: &[&str], verdicts: &str| {
            let config = config();
            let labels = labels(pairs);
            let told: Vec<_> =
                receivers_of(&config, &labels).iter().map(|(receiver, _)| receiver.as_str()).collect();
            assert_eq!(told, expected, "{pairs}");
            let explained: String = explain(&config.routes, &labels)
                .iter()
                .map(|one| match &one.verdict {
                    RouteVerdict::Taken => "+".to_owned(),
                    RouteVerdict::Differs { matcher, value } => format!("{}({value})", matcher.label()),
                    RouteVerdict::NotReached => ".".to_owned(),
                })
                .collect();
            assert_eq!(explained, verdicts, "{pairs}");
        };
        check("severity=page team=payments", &["oncall", "mail"], "audit()+..");
        check("severity=page team=orders", &["chat"], "audit()team(orders)+.");
        check("severity=page audit=1 team=pay", &["mail", "oncall"], "++..");
        check("severity=ticket", &["chat"], "audit()severity(ticket)severity(ticket)+");
        check("severity=info", &[], "audit()severity(info)severity(info)severity(info)");
        check("severity=info audit=1", &["mail"], "+severity(info)severity(info)severity(info)");
        check("", &[], "audit()severity()severity()severity()");
    }

    #[test]
    fn the_first_route_that_names_a_receiver_groups_its_messages() {
        let config = config();
        let told = receivers_of(&config, &labels("severity=page audit=1 team=pay"));
        let by: Vec<_> =
            told.iter().map(|(receiver, grouping)| (receiver.as_str(), grouping.by.len())).collect();
        assert_eq!(by, [("mail", 0), ("oncall", 2)]);
    }

    #[test]
    fn without_settings_the_terminal_is_told_of_everything() {
        let config = NotifyConfig::default();
        let told = receivers_of(&config, &labels("severity=info"));
        assert_eq!(told, [(&ReceiverName::from("terminal"), &GroupingConfig::default())]);
    }
}
