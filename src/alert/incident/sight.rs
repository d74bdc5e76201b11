//! What a tick has to say of any place, found without walking through everything for each of them.

use std::collections::HashSet;

use super::IncidentInput;
use super::place::Place;
use crate::model::{AlertState, Because, GroupTopicView, GroupView, SloView, Timestamp};

/// One tick.
#[derive(Debug)]
pub(super) struct Sight<'a> {
    pub(super) input: &'a IncidentInput<'a>,
    /// A time that never falls, for timers.
    pub(super) steady: Timestamp,
    /// What goes into the ids of incidents that open now.
    pub(super) opening: Timestamp,
    pub(super) tick: u64,
    /// Something has happened in this tick.
    pub(super) has_news: bool,
    /// The cluster cannot be reached, and an incident says so.
    pub(super) is_inhibiting: bool,
    /// Rules whose alerts are told as one.
    summarized: HashSet<&'a str>,
    /// Rules of which something fires that has a name of its own.
    single: HashSet<&'a str>,
}

impl<'a> Sight<'a> {
    pub(super) fn new(
        input: &'a IncidentInput<'a>,
        steady: Timestamp,
        opening: Timestamp,
        tick: u64,
        has_news: bool,
    ) -> Self {
        let firing = || input.alerts.iter().filter(|view| view.state == AlertState::Firing);
        let (nameless, named): (Vec<_>, Vec<_>) =
            firing().partition(|view| view.group.is_none() && view.topic.is_none());
        Self {
            input,
            steady,
            opening,
            tick,
            has_news,
            is_inhibiting: nameless.iter().any(|view| view.condition == "unreachable"),
            summarized: nameless.iter().map(|view| &*view.name).collect(),
            single: named.iter().map(|view| &*view.name).collect(),
        }
    }

    pub(super) fn group(&self, place: &Place) -> Option<&'a GroupView> {
        let name = place.group.as_ref()?;
        let at = self.input.groups.binary_search_by(|view| view.group.cmp(name)).ok()?;
        self.input.groups.get(at)
    }

    /// The group's consumption of the topic.
    pub(super) fn consumed(&self, place: &Place) -> Option<&'a GroupTopicView> {
        let (group, name) = (self.group(place)?, place.topic.as_ref()?);
        let at = group.topics.binary_search_by(|view| view.topic.cmp(name)).ok()?;
        group.topics.get(at)
    }

    pub(super) fn slo(&self, place: &Place) -> Option<&'a SloView> {
        let wanted = (&*place.name, place.group.as_ref(), place.topic.as_ref());
        let key = |view: &'a SloView| (&*view.slo.name, view.group.as_ref(), view.topic.as_ref());
        let at = self.input.slos.binary_search_by(|view| key(view).cmp(&wanted)).ok()?;
        self.input.slos.get(at)
    }

    /// Whether there is an SLO of that name: each has at least one view.
    pub(super) fn has_slo(&self, name: &str) -> bool {
        self.input.slos.binary_search_by(|view| (*view.slo.name).cmp(name)).is_ok()
    }

    /// Why an alert is over that does go on, but is told in another way.
    pub(super) fn regrouped(&self, place: &Place) -> Option<Because> {
        let name = &*place.name;
        match place.is_nameless() {
            false if self.summarized.contains(name) => Some(summarized()),
            true if self.single.contains(name) => Some(told_singly()),
            _ => None,
        }
    }

    pub(super) fn is_inhibited(&self, is_unreachable: bool) -> bool {
        self.is_inhibiting && !is_unreachable
    }
}

/// Why an incident is over although nobody has seen its condition end. Each is written to the state file by its label.
pub(super) const REASONS: [fn() -> Because; 3] = [rule_gone, summarized, told_singly];

pub(super) fn rule_gone() -> Because {
    Because { label: "rule_gone", sentence: "its rule is no more in the settings".into() }
}

fn summarized() -> Because {
    Because {
        label: "summarized",
        sentence: "it goes on, and is told as one with the others of its rule".into(),
    }
}

fn told_singly() -> Because {
    Because { label: "told_singly", sentence: "what it stood for is told one by one".into() }
}
