//! Incidents that are over: the newest of them whole, of the others only what it takes to let go of them in time.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

use super::{place, rows};
use crate::model::{Incident, IncidentKey, Millis, Row, Timestamp};

/// So long an incident that is over is kept in the state file.
const KEPT: Millis = Millis::from_seconds(90 * 24 * 60 * 60);

/// How many of one cluster are kept in the state file; the oldest go first.
const MOST: usize = 100_000;

/// How many are shown.
const SHOWN: usize = 1_000;

/// Newest first, by when they were over.
#[derive(Debug, Default)]
pub(super) struct History {
    shown: VecDeque<(Arc<Incident>, Timestamp)>,
    older: VecDeque<Older>,
}

/// One that is not shown any more.
#[derive(Debug)]
struct Older {
    resolved_at: Timestamp,
    key: IncidentKey,
    id_time: Timestamp,
}

impl History {
    /// One that is over now. `id_time` is the time in its id.
    pub(super) fn add(&mut self, incident: Arc<Incident>, id_time: Timestamp) {
        let at = self.shown.partition_point(|(other, _)| newest_first(other, &incident) == Ordering::Less);
        self.shown.insert(at, (incident, id_time));
        if self.shown.len() > SHOWN
            && let Some((incident, id_time)) = self.shown.pop_back()
        {
            self.older.push_front(Older::of(&incident, id_time));
        }
    }

    /// One that was over before this process began; [`History::sort`] comes after the last.
    pub(super) fn restore(&mut self, incident: Arc<Incident>, id_time: Timestamp) {
        self.shown.push_back((incident, id_time));
    }

    /// Brings those that were restored into order.
    pub(super) fn sort(&mut self) {
        self.shown.make_contiguous().sort_by(|(one, _), (other, _)| newest_first(one, other));
        let older = self.shown.split_off(self.shown.len().min(SHOWN));
        self.older = older.iter().map(|(incident, id_time)| Older::of(incident, *id_time)).collect();
    }

    pub(super) fn newest(&self) -> impl Iterator<Item = &Arc<Incident>> {
        self.shown.iter().map(|(incident, _)| incident)
    }

    /// Lets go of what is too old, or too much. Whether any of those were shown.
    pub(super) fn forget(&mut self, now: Timestamp, removed: &mut Vec<Row>) -> bool {
        let is_old = |at: Timestamp| now.since(at) > KEPT;
        let is_too_many = |older: &VecDeque<Older>| older.len() + SHOWN > MOST;
        while self.older.back().is_some_and(|last| is_old(last.resolved_at)) || is_too_many(&self.older) {
            if let Some(last) = self.older.pop_back() {
                removed.push(rows::removed(&last.key, last.id_time));
            }
        }
        let mut has_changed = false;
        while self.older.is_empty()
            && let Some((last, id_time)) = self.shown.back()
            && last.resolved_at.is_some_and(is_old)
        {
            removed.push(rows::removed(&last.key, *id_time));
            self.shown.pop_back();
            has_changed = true;
        }
        has_changed
    }
}

/// Not in the order of adding: the clock may be set back.
fn newest_first(one: &Incident, other: &Incident) -> Ordering {
    other.resolved_at.cmp(&one.resolved_at).then_with(|| place::order(one, other))
}

impl Older {
    fn of(incident: &Incident, id_time: Timestamp) -> Self {
        let resolved_at = incident.resolved_at.unwrap_or(incident.changed_at);
        Self { resolved_at, key: incident.key.clone(), id_time }
    }
}
