//! What every group has committed, as the commit log tells it: so that nobody has to be asked in every cycle.
//! A group is in it once the admin has told all of its commits; from then on the log keeps it true.

use std::collections::HashMap;

use crate::model::{CommitLogEvent, GroupId, Offset, Partition, TopicCommits, TopicName};

#[derive(Debug, Default)]
pub(super) struct StandingCommits {
    groups: HashMap<GroupId, Standing>,
}

#[derive(Debug, Default)]
struct Standing {
    topics: Vec<TopicCommits>,
    /// Where the admin's last answer differed; a commit made in between is read in the next cycle, and explains it.
    doubtful: Vec<(TopicName, Partition)>,
}

impl StandingCommits {
    pub(super) fn apply(&mut self, event: &CommitLogEvent) {
        let (group, topic, partition, offset) = match event {
            CommitLogEvent::Committed { group, topic, partition, offset, .. } => {
                (group, topic, *partition, Some(*offset))
            }
            CommitLogEvent::Uncommitted { group, topic, partition } => (group, topic, *partition, None),
            // Its commits are deleted by records of their own.
            _ => return,
        };
        if let Some(standing) = self.groups.get_mut(group.as_str()) {
            standing.doubtful.retain(|(name, number)| (name, *number) != (topic, partition));
            standing.set(topic, partition, offset);
        }
    }

    /// All commits of a group as they stand; `None` while the admin has to be asked.
    pub(super) fn of(&self, group: &GroupId) -> Option<&[TopicCommits]> {
        self.groups.get(group).map(|standing| standing.topics.as_slice())
    }

    /// The admin has told all commits of `group`; what it could not tell in whole is not kept.
    pub(super) fn told(&mut self, group: &GroupId, commits: Option<&[TopicCommits]>) {
        let whole = |commits: &&[TopicCommits]| {
            commits.iter().flat_map(|topic| &topic.partitions).all(|(_, committed)| committed.is_ok())
        };
        let Some(commits) = commits.filter(whole) else {
            self.groups.remove(group);
            return;
        };
        let standing = self.groups.entry(group.clone()).or_default();
        let before = std::mem::replace(&mut standing.topics, commits.to_vec());
        if !before.is_empty() {
            standing.doubtful = differences(&before, commits);
        }
    }

    /// The groups whose commits were not as the log had told, now that what was committed meanwhile has been read.
    pub(super) fn take_mismatches(&mut self, is_current: impl Fn(&GroupId) -> bool) -> Vec<GroupId> {
        let doubted = self
            .groups
            .iter_mut()
            .filter(|(group, standing)| !standing.doubtful.is_empty() && is_current(group));
        doubted
            .map(|(group, standing)| {
                standing.doubtful.clear();
                group.clone()
            })
            .collect()
    }

    /// Only the groups of which `is_known` is true are kept.
    pub(super) fn retain(&mut self, is_known: impl Fn(&GroupId) -> bool) {
        self.groups.retain(|group, _| is_known(group));
    }

    pub(super) fn clear(&mut self) {
        self.groups.clear();
    }
}

impl Standing {
    fn set(&mut self, topic: &TopicName, partition: Partition, offset: Option<Offset>) {
        let index = match (self.topics.iter().position(|commits| commits.topic == *topic), offset) {
            (Some(index), _) => index,
            (None, None) => return,
            (None, Some(_)) => {
                self.topics.push(TopicCommits { topic: topic.clone(), partitions: Vec::new() });
                self.topics.len() - 1
            }
        };
        let partitions = &mut self.topics[index].partitions;
        match (partitions.binary_search_by_key(&partition, |(number, _)| *number), offset) {
            (Ok(at), Some(offset)) => partitions[at].1 = Ok(offset),
            (Ok(at), None) => drop(partitions.remove(at)),
            (Err(at), Some(offset)) => partitions.insert(at, (partition, Ok(offset))),
            (Err(_), None) => {}
        }
        if partitions.is_empty() {
            self.topics.remove(index);
        }
    }
}

fn differences(before: &[TopicCommits], after: &[TopicCommits]) -> Vec<(TopicName, Partition)> {
    let missing = |these: &[TopicCommits], those: &[TopicCommits]| {
        let mut missing = Vec::new();
        for commits in these {
            let others = those.iter().find(|other| other.topic == commits.topic);
            for commit in &commits.partitions {
                if !others.is_some_and(|others| others.partitions.contains(commit)) {
                    missing.push((commits.topic.clone(), commit.0));
                }
            }
        }
        missing
    };
    let mut differences = missing(before, after);
    differences.extend(missing(after, before));
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commits(of: &[(&str, &[(Partition, Offset)])]) -> Vec<TopicCommits> {
        let topic = |(topic, partitions): &(&str, &[(Partition, Offset)])| TopicCommits {
            topic: TopicName::from(*topic),
            partitions: partitions.iter().map(|(partition, offset)| (*partition, Ok(*offset))).collect(),
        };
        of.iter().map(topic).collect()
    }

    fn apply(standing: &mut StandingCommits, topic: &str, partition: Partition, offset: Option<Offset>) {
        let (group, topic) = (GroupId::from("late"), TopicName::from(topic));
        standing.apply(&match offset {
            Some(offset) => CommitLogEvent::Committed { group, topic, partition, offset, topic_id: None },
            None => CommitLogEvent::Uncommitted { group, topic, partition },
        });
    }

    #[test]
    fn the_log_keeps_true_what_the_admin_has_told() {
        let late = GroupId::from("late");
        let mut standing = StandingCommits::default();
        apply(&mut standing, "orders", 0, Some(5));
        assert_eq!(standing.of(&late).map(<[_]>::len), None, "the rest of it is not known");
        let told = commits(&[("orders", &[(0, 7), (2, 9)])]);
        standing.told(&late, Some(&told));
        let mut check = |topic, partition, offset, expected: &[(&str, &[(Partition, Offset)])]| {
            apply(&mut standing, topic, partition, offset);
            let differences = differences(standing.of(&late).unwrap(), &commits(expected));
            assert_eq!(differences, [], "{topic}-{partition} {offset:?}");
        };
        check("orders", 1, Some(3), &[("orders", &[(0, 7), (1, 3), (2, 9)])]);
        check("orders", 0, Some(2), &[("orders", &[(0, 2), (1, 3), (2, 9)])]);
        check("bills", 0, Some(1), &[("orders", &[(0, 2), (1, 3), (2, 9)]), ("bills", &[(0, 1)])]);
        check("orders", 1, None, &[("orders", &[(0, 2), (2, 9)]), ("bills", &[(0, 1)])]);
        check("bills", 0, None, &[("orders", &[(0, 2), (2, 9)])]);
        check("bills", 0, None, &[("orders", &[(0, 2), (2, 9)])]);

        standing.told(
            &late,
            Some(&[TopicCommits {
                topic: "orders".into(),
                partitions: vec![(0, Err(crate::model::Reason::TimedOut))],
            }]),
        );
        assert!(standing.of(&late).is_none(), "what is not told in whole is not kept");
    }

    #[test]
    fn only_what_no_commit_explains_is_a_mismatch() {
        let late = GroupId::from("late");
        let mut standing = StandingCommits::default();
        standing.told(&late, Some(&commits(&[("orders", &[(0, 7)])])));
        assert_eq!(standing.take_mismatches(|_| true), []);
        // Committed between the reading and the asking.
        standing.told(&late, Some(&commits(&[("orders", &[(0, 8)])])));
        assert_eq!(standing.take_mismatches(|_| false), []);
        apply(&mut standing, "orders", 0, Some(8));
        assert_eq!(standing.take_mismatches(|_| true), []);
        standing.told(&late, Some(&commits(&[("orders", &[(0, 5)])])));
        assert_eq!(standing.take_mismatches(|_| true), [late]);
        assert_eq!(standing.take_mismatches(|_| true), []);
    }
}
