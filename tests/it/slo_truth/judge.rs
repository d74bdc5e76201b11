//! The judgement of one record after the other, as simply as it can be said: no state, no questions, no order of reading.
//! Where nobody outside the daemon can know which of several judgements is right, all of them are.

use crate::kafka_server::logs::LoggedRecord;

/// Milliseconds.
pub(super) type Threshold = i64;

/// One partition of one group, as it was. Times are milliseconds since 1970.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// By offset, from 0 without gaps.
    pub(super) records: Vec<LoggedRecord>,
    /// In the order of the log.
    pub(super) commits: Vec<Commit>,
    /// When all this was read; no deadline passed later, but of records from the future.
    pub(super) read_at: i64,
    /// Everything below this offset was deleted.
    pub(super) deleted: Option<u64>,
    /// What was committed meanwhile may have been compacted before the daemon was back.
    pub(super) compacted: bool,
}

/// What a daemon had told of one partition and threshold by then: everything below these offsets was judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Before the deletion.
    pub(super) before_deletion: u64,
    /// Before the daemon was away.
    pub(super) before_away: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    pub(super) at: i64,
    pub(super) offset: u64,
    /// Made by an operator for a group without members.
    pub(super) is_reset: bool,
}

/// What a record may be counted as. None of them: it is not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Fate {
    pub(super) good: bool,
    pub(super) bad: bool,
    pub(super) unmeasured: bool,
}

const OPEN: Fate = Fate { good: false, bad: false, unmeasured: false };
const GOOD: Fate = Fate { good: true, ..OPEN };
const BAD: Fate = Fate { bad: true, ..OPEN };
const UNMEASURED: Fate = Fate { unmeasured: true, ..OPEN };

/// A timestamp that is further ahead of the broker's clock than this says nothing about the records behind it.
const FUTURE: i64 = 1_000;

impl History {
    /// The time of each record: the highest timestamp up to and including it.
    pub(super) fn times(&self) -> Vec<i64> {
        let timestamps = self.records.iter().map(|record| record.timestamp);
        timestamps
            .scan(i64::MIN, |highest, timestamp| {
                *highest = timestamp.max(*highest);
                Some(*highest)
            })
            .collect()
    }

    /// The first commit that covers each record.
    pub(super) fn first_commits(&self) -> Vec<Option<Commit>> {
        let covers = |offset: u64| self.commits.iter().find(|commit| commit.offset > offset).copied();
        self.records.iter().map(|record| covers(record.offset)).collect()
    }

    /// What each record is, once every deadline has passed, for a daemon that had `told` so much in time.
    pub(super) fn fates(&self, within: Threshold, told: Told) -> Vec<Fate> {
        let times = self.times();
        // Not all that is behind a record from the future is unknown: a commit in time for an older one is in time for it.
        let is_vouched_for = |commit: Commit| {
            let believed = times[..times.partition_point(|time| *time <= commit.at + FUTURE)].last();
            believed.is_some_and(|time| commit.at - time <= within)
        };
        let judged = self.records.iter().zip(times.iter().copied()).zip(self.first_commits());
        judged
            .map(|((record, time), commit)| {
                let Some(commit) = commit else {
                    let fate = if time > self.read_at + FUTURE { OPEN } else { BAD };
                    return self.unless_unknown(fate, *record, told);
                };
                let fate = if time > commit.at + FUTURE {
                    // Its own timestamp is known; what comes behind it hides in its shadow.
                    Fate { good: record.timestamp == time || is_vouched_for(commit), ..UNMEASURED }
                } else if commit.at - time > within {
                    BAD
                } else if commit.is_reset {
                    UNMEASURED
                } else {
                    GOOD
                };
                self.unless_unknown(fate, *record, told)
            })
            .collect()
    }

    /// As `fate`, or unmeasured where a deletion or a compaction came before it was judged.
    fn unless_unknown(&self, fate: Fate, record: LoggedRecord, told: Told) -> Fate {
        let deletion_hides = self.deleted.is_some_and(|before| record.offset < before)
            && record.offset >= told.before_deletion;
        let compaction_hides = self.compacted && record.offset >= told.before_away;
        if fate != OPEN && (deletion_hides || compaction_hides) {
            Fate { unmeasured: true, ..fate }
        } else {
            fate
        }
    }
}

/// How many records are to be counted: from as many as must be to as many as may be.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Expected {
    pub(super) good: (u64, u64),
    pub(super) bad: (u64, u64),
    pub(super) unmeasured: (u64, u64),
    pub(super) total: u64,
}

impl Expected {
    pub(super) fn add(&mut self, fates: &[Fate]) {
        let count = |(least, most): &mut (u64, u64), is: bool, only: bool| {
            *least += u64::from(is && only);
            *most += u64::from(is);
        };
        for fate in fates {
            let ways = [fate.good, fate.bad, fate.unmeasured].into_iter().filter(|may_be| *may_be).count();
            count(&mut self.good, fate.good, ways == 1);
            count(&mut self.bad, fate.bad, ways == 1);
            count(&mut self.unmeasured, fate.unmeasured, ways == 1);
            self.total += u64::from(ways > 0);
        }
    }

    /// Whether `good`, `bad` and `unmeasured` records are the truth.
    pub(super) fn is(&self, [good, bad, unmeasured]: [u64; 3]) -> bool {
        let within = |count: u64, (least, most): (u64, u64)| least <= count && count <= most;
        within(good, self.good)
            && within(bad, self.bad)
            && within(unmeasured, self.unmeasured)
            && good + bad + unmeasured == self.total
    }

    /// Whether more has been counted already than ever should be.
    pub(super) fn is_exceeded_by(&self, [good, bad, unmeasured]: [u64; 3]) -> bool {
        good > self.good.1 || bad > self.bad.1 || unmeasured > self.unmeasured.1
    }
}

#[cfg(test)]
mod tests {
    use super::{Commit, History, LoggedRecord, Told};

    /// Times count from 1,000,000 s; each record's fate is a letter: `.` is open, a capital is the only one possible.
    fn check(within: i64, timestamps: &[i64], commits: &[(i64, u64)], expected: &str) {
        check_with(within, timestamps, commits, expected, |_| {});
    }

    const BASE: i64 = 1_000_000_000;

    fn check_with(
        within: i64,
        timestamps: &[i64],
        commits: &[(i64, u64)],
        expected: &str,
        change: impl FnOnce(&mut History),
    ) {
        check_told(within, timestamps, commits, Told::default(), expected, change);
    }

    fn check_told(
        within: i64,
        timestamps: &[i64],
        commits: &[(i64, u64)],
        told: Told,
        expected: &str,
        change: impl FnOnce(&mut History),
    ) {
        let records = (0..).zip(timestamps).map(|(offset, at)| LoggedRecord {
            offset,
            timestamp: BASE + at,
            is_marker: false,
        });
        let commits =
            commits.iter().map(|(at, offset)| Commit { at: BASE + at, offset: *offset, is_reset: false });
        let mut history = History {
            records: records.collect(),
            commits: commits.collect(),
            read_at: BASE + 100_000,
            ..History::default()
        };
        change(&mut history);
        let fates = history.fates(within, told).into_iter().map(|fate| {
            match (fate.good, fate.bad, fate.unmeasured) {
                (false, false, false) => '.',
                (true, false, false) => 'G',
                (false, true, false) => 'B',
                (false, false, true) => 'U',
                (true, false, true) => 'g',
                (false, true, true) => 'b',
                _ => '?',
            }
        });
        assert_eq!(fates.collect::<String>(), expected, "{history:?}");
    }

    #[test]
    fn a_record_is_good_when_its_first_commit_comes_within_the_threshold() {
        check(100, &[0, 1, 2], &[(100, 2), (103, 3)], "GGB");
        check(100, &[0, 1, 2], &[(101, 3)], "BGG");
        check(100, &[0, 1, 2], &[(50, 1)], "GBB");
        check(100, &[0, 1, 2], &[], "BBB");
        // The first one counts: neither a rewind nor what is committed once more makes a difference.
        check(100, &[0, 1, 2], &[(50, 2), (60, 1), (200, 3)], "GGB");
    }

    #[test]
    fn a_record_is_as_young_as_the_youngest_before_it() {
        check(100, &[0, 200, 50], &[(250, 3)], "BGG");
        check(100, &[0, -500, 50], &[(100, 2), (151, 3)], "GGB");
    }

    #[test]
    fn what_is_behind_a_record_from_the_future_is_unknown() {
        check(100, &[0, 600_000, 2, 3], &[(50, 1), (160, 3)], "GgU.");
        check(100, &[0, 600_000, 2, 3], &[(50, 1), (60, 3)], "Ggg.");
        check(100, &[0, 600_000, 2], &[(50, 3)], "Ggg");
        check(100, &[0, 600_000, 2], &[(150, 3)], "BgU");
        // Clocks may differ by a little.
        check(100, &[0, 900, 2], &[(50, 3)], "GGG");
    }

    #[test]
    fn what_an_operator_skips_is_unmeasured_unless_it_was_late_already() {
        check_with(100, &[0, 10, 200, 210], &[(50, 1), (250, 4)], "GBUU", |history| {
            history.commits[1].is_reset = true;
        });
    }

    #[test]
    fn what_was_deleted_before_it_was_judged_may_be_unmeasured() {
        let deleted = |history: &mut History| history.deleted = Some(2);
        let told = |before_deletion| Told { before_deletion, ..Told::default() };
        check_told(100, &[0, 1, 2], &[(20_000, 3)], told(2), "BBB", deleted);
        check_told(100, &[0, 1, 2], &[(20_000, 3)], told(1), "BbB", deleted);
        check_told(100, &[0, 1, 2], &[(50, 3)], told(0), "ggG", deleted);
        check_told(100, &[0, 9_950], &[], told(1), "Bb", deleted);
    }

    #[test]
    fn what_was_committed_while_the_log_was_compacted_is_never_called_late_for_it() {
        let compacted = |history: &mut History| history.compacted = true;
        let told = |before_away| Told { before_away, ..Told::default() };
        check_told(100, &[0, 8_000, 14_000], &[(50, 1), (8_050, 2), (14_050, 3)], told(1), "Ggg", compacted);
        check_told(100, &[0, 8_000, 14_000], &[(8_050, 2), (20_000, 3)], told(1), "Bgb", compacted);
    }
}
