//! The families of a cluster as a whole: is it up, its brokers, and what cannot be measured.
//! Never writes a gauge of Kafka's for a cluster that the last tick did not measure.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::slo;
use super::text::Page;
use crate::model::{Metric, Snapshot, Subject, Unmeasured};

pub(super) fn render(snapshots: &[Arc<Snapshot>], page: &mut Page<'_>) {
    let mut up = page.family(Metric::Up);
    for snapshot in snapshots {
        up.sample(&[snapshot.cluster.as_str()], snapshot.up.is_ok());
    }
    let mut info = page.family(Metric::ClusterInfo);
    for snapshot in measured(snapshots) {
        let id = snapshot.cluster_id.as_deref().unwrap_or("");
        info.sample(&[snapshot.cluster.as_str(), snapshot.commit_source.label(), id], 1_u32);
    }
    unmeasured(snapshots, page);
    work(snapshots, page);
    brokers(snapshots, page);
}

/// The clusters that the last tick measured: only they have gauges.
pub(super) fn measured(snapshots: &[Arc<Snapshot>]) -> impl Iterator<Item = &Snapshot> {
    snapshots.iter().map(AsRef::as_ref).filter(|snapshot| snapshot.up.is_ok())
}

fn unmeasured(snapshots: &[Arc<Snapshot>], page: &mut Page<'_>) {
    let mut family = page.family(Metric::Unmeasured);
    for snapshot in snapshots {
        let cluster = snapshot.cluster.as_str();
        if let Err(reason) = snapshot.up {
            family.sample(&[cluster, Subject::Cluster.label(), cluster, reason.label()], 1_u32);
        }
        for (at, item) in snapshot.unmeasured.iter().enumerate() {
            let is_told = item.subject == Subject::Cluster && snapshot.up.is_err();
            if !is_told && !repeats(&snapshot.unmeasured[..at], item) {
                family.sample(&[cluster, item.subject.label(), &item.name, item.reason.label()], 1_u32);
            }
        }
        // One sample for all groups and topics of an SLO that have the same reason, wherever it was noted.
        let told = snapshot.unmeasured.iter().filter(|item| item.subject == Subject::Slo);
        let mut told: BTreeSet<_> = told.map(|item| (item.name.as_str(), item.reason.label())).collect();
        for (name, because) in slo::unmeasured(snapshot) {
            if told.insert((name, because.label)) {
                family.sample(&[cluster, Subject::Slo.label(), name, because.label], 1_u32);
            }
        }
    }
}

/// Two Kafka errors of one thing differ in code only, which is no label: as two samples of one
/// series they would spoil the scrape. The list is sorted, so repeats are neighbours.
fn repeats(before: &[Unmeasured], item: &Unmeasured) -> bool {
    before
        .iter()
        .rev()
        .take_while(|earlier| earlier.subject == item.subject && earlier.name == item.name)
        .any(|earlier| earlier.reason.label() == item.reason.label())
}

/// The daemon's own work for each cluster. The history is in the daemon, so its size stays known.
fn work(snapshots: &[Arc<Snapshot>], page: &mut Page<'_>) {
    let mut lookups = page.family(Metric::TimeLookups);
    for snapshot in snapshots {
        lookups.sample(&[snapshot.cluster.as_str()], snapshot.time_lookups);
    }
    let mut backlog = page.family(Metric::TimeLookupBacklogSeconds);
    for snapshot in measured(snapshots) {
        backlog.sample(&[snapshot.cluster.as_str()], snapshot.time_lookup_backlog);
    }
    let mut series = page.family(Metric::Series);
    for snapshot in snapshots {
        series.sample(&[snapshot.cluster.as_str()], snapshot.history_series);
    }
    let mut dropped = page.family(Metric::SeriesDropped);
    for snapshot in snapshots {
        dropped.sample(&[snapshot.cluster.as_str()], snapshot.history_series_dropped);
    }
}

fn brokers(snapshots: &[Arc<Snapshot>], page: &mut Page<'_>) {
    let mut count = page.family(Metric::Brokers);
    for snapshot in measured(snapshots) {
        let alive = snapshot.brokers.iter().filter(|view| view.up).count();
        count.sample(&[snapshot.cluster.as_str()], alive);
    }
    let mut info = page.family(Metric::BrokerInfo);
    for snapshot in measured(snapshots) {
        for view in snapshot.brokers.iter().filter(|view| view.up) {
            let mut id = itoa::Buffer::new();
            info.sample(&[snapshot.cluster.as_str(), id.format(view.broker.id), &view.broker.address], 1_u32);
        }
    }
    let mut up = page.family(Metric::BrokerUp);
    for snapshot in measured(snapshots) {
        for view in &snapshot.brokers {
            let mut id = itoa::Buffer::new();
            up.sample(&[snapshot.cluster.as_str(), id.format(view.broker.id)], view.up);
        }
    }
}
