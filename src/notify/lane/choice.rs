//! Which message of a receiver goes next: what is urgent first, then what waits longest.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::sync::Arc;

use super::super::book::Book;
use super::super::entry::{Manner, Owed, Rank, Standing};
use super::super::message::Message;
use super::Lane;
use crate::model::{IncidentId, Timestamp};

/// What a message is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Form {
    /// One incident.
    Single(IncidentId),
    /// What a group is owed.
    Group(Arc<str>),
    /// Many incidents of a group as one.
    Summary(Arc<str>),
}

impl Form {
    pub(super) fn of(message: &Message, manner: Manner) -> Self {
        match message.notices.first() {
            Some(notice) if manner.one_by_one && !message.is_summary => {
                Self::Single(notice.incident.id.clone())
            }
            _ if message.is_summary => Self::Summary(message.group_key.as_str().into()),
            _ => Self::Group(message.group_key.as_str().into()),
        }
    }
}

/// A message that could go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    pub(super) rank: Rank,
    pub(super) since: Timestamp,
    pub(super) due: Timestamp,
}

/// All of them, and when something else is due.
#[derive(Debug, Default)]
pub(super) struct Choices {
    pub(super) forms: BTreeMap<Form, Choice>,
    pub(super) later: Option<Timestamp>,
}

impl Choices {
    fn add(&mut self, form: Form, choice: Choice) {
        match self.forms.entry(form) {
            Slot::Vacant(slot) => {
                slot.insert(choice);
            }
            Slot::Occupied(mut slot) => {
                let known = slot.get_mut();
                known.rank = known.rank.min(choice.rank);
                known.since = known.since.min(choice.since);
                known.due = known.due.min(choice.due);
            }
        }
    }

    fn later(&mut self, at: Timestamp) {
        self.later = Some(self.later.map_or(at, |later| later.min(at)));
    }
}

impl Lane {
    /// Everything that could be told. Entries that are done with are not looked at again.
    pub(super) fn choices(&mut self, book: &Book, now: Timestamp) -> Choices {
        let mut choices = Choices::default();
        let mut finished = Vec::new();
        let summaries = self.summaries_that_go_on(book);
        for id in &self.active {
            match self.standing(id, book, now) {
                None | Some(Standing::Waits) => {}
                Some(Standing::Finished) => finished.push(id.clone()),
                Some(Standing::Later(at)) => choices.later(at),
                Some(Standing::Owed(owed)) => {
                    if let Some((form, choice)) = self.choice(id, owed, &summaries, now) {
                        choices.add(form, choice);
                    }
                }
            }
        }
        for id in finished {
            self.active.remove(&id);
        }
        choices
    }

    /// Of each summary, whether one of its incidents is still open.
    fn summaries_that_go_on(&self, book: &Book) -> BTreeMap<Arc<str>, bool> {
        let mut summaries = BTreeMap::new();
        for id in &self.active {
            if let (Some(entry), Some(known)) = (self.entries.get(id), book.incidents.get(id))
                && let Some(group) = &entry.summary
            {
                *summaries.entry(Arc::clone(&group.key)).or_insert(false) |= known.incident.is_open();
            }
        }
        summaries
    }

    fn choice(
        &self,
        id: &IncidentId,
        mut owed: Owed,
        summaries: &BTreeMap<Arc<str>, bool>,
        now: Timestamp,
    ) -> Option<(Form, Choice)> {
        let entry = self.entries.get(id)?;
        let (form, group) = match &entry.summary {
            Some(group) => (Form::Summary(Arc::clone(&group.key)), group),
            None if self.manner.one_by_one => (Form::Single(id.clone()), &entry.group),
            None => (Form::Group(Arc::clone(&entry.group.key)), &entry.group),
        };
        // That one of many pages is over changes nothing for whoever was paged.
        if owed.rank == Rank::PageOver && entry.summary.is_some() && summaries.get(&group.key) == Some(&true)
        {
            owed.rank = Rank::Better;
        }
        let due = entry.due(&owed, self.manner, self.told_groups.get(&group.key).copied(), now);
        Some((form, Choice { rank: owed.rank, since: owed.since, due }))
    }

    /// The one that goes first among those that are due. While a receiver fails, the message that failed last lets
    /// another one try, if there is one: it may be the message and not the receiver.
    pub(super) fn best(&self, choices: &Choices, now: Timestamp) -> Option<Form> {
        let due = || choices.forms.iter().filter(|(_, choice)| choice.due <= now);
        let first = |forms: &mut dyn Iterator<Item = (&Form, &Choice)>| {
            forms.min_by_key(|(_, choice)| (choice.rank, choice.since)).map(|(form, _)| form.clone())
        };
        let other = first(&mut due().filter(|(form, _)| Some(*form) != self.last_failed.as_ref()));
        other.or_else(|| first(&mut due()))
    }
}
