//! The law: good + bad + unmeasured is what was judged, and where everything can be measured each record is counted as
//! a naive judge counts it, in the same minute; whatever is held, cut short, killed or told late,
//! and whichever promises come and go beside it.

use proptest::prelude::*;

use super::cluster::{Cluster, SETTLING, Sums};
use crate::model::{CommitLogEvent, Counts, Millis, Minute, Offset, Partition, Timestamp};

const PARTITIONS: usize = 2;
const THRESHOLDS: [u64; 4] = [50, 250, 1_000, 30_000];
/// Of promises that come and go.
const OTHERS: [u64; 4] = [20, 249, 5_000, 90_000];

#[derive(Debug, Clone)]
enum Step {
    Wait(i64),
    Append(usize, Vec<i64>),
    /// Thousandths of the end.
    Commit(Partition, u64),
    Tick,
    /// With so many lookups.
    Hurry(usize),
    Hold(bool),
    Restart,
    /// Killed after judging, before saving.
    Crash,
    /// Other promises come beside those that stay, or go.
    Reload(Vec<u64>),
    Delete(usize, u64),
    Members(u32),
}

fn steps(chaos: bool) -> impl Strategy<Value = Vec<Step>> {
    let ages = if chaos { -5_000_i64..3_000 } else { 0..40 };
    let calm = prop_oneof![
        4 => (1_i64..1_500).prop_map(Step::Wait),
        1 => (1_i64..100_000).prop_map(Step::Wait),
        5 => (0..PARTITIONS, prop::collection::vec(ages, 1..12)).prop_map(|(at, ages)| Step::Append(at, ages)),
        5 => (0..PARTITIONS as u32, 300_u64..=1000).prop_map(|(at, part)| Step::Commit(at, part)),
        5 => Just(Step::Tick),
        2 => (0_usize..4).prop_map(Step::Hurry),
        1 => any::<bool>().prop_map(Step::Hold),
        1 => Just(Step::Restart),
        1 => Just(Step::Crash),
        1 => prop::sample::subsequence(OTHERS.to_vec(), 0..=OTHERS.len()).prop_map(Step::Reload),
    ];
    let wild = prop_oneof![
        1 => (0..PARTITIONS, 0_u64..=1000).prop_map(|(at, part)| Step::Delete(at, part)),
        1 => (0_u32..2).prop_map(Step::Members),
    ];
    let step =
        (calm, wild, 0..12).prop_map(move |(calm, wild, turn)| if chaos && turn == 0 { wild } else { calm });
    prop::collection::vec(step, 1..80)
}

fn run(steps: &[Step]) -> Cluster {
    let mut cluster = Cluster::new(PARTITIONS, &THRESHOLDS);
    for partition in 0..PARTITIONS as u32 {
        cluster.commit(partition, 0);
    }
    cluster.tick();
    for step in steps {
        match step {
            Step::Wait(millis) => {
                cluster.wait(*millis);
            }
            Step::Append(partition, ages) => {
                cluster.append(*partition, ages);
            }
            Step::Commit(partition, part) => {
                let offset = cluster.logs[*partition as usize].end() * part / 1000;
                cluster.commit(*partition, offset);
            }
            Step::Tick => {
                cluster.tick();
            }
            Step::Hurry(budget) => {
                assert!(cluster.tick_within(*budget) <= *budget);
                cluster.save();
            }
            Step::Hold(is_held) => cluster.is_held = *is_held,
            Step::Restart => {
                cluster.restart();
            }
            Step::Crash => {
                cluster.tick_within(usize::MAX);
                cluster.restart();
            }
            Step::Reload(others) => {
                let mut thresholds = [&THRESHOLDS, others.as_slice()].concat();
                thresholds.sort_unstable();
                cluster.reload(&thresholds);
            }
            Step::Delete(partition, part) => {
                let log = &mut cluster.logs[*partition];
                log.log_start = log.log_start.max(log.end() * part / 1000);
            }
            Step::Members(members) => {
                cluster.members(*members);
            }
        }
    }
    cluster.is_held = false;
    cluster.wait(1).tick().tick();
    cluster
}

/// What a judge says who goes through all records, one by one, and knows everything.
fn naive(cluster: &Cluster) -> Sums {
    let mut sums = Sums::new();
    let complete_to = cluster.now - SETTLING as i64;
    for partition in 0..PARTITIONS as u32 {
        let log = &cluster.logs[partition as usize];
        let commits = cluster.commit_log.iter().filter_map(|entry| match &entry.event {
            CommitLogEvent::Committed { partition: of, offset, .. } if *of == partition => {
                Some((entry.at.0, *offset))
            }
            _ => None,
        });
        let commits: Vec<(i64, Offset)> = commits.collect();
        for record in 0..log.end() {
            let first = commits.iter().find(|(_, offset)| *offset > record);
            for within in THRESHOLDS {
                let deadline = log.time(record) + within as i64;
                let (at, counts) = match first {
                    Some((at, _)) if deadline >= *at => (*at, Counts { good: 1, ..Counts::default() }),
                    Some(_) => (deadline, Counts { bad: 1, ..Counts::default() }),
                    None if deadline < complete_to => (deadline, Counts { bad: 1, ..Counts::default() }),
                    None => continue,
                };
                *sums.entry((Millis(within), Minute::of(Timestamp(at)))).or_default() += counts;
            }
        }
    }
    sums
}

fn committed(cluster: &Cluster) -> u64 {
    let highest = |partition: u32| {
        let commits = cluster.commit_log.iter().filter_map(|entry| match &entry.event {
            CommitLogEvent::Committed { partition: of, offset, .. } if *of == partition => Some(*offset),
            _ => None,
        });
        commits.max().unwrap_or(0)
    };
    (0..PARTITIONS as u32).map(highest).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn each_record_is_judged_as_a_naive_judge_does(steps in steps(false)) {
        let mut cluster = run(&steps);
        cluster.sums.retain(|(within, _), _| THRESHOLDS.contains(&within.0));
        prop_assert_eq!(&cluster.sums, &naive(&cluster));
        let view = &cluster.last.as_ref().unwrap().groups[0].topics[0];
        prop_assert_eq!(view.consumed_total, committed(&cluster));
        prop_assert_eq!(view.latency.as_ref().map_or(0, |latency| latency.count()), committed(&cluster));
        let commits = cluster.commit_log.len() as u64;
        prop_assert_eq!(view.commits_total, Ok(commits));
    }

    #[test]
    fn what_was_judged_is_good_or_bad_or_unmeasured_once(steps in steps(true)) {
        let cluster = run(&steps);
        for within in THRESHOLDS {
            let judged = |partition| cluster.judged(partition, within).unwrap();
            let judged: u64 = (0..PARTITIONS as u32).map(judged).sum();
            prop_assert_eq!(cluster.counts(within).judged(), judged, "{} ms", within);
        }
        let view = &cluster.last.as_ref().unwrap().groups[0].topics[0];
        prop_assert!(view.latency.as_ref().map_or(0, |latency| latency.count()) <= view.consumed_total);
        prop_assert!(view.consumed_total + view.lost_total <= cluster.logs.iter().map(|log| log.end()).sum());
    }
}
