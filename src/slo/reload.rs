//! Other promises in the same process, between two ticks. What is judged as before goes on as it is, in memory; all else
//! goes through its rows, as over a restart. Never counts anything, and never touches the file.

use std::collections::HashMap;

use super::calendar::UnknownTimeZone;
use super::{Promise, Slo, Slos};
use crate::model::{Damaged, Row};

/// Why rules cannot be exchanged. Then everything is as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotReloaded {
    /// An SLO counts by the calendar of a time zone that nobody knows.
    UnknownTimeZone(UnknownTimeZone),
    /// What was counted so far cannot be read back.
    Damaged,
}

impl std::fmt::Display for NotReloaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownTimeZone(unknown) => unknown.fmt(f),
            Self::Damaged => f.write_str("what was counted so far cannot be read back"),
        }
    }
}

impl std::error::Error for NotReloaded {}

impl From<UnknownTimeZone> for NotReloaded {
    fn from(unknown: UnknownTimeZone) -> Self {
        Self::UnknownTimeZone(unknown)
    }
}

impl From<Damaged> for NotReloaded {
    fn from(_: Damaged) -> Self {
        Self::Damaged
    }
}

impl Slos {
    /// `slos`, gone on from the rows of this; what of this is judged as before is still missing. To be given to
    /// [`Slos::go_on_as`] before the next tick.
    ///
    /// # Errors
    /// The time zone of a calendar window is not known, or a row of this cannot be read.
    pub fn prepare(&self, slos: Vec<Slo>) -> Result<Self, NotReloaded> {
        let mut prepared = Self::new(slos)?;
        let stays = self.places_in(&prepared);
        let rows = self.rows_of(|place| !stays.contains_key(&place));
        prepared.restore(&rows)?;
        Ok(prepared)
    }

    /// Takes on what was prepared. What is judged as before keeps everything, and the rows of what changed come with the
    /// next changed ones.
    pub fn go_on_as(&mut self, prepared: Self) {
        let stays = self.places_in(&prepared);
        // What was not yet given out comes first: what follows is newer.
        let mut waiting = self.changed_rows();
        let before = std::mem::replace(self, prepared);
        waiting.append(&mut self.removed);
        self.removed = waiting;
        for ((place, group, topic), tracked) in before.tracked {
            if let Some(place) = stays.get(&place) {
                self.tracked.insert((*place, group, topic), tracked);
            }
        }
        for (place, promise) in before.promises.into_iter().enumerate() {
            if let Some(same) = stays.get(&place).and_then(|place| self.promises.get_mut(*place)) {
                (same.plan, same.absent) = (promise.plan, promise.absent);
            }
        }
    }

    /// Where in `prepared` the promises of this are that are judged there as they are here.
    fn places_in(&self, prepared: &Self) -> HashMap<usize, usize> {
        let place_of = |promise: &Promise| {
            let at =
                prepared.promises.binary_search_by(|other| other.slo.name.cmp(&promise.slo.name)).ok()?;
            is_judged_alike(&promise.slo, &prepared.promises[at].slo).then_some(at)
        };
        let places = self.promises.iter().enumerate();
        places.filter_map(|(place, promise)| Some((place, place_of(promise)?))).collect()
    }

    /// The rows of the promises of which `is_wanted`, and of those that are no more.
    pub(super) fn rows_of(&self, is_wanted: impl Fn(usize) -> bool) -> Vec<Row> {
        let mut rows = Vec::new();
        for ((place, ..), tracked) in self.tracked.iter().filter(|((place, ..), _)| is_wanted(*place)) {
            tracked.rows(&self.promises[*place].fingerprint, &mut rows);
        }
        rows.extend(self.orphans.values().flat_map(|orphan| orphan.rows.iter().cloned()));
        rows
    }
}

/// Whether two SLOs differ at most in what is only for people.
fn is_judged_alike(one: &Slo, other: &Slo) -> bool {
    let Slo { description, labels, runbook, .. } = other;
    let said = Slo {
        description: description.clone(),
        labels: labels.clone(),
        runbook: runbook.clone(),
        ..one.clone()
    };
    said == *other
}
