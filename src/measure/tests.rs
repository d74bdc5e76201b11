//! Whatever is appended, committed, deleted and not answered: lag is what it is defined to be, counters only grow, and
//! what was not read is no number.

use proptest::prelude::*;

use super::*;
use std::sync::Arc;

use crate::model::{
    GroupObservation, GroupState, GroupTopicView, Measured, Offset, PartitionObservation, TopicCommits,
    TopicConfigs, TopicId, TopicObservation,
};

const TOPIC: &str = "orders";
const GROUP: &str = "billing";
const PARTITIONS: usize = 3;

/// What happens to one partition between two ticks, and what of it cannot be read.
#[derive(Debug, Clone)]
struct Change {
    append: u64,
    /// Deletes records up to this many beyond the commit or before the end.
    delete: Option<u64>,
    commit: Commit,
    failed_commit: Option<Reason>,
    failed_end: Option<Reason>,
    failed_log_start: Option<Reason>,
}

#[derive(Debug, Clone, Copy)]
enum Commit {
    Stays,
    /// To this many thousandths of the end.
    Moves(u64),
    IsDeleted,
}

#[derive(Debug, Clone)]
enum Tick {
    Measured(Vec<Change>),
    CommitsFail(Vec<Change>, Reason),
    Outage(Reason),
}

/// The truth of one partition.
#[derive(Debug, Clone, Copy, Default)]
struct Truth {
    end: Offset,
    log_start: Offset,
    commit: Option<Offset>,
    /// The first commit and the first end that were read: counting starts there.
    first_commit: Option<Offset>,
    first_end: Option<Offset>,
    last_end: Option<Offset>,
}

fn reason() -> impl Strategy<Value = Reason> {
    prop_oneof![Just(Reason::TimedOut), Just(Reason::NotAuthorized), Just(Reason::Kafka(74))]
}

fn failure() -> impl Strategy<Value = Option<Reason>> {
    prop_oneof![8 => Just(None), 1 => reason().prop_map(Some)]
}

fn change() -> impl Strategy<Value = Change> {
    let commit = prop_oneof![
        4 => Just(Commit::Stays),
        4 => (0_u64..=1000).prop_map(Commit::Moves),
        1 => Just(Commit::IsDeleted),
    ];
    let delete = prop_oneof![3 => Just(None), 1 => (0_u64..60).prop_map(Some)];
    (0_u64..50, delete, commit, failure(), failure(), failure()).prop_map(
        |(append, delete, commit, failed_commit, failed_end, failed_log_start)| Change {
            append,
            delete,
            commit,
            failed_commit,
            failed_end,
            failed_log_start,
        },
    )
}

fn ticks() -> impl Strategy<Value = Vec<Tick>> {
    let changes = || prop::collection::vec(change(), PARTITIONS);
    let tick = prop_oneof![
        8 => changes().prop_map(Tick::Measured),
        1 => (changes(), reason()).prop_map(|(changes, why)| Tick::CommitsFail(changes, why)),
        1 => reason().prop_map(Tick::Outage),
    ];
    prop::collection::vec(tick, 1..40)
}

/// Lets `change` happen, and reads it as a cycle does: the commit, then the end, then the log start.
fn read(truth: &mut Truth, change: &Change) -> (Option<Measured<Offset>>, PartitionObservation) {
    match change.commit {
        Commit::Stays => {}
        Commit::Moves(thousandths) => truth.commit = Some(truth.end * thousandths / 1000),
        Commit::IsDeleted => truth.commit = None,
    }
    let commit = truth.commit.map(|commit| change.failed_commit.map_or(Ok(commit), Err));
    truth.end += change.append;
    let end = change.failed_end.map_or(Ok(truth.end), Err);
    if let Some(delete) = change.delete {
        // Records may be appended and deleted after the end was read.
        truth.end += delete / 2;
        truth.log_start = truth.log_start.max((truth.log_start + delete).min(truth.end));
    }
    truth.first_commit = truth.first_commit.or(commit.and_then(Result::ok));
    truth.first_end = truth.first_end.or(end.ok());
    truth.last_end = end.ok().or(truth.last_end);
    (commit, partition(end, change.failed_log_start.map_or(Ok(truth.log_start), Err)))
}

fn partition(end: Measured<Offset>, log_start: Measured<Offset>) -> PartitionObservation {
    PartitionObservation {
        leader: Some(1),
        preferred_leader: Some(1),
        replicas: 1,
        in_sync_replicas: 1,
        end,
        log_start,
        last_stable: end,
    }
}

fn observation(truths: &mut [Truth], changes: &[Change], at: Timestamp) -> Observation {
    observed(1, truths.iter_mut().zip(changes).map(|(truth, change)| read(truth, change)), at)
}

/// What was read: the topic's id, and commit, end and log start of each of its partitions.
fn observed(
    id: u128,
    read: impl Iterator<Item = (Option<Measured<Offset>>, PartitionObservation)>,
    at: Timestamp,
) -> Observation {
    let (mut partitions, mut commits) = (Vec::new(), Vec::new());
    for (number, (commit, partition)) in (0..).zip(read) {
        commits.extend(commit.map(|commit| (number, commit)));
        partitions.push(partition);
    }
    let configs = TopicConfigs {
        retention: None,
        retention_by_size: false,
        deletes: true,
        compacts: false,
        min_insync_replicas: 1,
    };
    let topic = TopicObservation { id: Ok(TopicId(id)), configs: Ok(configs), partitions };
    let mut of_topics = Vec::new();
    if !commits.is_empty() {
        of_topics.push(TopicCommits { topic: TOPIC.into(), partitions: commits });
    }
    let group = GroupObservation {
        kind: Ok(crate::model::GroupType::Classic),
        state: Ok(GroupState::Stable),
        is_simple: false,
        members: Ok(Arc::new([])),
        commits: Ok(of_topics),
    };
    Observation {
        topics: BTreeMap::from([(TOPIC.into(), Ok(topic))]),
        groups: BTreeMap::from([(GROUP.into(), group)]),
        groups_complete: true,
        ends_at: at,
        ..Observation::default()
    }
}

/// Lag as the documentation defines it, from what was read of one partition.
fn defined(commit: Measured<Offset>, read: &PartitionObservation) -> Measured<u64> {
    let (commit, end, log_start) = (commit?, read.end?, read.log_start?);
    Ok(end - commit.max(log_start).min(end))
}

fn total(parts: impl Iterator<Item = Measured<u64>>) -> Option<u64> {
    parts.map(Result::ok).sum()
}

/// Everything that ages is absent for `why`.
fn is_absent(view: &GroupTopicView, why: Reason) -> bool {
    view.partitions.is_empty()
        && view.lag == Err(why)
        && view.committed_sum == Err(why)
        && view.time_lag == Err(why)
        && view.consumed_per_second == Err(why)
        && view.stuck == Err(why)
        && view.not_decreasing == Err(why)
        && view.retention_eta == Err(why)
}

/// Counters of the tick before: consumed, lost, appended.
type Counters = (u64, u64, u64);

fn counters(measured: &Measurements, before: Counters) -> Counters {
    let (consumed, lost, appended) = before;
    let group = measured.groups.first().and_then(|group| group.topics.first());
    let (consumed, lost) = group.map_or((consumed, lost), |view| (view.consumed_total, view.lost_total));
    (consumed, lost, measured.topics.first().map_or(appended, |topic| topic.appended_total))
}

proptest! {
    #[test]
    fn lag_is_as_defined_and_counters_only_grow(ticks in ticks()) {
        let mut measurement = Measurement::default();
        let mut truths = [Truth::default(); PARTITIONS];
        let mut before = (0, 0, 0);
        for (second, tick) in (1..).zip(ticks) {
            let at = Timestamp(second * 1000);
            let measured = match tick {
                Tick::Outage(why) => {
                    let measured = measurement.outage(why);
                    for view in measured.groups.iter().flat_map(|group| &group.topics) {
                        prop_assert!(is_absent(view, why), "{view:?}");
                    }
                    for topic in &measured.topics {
                        prop_assert!(topic.partitions.is_empty() && topic.appended_per_second == Err(why));
                    }
                    prop_assert_eq!(counters(&measured, before), before);
                    measured
                }
                Tick::CommitsFail(changes, why) => {
                    let firsts = truths.map(|truth| truth.first_commit);
                    let mut observed = observation(&mut truths, &changes, at);
                    for (truth, first) in truths.iter_mut().zip(firsts) {
                        truth.first_commit = first;
                    }
                    for group in observed.groups.values_mut() {
                        group.commits = Err(why);
                    }
                    measurement.begin(&observed);
                    let measured = measurement.finish(observed, at);
                    for view in measured.groups.iter().flat_map(|group| &group.topics) {
                        prop_assert!(is_absent(view, why), "{view:?}");
                    }
                    measured
                }
                Tick::Measured(changes) => {
                    let observed = observation(&mut truths, &changes, at);
                    measurement.begin(&observed);
                    let measured = measurement.finish(observed.clone(), at);
                    let read = &observed.topics[TOPIC].as_ref().unwrap().partitions;
                    let commits = observed.groups[GROUP].commits.as_ref().unwrap();
                    // A rate without one of its parts is not the rate of the whole.
                    if read.iter().any(|partition| partition.end.is_err()) {
                        prop_assert!(measured.topics[0].appended_per_second.is_err());
                    }
                    let views = &measured.groups[0].topics;
                    prop_assert_eq!(views.len(), commits.len());
                    for (view, commits) in views.iter().zip(commits) {
                        let expected: Vec<_> = commits
                            .partitions
                            .iter()
                            .map(|(number, commit)| (*number, *commit, defined(*commit, &read[*number as usize])))
                            .collect();
                        let shown = view.partitions.iter();
                        let shown: Vec<_> = shown.map(|one| (one.partition, one.committed, one.lag)).collect();
                        prop_assert_eq!(&shown, &expected);
                        prop_assert_eq!(view.lag.ok(), total(expected.iter().map(|(_, _, lag)| *lag)));
                        prop_assert_eq!(view.committed_sum.ok(), total(expected.iter().map(|(_, commit, _)| *commit)));
                        prop_assert!(view.committed_sum.is_ok() || view.consumed_per_second.is_err());
                        for one in &view.partitions {
                            let is_late = one.lag.is_ok_and(|lag| lag > 0);
                            // Nobody has answered where in time the record is.
                            prop_assert_eq!(one.time_lag.is_ok(), one.lag == Ok(0));
                            prop_assert!(!is_late || view.time_lag.is_err());
                        }
                    }
                    measured
                }
            };
            let now = counters(&measured, before);
            prop_assert!(now.0 >= before.0 && now.1 >= before.1 && now.2 >= before.2, "{now:?} after {before:?}");
            before = now;
            let span = |truth: &Truth| Some(truth.end - truth.first_commit?);
            let span: u64 = truths.iter().filter_map(span).sum();
            prop_assert!(now.0 + now.1 <= span, "{} consumed, {} lost, of {span}", now.0, now.1);
            let appended: u64 = truths.iter().filter_map(|truth| Some(truth.last_end? - truth.first_end?)).sum();
            prop_assert_eq!(now.2, appended);
        }
    }
}

/// Id, commit, end and log start of a topic with one partition; none while there is no such topic.
type Seen = Option<(u128, Option<Offset>, Offset, Offset)>;

/// Ticks a second apart; consumed, lost and appended records after the last.
fn after(ticks: &[Seen]) -> (Measurement, Counters) {
    let mut measurement = Measurement::default();
    let mut last = (0, 0, 0);
    for (second, tick) in (1..).zip(ticks) {
        let at = Timestamp(second * 1000);
        let mut observation = match *tick {
            Some((id, commit, end, log_start)) => {
                observed(id, std::iter::once((commit.map(Ok), partition(Ok(end), Ok(log_start)))), at)
            }
            None => observed(0, std::iter::empty(), at),
        };
        if tick.is_none() {
            observation.topics.clear();
        }
        measurement.begin(&observation);
        last = counters(&measurement.finish(observation, at), last);
    }
    (measurement, last)
}

#[test]
fn what_a_consumer_deletes_behind_its_commit_is_not_lost() {
    let check = |ticks: &[(Offset, Offset)], consumed: u64, lost: u64| {
        let ticks: Vec<_> =
            ticks.iter().map(|(commit, log_start)| Some((1, Some(*commit), 100, *log_start))).collect();
        assert_eq!(after(&ticks).1, (consumed, lost, 0), "{ticks:?}");
    };
    // It has committed 60 after commits were read, and deleted up to there before log starts were.
    check(&[(10, 0), (10, 60)], 0, 0);
    check(&[(10, 0), (10, 60), (60, 60)], 50, 0);
    // It still has not.
    check(&[(10, 0), (10, 60), (10, 60), (10, 60)], 0, 50);
    check(&[(10, 0), (10, 60), (30, 60), (70, 60)], 30, 30);
}

#[test]
fn a_topic_that_was_gone_for_a_while_goes_on_counting() {
    let old = Some((1, Some(30), 40, 0));
    let before = [old, Some((1, Some(45), 50, 0))];
    let check = |then: &[Seen], expected: Counters| {
        let (_, last) = after(&[&before, then].concat());
        assert_eq!(last, expected, "{then:?}");
    };
    check(&[], (15, 0, 10));
    check(&[Some((2, Some(8), 20, 0))], (23, 0, 30));
    check(&[Some((2, None, 0, 0)), Some((2, Some(8), 20, 0))], (23, 0, 30));
    check(&[None, Some((2, None, 20, 0)), Some((2, Some(8), 20, 0))], (23, 0, 30));
    check(&[None, None, Some((2, Some(60), 70, 0))], (75, 0, 80));
    // It was only hidden.
    check(&[None, Some((1, Some(48), 60, 0))], (15, 0, 20));
    let (measurement, _) = after(&[old, None]);
    let hidden = measurement.outage(Reason::Unreachable);
    assert!(hidden.topics.is_empty() && hidden.groups.iter().all(|group| group.topics.is_empty()));
    let an_hour = vec![None; 3601];
    check(&[an_hour.as_slice(), &[Some((1, Some(50), 60, 0))]].concat(), (0, 0, 0));
}
