//! The watched groups: which there are, what they have committed, who their members are.
//! A group that is hidden or whose broker is gone stays known by name: it is unmeasured, not deleted.

mod coordinators;

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::sync::Arc;
use std::time::Duration;

use self::coordinators::Coordinators;
use super::commit_log::Tail;
use super::config::Filter;
use super::error::{Answers, CallError, reason};
use super::native::{AdminCalls, DescribedMember, GroupListing, ListedGroup, PartitionAnswer};
use super::topics::Topics;
use crate::model::{
    GroupId, GroupObservation, GroupState, GroupType, Measured, Member, Observation, Offset, Reason,
    TopicCommits,
};

/// OffsetFetch takes one group per call in librdkafka; so many calls are made at a time.
const IN_FLIGHT: usize = 64;

/// A group's members are read again after this many cycles, and whenever its state changes.
const DESCRIBE_EVERY: u64 = 10;

/// Commits that the commit log tells are compared with the coordinator's about as often, group by group in turns.
const CHECK_EVERY: Duration = Duration::from_secs(60);

/// What is known of groups from one cycle to the next.
#[derive(Debug)]
pub(super) struct Groups {
    filter: Filter,
    known: BTreeMap<GroupId, Known>,
    coordinators: Coordinators,
    /// Every broker has listed its groups in this cycle.
    complete: bool,
    cycle: u64,
    /// After so many cycles the admin is asked again for commits that the log tells.
    check_every: u64,
}

#[derive(Debug)]
struct Known {
    /// In a listing of this cycle.
    listed: bool,
    /// Who listed it last, or answered for it; kept while nobody lists it.
    coordinator: Option<i32>,
    /// Listed in this cycle by the one that coordinated it before.
    has_stayed: bool,
    /// Named in the settings, so that its absence is told.
    named: bool,
    kind: Measured<GroupType>,
    state: Measured<GroupState>,
    is_simple: bool,
    described: Option<Description>,
}

#[derive(Debug)]
struct Description {
    cycle: u64,
    state: Measured<GroupState>,
    members: Measured<Arc<[Member]>>,
}

impl Groups {
    pub(super) fn new(filter: Filter, poll_interval: Duration) -> Self {
        let check_every = CHECK_EVERY.as_millis() / poll_interval.as_millis().max(1);
        let check_every = u64::try_from(check_every).unwrap_or(u64::MAX).max(1);
        Self {
            filter,
            known: BTreeMap::new(),
            coordinators: Coordinators::default(),
            complete: false,
            cycle: 0,
            check_every,
        }
    }

    /// Lists the groups: coordinator, state and type of each, and whether every one of `brokers` has told its own.
    pub(super) fn list(&mut self, calls: &AdminCalls<'_>, brokers: &[i32]) -> Answers {
        let span = tracing::info_span!(
            "kafka.list_groups",
            groups = tracing::field::Empty,
            errors = tracing::field::Empty
        );
        let _entered = span.enter();
        self.cycle += 1;
        for known in self.known.values_mut() {
            (known.listed, known.has_stayed) = (false, false);
        }
        let named: Vec<_> = self.filter.exact_names().map(GroupId::from).collect();
        for group in named {
            self.known.entry(group).or_insert_with(Known::unlisted).named = true;
        }
        let mut answers = Answers::default();
        self.coordinators = Coordinators::default();
        let (mut count, mut errors) = (0, 0);
        for (broker, listing) in brokers.iter().copied().zip(calls.list_groups(brokers)) {
            let listing = listing
                .unwrap_or_else(|failed| GroupListing { errors: vec![failed], ..GroupListing::default() });
            if listing.errors.is_empty() {
                answers.count(None);
            }
            for failed in &listing.errors {
                answers.count(Some(failed.reason()));
                tracing::debug!(broker, error = %failed, "a broker could not list its groups");
            }
            self.coordinators.listed(broker, listing.errors.iter().map(CallError::reason));
            (count, errors) = (count + listing.groups.len(), errors + listing.errors.len());
            for group in listing.groups.into_iter().filter(|group| self.filter.accepts(&group.id)) {
                let known = self.known.entry(group.id.as_str().into()).or_insert_with(Known::unlisted);
                known.update(&group, broker);
            }
        }
        span.record("groups", count);
        span.record("errors", errors);
        self.complete = !brokers.is_empty() && errors == 0;
        for known in self.known.values_mut().filter(|known| !known.listed) {
            (known.kind, known.state) = (Err(Reason::NotListed), Err(Reason::NotListed));
        }
        answers
    }

    /// Puts the committed offsets of every known group into `observation.groups`: as the commit log tells them, or
    /// else as the coordinator answers. A group that was seen before,
    /// is no longer listed and has no commits is forgotten; one that may no longer be described is not.
    pub(super) fn read_commits(
        &mut self,
        calls: &AdminCalls<'_>,
        topics: &mut Topics,
        tail: &mut Tail,
        observation: &mut Observation,
    ) -> Answers {
        tail.check_commits(|group| self.known.get(group).is_some_and(|known| known.listed));
        let told = |(turn, (id, known)): (u64, (&GroupId, &Known))| {
            let is_due = (turn + self.cycle).is_multiple_of(self.check_every);
            let commits = tail.commits_of(id).filter(|_| known.listed && !is_due)?;
            Some((id.clone(), commits.to_vec()))
        };
        let told: BTreeMap<_, _> = (0..).zip(&self.known).filter_map(told).collect();
        let untold = self.known.iter().filter(|(id, _)| !told.contains_key(*id));
        let (ids, coordinators): (Vec<_>, Vec<_>) =
            untold.map(|(id, known)| (id.clone(), known.coordinator)).unzip();
        let span =
            tracing::info_span!("kafka.offset_fetch", groups = ids.len(), errors = tracing::field::Empty);
        let _entered = span.enter();
        let names: Vec<_> = ids.iter().map(GroupId::as_str).zip(coordinators).collect();
        let topics = std::cell::RefCell::new(topics);
        let mut answers = Answers::default();
        let asked = self.coordinators.ask(&names, &mut answers, |requests| {
            calls.committed_offsets(requests, IN_FLIGHT, |partitions| {
                by_topic(partitions, &mut topics.borrow_mut())
            })
        });
        observation.groups_complete = self.complete;
        let mut errors = 0_u64;
        let mut polled = Vec::with_capacity(asked.len());
        for (id, asked) in ids.into_iter().zip(asked) {
            errors += u64::from(asked.answer.is_err());
            tail.learn_commits(&id, &asked.answer);
            if let Some(known) = self.known.get_mut(&id) {
                known.coordinator = asked.coordinator;
            }
            polled.push((id, asked.answer));
        }
        let told = told.into_iter().map(|(id, told)| (id, Ok(told)));
        for (id, commits) in polled.into_iter().chain(told) {
            let Some(known) = self.known.get(&id) else { continue };
            let is_empty = commits.as_ref().is_ok_and(Vec::is_empty);
            let is_unknown = commits.as_ref().is_err_and(|why| *why == Reason::NoSuchGroup);
            let is_gone = !known.listed && self.complete && (is_empty || is_unknown);
            if is_gone && !known.named {
                self.known.remove(&id);
                continue;
            }
            let commits = if is_gone { Err(Reason::NoSuchGroup) } else { commits };
            // Not listed because it is hidden: the reason for its commits is the reason for all of it.
            let hidden = commits.as_ref().err().copied().filter(|_| !known.listed);
            let group = GroupObservation {
                kind: hidden.map_or(known.kind, Err),
                state: hidden.map_or(known.state, Err),
                is_simple: known.is_simple,
                members: Err(Reason::NotYetRead),
                commits,
            };
            observation.groups.insert(id, group);
        }
        span.record("errors", errors);
        answers
    }

    /// Reads the members of the groups whose turn it is, or whose state has changed, and fills in those known.
    pub(super) fn describe(
        &mut self,
        calls: &AdminCalls<'_>,
        topics: &mut Topics,
        observation: &mut Observation,
    ) -> Answers {
        let cycle = self.cycle;
        let mut answers = Answers::default();
        let mut due = BTreeMap::<i32, Vec<&str>>::new();
        for (id, known) in self.known.iter().filter(|(_, known)| known.is_due(cycle)) {
            if let Some(coordinator) = known.coordinator {
                due.entry(coordinator).or_default().push(id.as_str());
            }
        }
        if !due.is_empty() {
            let groups = due.values().map(Vec::len).sum::<usize>();
            let span = tracing::info_span!("kafka.describe_groups", groups);
            let _entered = span.enter();
            let due: Vec<_> = due.into_iter().collect();
            let mut found = Vec::with_capacity(groups);
            for ((_, names), described) in due.iter().zip(calls.describe_groups(&due)) {
                match described {
                    Ok(described) => found.extend(described.into_iter().map(|one| (one.id, one.members))),
                    Err(failed) => {
                        found.extend(names.iter().map(|name| ((*name).to_owned(), Err(failed.clone()))))
                    }
                }
            }
            for (id, members) in found {
                answers.count(members.as_ref().err().map(CallError::reason));
                let Some(known) = self.known.get_mut(id.as_str()) else { continue };
                let members = members.map_err(|failed| failed.reason());
                let members = members.map(|members| members.into_iter().map(|m| member(m, topics)).collect());
                known.described = Some(Description { cycle, state: known.state, members });
            }
        }
        for (id, group) in &mut observation.groups {
            let Some(known) = self.known.get(id) else { continue };
            group.members = match (&group.state, &known.described) {
                (Err(why), _) if !known.listed => Err(*why),
                (Ok(GroupState::Empty | GroupState::Dead), _) => Ok(Arc::new([])),
                (_, Some(described)) => described.members.clone(),
                (_, None) => Err(Reason::NotYetRead),
            };
        }
        answers
    }
}

impl Known {
    fn unlisted() -> Self {
        Self {
            listed: false,
            coordinator: None,
            has_stayed: false,
            named: false,
            kind: Err(Reason::NotListed),
            state: Err(Reason::NotListed),
            is_simple: false,
            described: None,
        }
    }

    fn update(&mut self, listed: &ListedGroup, broker: i32) {
        // While its coordinator moves two brokers may list a group, and one that hung may do so from its memory: the one
        // that is known stays until it does not list the group any more, and else the later answer stands.
        if self.has_stayed {
            return;
        }
        self.has_stayed = self.coordinator == Some(broker);
        (self.listed, self.coordinator) = (true, Some(broker));
        self.kind = kind(listed.kind);
        self.state = state(listed.state);
        self.is_simple = listed.is_simple;
    }

    fn is_due(&self, cycle: u64) -> bool {
        let has_members = self.listed && !matches!(self.state, Ok(GroupState::Empty | GroupState::Dead));
        has_members
            && self.described.as_ref().is_none_or(|described| {
                described.state != self.state
                    || cycle >= described.cycle + DESCRIBE_EVERY
                    || described.members.as_ref().err() == Some(&Reason::NoCoordinator)
            })
    }
}

/// librdkafka's numbers; brokers that do not tell the type only know classic groups.
fn kind(number: c_int) -> Measured<GroupType> {
    match number {
        0 | 2 => Ok(GroupType::Classic),
        1 => Ok(GroupType::Consumer),
        _ => Err(Reason::NotYetRead),
    }
}

/// librdkafka's numbers; it cannot name the two states that only KIP-848 groups have.
fn state(number: c_int) -> Measured<GroupState> {
    match number {
        1 => Ok(GroupState::PreparingRebalance),
        2 => Ok(GroupState::CompletingRebalance),
        3 => Ok(GroupState::Stable),
        4 => Ok(GroupState::Dead),
        5 => Ok(GroupState::Empty),
        _ => Err(Reason::StateNotNamed),
    }
}

/// The commits that are there, by watched topic, partitions ascending.
fn by_topic(
    partitions: &mut dyn Iterator<Item = PartitionAnswer<'_>>,
    topics: &mut Topics,
) -> Vec<TopicCommits> {
    let mut commits = Vec::<TopicCommits>::new();
    for answer in partitions {
        let committed = match Offset::try_from(answer.offset) {
            _ if answer.error != 0 => Err(reason(answer.error)),
            Ok(offset) => Ok(offset),
            // No commit for this partition.
            Err(_) => continue,
        };
        let same_topic = commits.last().is_some_and(|last| last.topic.as_str() == answer.topic);
        let slot = if same_topic {
            commits.len() - 1
        } else if let Some(earlier) = commits.iter().position(|one| one.topic.as_str() == answer.topic) {
            earlier
        } else {
            let Some(topic) = topics.watched(answer.topic) else { continue };
            commits.push(TopicCommits { topic, partitions: Vec::new() });
            commits.len() - 1
        };
        commits[slot].partitions.push((answer.partition.cast_unsigned(), committed));
    }
    for topic in &mut commits {
        topic.partitions.sort_unstable_by_key(|(partition, _)| *partition);
    }
    commits
}

fn member(described: DescribedMember, topics: &mut Topics) -> Member {
    let assignment = described.assignment.into_iter();
    let mut assignment: Vec<_> = assignment
        .filter_map(|(topic, partition)| Some((topics.watched(&topic)?, partition.cast_unsigned())))
        .collect();
    assignment.sort_unstable();
    Member {
        client_id: described.client_id.into(),
        host: described.host.trim_start_matches('/').into(),
        assignment,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brokers that list a group one after the other, each as stable, whose coordinator was `before`, and which of them is
    /// taken for its coordinator.
    #[track_caller]
    fn check(before: Option<i32>, listed_by: &[i32], expected: Option<i32>) {
        let mut known = Known { coordinator: before, ..Known::unlisted() };
        for broker in listed_by {
            let listed = ListedGroup { id: "late".to_owned(), is_simple: false, state: 3, kind: 2 };
            known.update(&listed, *broker);
        }
        assert_eq!((known.coordinator, known.listed), (expected, !listed_by.is_empty()));
    }

    #[test]
    fn who_lists_a_group_coordinates_it_and_of_two_the_one_that_did_before() {
        check(None, &[1], Some(1));
        check(Some(2), &[1], Some(1));
        check(Some(2), &[], Some(2));
        for order in [[1, 2], [2, 1]] {
            check(Some(1), &order, Some(1));
            check(Some(2), &order, Some(2));
        }
        check(None, &[1, 2], Some(2));
    }
}
