//! What 10,000 promises over 30 days cost: a tick of evaluation, the rows that it writes, and memory.
//! Times of ticks and rows are those on the processor (Linux tells them to a few milliseconds), whatever else runs.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]
#![expect(clippy::print_stdout, reason = "its figures are for who runs it")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plimsoll::model::{
    CommitSource, Counts, GroupTopicView, GroupView, Judgement, Millis, Minute, Ratio, Reason, Selector,
    Timestamp,
};
use plimsoll::slo::{Alerting, Indicator, Slo, Slos, TickInput, Window};

const GROUPS: u64 = 10_000;
const DAYS: i64 = 30;
const START: i64 = 1_790_000_040_000;

fn main() {
    let groups: Vec<_> = (0..GROUPS).map(|number| group(&format!("group-{number:05}"))).collect();
    let before = resident_bytes();
    let mut slos = Slos::new(vec![on_time()]).unwrap();
    let started = Instant::now();
    // Hours that are kept as one need only one judgement; the last three days have one in each minute.
    for hour in 0..DAYS * 24 {
        let minutes =
            if hour < (DAYS - 4) * 24 { hour * 60..hour * 60 + 1 } else { hour * 60..hour * 60 + 60 };
        let judgements: Vec<_> = minutes.flat_map(|minute| judgements(&groups, minute)).collect();
        tick(&mut slos, &groups, START + (hour * 60 + 59) * 60_000, &judgements);
        slos.changed_rows();
    }
    println!("{DAYS} days of {GROUPS} promises were counted in {:.1?}", started.elapsed());
    println!("memory: {} MB", resident_bytes().saturating_sub(before) / 1_000_000);
    let end = START + DAYS * 86_400_000;
    let mut quiet = Vec::new();
    let mut busy = Vec::new();
    let mut rows = Vec::new();
    for second in 0..180 {
        let now = end + second * 1000;
        let judgements = judgements(&groups, DAYS * 1440 + second / 60);
        let judged: &[Judgement] = if second % 2 == 0 { &judgements } else { &[] };
        let took = tick(&mut slos, &groups, now, judged);
        if judged.is_empty() {
            quiet.push(took)
        } else {
            busy.push(took)
        }
        let started = on_processor();
        let changed = slos.changed_rows().len();
        if changed > 0 {
            rows.push(on_processor().saturating_sub(started));
        }
    }
    println!("a tick without records: {}", spread(&mut quiet));
    println!("a tick with records of every promise: {}", spread(&mut busy));
    println!("the rows of such a tick: {}", spread(&mut rows));
    let all = slos.rows();
    let bytes: usize = all.iter().map(|row| row.key.len() + row.value.as_ref().map_or(0, Vec::len)).sum();
    println!("state: {} rows, {} MB", all.len(), bytes / 1_000_000);
    let started = Instant::now();
    Slos::new(vec![on_time()]).unwrap().restore(&all).unwrap();
    println!("taking it back: {:.1?}", started.elapsed());
}

fn tick(slos: &mut Slos, groups: &[GroupView], now: i64, judgements: &[Judgement]) -> Duration {
    let started = on_processor();
    let views = slos.observe(&TickInput {
        now: Timestamp(now),
        up: Ok(()),
        topics: &[],
        groups,
        groups_complete: true,
        stalled_groups: &BTreeSet::new(),
        judgements,
        commit_source: CommitSource::Log,
        poll_interval: Millis(1000),
    });
    let took = on_processor().saturating_sub(started);
    assert_eq!(views.len(), groups.len());
    took
}

fn judgements(groups: &[GroupView], minute: i64) -> Vec<Judgement> {
    let of = |(number, group): (usize, &GroupView)| Judgement {
        group: group.group.clone(),
        topic: group.topics[0].topic.clone(),
        partition: 0,
        within: Millis(100),
        minute: Minute(START / 60_000 + minute),
        // No two minutes alike, and now and then a bad record: nothing for the packing to save.
        counts: Counts {
            good: 500 + (minute.unsigned_abs() * 37 + number as u64 * 11) % 300,
            bad: u64::from((minute.unsigned_abs() + number as u64).is_multiple_of(50)),
            unmeasured: 0,
        },
    };
    groups.iter().enumerate().map(of).collect()
}

fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    format!("median {:.1?}, slowest {:.1?}", times[times.len() / 2], times[times.len() - 1])
}

fn on_time() -> Slo {
    Slo {
        name: "on-time".into(),
        description: None,
        indicator: Indicator::Latency {
            group: Selector::new("*"),
            topic: None,
            within: Millis(100),
            accept_commit_resolution: false,
        },
        objective: Ratio::parse("99.9%").unwrap(),
        window: Window::Rolling(Millis(DAYS.unsigned_abs() * 86_400_000)),
        slice: Millis(60_000),
        slice_target: Ratio::ONE,
        labels: Arc::default(),
        runbook: None,
        alerting: Alerting::default(),
    }
}

fn group(name: &str) -> GroupView {
    let unread = Reason::NotYetRead;
    GroupView {
        group: name.into(),
        kind: Err(unread),
        state: Err(unread),
        members: Err(unread),
        stuck: Ok(false),
        commits: Ok(()),
        topics: vec![GroupTopicView {
            topic: "orders".into(),
            lag: Ok(0),
            time_lag: Ok(Millis(0)),
            committed_sum: Ok(0),
            consumed_total: 0,
            lost_total: 0,
            consumed_per_second: Ok(10.0),
            stuck: Ok(false),
            not_decreasing: Ok(false),
            retention_eta: Ok(None),
            still_since: Ok(None),
            latency: None,
            commits_total: Ok(0),
            commit_interval: Ok(Millis(50)),
            partitions: Vec::new(),
        }],
    }
}

/// How long this thread has run in all.
fn on_processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
