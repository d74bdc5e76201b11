//! Plain threshold alerts: inactive, pending, firing. Pure: time and what a tick has measured come in.
//! Never measures anything itself, never sends anything.

mod counter;
mod definition;
mod history;
mod incident;
mod lag;
mod latency;
mod lost;
mod places;
mod problems;
mod reading;
mod reload;
mod replicas;
mod rows;
mod rule;
mod scripted;
mod standstill;
mod subject;
mod timers;
mod trend;
mod unmatched;
mod views;
mod words;

use std::sync::Arc;

use crate::model::{
    AlertView, Because, Damaged, GroupView, Measured, Millis, Row, RowKind, Timestamp, TopicView,
};
pub use definition::{AlertRule, Condition, Consumption, TrendOf};
pub use incident::{IncidentInput, Incidents};
pub use problems::problems;
use rows::{Restored, SteadyClock};
use rule::RuleState;
pub use scripted::{ScriptedMinute, scripted_states};
pub use words::plain_words;

/// What one tick has measured of one cluster.
#[derive(Debug, Clone, Copy)]
pub struct AlertInput<'a> {
    /// The daemon's clock at the tick.
    pub now: Timestamp,
    /// Whether the cluster was measured, and why not.
    pub up: Measured<()>,
    /// In the order of their names; all there are, while the cluster is up.
    pub topics: &'a [TopicView],
    /// In the order of their ids.
    pub groups: &'a [GroupView],
    /// Every group that there is was listed: one that is missing is gone.
    pub groups_complete: bool,
}

/// All threshold alerts of one cluster, from tick to tick.
#[derive(Debug)]
pub struct Alerts {
    rules: Vec<RuleState>,
    clock: SteadyClock,
    /// The clock as its row has it.
    written_clock: Option<SteadyClock>,
    /// Rows of rules that are not there any more.
    orphans: Vec<Row>,
    unmatched: Vec<(Arc<str>, Because)>,
}

impl Alerts {
    /// Nothing is pending yet. The names of `rules` are unique.
    #[must_use]
    pub fn new(mut rules: Vec<AlertRule>) -> Self {
        rules.sort_by(|one, other| one.name.cmp(&other.name));
        Self {
            rules: rules.into_iter().map(RuleState::new).collect(),
            clock: SteadyClock::default(),
            written_clock: None,
            orphans: Vec::new(),
            unmatched: Vec::new(),
        }
    }

    /// Goes on where the process of before has stopped; before the first tick. Rows of other kinds are passed over,
    /// those of rules that are no more are to be removed with the next changed rows.
    ///
    /// # Errors
    /// A row that no version of this has written. Then nothing is restored.
    pub fn restore(&mut self, rows: &[Row]) -> Result<(), Damaged> {
        let rows: Vec<_> = rows.iter().filter(|row| row.kind == RowKind::Alert).collect();
        let restored = rows.iter().map(|row| rows::read(row)).collect::<Result<Vec<_>, _>>()?;
        for (row, restored) in rows.into_iter().zip(restored) {
            let name = match &restored {
                Restored::Clock(clock) => {
                    (self.clock, self.written_clock) = (*clock, Some(*clock));
                    continue;
                }
                Restored::Summary(name, _) | Restored::Alert(name, ..) => *name,
            };
            let found = self.rules.binary_search_by(|state| (*state.rule.name).cmp(name));
            match (found.ok().and_then(|at| self.rules.get_mut(at)), restored) {
                (Some(state), Restored::Summary(_, since)) => state.summarized_since = Some(since),
                (Some(state), Restored::Alert(_, subject, fingerprint, alert)) => {
                    state.restore(subject, fingerprint, *alert);
                }
                _ => self.orphans.push(Row { value: None, ..row.clone() }),
            }
        }
        Ok(())
    }

    /// Evaluates every rule. What is pending or firing after it, in the order of names, groups, topics and partitions.
    pub fn observe(&mut self, input: &AlertInput<'_>) -> Vec<AlertView> {
        if !self.has_any() {
            self.clock = SteadyClock::default();
        }
        let steady = self.clock.at(input.now);
        let mut views = Vec::new();
        for state in &mut self.rules {
            let active = state.observe(input, steady);
            views.extend(views::views(&state.rule, &active, state.summarized_since, self.clock.behind));
        }
        views.sort_by(|one, other| {
            let key = |view: &AlertView| (view.name.clone(), view.group.clone(), view.topic.clone());
            key(one)
                .cmp(&key(other))
                .then(one.partition.cmp(&other.partition))
                .then(other.state.cmp(&one.state))
        });
        if input.up.is_ok() {
            let of_rule = |state: &RuleState| {
                let because = unmatched::unmatched(&state.rule.when, state.has_matched, input)?;
                Some((state.rule.name.clone(), because))
            };
            self.unmatched = self.rules.iter().filter_map(of_rule).collect();
        }
        views
    }

    /// The rows that have changed since this was last asked.
    pub fn changed_rows(&mut self) -> Vec<Row> {
        let mut rows = std::mem::take(&mut self.orphans);
        for state in &mut self.rules {
            state.changed_rows(&mut rows);
        }
        if self.has_any() && self.written_clock != Some(self.clock) {
            self.written_clock = Some(self.clock);
            rows.push(self.clock.row());
        }
        rows
    }

    /// Thresholds that should be bucket bounds of the latency histograms of those groups and topics: only then can a
    /// quantile always be told to be above or not.
    #[must_use]
    pub fn latency_bounds(&self) -> Vec<(Consumption, Millis)> {
        let bound = |state: &RuleState| match &state.rule.when {
            Condition::Latency { of, above, .. } => Some((of.clone(), *above)),
            _ => None,
        };
        self.rules.iter().filter_map(bound).collect()
    }

    /// Names of rules whose selectors meant nothing in the last tick that was measured, and why: an exact name that
    /// is not there, or a glob without a match.
    #[must_use]
    pub fn unmatched(&self) -> &[(Arc<str>, Because)] {
        &self.unmatched
    }

    fn has_any(&self) -> bool {
        self.rules.iter().any(|state| !state.alerts.is_empty() || state.summarized_since.is_some())
    }
}

#[cfg(test)]
mod tests;
