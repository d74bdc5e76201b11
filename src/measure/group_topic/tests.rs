use super::*;
use crate::model::Reader;

fn polled(partition: Partition, offset: Offset, now: Timestamp) -> Commit {
    let (log_offset, appeared, skips, after_gap) = (None, None, false, false);
    Commit { partition, offset, at: now, now, log_offset, appeared, skips, after_gap }
}

/// Commits and log starts in their order; what was consumed and lost at the end.
fn check(first: Offset, events: &[Step], consumed: u64, lost: u64) {
    let mut topic = GroupTopic::new(0, Timestamp(0));
    let index = topic.poll(&polled(0, first, Timestamp(0)));
    for event in events {
        match *event {
            Moves(offset) => assert_eq!(topic.poll(&polled(0, offset, Timestamp(1))), index),
            Reset(offset) => {
                assert_eq!(topic.poll(&Commit { skips: true, ..polled(0, offset, Timestamp(1)) }), index)
            }
            LogStart(offset) => topic.log_starts_at(index, offset),
            MadeAgain => topic.start_over(topic.incarnation + 1, |_| 0),
            Deleted => topic.keep_commits(|_| false),
        }
    }
    assert_eq!((topic.consumed_total, topic.lost_total), (consumed, lost), "{first} {events:?}");
}

#[derive(Debug)]
enum Step {
    Moves(Offset),
    Reset(Offset),
    LogStart(Offset),
    MadeAgain,
    Deleted,
}
use Step::{Deleted, LogStart, MadeAgain, Moves, Reset};

#[test]
fn each_record_is_consumed_or_lost_once() {
    check(100, &[], 0, 0);
    check(100, &[Moves(110), Moves(110)], 10, 0);
    check(100, &[Moves(110), Moves(50), Moves(120)], 20, 0);
    check(100, &[Reset(500), Moves(510)], 10, 0);
    check(100, &[LogStart(130), Moves(140)], 10, 30);
    check(100, &[LogStart(90), Moves(140), LogStart(140)], 40, 0);
    check(100, &[Moves(110), MadeAgain, Moves(5)], 15, 0);
    // Kafka has not yet removed the commit to the topic of before.
    check(100, &[Moves(110), MadeAgain, Moves(110), LogStart(3), Moves(110), Moves(5)], 15, 0);
    check(100, &[Moves(110), Deleted, MadeAgain, Moves(110)], 120, 0);
    check(100, &[Moves(110), MadeAgain, Moves(110), Deleted, Moves(5)], 15, 0);
    // Deleted by hand, and started from either end.
    check(100, &[Moves(110), Deleted, Moves(50), Moves(120)], 20, 0);
    check(100, &[Moves(110), Deleted, Moves(500), Moves(510)], 20, 0);
}

#[test]
fn the_first_commit_counts_where_the_whole_log_was_watched() {
    let check = |appeared: Option<i64>, consumed: u64| {
        let mut topic = GroupTopic::new(0, Timestamp(1000));
        topic.poll(&polled(0, 50, Timestamp(1000)));
        topic.poll(&Commit { appeared: appeared.map(Timestamp), ..polled(1, 7, Timestamp(3000)) });
        assert_eq!(topic.consumed_total, consumed, "{appeared:?}");
    };
    check(None, 0);
    check(Some(500), 0);
    check(Some(2000), 7);
}

#[test]
fn standing_still_with_lag_is_stuck_after_the_window() {
    let check = |moves: &[(i64, Offset, u64)], at: i64, expected: Measured<bool>| {
        let mut topic = GroupTopic::new(0, Timestamp(0));
        for (second, offset, lag) in moves {
            let index = topic.poll(&polled(0, *offset, Timestamp(second * 1000)));
            if *lag == 0 {
                topic.partitions[index].caught_up(Timestamp(second * 1000));
            }
        }
        let lag = moves.last().map_or(0, |(_, _, lag)| *lag);
        assert_eq!(topic.partitions[0].stuck(Ok(lag), Timestamp(at * 1000)), expected, "{moves:?} at {at}");
    };
    check(&[(0, 5, 10)], 10, Err(Reason::NotYetWatched));
    check(&[(0, 5, 10)], 301, Ok(true));
    check(&[(0, 5, 10), (100, 6, 9)], 301, Ok(false));
    check(&[(0, 5, 10), (100, 6, 9)], 401, Ok(true));
    // Idle for long, then records come: the wait starts with them.
    check(&[(0, 5, 0), (1000, 5, 0), (1001, 5, 3)], 1100, Ok(false));
    check(&[(0, 5, 0), (1000, 5, 0), (1001, 5, 3)], 1301, Ok(true));
}

#[test]
fn a_restart_knows_since_when_a_partition_stands_still() {
    let second = |second: i64| Timestamp(1_790_000_000_000 + second * 1000);
    let check = |has_lag: bool, expected: (Timestamp, Measured<bool>)| {
        let mut topic = GroupTopic::new(0, second(0));
        let index = topic.poll(&polled(0, 5, second(0)));
        topic.poll(&polled(0, 6, second(10)));
        let progress = &mut topic.partitions[index];
        if has_lag {
            assert_eq!(progress.lags(second(20)), second(10));
        } else {
            progress.caught_up(second(20));
        }
        let bytes = topic.to_bytes();
        let mut topic = GroupTopic::restored(&mut Reader::new(&bytes)).unwrap();
        let progress = &mut topic.partitions[index];
        assert_eq!((progress.lags(second(400)), progress.stuck(Ok(3), second(400))), expected);
    };
    check(true, (second(10), Ok(true)));
    // It may have had nothing to do until now.
    check(false, (second(400), Err(Reason::NotYetWatched)));
}
