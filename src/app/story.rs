//! Tells the log what has changed since the tick before, once. Cluster and tick are those of the cycle's span.
//! Never repeats what was told, and never floods: of many that change at once only some are named.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{
    AlertState, AlertView, GroupId, Partition, Severity, SloState, SloView, Snapshot, TopicName, Unmeasured,
};

/// How many of a kind one tick may log by name.
const NAMED: usize = 20;

/// What was told.
#[derive(Default)]
pub(super) struct Story {
    is_up: Option<bool>,
    unmeasured: BTreeSet<Unmeasured>,
    slos: BTreeMap<Key, SloState>,
    alerts: BTreeMap<Key, AlertState>,
}

/// Name, group, topic, partition.
type Key = (Arc<str>, Option<GroupId>, Option<TopicName>, Option<Partition>);

impl Story {
    pub(super) fn tell(&mut self, snapshot: &Snapshot) {
        self.tell_of_cluster(snapshot);
        self.tell_of_slos(&snapshot.slos);
        self.tell_of_alerts(&snapshot.alerts);
    }

    fn tell_of_cluster(&mut self, snapshot: &Snapshot) {
        let is_up = snapshot.up.is_ok();
        if self.is_up.replace(is_up) != Some(is_up) {
            if is_up {
                let (groups, topics) = (snapshot.groups.len(), snapshot.topics.len());
                tracing::info!(brokers = snapshot.brokers.len(), topics, groups, "cluster is measured");
            } else {
                let because = snapshot.down_because.as_deref().unwrap_or("no reason known");
                tracing::warn!(because, "cluster cannot be measured");
            }
        }
        if !is_up {
            return;
        }
        let now: BTreeSet<_> = snapshot.unmeasured.iter().cloned().collect();
        for one in now.difference(&self.unmeasured).take(NAMED) {
            let (subject, name) = (one.subject.label(), &one.name);
            tracing::warn!(subject, name, reason = one.detail(), "cannot be measured");
        }
        for one in self.unmeasured.difference(&now).take(NAMED) {
            let (subject, name) = (one.subject.label(), &one.name);
            tracing::info!(subject, name, reason = one.detail(), "no longer unmeasured for this reason");
        }
        self.unmeasured = now;
    }
    fn tell_of_slos(&mut self, slos: &[SloView]) {
        let mut now = BTreeMap::new();
        let mut told = 0;
        for view in slos {
            let key = (view.slo.name.clone(), view.group.clone(), view.topic.clone(), None);
            let before = self.slos.get(&key).copied();
            // An SLO that is fine from the beginning is no news.
            let is_news = before.is_some_and(|before| before != view.state)
                || before.is_none() && view.state != SloState::Ok;
            if is_news && told < NAMED {
                told += 1;
                let (slo, state) = (&view.slo.name, view.state.label());
                let group = view.group.as_ref().map(GroupId::as_str);
                let topic = view.topic.as_ref().map(TopicName::as_str);
                let because = view.because.as_ref().map(|because| &*because.sentence);
                let budget_remaining = view.budget_remaining;
                match view.state {
                    SloState::Ok => {
                        tracing::info!(%slo, group, topic, state, budget_remaining, "SLO changed")
                    }
                    _ => tracing::warn!(%slo, group, topic, state, budget_remaining, because, "SLO changed"),
                }
            }
            now.insert(key, view.state);
        }
        self.slos = now;
    }

    fn tell_of_alerts(&mut self, alerts: &[AlertView]) {
        let mut now = BTreeMap::new();
        let mut told = 0;
        for view in alerts {
            let key = (view.name.clone(), view.group.clone(), view.topic.clone(), view.partition);
            if self.alerts.get(&key) != Some(&view.state) && told < NAMED {
                told += 1;
                let (alert, state, severity) = (&view.name, view.state.label(), view.severity.label());
                let group = view.group.as_ref().map(GroupId::as_str);
                let topic = view.topic.as_ref().map(TopicName::as_str);
                let summary = &*view.summary;
                match (view.state, view.severity) {
                    (AlertState::Firing, Severity::Page | Severity::Ticket) => {
                        tracing::warn!(%alert, group, topic, view.partition, state, severity, summary, "alert fires");
                    }
                    (AlertState::Firing, Severity::Info) => {
                        tracing::info!(%alert, group, topic, view.partition, state, severity, summary, "alert fires");
                    }
                    (AlertState::Pending, _) => {
                        tracing::info!(%alert, group, topic, view.partition, state, severity, summary, "alert is pending");
                    }
                }
            }
            now.insert(key, view.state);
        }
        let over = self.alerts.iter().filter(|(key, _)| !now.contains_key(*key));
        for ((alert, group, topic, partition), before) in over.take(NAMED) {
            let group = group.as_ref().map(GroupId::as_str);
            let topic = topic.as_ref().map(TopicName::as_str);
            let was = before.label();
            tracing::info!(%alert, group, topic, partition, was, "alert is over");
        }
        self.alerts = now;
    }
}
