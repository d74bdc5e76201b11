//! What is published of a rule's alerts: one view each, or one for all of them where they are too many.

use super::definition::AlertRule;
use super::reading::Reading;
use super::rule::Active;
use super::words::{summary, summary_of_many};
use crate::model::{AlertState, AlertView, Millis, Timestamp};

/// What is to be shown of `active`. While alerts are summarized there is one view of those that fire, always under the
/// rule's name alone, and those that are pending are left out. More pending ones than may fire singly are one as well.
/// `behind` turns times of the steady clock into those of the daemon's.
pub(super) fn views(
    rule: &AlertRule,
    active: &[Active],
    summarized_since: Option<Timestamp>,
    behind: Millis,
) -> Vec<AlertView> {
    let of_state =
        |state| active.iter().filter(move |active| active.timers.state() == state).collect::<Vec<_>>();
    let (firing, pending) = (of_state(AlertState::Firing), of_state(AlertState::Pending));
    if let Some(since) = summarized_since {
        let since = since - behind;
        return vec![AlertView {
            firing_since: Some(since),
            ..many(rule, AlertState::Firing, &firing, since)
        }];
    }
    let one = |active: &&Active| view(rule, active, behind);
    let mut views: Vec<_> = firing.iter().map(one).collect();
    match rule.summarize_above {
        Some(most) if pending.len() > most as usize => {
            let since = pending.iter().map(|active| active.timers.since).min().unwrap_or_default();
            views.push(many(rule, AlertState::Pending, &pending, since - behind));
        }
        _ => views.extend(pending.iter().map(one)),
    }
    views
}

fn view(rule: &AlertRule, active: &Active, behind: Millis) -> AlertView {
    let Active { subject, timers, reading: Reading { holds, value } } = active;
    AlertView {
        name: rule.name.clone(),
        condition: rule.when.key(),
        description: rule.description.clone(),
        state: timers.state(),
        severity: rule.severity,
        group: subject.group.clone(),
        topic: subject.topic.clone(),
        partition: subject.partition,
        covers: 1,
        summary: summary(rule, active).into(),
        is_true: *holds == Ok(true),
        value: value.as_f64(),
        since: timers.since - behind,
        firing_since: timers.firing_since.map(|since| since - behind),
        because: holds.err().map(super::reading::Why::because),
        labels: rule.labels.clone(),
        runbook: rule.runbook.clone(),
    }
}

fn many(rule: &AlertRule, state: AlertState, alerts: &[&Active], since: Timestamp) -> AlertView {
    AlertView {
        name: rule.name.clone(),
        condition: rule.when.key(),
        description: rule.description.clone(),
        state,
        severity: rule.severity,
        group: None,
        topic: None,
        partition: None,
        covers: u32::try_from(alerts.len()).unwrap_or(u32::MAX),
        summary: summary_of_many(rule, alerts).into(),
        is_true: !alerts.is_empty() && alerts.iter().any(|alert| alert.reading.holds == Ok(true)),
        value: None,
        since,
        firing_since: None,
        because: None,
        labels: rule.labels.clone(),
        runbook: rule.runbook.clone(),
    }
}
