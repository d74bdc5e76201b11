//! Fills an SLO's wire types from a snapshot. Which numbers may be shown is decided where the metrics are rendered.

use super::{BurnRateStatus, CountsStatus, SloStatus, TierStatus, WorstPartitionStatus, own_labels};
use crate::api::cluster::rfc3339;
use crate::export::{burn_rates, counted};
use crate::model::{BurnRate, Counts, Governing, Millis, SloView, Snapshot};
use crate::slo::is_current;

impl SloStatus {
    /// What `snapshot` holds of `view`, which is one of its SLOs.
    #[must_use]
    pub fn of(snapshot: &Snapshot, view: &SloView) -> Self {
        let slo = &*view.slo;
        let text = |text: &std::sync::Arc<str>| text.as_ref().to_owned();
        let is_current = is_current(snapshot.up, view);
        let window = counted(view, view.window);
        Self {
            cluster: snapshot.cluster.as_str().to_owned(),
            slo: text(&slo.name),
            description: slo.description.as_ref().map(text),
            group: view.group.as_ref().map(|group| group.as_str().to_owned()),
            topic: view.topic.as_ref().map(|topic| topic.as_str().to_owned()),
            indicator: text(&slo.indicator),
            unit: slo.unit,
            objective: slo.objective.to_string(),
            objective_ratio: slo.objective.as_f64(),
            window: text(&slo.window),
            state: view.state.label(),
            state_since: rfc3339(view.state_since),
            reason: view.because.as_ref().map(|because| because.label),
            detail: view.because.as_ref().map(ToString::to_string),
            idle: view.idle,
            good: window.map(|counts| counts.good),
            bad: window.map(|counts| counts.bad),
            unmeasured: window.map(|counts| counts.unmeasured),
            total: counted(view, view.total).map(CountsStatus::from),
            coverage: window.map(|_| view.coverage),
            budget_remaining: view.budget_remaining,
            exhausted_in_seconds: view.exhausted_in.filter(|_| is_current).map(Millis::as_seconds),
            burn_rates: burn_rates(snapshot, view).map(BurnRateStatus::from).collect(),
            governing: view.governing.as_ref().map(|tier| TierStatus::of(tier, is_current)),
            worst_partitions: view
                .worst_partitions
                .iter()
                .map(|(partition, counts)| WorstPartitionStatus {
                    partition: *partition,
                    counts: (*counts).into(),
                })
                .collect(),
            measured_since: view.measured_since.and_then(rfc3339),
            measured_at: snapshot.last_measured.and_then(rfc3339),
            labels: own_labels(&slo.labels),
            runbook: slo.runbook.as_ref().map(text),
        }
    }
}

impl From<Counts> for CountsStatus {
    fn from(Counts { good, bad, unmeasured }: Counts) -> Self {
        Self { good, bad, unmeasured }
    }
}

impl From<&BurnRate> for BurnRateStatus {
    fn from(burn: &BurnRate) -> Self {
        Self { window: burn.window.in_units(), rate: burn.rate, coverage: burn.coverage }
    }
}

impl TierStatus {
    fn of(tier: &Governing, is_current: bool) -> Self {
        Self {
            severity: tier.severity.label(),
            long: tier.long.in_units(),
            short: tier.short.in_units(),
            factor: tier.factor,
            long_rate: tier.long_rate.filter(|_| is_current),
            short_rate: tier.short_rate.filter(|_| is_current),
            held: tier.held,
        }
    }
}
