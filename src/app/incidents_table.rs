//! The table of `plimsoll incidents`: a line for each, below it what is so, and who was told.
//! Only renders, in the daemon's order. No line is wider than asked, and no name can break one.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::cell::visible;
use super::table::{GAP, Shape, Table, push, to_the_minute, wrapped};
use crate::model::Millis;

/// What the table needs of the daemon's answer about one incident.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Line {
    cluster: String,
    source: String,
    name: String,
    group: Option<String>,
    topic: Option<String>,
    partition: Option<u32>,
    state: String,
    severity: String,
    opened_at: Option<String>,
    lasted_seconds: f64,
    detail: Option<String>,
    inhibited: bool,
    summary: String,
    deliveries: Vec<Delivery>,
}

#[derive(Debug, Clone, Deserialize)]
struct Delivery {
    receiver: String,
    state: String,
}

const DIM: &str = "2";
const RED: &str = "1;31";
const YELLOW: &str = "33";

const COLUMNS: usize = 8;
const CLUSTER: usize = 0;

const TABLE: Table<COLUMNS> = Table {
    headers: ["CLUSTER", "SEVERITY", "STATE", "SINCE", "LASTED", "NAME", "GROUP", "TOPIC"],
    names: &[CLUSTER, 5, 6, 7],
    shortest_name: 11,
    words: &[1, 2, 3],
    least_needed: &[CLUSTER, 7, 3, 4, 6],
};

/// The table, ending in a line feed.
#[must_use]
pub(super) fn render(lines: &[Line], shape: &Shape) -> String {
    let has_several = lines.windows(2).any(|pair| pair[0].cluster != pair[1].cluster);
    let rows: Vec<[String; COLUMNS]> = lines.iter().map(Line::cells).collect();
    let hidden: &[usize] = if has_several { &[] } else { &[CLUSTER] };
    let columns = TABLE.fit(&rows, shape.width, hidden);
    let mut text = String::new();
    push(&mut text, shape, Some(DIM), &TABLE.header(&columns));
    for (line, cells) in lines.iter().zip(&rows) {
        let style = match (line.state.as_str(), line.severity.as_str()) {
            ("open", "page") => Some(RED),
            ("open", "ticket") => Some(YELLOW),
            ("open", _) => None,
            _ => Some(DIM),
        };
        push(&mut text, shape, style, &TABLE.row(&columns, cells));
        for sentence in [Some(line.words()), line.told()].into_iter().flatten() {
            for part in wrapped(&sentence, shape.width.saturating_sub(GAP)) {
                push(&mut text, shape, style.filter(|style| *style == DIM), &format!("  {part}"));
            }
        }
    }
    text
}

impl Line {
    fn cells(&self) -> [String; COLUMNS] {
        let name = |name: &Option<String>| name.as_deref().map(visible).unwrap_or_default();
        let partition = self.partition.map(|partition| format!("/{partition}")).unwrap_or_default();
        let lasted = Duration::try_from_secs_f64(self.lasted_seconds).unwrap_or_default();
        [
            visible(&self.cluster),
            visible(&self.severity),
            visible(&self.state),
            self.opened_at.as_deref().map_or_else(|| "-".to_owned(), since),
            Millis::from_seconds(lasted.as_secs()).to_string(),
            visible(&self.name),
            name(&self.group),
            format!("{}{partition}", name(&self.topic)),
        ]
    }

    /// What is so, and why it cannot be judged or is not told.
    fn words(&self) -> String {
        let mut clauses = vec![visible(&self.summary)];
        // an SLO that is unmeasured says why already
        if let Some(detail) = &self.detail
            && self.source != "unmeasured_slo"
        {
            clauses.push(visible(detail));
        }
        if self.inhibited && self.state == "open" {
            clauses.push("nothing new is told while its cluster cannot be reached".to_owned());
        }
        clauses.join("; ")
    }

    /// Which receivers stand where.
    fn told(&self) -> Option<String> {
        let mut by_state: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for delivery in &self.deliveries {
            by_state.entry(&delivery.state).or_default().push(visible(&delivery.receiver));
        }
        let clause =
            |(state, names): (&&str, &Vec<String>)| format!("{}: {}", visible(state), names.join(", "));
        let clauses: Vec<_> = by_state.iter().map(clause).collect();
        (!clauses.is_empty()).then(|| clauses.join("; "))
    }
}

/// `11-22 20:04Z`: nothing is kept for so long that the year would tell more.
fn since(time: &str) -> String {
    let time = visible(&to_the_minute(time));
    match time.split_once('-') {
        Some((year, rest)) if year.len() == 4 => rest.to_owned(),
        _ => time,
    }
}

#[cfg(test)]
mod tests;
