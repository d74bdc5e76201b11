//! Fills an incident's wire types. What is not known stays absent.

use super::{
    BlamedPartitionStatus, BudgetStatus, DeliveryStatus, HappeningStatus, IncidentStatus, OwnerStatus,
    TrendStatus,
};
use crate::api::cluster::rfc3339;
use crate::api::slo::own_labels;
use crate::model::{Budget, Happening, Incident, Millis, Timestamp, Trend, WorstPartition};

impl IncidentStatus {
    /// `incident` as of `now`, and who was told of it.
    #[must_use]
    pub fn of(incident: &Incident, now: Timestamp, deliveries: Vec<DeliveryStatus>) -> Self {
        let text = |text: &std::sync::Arc<str>| text.as_ref().to_owned();
        Self {
            id: incident.id.to_string(),
            key: incident.key.to_string(),
            cluster: incident.cluster.to_string(),
            source: incident.source.label(),
            name: text(&incident.name),
            group: incident.group.as_ref().map(ToString::to_string),
            topic: incident.topic.as_ref().map(ToString::to_string),
            partition: incident.partition,
            covers: (incident.covers != 1).then_some(incident.covers),
            state: if incident.is_open() { "open" } else { "resolved" },
            severity: incident.severity.label(),
            worst: incident.worst.label(),
            since: rfc3339(incident.since),
            opened_at: rfc3339(incident.opened_at),
            resolved_at: incident.resolved_at.and_then(rfc3339),
            lasted_seconds: incident.lasted(now).as_seconds(),
            revision: incident.revision,
            change: incident.change.label(),
            changed_at: rfc3339(incident.changed_at),
            reason: incident.because.as_ref().map(|because| because.label),
            detail: incident.because.as_ref().map(ToString::to_string),
            inhibited: incident.inhibited,
            summary: text(&incident.summary),
            value: incident.value,
            budget: incident.budget.as_ref().map(BudgetStatus::from),
            trend: incident.trend.map(TrendStatus::from),
            worst_partitions: incident.worst_partitions.iter().map(BlamedPartitionStatus::from).collect(),
            happenings: incident.happenings.iter().map(HappeningStatus::from).collect(),
            labels: own_labels(&incident.labels),
            description: incident.description.as_ref().map(text),
            runbook: incident.runbook.as_ref().map(text),
            deliveries,
        }
    }
}

impl From<&Budget> for BudgetStatus {
    fn from(budget: &Budget) -> Self {
        Self {
            window: budget.window.as_ref().to_owned(),
            indicator: budget.indicator.as_ref().to_owned(),
            remaining: budget.remaining,
            remaining_at_opening: budget.remaining_at_opening,
            exhausted_in_seconds: budget.exhausted_in.map(Millis::as_seconds),
        }
    }
}

impl From<Trend> for TrendStatus {
    fn from(trend: Trend) -> Self {
        Self {
            lag: trend.lag,
            lag_at_opening: trend.lag_at_opening,
            lag_before: trend.lag_before,
            time_lag_seconds: trend.time_lag.map(Millis::as_seconds),
        }
    }
}

impl From<&WorstPartition> for BlamedPartitionStatus {
    fn from(worst: &WorstPartition) -> Self {
        let owner = worst.owner.as_ref().map(|owner| OwnerStatus {
            client_id: owner.client_id.as_ref().to_owned(),
            host: owner.host.as_ref().to_owned(),
        });
        Self { partition: worst.partition, lag: worst.lag, bad: worst.bad, owner }
    }
}

impl From<&Happening> for HappeningStatus {
    fn from(happening: &Happening) -> Self {
        Self { at: rfc3339(happening.at), what: happening.what.as_ref().to_owned() }
    }
}
