//! The table of `plimsoll slo`: what burns most first, and below it why something cannot be judged.
//! Only renders: the numbers are the daemon's. No line is wider than asked, and no name can break one.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use serde::Deserialize;

use super::cell::visible;
use super::table::{Shape, Table, push, to_the_minute, wrapped};

/// What the table needs of the daemon's answer about one SLO of one group and topic.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Line {
    cluster: String,
    slo: String,
    group: Option<String>,
    topic: Option<String>,
    objective: String,
    state: String,
    detail: Option<String>,
    #[serde(default)]
    idle: bool,
    good: Option<u64>,
    bad: Option<u64>,
    unmeasured: Option<u64>,
    coverage: Option<f64>,
    budget_remaining: Option<f64>,
    burn_rates: Vec<Burn>,
    measured_since: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Burn {
    window: String,
    rate: Option<f64>,
}

const DIM: &str = "2";
const RED: &str = "1;31";
const YELLOW: &str = "33";

const COLUMNS: usize = 13;
const CLUSTER: usize = 0;
const TOPIC: usize = 3;
const STATE: usize = 5;

const TABLE: Table<COLUMNS> = Table {
    headers: [
        "CLUSTER",
        "SLO",
        "GROUP",
        "TOPIC",
        "OBJECTIVE",
        "STATE",
        "BUDGET",
        "BURN (1h)",
        "COVERAGE",
        "GOOD",
        "BAD",
        "UNMEASURED",
        "SINCE",
    ],
    names: &[CLUSTER, 1, 2, TOPIC],
    shortest_name: 12,
    words: &[STATE, 12],
    least_needed: &[12, 9, 8, 4, 11, 10, TOPIC, CLUSTER, 7],
};

/// The table and the reasons, ending in a line feed.
#[must_use]
pub(super) fn render(lines: &[Line], shape: &Shape) -> String {
    let mut lines: Vec<&Line> = lines.iter().collect();
    lines.sort_by(|one, other| worst_first(one, other));
    let has_several = lines.windows(2).any(|pair| pair[0].cluster != pair[1].cluster);
    let rows: Vec<[String; COLUMNS]> = lines.iter().map(|line| line.cells()).collect();
    let hidden: &[usize] = if has_several { &[] } else { &[CLUSTER] };
    let columns = TABLE.fit(&rows, shape.width, hidden);

    let mut text = String::new();
    push(&mut text, shape, Some(DIM), &TABLE.header(&columns));
    for (line, cells) in lines.iter().zip(&rows) {
        let style = match line.state.as_str() {
            "page" => Some(RED),
            "ticket" | "unmeasured" => Some(YELLOW),
            _ => None,
        };
        push(&mut text, shape, style, &TABLE.row(&columns, cells));
    }
    let reasons = reasons(&lines);
    if !reasons.is_empty() {
        text.push('\n');
    }
    for reason in reasons {
        for part in wrapped(&reason, shape.width) {
            push(&mut text, shape, Some(YELLOW), &part);
        }
    }
    text
}

/// By state, then by the budget that is left; what has none comes last.
fn worst_first(one: &Line, other: &Line) -> Ordering {
    let by_budget = match (one.budget_remaining, other.budget_remaining) {
        (Some(one), Some(other)) => one.total_cmp(&other),
        (one, other) => other.is_some().cmp(&one.is_some()),
    };
    let name = |line: &Line| (line.cluster.clone(), line.slo.clone(), line.group.clone(), line.topic.clone());
    let urgency = |line: &Line| match line.state.as_str() {
        "page" => 3,
        "ticket" => 2,
        "unmeasured" => 1,
        _ => 0,
    };
    let by_state = Reverse(urgency(one)).cmp(&Reverse(urgency(other)));
    by_state.then(by_budget).then_with(|| name(one).cmp(&name(other)))
}

impl Line {
    fn cells(&self) -> [String; COLUMNS] {
        let name = |name: &Option<String>| name.as_deref().map(visible).unwrap_or_default();
        let count = |count: Option<u64>| or_dash(count, |count| count.to_string());
        let burn = self.burn_rates.iter().find(|burn| burn.window == "1h").and_then(|burn| burn.rate);
        [
            visible(&self.cluster),
            visible(&self.slo),
            name(&self.group),
            name(&self.topic),
            visible(&self.objective),
            format!("{}{}", visible(&self.state), if self.idle { ", idle" } else { "" }),
            or_dash(self.budget_remaining, |left| format!("{:+.2}%", rounded_down(left))),
            or_dash(burn, |rate| format!("{rate:.2}")),
            or_dash(self.coverage, |share| format!("{:.2}%", rounded_down(share))),
            count(self.good),
            count(self.bad),
            count(self.unmeasured),
            or_dash(self.measured_since.as_deref(), |time| visible(&to_the_minute(time))),
        ]
    }
}

fn or_dash<T>(value: Option<T>, show: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), show)
}

/// In percent with two digits, never more than there is: all of it is shown as 100 only when nothing is missing.
fn rounded_down(share: f64) -> f64 {
    // what is a hundredth of a percent but for the last bit of a float is one
    (share * 10_000.0 + 1e-6).floor() / 100.0
}

/// Why SLOs cannot be judged: one sentence for all groups and topics of an SLO that have the same reason.
fn reasons(lines: &[&Line]) -> Vec<String> {
    let mut found: BTreeMap<(&str, &str), Vec<&Line>> = BTreeMap::new();
    for line in lines {
        if let Some(detail) = &line.detail {
            found.entry((&line.slo, detail)).or_default().push(line);
        }
    }
    let sentence = |((slo, detail), lines): ((&str, &str), Vec<&Line>)| {
        let of = match lines.as_slice() {
            [line] => {
                line.group.iter().chain(&line.topic).map(|name| visible(name)).collect::<Vec<_>>().join(", ")
            }
            many => format!("{} groups and topics", many.len()),
        };
        let of = if of.is_empty() { of } else { format!(" ({of})") };
        format!("{}{of}: {}", visible(slo), visible(detail))
    };
    found.into_iter().map(sentence).collect()
}

#[cfg(test)]
mod tests;
