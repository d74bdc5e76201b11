//! Where commits come from changes, or fails: what cannot be known then is late or unmeasured, never bad.

use super::cluster::{Cluster, GROUP, TOPIC};
use crate::model::{CommitLogEvent, CommitSource, Counts, Reason};

fn watched(is_polled: bool) -> Cluster {
    let mut cluster = Cluster::new(1, &[1_000]);
    cluster.is_polled = is_polled;
    cluster.members(1).commit(0, 0).tick();
    cluster
}

fn check(cluster: &Cluster, good: u64, bad: u64, unmeasured: u64) {
    assert_eq!(cluster.counts(1_000), Counts { good, bad, unmeasured });
}

#[test]
fn while_a_group_cannot_be_polled_its_deadlines_wait() {
    let mut cluster = watched(true);
    cluster.append(0, &[0; 4]).wait(500).commit(0, 4);
    cluster.is_mute = true;
    cluster.wait(20_000).tick().wait(20_000).tick();
    check(&cluster, 0, 0, 0);
    // When it was committed nobody knows.
    cluster.is_mute = false;
    cluster.wait(1_000).tick();
    check(&cluster, 0, 0, 4);
    cluster.append(0, &[0; 2]).wait(10_000).tick();
    check(&cluster, 0, 2, 4);
}

#[test]
fn what_was_committed_while_the_log_was_held_is_not_bad_when_the_log_is_taken_away() {
    let mut cluster = watched(false);
    cluster.append(0, &[0; 4]).wait(500).commit(0, 4);
    cluster.is_held = true;
    cluster.tick().wait(20_000).tick();
    cluster.is_polled = true;
    cluster.wait(1_000).tick();
    assert_eq!(cluster.daemon.commit_source(), CommitSource::Polled);
    check(&cluster, 0, 0, 4);
    // Back again, it tells what is judged already.
    (cluster.is_polled, cluster.is_held) = (false, false);
    cluster.append(0, &[0; 2]).wait(100).commit(0, 6).tick();
    check(&cluster, 2, 0, 4);
    let view = &cluster.last.as_ref().unwrap().groups[0].topics[0];
    assert_eq!(view.consumed_total, 6);
}

#[test]
fn a_log_that_fails_for_a_moment_changes_no_count() {
    let play = |fails: bool, restarts: bool| {
        let mut cluster = watched(false);
        cluster.log_fails = Reason::TimedOut;
        for second in 0..20_u64 {
            cluster.append(0, &[0; 2]).wait(700);
            if second % 5 < 3 {
                let end = cluster.logs[0].end();
                cluster.commit(0, end - 1);
            }
            cluster.wait(400);
            if restarts && second == 8 {
                cluster.restart();
            }
            cluster.is_polled = fails && (7..12).contains(&second);
            cluster.tick();
        }
        assert_eq!(cluster.daemon.commit_source(), CommitSource::Log);
        cluster.sums
    };
    let undisturbed = play(false, false);
    assert_eq!(play(true, false), undisturbed);
    assert_eq!(play(true, true), undisturbed);
}

#[test]
fn a_log_that_fails_for_long_is_given_up_for_polling() {
    let mut cluster = watched(false);
    (cluster.is_polled, cluster.log_fails) = (true, Reason::TimedOut);
    cluster.append(0, &[0; 2]).tick().wait(20_000).tick();
    assert_eq!(cluster.daemon.commit_source(), CommitSource::Log);
    check(&cluster, 0, 0, 0);
    cluster.wait(20_000).tick();
    assert_eq!(cluster.daemon.commit_source(), CommitSource::Polled);
    check(&cluster, 0, 2, 0);
}

#[test]
fn of_a_log_that_was_cut_each_threshold_goes_on_where_it_was() {
    let mut cluster = Cluster::new(1, &[100, 30_000]);
    cluster.commit(0, 0).tick().append(0, &[0; 8]).wait(5_000).tick();
    assert_eq!((cluster.judged(0, 100), cluster.judged(0, 30_000)), (Some(8), Some(0)));
    cluster.logs[0].stamps.truncate(5);
    cluster.tick();
    assert_eq!((cluster.judged(0, 100), cluster.judged(0, 30_000)), (Some(5), Some(0)));
    cluster.wait(1_000).commit(0, 5).tick();
    assert_eq!((cluster.counts(100).bad, cluster.counts(30_000).good), (8, 5));
}

#[test]
fn a_commit_log_that_was_made_again_is_taken_from_its_beginning_after_a_restart_too() {
    let mut cluster = watched(false);
    for offset in 1..=6 {
        cluster.wait(10).append(0, &[0]).commit(0, offset).tick();
    }
    cluster.made_again().tick();
    cluster.restart().append(0, &[0; 3]).wait(100).commit(0, 9).wait(10_000).tick();
    check(&cluster, 9, 0, 0);
}

#[test]
fn records_that_were_given_up_are_counted_although_the_tick_fails_and_the_daemon_ends() {
    let mut cluster = watched(false);
    for _ in 0..8_200 {
        cluster.wait(1).append(0, &[0]);
        let end = cluster.logs[0].end();
        cluster.commit(0, end);
    }
    cluster.begin_and_fail().restart();
    for _ in 0..20 {
        cluster.tick();
    }
    assert_eq!(cluster.counts(1_000).judged(), 8_200);
    assert_eq!(cluster.judged(0, 1_000), Some(8_200));
}

#[test]
fn members_that_come_and_go_do_not_empty_a_group_of_others() {
    let mut cluster = Cluster::new(1, &[1_000]);
    let member = |member: &str, is_there| CommitLogEvent::ConsumerMember {
        group: GROUP.into(),
        member: member.into(),
        is_there,
    };
    // Three were there before watching began; the first thing that is read is that a rebalance began.
    cluster.log(CommitLogEvent::ConsumerGroup { group: GROUP.into(), epoch: 7 }).commit(0, 0).tick();
    cluster.append(0, &[0]).wait(10).commit(0, 1).tick();
    check(&cluster, 1, 0, 0);
    for turn in 0..4_u64 {
        cluster.log(member(&format!("m{turn}"), true)).tick().log(member(&format!("m{turn}"), false)).tick();
        cluster.append(0, &[0]).wait(10).commit(0, turn + 2).tick();
    }
    check(&cluster, 5, 0, 0);
    assert_eq!(cluster.last.as_ref().unwrap().groups[0].topics[0].topic.as_str(), TOPIC);
}

#[test]
fn what_a_consumer_commits_as_it_leaves_is_no_reset() {
    let mut cluster = watched(false);
    cluster.append(0, &[0; 4]).wait(10);
    // The brokers tell that nobody is left in the same cycle; the log tells in the next, after the last commit.
    cluster.state = crate::model::GroupState::Empty;
    cluster.tick().commit(0, 4).members(0).tick();
    check(&cluster, 4, 0, 0);
    cluster.append(0, &[0; 2]).wait(10).commit(0, 6).tick();
    check(&cluster, 4, 0, 2);
}
