//! Reads who is told of what: receivers, routes, grouping, names of severities. Never opens a connection.

mod kind;
mod receiver;
mod route;

pub(super) use route::severities as severities_of;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::keys::{GROUPING, Section, nearest};
use super::read::{Entries, Reader};
use super::tree::{Kind, Node};
use super::values::{self, Severities, Wrong};
use crate::notify::{GroupingConfig, NotifyConfig, ReceiverConfig, ReceiverKind, ReceiverName};

/// More are a mistake, and each costs a task.
const MOST: usize = 1000;

/// Everything about delivery in the settings, files relative to `folder`. Complete only when no problem was noted.
pub(super) fn read(
    reader: &mut Reader<'_>,
    file: &Entries<'_>,
    folder: &Path,
    external_url: Option<String>,
) -> NotifyConfig {
    let mut known = receiver::all(reader, file, folder);
    // With nobody who takes alerts the terminal does, and routes may name it.
    let usual = NotifyConfig::default();
    if !known.receivers.iter().any(Receiver::takes_alerts) {
        let new = usual.receivers.into_iter().filter(|receiver| known.get(&receiver.name).is_none());
        let new: Vec<_> = new.map(|config| Receiver { shown: config.name.to_string(), config }).collect();
        known.receivers.extend(new);
    }
    let grouping = match file.get("grouping") {
        Some(node) => grouping(reader, node, &GROUPING, "grouping", &usual.grouping),
        None => usual.grouping,
    };
    let routes = route::all(reader, file, &known, &grouping);
    let routes = routes.unwrap_or_else(|| vec![route::to_everybody(&known)]);
    let receivers = known.receivers.into_iter().map(|receiver| receiver.config).collect();
    let notifies = reader.read(file, "notify", values::flag).unwrap_or(usual.notifies);
    NotifyConfig { notifies, receivers, routes, grouping, external_url }
}

/// The receivers that there are.
struct Known {
    receivers: Vec<Receiver>,
    /// One that is broken may be the one that is meant, so nobody is called unknown.
    is_complete: bool,
}

struct Receiver {
    config: ReceiverConfig,
    /// The name as it may be shown: what comes from a variable is shown as the variable.
    shown: String,
}

impl Receiver {
    /// Alerts can be sent there.
    fn takes_alerts(&self) -> bool {
        !matches!(self.config.kind, ReceiverKind::Heartbeat(_))
    }
}

impl Known {
    fn get(&self, name: &ReceiverName) -> Option<&Receiver> {
        self.receivers.iter().find(|receiver| receiver.config.name == *name)
    }

    /// The name of a receiver that takes messages.
    fn name(&self, text: &str) -> Result<ReceiverName, Wrong> {
        let name = values::receiver_name(text)?;
        match self.get(&name) {
            Some(receiver) if !receiver.takes_alerts() => Err(Wrong {
                what: "is a heartbeat, which takes no alerts".to_owned(),
                help: "remove it here: it is called by itself, as long as the daemon judges".to_owned(),
            }),
            Some(_) => Ok(name),
            None if self.is_complete => {
                Err(Wrong { what: "is no receiver".to_owned(), help: self.meant(text) })
            }
            None => Ok(name),
        }
    }

    /// What to write instead of a name that nobody has.
    fn meant(&self, text: &str) -> String {
        let takers = || self.receivers.iter().filter(|receiver| receiver.takes_alerts());
        let meant = nearest(text, takers().map(|receiver| receiver.config.name.as_str()))
            .and_then(|name| takers().find(|receiver| receiver.config.name.as_str() == name));
        match meant {
            Some(receiver) => format!("did you mean `{}`?", receiver.shown),
            None if text == "terminal" => {
                "add `- { name: terminal, terminal: {} }` to `receivers`".to_owned()
            }
            None => {
                let names: Vec<_> =
                    takers().take(10).map(|receiver| format!("`{}`", receiver.shown)).collect();
                format!("add it to `receivers`; there are {}", names.join(", "))
            }
        }
    }
}

/// How incidents share messages; what `node` leaves out is as in `usual`.
fn grouping(
    reader: &mut Reader<'_>,
    node: &Node,
    section: &'static Section,
    path: &str,
    usual: &GroupingConfig,
) -> GroupingConfig {
    let entries = reader.entries(node, section, path);
    let by = entries.get("by").map(|node| labels(reader, node, &entries.path("by")));
    let mut length = |name: &str, usual: Duration| reader.duration(&entries, name).unwrap_or(usual);
    GroupingConfig {
        wait: length("wait", usual.wait),
        interval: length("interval", usual.interval),
        repeat: length("repeat", usual.repeat),
        by: by.unwrap_or_else(|| usual.by.clone()),
    }
}

fn labels(reader: &mut Reader<'_>, node: &Node, path: &str) -> Vec<String> {
    let example = "write a list such as `[alertname, cluster]`, or `[]` for all in one group";
    let mut labels: Vec<String> = Vec::new();
    for (index, item) in reader.items(node, path, example).unwrap_or_default().iter().enumerate() {
        let path = format!("{path}[{index}]");
        let label = reader.value(item, &path, |text| {
            values::incident_label(text)?;
            if text == "severity" {
                let help =
                    "remove it: an incident keeps its thread when it becomes more or less urgent".to_owned();
                return Err(Wrong { what: "changes while an incident goes on".to_owned(), help });
            }
            Ok(text.to_owned())
        });
        labels.extend(label.filter(|label| !labels.contains(label)));
    }
    labels
}

/// The items of a list, or the one value that stands for a list of one; each with its path.
fn one_or_many<'n>(
    reader: &mut Reader<'_>,
    entries: &Entries<'n>,
    name: &str,
    help: &str,
) -> Vec<(&'n Node, String)> {
    let path = entries.path(name);
    let Some(node) = entries.get(name) else { return Vec::new() };
    match &node.kind {
        Kind::List(items) => {
            if items.is_empty() {
                reader.problem(node.at, format!("{path} is empty"), help);
            }
            items.iter().enumerate().map(|(index, item)| (item, format!("{path}[{index}]"))).collect()
        }
        Kind::Scalar(_) => vec![(node, path)],
        Kind::Nothing | Kind::Mapping(_) => {
            reader.problem(node.at, format!("{path} is {} where a list belongs", node.kind.name()), help);
            Vec::new()
        }
    }
}

/// The items of the list of mappings under `name`, each with its path; `None` when there is none.
fn items<'n>(
    reader: &mut Reader<'_>,
    file: &Entries<'n>,
    name: &str,
    example: &str,
) -> Option<Vec<(&'n Node, String)>> {
    let node = file.get(name).filter(|node| !matches!(node.kind, Kind::Nothing))?;
    let items = reader.items(node, name, example)?;
    if items.len() > MOST {
        reader.problem(node.at, format!("{name} has more than {MOST} items"), "is this the right file?");
        return None;
    }
    Some(items.iter().enumerate().map(|(index, item)| (item, format!("{name}[{index}]"))).collect())
}

/// Further names of severities.
pub(super) fn severities(reader: &mut Reader<'_>, file: &Entries<'_>) -> Severities {
    let mut severities = BTreeMap::new();
    let Some(node) = file.get("severities") else { return Severities::default() };
    let path = file.path("severities");
    for (key, name, value) in reader.pairs(node, &path).unwrap_or_default() {
        let shown = reader.name(key);
        let wrong = match values::rule_name(name) {
            Err(_) => Some((
                "cannot be the name of a severity",
                "use 1 to 100 letters, digits, `_`, `.`, `-` and `:`",
            )),
            Ok(_) if values::own_severity(name).is_some() => {
                Some(("is a severity itself", "remove it: page, ticket and info are always what they are"))
            }
            Ok(_) => None,
        };
        if let Some((what, help)) = wrong {
            reader.problem(key.at, format!("{path}: `{shown}` {what}"), help);
            continue;
        }
        let severity = reader.value(value, &format!("{path}.{shown}"), |text| {
            values::own_severity(text).ok_or_else(|| Wrong {
                what: "is not a severity".to_owned(),
                help: "write `page`, `ticket` or `info`".to_owned(),
            })
        });
        severities.extend(severity.map(|severity| (name.to_owned(), severity)));
    }
    Severities(severities)
}
