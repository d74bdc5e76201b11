//! What helps to understand an incident: where it goes, what it costs, where it is worst, what happened.
//! What was not measured is not said.

use super::super::message::Notice;
use super::{Fact, LINE, NAME, clock, counted, cut};
use crate::model::{Budget, Incident, Millis, Timestamp, Trend, WorstPartition};

/// The most lines of a fact.
const LINES: usize = 5;

/// Of one notice, the most important first.
pub(super) fn of(notice: &Notice, at: Timestamp) -> Vec<Fact> {
    let incident = &*notice.incident;
    let mut facts = Vec::new();
    let mut add = |name, lines: Vec<String>| {
        let lines = lines.iter().map(|line| cut::plain(line, LINE));
        let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        if !lines.is_empty() {
            facts.push(Fact { name, lines });
        }
    };
    if let (true, Some(because)) = (incident.is_open(), &incident.because) {
        let unknown = format!("it cannot be judged now and stays as it is: {because}");
        add("Not measured", vec![unknown]);
    }
    // Where it goes and where it is worst is of no use any more when it is over.
    let is_firing = notice.kind.is_firing();
    add("Trend", incident.trend.filter(|_| is_firing).map(trend).into_iter().collect());
    add("Budget", incident.budget.as_ref().and_then(|left| budget(incident, left, at)).into_iter().collect());
    let worst = incident.worst_partitions.iter().filter(|_| is_firing);
    add("Worst partitions", limited(worst.map(partition).collect()));
    let happenings = incident.happenings.iter();
    let happenings = happenings.map(|it| format!("{} {}", clock(it.at, at), it.what));
    add("Around the beginning", limited(happenings.collect()));
    add("Description", incident.description.iter().map(|text| text.to_string()).collect());
    let labels = incident.labels.iter().filter(|(name, _)| !name.starts_with("dashboard"));
    let labels =
        labels.map(|(name, value)| format!("{}={}", cut::plain(name, NAME), cut::plain(value, NAME)));
    add("Labels", limited(labels.collect()));
    facts
}

fn limited(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > LINES {
        let more = lines.len() - LINES;
        lines.truncate(LINES);
        lines.push(format!("and {more} more"));
    }
    lines
}

/// `lag is 12000 records and rising: 8000 five minutes before, 1000 at the beginning`
fn trend(trend: Trend) -> String {
    let moves = trend.lag_before.map(|before| match trend.lag.cmp(&before) {
        std::cmp::Ordering::Greater => "rising",
        std::cmp::Ordering::Less => "falling",
        std::cmp::Ordering::Equal => "level",
    });
    let mut past = Vec::new();
    past.extend(trend.lag_before.map(|before| format!("{before} five minutes before")));
    past.extend(trend.lag_at_opening.map(|before| format!("{before} at the beginning")));
    let mut words = format!("lag is {}", counted(trend.lag, "record"));
    if let Some(moves) = moves {
        words.push_str(&format!(" and {moves}"));
    }
    if !past.is_empty() {
        words.push_str(&format!(": {}", past.join(", ")));
    }
    words
}

/// `12.3% of the 30d budget is left (latency within 100ms); at this rate it is used up in 3h07m, at 17:10:13 UTC`
fn budget(incident: &Incident, budget: &Budget, at: Timestamp) -> Option<String> {
    let remaining = budget.remaining?;
    let what = format!("of the {} budget", budget.window);
    let indicator = cut::plain(&budget.indicator, NAME);
    let mut words = if remaining > 0.0 {
        format!("{} {what} is left ({indicator})", percent(remaining))
    } else {
        format!("nothing {what} is left, it is overdrawn by {} ({indicator})", percent(-remaining))
    };
    if let (true, Some(rest)) = (incident.is_open(), budget.exhausted_in) {
        words.push_str(&format!("; at this rate it is used up in {rest}"));
        // A date that lies years ahead says nothing.
        if rest < Millis(365 * 86_400_000) {
            words.push_str(&format!(", at {}", clock(at + rest, at)));
        }
    }
    Some(words)
}

/// `3: lag 8000, 120 late, client-1 on /10.0.0.1`
fn partition(worst: &WorstPartition) -> String {
    let mut parts = Vec::new();
    parts.extend(worst.lag.map(|lag| format!("lag {lag}")));
    parts.extend(worst.bad.map(|bad| format!("{bad} bad in the last hour")));
    let owner = worst.owner.as_ref();
    parts.push(owner.map_or_else(
        || "no owner known".to_owned(),
        |owner| format!("{} on {}", cut::plain(&owner.client_id, NAME), cut::plain(&owner.host, NAME)),
    ));
    format!("{}: {}", worst.partition, parts.join(", "))
}

/// `12.3%`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}
