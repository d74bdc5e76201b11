//! What a tick's incidents change: who is to be told, and what nobody will be told any more.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::super::book::{Book, Known};
use super::super::config::{NotifyConfig, ReceiverName};
use super::super::entry::Told;
use super::super::lane::Lane;
use super::super::route;
use super::super::rows::{self, Rows, of_no_cluster};
use super::{Outbox, entry, grouping_for};
use crate::model::{Change, ClusterName, Incident, IncidentId, Millis, Row, Timestamp};

/// How long incidents are remembered that are over, whatever is still owed of them.
const REMEMBERED: Millis = Millis::from_seconds(90 * 86_400);

impl Outbox {
    /// Takes the incidents of a tick: all that are open, and those over that are still shown. What is not among them
    /// is over. To be made durable in the transaction of the incidents themselves; until [`Self::saved`], nothing is
    /// told of what has changed.
    pub fn see(&mut self, cluster: &ClusterName, incidents: &[Arc<Incident>], now: Timestamp) -> Rows {
        let mut rows = std::mem::take(&mut self.pending);
        let mut changed = BTreeSet::new();
        for incident in incidents {
            self.see_one(incident, now, &mut changed);
        }
        let listed: BTreeSet<&IncidentId> = incidents.iter().map(|incident| &incident.id).collect();
        self.see_missing(cluster, &listed, now, &mut rows);
        for lane in self.lanes.values_mut() {
            changed.extend(settle(lane, &self.book, cluster, now));
            changed.extend(lane.gather(&self.book, now).into_iter().map(|id| (lane.name().clone(), id)));
            lane.tidy(longest_interval(&self.config), now);
        }
        for id in self.book.silences.forget(now) {
            rows.entry(of_no_cluster()).or_default().push(rows::removed_silence(&id));
        }
        self.write(&changed, &mut rows);
        rows
    }

    /// What was seen of `cluster` is durable, or cannot be made durable now.
    pub fn saved(&mut self, cluster: &ClusterName) {
        let known = self.book.incidents.values_mut();
        for known in known.filter(|known| known.is_unsaved && known.incident.cluster == *cluster) {
            known.is_unsaved = false;
        }
    }

    fn see_one(
        &mut self,
        incident: &Arc<Incident>,
        now: Timestamp,
        changed: &mut BTreeSet<(ReceiverName, IncidentId)>,
    ) {
        let book = &mut self.book;
        let is_new = !book.incidents.contains_key(&incident.id);
        // Over before anybody here has heard of it: that is history.
        if is_new && !incident.is_open() {
            return;
        }
        let known = book
            .incidents
            .entry(incident.id.clone())
            .or_insert_with(|| Known::new(Arc::clone(incident), &book.silences, true));
        let is_other = is_new || !known.is_seen || known.incident.severity != incident.severity;
        let is_just_over = known.incident.is_open() && !incident.is_open();
        known.is_unsaved |= is_new || known.incident.revision != incident.revision;
        known.incident = Arc::clone(incident);
        if !known.is_seen {
            known.labels = incident.label_set();
        }
        if is_other {
            known.silences = book.silences.matching(&known.labels, incident.severity);
        }
        let is_muted = known.is_muted(&book.silences, now);
        if is_muted {
            known.muted_at = Some(now);
        }
        let is_first = !std::mem::replace(&mut known.is_seen, true);
        let known = &*known;
        if is_first {
            for lane in self.lanes.values_mut() {
                let grouping = grouping_for(&self.config, known, lane.name());
                let manner = lane.manner;
                if let Some(held) = lane.entries.get_mut(&incident.id) {
                    let fresh = entry(manner, grouping, known, now);
                    (held.group, held.grouping) = (fresh.group, fresh.grouping);
                }
            }
        }
        if is_just_over {
            // Each row says by itself that it is over.
            let holders = self.lanes.values().filter(|lane| lane.entries.contains_key(&incident.id));
            changed.extend(holders.map(|lane| (lane.name().clone(), incident.id.clone())));
        }
        if incident.is_open() && is_other {
            for (name, grouping) in route::of_incident(&self.config, incident, &known.labels) {
                let Some(lane) = self.lanes.get_mut(name) else { continue };
                if lane.insert(&incident.id, |manner| entry(manner, grouping, known, now)) {
                    changed.insert((name.clone(), incident.id.clone()));
                }
            }
        }
    }

    /// Incidents that are not shown any more are over, and forgotten here once nothing is owed of them.
    fn see_missing(
        &mut self,
        cluster: &ClusterName,
        listed: &BTreeSet<&IncidentId>,
        now: Timestamp,
        rows: &mut Rows,
    ) {
        let (mut old, mut done) = (Vec::new(), Vec::new());
        for (id, known) in &mut self.book.incidents {
            if known.incident.cluster != *cluster || listed.contains(id) {
                continue;
            }
            known.is_seen = true;
            if known.incident.is_open() {
                known.is_unsaved = true;
                known.incident = Arc::new(Incident {
                    resolved_at: Some(now),
                    revision: known.incident.revision + 1,
                    change: Change::Resolved,
                    changed_at: now,
                    inhibited: false,
                    because: None,
                    ..(*known.incident).clone()
                });
            }
            if known.incident.resolved_at.is_some_and(|at| now >= at + REMEMBERED) {
                old.push(id.clone());
            } else if self.lanes.values().all(|lane| !lane.active.contains(id)) {
                done.push(id.clone());
            }
        }
        for id in done {
            self.book.incidents.remove(&id);
            for lane in self.lanes.values_mut() {
                lane.remove(&id);
            }
        }
        let forgotten = self.forget(&old);
        rows.entry(cluster.clone()).or_default().extend(forgotten);
    }

    /// Rows of entries whose incidents leave the history, to be removed with them.
    pub fn forget(&mut self, ids: &[IncidentId]) -> Vec<Row> {
        let mut rows = Vec::new();
        for id in ids {
            self.book.incidents.remove(id);
            for (name, lane) in &mut self.lanes {
                lane.remove(id);
                // Whether it had a row is not remembered: removing one that is not there costs nothing.
                rows.push(rows::removed(id, name));
            }
        }
        rows
    }
}

/// What is over while it is muted, and was never told, is never told.
fn settle(
    lane: &mut Lane,
    book: &Book,
    cluster: &ClusterName,
    now: Timestamp,
) -> Vec<(ReceiverName, IncidentId)> {
    let mut settled = Vec::new();
    for id in &lane.active {
        let (Some(entry), Some(known)) = (lane.entries.get_mut(id), book.incidents.get(id)) else { continue };
        let is_over = known.incident.cluster == *cluster && !known.incident.is_open();
        if is_over && entry.is_untold() && known.is_muted(&book.silences, now) {
            if lane.interrupted.remove(id) {
                // Whoever heard the beginning is to hear the end.
                let severity = known.incident.worst;
                entry.told = Some(Told { revision: 0, is_firing: true, severity, at: now });
            } else {
                entry.settled = true;
            }
            settled.push((lane.config.name.clone(), id.clone()));
        }
    }
    settled
}

fn longest_interval(config: &NotifyConfig) -> Duration {
    let of_routes = config.routes.iter().filter_map(|route| route.grouping.as_ref());
    of_routes.chain([&config.grouping]).map(|grouping| grouping.interval).max().unwrap_or_default()
}
