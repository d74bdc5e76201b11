//! What all receivers' queues read: the incidents as they are, and the silences.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::entry::Muted;
use super::message::Links;
use super::silence::{SilenceId, Silences};
use crate::model::{Incident, IncidentId, Timestamp};

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
    pub(super) labels: BTreeMap<Arc<str>, Arc<str>>,
    /// The silences that it is meant by, at any time.
    pub(super) silences: Vec<SilenceId>,
    /// When it was last seen muted.
    pub(super) muted_at: Option<Timestamp>,
    /// It has changed, and that is not durable yet: nothing is told of it.
    pub(super) is_unsaved: bool,
    /// It was seen since the start: before that, only what the entries say of it is known.
    pub(super) is_seen: bool,
}

impl Known {
    pub(super) fn new(incident: Arc<Incident>, silences: &Silences, is_seen: bool) -> Self {
        let labels = incident.label_set();
        let silences = silences.matching(&labels, incident.severity);
        Self { incident, labels, silences, muted_at: None, is_unsaved: false, is_seen }
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
