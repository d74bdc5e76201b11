//! SLOs in words: as short phrases for views, and as sentences for those who check their rules.
//! Never judges anything.

use super::because::selectors;
use super::calendar::Calendar;
use super::plan::default_min_bad_events;
use super::tiers::{self, Why};
use super::{Indicator, Period, Slo, ThroughputFloor, Window};
use crate::model::{Millis, Selector, Severity};

/// A length as settings are written: in the largest unit that divides it, `90s`, `30d`.
pub(super) fn length(length: Millis) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
    let unit = units.into_iter().find(|(millis, _)| length.0 > 0 && length.0.is_multiple_of(*millis));
    unit.map_or_else(|| format!("{}ms", length.0), |(millis, name)| format!("{}{name}", length.0 / millis))
}

/// The indicator as a phrase, without whose it is.
pub(super) fn indicator(indicator: &Indicator) -> String {
    match indicator {
        Indicator::Latency { within, .. } => format!("latency within {}", length(*within)),
        Indicator::Lag { max, .. } => format!("lag at most {max}"),
        Indicator::TimeLag { max, .. } => format!("time lag at most {}", length(*max)),
        Indicator::Throughput { floor: ThroughputFloor::PerSecond(floor), .. } => {
            format!("throughput at least {floor} records per second")
        }
        Indicator::Throughput { floor: ThroughputFloor::Share(share), .. } => {
            format!("throughput at least {share} of what is appended")
        }
        Indicator::Progress { within, .. } => format!("progress within {}", length(*within)),
        Indicator::DeadLetters { dead_letter_topic, .. } => {
            format!("dead letters in {}", dead_letter_topic.as_str())
        }
        Indicator::Availability { .. } => "availability".to_owned(),
        Indicator::Loss { .. } => "records lost to retention".to_owned(),
    }
}

/// What is counted, exactly. When this changes, counting starts anew.
pub(super) fn fingerprint(slo: &Slo) -> String {
    let phrase = indicator(&slo.indicator);
    if slo.indicator.counts_records() {
        return phrase;
    }
    format!("{phrase}; slices of {}; {}", length(slo.slice), slo.slice_target)
}

/// The window as it is written.
pub(super) fn window(window: &Window) -> String {
    match window {
        Window::Rolling(window) => length(*window),
        Window::Calendar { period, timezone } => format!("{} ({timezone})", period_name(*period)),
    }
}

fn period_name(period: Period) -> &'static str {
    match period {
        Period::Day => "day",
        Period::Week => "week",
        Period::Month => "month",
        Period::Quarter => "quarter",
    }
}

/// What an SLO promises and when it speaks, one sentence each, for `plimsoll check`.
#[must_use]
pub fn plain_words(slo: &Slo) -> Vec<String> {
    vec![promise(slo), speaking(slo)]
}

fn promise(slo: &Slo) -> String {
    let (what, whose, budget) = (indicator(&slo.indicator), subject(&slo.indicator), slo.objective.rest());
    let per = match &slo.window {
        Window::Rolling(window) => format!("per {}", length(*window)),
        Window::Calendar { .. } => format!("per {}", window(&slo.window)),
    };
    if slo.indicator.counts_records() {
        return match &slo.indicator {
            Indicator::Loss { .. } => {
                format!("{whose}: at most {budget} of the records may be lost to retention {per}")
            }
            Indicator::DeadLetters { .. } => {
                format!("{whose}: at most {budget} of the records may become {what} {per}")
            }
            _ => format!("{what} for {whose}: at most {budget} of the records may miss it {per}"),
        };
    }
    let millis = u128::from(tiers::minutes(&slo.window)) * 60_000 * u128::from(budget.parts());
    let most = Millis(u64::try_from(millis / u128::from(budget.of())).unwrap_or(u64::MAX));
    let (most, slice) = (spent(most), length(slo.slice));
    format!("{what} for {whose}: at most {most} outside it {per}, in slices of {slice}")
}

/// Whose promise it is: every one that a pattern means has a budget of its own.
fn subject(indicator: &Indicator) -> String {
    let one = |selector: &Selector, what: &str| match selector.exact() {
        Some(name) => name.to_owned(),
        None if selector.as_str() == "*" => format!("each {what}"),
        None => format!("each {what} like {}", selector.as_str()),
    };
    match selectors(indicator) {
        (Some(group), [None, _]) => format!("{} on each topic", one(group, "group")),
        (Some(group), [Some(topic), _]) => format!("{} on {}", one(group, "group"), one(topic, "topic")),
        (None, topics) => topics[0].map_or(String::new(), |topic| one(topic, "topic")),
    }
}

/// A budget of time: `43m12s`, `7h12m`, `2d04h`.
fn spent(budget: Millis) -> String {
    budget.to_string()
}

/// The severities that an SLO's incidents may have, the most urgent first; that it is unmeasured for too long is a
/// ticket.
#[must_use]
pub fn severities(slo: &Slo) -> Vec<Severity> {
    let (pairs, _) = tiers::of(slo);
    if slo.alerting.disabled || pairs.is_empty() {
        return Vec::new();
    }
    let mut severities: Vec<_> = pairs.iter().map(|pair| pair.severity).chain([Severity::Ticket]).collect();
    severities.sort_unstable();
    severities.dedup();
    severities.reverse();
    severities
}

fn speaking(slo: &Slo) -> String {
    if slo.alerting.disabled {
        return "it never alerts: alerting is disabled".to_owned();
    }
    let (pairs, _) = tiers::of(slo);
    let clause = |severity: Severity, verb: &str| {
        let parts: Vec<_> = pairs
            .iter()
            .filter(|pair| pair.severity == severity)
            .map(|pair| {
                let long = Millis(pair.long.unsigned_abs() * 60_000);
                format!("{} of the budget is spent within {}", pair.share, length(long))
            })
            .collect();
        (!parts.is_empty()).then(|| format!("{verb} when {}", parts.join(" or ")))
    };
    let clauses: Vec<_> = [clause(Severity::Page, "pages"), clause(Severity::Ticket, "opens a ticket")]
        .into_iter()
        .flatten()
        .collect();
    if clauses.is_empty() {
        return "it never alerts: none of its tiers can be used".to_owned();
    }
    let records = slo.indicator.counts_records();
    let least = slo.alerting.min_bad_events.unwrap_or(default_min_bad_events(records));
    format!("{}; never for fewer than {least} bad {}", clauses.join(", "), unit(slo))
}

/// `records` or `slices`.
pub(super) fn unit(slo: &Slo) -> &'static str {
    if slo.indicator.counts_records() { "records" } else { "slices" }
}

/// Something about an SLO that a person should know before it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// It must not run like this; else it can, but not all of it does something.
    pub is_error: bool,
    /// What is wrong and what to change.
    pub sentence: String,
}

/// What of an SLO can never fire or never be measured, and what to change.
#[must_use]
pub fn problems(slo: &Slo) -> Vec<Problem> {
    let mut problems: Vec<_> =
        definition(slo).into_iter().map(|sentence| Problem { is_error: true, sentence }).collect();
    if !problems.is_empty() {
        return problems;
    }
    let is_own = slo.alerting.tiers.is_some();
    let (pairs, left_out) = tiers::of(slo);
    problems.extend(left_out.iter().map(|left_out| Problem {
        is_error: is_own && left_out.why != Why::TooLong,
        sentence: unusable(slo, left_out),
    }));
    if !slo.indicator.counts_records() {
        let least = slo.alerting.min_bad_events.unwrap_or(default_min_bad_events(false));
        for pair in &pairs {
            let slices = pair.long.unsigned_abs() * 60_000 / slo.slice.0.max(1);
            if slices < least {
                problems.push(Problem {
                    is_error: true,
                    sentence: format!(
                        "the tier over {} can never fire: it holds {slices} slices of {}, and min_bad_events is {least}",
                        length(Millis(pair.long.unsigned_abs() * 60_000)),
                        length(slo.slice)
                    ),
                });
            }
        }
    }
    if pairs.is_empty() && !slo.alerting.disabled && !problems.iter().any(|problem| problem.is_error) {
        problems.push(Problem {
            is_error: false,
            sentence: "none of its tiers can be used, so it never alerts; write tiers of your own, or alerting: { disabled: true }".to_owned(),
        });
    }
    problems
}

fn definition(slo: &Slo) -> Vec<String> {
    let mut wrong = Vec::new();
    if slo.objective.rest().parts() == 0 {
        wrong.push("an objective of 100% leaves no budget: write less, such as 99.99%".to_owned());
    }
    match &slo.window {
        Window::Rolling(window) => {
            if window.0 == 0 || !window.0.is_multiple_of(60_000) || *window > tiers::LONGEST_WINDOW {
                wrong.push(format!(
                    "a window of {} cannot be kept: write whole minutes, at most 90d",
                    length(*window)
                ));
            } else if !slo.indicator.counts_records() && window.0 < slo.slice.0.saturating_mul(2) {
                wrong.push(format!(
                    "a window of {} holds less than two slices: write a longer one",
                    length(*window)
                ));
            }
        }
        Window::Calendar { period, timezone } => {
            wrong.extend(Calendar::new(*period, timezone).err().map(|unknown| unknown.to_string()));
        }
    }
    let is_slice = (60_000..=3_600_000).contains(&slo.slice.0) && slo.slice.0.is_multiple_of(60_000);
    if !slo.indicator.counts_records() && !is_slice {
        wrong.push(format!(
            "a slice of {} cannot be counted: write whole minutes from 1m to 1h",
            length(slo.slice)
        ));
    }
    if slo.slice_target.parts() == 0 {
        wrong.push("a slice_target of 0% can never be missed: write more, or leave it out".to_owned());
    }
    match &slo.indicator {
        Indicator::Latency { within, .. } | Indicator::Progress { within, .. } if within.0 == 0 => {
            wrong.push("within 0 can never be kept: write a length of time".to_owned());
        }
        Indicator::Throughput { floor: ThroughputFloor::PerSecond(floor), .. }
            if !floor.is_finite() || *floor <= 0.0 =>
        {
            wrong.push("min_per_second has to be above 0: any throughput would do".to_owned());
        }
        Indicator::Throughput { floor: ThroughputFloor::Share(share), .. } if share.parts() == 0 => {
            wrong.push("min_share has to be above 0%: any throughput would do".to_owned());
        }
        Indicator::DeadLetters { topic, dead_letter_topic } => {
            if topic == dead_letter_topic {
                wrong.push(
                    "topic and dead_letter_topic are the same: every record would be a dead letter"
                        .to_owned(),
                );
            }
            for name in [topic, dead_letter_topic].into_iter().filter(|name| name.exact().is_none()) {
                wrong.push(format!(
                    "{} is a pattern: dead letters are counted between two exact topics",
                    name.as_str()
                ));
            }
        }
        _ => {}
    }
    wrong
}

fn unusable(slo: &Slo, left_out: &tiers::LeftOut) -> String {
    let tiers::LeftOut { tier, why } = left_out;
    let name = format!("the {} tier {} / {}", tier.severity.label(), length(tier.long), length(tier.short));
    match why {
        Why::TooLong => {
            format!("{name} is left out: its long window is more than half of {}", window(&slo.window))
        }
        Why::OutOfReach => format!(
            "{name} can never fire: it wants a burn rate above {:.4}, and 100% bad is {:.4}; give it a smaller share, or raise the objective",
            tiers::factor(*tier, tiers::minutes(&slo.window)),
            1.0 / slo.objective.rest().as_f64()
        ),
        Why::TooShort => format!(
            "{name} cannot be judged: the short window has to be shorter than the long one, and at least 1m{}",
            if slo.indicator.counts_records() {
                String::new()
            } else {
                format!(" and two slices of {}", length(slo.slice))
            }
        ),
        Why::Meaningless => format!(
            "{name} says nothing: its severity has to be page or ticket, its share above 0%, its windows whole minutes"
        ),
    }
}
