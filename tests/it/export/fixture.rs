//! A hand-made snapshot in which every value that can be measured is, and one of each that is not.

use std::sync::Arc;

use super::verdicts;
use plimsoll::model::{
    Broker, BrokerView, ClockSource, CommitSource, GroupPartitionView, GroupState, GroupTopicView, GroupType,
    GroupView, LatencyHistogram, Measured, Member, Millis, PartitionObservation, Reason, Snapshot, Subject,
    Timestamp, TopicConfigs, TopicId, TopicView, Unmeasured,
};

/// 2026-01-02T03:04:05.678Z
pub(crate) const AT: Timestamp = Timestamp(1_767_323_045_678);

/// The cluster `prod`: a group that is well and one in trouble, a hidden topic and a hidden group.
pub(crate) fn prod() -> Snapshot {
    Snapshot {
        cluster: "prod".into(),
        tick: 7,
        at: AT,
        up: Ok(()),
        down_because: None,
        last_measured: Some(AT),
        cluster_id: Some("Mk3OEYBSD34fcwNTJENDM2Qk".to_owned()),
        brokers: vec![broker(1, true), broker(2, false)],
        topics: vec![
            topic("hidden", 0, Vec::new()),
            topic("orders", 1_500, vec![healthy_partition(), troubled_partition()]),
        ],
        groups: vec![billing(), orders_processor(), secret()],
        unmeasured: vec![
            unmeasured(Subject::Group, "secret", Reason::NotAuthorized),
            unmeasured(Subject::Topic, "hidden", Reason::NotAuthorized),
            unmeasured(Subject::Partition, "orders/1", Reason::Kafka(3)),
            unmeasured(Subject::Partition, "orders/1", Reason::Kafka(5)),
        ],
        commit_source: CommitSource::Log,
        clock: ClockSource::Commits,
        slos: verdicts::slos(),
        alerts: verdicts::alerts(),
        incidents: verdicts::incidents(),
        time_lookups: 42,
        time_lookup_backlog: Millis(1_500),
        history_series: 12,
        history_series_dropped: 3,
    }
}

/// The same cluster while nobody reaches it. The old gauges are still in it: no reader may show them.
pub(crate) fn prod_down() -> Snapshot {
    Snapshot {
        tick: 8,
        at: Timestamp(AT.0 + 1_000),
        up: Err(Reason::Unreachable),
        down_because: Some("kafka-1:9092: connection refused".to_owned()),
        ..prod()
    }
}

fn unmeasured(subject: Subject, name: &str, reason: Reason) -> Unmeasured {
    Unmeasured { subject, name: name.to_owned(), reason }
}

fn broker(id: i32, up: bool) -> BrokerView {
    BrokerView { broker: Broker { id, address: format!("kafka-{id}:9092").into() }, up }
}

fn topic(name: &str, appended_total: u64, partitions: Vec<PartitionObservation>) -> TopicView {
    let read = if partitions.is_empty() { Err(Reason::NotAuthorized) } else { Ok(()) };
    let configs = TopicConfigs {
        retention: Some(Millis::from_seconds(3_600)),
        retention_by_size: false,
        deletes: true,
        compacts: false,
        min_insync_replicas: 2,
    };
    TopicView {
        topic: name.into(),
        id: read.map(|()| TopicId(1)),
        configs: read.map(|()| configs),
        appended_total,
        appended_per_second: read.map(|()| 12.5),
        partitions,
    }
}

fn healthy_partition() -> PartitionObservation {
    PartitionObservation {
        leader: Some(1),
        preferred_leader: Some(1),
        replicas: 2,
        in_sync_replicas: 2,
        end: Ok(1_000),
        log_start: Ok(10),
        last_stable: Ok(990),
    }
}

fn troubled_partition() -> PartitionObservation {
    PartitionObservation {
        leader: None,
        preferred_leader: Some(2),
        replicas: 2,
        in_sync_replicas: 1,
        end: Err(Reason::NoLeader),
        log_start: Err(Reason::NoLeader),
        last_stable: Err(Reason::NoLeader),
    }
}

fn partition(partition: u32, lag: Measured<u64>, time_lag: Measured<Millis>) -> GroupPartitionView {
    GroupPartitionView { partition, committed: Ok(900), lag, time_lag, still_since: Ok(None) }
}

/// Everything is measured: it reads only the partition that is well.
fn orders_processor() -> GroupView {
    let member = Member {
        client_id: "worker-1".into(),
        host: "/10.0.0.7".into(),
        assignment: vec![("orders".into(), 0), ("orders".into(), 1), ("payments".into(), 0)],
    };
    GroupView {
        group: "orders-processor".into(),
        kind: Ok(GroupType::Consumer),
        state: Ok(GroupState::Stable),
        members: Ok(Arc::from([member])),
        stuck: Ok(false),
        commits: Ok(()),
        topics: vec![GroupTopicView {
            topic: "orders".into(),
            lag: Ok(100),
            time_lag: Ok(Millis(2_250)),
            committed_sum: Ok(900),
            consumed_total: 640,
            lost_total: 5,
            consumed_per_second: Ok(20.5),
            stuck: Ok(false),
            not_decreasing: Ok(true),
            retention_eta: Ok(Some(Millis::from_seconds(1_800))),
            still_since: Err(Reason::NotYetWatched),
            latency: Some(Arc::new(latency())),
            commits_total: Ok(77),
            commit_interval: Ok(Millis(5_000)),
            partitions: vec![partition(0, Ok(100), Ok(Millis(2_250)))],
        }],
    }
}

/// 640 records, 40 of them slower than all bounds. One bound is not exact.
fn latency() -> LatencyHistogram {
    LatencyHistogram {
        bounds: [50, 100, 1_000, 30_000].map(Millis).into(),
        counts: vec![100, 450, 0, 50, 40],
        estimated: vec![0, 3, 0, 0],
    }
}

/// Half of it is not measured: the partition without a leader, and what hangs on it.
fn billing() -> GroupView {
    GroupView {
        group: "billing/eu".into(),
        kind: Ok(GroupType::Classic),
        state: Ok(GroupState::Empty),
        members: Err(Reason::NotYetRead),
        stuck: Err(Reason::NotYetWatched),
        commits: Ok(()),
        topics: vec![GroupTopicView {
            topic: "orders".into(),
            lag: Err(Reason::NoLeader),
            time_lag: Err(Reason::NoLeader),
            committed_sum: Ok(1_800),
            consumed_total: 0,
            lost_total: 0,
            consumed_per_second: Err(Reason::NotYetWatched),
            stuck: Err(Reason::NotYetWatched),
            not_decreasing: Err(Reason::NotYetWatched),
            retention_eta: Ok(None),
            still_since: Err(Reason::NotYetWatched),
            latency: None,
            commits_total: Err(Reason::NotYetWatched),
            commit_interval: Err(Reason::NotYetWatched),
            partitions: vec![
                partition(0, Ok(100), Err(Reason::NotYetLocated)),
                partition(1, Err(Reason::NoLeader), Err(Reason::NoLeader)),
            ],
        }],
    }
}

/// It was read once, and may no longer be: only its counters are left. Old gauges must not show.
fn secret() -> GroupView {
    GroupView {
        group: "secret".into(),
        kind: Err(Reason::NotAuthorized),
        state: Err(Reason::NotAuthorized),
        members: Err(Reason::NotAuthorized),
        commits: Err(Reason::NotAuthorized),
        ..orders_processor()
    }
}
