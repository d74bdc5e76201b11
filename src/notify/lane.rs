//! One receiver: what it is owed of all incidents, what goes next, and what its answers mean. A lane never looks at
//! another one, so no receiver can hold up another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::backoff::{Pause, Random, delay};
use super::book::Book;
use super::config::{ReceiverConfig, ReceiverName};
use super::entry::{Attempt, Entry, Manner, Outcome, Standing, Told, millis};
use super::message::{Failure, Message, NoticeKind, Receipt};
use super::rate::{self, Rate};
use crate::model::{IncidentId, Timestamp};

mod choice;
mod compose;

pub(super) use choice::Form;

/// What a receiver is to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Be told this, now.
    Message(Message),
    /// Nothing before that time, unless something changes.
    At(Timestamp),
    /// Nothing, until something changes.
    Idle,
}

/// What is wrong with a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// It has refused for good; else it could not be reached or asked to be left alone.
    pub is_refusal: bool,
    /// What it answered last. Never a secret.
    pub answer: String,
}

/// How many incidents of one group are told one by one; more at once are told as one.
pub(super) const FLOOD: usize = 10;

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) config: ReceiverConfig,
    pub(super) manner: Manner,
    pub(super) entries: BTreeMap<IncidentId, Entry>,
    /// The entries that something may still have to be done about.
    pub(super) active: BTreeSet<IncidentId>,
    /// When a group was told last.
    told_groups: BTreeMap<Arc<str>, Timestamp>,
    /// What the message that was asked for last is about, until its answer comes.
    under_way: BTreeSet<IncidentId>,
    /// Whether the state file says so, too.
    pub(super) is_announced: bool,
    /// What a process before this one was about to tell, in the form that it still has, and may have told.
    pub(super) interrupted: BTreeSet<IncidentId>,
    rate: Rate,
    random: Random,
    /// Failures in a row, and until when the receiver is left alone.
    failures: u32,
    pause: Pause,
    last_failed: Option<Form>,
    /// Whether the last message was taken; absent before the first.
    pub(super) is_up: Option<bool>,
    pub(super) trouble: Option<Trouble>,
}

/// What an answer has changed.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// The entries that have to be made durable.
    pub(super) entries: Vec<IncidentId>,
    /// What the receiver will never take, to be handed to its fallback.
    pub(super) refused: Vec<IncidentId>,
}

impl Lane {
    pub(super) fn new(config: ReceiverConfig, random: Random) -> Self {
        let limit = config.rate_limit.or_else(|| rate::usual(&config.kind));
        Self {
            manner: Manner::of(&config.kind),
            config,
            entries: BTreeMap::new(),
            active: BTreeSet::new(),
            told_groups: BTreeMap::new(),
            under_way: BTreeSet::new(),
            is_announced: false,
            interrupted: BTreeSet::new(),
            rate: Rate::new(limit),
            random,
            failures: 0,
            pause: Pause::default(),
            last_failed: None,
            is_up: None,
            trouble: None,
        }
    }

    pub(super) fn name(&self) -> &ReceiverName {
        &self.config.name
    }

    /// Goes on as `before` did, with these settings. What was refused is tried again if they are others.
    pub(super) fn take_over(&mut self, before: Self, book: &Book) {
        let is_same = before.config == self.config;
        self.entries = before.entries;
        self.active = before.active;
        self.told_groups = before.told_groups;
        self.under_way = before.under_way;
        self.is_announced = before.is_announced;
        self.interrupted = before.interrupted;
        (self.is_up, self.trouble) = (before.is_up, before.trouble);
        if before.rate.limit() == self.rate.limit() {
            self.rate = before.rate;
        }
        if is_same {
            (self.failures, self.pause, self.last_failed) =
                (before.failures, before.pause, before.last_failed);
            return;
        }
        for (id, entry) in &mut self.entries {
            if book.incidents.get(id).is_some_and(|known| known.incident.is_open()) {
                entry.refused = None;
            }
            (entry.failures, entry.pause) = (0, Pause::default());
        }
    }

    /// Whether `id` is new here; its entry is made by `make` then.
    pub(super) fn insert(&mut self, id: &IncidentId, make: impl FnOnce(Manner) -> Entry) -> bool {
        if self.entries.contains_key(id) {
            return false;
        }
        self.entries.insert(id.clone(), make(self.manner));
        self.active.insert(id.clone());
        true
    }

    pub(super) fn remove(&mut self, id: &IncidentId) -> bool {
        self.active.remove(id);
        self.under_way.remove(id);
        self.interrupted.remove(id);
        self.entries.remove(id).is_some()
    }

    /// What `id` is owed, if anything is to be done about it at all, and may be by now.
    pub(super) fn standing(&self, id: &IncidentId, book: &Book, now: Timestamp) -> Option<Standing> {
        book.incidents.get(id).filter(|known| !known.is_unsaved)?;
        self.standing_once_saved(id, book, now)
    }

    fn standing_once_saved(&self, id: &IncidentId, book: &Book, now: Timestamp) -> Option<Standing> {
        let (entry, known) = (self.entries.get(id)?, book.incidents.get(id).filter(|known| known.is_seen)?);
        Some(entry.standing(&known.incident, known.muted(&book.silences, now), self.manner, now))
    }

    /// The next message, if one may go now. Until its answer comes, asking again is allowed, and wise only if it was
    /// never sent.
    pub(super) fn next(&mut self, book: &Book, now: Timestamp) -> Next {
        let alone_until = self.pause.over_at(now);
        if alone_until > now {
            return Next::At(alone_until);
        }
        let choices = self.choices(book, now);
        let Some(best) = self.best(&choices, now) else {
            let due = choices.forms.values().map(|choice| choice.due).chain(choices.later).min();
            return due.map_or(Next::Idle, Next::At);
        };
        let free_at = self.rate.free_at(choices.forms[&best].rank.is_urgent(), now);
        if free_at > now {
            return Next::At(free_at);
        }
        let Some(message) = self.compose(&best, book, now) else { return Next::Idle };
        self.rate.take(now);
        self.under_way = message.notices.iter().map(|notice| notice.incident.id.clone()).collect();
        Next::Message(message)
    }

    pub(super) fn delivered(
        &mut self,
        message: &Message,
        receipt: &Receipt,
        took: Duration,
        now: Timestamp,
    ) -> Changed {
        self.under_way.clear();
        (self.failures, self.last_failed) = (0, None);
        (self.is_up, self.trouble) = (Some(true), None);
        self.told_groups.insert(message.group_key.as_str().into(), now);
        let attempt = attempt(Outcome::Delivered, &receipt.answer, took, now);
        let mut changed = Changed::default();
        for (at, notice) in message.notices.iter().enumerate() {
            let Some(entry) = self.entries.get_mut(&notice.incident.id) else { continue };
            self.interrupted.remove(&notice.incident.id);
            let before = entry.told;
            let told = Told {
                revision: notice.incident.revision,
                is_firing: notice.kind.is_firing(),
                severity: notice.incident.severity,
                at: now,
            };
            // What has changed in silence was only shown along, as going on.
            let is_shown = |told: &Told| {
                notice.kind == NoticeKind::Repeated && told.severity != notice.incident.severity
            };
            let told = before.filter(is_shown).map_or(told, |before| Told { at: now, ..before });
            entry.told = Some(told);
            if let Some(thread) = receipt.threads.get(at).cloned().flatten() {
                entry.thread = Some(thread);
            }
            (entry.failures, entry.pause) = (0, Pause::default());
            let is_news = before.is_none_or(|before| Told { at: now, ..before } != told);
            // Told again every minute, and after a restart at once.
            if is_news || !self.manner.forgets {
                entry.remember(&attempt);
                changed.entries.push(notice.incident.id.clone());
            }
        }
        changed
    }

    pub(super) fn failed(
        &mut self,
        message: &Message,
        failure: &Failure,
        took: Duration,
        book: &Book,
        now: Timestamp,
    ) -> Changed {
        self.under_way.clear();
        self.is_up = Some(false);
        match failure {
            Failure::Later { answer, after } => {
                self.failures = self.failures.saturating_add(1);
                self.last_failed = Some(Form::of(message, self.manner));
                self.is_in_trouble(false, answer, now);
                // One draw for both, so that a message is due again when its receiver is.
                let jitter = self.random.jitter();
                self.pause = Pause::asked(now, delay(self.failures, jitter), *after);
                let attempt = attempt(Outcome::Failed, answer, took, now);
                self.each(message, |entry| {
                    entry.failures = entry.failures.saturating_add(1);
                    entry.pause = Pause::new(now, delay(entry.failures, jitter));
                    entry.remember(&attempt);
                });
                // Attempts are for people: a long outage of a receiver that is owed thousands is not written out.
                let entries = message.notices.iter().take(NAMED).map(|notice| notice.incident.id.clone());
                Changed { entries: entries.collect(), refused: Vec::new() }
            }
            Failure::Never { answer } => {
                (self.failures, self.last_failed) = (0, None);
                self.is_in_trouble(true, answer, now);
                self.refused(message, &attempt(Outcome::Refused, answer, took, now), book, now)
            }
        }
    }

    fn refused(&mut self, message: &Message, attempt: &Arc<Attempt>, book: &Book, now: Timestamp) -> Changed {
        let mut changed = Changed::default();
        for notice in &message.notices {
            let id = &notice.incident.id;
            // Those that were only shown along are owed nothing.
            if !matches!(self.standing(id, book, now), Some(Standing::Owed(_))) {
                continue;
            }
            let Some(entry) = self.entries.get_mut(id) else { continue };
            self.interrupted.remove(id);
            entry.remember(attempt);
            if self.manner.forgets && entry.told.is_some() {
                entry.pause = Pause::new(now, millis(entry.grouping.repeat));
            } else {
                entry.refused = Some(notice.incident.revision);
            }
            changed.entries.push(id.clone());
            changed.refused.push(id.clone());
        }
        changed
    }

    /// Since the receiver was last well, or since the trouble is of another kind.
    fn is_in_trouble(&mut self, is_refusal: bool, answer: &str, now: Timestamp) {
        let before = self.trouble.take().filter(|before| before.is_refusal == is_refusal);
        let since = before.map_or(now, |before| before.since);
        self.trouble = Some(Trouble { since, is_refusal, answer: answer.to_owned() });
    }

    fn each(&mut self, message: &Message, mut change: impl FnMut(&mut Entry)) {
        for notice in &message.notices {
            if let Some(entry) = self.entries.get_mut(&notice.incident.id) {
                change(entry);
            }
        }
    }

    /// Puts those of a group that are too many to be told one by one under one summary; says which.
    pub(super) fn gather(&mut self, book: &Book, now: Timestamp) -> Vec<IncidentId> {
        if !self.manner.one_by_one {
            return Vec::new();
        }
        let mut untold: BTreeMap<&Arc<str>, Vec<&IncidentId>> = BTreeMap::new();
        for id in &self.active {
            let Some(entry) = self.entries.get(id) else { continue };
            let is_free = entry.is_untold() && entry.summary.is_none();
            let is_owed = || matches!(self.standing_once_saved(id, book, now), Some(Standing::Owed(_)));
            if is_free && !self.under_way.contains(id) && !self.interrupted.contains(id) && is_owed() {
                untold.entry(&entry.group.key).or_default().push(id);
            }
        }
        let floods = untold.into_values().filter(|ids| ids.len() > FLOOD);
        let gathered: Vec<IncidentId> = floods.flatten().cloned().collect();
        for id in &gathered {
            if let Some(entry) = self.entries.get_mut(id) {
                entry.summary = Some(Arc::clone(&entry.group));
            }
        }
        gathered
    }

    /// The incidents of a message that nothing was told of before, and those that were interrupted.
    pub(super) fn untold<'a>(&'a self, message: &'a Message) -> BTreeSet<&'a IncidentId> {
        let ids = message.notices.iter().map(|notice| &notice.incident.id);
        let untold = ids.filter(|id| self.entries.get(*id).is_some_and(Entry::is_untold));
        untold.chain(&self.interrupted).collect()
    }

    /// After a restart, what was sent before counts.
    pub(super) fn recall_rate(&mut self) {
        let mut messages = BTreeSet::new();
        for (id, entry) in &self.entries {
            // Others that were told at the same time were told in the same message.
            let alone = (self.manner.one_by_one && entry.summary.is_none()).then_some(id);
            for (which, attempt) in entry.attempts.iter().enumerate() {
                // What has come and gone is told of both at once.
                let nth = entry.attempts.iter().take(which).filter(|before| before.at == attempt.at).count();
                messages.insert((attempt.at, alone, nth));
            }
        }
        let times: Vec<Timestamp> = messages.into_iter().map(|(at, ..)| at).collect();
        self.rate = self.rate.full();
        times.into_iter().for_each(|at| self.rate.take(at));
    }

    /// Forgets the times of groups that hold nothing up any more.
    pub(super) fn tidy(&mut self, longest_interval: Duration, now: Timestamp) {
        self.told_groups.retain(|_, told| now.since(*told) < millis(longest_interval));
    }

    /// How many incidents it is owed something of now, and since when the oldest.
    pub(super) fn owed(&self, book: &Book, now: Timestamp) -> (usize, Option<Timestamp>) {
        let owed = self.active.iter().filter_map(|id| match self.standing(id, book, now) {
            Some(Standing::Owed(owed)) => Some(owed.since),
            _ => None,
        });
        owed.fold((0, None), |(count, oldest), since| {
            (count + 1, Some(oldest.map_or(since, |oldest: Timestamp| oldest.min(since))))
        })
    }
}

/// How many entries of a message that failed are made durable for the attempt's sake.
const NAMED: usize = 100;

/// An answer's length in characters at most, whoever made it.
const ANSWER: usize = 200;

fn attempt(outcome: Outcome, answer: &str, took: Duration, now: Timestamp) -> Arc<Attempt> {
    let answer = answer.chars().take(ANSWER).collect();
    Arc::new(Attempt { at: now, took: millis(took), outcome, answer })
}
