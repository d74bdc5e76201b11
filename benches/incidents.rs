//! What it costs when everything is wrong at once: 5,000 groups, each with an incident of its own, on one core.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]
#![expect(clippy::print_stdout, reason = "its figures are for who runs it")]

use std::sync::Arc;
use std::time::Duration;

use plimsoll::alert::{IncidentInput, Incidents};
use plimsoll::model::{
    AlertState, AlertView, GroupPartitionView, GroupTopicView, GroupView, Member, Millis, Reason, Severity,
    Timestamp,
};

const START: i64 = 1_790_000_000_000;
const PARTITIONS: u32 = 10;

fn main() {
    for incidents in [500, 5_000] {
        flood(incidents);
    }
}

fn flood(count: u32) {
    let mut incidents = Incidents::new("prod".into(), [Arc::from("lag")]);
    let mut groups: Vec<GroupView> = (0..count).map(group).collect();
    let firing: Vec<AlertView> = groups.iter().map(alert).collect();
    let before = resident_bytes();
    let mut second: i64 = 0;
    let mut tick = |name: &str, ticks: u32, groups: &mut [GroupView], alerts: &[AlertView], changes: bool| {
        let (mut took, mut rows, mut open) = (Duration::ZERO, 0, 0);
        for _ in 0..ticks {
            second += 1;
            if changes {
                groups.iter_mut().for_each(|group| group.topics[0].lag = Ok(second.unsigned_abs() * 1_000));
            }
            let began = on_core();
            let shown = incidents.observe(&IncidentInput {
                now: Timestamp(START + second * 1_000),
                up: Ok(()),
                slos: &[],
                alerts,
                topics: &[],
                groups,
                brokers: &[],
            });
            rows += incidents.changed_rows().len();
            took += on_core() - began;
            open = shown.iter().filter(|incident| incident.is_open()).count();
        }
        let each = took.as_secs_f64() * 1_000.0 / f64::from(ticks);
        println!("{count:>5} incidents, {name:<26} {each:>8.2} ms a tick, {rows:>5} rows, {open:>5} open");
    };
    tick("none yet", 10, &mut groups, &[], false);
    tick("opening at once", 1, &mut groups, &firing, false);
    tick("when nothing changes", 30, &mut groups, &firing, false);
    tick("when all lags change", 30, &mut groups, &firing, true);
    println!("{count:>5} incidents, memory {:>21} kB", resident_bytes().saturating_sub(before) / 1024);
    tick("over at once", 1, &mut groups, &[], false);
}

fn group(number: u32) -> GroupView {
    let partition = |partition| GroupPartitionView {
        partition,
        committed: Ok(0),
        lag: Ok(u64::from(partition) * 10),
        time_lag: Ok(Millis(1_000)),
        still_since: Ok(None),
    };
    let member = Member {
        client_id: "client".into(),
        host: "/10.0.0.1".into(),
        assignment: (0..PARTITIONS).map(|partition| ("orders".into(), partition)).collect(),
    };
    let topic = GroupTopicView {
        topic: "orders".into(),
        lag: Ok(450),
        time_lag: Ok(Millis(1_000)),
        committed_sum: Ok(0),
        consumed_total: 0,
        lost_total: 0,
        consumed_per_second: Ok(100.0),
        stuck: Ok(false),
        not_decreasing: Ok(false),
        retention_eta: Ok(None),
        still_since: Ok(None),
        latency: None,
        commits_total: Ok(0),
        commit_interval: Err(Reason::NotYetWatched),
        partitions: (0..PARTITIONS).map(partition).collect(),
    };
    GroupView {
        group: format!("group-{number:05}").as_str().into(),
        kind: Err(Reason::NotYetRead),
        state: Err(Reason::NotYetRead),
        members: Ok(Arc::from([member])),
        stuck: Ok(false),
        commits: Ok(()),
        topics: vec![topic],
    }
}

fn alert(of: &GroupView) -> AlertView {
    AlertView {
        name: "lag".into(),
        condition: "lag",
        description: None,
        state: AlertState::Firing,
        severity: Severity::Page,
        group: Some(of.group.clone()),
        topic: Some("orders".into()),
        partition: None,
        covers: 1,
        summary: "lag is 450, above 10".into(),
        is_true: true,
        value: Some(450.0),
        since: Timestamp(START),
        firing_since: Some(Timestamp(START)),
        because: None,
        labels: Arc::default(),
        runbook: None,
    }
}

/// The time that this thread has had a core: others on the machine do not count.
fn on_core() -> Duration {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(spent.split_whitespace().next().unwrap().parse().unwrap())
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
