//! A commit's time; and what is told of a log that is compacted while it is caught up with.

use proptest::prelude::*;

use super::*;
use crate::kafka::config::Filter;

#[test]
fn a_commit_s_time_is_the_coordinator_s_not_a_client_s() {
    let check = |committed_at: Option<i64>, stamped, expected| {
        assert_eq!(commit_time(committed_at.map(Timestamp), Timestamp(stamped)), Timestamp(expected));
    };
    let now = 1_790_000_000_000;
    check(Some(now - 3), now, now - 3);
    check(Some(now + 3), now, now + 3);
    check(None, now, now);
    check(Some(i64::MAX), now, now);
    check(Some(0), now, now);
    check(Some(now - 60_000), now, now);
    // Records that are older than timestamps have none.
    check(Some(now), -1, now);
}

/// A commit log, with the key of each record; `None` is a transaction's marker.
#[derive(Debug)]
struct Log {
    keys: Vec<Option<u8>>,
    is_there: Vec<bool>,
    /// Compaction keeps the last record of each key below this offset.
    cleans_below: usize,
    /// And has come as far.
    cleaned_to: usize,
}

impl Log {
    fn append(&mut self, keys: &[Option<u8>]) {
        self.keys.extend(keys);
        self.is_there.extend(keys.iter().map(Option::is_some));
    }

    /// Compaction goes on with `by` records. When it has come to its end, it starts over with what is there by now.
    fn clean(&mut self, by: usize) {
        if self.cleaned_to >= self.cleans_below {
            (self.cleans_below, self.cleaned_to) = (self.keys.len(), 0);
        }
        self.cleaned_to = (self.cleaned_to + by).min(self.cleans_below);
        for offset in 0..self.cleaned_to {
            self.is_there[offset] &= !self.keys[offset + 1..self.cleans_below].contains(&self.keys[offset]);
        }
    }

    /// The first record there at `offset` or behind, or the end.
    fn fetch<R>(&self, offset: usize, see: impl FnOnce(Fetched<'_>) -> R) -> R {
        match (offset..self.keys.len()).find(|offset| self.is_there[*offset]) {
            Some(offset) => {
                let key = [self.keys[offset].unwrap()];
                see(Fetched::Record { offset: offset as i64, timestamp: 0, key: &key, value: None })
            }
            None => see(Fetched::End { offset: self.keys.len() as i64 }),
        }
    }
}

/// Reads the log from `from` on, in cycles of as many chunks as there are pairs: each of so many records, and behind it
/// compaction goes on with so many. Every record of a group that was not there any more lies in a gap.
fn check(log: &mut Log, from: usize, cycles: &[Vec<(usize, usize)>]) -> Result<(), TestCaseError> {
    let mut decoder = CommitLogDecoder::new(Filter::default(), Filter::default());
    let mut standing = StandingCommits::default();
    let mut reading = Reading::default();
    reading.resume(from as Offset);
    let end = log.keys.len() as Offset;
    let mut take = |log: &Log, reading: &mut Reading, at: usize| {
        log.fetch(at, |fetched| {
            reading.take(&fetched, Timestamp(0), &mut decoder, &mut standing);
            if let Fetched::Record { offset, .. } = fetched { Some(offset as usize) } else { None }
        })
    };
    for (at, chunks) in (1..).zip(cycles) {
        reading.asked((Timestamp(at), Millis(0)), end, end, Millis(100));
        let before = reading.progress.next().unwrap() as usize;
        let mut read = vec![false; log.keys.len()];
        let mut position = reading.fetch_from().unwrap() as usize;
        for (records, cleaned) in chunks {
            for _ in 0..*records {
                let Some(offset) = take(log, &mut reading, position) else { break };
                read[offset] = true;
                position = offset + 1;
            }
            log.clean(*cleaned);
        }
        if let Some(witness) = reading.witness() {
            log.fetch(witness as usize, |fetched| reading.hear_witness(&fetched));
        }
        reading.settle(Timestamp(at), &mut CoordinatorClocks::default());
        let told = reading.hand_out(None, Ok(0), Millis(0));
        let is_told = |offset: usize| {
            let is_in = |(from, to): &(Offset, Offset)| (*from..*to).contains(&(offset as Offset));
            told.gaps.iter().any(is_in)
        };
        let is_missing =
            |offset: &usize| log.keys[*offset].is_some() && !log.is_there[*offset] && !read[*offset];
        let mut missing = (before..told.position.unwrap() as usize).filter(is_missing);
        let hidden = missing.find(|offset| !is_told(*offset));
        prop_assert!(hidden.is_none(), "{hidden:?} is missing, {:?} are told: {log:?}", told.gaps);
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_compaction_takes_while_it_is_caught_up_with_is_told(
        keys in proptest::collection::vec(proptest::option::weighted(0.8, 0_u8..4), 1..80),
        cleaned in 0_usize..80,
        from in 0_usize..40,
        cycles in proptest::collection::vec(
            proptest::collection::vec((0_usize..10, prop_oneof![Just(0), 0_usize..40]), 1..4),
            1..8,
        ),
    ) {
        let mut log = Log { keys: Vec::new(), is_there: Vec::new(), cleans_below: 0, cleaned_to: 0 };
        log.append(&keys[..keys.len() / 2]);
        log.clean(cleaned);
        log.append(&keys[keys.len() / 2..]);
        check(&mut log, from.min(keys.len()), &cycles)?;
    }
}

#[test]
fn markers_are_no_gaps_where_the_keys_speak_for_them() {
    let mut log = Log { keys: Vec::new(), is_there: Vec::new(), cleans_below: 0, cleaned_to: 0 };
    log.append(&[Some(1), Some(2), None, Some(1), None, None, Some(2), Some(1), None]);
    check(&mut log, 3, &[vec![(9, 0)]]).unwrap();
    let mut reading = Reading::default();
    reading.resume(3);
    reading.asked((Timestamp(1), Millis(0)), 9, 9, Millis(100));
    let mut decoder = CommitLogDecoder::new(Filter::default(), Filter::default());
    let mut standing = StandingCommits::default();
    for at in [0, 1, 3, 6, 7, 8] {
        log.fetch(at, |fetched| reading.take(&fetched, Timestamp(0), &mut decoder, &mut standing));
    }
    assert_eq!(reading.witness(), Some(0));
    log.fetch(0, |fetched| reading.hear_witness(&fetched));
    assert_eq!(reading.hand_out(None, Ok(0), Millis(0)).gaps, []);
}
