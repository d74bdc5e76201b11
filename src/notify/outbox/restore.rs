//! How the outbox goes on after a restart.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::book::Known;
use super::super::config::ReceiverName;
use super::super::lane::Lane;
use super::super::rows::{self, Restored};
use super::{Outbox, entry, grouping_for};
use crate::model::{ClusterName, Damaged, Row, RowKind, Timestamp};

impl Outbox {
    /// Goes on where the process of before has stopped; before anything else. Rows of other kinds are passed over.
    /// Tells which receivers are gone, and how many entries they had: these are dropped.
    ///
    /// # Errors
    /// A row that no version of this has written.
    pub fn restore(
        &mut self,
        cluster: &ClusterName,
        rows: &[Row],
    ) -> Result<Vec<(ReceiverName, usize)>, Damaged> {
        let of_kind = |kind| rows.iter().filter(move |row| row.kind == kind);
        for row in of_kind(RowKind::Silence) {
            self.book.silences.restore(rows::read_silence(row)?);
        }
        let mut dropped = BTreeMap::new();
        for row in of_kind(RowKind::Delivery) {
            if rows::is_under_way(row) {
                let (receiver, ids) = rows::read_under_way(row)?;
                if let Some(lane) = self.lanes.get_mut(&receiver) {
                    (lane.is_announced, lane.interrupted) = (true, ids.into_iter().collect());
                }
                continue;
            }
            let restored = rows::read_entry(cluster, row)?;
            let receiver = restored.receiver.clone();
            if !self.restore_entry(&receiver, restored) {
                *dropped.entry(receiver).or_insert(0) += 1;
                let removed = Row { value: None, ..row.clone() };
                self.pending.entry(cluster.clone()).or_default().push(removed);
            }
        }
        self.lanes.values_mut().for_each(Lane::recall_rate);
        Ok(dropped.into_iter().collect())
    }

    fn restore_entry(&mut self, receiver: &ReceiverName, mut restored: Restored) -> bool {
        let Some(lane) = self.lanes.get_mut(receiver) else { return false };
        let (book, config) = (&mut self.book, &self.config);
        let id = restored.incident.id.clone();
        let stub = restored.incident.clone();
        let known = book
            .incidents
            .entry(id.clone())
            .or_insert_with(|| Known::new(Arc::new(stub), &book.silences, false));
        // Settings may have changed since, and a refusal with them.
        if known.incident.is_open() {
            restored.refused = None;
        }
        if known.incident.revision < restored.incident.revision {
            known.incident = Arc::new(restored.incident.clone());
        }
        let grouping = grouping_for(config, known, receiver);
        lane.insert(&id, |manner| restored.into_entry(entry(manner, grouping, known, Timestamp::default())))
    }
}
