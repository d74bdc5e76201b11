//! The first thing that people read: what is wrong, with whom, how urgent, since when.

use super::super::message::{Message, Notice};
use super::{DRILL, NAME, NoticeKind, ago, counted, cut, is_firing, severity};
use crate::model::{Incident, IncidentSource, Severity};

/// The longest headline, in characters.
const HEADLINE: usize = 500;
/// The longest sentence, in characters.
const SENTENCE: usize = 1000;
/// The longest clause of what is so, in characters.
const SUMMARY: usize = 500;

/// How urgent it is, in one word: `PAGE`, `TICKET`, `INFO`, or `RESOLVED`.
pub(in crate::notify) fn tag(notice: &Notice) -> &'static str {
    if notice.kind.is_firing() { word(notice.incident.severity) } else { "RESOLVED" }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Page => "PAGE",
        Severity::Ticket => "TICKET",
        Severity::Info => "INFO",
    }
}

/// A whole message in one line: `[PAGE] orders-on-time: orders-processor on orders is late`,
/// `[PAGE] 12 incidents: orders-lag, prod`. At most 600 characters.
pub(in crate::notify) fn title(message: &Message) -> String {
    if let ([notice], false) = (message.notices.as_slice(), message.is_summary) {
        return format!("[{}] {}", tag(notice), headline(message, notice));
    }
    let open = message.notices.iter().filter(|notice| notice.kind.is_firing()).count();
    let over = message.notices.len() - open;
    let tag = if is_firing(message) { word(severity(message)) } else { "RESOLVED" };
    let mut counts = Vec::new();
    if open > 0 {
        counts.push(counted(open as u64, "incident"));
    }
    match (open, over) {
        (_, 0) => {}
        (0, over) => counts.push(format!("{} over", are(over))),
        (_, over) => counts.push(format!("{over} over")),
    }
    let shared: Vec<_> = message.group_labels.values().map(|value| cut::plain(value, NAME)).collect();
    let shared = if shared.is_empty() { String::new() } else { format!(": {}", shared.join(", ")) };
    cut::plain(&format!("[{tag}] {}{}{shared}", drill(message), counts.join(", ")), HEADLINE)
}

fn are(number: usize) -> String {
    if number == 1 { "1 incident is".to_owned() } else { format!("{number} incidents are") }
}

/// One notice in one line, without its urgency: `orders-on-time: orders-processor on orders is late`.
pub(in crate::notify) fn headline(message: &Message, notice: &Notice) -> String {
    let incident = &*notice.incident;
    let name = cut::plain(&incident.name, NAME);
    let lasted = incident.lasted(message.at);
    let says = match (notice.kind, incident.source) {
        (NoticeKind::Resolved, _) => format!("{} is well again after {lasted}", place(incident)),
        (NoticeKind::FiredAndResolved, _) => {
            format!("{} was in trouble for {lasted} and is well again", place(incident))
        }
        (_, IncidentSource::Alert) => {
            format!("{}: {}", place(incident), cut::plain(&incident.summary, SUMMARY))
        }
        (_, IncidentSource::UnmeasuredSlo) => format!("{} cannot be judged", place(incident)),
        (_, IncidentSource::Slo) => format!("{} {}", place(incident), does(incident)),
    };
    cut::plain(&format!("{}{name}: {says}", drill(message)), HEADLINE)
}

/// What somebody does who breaks the promise.
fn does(incident: &Incident) -> &'static str {
    let indicator = incident.budget.as_ref().map_or("", |budget| &budget.indicator);
    let verbs = [
        ("latency", "is late"),
        ("lag", "lags"),
        ("time lag", "lags"),
        ("throughput", "is slow"),
        ("progress", "stands still"),
        ("dead letters", "makes dead letters"),
        ("availability", "is not available"),
        ("records lost", "loses records"),
    ];
    let verb = verbs.into_iter().find(|(begin, _)| indicator.starts_with(begin));
    verb.map_or("breaks its promise", |(_, verb)| verb)
}

/// Whom it is about: `orders-processor on orders`, `orders partition 3`, `cluster prod`.
fn place(incident: &Incident) -> String {
    let group = incident.group.as_ref().map(|group| cut::plain(group.as_str(), NAME));
    let topic = incident.topic.as_ref().map(|topic| cut::plain(topic.as_str(), NAME));
    let mut place = match (group, topic) {
        (Some(group), Some(topic)) => format!("{group} on {topic}"),
        (Some(name), None) | (None, Some(name)) => name,
        (None, None) => format!("cluster {}", cut::plain(incident.cluster.as_str(), NAME)),
    };
    if let Some(partition) = incident.partition {
        place.push_str(&format!(" partition {partition}"));
    }
    place
}

/// What is wrong in one sentence: with whom, what, how late, since when. Of what is over: how long it lasted, what it
/// cost, what is so now.
pub(in crate::notify) fn sentence(message: &Message, notice: &Notice) -> String {
    let (incident, at) = (&*notice.incident, message.at);
    let cluster = cut::plain(incident.cluster.as_str(), NAME);
    let summary = cut::plain(&incident.summary, SUMMARY);
    let place = match (&incident.group, &incident.topic) {
        (None, None) => place(incident),
        _ => format!("{} on cluster {cluster}", place(incident)),
    };
    let drill = drill(message);
    let text = if let Some(end) = incident.resolved_at.filter(|_| !notice.kind.is_firing()) {
        let lasted = incident.lasted(at);
        let cost = cost(incident).map(|cost| format!(" and cost {cost}")).unwrap_or_default();
        let begin = super::clock(incident.opened_at, at);
        let news = if notice.kind == NoticeKind::FiredAndResolved {
            " Nobody could be told while it went on."
        } else {
            ""
        };
        let last = if summary.is_empty() { String::new() } else { format!(" The last was: {summary}.") };
        format!(
            "{drill}{place}: it lasted {lasted}{cost}, from {begin} to {}.{}{last}{news}",
            ago(end, at),
            value_now(incident)
        )
    } else {
        let change = match notice.kind {
            NoticeKind::Escalated => format!("Now a {}: ", incident.severity.label()),
            NoticeKind::Calmed => format!("Only a {} now: ", incident.severity.label()),
            NoticeKind::Repeated => "Still so: ".to_owned(),
            _ => String::new(),
        };
        let late = incident.trend.and_then(|trend| trend.time_lag).filter(|late| late.0 > 0);
        let late = late.map(|late| format!("; the oldest record waits for {late}")).unwrap_or_default();
        format!("{drill}{change}{place}: {summary}{late}; since {}.", ago(incident.since, at))
    };
    cut::plain(&text, SENTENCE)
}

/// ` Lag is 0 records now, time lag 0s.`, or nothing when nothing was measured.
fn value_now(incident: &Incident) -> String {
    match (incident.trend, incident.value) {
        (Some(trend), _) => {
            let late = trend.time_lag.map(|late| format!(", time lag {late}")).unwrap_or_default();
            format!(" Lag is {} now{late}.", counted(trend.lag, "record"))
        }
        (None, Some(value)) => format!(" The value is {} now.", (value * 1000.0).round() / 1000.0),
        (None, None) => String::new(),
    }
}

/// What it took of the budget: `4.2% of the 30d budget`.
fn cost(incident: &Incident) -> Option<String> {
    let budget = incident.budget.as_ref()?;
    let cost = budget.remaining_at_opening? - budget.remaining?;
    (cost >= 0.0).then(|| format!("{} of the {} budget", super::facts::percent(cost), budget.window))
}

/// The words that every text of a drill begins with.
fn drill(message: &Message) -> String {
    if message.is_drill { format!("{DRILL}. ") } else { String::new() }
}
