//! Reads one threshold alert.

use std::sync::Arc;

use super::condition;
use super::fields::sentence_and_help;
use crate::alert::{self, AlertRule};
use crate::config::keys::ALERT;
use crate::config::read::Reader;
use crate::config::tree::Node;
use crate::config::values;
use crate::model::Millis;

/// The alert in `node` and its name as it stands there; `None` when it has problems that leave nothing to go on with.
pub(super) fn read<'n>(reader: &mut Reader<'_>, node: &'n Node, path: &str) -> Option<(AlertRule, &'n Node)> {
    let before = reader.problem_count();
    let entries = reader.entries(node, &ALERT, path);
    let name = reader.read(&entries, "name", values::rule_name);
    let description = reader.words(&entries, "description");
    let when = entries.get("when").map(|node| condition::read(reader, node, &entries.path("when")));
    let hold = reader.millis(&entries, "for");
    let severity = reader.severity(&entries);
    let per_partition = reader.choice(&entries, "per").is_some();
    let summarize_above = reader.integer(&entries, "summarize_above");
    let resolve_after = reader.millis(&entries, "resolve_after");
    let labels = reader.labels(&entries);
    let runbook = reader.words(&entries, "runbook");
    let when = when.flatten()?;
    let rule = AlertRule {
        name: Arc::from(name?),
        description,
        when,
        hold: hold.unwrap_or_default(),
        severity: severity?,
        per_partition,
        summarize_above: summarize_above.and_then(|number| u32::try_from(number).ok()),
        resolve_after: resolve_after.unwrap_or(Millis(60_000)),
        labels,
        runbook,
    };
    let name = entries.get("name")?;
    // What is wrong with the whole is of interest when its values are right.
    let problems = if reader.problem_count() > before { Vec::new() } else { alert::problems(&rule) };
    for problem in problems {
        let (what, help) = sentence_and_help(&problem);
        reader.problem(name.at, format!("{path}: {what}"), help);
    }
    Some((rule, name))
}
