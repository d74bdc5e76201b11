//! Each rule of the accounting as data: what happens, and how many records were good, bad and unmeasured.

use super::cluster::{Cluster, GROUP, START, TOPIC};
use crate::model::{CommitLogEvent, CommitSource, Counts, Millis, Minute, Timestamp};

/// A partition that is watched from its first record on, against a threshold of a second.
fn watched() -> Cluster {
    let mut cluster = Cluster::new(1, &[1_000]);
    cluster.members(1).commit(0, 0).tick();
    cluster
}

fn check(cluster: &Cluster, good: u64, bad: u64, unmeasured: u64) {
    assert_eq!(cluster.counts(1_000), Counts { good, bad, unmeasured });
}

#[test]
fn a_commit_within_the_threshold_is_good_and_a_later_one_bad() {
    let mut cluster = watched();
    cluster.wait(500).append(0, &[900, 500, 0]).wait(600).commit(0, 3).tick();
    check(&cluster, 1, 2, 0);
}

#[test]
fn a_record_exactly_as_old_as_the_threshold_is_good() {
    let mut cluster = watched();
    cluster.wait(500).append(0, &[0]).wait(1_000).commit(0, 1).tick();
    check(&cluster, 1, 0, 0);
    cluster.append(0, &[0]).wait(1_001).commit(0, 2).tick();
    check(&cluster, 1, 1, 0);
}

#[test]
fn without_a_commit_a_record_is_bad_when_its_deadline_passes_and_only_once() {
    let mut cluster = watched();
    cluster.wait(10).append(0, &[0, 0]).wait(2_000).tick();
    check(&cluster, 0, 0, 0);
    cluster.wait(1).tick();
    check(&cluster, 0, 2, 0);
    cluster.wait(5_000).commit(0, 2).tick();
    check(&cluster, 0, 2, 0);
}

#[test]
fn each_threshold_has_its_own_place() {
    let mut cluster = Cluster::new(1, &[100, 10_000]);
    cluster.commit(0, 0).tick().append(0, &[0]).wait(5_000).tick();
    assert_eq!((cluster.judged(0, 100), cluster.judged(0, 10_000)), (Some(1), Some(0)));
    cluster.commit(0, 1).tick();
    assert_eq!((cluster.counts(100).bad, cluster.counts(10_000).good), (1, 1));
}

#[test]
fn what_is_late_already_when_watching_begins_is_never_charged() {
    let mut cluster = Cluster::new(1, &[1_000]);
    cluster.append(0, &[0; 10]).wait(5_000).append(0, &[0; 3]).commit(0, 4).tick();
    check(&cluster, 0, 0, 0);
    cluster.wait(500).commit(0, 13).tick();
    check(&cluster, 3, 0, 0);
}

#[test]
fn a_promise_that_is_new_judges_what_comes_from_then_on() {
    let mut cluster = watched();
    cluster.append(0, &[0; 5]).wait(200).tick();
    cluster.thresholds = vec![100];
    cluster.daemon.set_deadlines(vec![crate::measure::Deadline {
        group: crate::model::Selector::new(GROUP),
        topic: Some(crate::model::Selector::new(TOPIC)),
        within: Millis(100),
    }]);
    cluster.wait(2_000).tick().append(0, &[0]).commit(0, 6).tick();
    assert_eq!(cluster.counts(100), Counts { good: 1, bad: 0, unmeasured: 0 });
    // The one that went away is forgotten.
    check(&cluster, 0, 0, 0);
}

#[test]
fn rewinds_do_not_judge_again() {
    let mut cluster = watched();
    cluster.append(0, &[0; 4]).commit(0, 4).tick().commit(0, 1).tick().wait(9_000).commit(0, 4).tick();
    check(&cluster, 4, 0, 0);
}

#[test]
fn a_stamp_from_the_future_hides_what_is_behind_it() {
    let mut cluster = watched();
    // It claims ten minutes ahead; whoever commits it and those behind it: nobody can know how late.
    cluster.append(0, &[0, -600_000, 0, 0]).wait(30_000).commit(0, 4).tick();
    check(&cluster, 0, 1, 3);
    assert_eq!(cluster.last.as_ref().unwrap().groups[0].topics[0].latency.as_ref().unwrap().count(), 1);
    let mut dead = watched();
    dead.append(0, &[0, -600_000, 0, 0]).wait(30_000).tick();
    check(&dead, 0, 1, 0);
    dead.wait(600_000).tick();
    check(&dead, 0, 4, 0);
    // A little ahead is a clock that differs a little.
    let mut ahead = watched();
    ahead.append(0, &[0, -900, 0]).wait(1).commit(0, 3).tick();
    check(&ahead, 3, 0, 0);
}

#[test]
fn what_was_deleted_before_it_could_be_asked_about_is_unmeasured() {
    let mut cluster = watched();
    cluster.append(0, &[0; 6]).wait(3_000).delete(0, 4).commit(0, 6).tick();
    check(&cluster, 0, 2, 4);
    assert_eq!(cluster.last.as_ref().unwrap().groups[0].topics[0].latency.as_ref().unwrap().count(), 2);
    // Nobody commits it either.
    let mut dead = watched();
    dead.append(0, &[0; 6]).wait(3_000).delete(0, 4).tick();
    check(&dead, 0, 2, 4);
}

#[test]
fn answers_from_before_a_deletion_still_count() {
    let mut young = watched();
    young.append(0, &[0; 6]).wait(500).tick().wait(400).delete(0, 6).commit(0, 6).tick();
    check(&young, 6, 0, 0);
    // Of the first record the very time was told, of the others only that they are not older.
    let mut late = watched();
    late.append(0, &[0; 6]).wait(500).tick().wait(1_000).delete(0, 6).commit(0, 6).tick();
    check(&late, 0, 1, 5);
}

#[test]
fn lost_records_are_not_consumed_when_a_commit_jumps_over_them() {
    let mut cluster = watched();
    cluster.append(0, &[0; 10]).tick().delete(0, 7).tick().tick().commit(0, 10).tick();
    let view = &cluster.last.as_ref().unwrap().groups[0].topics[0];
    assert_eq!((view.consumed_total, view.lost_total), (3, 7));
    assert_eq!(view.latency.as_ref().unwrap().count(), 3);
}

#[test]
fn what_was_lost_stays_lost_when_commits_around_it_are_read_again() {
    let mut cluster = watched();
    let wait = |cluster: &mut Cluster| {
        cluster.tick_within(0);
        cluster.save();
    };
    cluster.append(0, &[0; 10]).commit(0, 3);
    wait(&mut cluster);
    cluster.delete(0, 7);
    (0..2).for_each(|_| wait(&mut cluster));
    cluster.commit(0, 8);
    wait(&mut cluster);
    let counters = |cluster: &Cluster| {
        let view = &cluster.last.as_ref().unwrap().groups[0].topics[0];
        (view.consumed_total, view.lost_total)
    };
    assert_eq!(counters(&cluster), (4, 4));
    cluster.restart().tick().tick();
    assert_eq!(counters(&cluster), (4, 4));
}

#[test]
fn while_the_log_is_held_what_was_committed_is_not_lost() {
    let mut cluster = watched();
    cluster.append(0, &[0; 10]).wait(10).commit(0, 10);
    cluster.is_held = true;
    cluster.delete(0, 10).tick().tick();
    cluster.is_held = false;
    cluster.tick();
    let view = &cluster.last.as_ref().unwrap().groups[0].topics[0];
    assert_eq!((view.consumed_total, view.lost_total), (10, 0));
}

#[test]
fn an_operator_s_reset_leaves_what_it_skips_unmeasured() {
    let mut cluster = watched();
    cluster.append(0, &[0; 10]).members(0).wait(10).commit(0, 10).tick();
    check(&cluster, 0, 0, 10);
    let view = &cluster.last.as_ref().unwrap().groups[0].topics[0];
    assert_eq!((view.consumed_total, view.latency.is_none()), (0, true));
    // Empty now, but not when it committed: told by the log, also when both are read at once.
    let mut closing = watched();
    closing.append(0, &[0; 10]).wait(10).commit(0, 10).members(0).tick();
    check(&closing, 10, 0, 0);
    // After the deadline it was late, whoever moved the offset.
    let mut late = watched();
    late.append(0, &[0; 10]).members(0).wait(1_500).commit(0, 10).tick();
    check(&late, 0, 10, 0);
}

#[test]
fn a_reset_while_the_daemon_is_down_is_one_all_the_same() {
    let mut cluster = watched();
    cluster.append(0, &[0; 10]).members(0).wait(10).commit(0, 10).members(1).wait(60_000).restart().tick();
    check(&cluster, 0, 0, 10);
}

#[test]
fn a_deleted_commit_ends_the_watching_and_a_new_one_starts_it() {
    let mut cluster = watched();
    cluster.append(0, &[0; 3]).wait(10).uncommit(0).tick().wait(20_000).tick();
    check(&cluster, 0, 0, 0);
    assert_eq!(cluster.judged(0, 1_000), None);
    cluster.append(0, &[0; 2]).commit(0, 1).tick();
    assert_eq!(cluster.judged(0, 1_000), Some(3), "what was late meanwhile is not charged");
    cluster.wait(100).commit(0, 5).tick();
    check(&cluster, 2, 0, 0);
}

#[test]
fn while_the_commit_log_is_held_deadlines_wait() {
    let mut cluster = watched();
    cluster.append(0, &[0; 3]).wait(500).commit(0, 3);
    cluster.is_held = true;
    cluster.wait(20_000).tick();
    check(&cluster, 0, 0, 0);
    cluster.is_held = false;
    cluster.tick();
    check(&cluster, 3, 0, 0);
}

#[test]
fn after_a_gap_in_the_commit_log_late_is_unmeasured() {
    let mut cluster = watched();
    cluster.append(0, &[0; 4]).wait(100).commit(0, 4);
    cluster.wait(60_000).append(0, &[0; 2]).commit(0, 6).restart();
    // The first of the two commits was compacted away.
    cluster.gaps = vec![(2, 3)];
    cluster.tick();
    check(&cluster, 2, 0, 4);
    cluster.append(0, &[0]).wait(5_000).commit(0, 7).tick();
    check(&cluster, 2, 1, 4);
}

#[test]
fn a_gap_counts_until_all_is_read_that_was_there_when_it_was_found() {
    for (is_over, good, bad, unmeasured) in [(false, 4, 0, 2), (true, 4, 2, 0)] {
        let mut cluster = watched();
        cluster.append(0, &[0; 4]).commit(0, 4).tick();
        cluster.append(0, &[0; 2]).commit(0, 6).restart();
        (cluster.gaps, cluster.gaps_are_over) = (vec![(3, 4)], is_over);
        cluster.tick();
        cluster.gaps.clear();
        cluster.is_held = true;
        cluster.tick();
        cluster.is_held = false;
        cluster.wait(5_000).commit(0, 6).tick();
        check(&cluster, good, bad, unmeasured);
    }
}

#[test]
fn a_topic_that_was_made_again_is_judged_from_its_beginning() {
    let mut cluster = watched();
    cluster.append(0, &[0; 8]).commit(0, 8).tick();
    cluster.topic_id = 2;
    cluster.logs[0].stamps.clear();
    cluster.wait(1_000).append(0, &[0; 3]).tick();
    assert_eq!(cluster.judged(0, 1_000), Some(0));
    cluster.commit(0, 3).tick();
    check(&cluster, 11, 0, 0);
}

#[test]
fn of_a_log_that_was_cut_nothing_is_judged_twice() {
    let mut cluster = watched();
    cluster.append(0, &[0; 8]).commit(0, 8).tick();
    cluster.logs[0].stamps.truncate(5);
    cluster.tick();
    assert_eq!(cluster.judged(0, 1_000), Some(5));
    cluster.append(0, &[0; 4]).commit(0, 9).tick();
    check(&cluster, 12, 0, 0);
}

#[test]
fn a_replay_fills_the_minutes_that_watching_would_have() {
    let play = |is_down: bool| {
        let mut cluster = watched();
        for second in 0..300_u32 {
            cluster.wait(1_000).append(0, &[0]);
            if second == 299 {
                cluster.commit(0, 300);
            }
            if !is_down {
                cluster.tick();
            }
        }
        if is_down {
            cluster.restart();
        }
        cluster.wait(10_000).tick();
        cluster.sums
    };
    let live = play(false);
    assert_eq!(live, play(true));
    assert_eq!(live.len(), 6, "{live:?}");
    let minute = Minute(Minute::of(Timestamp(START)).0 + 2);
    assert_eq!(live[&(Millis(1_000), minute)], Counts { bad: 60, ..Counts::default() });
}

#[test]
fn what_does_not_fit_the_budget_is_judged_later_and_the_same() {
    let mut cluster = watched();
    for _ in 0..20 {
        cluster.wait(137).append(0, &[0; 5]);
        let end = cluster.logs[0].end();
        cluster.commit(0, end - 3);
        assert_eq!(cluster.tick_within(0), 0);
        cluster.save();
    }
    check(&cluster, 0, 0, 0);
    assert!(cluster.daemon.time_lookup_backlog(Timestamp(cluster.now)) > Millis(2_000));
    cluster.tick();
    assert_eq!(cluster.counts(1_000), Counts { good: 97, bad: 0, unmeasured: 0 });
    assert_eq!(cluster.daemon.time_lookup_backlog(Timestamp(cluster.now)), Millis(0));
}

#[test]
fn few_lookups_judge_many_commits() {
    let mut cluster = Cluster::new(1, &[50, 100, 250, 500, 1_000, 5_000, 30_000]);
    cluster.commit(0, 0).tick();
    let mut asked = 0;
    for _ in 0..60 {
        for _ in 0..20 {
            cluster.wait(50).append(0, &[20, 5]);
            let end = cluster.logs[0].end();
            cluster.commit(0, end - 1);
        }
        asked += cluster.tick_within(usize::MAX);
        cluster.save();
    }
    assert!(asked / 60 <= 50, "{} lookups a second for 20 commits and 7 thresholds", asked / 60);
}

#[test]
fn polled_commits_are_judged_by_the_time_of_the_poll() {
    let mut cluster = Cluster::new(1, &[1_000]);
    cluster.is_polled = true;
    cluster.commit(0, 0).tick().wait(1_000).append(0, &[1_500, 100]).commit(0, 2).tick();
    check(&cluster, 1, 1, 0);
    assert_eq!(cluster.daemon.commit_source(), CommitSource::Polled);
    let view = &cluster.last.as_ref().unwrap().groups[0].topics[0];
    assert!(view.commits_total.is_err() && view.latency.as_ref().unwrap().count() == 2);
    cluster.append(0, &[0]).wait(2_001).tick();
    check(&cluster, 1, 2, 0);
    // What happened while nobody polled, nobody can know.
    cluster.append(0, &[0; 4]).wait(60_000).append(0, &[0; 2]).commit(0, 9).restart().tick();
    check(&cluster, 3, 2, 4);
}

#[test]
fn an_entry_is_applied_once_however_often_it_is_read() {
    let mut cluster = watched();
    cluster.append(0, &[0; 3]).wait(50).commit(0, 3).tick_within(0);
    cluster.save();
    // It waits, so it is read again.
    assert_eq!(cluster.daemon.commit_log_positions()[&0], 2);
    cluster.restart().tick();
    assert_eq!(cluster.daemon.commit_log_positions()[&0], 3);
    check(&cluster, 3, 0, 0);
    cluster.restart().tick();
    let view = &cluster.last.as_ref().unwrap().groups[0].topics[0];
    assert_eq!((view.consumed_total, view.commits_total), (3, Ok(2)));
    check(&cluster, 3, 0, 0);
}

#[test]
fn a_commit_to_the_former_topic_of_that_name_says_nothing() {
    let mut cluster = watched();
    cluster.append(0, &[0; 3]).log(CommitLogEvent::Committed {
        group: GROUP.into(),
        topic: TOPIC.into(),
        partition: 0,
        offset: 3,
        topic_id: Some(crate::model::TopicId(9)),
    });
    cluster.tick();
    check(&cluster, 0, 0, 0);
}

#[test]
fn a_backlog_is_judged_however_many_answers_it_needs() {
    const RECORDS: u64 = 2_000;
    let thresholds = [50, 100, 250, 500, 1_000, 2_000, 5_000, 30_000];
    let mut cluster = Cluster::new(1, &thresholds);
    cluster.members(1).commit(0, 0).tick();
    let judged = |cluster: &Cluster| thresholds.map(|within| cluster.counts(within).judged());
    // A record every 20 ms, each committed on its own, a little late now and then; while the index answers two
    // questions per tick.
    let (mut committed, mut free_at) = (0, 0);
    for at in 0..RECORDS * 20 + 10_000 {
        if at % 20 == 0 && at / 20 < RECORDS {
            cluster.append(0, &[0]);
        }
        if committed < cluster.logs[0].end() && free_at <= at {
            committed += 1;
            cluster.commit(0, committed);
            free_at = at + 6 + if committed % 50 == 0 { committed % 700 } else { 0 };
        }
        if at % 500 == 0 {
            cluster.tick_within(2);
            cluster.save();
        }
        cluster.wait(1);
    }
    assert!(judged(&cluster)[7] < RECORDS / 4, "there is hardly a backlog: {:?}", judged(&cluster));
    for _ in 0..100 {
        cluster.wait(500).tick_within(64);
        cluster.save();
    }
    assert_eq!(judged(&cluster), [RECORDS; 8]);
}
