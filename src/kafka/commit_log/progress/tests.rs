//! Completeness, holds and gaps, told as what is asked and read in each cycle.

use proptest::prelude::*;

use super::*;

const FRESH: Millis = Millis::from_seconds(30);

/// A partition that was read up to `next` and is read as it grows.
fn reading(next: Offset) -> Progress {
    let mut progress = Progress::default();
    progress.asked(Timestamp(0), next, next, FRESH);
    progress.begin(next);
    progress.settle(Timestamp(0));
    progress
}

/// One cycle: asked at `at` with these answers, `records` read and the end reached at `stable`, if `is_reached`.
fn cycle(progress: &mut Progress, at: i64, ends: (Offset, Offset), records: &[Offset], is_reached: bool) {
    progress.asked(Timestamp(at), ends.0, ends.1, FRESH);
    for record in records {
        assert!(progress.record(*record, false));
    }
    if is_reached {
        progress.end(ends.1, false);
    }
    progress.settle(Timestamp(at + 1));
}

fn check(progress: &Progress, next: Offset, passed: i64, is_held: bool) {
    assert_eq!(
        (progress.next(), progress.passed(), progress.is_held()),
        (Some(next), Some(Timestamp(passed)), is_held)
    );
}

#[test]
fn it_is_complete_to_the_newest_asking_whose_end_was_passed() {
    let mut progress = reading(10);
    cycle(&mut progress, 1000, (12, 12), &[10, 11], false);
    check(&progress, 12, 1000, false);
    // Not all of it arrives in time.
    cycle(&mut progress, 2000, (15, 15), &[12], false);
    assert!(!progress.has_reached_stable());
    cycle(&mut progress, 3000, (18, 18), &[13, 14], false);
    check(&progress, 15, 2000, false);
    // A trailing marker has no record; the end of the partition tells.
    cycle(&mut progress, 4000, (19, 19), &[15, 16, 17], true);
    check(&progress, 19, 4000, false);
    cycle(&mut progress, 5000, (19, 19), &[], false);
    check(&progress, 19, 5000, false);
    assert_eq!(progress.take_gaps(), []);
}

#[test]
fn an_open_transaction_holds_from_the_second_cycle_on() {
    let mut progress = reading(10);
    cycle(&mut progress, 1000, (15, 11), &[10], true);
    check(&progress, 11, 0, false);
    cycle(&mut progress, 2000, (15, 11), &[], false);
    check(&progress, 11, 0, true);
    cycle(&mut progress, 3000, (20, 11), &[], false);
    check(&progress, 11, 0, true);
    // It was aborted: nothing of it is ever read.
    cycle(&mut progress, 4000, (22, 22), &[13, 14, 20], true);
    check(&progress, 22, 4000, false);
    assert_eq!(progress.take_gaps(), [], "the log was read as it grew");
    // A transaction after the other is no hold.
    for at in 5..9 {
        let end = 20 + 2 * at;
        cycle(&mut progress, at as i64 * 1000, (end + 1, end), &[end - 1], true);
        check(&progress, end, at as i64 * 1000 - 1000, false);
    }
}

/// What is found where reading goes on at 10, in a log that ended at 20 then.
fn check_gaps(records: &[Offset], expected: &[(Offset, Offset)]) {
    let mut progress = Progress::default();
    progress.resume(10);
    cycle(&mut progress, 1000, (20, 20), records, true);
    assert_eq!(progress.take_gaps(), expected, "{records:?}");
    cycle(&mut progress, 2000, (30, 30), &[25], true);
    assert_eq!(progress.take_gaps(), [], "the log is read as it grows");
}

#[test]
fn what_is_confirmed_not_to_be_compacted_is_no_gap() {
    let check = |is_confirmed: bool, expected: &[(Offset, Offset)]| {
        let mut progress = Progress::default();
        progress.asked(Timestamp(0), 30, 30, FRESH);
        progress.resume(10);
        assert!(progress.record(15, false) && !progress.has_excused());
        assert!(progress.record(20, true) && progress.has_excused());
        progress.end(30, true);
        progress.settle(Timestamp(1));
        if is_confirmed {
            progress.confirm();
        }
        assert_eq!(progress.take_gaps(), expected);
        assert!(!progress.has_excused());
    };
    check(true, &[(10, 15)]);
    check(false, &[(10, 15), (16, 20), (21, 30)]);
}

#[test]
fn gaps_are_told_while_catching_up() {
    check_gaps(&[10, 11, 12, 13, 14, 15, 16, 17, 18, 19], &[]);
    // Each may be a transaction's marker; nobody can tell.
    check_gaps(&[10, 11, 13, 14, 15, 16, 17, 18], &[(12, 13), (19, 20)]);
    check_gaps(&[13, 14, 15, 16, 17, 18, 19], &[(10, 13)]);
    check_gaps(&[10, 11], &[(12, 20)]);
    check_gaps(&[], &[(10, 20)]);
}

#[test]
fn a_gap_is_over_when_all_is_read_that_was_there_when_it_was_found() {
    let mut progress = Progress::default();
    progress.resume(10);
    assert!(!progress.gaps_are_over());
    cycle(&mut progress, 1000, (20, 20), &[15, 16, 17, 18, 19], true);
    assert_eq!(progress.take_gaps(), [(10, 15)]);
    assert!(!progress.gaps_are_over());
    // Nothing comes in time, though it is there.
    cycle(&mut progress, 2000, (30, 30), &[], false);
    assert!(!progress.gaps_are_over());
    cycle(&mut progress, 3000, (40, 40), &[20, 21, 22, 23, 24, 25, 26, 27, 28, 29], false);
    assert!(progress.gaps_are_over());
}

#[test]
fn a_log_that_was_made_again_or_shortened_is_read_from_its_start() {
    let check = |next, log_start, end, expected_next, gaps: &[(Offset, Offset)]| {
        let mut progress = Progress::default();
        progress.resume(next);
        progress.begin_again(log_start, end);
        assert_eq!((progress.next(), progress.take_gaps()), (Some(expected_next), gaps.to_vec()));
    };
    check(100, 0, 40, 0, &[(0, 0)]);
    check(100, 150, 200, 150, &[(100, 150)]);
    check(100, 0, 100, 100, &[]);
    let mut progress = reading(5);
    progress.made_again();
    assert_eq!((progress.next(), progress.passed(), progress.take_gaps()), (Some(0), None, vec![(0, 0)]));
}

#[test]
fn a_partition_out_of_reach_for_long_is_caught_up_with() {
    let mut progress = reading(10);
    progress.not_asked();
    assert!(!progress.has_reached_stable());
    cycle(&mut progress, 59_000, (20, 20), &[15, 16, 17, 18, 19], false);
    assert_eq!(progress.take_gaps(), []);
    cycle(&mut progress, 121_000, (30, 30), &[25, 26, 27, 28, 29], false);
    assert_eq!(progress.take_gaps(), [(20, 25)]);
}

#[test]
fn a_record_is_fresh_that_was_not_there_a_moment_ago() {
    let mut progress = reading(10);
    progress.asked(Timestamp(1000), 15, 15, FRESH);
    assert!(progress.absent_at(10).is_some() && progress.absent_at(9).is_none());
    progress.asked(Timestamp(2000), 17, 17, FRESH);
    assert!(progress.absent_at(15).is_some() && progress.absent_at(14).is_none());
    progress.asked(Timestamp(33_000), 19, 19, FRESH);
    assert!(progress.absent_at(18).is_none());
    progress.not_asked();
    assert!(progress.absent_at(18).is_none());
}

#[test]
fn a_hold_without_end_takes_no_memory_without_end() {
    let mut progress = reading(0);
    for at in 1..=3 * MOST_ASKINGS as u64 {
        cycle(&mut progress, at as i64, (at, 0), &[], false);
        assert!(progress.askings.len() <= MOST_ASKINGS);
    }
    check(&progress, 0, 0, true);
}

proptest! {
    /// Whatever is read when: nothing counts as passed that was not, each record is taken once.
    #[test]
    fn completeness_never_runs_ahead(
        cycles in proptest::collection::vec((0_u64..5, 0_u64..8, any::<bool>()), 1..300),
    ) {
        let mut progress = reading(0);
        let mut asked = vec![(0_i64, 0_u64)];
        let (mut end, mut at) = (0, 0);
        for (appended, read, is_asked) in cycles {
            at += 1000;
            end += appended;
            if is_asked {
                progress.asked(Timestamp(at), end, end, FRESH);
                asked.push((at, end));
            } else {
                progress.not_asked();
            }
            let next = progress.next().unwrap();
            for offset in next..(next + read).min(end) {
                prop_assert!(progress.record(offset, false));
                prop_assert!(!progress.record(offset, false));
            }
            progress.settle(Timestamp(at));
            let passed = progress.passed().unwrap();
            let next = progress.next().unwrap();
            let ends = asked.iter().filter(|(at, _)| *at <= passed.0).map(|(_, end)| *end);
            prop_assert!(ends.max().unwrap() <= next);
            prop_assert!(!progress.is_held());
        }
    }
}
