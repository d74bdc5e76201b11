//! Other rules in the same process, between two ticks: each goes on from its rows, as over a restart, which loses nothing.
//! Never evaluates a rule, and never touches the file.

use std::sync::Arc;

use super::{AlertRule, Alerts};
use crate::model::{Damaged, Row};

impl Alerts {
    /// `rules`, gone on from the rows of this. To be given to [`Alerts::go_on_as`] before the next tick.
    ///
    /// # Errors
    /// A row of this cannot be read.
    pub fn prepare(&self, rules: Vec<AlertRule>) -> Result<Self, Damaged> {
        let mut prepared = Self::new(rules);
        prepared.restore(&self.rows())?;
        Ok(prepared)
    }

    /// Takes on what was prepared. The rows of what changed come with the next changed ones.
    pub fn go_on_as(&mut self, prepared: Self) {
        // What was not yet given out comes first: what follows is newer.
        let mut waiting = self.changed_rows();
        let before = std::mem::replace(self, prepared);
        waiting.append(&mut self.orphans);
        self.orphans = waiting;
        let is_there = |name: &Arc<str>| self.rules.iter().any(|state| state.rule.name == *name);
        self.unmatched = before.unmatched.into_iter().filter(|(name, _)| is_there(name)).collect();
    }

    /// Everything that is kept.
    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for state in &self.rules {
            state.rows(&mut rows);
        }
        rows.extend(self.has_any().then(|| self.clock.row()));
        rows
    }
}
