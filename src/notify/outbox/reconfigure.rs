//! Other settings while the daemon runs.

use std::collections::BTreeSet;

use super::super::config::{NotifyConfig, ReceiverName};
use super::super::message::Links;
use super::super::route;
use super::super::rows::{self, Rows};
use super::{Outbox, entry, grouping_for};
use crate::model::Timestamp;

/// What new settings have done.
#[derive(Debug, Default)]
pub struct Reconfigured {
    /// To be made durable.
    pub rows: Rows,
    /// Receivers that are gone, and of how many incidents they were or would have been told.
    pub dropped: Vec<(ReceiverName, usize)>,
}

impl Outbox {
    /// Goes on with other settings. Receivers that are gone are forgotten with their entries; all others are told of
    /// what is open and routed to them now, and what they have refused is tried again if they have changed.
    pub fn reconfigure(&mut self, config: NotifyConfig, now: Timestamp) -> Reconfigured {
        self.config = config;
        self.book.links = Links { external_url: self.config.external_url.clone() };
        let mut done = Reconfigured::default();
        let mut lanes = std::mem::take(&mut self.lanes);
        self.open_lanes();
        for (name, fresh) in &mut self.lanes {
            if let Some(before) = lanes.remove(name) {
                fresh.take_over(before, &self.book);
            }
        }
        for (name, lane) in lanes {
            done.dropped.push((name.clone(), lane.entries.len()));
            for id in lane.entries.keys() {
                if let Some(known) = self.book.incidents.get(id) {
                    let cluster = known.incident.cluster.clone();
                    done.rows.entry(cluster).or_default().push(rows::removed(id, &name));
                }
            }
        }
        let mut changed = BTreeSet::new();
        for (id, known) in &self.book.incidents {
            for lane in self.lanes.values_mut() {
                let fresh = entry(lane.manner, grouping_for(&self.config, known, lane.name()), known, now);
                if let Some(held) = lane.entries.get_mut(id) {
                    (held.group, held.grouping) = (fresh.group, fresh.grouping);
                }
            }
            if !known.incident.is_open() {
                continue;
            }
            for (name, grouping) in route::of_incident(&self.config, &known.incident, &known.labels) {
                let Some(lane) = self.lanes.get_mut(name) else { continue };
                if lane.insert(id, |manner| entry(manner, grouping, known, now)) {
                    changed.insert((name.clone(), id.clone()));
                }
            }
        }
        for lane in self.lanes.values_mut() {
            changed.extend(lane.gather(&self.book, now).into_iter().map(|id| (lane.name().clone(), id)));
        }
        self.write(&changed, &mut done.rows);
        done
    }
}
