use proptest::prelude::*;

use super::*;

/// A partition as the broker holds it: the time of each record, which never falls.
struct Log {
    times: Vec<i64>,
}

impl Log {
    fn answer(&self, at: Timestamp) -> TimeAnswer {
        match self.times.iter().position(|time| *time >= at.0) {
            Some(index) => TimeAnswer::Record { offset: index as Offset, time: Timestamp(self.times[index]) },
            None => TimeAnswer::AllOlder,
        }
    }

    /// Asks until located; gives the place and how many questions it took.
    fn locate(&self, curve: &mut TimeCurve, offset: Offset, now: Timestamp) -> (Location, usize) {
        for asked in 0..100 {
            match curve.locate(offset, now, Millis(1000)) {
                Location::Ask(at) => curve.learn(at, self.answer(at), self.times.len() as Offset, now),
                location => return (location, asked),
            }
        }
        panic!("no answer after 100 questions: {curve:?}");
    }
}

#[test]
fn a_backlog_is_located_by_asking_not_by_guessing() {
    let now = Timestamp(1_000_000_000);
    let log = Log { times: (0..600).map(|second| now.0 - 600_000 + second * 1000).collect() };
    let mut curve = TimeCurve::default();
    curve.polled(600, now);
    let (location, asked) = log.locate(&mut curve, 0, now);
    assert_eq!(location, Location::At(Timestamp(now.0 - 600_000)));
    assert!(asked <= 2, "{asked}");
    let (location, asked) = log.locate(&mut curve, 300, now);
    let Location::At(found) = location else { panic!("{location:?}") };
    assert!((found.0 - log.times[300]).abs() <= 1500, "{found:?}");
    assert!(asked <= 12, "{asked}");
}

#[test]
fn polls_are_enough_once_the_index_agrees_with_them() {
    let mut curve = TimeCurve::default();
    curve.polled(100, Timestamp(10_000));
    curve.polled(200, Timestamp(11_000));
    let now = Timestamp(11_500);
    assert_eq!(curve.locate(150, now, Millis(1000)), Location::Ask(Timestamp(9_000)));
    curve.learn(Timestamp(9_000), TimeAnswer::Record { offset: 95, time: Timestamp(9_900) }, 200, now);
    assert_eq!(curve.locate(150, now, Millis(1000)), Location::At(Timestamp(10_500)));
    curve.polled(300, Timestamp(12_000));
    assert_eq!(curve.locate(250, Timestamp(12_000), Millis(1000)), Location::At(Timestamp(11_500)));
}

#[test]
fn old_timestamps_produced_now_are_found_out() {
    let mut curve = TimeCurve::default();
    curve.polled(100, Timestamp(1_000_000));
    curve.polled(200, Timestamp(1_001_000));
    let now = Timestamp(1_001_000);
    let log = Log { times: (0..200).map(|record| record * 10).collect() };
    let (location, _) = log.locate(&mut curve, 150, now);
    let Location::At(found) = location else { panic!("{location:?}") };
    assert!((found.0 - 1_500).abs() <= 1_000, "the record is 1.5 s after 1970, not just appended: {found:?}");
}

#[test]
fn a_record_that_is_gone_is_as_old_as_the_first_one_left() {
    let mut curve = TimeCurve::default();
    let first = TimeAnswer::Record { offset: 50, time: Timestamp(7_000) };
    curve.learn(Timestamp(0), first, 100, Timestamp(10_000));
    assert_eq!(curve.locate(20, Timestamp(10_000), Millis(1000)), Location::At(Timestamp(7_000)));
}

#[test]
fn a_time_that_lies_ahead_has_no_age() {
    let mut curve = TimeCurve::default();
    let ahead = TimeAnswer::Record { offset: 0, time: Timestamp(600_000) };
    curve.learn(Timestamp(0), ahead, 10, Timestamp(10_000));
    assert_eq!(curve.locate(0, Timestamp(10_000), Millis(1000)), Location::InFuture);
}

proptest! {
    /// Whatever the log, with or without polls: located to within the width, after few questions.
    #[test]
    fn every_record_is_located_within_the_width(
        gaps in prop::collection::vec(0_i64..20_000, 1..200),
        wanted in prop::collection::vec(0_usize..200, 1..20),
        live in any::<bool>(),
    ) {
        let mut time = 1_000_000_000_000;
        let times: Vec<i64> = gaps.iter().map(|gap| { time += gap; time }).collect();
        let now = Timestamp(time + if live { 0 } else { 3_600_000 });
        let log = Log { times };
        let mut curve = TimeCurve::default();
        curve.polled(log.times.len() as Offset, now);
        for index in wanted.into_iter().filter(|index| *index < log.times.len()) {
            let (location, asked) = log.locate(&mut curve, index as Offset, now);
            let Location::At(found) = location else { panic!("{location:?}") };
            let truth = log.times[index];
            let width = 1000.max((now.0 - truth.min(found.0)) / 1000);
            prop_assert!((found.0 - truth).abs() <= width, "{found:?} is not {truth}, {curve:?}");
            prop_assert!(asked <= 50, "{asked}");
        }
    }
}
