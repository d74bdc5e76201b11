//! Records told by two counters that only grow: so many that are bad, so many among or beside which they are.
//! Never counts what was there before watching began.

use crate::model::{Counts, Damaged, Reader, Writer};

/// How the two counters lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// The bad ones are beside the others: lost, not consumed.
    Beside,
    /// The bad ones are among the others: dead letters of records that were appended. They come later than the
    /// record, so one that was called good is taken back from those that come next.
    Among,
}

#[derive(Debug)]
pub(super) struct Counters {
    relation: Relation,
    /// All, and bad.
    last: Option<(u64, u64)>,
    /// Good ones that were counted too many.
    debt: u64,
}

impl Counters {
    pub(super) fn new(relation: Relation) -> Self {
        Self { relation, last: None, debt: 0 }
    }

    /// What has come since the last time. A counter that fell has begun anew, and tells nothing this time.
    pub(super) fn observe(&mut self, all: u64, bad: u64) -> Counts {
        let (last_all, last_bad) = self.last.replace((all, bad)).unwrap_or((all, bad));
        let (all, bad) = (all.saturating_sub(last_all), bad.saturating_sub(last_bad));
        let good = match self.relation {
            Relation::Beside => all,
            Relation::Among => {
                let owed = self.debt.saturating_add(bad);
                self.debt = owed.saturating_sub(all);
                all.saturating_sub(owed)
            }
        };
        Counts { good, bad, unmeasured: 0 }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        let (all, bad) = self.last.unwrap_or_default();
        writer.flag(self.last.is_some()).number(all).number(bad).number(self.debt);
    }

    pub(super) fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Damaged> {
        let is_some = reader.flag()?;
        let last = (reader.number()?, reader.number()?);
        self.last = is_some.then_some(last);
        self.debt = reader.number()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(relation: Relation, totals: &[(u64, u64)], expected: &[(u64, u64)]) {
        let mut counters = Counters::new(relation);
        let found: Vec<_> = totals
            .iter()
            .map(|(all, bad)| counters.observe(*all, *bad))
            .map(|counts| (counts.good, counts.bad))
            .collect();
        assert_eq!(found, expected, "{totals:?}");
    }

    #[test]
    fn dead_letters_are_taken_back_from_what_was_called_good() {
        check(Relation::Among, &[(50, 3)], &[(0, 0)]);
        check(
            Relation::Among,
            &[(0, 0), (100, 0), (100, 5), (103, 5), (113, 6)],
            &[(0, 0), (100, 0), (0, 5), (0, 0), (7, 1)],
        );
        check(Relation::Among, &[(100, 9), (10, 9), (20, 9)], &[(0, 0), (0, 0), (10, 0)]);
    }

    #[test]
    fn lost_records_are_beside_those_consumed() {
        check(Relation::Beside, &[(10, 0), (15, 2), (15, 7)], &[(0, 0), (5, 2), (0, 5)]);
    }
}
