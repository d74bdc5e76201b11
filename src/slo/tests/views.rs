//! Promises, groups and topics to try things with.

use std::sync::Arc;

use crate::model::{
    GroupPartitionView, GroupState, GroupTopicView, GroupType, GroupView, Measured, Millis,
    PartitionObservation, Ratio, Reason, Selector, Severity, TopicConfigs, TopicId, TopicView,
};
use crate::slo::{Alerting, Indicator, Period, Slo, Tier, Window};

/// `30d`, `1h`, `day`, `quarter`, `week in Asia/Kathmandu`.
pub(in crate::slo) fn window(text: &str) -> Window {
    let (period, zone) = text.split_once(" in ").unwrap_or((text, "UTC"));
    let calendar = |period| Window::Calendar { period, timezone: zone.into() };
    match period {
        "day" => calendar(Period::Day),
        "week" => calendar(Period::Week),
        "month" => calendar(Period::Month),
        "quarter" => calendar(Period::Quarter),
        _ => {
            let (number, unit) = text.split_at(text.len() - 1);
            let minutes = number.parse::<u64>().unwrap() * if unit == "d" { 1440 } else { 60 };
            Window::Rolling(Millis(minutes * 60_000))
        }
    }
}

pub(in crate::slo) fn slo(name: &str, indicator: Indicator, objective: &str, length: &str) -> Slo {
    Slo {
        name: name.into(),
        description: None,
        indicator,
        objective: Ratio::parse(objective)
            .unwrap_or_else(|| Ratio::new(99_999_999_999, 100_000_000_000).unwrap()),
        window: window(length),
        slice: Millis(60_000),
        slice_target: Ratio::ONE,
        labels: Arc::default(),
        runbook: None,
        alerting: Alerting::default(),
    }
}

/// Orders within 100 ms.
pub(in crate::slo) fn latency(objective: &str, length: &str) -> Slo {
    let indicator = Indicator::Latency {
        group: Selector::new("orders-processor"),
        topic: Some(Selector::new("orders")),
        within: Millis(100),
        accept_commit_resolution: false,
    };
    slo("orders-on-time", indicator, objective, length)
}

pub(in crate::slo) fn tier(severity: Severity, share: &str, long: u64, short: u64) -> Tier {
    let share = Ratio::parse(share).unwrap();
    Tier { severity, share, long: Millis(long * 60_000), short: Millis(short * 60_000) }
}

pub(in crate::slo) fn group(name: &str, topic: &str, lag: u64) -> GroupView {
    GroupView {
        group: name.into(),
        kind: Ok(GroupType::Classic),
        state: Ok(GroupState::Stable),
        members: Err(Reason::NotYetRead),
        stuck: Ok(false),
        commits: Ok(()),
        topics: vec![consumed(topic, Ok(lag))],
    }
}

pub(in crate::slo) fn consumed(topic: &str, lag: Measured<u64>) -> GroupTopicView {
    let partition = GroupPartitionView {
        partition: 0,
        committed: Ok(0),
        lag,
        time_lag: Ok(Millis(0)),
        still_since: Ok(None),
    };
    GroupTopicView {
        topic: topic.into(),
        lag,
        time_lag: lag.map(|lag| Millis(lag * 1000)),
        committed_sum: Ok(0),
        consumed_total: 0,
        lost_total: 0,
        consumed_per_second: Ok(0.0),
        stuck: Ok(false),
        not_decreasing: Ok(false),
        retention_eta: Ok(None),
        still_since: Ok(None),
        latency: None,
        commits_total: Ok(0),
        commit_interval: Ok(Millis(50)),
        partitions: vec![partition],
    }
}

pub(in crate::slo) fn topic(name: &str, appended_total: u64) -> TopicView {
    TopicView {
        topic: name.into(),
        id: Ok(TopicId(1)),
        configs: Ok(TopicConfigs {
            retention: None,
            retention_by_size: false,
            deletes: true,
            compacts: false,
            min_insync_replicas: 2,
        }),
        appended_total,
        appended_per_second: Ok(1.0),
        partitions: vec![PartitionObservation {
            leader: Some(1),
            preferred_leader: Some(1),
            replicas: 3,
            in_sync_replicas: 3,
            end: Ok(appended_total),
            log_start: Ok(0),
            last_stable: Ok(appended_total),
        }],
    }
}
