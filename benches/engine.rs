//! What one tick of the pure core costs, and what it remembers: 100,000 partitions, 200,000 group-partitions.
//! Three pictures: every group keeps up; every partition of every group lags by some records, with as many questions to
//! the time index as a tick may ask by default, and with all that there are. Single-threaded.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]
#![expect(clippy::print_stdout, reason = "its figures are for who runs it")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plimsoll::engine::{Engine, EngineConfig};
use plimsoll::export::render;
use plimsoll::model::{
    GroupId, GroupObservation, GroupState, GroupType, Millis, Observation, PartitionObservation, Reason,
    TimeAnswer, Timestamp, TopicCommits, TopicConfigs, TopicId, TopicName, TopicObservation,
};

const TOPICS: u32 = 2_500;
const PARTITIONS: u32 = 40;
const GROUPS: u32 = 5_000;
const GROUP_PARTITIONS: u32 = GROUPS * PARTITIONS;

/// A tick every 15 s, so that each leaves a point in the history: an hour of it.
const TICKS: u64 = 245;
/// Questions to the time index in a tick, by the default of `time_lookups_per_second`.
const BUDGET: usize = 15_000;
const START: i64 = 1_790_000_000_000;

/// Each picture has a process of its own, so that neither finds the other's memory.
fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("keeps-up") => measure("every group keeps up", 0, usize::MAX),
        Some("lags") => {
            measure("every partition lags, commits move, default budget of questions", 500, BUDGET)
        }
        Some("asks") => measure("every partition lags, commits move, every question asked", 500, usize::MAX),
        _ => {
            println!("{TOPICS} topics x {PARTITIONS} partitions, {GROUPS} groups x {PARTITIONS} partitions");
            for picture in ["keeps-up", "lags", "asks"] {
                let program = std::env::current_exe().unwrap();
                assert!(Command::new(program).arg(picture).status().unwrap().success());
            }
        }
    }
}

fn measure(picture: &str, lag: u64, budget: usize) {
    let before = resident_bytes();
    let names: Vec<TopicName> =
        (0..TOPICS).map(|number| format!("topic-{number:05}").as_str().into()).collect();
    let groups: Vec<GroupId> =
        (0..GROUPS).map(|number| format!("group-{number:05}").as_str().into()).collect();
    let mut engine = Engine::new(
        "bench".into(),
        Millis(1000),
        EngineConfig { max_history_series: 1_000_000, ..EngineConfig::default() },
    )
    .unwrap();
    let mut took = Vec::new();
    let mut published = None;
    let mut rounds = 0;
    for tick in 1..=TICKS {
        let now = Timestamp(START) + Millis::from_seconds(tick * 15);
        let observation = observation(&names, &groups, tick, lag, now);
        let started = Instant::now();
        engine.begin(&observation);
        let mut budget = budget;
        loop {
            let questions = engine.questions(budget);
            budget -= questions.len();
            if questions.is_empty() {
                break;
            }
            rounds += 1;
            // A record every 15 ms, so that offsets tell times.
            let answer = |at: Timestamp| {
                let offset = u64::try_from(at.0 - START).unwrap_or(0) / 15;
                Ok(TimeAnswer::Record { offset, time: at.max(Timestamp(START)) })
            };
            let answers: Vec<_> = questions.iter().map(|question| answer(question.at)).collect();
            engine.learn(&questions, &answers);
        }
        let snapshot = engine.tick(Ok(observation), now);
        took.push(started.elapsed());
        published = Some(Arc::new(snapshot));
    }
    let after = resident_bytes();
    took.sort_unstable();
    let millis = |took: Duration| took.as_secs_f64() * 1000.0;
    let each = (after.saturating_sub(before)) / u64::from(GROUP_PARTITIONS);
    println!(
        "{picture}: tick {:.1} ms median, {:.1} ms worst of {TICKS}; {rounds} rounds of time questions",
        millis(took[took.len() / 2]),
        millis(took[took.len() - 1])
    );
    println!(
        "  resident after an hour: {each} bytes per group-partition, of which history {}",
        engine.history_bytes() as u64 / u64::from(GROUP_PARTITIONS)
    );
    let snapshot = published.unwrap();
    assert_eq!(snapshot.groups.len(), GROUPS as usize);
    let unlocated =
        snapshot.groups.iter().flat_map(|group| &group.topics).filter(|topic| topic.time_lag.is_err());
    println!("  topics of groups without a time lag: {}", unlocated.count());
    let mut page = Vec::new();
    let started = Instant::now();
    render(&[snapshot], &mut page);
    println!(
        "  metrics page: {} MB, rendered in {:.0} ms",
        page.len() / 1_000_000,
        millis(started.elapsed())
    );
}

/// Appends 1,000 records per partition and tick; commits stay `lag` behind the end.
fn observation(names: &[TopicName], groups: &[GroupId], tick: u64, lag: u64, now: Timestamp) -> Observation {
    let end = tick * 1000;
    let partition = || PartitionObservation {
        leader: Some(1),
        preferred_leader: Some(1),
        replicas: 3,
        in_sync_replicas: 3,
        end: Ok(end),
        log_start: Ok(0),
        last_stable: Ok(end),
    };
    let configs = TopicConfigs {
        retention: Some(Millis::from_seconds(604_800)),
        retention_by_size: false,
        deletes: true,
        compacts: false,
        min_insync_replicas: 2,
    };
    let topic = |number: usize| TopicObservation {
        id: Ok(TopicId(number as u128)),
        configs: Ok(configs),
        partitions: (0..PARTITIONS).map(|_| partition()).collect(),
    };
    let group = |number: usize| GroupObservation {
        kind: Ok(GroupType::Classic),
        state: Ok(GroupState::Stable),
        is_simple: false,
        members: Ok(Arc::from([])),
        commits: Ok(vec![TopicCommits {
            topic: names[number % names.len()].clone(),
            partitions: (0..PARTITIONS).map(|partition| (partition, Ok(end - lag))).collect(),
        }]),
    };
    Observation {
        cluster_id: None,
        brokers: Vec::new(),
        topics: names.iter().enumerate().map(|(number, name)| (name.clone(), Ok(topic(number)))).collect(),
        groups: groups
            .iter()
            .enumerate()
            .map(|(number, id)| (id.clone(), group(number)))
            .collect::<BTreeMap<_, _>>(),
        groups_complete: true,
        commit_log: Err(Reason::NotYetRead),
        ends_at: now,
    }
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
