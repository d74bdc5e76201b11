use proptest::prelude::*;

use super::*;

/// The broker's answer for records with these times, of which the first are deleted.
fn answer(stamps: &[i64], log_start: usize, at: Timestamp) -> TimeAnswer {
    match (log_start..stamps.len()).find(|offset| stamps[*offset] >= at.0) {
        Some(offset) => TimeAnswer::Record { offset: offset as Offset, time: Timestamp(stamps[offset]) },
        None => TimeAnswer::AllOlder,
    }
}

fn learn(index: &mut TimeIndex, stamps: &[i64], log_start: usize, at: i64) {
    index.learn(Timestamp(at), answer(stamps, log_start, Timestamp(at)), stamps.len() as Offset);
}

#[test]
fn an_answer_tells_of_all_times_up_to_its_record_and_of_the_next_record() {
    let mut index = TimeIndex::default();
    learn(&mut index, &[10, 20, 20, 50], 0, 15);
    let check = |at, expected| assert_eq!(index.bounds(Timestamp(at)), expected, "{at}");
    check(14, (0, 1));
    check(15, (1, 1));
    check(20, (1, 1));
    check(21, (2, Offset::MAX));
}

#[test]
fn where_all_is_older_the_end_is_what_was_read_before() {
    let mut index = TimeIndex::default();
    learn(&mut index, &[10, 20], 0, 21);
    assert_eq!(index.bounds(Timestamp(21)), (2, Offset::MAX));
    assert_eq!(index.bounds(Timestamp(20)), (0, Offset::MAX));
}

#[test]
fn of_two_answers_that_contradict_each_other_the_later_wins() {
    let mut index = TimeIndex::default();
    learn(&mut index, &[10, 90, 30, 40], 0, 50);
    assert_eq!(index.bounds(Timestamp(35)), (0, 1));
    // The record from the future is deleted.
    learn(&mut index, &[10, 90, 30, 40], 2, 35);
    assert_eq!(index.bounds(Timestamp(35)), (3, 3));
    assert_eq!(index.bounds(Timestamp(50)), (4, Offset::MAX));
    let mut index = TimeIndex::default();
    learn(&mut index, &[10, 90, 30, 40], 0, 20);
    learn(&mut index, &[10, 90, 30, 40], 2, 35);
    assert_eq!(index.bounds(Timestamp(30)), (0, 3));
}

#[test]
fn where_few_records_are_open_the_time_of_the_next_one_is_asked() {
    let mut index = TimeIndex::default();
    let stamps = [100, 200, 300, 400];
    learn(&mut index, &stamps, 0, 100);
    learn(&mut index, &stamps, 0, 300);
    let open = |at| Open { at: Timestamp(at), from: 0, below: 4 };
    assert_eq!(index.best_question(&mut [open(150), open(190), open(170)]), Some(Timestamp(101)));
    assert_eq!(index.best_question(&mut [open(190)]), Some(Timestamp(190)));
    assert_eq!(index.best_question(&mut []), None);
}

proptest! {
    /// Whatever was asked in whatever order while records are appended and deleted: of what is there no bound is wrong
    /// once it was asked, and an answer that was just given is exact.
    #[test]
    fn bounds_hold_the_truth(
        stamps in prop::collection::vec(0_i64..1000, 1..60),
        asks in prop::collection::vec((0_i64..1010, 1_usize..60), 1..60),
        forget in prop::option::of((0_i64..1000, 2_usize..10)),
    ) {
        let mut index = TimeIndex::default();
        let mut grown = 1;
        for (at, length) in asks {
            grown = grown.max(length.min(stamps.len()));
            learn(&mut index, &stamps[..grown], 0, at);
            let (low, high) = index.bounds(Timestamp(at));
            prop_assert!(low == high || low == grown as Offset, "{at}: {low} to {high}");
            if let Some((before, most)) = forget {
                index.forget(Timestamp(before), most);
            }
            for at in 0..1010 {
                // What is appended later may be the first record since a time at which there was none.
                let truth = (0..stamps.len()).find(|offset| stamps[*offset] >= at).unwrap_or(stamps.len());
                let (low, high) = index.bounds(Timestamp(at));
                prop_assert!(low <= truth as Offset && truth as Offset <= high, "{at}: {low} to {high}, not {truth}");
            }
        }
    }
}
