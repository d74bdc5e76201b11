//! The table of `plimsoll lag`: every group with its partitions, what hurts most first.
//! Only renders: the numbers are those of the last tick. No line is wider than asked, and no name can break one.

mod group;

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use super::cell::{cut_end, cut_middle, paint, visible, width_of};
use crate::model::{Millis, Snapshot, Subject, TopicName, TopicView};
use group::{Group, Row};

/// How to render.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// In columns of a terminal. Under 40 the rightmost text is lost.
    pub(super) width: usize,
    /// With ANSI colours.
    pub(super) color: bool,
}

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "1;31";
const YELLOW: &str = "33";

const HEADERS: [&str; 7] = ["TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "TIME-LAG", "OWNER"];
const TOPIC: usize = 0;
const COMMITTED: usize = 2;
const END: usize = 3;
const OWNER: usize = 6;

/// What is left out when there is no room, from nothing to most.
const LEFT_OUT: [&[usize]; 4] = [&[], &[COMMITTED], &[COMMITTED, END], &[COMMITTED, END, OWNER]];

/// Names are cut no shorter than this while a column can be left out instead.
const SHORTEST_NAME: usize = 20;

const GAP: usize = 2;

/// The table, ending in a line feed.
#[must_use]
pub(super) fn render(snapshots: &[Arc<Snapshot>], shape: &Shape) -> String {
    let mut text = String::new();
    let mut has_absent = false;
    for (index, snapshot) in snapshots.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        has_absent |= cluster(snapshot, snapshots.len() > 1, shape, &mut text);
    }
    if has_absent {
        line(&mut text, shape, Some(DIM), "\n- not known; the reason is given below its group");
    }
    text
}

/// Whether something was absent.
fn cluster(snapshot: &Snapshot, is_named: bool, shape: &Shape, text: &mut String) -> bool {
    let name = visible(snapshot.cluster.as_str());
    if let Err(reason) = snapshot.up {
        let because = snapshot.down_because.clone().unwrap_or_else(|| reason.to_string());
        line(text, shape, Some(RED), &format!("{name}: not measured: {}", visible(&because)));
        return false;
    }
    if is_named {
        line(text, shape, Some(BOLD), &format!("cluster {name}"));
    }
    let topics: HashMap<&TopicName, &TopicView> =
        snapshot.topics.iter().map(|topic| (&topic.topic, topic)).collect();
    let mut groups: Vec<Group<'_>> = snapshot.groups.iter().map(|view| Group::new(view, &topics)).collect();
    groups.sort_by(Group::worst_first);
    let hidden: Vec<_> = snapshot
        .unmeasured
        .iter()
        .filter(|it| it.subject == Subject::Group)
        .filter(|it| !groups.iter().any(|group| group.name == visible(&it.name)))
        .collect();
    if groups.is_empty() && hidden.is_empty() {
        line(text, shape, None, "no consumer groups");
        return false;
    }

    let columns = Columns::fit(&groups, shape.width);
    let mut has_absent = false;
    if groups.iter().any(|group| !group.rows.is_empty()) {
        line(text, shape, Some(DIM), &columns.line(&HEADERS.map(str::to_owned)));
    }
    for group in groups {
        heading(&group, shape, text);
        for row in &group.rows {
            let style = row.is_absent.then_some(YELLOW);
            line(text, shape, style, &columns.line(&row.cells));
        }
        for note in &group.notes {
            has_absent = true;
            line(text, shape, Some(YELLOW), &format!("  - {note}"));
        }
    }
    for it in hidden {
        let name = cut_middle(&visible(&it.name), shape.width / 2);
        line(text, shape, Some(YELLOW), &format!("{name}  not measured: {}", it.reason));
    }
    has_absent
}

/// The group's own line: its name, then as many facts as there is room for, the least needed left out first.
fn heading(group: &Group<'_>, shape: &Shape, text: &mut String) {
    let mut facts = group.facts();
    let room = |facts: &[group::Fact]| {
        let taken: usize = facts.iter().map(|fact| GAP + width_of(&fact.text)).sum();
        shape.width.saturating_sub(taken)
    };
    while room(&facts) < width_of(&group.name).min(SHORTEST_NAME)
        && let Some(least) =
            facts.iter().map(|fact| fact.needed).min().filter(|needed| *needed < group::ALWAYS)
    {
        facts.retain(|fact| fact.needed > least);
    }
    let name = cut_middle(&group.name, room(&facts).max(8));
    let plain: Vec<&str> = facts.iter().map(|fact| fact.text.as_str()).collect();
    let gap = " ".repeat(GAP);
    if width_of(&name) + plain.iter().map(|fact| GAP + width_of(fact)).sum::<usize>() > shape.width {
        // Too narrow even for what is always shown: then without colours, which could be cut in half.
        return line(text, shape, None, &format!("{name}{gap}{}", plain.join(&gap)));
    }
    text.push_str(&paint(shape.color.then_some(BOLD), &name));
    for fact in &facts {
        let style = if fact.is_alarming { Some(RED) } else { None };
        text.push_str(&gap);
        text.push_str(&paint(style.filter(|_| shape.color), &fact.text));
    }
    text.push('\n');
}

/// One line, cut to the width.
fn line(text: &mut String, shape: &Shape, style: Option<&str>, content: &str) {
    let (before, content) = content.strip_prefix('\n').map_or(("", content), |rest| ("\n", rest));
    let content = cut_end(content.trim_end(), shape.width);
    // A String takes every write.
    writeln!(text, "{before}{}", paint(style.filter(|_| shape.color), &content)).ok();
}

/// The columns that are shown, and how wide each is.
struct Columns {
    widths: Vec<(usize, usize)>,
}

impl Columns {
    fn fit(groups: &[Group<'_>], width: usize) -> Self {
        let mut natural = HEADERS.map(width_of);
        for Row { cells, .. } in groups.iter().flat_map(|group| &group.rows) {
            for (wide, cell) in natural.iter_mut().zip(cells) {
                *wide = width_of(cell).max(*wide);
            }
        }
        let is_name = |column: usize| column == TOPIC || column == OWNER;
        let least = |column: usize| match natural[column] {
            wide if is_name(column) => wide.min(SHORTEST_NAME),
            wide => wide,
        };
        let shown =
            |left_out: &[usize]| (0..HEADERS.len()).filter(|it| !left_out.contains(it)).collect::<Vec<_>>();
        let fits = |columns: &Vec<usize>| columns.iter().map(|it| least(*it) + GAP).sum::<usize>() <= width;
        let columns = LEFT_OUT.map(shown).into_iter().find(fits).unwrap_or_else(|| shown(LEFT_OUT[3]));

        let fixed: usize = columns.iter().map(|it| GAP + if is_name(*it) { 0 } else { natural[*it] }).sum();
        let spare = width.saturating_sub(fixed);
        let owner_natural = if columns.contains(&OWNER) { natural[OWNER] } else { 0 };
        // Each name gets what it needs, or half; what one does not need, the other gets.
        let owner = owner_natural.min((spare / 2).max(spare.saturating_sub(natural[TOPIC])));
        let topic = natural[TOPIC].min(spare - owner);
        let width_for = |column: usize| match column {
            TOPIC => topic,
            OWNER => owner,
            other => natural[other],
        };
        Self { widths: columns.into_iter().map(|column| (column, width_for(column))).collect() }
    }

    /// Names to the left, numbers to the right.
    fn line(&self, cells: &[String; 7]) -> String {
        let mut line = String::new();
        for (column, width) in &self.widths {
            let cell = cut_middle(&cells[*column], *width);
            let pad = " ".repeat(width.saturating_sub(width_of(&cell)));
            line.push_str(&" ".repeat(GAP));
            let is_name = *column == TOPIC || *column == OWNER;
            let (first, second) = if is_name { (cell, pad) } else { (pad, cell) };
            line.push_str(&first);
            line.push_str(&second);
        }
        line
    }
}

fn rate(per_second: f64) -> String {
    if per_second > 0.0 && per_second < 100.0 {
        format!("{per_second:.1}/s")
    } else {
        format!("{per_second:.0}/s")
    }
}

/// Below a second in milliseconds: there, a tenth of a second is the whole difference.
fn length(length: Millis) -> String {
    match length.0 {
        1..1000 => format!("{}ms", length.0),
        _ => length.to_string(),
    }
}

#[cfg(test)]
mod tests;
