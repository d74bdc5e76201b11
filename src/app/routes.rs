//! `plimsoll routes`: who would be told of an incident with these labels, and why. Asks nobody; silences are not
//! looked at.

use std::collections::BTreeSet;
use std::io::Write;

use serde_json::{Value, json};

use super::{Ending, say};
use crate::cli::RoutesArgs;
use crate::config::{Config, grouping_words, listed, matching_words, name_words};
use crate::model::Severity;
use crate::notify::{Labels, NotifyConfig, RouteExplained, RouteVerdict, explain, receivers_of};

/// # Errors
/// When standard output cannot be written.
pub(super) fn run(config: &Config, arguments: &RoutesArgs) -> anyhow::Result<Ending> {
    let Some(incidents) = incidents(config, arguments) else { return Ok(Ending::Refused) };
    hint(config, arguments);
    if !config.notify.notifies {
        say(
            "plimsoll: `notify` is false: an instance with these settings tells nobody; this is what they say otherwise",
        );
    }
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let told: Vec<_> = incidents.iter().map(|labels| as_json(&config.notify, labels)).collect();
        serde_json::to_writer_pretty(
            &mut out,
            &json!({ "notify": config.notify.notifies, "incidents": told }),
        )?;
        writeln!(out)?;
    } else {
        for (number, labels) in incidents.iter().enumerate() {
            if number > 0 {
                writeln!(out)?;
            }
            show(&config.notify, labels, &mut out)?;
        }
    }
    let is_told = config.notify.notifies
        && incidents.iter().any(|labels| !receivers_of(&config.notify, labels).is_empty());
    Ok(if is_told { Ending::Fine } else { Ending::Failed })
}

/// The labels that are asked about; once for each severity when none is given.
fn incidents(config: &Config, arguments: &RoutesArgs) -> Option<Vec<Labels>> {
    let mut labels = Labels::new();
    for (label, value) in &arguments.labels {
        if labels.insert(label.as_str().into(), value.as_str().into()).is_some() {
            say(&format!("plimsoll: the label {label} is given twice: keep one of them"));
            return None;
        }
    }
    let of = |severity: Severity| {
        let mut labels = labels.clone();
        labels.insert("severity".into(), severity.label().into());
        labels
    };
    let Some(given) = labels.get("severity") else {
        return Some([Severity::Page, Severity::Ticket, Severity::Info].map(of).into());
    };
    // As in rules: `critical` is a page.
    match config.severities.get(given) {
        Some(severity) => Some(vec![of(severity)]),
        None => {
            say(&format!(
                "plimsoll: severity={given}: there is no such severity: write page, ticket or info"
            ));
            None
        }
    }
}

/// Names that are likely meant otherwise.
fn hint(config: &Config, arguments: &RoutesArgs) {
    let rules = &config.rules;
    let own = rules.slos.iter().map(|slo| &slo.labels).chain(rules.alerts.iter().map(|alert| &alert.labels));
    let own: BTreeSet<&str> = own.flat_map(|labels| labels.keys().map(|label| &**label)).collect();
    for (label, meant) in
        [("group", "consumergroup"), ("consumer_group", "consumergroup"), ("alert", "alertname")]
    {
        if arguments.labels.iter().any(|(given, _)| given == label) && !own.contains(label) {
            say(&format!("plimsoll: no incident has the label {label}: it is called {meant}"));
        }
    }
}

fn show(config: &NotifyConfig, labels: &Labels, out: &mut impl Write) -> anyhow::Result<()> {
    let pairs: Vec<_> = labels.iter().map(|(label, value)| format!("{label}={value:?}")).collect();
    writeln!(out, "{}", pairs.join(" "))?;
    for (number, one) in (1..).zip(explain(&config.routes, labels)) {
        let what = matching_words(one.route, false);
        writeln!(out, "  route {number}, {what}: {}", verdict_words(&one, config))?;
    }
    let told = receivers_of(config, labels);
    if told.is_empty() {
        writeln!(out, "  nobody is told: add a route without `match` at the end to catch what is left")?;
    }
    for (receiver, grouping) in told {
        writeln!(out, "  told: {}, {}", name_words(receiver, config), grouping_words(grouping))?;
    }
    Ok(())
}

fn verdict_words(one: &RouteExplained<'_>, config: &NotifyConfig) -> String {
    match &one.verdict {
        RouteVerdict::Taken => {
            let names: Vec<_> = one.route.receivers.iter().map(|name| name_words(name, config)).collect();
            let goes_on = if one.route.goes_on { ", and the routes below are looked at, too" } else { "" };
            format!("matches: {}{goes_on}", listed(&names))
        }
        RouteVerdict::Differs { matcher, value } if value.is_empty() => {
            format!("does not match: {matcher}, but there is no {}", matcher.label())
        }
        RouteVerdict::Differs { matcher, value } => {
            format!("does not match: {matcher}, but {} is {value:?}", matcher.label())
        }
        RouteVerdict::NotReached => "not looked at: a route above matches and does not continue".to_owned(),
    }
}

fn as_json(config: &NotifyConfig, labels: &Labels) -> Value {
    let labels_told: serde_json::Map<String, Value> =
        labels.iter().map(|(label, value)| (label.to_string(), (**value).into())).collect();
    let routes: Vec<_> = explain(&config.routes, labels).iter().map(route_as_json).collect();
    let receivers: Vec<_> = receivers_of(config, labels)
        .into_iter()
        .map(|(receiver, grouping)| {
            let kind = config.receivers.iter().find(|one| one.name == *receiver).map(|one| one.kind.label());
            json!({
                "name": receiver.as_str(),
                "kind": kind,
                "grouping": {
                    "by": grouping.by,
                    "wait_seconds": grouping.wait.as_secs_f64(),
                    "interval_seconds": grouping.interval.as_secs_f64(),
                    "repeat_seconds": grouping.repeat.as_secs_f64(),
                },
            })
        })
        .collect();
    json!({ "labels": labels_told, "receivers": receivers, "routes": routes })
}

fn route_as_json(one: &RouteExplained<'_>) -> Value {
    let matchers: Vec<_> = one.route.matchers.iter().map(ToString::to_string).collect();
    let receivers: Vec<_> = one.route.receivers.iter().map(|name| name.as_str()).collect();
    let mut told = json!({
        "match": matchers,
        "receivers": receivers,
        "continue": one.route.goes_on,
        "verdict": match one.verdict {
            RouteVerdict::Taken => "matches",
            RouteVerdict::Differs { .. } => "differs",
            RouteVerdict::NotReached => "not_reached",
        },
    });
    if let RouteVerdict::Differs { matcher, value } = &one.verdict {
        told["differs"] = json!({ "matcher": matcher.to_string(), "value": **value });
    }
    told
}
