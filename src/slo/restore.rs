//! Counts that outlive the process: what of the stored rows is taken back, what is kept aside, what goes.
//! Never touches the file.
//!
//! The rules: a renamed SLO starts anew. One that counts something else than before (another indicator, threshold, slice
//! or dead letter topic) starts anew, and its old rows go. One with another objective, window, labels, alerting or
//! selectors keeps its counts. Those of what is not promised any more are kept aside for 93 days.

use super::because::selectors;
use super::rows::{self, Orphan, Owner};
use super::tracked::{Tracked, end_of};
use super::{Key, Slos, TickInput};
use crate::model::{Damaged, Minute, Row, RowKind};

/// Names of groups and topics that are no more are forgotten when there are more of them than this.
const ROOM_FOR_NAMES: usize = 10_000;

impl Slos {
    /// Takes back the rows that [`Slos::changed_rows`] or [`Slos::rows`] gave, in any order; other kinds are passed over.
    /// Once, before the first tick.
    ///
    /// # Errors
    /// A row is not one that this version wrote.
    pub fn restore(&mut self, all: &[Row]) -> Result<(), Damaged> {
        let of_kind = |kind| all.iter().filter(move |row| row.kind == kind);
        for row in of_kind(RowKind::Slo) {
            let owner = rows::owner_of(row)?;
            let (_, mut value) = row.readers()?;
            let fingerprint = rows::read_fingerprint(&mut value)?;
            match self.place_of(&owner) {
                Some(place) if self.promises[place].fingerprint == fingerprint => {
                    let promise = &self.promises[place];
                    let mut tracked = Tracked::new(owner.clone(), &promise.slo, &promise.plan);
                    tracked.read(&mut value)?;
                    self.tracked.insert((place, owner.group.clone(), owner.topic.clone()), tracked);
                }
                Some(_) => self.removed.push(Row { value: None, ..row.clone() }),
                None => {
                    let orphan = Orphan { rows: vec![row.clone()], last: i64::MIN };
                    self.orphans.insert(owner, orphan);
                }
            }
        }
        for row in of_kind(RowKind::SloCounts) {
            let owner = rows::owner_of(row)?;
            let (stretch, packed) = rows::read_counts(row)?;
            let place = self.place_of(&owner);
            let tracked = place
                .and_then(|place| self.tracked.get_mut(&(place, owner.group.clone(), owner.topic.clone())));
            if let Some(tracked) = tracked {
                tracked.instance.counts.restore(stretch, packed);
            } else if let Some(orphan) = self.orphans.get_mut(&owner) {
                orphan.rows.push(row.clone());
                orphan.last = orphan.last.max(end_of(stretch));
            } else {
                self.removed.push(Row { value: None, ..row.clone() });
            }
        }
        Ok(())
    }

    /// Everything that is kept, for another [`Slos`] with other settings.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.rows_of(|_| true)
    }

    /// The SLO that means what a row is about.
    fn place_of(&self, owner: &Owner) -> Option<usize> {
        let place =
            self.promises.binary_search_by(|promise| (*promise.slo.name).cmp(owner.slo.as_str())).ok()?;
        let promise = &self.promises[place];
        let is_meant = match (&owner.group, &owner.topic) {
            (Some(group), Some(topic)) => promise.means(group, topic),
            (None, Some(topic)) => {
                let (group, [selected, _]) = selectors(&promise.slo.indicator);
                group.is_none() && selected.is_some_and(|selected| selected.matches(topic.as_str()))
            }
            _ => false,
        };
        is_meant.then_some(place)
    }

    /// Lets go of instances whose group or topic is long gone, and of what nobody has promised for as long.
    pub(super) fn forget(&mut self, old: Vec<Key>, input: &TickInput<'_>) {
        let mut rows = Vec::new();
        for key in old {
            if let Some(tracked) = self.tracked.remove(&key) {
                tracked.rows(&self.promises[key.0].fingerprint, &mut rows);
            }
            // They are found again if they come back.
            self.pairs.clear();
            self.topics.clear();
        }
        if self.pairs.len() > 2 * input.groups.len() + ROOM_FOR_NAMES {
            self.pairs.clear();
        }
        if self.topics.len() > 2 * input.topics.len() + ROOM_FOR_NAMES {
            self.topics.clear();
        }
        let oldest = Minute::of(input.now - Orphan::KEPT).0;
        self.orphans.retain(|_, orphan| {
            let is_kept = orphan.last >= oldest;
            if !is_kept {
                rows.append(&mut orphan.rows);
            }
            is_kept
        });
        self.removed.extend(rows.into_iter().map(|row| Row { value: None, ..row }));
    }
}
