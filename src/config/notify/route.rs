//! Reads the routes: what they match, and whom they lead to.

use super::{Known, grouping, items, one_or_many};
use crate::config::keys::{ROUTE, ROUTE_GROUPING};
use crate::config::read::{Entries, Reader};
use crate::config::tree::{Kind, Node};
use crate::config::values::{self, Wrong};
use crate::model::Severity;
use crate::notify::{GroupingConfig, Matcher, RouteConfig};

/// Every route in the settings; `None` when there is none.
pub(super) fn all(
    reader: &mut Reader<'_>,
    file: &Entries<'_>,
    known: &Known,
    general: &GroupingConfig,
) -> Option<Vec<RouteConfig>> {
    let example = "write a list of them, such as `- { match: { severity: page }, receivers: [oncall] }`";
    let found = items(reader, file, "routes", example)?;
    if found.is_empty() {
        return None;
    }
    Some(found.iter().map(|(item, path)| route(reader, item, path, known, general)).collect())
}

/// Everybody who takes messages is told of everything.
pub(super) fn to_everybody(known: &Known) -> RouteConfig {
    let takers = known.receivers.iter().filter(|receiver| receiver.takes_alerts());
    RouteConfig {
        matchers: Vec::new(),
        receivers: takers.map(|receiver| receiver.config.name.clone()).collect(),
        goes_on: false,
        grouping: None,
    }
}

fn route(
    reader: &mut Reader<'_>,
    node: &Node,
    path: &str,
    known: &Known,
    general: &GroupingConfig,
) -> RouteConfig {
    let entries = reader.entries(node, &ROUTE, path);
    let matchers = entries.get("match").map(|node| matchers(reader, node, &entries.path("match")));
    let named =
        one_or_many(reader, &entries, "receivers", "name a receiver, or several, such as `[oncall, chat]`");
    let receivers =
        named.iter().filter_map(|(node, path)| reader.value(node, path, |text| known.name(text))).collect();
    let goes_on = reader.read(&entries, "continue", values::flag).unwrap_or(false);
    let grouping = entries
        .get("grouping")
        .map(|node| grouping(reader, node, &ROUTE_GROUPING, &entries.path("grouping"), general));
    RouteConfig { matchers: matchers.unwrap_or_default(), receivers, goes_on, grouping }
}

/// A mapping of labels to values, or a list of matchers.
fn matchers(reader: &mut Reader<'_>, node: &Node, path: &str) -> Vec<Matcher> {
    let before = reader.problem_count();
    let matchers: Vec<Matcher> = match &node.kind {
        Kind::List(items) => {
            let each = items.iter().enumerate();
            each.filter_map(|(index, item)| reader.value(item, &format!("{path}[{index}]"), matcher))
                .collect()
        }
        Kind::Mapping(_) | Kind::Nothing => equals(reader, node, path),
        Kind::Scalar(_) => {
            let help = "write `{ severity: page }`, or a list of matchers such as `['team=~\"pay.*\"']`";
            reader.problem(
                node.at,
                format!("{path} is a single value where a mapping or a list belongs"),
                help,
            );
            Vec::new()
        }
    };
    if reader.problem_count() == before && severities(&matchers).is_empty() {
        let what = format!("{path} matches no severity, so nobody is told");
        let help = "an incident is `page`, `ticket` or `info`, whatever its rule calls it: \
                    `critical` has become page, `warning` ticket";
        reader.problem(node.at, what, help);
    }
    matchers
}

/// The severities that what has all of `matchers` may have.
pub(in crate::config) fn severities(matchers: &[Matcher]) -> Vec<Severity> {
    let is_taken = |severity: &Severity| {
        let mut about = matchers.iter().filter(|matcher| matcher.label() == "severity");
        about.all(|matcher| matcher.matches(severity.label()))
    };
    [Severity::Page, Severity::Ticket, Severity::Info].into_iter().filter(is_taken).collect()
}

fn matcher(text: &str) -> Result<Matcher, Wrong> {
    let matcher = Matcher::parse(text).map_err(|wrong| Wrong { what: wrong.what, help: wrong.help })?;
    values::incident_label(matcher.label()).map_err(|wrong| Wrong {
        what: "is about what is not a label's name".to_owned(),
        help: wrong.help,
    })?;
    Ok(matcher)
}

fn equals(reader: &mut Reader<'_>, node: &Node, path: &str) -> Vec<Matcher> {
    let mut matchers = Vec::new();
    for (key, label, value) in reader.pairs(node, path).unwrap_or_default() {
        let shown = reader.name(key);
        if let Err(wrong) = values::incident_label(label) {
            reader.problem(key.at, format!("{path}: `{shown}` {}", wrong.what), wrong.help);
            continue;
        }
        // The value may be empty: what has no such label.
        let value = reader.value(value, &format!("{path}.{shown}"), |text| Ok(text.to_owned()));
        matchers.extend(value.map(|value| Matcher::equal(label, &value)));
    }
    matchers
}
