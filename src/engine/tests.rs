//! Whole ticks of two engines over the same small cluster, one of which gets other rules on the way.

use std::collections::BTreeMap;

use super::*;
use crate::alert::{Condition, Consumption};
use crate::model::{
    CommitLog, CommitLogEntry, CommitLogEvent, CommitLogPartition, GroupObservation, GroupState, GroupType,
    PartitionObservation, Ratio, Selector, Severity, TopicCommits, TopicConfigs, TopicId, TopicObservation,
};
use crate::slo::{Alerting, Indicator, Window};

const START: i64 = 1_790_000_040_000;

fn slo(name: &str, within: u64) -> Slo {
    Slo {
        name: name.into(),
        description: None,
        indicator: Indicator::Latency {
            group: Selector::new("billing"),
            topic: None,
            within: Millis(within),
            accept_commit_resolution: true,
        },
        objective: Ratio::new(99, 100).unwrap(),
        window: Window::Rolling(Millis(86_400_000)),
        slice: Millis(60_000),
        slice_target: Ratio::ONE,
        labels: Arc::default(),
        runbook: None,
        alerting: Alerting::default(),
    }
}

fn lag(name: &str) -> AlertRule {
    AlertRule {
        name: name.into(),
        description: None,
        when: Condition::Lag { of: Consumption { group: Selector::new("*"), topic: None }, above: 3 },
        hold: Millis(30_000),
        severity: Severity::Ticket,
        per_partition: false,
        summarize_above: None,
        resolve_after: Millis(0),
        labels: Arc::default(),
        runbook: None,
    }
}

fn rules(slos: &[Slo], alerts: &[AlertRule]) -> EngineConfig {
    EngineConfig {
        max_history_series: 100,
        slos: slos.to_vec(),
        alerts: alerts.to_vec(),
        latency_bounds: Vec::new(),
    }
}

fn engine(config: EngineConfig) -> Engine {
    Engine::new("prod".into(), Millis(1000), config).unwrap()
}

/// At tick `number`: ten records are appended each second, and all but the last five are committed.
fn observation(number: i64) -> Observation {
    let now = START + number * 1000;
    let (end, committed) = ((number * 10).unsigned_abs(), (number * 10 - 5).max(0).unsigned_abs());
    let event = CommitLogEvent::Committed {
        group: "billing".into(),
        topic: "orders".into(),
        partition: 0,
        offset: committed,
        topic_id: Some(TopicId(1)),
    };
    let entry = CommitLogEntry { offset: number.unsigned_abs(), at: Timestamp(now - 100), event };
    let partition = PartitionObservation {
        leader: Some(1),
        preferred_leader: Some(1),
        replicas: 1,
        in_sync_replicas: 1,
        end: Ok(end),
        log_start: Ok(0),
        last_stable: Ok(end),
    };
    let configs = TopicConfigs {
        retention: None,
        retention_by_size: false,
        deletes: true,
        compacts: false,
        min_insync_replicas: 1,
    };
    let topic = TopicObservation { id: Ok(TopicId(1)), configs: Ok(configs), partitions: vec![partition] };
    let group = GroupObservation {
        kind: Ok(GroupType::Classic),
        state: Ok(GroupState::Stable),
        is_simple: false,
        members: Ok(Arc::new([])),
        commits: Ok(vec![TopicCommits { topic: "orders".into(), partitions: vec![(0, Ok(committed))] }]),
    };
    Observation {
        topics: BTreeMap::from([("orders".into(), Ok(topic))]),
        groups: BTreeMap::from([("billing".into(), group)]),
        groups_complete: true,
        commit_log: Ok(CommitLog {
            clock: ClockSource::Commits,
            partitions: vec![CommitLogPartition {
                entries: vec![entry],
                position: Ok(number.unsigned_abs() + 1),
                complete_to: Ok(Timestamp(now - 1000)),
                settling: Millis(1_000),
                held: false,
                gaps: Vec::new(),
                gaps_are_over: true,
            }],
        }),
        ends_at: Timestamp(now),
        ..Observation::default()
    }
}

/// One cycle. The records are 100 ms apart.
fn tick(engine: &mut Engine, number: i64) -> Snapshot {
    let observation = observation(number);
    let end = (number * 10).unsigned_abs();
    engine.begin(&observation);
    loop {
        let questions = engine.questions(1000);
        if questions.is_empty() {
            break;
        }
        let answer = |question: &TimeQuestion| {
            let first = (question.at.0 - START).max(0).unsigned_abs().div_ceil(100);
            let time = Timestamp(START + i64::try_from(first * 100).unwrap());
            Ok(if first < end { TimeAnswer::Record { offset: first, time } } else { TimeAnswer::AllOlder })
        };
        let answers: Vec<_> = questions.iter().map(answer).collect();
        engine.learn(&questions, &answers);
    }
    let snapshot = engine.tick(Ok(observation), Timestamp(START + number * 1000));
    engine.changed_rows();
    snapshot
}

#[test]
fn a_reload_forgets_nothing_that_was_measured() {
    let before = rules(&[slo("goes", 200), slo("stays", 700)], &[lag("late"), lag("over")]);
    let after = rules(&[slo("comes", 400), slo("stays", 700)], &[lag("late")]);
    let (mut reloaded, mut untouched) = (engine(before.clone()), engine(before));
    for number in 0..100 {
        if number == 20 {
            reloaded.reload(after.clone()).unwrap();
        }
        let [found, expected] = [&mut reloaded, &mut untouched].map(|engine| tick(engine, number));
        let stays = |snapshot: &Snapshot| -> Vec<crate::model::SloView> {
            snapshot.slos.iter().filter(|view| &*view.slo.name == "stays").cloned().collect()
        };
        assert_eq!(stays(&found), stays(&expected), "tick {number}");
        let late = |snapshot: &Snapshot| -> Vec<_> {
            let late = snapshot.alerts.iter().filter(|view| &*view.name == "late");
            late.map(|view| (view.state, view.since, view.firing_since)).collect()
        };
        assert_eq!(late(&found), late(&expected), "tick {number}");
        // The buckets are others, the records in them are not.
        let topic = |snapshot: &Snapshot| {
            let mut view = snapshot.groups[0].topics[0].clone();
            let counted = view.latency.take().map_or(0, |latency| latency.count());
            (format!("{view:?}"), counted)
        };
        assert_eq!(topic(&found), topic(&expected), "tick {number}");
        assert_eq!(found.history_series, expected.history_series);
    }
    let history = |engine: &Engine| engine.history("billing", "orders", Timestamp(START));
    assert_eq!(history(&reloaded), history(&untouched));
    let [found, expected] = [&mut reloaded, &mut untouched].map(|engine| tick(engine, 100));
    let names = |snapshot: &Snapshot| -> Vec<_> {
        let slos = snapshot.slos.iter().map(|view| view.slo.name.to_string());
        slos.chain(snapshot.alerts.iter().map(|view| view.name.to_string())).collect()
    };
    assert_eq!(names(&found), ["comes", "stays", "late"]);
    assert_eq!(names(&expected), ["goes", "stays", "late", "over"]);
    let counted = |snapshot: &Snapshot| snapshot.slos[0].total.judged();
    // Those of the commits that came after it was there.
    assert_eq!([counted(&expected), counted(&found)], [995, 800]);
}
