//! Incidents of one cluster, from tick to tick: when one opens, grows, calms and is over. Pure: what a tick has judged
//! and measured comes in.
//! Never decides whether a promise burns or a threshold is crossed, and never tells anybody.

mod claim;
mod happenings;
mod history;
mod open;
mod place;
mod rates;
mod rows;
mod sight;
#[cfg(test)]
mod tests;
mod trend;
mod worst;

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::rows::SteadyClock;
use crate::model::{
    AlertState, AlertView, BrokerView, ClusterName, Damaged, GroupView, Incident, IncidentSource, Measured,
    Millis, Row, RowKind, SloState, SloView, Timestamp, TopicView,
};
use claim::Claim;
use happenings::Happenings;
use history::History;
use open::{Open, Verdict};
use place::Place;
use rows::Restored;
use sight::Sight;
use worst::Owners;

/// What one tick has judged and measured of one cluster.
#[derive(Debug, Clone, Copy)]
pub struct IncidentInput<'a> {
    /// The daemon's clock at the tick.
    pub now: Timestamp,
    /// Whether the cluster was measured, and why not. While it was not, nothing is over for want of being seen.
    pub up: Measured<()>,
    /// Every SLO, in the order of names, groups and topics.
    pub slos: &'a [SloView],
    /// What is pending or firing.
    pub alerts: &'a [AlertView],
    /// In the order of their names.
    pub topics: &'a [TopicView],
    /// In the order of their ids.
    pub groups: &'a [GroupView],
    /// Every broker ever seen.
    pub brokers: &'a [BrokerView],
}

/// All incidents of one cluster.
#[derive(Debug)]
pub struct Incidents {
    cluster: ClusterName,
    /// The names of the threshold alerts that there are.
    rules: BTreeSet<Arc<str>>,
    open: HashMap<Place, Open>,
    history: History,
    happenings: Happenings,
    owners: Owners,
    clock: SteadyClock,
    /// The clock as its row has it.
    written_clock: Option<SteadyClock>,
    /// The latest time that an id has; ids of one place are told apart by it.
    last_opening: Option<Timestamp>,
    tick: u64,
    /// What was last given out.
    shown: Arc<[Arc<Incident>]>,
    rows: Vec<Row>,
}

impl Incidents {
    /// Nothing is wrong yet. `rules` are the names of the threshold alerts of the settings.
    #[must_use]
    pub fn new(cluster: ClusterName, rules: impl IntoIterator<Item = Arc<str>>) -> Self {
        Self {
            cluster,
            rules: rules.into_iter().collect(),
            open: HashMap::new(),
            history: History::default(),
            happenings: Happenings::default(),
            owners: Owners::default(),
            clock: SteadyClock::default(),
            written_clock: None,
            last_opening: None,
            tick: 0,
            shown: Arc::default(),
            rows: Vec::new(),
        }
    }

    /// Other threshold alerts from the next tick on: `rules` are their names.
    pub fn go_by(&mut self, rules: impl IntoIterator<Item = Arc<str>>) {
        self.rules = rules.into_iter().collect();
    }

    /// Goes on where the process of before has stopped; before the first tick. Rows of other kinds are passed over.
    ///
    /// # Errors
    /// A row that no version of this has written. Then nothing is restored.
    pub fn restore(&mut self, rows: &[Row]) -> Result<(), Damaged> {
        let rows = rows.iter().filter(|row| row.kind == RowKind::Incident);
        let restored =
            rows.map(|row| rows::read(row, &self.cluster)).collect::<Result<Vec<Restored>, Damaged>>()?;
        for restored in restored {
            match restored {
                Restored::Clock(clock) => (self.clock, self.written_clock) = (clock, Some(clock)),
                Restored::Open(open) => {
                    self.last_opening = self.last_opening.max(Some(open.id_time));
                    self.open.insert(Place::of(&open.shown), *open);
                }
                Restored::Over(incident, id_time) => {
                    self.last_opening = self.last_opening.max(Some(id_time));
                    self.history.restore(incident, id_time);
                }
            }
        }
        self.history.sort();
        self.show();
        Ok(())
    }

    /// Takes what a tick has judged. All incidents that are open, and the newest of those that are over; both newest
    /// first. The same list again when nothing in it has changed, and the same incident again when nothing of it has.
    pub fn observe(&mut self, input: &IncidentInput<'_>) -> Arc<[Arc<Incident>]> {
        if !self.has_timers() {
            self.clock = SteadyClock::default();
        }
        self.tick += 1;
        let steady = self.clock.at(input.now);
        let has_news = self.happenings.observe(input);
        let opening = self.last_opening.map_or(input.now, |last| input.now.max(last + Millis(1)));
        let mut sight = Sight::new(input, steady, opening, self.tick, has_news);
        let mut has_changed = false;
        for view in input.slos {
            let severity = claim::burns(view.state);
            if let Some(severity) = severity {
                let claim = Claim::of_slo(input.up, view, severity);
                has_changed |= self.speaks(Place::of_slo(view, IncidentSource::Slo), &claim, &mut sight);
            }
            if view.unmeasured_alert {
                let place = Place::of_slo(view, IncidentSource::UnmeasuredSlo);
                has_changed |= self.speaks(place, &Claim::of_unmeasured(input.up, view), &mut sight);
            }
        }
        for view in input.alerts.iter().filter(|view| view.state == AlertState::Firing) {
            has_changed |= self.speaks(Place::of_alert(view), &Claim::of_alert(view), &mut sight);
        }
        has_changed |= self.quiet_ones(&mut sight);
        has_changed |= self.history.forget(input.now, &mut self.rows);
        self.owners.forget_unused(self.tick);
        if has_changed {
            self.show();
        }
        Arc::clone(&self.shown)
    }

    /// The rows that have changed since this was last asked.
    pub fn changed_rows(&mut self) -> Vec<Row> {
        let mut rows = std::mem::take(&mut self.rows);
        for open in self.open.values_mut().filter(|open| open.is_changed) {
            open.is_changed = false;
            rows.push(rows::open_row(open));
        }
        if self.has_timers() && self.written_clock != Some(self.clock) {
            self.written_clock = Some(self.clock);
            rows.push(rows::clock_row(&self.clock));
        }
        rows
    }

    /// Something speaks at `place`: its incident opens, or goes on. Whether what is shown has changed.
    fn speaks(&mut self, place: Place, claim: &Claim<'_>, sight: &mut Sight<'_>) -> bool {
        let helpers = (&self.happenings, &mut self.owners);
        match self.open.entry(place) {
            Entry::Occupied(mut entry) => entry.get_mut().goes_on(claim, sight, helpers),
            Entry::Vacant(entry) => {
                self.last_opening = Some(sight.opening);
                let open = Open::new(&self.cluster, entry.key(), claim, sight, helpers);
                entry.insert(open);
                true
            }
        }
    }

    /// What is open and did not speak in this tick: it is over, waits until it is, or cannot be known to be.
    fn quiet_ones(&mut self, sight: &mut Sight<'_>) -> bool {
        let mut over = Vec::new();
        let mut has_changed = false;
        for (place, open) in self.open.iter_mut().filter(|(_, open)| open.seen_in != sight.tick) {
            let verdict = verdict(place, &self.rules, sight);
            match open.is_quiet(place, verdict, sight, (&self.happenings, &mut self.owners)) {
                Some(incident) => over.push((place.clone(), incident)),
                None => has_changed |= std::mem::take(&mut open.has_new_looks),
            }
        }
        for (place, incident) in over {
            if let Some(open) = self.open.remove(&place) {
                self.rows.push(rows::over_row(&incident, open.id_time));
                self.history.add(incident, open.id_time);
                has_changed = true;
            }
        }
        has_changed
    }

    fn has_timers(&self) -> bool {
        self.open.values().any(Open::has_timer)
    }

    fn show(&mut self) {
        let mut shown: Vec<_> = self.open.values().map(|open| Arc::clone(&open.shown)).collect();
        shown
            .sort_by(|one, other| other.opened_at.cmp(&one.opened_at).then_with(|| place::order(one, other)));
        shown.extend(self.history.newest().cloned());
        self.shown = shown.into();
    }
}

/// What a tick says of an incident that does not speak.
fn verdict<'a>(place: &Place, rules: &BTreeSet<Arc<str>>, sight: &Sight<'a>) -> Verdict<'a> {
    let input = sight.input;
    if place.source == IncidentSource::Alert {
        return match input.up {
            Err(why) => Verdict::Unknown(claim::unmeasured(why), None),
            Ok(()) if !rules.contains(&place.name) => Verdict::RuleGone,
            Ok(()) => Verdict::Over(sight.regrouped(place)),
        };
    }
    let view = sight.slo(place);
    match (input.up, view) {
        (Err(why), view) => Verdict::Unknown(claim::unmeasured(why), view),
        (Ok(()), None) if !sight.has_slo(&place.name) => Verdict::RuleGone,
        (Ok(()), Some(view)) if place.source == IncidentSource::Slo && view.state == SloState::Unmeasured => {
            Verdict::Unknown(view.because.clone().unwrap_or_else(claim::undecided), Some(view))
        }
        (Ok(()), view) => Verdict::Silent(view),
    }
}
