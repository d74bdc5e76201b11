//! The partitions that have most of an incident, and who consumes them.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::place::Place;
use super::sight::Sight;
use crate::model::{
    Counts, GroupId, GroupPartitionView, GroupView, Member, Owner, Partition, TopicName, WorstPartition,
};

/// How many are named.
const MOST: usize = 5;

/// Who consumes what, of the groups that have incidents. Found anew only when a group's members were read anew.
#[derive(Debug, Default)]
pub(super) struct Owners {
    groups: HashMap<GroupId, Assigned>,
}

#[derive(Debug)]
struct Assigned {
    members: Arc<[Member]>,
    owners: HashMap<TopicName, HashMap<Partition, Arc<Owner>>>,
    used_in: u64,
}

impl Owners {
    fn of(&mut self, group: &GroupView, topic: &TopicName, partition: Partition, tick: u64) -> Option<Owner> {
        let members = group.members.as_ref().ok()?;
        let known = self.groups.get(&group.group).is_some_and(|known| Arc::ptr_eq(&known.members, members));
        if !known {
            self.groups.insert(group.group.clone(), Assigned::new(members));
        }
        let assigned = self.groups.get_mut(&group.group)?;
        assigned.used_in = tick;
        assigned.owners.get(topic)?.get(&partition).map(|owner| (**owner).clone())
    }

    /// Lets go of groups that nobody asked for in this tick.
    pub(super) fn forget_unused(&mut self, tick: u64) {
        self.groups.retain(|_, assigned| assigned.used_in == tick);
    }
}

impl Assigned {
    fn new(members: &Arc<[Member]>) -> Self {
        let mut owners: HashMap<TopicName, HashMap<Partition, Arc<Owner>>> = HashMap::new();
        for member in members.iter() {
            // Brokers show the host with a slash, as Java prints an address without a name.
            let host = member.host.strip_prefix('/').unwrap_or(&member.host);
            let owner = Arc::new(Owner { client_id: Arc::clone(&member.client_id), host: host.into() });
            for (topic, partition) in &member.assignment {
                owners.entry(topic.clone()).or_default().insert(*partition, Arc::clone(&owner));
            }
        }
        Self { members: Arc::clone(members), owners, used_in: 0 }
    }
}

/// Of an incident about one partition, that one; of an SLO those with most late records; else those that lag most.
pub(super) fn worst(
    place: &Place,
    bad: &[(Partition, Counts)],
    sight: &Sight<'_>,
    owners: &mut Owners,
) -> Vec<WorstPartition> {
    let (Some(group), Some(topic)) = (sight.group(place), place.topic.as_ref()) else { return Vec::new() };
    let views = sight.consumed(place).map_or(&[] as &[GroupPartitionView], |view| &view.partitions);
    let lag_of = |partition: Partition| {
        let at = views.binary_search_by_key(&partition, |view| view.partition).ok()?;
        views[at].lag.ok()
    };
    let worst: Vec<(Partition, Option<u64>, Option<u64>)> = if let Some(partition) = place.partition {
        vec![(partition, lag_of(partition), None)]
    } else if !bad.is_empty() {
        let late =
            |(partition, counts): &(Partition, Counts)| (*partition, lag_of(*partition), Some(counts.bad));
        bad.iter().take(MOST).map(late).collect()
    } else {
        most_lag(views).into_iter().map(|(lag, partition)| (partition, Some(lag), None)).collect()
    };
    worst
        .into_iter()
        .map(|(partition, lag, bad)| WorstPartition {
            partition,
            lag,
            bad,
            owner: owners.of(group, topic, partition, sight.tick),
        })
        .collect()
}

/// Without sorting all of them.
fn most_lag(views: &[GroupPartitionView]) -> Vec<(u64, Partition)> {
    let mut most: Vec<(u64, Partition)> = Vec::with_capacity(MOST + 1);
    for view in views {
        let Ok(lag) = view.lag else { continue };
        if lag == 0 || most.len() == MOST && most.last().is_some_and(|(least, _)| lag <= *least) {
            continue;
        }
        let at = most.partition_point(|(other, _)| Reverse(*other) <= Reverse(lag));
        most.insert(at, (lag, view.partition));
        most.truncate(MOST);
    }
    most
}
