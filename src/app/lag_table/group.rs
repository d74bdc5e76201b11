//! One group of the table: its totals, its rows, and why something is absent. Never formats a line.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, HashMap};

use crate::model::{
    GroupPartitionView, GroupTopicView, GroupView, Measured, Member, Millis, Offset, Partition, Reason,
    TopicName, TopicView,
};

use super::super::cell::visible;
use super::{length, rate};

/// A fact that is never left out.
pub(super) const ALWAYS: u8 = 9;

/// One fact of a group's line.
pub(super) struct Fact {
    pub(super) text: String,
    /// The smaller, the sooner it is left out.
    pub(super) needed: u8,
    pub(super) is_alarming: bool,
}

/// One partition, with a cell for each column.
pub(super) struct Row {
    pub(super) cells: [String; 7],
    pub(super) is_absent: bool,
}

pub(super) struct Group<'a> {
    view: &'a GroupView,
    pub(super) name: String,
    pub(super) rows: Vec<Row>,
    /// Why something is absent, a sentence each.
    pub(super) notes: Vec<String>,
    topics: Vec<&'a GroupTopicView>,
    appended_per_second: Measured<f64>,
    is_stuck: bool,
    lost: u64,
    /// Why nothing of it is known, if nothing is.
    hidden: Option<Reason>,
    /// Over what is known, to sort by.
    worst: (Millis, u64),
}

/// What is absent and why, and of which partitions of which topic.
type Absences = BTreeMap<(String, Reason), Vec<Partition>>;

impl<'a> Group<'a> {
    pub(super) fn new(view: &'a GroupView, cluster: &HashMap<&TopicName, &TopicView>) -> Self {
        let mut topics: Vec<_> = view.topics.iter().collect();
        topics.sort_by_key(|topic| (Reverse(is_hurt(topic)), Reverse(known(topic))));
        let mut absences = Absences::new();
        let appended = |topic: &&GroupTopicView| match cluster.get(&topic.topic) {
            Some(topic) => topic.appended_per_second,
            None => Err(Reason::NoSuchTopic),
        };
        let appended_per_second: Measured<f64> = topics.iter().map(appended).sum();
        let consumed_per_second: Measured<f64> = topics.iter().map(|topic| topic.consumed_per_second).sum();
        let mut note = |what: &str, reason: Option<Reason>| {
            if let Some(reason) = reason {
                absences.entry((what.to_owned(), reason)).or_default();
            }
        };
        note("commits", view.commits.err());
        note("state", view.state.err());
        note("type", view.kind.err());
        note("members", view.members.as_ref().err().copied());
        match (view.commits, appended_per_second.err(), consumed_per_second.err()) {
            (Err(_), ..) => {}
            (Ok(()), Some(one), Some(other)) if one == other => note("records in and out", Some(one)),
            (Ok(()), one, other) => {
                note("records in", one);
                note("records out", other);
            }
        }
        let owners = owners(view);
        let mut rows = Vec::new();
        for topic in &topics {
            let mut partitions: Vec<&GroupPartitionView> = topic.partitions.iter().collect();
            partitions.sort_by_key(|it| (it.lag.is_err(), Reverse(it.time_lag.ok()), Reverse(it.lag.ok())));
            for partition in partitions {
                let place = (&topic.topic, partition.partition);
                let end = end_of(cluster.get(&topic.topic).copied(), partition.partition);
                rows.push(row(topic, partition, end, owners.get(&place).copied(), view, &mut absences));
            }
            if topic.partitions.is_empty() {
                let name = visible(topic.topic.as_str());
                if let Err(reason) = topic.lag {
                    absences.entry((format!("lag of {name}"), reason)).or_default();
                }
            }
        }
        let hidden = hidden(view);
        if hidden.is_some() {
            absences.clear();
        }
        let known_of_all = topics.iter().map(|topic| known(topic));
        let worst = known_of_all.fold((Millis(0), 0_u64), |(time, lag), (more_time, more)| {
            (time.max(more_time), lag.saturating_add(more))
        });
        Self {
            view,
            name: visible(view.group.as_str()),
            rows,
            notes: absences.into_iter().map(|((what, reason), of)| sentence(&what, reason, of)).collect(),
            is_stuck: topics.iter().any(|topic| topic.stuck == Ok(true)),
            lost: topics.iter().map(|topic| topic.lost_total).sum(),
            topics,
            appended_per_second,
            hidden,
            worst,
        }
    }

    /// Stuck or losing records first, then by time lag, then by lag; what cannot be measured at all comes last.
    pub(super) fn worst_first(&self, other: &Self) -> Ordering {
        let key = |group: &Self| {
            let is_unmeasured = group.view.commits.is_err()
                || (!group.topics.is_empty() && group.topics.iter().all(|topic| known_lag(topic).is_none()));
            let is_calm = !group.is_stuck && group.lost == 0;
            (is_unmeasured, is_calm, Reverse(group.worst))
        };
        key(self).cmp(&key(other)).then_with(|| self.view.group.cmp(&other.view.group))
    }

    /// What is said of the group beside its name, in this order.
    pub(super) fn facts(&self) -> Vec<Fact> {
        let view = self.view;
        let fact = |text: String, needed| Fact { text, needed, is_alarming: false };
        let alarm = |text: String| Fact { text, needed: ALWAYS, is_alarming: true };
        if let Some(reason) = self.hidden {
            return vec![fact(format!("not measured: {reason}"), ALWAYS)];
        }
        let mut facts = Vec::new();
        if self.is_stuck {
            facts.push(alarm("STUCK".to_owned()));
        }
        if self.lost > 0 {
            facts.push(alarm(format!("LOST {}", self.lost)));
        }
        facts.push(fact(or_dash(view.state, |state| state.label().to_owned()), 5));
        facts.push(fact(or_dash(view.kind, |kind| kind.label().to_owned()), 2));
        let members =
            or_dash(view.members.as_ref().map(|all| all.len()).map_err(|reason| *reason), |count| {
                format!("{count} member{}", if count == 1 { "" } else { "s" })
            });
        facts.push(fact(if members == "-" { "- members".to_owned() } else { members }, 3));
        if view.commits.is_err() {
            facts.push(fact("not measured".to_owned(), ALWAYS));
        } else if self.topics.is_empty() {
            facts.push(fact("no commits".to_owned(), ALWAYS));
        } else {
            let lag = self.topics.iter().map(|topic| topic.lag).sum::<Measured<u64>>();
            let worst = |worst: Millis, topic: &&GroupTopicView| topic.time_lag.map(|time| time.max(worst));
            let time_lag = self.topics.iter().try_fold(Millis(0), worst);
            let consumed: Measured<f64> = self.topics.iter().map(|topic| topic.consumed_per_second).sum();
            facts.push(fact(format!("lag {}", or_dash(lag, |lag| lag.to_string())), ALWAYS));
            facts.push(fact(format!("time lag {}", or_dash(time_lag, length)), ALWAYS));
            facts.push(fact(format!("in {}", or_dash(self.appended_per_second, rate)), 4));
            facts.push(fact(format!("out {}", or_dash(consumed, rate)), 4));
        }
        facts
    }
}

/// The one reason why nothing is known of the group.
fn hidden(view: &GroupView) -> Option<Reason> {
    let why = view.commits.err()?;
    let others = [view.state.err(), view.kind.err(), view.members.as_ref().err().copied()];
    others.iter().all(|other| *other == Some(why)).then_some(why)
}

fn is_hurt(topic: &GroupTopicView) -> bool {
    topic.stuck == Ok(true) || topic.lost_total > 0
}

/// The worst time lag and the lag of those partitions where they are known.
fn known(topic: &GroupTopicView) -> (Millis, u64) {
    let times = topic.partitions.iter().filter_map(|it| it.time_lag.ok());
    (times.max().unwrap_or_default(), known_lag(topic).unwrap_or(0))
}

fn known_lag(topic: &GroupTopicView) -> Option<u64> {
    let lags = topic.partitions.iter().filter_map(|it| it.lag.ok());
    lags.reduce(u64::saturating_add).or(topic.lag.ok())
}

fn end_of(topic: Option<&TopicView>, partition: Partition) -> Measured<Offset> {
    let partition = usize::try_from(partition).ok();
    topic
        .zip(partition)
        .and_then(|(topic, it)| topic.partitions.get(it))
        .map_or(Err(Reason::NoSuchTopic), |it| it.end)
}

fn owners(view: &GroupView) -> HashMap<(&TopicName, Partition), &Member> {
    let members = view.members.as_ref().map_or(&[][..], |members| members);
    let mut owners = HashMap::new();
    for member in members {
        owners.extend(member.assignment.iter().map(|(topic, partition)| ((topic, *partition), member)));
    }
    owners
}

fn row(
    topic: &GroupTopicView,
    partition: &GroupPartitionView,
    end: Measured<Offset>,
    owner: Option<&Member>,
    view: &GroupView,
    absences: &mut Absences,
) -> Row {
    let name = visible(topic.topic.as_str());
    let mut is_absent = false;
    let mut note = |what: &str, reason: Option<Reason>| {
        if let Some(reason) = reason {
            is_absent = true;
            absences.entry((format!("{what} of {name}"), reason)).or_default().push(partition.partition);
        }
    };
    // One reason is enough: without a commit or an end there is no lag, and without a lag no time lag.
    let cause = partition.lag.err();
    note("lag", cause);
    note("commit", partition.committed.err().filter(|reason| cause != Some(*reason)));
    note("end", end.err().filter(|reason| cause != Some(*reason)));
    note("time lag", partition.time_lag.err().filter(|_| cause.is_none()));
    let owner = match (owner, &view.members) {
        (Some(member), _) => {
            // Brokers show the host with a slash, as Java prints an address without a name.
            let host = member.host.strip_prefix('/').unwrap_or(&member.host);
            format!("{}@{}", visible(&member.client_id), visible(host))
        }
        (None, Err(_)) => "-".to_owned(),
        (None, Ok(_)) => String::new(),
    };
    let cells = [
        name,
        partition.partition.to_string(),
        or_dash(partition.committed, |offset| offset.to_string()),
        or_dash(end, |offset| offset.to_string()),
        or_dash(partition.lag, |lag| lag.to_string()),
        or_dash(partition.time_lag, length),
        owner,
    ];
    Row { cells, is_absent }
}

fn or_dash<T>(value: Measured<T>, show: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|_| "-".to_owned(), show)
}

/// `lag of orders 0-2, 5: the partition has no leader`
fn sentence(what: &str, reason: Reason, mut partitions: Vec<Partition>) -> String {
    partitions.sort_unstable();
    let mut runs: Vec<(Partition, Partition)> = Vec::new();
    for partition in partitions {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(partition) => *last = partition,
            _ => runs.push((partition, partition)),
        }
    }
    let shown = |(first, last): &(Partition, Partition)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    let runs: Vec<String> = runs.iter().map(shown).collect();
    let gap = if runs.is_empty() { "" } else { " " };
    format!("{what}{gap}{}: {reason}", runs.join(", "))
}
