//! What has happened in a cluster in the last quarter of an hour, so that an incident can tell what was around its
//! beginning: rebalances, members that came or went, brokers, rates, commits that were set back.
//! For people, so it starts anew with the process; never used for judging, and never said to be a cause.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::IncidentInput;
use super::place::Place;
use super::rates::Rates;
use crate::model::{GroupId, GroupState, GroupTopicView, GroupView, Happening, Millis, Timestamp, TopicName};

/// So long it is remembered.
const KEPT: Millis = Millis::from_seconds(900);

/// How long before its beginning something may belong to an incident.
const BEFORE: Millis = Millis::from_seconds(600);

/// How many are told of an incident.
const TOLD: usize = 5;

/// How many are kept of one group, topic, pair of both, or of the cluster.
const MOST: usize = 20;

/// How often rates are compared and old happenings let go.
const ROUND: Millis = Millis::from_seconds(15);

/// To whom something happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Whom {
    Cluster,
    Group(GroupId),
    Topic(TopicName),
    Consumption(GroupId, TopicName),
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Happenings {
    recent: HashMap<Whom, VecDeque<Happening>>,
    groups: HashMap<GroupId, SeenGroup>,
    topics: HashMap<TopicName, Rates>,
    brokers: BTreeMap<i32, bool>,
    last_round: Option<Timestamp>,
    has_news: bool,
}

#[derive(Debug, Default)]
struct SeenGroup {
    state: Option<GroupState>,
    members: Option<usize>,
    topics: HashMap<TopicName, SeenConsumption>,
}

#[derive(Debug, Default)]
struct SeenConsumption {
    rates: Rates,
    /// The sum of the committed offsets, and of how many partitions it is.
    committed: Option<(u64, usize)>,
}

impl Happenings {
    /// Takes what a tick has measured. Whether anything has happened.
    pub(super) fn observe(&mut self, input: &IncidentInput<'_>) -> bool {
        self.has_news = false;
        if input.up.is_err() {
            return false;
        }
        let now = input.now;
        let is_round = self.last_round.is_none_or(|last| now < last || now.since(last) >= ROUND);
        self.see_brokers(input);
        let mut groups = std::mem::take(&mut self.groups);
        for view in input.groups {
            match groups.get_mut(&view.group) {
                Some(seen) => self.see_group(seen, view, now),
                None => {
                    groups.insert(view.group.clone(), SeenGroup::default());
                }
            }
            if let Some(seen) = groups.get_mut(&view.group) {
                seen.remember(view);
                self.see_consumption(seen, view, now, is_round);
            }
        }
        self.groups = groups;
        if is_round {
            self.see_topics(input);
            self.forget(input);
            self.last_round = Some(now);
        }
        self.has_news
    }

    /// What happened to the group and topic of `place`, and to its cluster, from ten minutes before `since` until
    /// `until`, and what is `known` of it already: those nearest to `since`, in the order of time.
    pub(super) fn around(
        &self,
        place: &Place,
        since: Timestamp,
        until: Timestamp,
        known: &[Happening],
    ) -> Vec<Happening> {
        let consumption = place.group.clone().zip(place.topic.clone());
        let whom = [
            Some(Whom::Cluster),
            place.group.clone().map(Whom::Group),
            place.topic.clone().map(Whom::Topic),
            consumption.map(|(group, topic)| Whom::Consumption(group, topic)),
        ];
        let of = whom.into_iter().flatten().filter_map(|whom| self.recent.get(&whom)).flatten();
        let new = of.filter(|it| since - BEFORE <= it.at && it.at <= until && !known.contains(it));
        let mut around: Vec<_> = known.iter().chain(new).cloned().collect();
        around.sort_by_key(|it| it.at.0.abs_diff(since.0));
        around.truncate(TOLD);
        around.sort_by_key(|it| it.at);
        around
    }

    fn add(&mut self, whom: Whom, at: Timestamp, what: String) {
        let recent = self.recent.entry(whom).or_default();
        recent.push_back(Happening { at, what: what.into() });
        if recent.len() > MOST {
            recent.pop_front();
        }
        self.has_news = true;
    }

    fn see_brokers(&mut self, input: &IncidentInput<'_>) {
        for view in input.brokers {
            let id = view.broker.id;
            let before = self.brokers.insert(id, view.up);
            if before.is_some_and(|before| before != view.up) {
                let what = if view.up { "is back" } else { "is gone" };
                self.add(Whom::Cluster, input.now, format!("broker {id} {what}"));
            }
        }
    }

    fn see_group(&mut self, seen: &SeenGroup, view: &GroupView, now: Timestamp) {
        let whom = || Whom::Group(view.group.clone());
        if let (Some(before), Ok(state)) = (seen.state, view.state) {
            match (is_rebalance(before), is_rebalance(state)) {
                (false, true) => self.add(whom(), now, "the group began to rebalance".to_owned()),
                (true, false) if state == GroupState::Stable => {
                    self.add(whom(), now, "the group ended its rebalance".to_owned());
                }
                _ => {}
            }
        }
        if let (Some(before), Some(members)) = (seen.members, members(view)) {
            let (more, less) = (members.saturating_sub(before), before.saturating_sub(members));
            let plural = |count: usize| if count == 1 { "member" } else { "members" };
            match (more, less) {
                (0, 0) => {}
                (0, _) if members == 0 => self.add(whom(), now, "the group's last member left".to_owned()),
                (0, less) => {
                    self.add(whom(), now, format!("{less} {} left, {members} remain", plural(less)));
                }
                (more, _) => {
                    self.add(whom(), now, format!("{more} {} joined: {members} now", plural(more)));
                }
            }
        }
    }

    fn see_consumption(&mut self, seen: &mut SeenGroup, view: &GroupView, now: Timestamp, is_round: bool) {
        for consumed in &view.topics {
            let topic = &consumed.topic;
            if !seen.topics.contains_key(topic) {
                seen.topics.insert(topic.clone(), SeenConsumption::default());
            }
            let Some(known) = seen.topics.get_mut(topic) else { continue };
            let whom = || Whom::Consumption(view.group.clone(), topic.clone());
            if let Some(back) = known.set_back(consumed) {
                let by =
                    if view.state == Ok(GroupState::Empty) { ", while the group had no members" } else { "" };
                self.add(whom(), now, format!("commits on {topic} were set back by {back} records{by}"));
            }
            let rate = consumed.consumed_per_second.ok();
            if is_round && let Some(before) = known.rates.changed(now, rate, false) {
                let (before, rate) = (per_second(before), per_second(rate.unwrap_or_default()));
                let what = format!("consumption of {topic} fell from {before} to {rate} records per second");
                self.add(whom(), now, what);
            }
        }
    }

    fn see_topics(&mut self, input: &IncidentInput<'_>) {
        for view in input.topics {
            if !self.topics.contains_key(&view.topic) {
                self.topics.insert(view.topic.clone(), Rates::default());
            }
            let Some(rates) = self.topics.get_mut(&view.topic) else { continue };
            let rate = view.appended_per_second.ok();
            if let Some(before) = rates.changed(input.now, rate, true) {
                let (before, rate) = (per_second(before), per_second(rate.unwrap_or_default()));
                let topic = &view.topic;
                let what = format!("appends to {topic} rose from {before} to {rate} records per second");
                self.add(Whom::Topic(topic.clone()), input.now, what);
            }
        }
    }

    /// Lets go of what is too long ago, and of groups and topics that are not there any more.
    fn forget(&mut self, input: &IncidentInput<'_>) {
        let now = input.now;
        for happenings in self.recent.values_mut() {
            // What lies ahead was before the clock was set back.
            happenings.retain(|it| it.at <= now && now.since(it.at) <= KEPT);
        }
        self.recent.retain(|_, happenings| !happenings.is_empty());
        if self.groups.len() > input.groups.len() {
            self.groups
                .retain(|group, _| input.groups.binary_search_by(|view| view.group.cmp(group)).is_ok());
        }
        if self.topics.len() > input.topics.len() {
            self.topics
                .retain(|topic, _| input.topics.binary_search_by(|view| view.topic.cmp(topic)).is_ok());
        }
        for view in input.groups {
            let Some(seen) = self.groups.get_mut(&view.group) else { continue };
            if seen.topics.len() > view.topics.len() {
                let is_there =
                    |topic: &TopicName| view.topics.iter().any(|consumed| consumed.topic == *topic);
                seen.topics.retain(|topic, _| is_there(topic));
            }
        }
    }
}

impl SeenGroup {
    /// What is not measured stays as it was known.
    fn remember(&mut self, view: &GroupView) {
        self.state = view.state.ok().or(self.state);
        self.members = members(view).or(self.members);
    }
}

impl SeenConsumption {
    /// By how many records the commits went back since they were last known, if they did.
    fn set_back(&mut self, view: &GroupTopicView) -> Option<u64> {
        let now = (view.committed_sum.ok()?, view.partitions.len());
        let before = self.committed.replace(now);
        // A partition whose commit has expired is not one that was set back.
        let (before, _) = before.filter(|(_, partitions)| *partitions == now.1)?;
        before.checked_sub(now.0).filter(|back| *back > 0)
    }
}

fn members(view: &GroupView) -> Option<usize> {
    match (&view.members, view.state) {
        (_, Ok(GroupState::Empty | GroupState::Dead)) => Some(0),
        (Ok(members), _) => Some(members.len()),
        (Err(_), _) => None,
    }
}

fn is_rebalance(state: GroupState) -> bool {
    match state {
        GroupState::PreparingRebalance
        | GroupState::CompletingRebalance
        | GroupState::Assigning
        | GroupState::Reconciling => true,
        GroupState::Empty | GroupState::Stable | GroupState::Dead => false,
    }
}

fn per_second(rate: f64) -> String {
    if rate >= 10.0 { format!("{rate:.0}") } else { format!("{rate:.1}") }
}
