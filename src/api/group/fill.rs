//! Fills a group's wire types from a snapshot. Decides which values may be shown, and notes why others may not.
//! Never shows a gauge of a cluster that is down or of a group whose commits could not be read.

use std::collections::HashMap;

use super::{
    AssignmentStatus, BucketStatus, GroupStatus, HistoryStatus, LagStatus, LatencyStatus, MemberStatus,
    PartitionStatus, TimeLagStatus, TopicStatus,
};
use crate::api::HistoryLookup;
use crate::api::cluster::{rfc3339, why_down};
use crate::api::unmeasured::Missing;
use crate::model::{
    GroupPartitionView, GroupTopicView, GroupView, HistoryPoint, LatencyHistogram, Measured, Member, Millis,
    Partition, PartitionObservation, Selector, Snapshot, TopicName, TopicView,
};

impl GroupStatus {
    /// What `snapshot` holds of `group`, which is one of its groups. With `topics`, only the matching ones are
    /// shown and summed.
    #[must_use]
    pub fn of(
        snapshot: &Snapshot,
        group: &GroupView,
        topics: Option<&Selector>,
        history: Option<&HistoryLookup>,
    ) -> Self {
        let mut missing = Missing::default();
        let gauges = Gauges::of(snapshot, group, &mut missing);
        let is_shown = |view: &&GroupTopicView| topics.is_none_or(|it| it.matches(view.topic.as_str()));
        let mut fill = |view: &GroupTopicView| {
            let points = history.map(|look_up| look_up(&snapshot.cluster, &group.group, &view.topic));
            gauges.topic(view, points, &mut missing)
        };
        let statuses: Vec<TopicStatus> = group.topics.iter().filter(is_shown).map(&mut fill).collect();
        missing.at(None, None);
        let is_read = gauges.is_up && gauges.are_commits_read;
        Self {
            cluster: snapshot.cluster.as_str().to_owned(),
            group: group.group.as_str().to_owned(),
            state: gauges.group_value("state", &group.state, &mut missing).map(|state| state.label()),
            kind: gauges.group_value("type", &group.kind, &mut missing).map(|kind| kind.label()),
            members: gauges
                .group_value("members", &group.members, &mut missing)
                .map(|members| members.iter().map(MemberStatus::from).collect()),
            stuck: is_read.then(|| missing.known("stuck", &group.stuck)).flatten(),
            lag: LagStatus { total: total_lag(&statuses) },
            time_lag: TimeLagStatus {
                max_seconds: fold(&statuses, f64::max, |topic| topic.time_lag.max_seconds),
            },
            consumed_per_second: fold(&statuses, |sum, next| sum + next, |topic| topic.consumed_per_second),
            topics: statuses,
            measured_at: snapshot.last_measured.and_then(rfc3339),
            unmeasured: missing.values,
        }
    }
}

/// Absent when any of them is, and when there are none: that would be a 0 that nobody measured.
fn total_lag(topics: &[TopicStatus]) -> Option<u64> {
    let (first, rest) = topics.split_first()?;
    rest.iter().try_fold(first.lag.total?, |sum, topic| sum.checked_add(topic.lag.total?))
}

/// As `total_lag`, for seconds and rates.
fn fold(
    topics: &[TopicStatus],
    join: fn(f64, f64) -> f64,
    value: fn(&TopicStatus) -> Option<f64>,
) -> Option<f64> {
    let (first, rest) = topics.split_first()?;
    rest.iter().try_fold(value(first)?, |all, topic| Some(join(all, value(topic)?)))
}

/// What decides which values of a group may be shown, and where its partitions are found.
struct Gauges<'a> {
    snapshot: &'a Snapshot,
    is_up: bool,
    are_commits_read: bool,
    owners: HashMap<(&'a str, Partition), &'a str>,
}

impl<'a> Gauges<'a> {
    fn of(snapshot: &'a Snapshot, group: &'a GroupView, missing: &mut Missing) -> Self {
        let is_up = snapshot.up.is_ok();
        if let Err(reason) = snapshot.up {
            missing.note("cluster", reason, Some(&why_down(snapshot, reason)));
        } else if let Err(reason) = group.commits {
            missing.note("commits", reason, None);
        }
        let members = group.members.as_deref().unwrap_or_default();
        let owners = members.iter().flat_map(|member| {
            let name = member.client_id.as_ref();
            member.assignment.iter().map(move |(topic, number)| ((topic.as_str(), *number), name))
        });
        Self { snapshot, is_up, are_commits_read: group.commits.is_ok(), owners: owners.collect() }
    }

    fn group_value<T: Clone>(
        &self,
        what: &'static str,
        value: &Measured<T>,
        missing: &mut Missing,
    ) -> Option<T> {
        self.is_up.then(|| missing.known(what, value)).flatten()
    }

    fn topic(
        &self,
        view: &GroupTopicView,
        history: Option<Vec<HistoryPoint>>,
        missing: &mut Missing,
    ) -> TopicStatus {
        let mut status = TopicStatus {
            topic: view.topic.as_str().to_owned(),
            lag: LagStatus { total: None },
            time_lag: TimeLagStatus { max_seconds: None },
            consumed_per_second: None,
            appended_per_second: None,
            consumed_total: view.consumed_total,
            lost_total: view.lost_total,
            commits_total: view.commits_total.ok(),
            commit_interval_seconds: None,
            latency: view.latency.as_deref().map(LatencyStatus::from),
            stuck: None,
            not_decreasing: None,
            retention_eta_seconds: None,
            partitions: Vec::new(),
            history: history.map(|points| points.iter().map(HistoryStatus::from).collect()),
        };
        if !(self.is_up && self.are_commits_read) {
            return status;
        }
        let topic = self.observed(&view.topic);
        missing.at(Some(&view.topic), None);
        status.lag.total = missing.known("lag", &view.lag);
        status.time_lag.max_seconds = missing.known("time_lag", &view.time_lag).map(Millis::as_seconds);
        status.consumed_per_second = missing.known("consumed_per_second", &view.consumed_per_second);
        status.appended_per_second =
            topic.and_then(|topic| missing.known("appended_per_second", &topic.appended_per_second));
        status.commits_total = missing.known("commits_total", &view.commits_total);
        status.commit_interval_seconds =
            missing.known("commit_interval_seconds", &view.commit_interval).map(Millis::as_seconds);
        status.stuck = missing.known("stuck", &view.stuck);
        status.not_decreasing = missing.known("not_decreasing", &view.not_decreasing);
        status.retention_eta_seconds =
            missing.known("retention_eta_seconds", &view.retention_eta).flatten().map(Millis::as_seconds);
        status.partitions = self.partitions(view, topic, missing);
        status
    }

    fn partitions(
        &self,
        view: &GroupTopicView,
        topic: Option<&TopicView>,
        missing: &mut Missing,
    ) -> Vec<PartitionStatus> {
        let status = |partition: &GroupPartitionView| {
            let number = partition.partition;
            missing.at(Some(&view.topic), Some(number));
            let observed: Option<&PartitionObservation> =
                topic.and_then(|topic| topic.partitions.get(usize::try_from(number).ok()?));
            PartitionStatus {
                partition: number,
                committed_offset: missing.known("committed_offset", &partition.committed),
                end_offset: observed.and_then(|observed| missing.known("end_offset", &observed.end)),
                log_start_offset: observed
                    .and_then(|observed| missing.known("log_start_offset", &observed.log_start)),
                lag: missing.known("lag", &partition.lag),
                time_lag_seconds: missing
                    .known("time_lag_seconds", &partition.time_lag)
                    .map(Millis::as_seconds),
                owner: self.owners.get(&(view.topic.as_str(), number)).map(|&owner| owner.to_owned()),
            }
        };
        view.partitions.iter().map(status).collect()
    }

    /// The topic as it was read; the snapshot keeps them in the order of their names.
    fn observed(&self, topic: &TopicName) -> Option<&'a TopicView> {
        let topics = &self.snapshot.topics;
        topics.binary_search_by(|view| view.topic.cmp(topic)).ok().map(|at| &topics[at])
    }
}

impl From<&LatencyHistogram> for LatencyStatus {
    fn from(histogram: &LatencyHistogram) -> Self {
        let bounds = histogram.bounds.iter().map(|bound| Some(bound.as_seconds())).chain([None]);
        let estimated = histogram.estimated.iter().copied().chain(std::iter::repeat(0));
        let bucket = |((up_to_seconds, records), estimated): ((Option<f64>, &u64), u64)| BucketStatus {
            up_to_seconds,
            records: *records,
            estimated_records: (estimated > 0).then_some(estimated),
        };
        Self {
            records: histogram.count(),
            buckets: bounds.zip(&histogram.counts).zip(estimated).map(bucket).collect(),
        }
    }
}

impl From<&Member> for MemberStatus {
    fn from(member: &Member) -> Self {
        let mut assignment: Vec<AssignmentStatus> = Vec::new();
        for (topic, partition) in &member.assignment {
            match assignment.last_mut() {
                Some(last) if last.topic == topic.as_str() => last.partitions.push(*partition),
                _ => assignment.push(AssignmentStatus {
                    topic: topic.as_str().to_owned(),
                    partitions: vec![*partition],
                }),
            }
        }
        Self {
            client_id: member.client_id.as_ref().to_owned(),
            host: member.host.as_ref().to_owned(),
            assignment,
        }
    }
}

impl From<&HistoryPoint> for HistoryStatus {
    fn from(point: &HistoryPoint) -> Self {
        Self {
            at: rfc3339(point.at),
            lag: point.lag,
            time_lag_seconds: point.time_lag.map(Millis::as_seconds),
            consumed_per_second: point.consumed_per_second,
            appended_per_second: point.appended_per_second,
        }
    }
}
