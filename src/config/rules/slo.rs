//! Reads one SLO.

use std::sync::Arc;

use super::fields::sentence_and_help;
use super::indicator;
use crate::config::keys::{ALERTING, SLO, TIER};
use crate::config::read::{Entries, Reader};
use crate::config::tree::Node;
use crate::config::values;
use crate::model::{Millis, Ratio};
use crate::slo::{self, Alerting, Indicator, Period, Slo, Tier, Window};

/// The SLO in `node` and its name as it stands there; `None` when it has problems that leave nothing to go on with.
pub(super) fn read<'n>(reader: &mut Reader<'_>, node: &'n Node, path: &str) -> Option<(Slo, &'n Node)> {
    let before = reader.problem_count();
    let entries = reader.entries(node, &SLO, path);
    let name = reader.read(&entries, "name", values::rule_name);
    let description = reader.words(&entries, "description");
    let indicator =
        entries.get("indicator").map(|node| indicator::read(reader, node, &entries.path("indicator")));
    let objective = reader.read(&entries, "objective", values::objective);
    let window = window(reader, &entries);
    let slice = reader.millis(&entries, "slice");
    let slice_target = reader.some_share(&entries, "slice_target");
    let labels = reader.labels(&entries);
    let runbook = reader.words(&entries, "runbook");
    let alerting = alerting(reader, &entries);
    let indicator = indicator.flatten()?;
    if counts_records(&indicator) {
        for key in ["slice", "slice_target"] {
            if let Some(node) = entries.get(key) {
                let what = format!("{} has no effect: this indicator counts records", entries.path(key));
                reader.problem(node.at, what, "remove it");
            }
        }
    }
    let promise = Slo {
        name: Arc::from(name?),
        description,
        indicator,
        objective: objective?,
        window: window?,
        slice: slice.unwrap_or(Millis(60_000)),
        slice_target: slice_target.unwrap_or(Ratio::ONE),
        labels,
        runbook,
        alerting,
    };
    let name = entries.get("name")?;
    // What is wrong with the whole is of interest when its values are right. What is no error is told by `check`.
    let problems = if reader.problem_count() > before { Vec::new() } else { slo::problems(&promise) };
    for problem in problems.iter().filter(|problem| problem.is_error) {
        let (what, help) = sentence_and_help(&problem.sentence);
        reader.problem(name.at, format!("{path}: {what}"), help);
    }
    Some((promise, name))
}

fn counts_records(indicator: &Indicator) -> bool {
    matches!(indicator, Indicator::Latency { .. } | Indicator::DeadLetters { .. } | Indicator::Loss { .. })
}

fn window(reader: &mut Reader<'_>, entries: &Entries<'_>) -> Option<Window> {
    let rolling = reader.millis(entries, "window");
    let period = reader.choice(entries, "calendar");
    let timezone = reader.read(entries, "timezone", values::time_zone);
    match (entries.get("window"), entries.get("calendar")) {
        (Some(_), Some(node)) => {
            let what = format!("{} and `window` exclude each other", entries.path("calendar"));
            reader.problem(node.at, what, "keep one of them");
            return None;
        }
        (None, None) => {
            let what = format!("{} has neither `window` nor `calendar`", entries.own_path());
            reader.problem(entries.begin(), what, "add `window: 30d`, or `calendar: month`");
            return None;
        }
        _ => {}
    }
    if let (Some(node), None) = (entries.get("timezone"), entries.get("calendar")) {
        let what = format!("{} has no effect on a rolling window", entries.path("timezone"));
        reader.problem(node.at, what, "remove it, or write `calendar: month` instead of `window`");
    }
    if let Some(length) = rolling {
        return Some(Window::Rolling(length));
    }
    let period = match period? {
        "day" => Period::Day,
        "week" => Period::Week,
        "month" => Period::Month,
        _ => Period::Quarter,
    };
    Some(Window::Calendar { period, timezone: Arc::from(timezone.as_deref().unwrap_or("UTC")) })
}

fn alerting(reader: &mut Reader<'_>, entries: &Entries<'_>) -> Alerting {
    let mut alerting = Alerting::default();
    let Some(node) = entries.get("alerting") else { return alerting };
    let entries = reader.entries(node, &ALERTING, &entries.path("alerting"));
    alerting.disabled = reader.read(&entries, "disabled", values::flag).unwrap_or(false);
    alerting.min_bad_events = reader.integer(&entries, "min_bad_events");
    if let Some(floor) = reader.read(&entries, "coverage_floor", values::share) {
        alerting.coverage_floor = floor;
    }
    if let Some(length) = reader.millis(&entries, "resolve_after") {
        alerting.resolve_after = length;
    }
    alerting.tiers = entries.get("tiers").map(|node| tiers(reader, node, &entries.path("tiers")));
    alerting
}

fn tiers(reader: &mut Reader<'_>, node: &Node, path: &str) -> Vec<Tier> {
    let example = "write a list such as `[{ severity: page, share: 2%, long: 1h, short: 5m }]`";
    let items = reader.items(node, path, example).unwrap_or_default();
    if items.is_empty() && matches!(node.kind, crate::config::tree::Kind::List(_)) {
        let help =
            "write `disabled: true` for an SLO that never speaks, or remove the key for the usual tiers";
        reader.problem(node.at, format!("{path} is empty"), help);
    }
    let each = items.iter().enumerate();
    each.filter_map(|(index, item)| tier(reader, item, &format!("{path}[{index}]"))).collect()
}

fn tier(reader: &mut Reader<'_>, node: &Node, path: &str) -> Option<Tier> {
    let entries = reader.entries(node, &TIER, path);
    let severity = reader.severity(&entries);
    let share = reader.some_share(&entries, "share");
    let (long, short) = (reader.millis(&entries, "long"), reader.millis(&entries, "short"));
    let tier = Tier { severity: severity?, share: share?, long: long?, short: short? };
    if tier.short >= tier.long {
        let what = format!("{path}: `short` is not shorter than `long`");
        reader.problem(entries.get("short")?.at, what, "write a twelfth of `long`, as is usual");
    }
    Some(tier)
}
