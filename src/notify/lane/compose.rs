//! What a message holds.

use std::cmp::Reverse;
use std::sync::Arc;

use super::super::book::Book;
use super::super::entry::{Entry, Standing};
use super::super::message::{Message, Notice, NoticeKind};
use super::{Form, Lane};
use crate::model::{IncidentId, Timestamp};

/// A notice, and whether it is owed or only shown along.
type Shown = (bool, Notice);

impl Lane {
    /// The message; `None` when nothing is owed after all.
    pub(super) fn compose(&self, form: &Form, book: &Book, now: Timestamp) -> Option<Message> {
        let mut shown: Vec<Shown> = match form {
            Form::Single(id) => self.notice(id, book, now).into_iter().collect(),
            Form::Group(_) | Form::Summary(_) => {
                let within = self.active.iter().filter(|id| self.is_within(form, id));
                within.filter_map(|id| self.notice(id, book, now)).collect()
            }
        };
        let is_repeat = shown.iter().any(|(is_owed, notice)| *is_owed && notice.kind == NoticeKind::Repeated);
        let is_summary = matches!(form, Form::Summary(_));
        if !(is_summary || is_repeat || self.manner.whole_group) {
            shown.retain(|(is_owed, _)| *is_owed);
        }
        if !shown.iter().any(|(is_owed, _)| *is_owed) {
            return None;
        }
        shown.sort_by_cached_key(|(is_owed, notice)| {
            let incident = &notice.incident;
            let along = self.manner.whole_group && !is_owed;
            let order = (along, !notice.kind.is_firing(), Reverse(incident.severity), incident.opened_at);
            let place = (incident.group.clone(), incident.topic.clone(), incident.partition);
            (order, incident.name.clone(), place)
        });
        let first = self.entries.get(&shown.first()?.1.incident.id)?;
        let group = Arc::clone(first.summary.as_ref().unwrap_or(&first.group));
        let mut notices: Vec<Notice> = shown.into_iter().map(|(_, notice)| notice).collect();
        if is_summary {
            let thread = notices.iter().find_map(|notice| notice.thread.clone());
            notices.iter_mut().for_each(|notice| notice.thread.clone_from(&thread));
        }
        Some(Message {
            receiver: self.name().clone(),
            group_labels: group.labels.clone(),
            group_key: group.key.to_string(),
            notices,
            is_summary,
            at: now,
            links: book.links.clone(),
            is_drill: false,
        })
    }

    fn is_within(&self, form: &Form, id: &IncidentId) -> bool {
        let key = |entry: &Entry| match form {
            Form::Summary(key) => entry.summary.as_ref().is_some_and(|group| group.key == *key),
            Form::Group(key) => entry.group.key == *key,
            Form::Single(only) => only == id,
        };
        self.entries.get(id).is_some_and(key)
    }

    /// What a message says of an incident: what is owed, or that it goes on as told before.
    fn notice(&self, id: &IncidentId, book: &Book, now: Timestamp) -> Option<Shown> {
        let (entry, known) = (self.entries.get(id)?, book.incidents.get(id)?);
        let notice =
            |kind| Notice { incident: Arc::clone(&known.incident), kind, thread: entry.thread.clone() };
        match self.standing(id, book, now)? {
            Standing::Owed(owed) => Some((true, notice(owed.kind))),
            Standing::Finished => None,
            Standing::Later(_) | Standing::Waits => {
                let told = entry.told.filter(|told| told.is_firing)?;
                // Of a summary, all that was told; else nothing that has changed in silence.
                let is_same =
                    told.severity == known.incident.severity && !known.is_muted(&book.silences, now);
                let goes_on = known.incident.is_open() && (entry.summary.is_some() || is_same);
                goes_on.then(|| (false, notice(NoticeKind::Repeated)))
            }
        }
    }
}
