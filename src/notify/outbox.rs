//! The durable queue: who is to be told of what, as entries that are compared with the incidents as they are. A pure
//! state machine: time comes in with every call, and what has to be made durable goes out as rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::backoff::Random;
use super::config::{GroupingConfig, NotifyConfig, ReceiverConfig, ReceiverKind, ReceiverName};
use super::entry::{Entry, Manner, Muted};
use super::group::Group;
use super::lane::{Changed, Lane, Next};
use super::message::{Failure, Links, Message, Receipt};
use super::rows::{self, Restored, Rows, of_no_cluster};
use super::silence::{NewSilence, Silence, SilenceId, Silences};
use super::{route, view};
use crate::model::{
    Change, ClusterName, Damaged, Incident, IncidentId, Millis, Row, RowKind, Severity, Timestamp,
};

/// How long incidents are remembered that are over, whatever is still owed of them.
const REMEMBERED: Millis = Millis::from_seconds(90 * 86_400);

/// Everything that is owed to anybody.
#[derive(Debug)]
pub struct Outbox {
    config: NotifyConfig,
    random: Random,
    pub(super) book: Book,
    pub(super) lanes: BTreeMap<ReceiverName, Lane>,
    /// Rows that came about where none could be returned.
    pending: Rows,
}

/// What all lanes read.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) incidents: BTreeMap<IncidentId, Known>,
    pub(super) silences: Silences,
    pub(super) links: Links,
}

/// An incident that somebody has an entry of.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) incident: Arc<Incident>,
    labels: BTreeMap<Arc<str>, Arc<str>>,
    /// The silences that it is meant by, at any time.
    silences: Vec<SilenceId>,
    /// When it was last seen muted.
    muted_at: Option<Timestamp>,
    /// It was seen since the start: before that, only what the entries say of it is known.
    is_seen: bool,
}

impl Known {
    fn new(incident: Arc<Incident>, silences: &Silences, is_seen: bool) -> Self {
        let labels = incident.label_set();
        let silences = silences.matching(&labels, incident.severity);
        Self { incident, labels, silences, muted_at: None, is_seen }
    }

    pub(super) fn muted(&self, silences: &Silences, now: Timestamp) -> Muted {
        if self.incident.inhibited {
            return Muted::Yes(None);
        }
        match silences.silent_until(&self.silences, now) {
            Some(until) => Muted::Yes(Some(until)),
            None => Muted::No { since: self.muted_at.unwrap_or(Timestamp(i64::MIN)) },
        }
    }

    pub(super) fn is_muted(&self, silences: &Silences, now: Timestamp) -> bool {
        matches!(self.muted(silences, now), Muted::Yes(_))
    }
}

/// What new settings have done.
#[derive(Debug, Default)]
pub struct Reconfigured {
    /// To be made durable.
    pub rows: Rows,
    /// Receivers that are gone, and of how many incidents they were or would have been told.
    pub dropped: Vec<(ReceiverName, usize)>,
}

impl Outbox {
    /// Nothing is owed yet. `seed` is for jitter and for the ids of silences.
    #[must_use]
    pub fn new(config: NotifyConfig, seed: u64) -> Self {
        let links = Links { external_url: config.external_url.clone() };
        let mut this = Self {
            lanes: BTreeMap::new(),
            book: Book { links, ..Book::default() },
            random: Random::new(seed),
            pending: Rows::new(),
            config,
        };
        this.open_lanes();
        this
    }

    /// Goes on where the process of before has stopped; before anything else. Rows of other kinds are passed over.
    /// Tells which receivers are gone, and how many entries they had: these are dropped.
    ///
    /// # Errors
    /// A row that no version of this has written.
    pub fn restore(
        &mut self,
        cluster: &ClusterName,
        rows: &[Row],
    ) -> Result<Vec<(ReceiverName, usize)>, Damaged> {
        let of_kind = |kind| rows.iter().filter(move |row| row.kind == kind);
        for row in of_kind(RowKind::Silence) {
            self.book.silences.restore(rows::read_silence(row)?);
        }
        let mut dropped = BTreeMap::new();
        for row in of_kind(RowKind::Delivery) {
            let restored = rows::read_entry(cluster, row)?;
            let receiver = restored.receiver.clone();
            if !self.restore_entry(&receiver, restored) {
                *dropped.entry(receiver).or_insert(0) += 1;
                let removed = Row { value: None, ..row.clone() };
                self.pending.entry(cluster.clone()).or_default().push(removed);
            }
        }
        self.lanes.values_mut().for_each(Lane::recall_rate);
        Ok(dropped.into_iter().collect())
    }

    fn restore_entry(&mut self, receiver: &ReceiverName, mut restored: Restored) -> bool {
        let Some(lane) = self.lanes.get_mut(receiver) else { return false };
        let (book, config) = (&mut self.book, &self.config);
        let id = restored.incident.id.clone();
        let stub = restored.incident.clone();
        let known = book
            .incidents
            .entry(id.clone())
            .or_insert_with(|| Known::new(Arc::new(stub), &book.silences, false));
        // Settings may have changed since, and a refusal with them.
        if known.incident.is_open() {
            restored.refused = None;
        }
        if known.incident.revision < restored.incident.revision {
            known.incident = Arc::new(restored.incident.clone());
        }
        let grouping = grouping_for(config, known, receiver);
        lane.insert(&id, |manner| restored.into_entry(entry(manner, grouping, known, Timestamp::default())))
    }

    /// Takes the incidents of a tick: all that are open, and those over that are still shown. What is not among them
    /// is over. To be made durable in the transaction of the incidents themselves.
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
                    // Before the end of the process before, it may have been sent alone without that being known.
                    held.alone = held.is_untold() && held.summary.is_none() && !is_muted;
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
            if known.incident.is_open() {
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
        let forgotten = self.forget(cluster, &old);
        rows.entry(cluster.clone()).or_default().extend(forgotten);
    }

    /// The rows of incidents that leave the history go with them.
    pub fn forget(&mut self, _cluster: &ClusterName, ids: &[IncidentId]) -> Vec<Row> {
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

    /// What `receiver` is to do now.
    pub fn next(&mut self, receiver: &ReceiverName, now: Timestamp) -> Next {
        self.lanes.get_mut(receiver).map_or(Next::Idle, |lane| lane.next(&self.book, now))
    }

    /// A receiver has taken a message.
    pub fn delivered(
        &mut self,
        message: &Message,
        receipt: &Receipt,
        took: Duration,
        now: Timestamp,
    ) -> Rows {
        let lane = self.lanes.get_mut(&message.receiver);
        let changed = lane.map(|lane| lane.delivered(message, receipt, took, now));
        self.answered(&message.receiver, changed.unwrap_or_default(), now)
    }

    /// A receiver has not taken a message.
    pub fn failed(&mut self, message: &Message, failure: &Failure, took: Duration, now: Timestamp) -> Rows {
        let lane = self.lanes.get_mut(&message.receiver);
        let changed = lane.map(|lane| lane.failed(message, failure, took, &self.book, now));
        self.answered(&message.receiver, changed.unwrap_or_default(), now)
    }

    fn answered(&mut self, receiver: &ReceiverName, changed: Changed, now: Timestamp) -> Rows {
        let mut entries: BTreeSet<_> = changed.entries.into_iter().map(|id| (receiver.clone(), id)).collect();
        let fallback = self.lanes.get(receiver).and_then(|lane| lane.config.fallback.clone());
        if let Some(lane) = fallback.as_ref().and_then(|name| self.lanes.get_mut(name)) {
            for id in changed.refused {
                let Some(known) = self.book.incidents.get(&id) else { continue };
                let grouping = grouping_for(&self.config, known, receiver);
                if lane.insert(&id, |manner| entry(manner, grouping, known, now)) {
                    entries.insert((lane.name().clone(), id));
                }
            }
            let gathered = lane.gather(&self.book, now);
            entries.extend(gathered.into_iter().map(|id| (lane.name().clone(), id)));
        }
        let mut rows = Rows::new();
        self.write(&entries, &mut rows);
        rows
    }

    /// All silences, in no particular order.
    pub fn silences(&self) -> impl Iterator<Item = &Silence> {
        self.book.silences.iter()
    }

    /// Makes a silence.
    ///
    /// # Errors
    /// Why there cannot be such a silence, in one sentence.
    pub fn add_silence(&mut self, wanted: NewSilence, now: Timestamp) -> Result<(Silence, Rows), String> {
        let silence = self.book.silences.add(wanted, &mut self.random, now)?;
        for known in self.book.incidents.values_mut() {
            if silence.matches(&known.labels, known.incident.severity) {
                known.silences.push(silence.id.clone());
            }
        }
        let rows = Rows::from([(of_no_cluster(), vec![rows::silence(&silence)])]);
        Ok((silence, rows))
    }

    /// Ends a silence now; `None` when there is none of that id.
    pub fn expire_silence(&mut self, id: &SilenceId, now: Timestamp) -> Option<(Silence, Rows)> {
        let silence = self.book.silences.expire(id, now)?;
        let rows = Rows::from([(of_no_cluster(), vec![rows::silence(&silence)])]);
        Some((silence, rows))
    }

    /// Goes on with other settings. Receivers that are gone are forgotten with their entries; all others are told of
    /// what is open and routed to them now, and what they have refused is tried again if they have changed.
    pub fn reconfigure(&mut self, config: NotifyConfig, now: Timestamp) -> Reconfigured {
        self.config = config;
        self.book.links = Links { external_url: self.config.external_url.clone() };
        let mut done = Reconfigured::default();
        let mut lanes = std::mem::take(&mut self.lanes);
        self.open_lanes();
        for (name, fresh) in &mut self.lanes {
            if let Some(before) = lanes.remove(name) {
                fresh.take_over(before, &self.book);
            }
        }
        for (name, lane) in lanes {
            done.dropped.push((name.clone(), lane.entries.len()));
            for id in lane.entries.keys() {
                if let Some(known) = self.book.incidents.get(id) {
                    let cluster = known.incident.cluster.clone();
                    done.rows.entry(cluster).or_default().push(rows::removed(id, &name));
                }
            }
        }
        let mut changed = BTreeSet::new();
        for (id, known) in &self.book.incidents {
            for lane in self.lanes.values_mut() {
                let fresh = entry(lane.manner, grouping_for(&self.config, known, lane.name()), known, now);
                if let Some(held) = lane.entries.get_mut(id) {
                    (held.group, held.grouping) = (fresh.group, fresh.grouping);
                }
            }
            if !known.incident.is_open() {
                continue;
            }
            for (name, grouping) in route::of_incident(&self.config, &known.incident, &known.labels) {
                let Some(lane) = self.lanes.get_mut(name) else { continue };
                if lane.insert(id, |manner| entry(manner, grouping, known, now)) {
                    changed.insert((name.clone(), id.clone()));
                }
            }
        }
        for lane in self.lanes.values_mut() {
            changed.extend(lane.gather(&self.book, now).into_iter().map(|id| (lane.name().clone(), id)));
        }
        self.write(&changed, &mut done.rows);
        done
    }

    /// What was and what is to be told of one incident, by receiver; empty for one that nobody is told of, or that is
    /// over for so long that only the state file knows.
    #[must_use]
    pub fn deliveries(&self, id: &IncidentId, now: Timestamp) -> Vec<view::DeliveryView> {
        view::deliveries(self, id, now)
    }

    /// How each receiver is, in the order of their names.
    #[must_use]
    pub fn receivers(&self, now: Timestamp) -> Vec<view::ReceiverView> {
        view::receivers(self, now)
    }

    /// How many incidents of `cluster` are open, and how many of them nothing new is told of now, by severity.
    #[must_use]
    pub fn count(&self, cluster: &ClusterName, now: Timestamp) -> BTreeMap<Severity, view::Counted> {
        view::count(self, cluster, now)
    }

    fn open_lanes(&mut self) {
        let receivers = self.config.receivers.iter();
        let told = receivers.filter(|receiver| !matches!(receiver.kind, ReceiverKind::Heartbeat(_)));
        let random = &mut self.random;
        // Each has chances of its own, so that none depends on another's failures.
        let lane = |receiver: &ReceiverConfig| Lane::new(receiver.clone(), Random::new(random.next()));
        self.lanes = told.map(lane).map(|lane| (lane.name().clone(), lane)).collect();
    }

    fn write(&self, changed: &BTreeSet<(ReceiverName, IncidentId)>, rows: &mut Rows) {
        for (receiver, id) in changed {
            let entry = self.lanes.get(receiver).and_then(|lane| lane.entries.get(id));
            if let (Some(entry), Some(known)) = (entry, self.book.incidents.get(id)) {
                let row = rows::entry(&known.incident, receiver, entry);
                rows.entry(known.incident.cluster.clone()).or_default().push(row);
            }
        }
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
            entry.settled = true;
            settled.push((lane.config.name.clone(), id.clone()));
        }
    }
    settled
}

fn entry(manner: Manner, grouping: &GroupingConfig, known: &Known, now: Timestamp) -> Entry {
    let grouping = manner.grouping(grouping);
    let group = Group::of(&grouping.by, &known.labels);
    Entry::new(Arc::new(group), Arc::new(grouping), now)
}

/// The grouping of the route that names `receiver`, or the general one where none does: of a fallback, or of a
/// severity that it does not have any more.
fn grouping_for<'a>(config: &'a NotifyConfig, known: &Known, receiver: &ReceiverName) -> &'a GroupingConfig {
    let named = route::of_incident(config, &known.incident, &known.labels);
    named.into_iter().find(|(name, _)| *name == receiver).map_or(&config.grouping, |(_, grouping)| grouping)
}

fn longest_interval(config: &NotifyConfig) -> Duration {
    let of_routes = config.routes.iter().filter_map(|route| route.grouping.as_ref());
    of_routes.chain([&config.grouping]).map(|grouping| grouping.interval).max().unwrap_or_default()
}
