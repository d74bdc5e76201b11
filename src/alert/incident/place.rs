//! Where an incident is: what its key is made of.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::model::{
    AlertView, ClusterName, GroupId, Incident, IncidentKey, IncidentSource, Partition, SloView, TopicName,
};

/// The order of incidents that begin or end together.
pub(super) fn order(one: &Incident, other: &Incident) -> Ordering {
    let key = |incident: &Incident| (incident.source, incident.partition);
    let names = one.name.cmp(&other.name).then_with(|| one.group.cmp(&other.group));
    names
        .then_with(|| one.topic.cmp(&other.topic))
        .then_with(|| key(one).cmp(&key(other)))
        .then_with(|| one.id.cmp(&other.id))
}

/// One place of a cluster: at any time at most one incident is open there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) source: IncidentSource,
    pub(super) name: Arc<str>,
    pub(super) group: Option<GroupId>,
    pub(super) topic: Option<TopicName>,
    pub(super) partition: Option<Partition>,
}

impl Place {
    pub(super) fn of_slo(view: &SloView, source: IncidentSource) -> Self {
        Self {
            source,
            name: Arc::clone(&view.slo.name),
            group: view.group.clone(),
            topic: view.topic.clone(),
            partition: None,
        }
    }

    pub(super) fn of_alert(view: &AlertView) -> Self {
        Self {
            source: IncidentSource::Alert,
            name: Arc::clone(&view.name),
            group: view.group.clone(),
            topic: view.topic.clone(),
            partition: view.partition,
        }
    }

    pub(super) fn of(incident: &Incident) -> Self {
        Self {
            source: incident.source,
            name: Arc::clone(&incident.name),
            group: incident.group.clone(),
            topic: incident.topic.clone(),
            partition: incident.partition,
        }
    }

    pub(super) fn key(&self, cluster: &ClusterName) -> IncidentKey {
        let (group, topic) = (self.group.as_ref(), self.topic.as_ref());
        IncidentKey::of(cluster, self.source, &self.name, group, topic, self.partition)
    }

    /// It names neither a group nor a topic: it is of the cluster, or stands for many.
    pub(super) fn is_nameless(&self) -> bool {
        self.group.is_none() && self.topic.is_none()
    }
}
