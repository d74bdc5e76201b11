//! Reads what has to be so in a test.

use super::{items, minutes};
use crate::config::keys::EXPECTATION;
use crate::config::read::{Entries, Reader};
use crate::config::tree::Node;
use crate::config::values::{self, Wrong};
use crate::model::{AlertState, Millis, SloState};
use crate::sim::{AlertExpectation, Expectation};

/// What a test expects of an SLO.
pub(super) fn of_slo(reader: &mut Reader<'_>, test: &Entries<'_>) -> Vec<Expectation> {
    let mut expectations = Vec::new();
    for (node, path) in items(reader, test, "expect") {
        let entries = reader.entries(node, &EXPECTATION, &path);
        let state = reader.read(&entries, "state", slo_state);
        let count = |reader: &mut Reader<'_>, name| reader.integer(&entries, name);
        let expectation = Expectation {
            at_minute: 0,
            state,
            good: count(reader, "good"),
            bad: count(reader, "bad"),
            unmeasured: count(reader, "unmeasured"),
            coverage: reader.read(&entries, "coverage", values::digits),
            budget_remaining: reader.read(&entries, "budget_remaining", values::digits),
            burn_rate: burn_rate(reader, &entries),
            line: line(node, &entries),
        };
        if entries.names().all(|name| name == "at") {
            let what = format!("{path} expects nothing");
            reader.problem(entries.begin(), what, "add what has to be so, such as `state: ok`");
        }
        if let Some(at_minute) = minutes(reader, &entries, "at") {
            expectations.push(Expectation { at_minute, ..expectation });
        }
    }
    is_some(reader, test, expectations.len());
    expectations
}

/// What a test expects of an alert.
pub(super) fn of_alert(reader: &mut Reader<'_>, test: &Entries<'_>) -> Vec<AlertExpectation> {
    let mut expectations = Vec::new();
    for (node, path) in items(reader, test, "expect") {
        let entries = reader.entries(node, &EXPECTATION, &path);
        for name in entries.names().filter(|name| !["at", "state"].contains(name)) {
            let what = format!("{path}.{name} does not belong here");
            let at = entries.get(name).map_or(node.at, |node| node.at);
            reader.problem(at, what, "an alert has a state alone");
        }
        if entries.get("state").is_none() {
            let what = format!("{path} has no `state`");
            reader.problem(entries.begin(), what, "add `state: ok`, `pending` or `firing`");
        }
        let state = reader.read(&entries, "state", alert_state);
        if let Some((state, at_minute)) = state.zip(minutes(reader, &entries, "at")) {
            expectations.push(AlertExpectation { at_minute, state, line: line(node, &entries) });
        }
    }
    is_some(reader, test, expectations.len());
    expectations
}

/// A test without expectations could not fail.
fn is_some(reader: &mut Reader<'_>, test: &Entries<'_>, expectations: usize) {
    if let Some(node) = test.get("expect")
        && expectations == 0
    {
        let what = format!("{} has nothing that could fail", test.path("expect"));
        reader.problem(node.at, what, "write a list such as `[{ at: 5m, state: ok }]`");
    }
}

/// Where the item begins for who reads it: at its first key.
fn line(node: &Node, entries: &Entries<'_>) -> usize {
    entries.get("at").map_or(node.at.line, |at| at.at.line)
}

fn slo_state(text: &str) -> Result<SloState, Wrong> {
    let states = [SloState::Ok, SloState::Ticket, SloState::Page, SloState::Unmeasured];
    let found = states.into_iter().find(|state| state.label() == text);
    found.ok_or_else(|| Wrong {
        what: "is no state of an SLO".to_owned(),
        help: "write `ok`, `ticket`, `page` or `unmeasured`".to_owned(),
    })
}

fn alert_state(text: &str) -> Result<Option<AlertState>, Wrong> {
    match text {
        "ok" => Ok(None),
        "pending" => Ok(Some(AlertState::Pending)),
        "firing" => Ok(Some(AlertState::Firing)),
        _ => Err(Wrong {
            what: "is no state of an alert".to_owned(),
            help: "write `ok`, `pending` or `firing`".to_owned(),
        }),
    }
}

fn burn_rate(reader: &mut Reader<'_>, entries: &Entries<'_>) -> Vec<(Millis, String)> {
    let Some(node) = entries.get("burn_rate") else { return Vec::new() };
    let path = entries.path("burn_rate");
    let mut rates = Vec::new();
    for (key, name, value) in reader.pairs(node, &path).unwrap_or_default() {
        let window = match values::minutes(name, values::MINUTE, values::NINETY_DAYS) {
            Ok(window) => Millis(u64::try_from(window.as_millis()).unwrap_or(u64::MAX)),
            Err(wrong) => {
                let shown = reader.name(key);
                reader.problem(key.at, format!("{path}: `{shown}` {}", wrong.what), wrong.help);
                continue;
            }
        };
        let path = format!("{path}.{}", reader.name(key));
        rates.extend(reader.value(value, &path, values::digits).map(|digits| (window, digits)));
    }
    rates
}
