//! The durable queue: who is to be told of what, as entries that are compared with the incidents as they are. A pure
//! state machine: time comes in with every call, and what has to be made durable goes out as rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::backoff::Random;
use super::book::{Book, Known};
use super::config::{GroupingConfig, NotifyConfig, ReceiverConfig, ReceiverKind, ReceiverName};
use super::entry::{Entry, Manner};
use super::group::Group;
use super::lane::{Changed, Lane, Next};
use super::message::{Failure, Links, Message, Receipt};
use super::rows::{self, Rows, of_no_cluster};
use super::silence::{NewSilence, Silence, SilenceId};
use super::{route, view};
use crate::model::{ClusterName, IncidentId, Severity, Timestamp};

mod reconfigure;
mod restore;
mod see;

pub use reconfigure::Reconfigured;

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

    /// What `receiver` is to do now.
    pub fn next(&mut self, receiver: &ReceiverName, now: Timestamp) -> Next {
        self.lanes.get_mut(receiver).map_or(Next::Idle, |lane| lane.next(&self.book, now))
    }

    /// To be made durable before `message` is sent, so that whoever hears the beginning of something hears its end
    /// even if this process does not live to know that it was heard.
    pub fn sending(&mut self, message: &Message) -> Rows {
        let Some(lane) = self.lanes.get_mut(&message.receiver) else { return Rows::new() };
        let untold = lane.untold(message);
        if untold.is_empty() {
            return Rows::new();
        }
        let row = rows::under_way(lane.name(), untold.into_iter());
        lane.is_announced = true;
        Rows::from([(of_no_cluster(), vec![row])])
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
        if let Some(lane) = self.lanes.get_mut(receiver)
            && std::mem::take(&mut lane.is_announced)
        {
            let interrupted = &lane.interrupted;
            let row = if interrupted.is_empty() {
                rows::removed(&IncidentId::from_text(""), receiver)
            } else {
                rows::under_way(receiver, interrupted.iter())
            };
            lane.is_announced = !lane.interrupted.is_empty();
            rows.entry(of_no_cluster()).or_default().push(row);
        }
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
