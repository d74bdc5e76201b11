//! What is shown of the outbox: attempts, receivers, counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::config::ReceiverName;
use super::entry::{Attempt, Standing};
use super::lane::Trouble;
use super::outbox::Outbox;
use crate::model::{ClusterName, IncidentId, Severity, Timestamp};

/// Where one receiver stands with one incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is to be told something.
    Owed,
    /// It knows how things are.
    Told,
    /// It is told nothing new: a silence, or the cluster cannot be reached.
    Silenced,
    /// It has refused what it was told last.
    Refused,
    /// It was over before it could be told, in silence.
    NeverTold,
}

impl DeliveryState {
    /// As the API writes it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Owed => "owed",
            Self::Told => "told",
            Self::Silenced => "silenced",
            Self::Refused => "refused",
            Self::NeverTold => "never_told",
        }
    }
}

/// What was told to one receiver of one incident.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryView {
    /// Who.
    pub receiver: ReceiverName,
    /// Where that stands.
    pub state: DeliveryState,
    /// The revision that was told last; absent while none was.
    pub told_revision: Option<u32>,
    /// When; absent while none was.
    pub told_at: Option<Timestamp>,
    /// The last attempts, oldest first; at most 50.
    pub attempts: Vec<Arc<Attempt>>,
}

/// How a receiver is.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceiverView {
    /// Who.
    pub receiver: ReceiverName,
    /// Whether the last message was taken; absent before the first.
    pub is_up: Option<bool>,
    /// What is wrong, if anything is.
    pub trouble: Option<Trouble>,
    /// Of how many incidents it is owed something.
    pub owed: usize,
    /// Since when the oldest of that is owed.
    pub oldest: Option<Timestamp>,
}

/// Open incidents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Told as they should be.
    pub open: u64,
    /// Open, but nothing new is told of them now.
    pub silenced: u64,
}

pub(super) fn deliveries(outbox: &Outbox, id: &IncidentId, now: Timestamp) -> Vec<DeliveryView> {
    let Some(known) = outbox.book.incidents.get(id) else { return Vec::new() };
    let is_muted = known.is_muted(&outbox.book.silences, now);
    let view = |(name, lane): (&ReceiverName, &super::lane::Lane)| {
        let entry = lane.entries.get(id)?;
        let state = match lane.standing(id, &outbox.book, now).unwrap_or(Standing::Waits) {
            Standing::Owed(_) => DeliveryState::Owed,
            Standing::Waits if known.is_unsaved => DeliveryState::Owed,
            _ if entry.refused == Some(known.incident.revision) => DeliveryState::Refused,
            Standing::Finished if entry.told.is_none() && entry.settled => DeliveryState::NeverTold,
            Standing::Finished if entry.told.is_none() => DeliveryState::Refused,
            Standing::Finished => DeliveryState::Told,
            Standing::Later(_) | Standing::Waits if is_muted => DeliveryState::Silenced,
            Standing::Later(_) | Standing::Waits => DeliveryState::Told,
        };
        Some(DeliveryView {
            receiver: name.clone(),
            state,
            told_revision: entry.told.map(|told| told.revision),
            told_at: entry.told.map(|told| told.at),
            attempts: entry.attempts.iter().cloned().collect(),
        })
    };
    outbox.lanes.iter().filter_map(view).collect()
}

pub(super) fn receivers(outbox: &Outbox, now: Timestamp) -> Vec<ReceiverView> {
    let view = |lane: &super::lane::Lane| {
        let (owed, oldest) = lane.owed(&outbox.book, now);
        let (is_up, trouble) = (lane.is_up, lane.trouble.clone());
        ReceiverView { receiver: lane.name().clone(), is_up, trouble, owed, oldest }
    };
    outbox.lanes.values().map(view).collect()
}

pub(super) fn count(outbox: &Outbox, cluster: &ClusterName, now: Timestamp) -> BTreeMap<Severity, Counted> {
    let severities = [Severity::Info, Severity::Ticket, Severity::Page];
    let mut counts = BTreeMap::from(severities.map(|severity| (severity, Counted::default())));
    let known = outbox.book.incidents.values();
    for known in known.filter(|known| known.incident.cluster == *cluster && known.incident.is_open()) {
        let counted = counts.entry(known.incident.severity).or_default();
        if known.is_muted(&outbox.book.silences, now) { counted.silenced += 1 } else { counted.open += 1 }
    }
    counts
}
