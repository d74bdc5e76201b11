//! One tick: an observation or an outage and the time in, a snapshot out. The whole core of a cluster.
//! No I/O, no clock, no waiting: `app` asks Kafka what this asks for.

use crate::measure::Measurement;
use crate::model::{
    Broker, BrokerView, ClusterName, GroupView, HistoryPoint, Measured, Millis, Observation, Reason,
    Snapshot, Subject, TimeAnswer, TimeQuestion, Timestamp, TopicView, Unmeasured,
};
use crate::store::Store;

/// One cluster's core, from tick to tick.
#[derive(Debug)]
pub struct Engine {
    cluster: ClusterName,
    measurement: Measurement,
    history: Store,
    brokers: Vec<Broker>,
    cluster_id: Option<String>,
    tick: u64,
    last_measured: Option<Timestamp>,
}

/// Why a cycle has measured nothing.
#[derive(Debug, Clone)]
pub struct Outage {
    /// The same as one word.
    pub reason: Reason,
    /// A sentence for people.
    pub because: String,
}

impl Engine {
    /// A cluster that nothing is known of yet, with room for so many series of history.
    #[must_use]
    pub fn new(cluster: ClusterName, max_history_series: u64) -> Self {
        Self {
            cluster,
            measurement: Measurement::default(),
            history: Store::new(max_history_series),
            brokers: Vec::new(),
            cluster_id: None,
            tick: 0,
            last_measured: None,
        }
    }

    /// The number of the tick that is under way, from 1.
    #[must_use]
    pub fn next_tick(&self) -> u64 {
        self.tick + 1
    }

    /// Takes an observation that has commits and ends, but no log starts yet.
    pub fn begin(&mut self, observation: &Observation) {
        self.measurement.begin(observation);
    }

    /// See [`Measurement::questions`].
    pub fn questions(&mut self, limit: usize) -> Vec<TimeQuestion> {
        self.measurement.questions(limit)
    }

    /// See [`Measurement::learn`].
    pub fn learn(&mut self, questions: &[TimeQuestion], answers: &[Measured<TimeAnswer>]) {
        self.measurement.learn(questions, answers);
    }

    /// Ends a tick with the finished observation, or with the reason why there is none.
    pub fn tick(&mut self, observed: Result<Observation, Outage>, now: Timestamp) -> Snapshot {
        self.tick += 1;
        match observed {
            Ok(observation) => self.measured(observation, now),
            Err(outage) => self.outage(outage, now),
        }
    }

    /// What is published while a cycle takes too long, or before the first: an outage that is no tick of its own.
    #[must_use]
    pub fn overdue(&self, outage: Outage, now: Timestamp) -> Snapshot {
        self.outage(outage, now)
    }

    fn measured(&mut self, mut observation: Observation, now: Timestamp) -> Snapshot {
        self.last_measured = Some(now);
        self.cluster_id = observation.cluster_id.take().or(self.cluster_id.take());
        let brokers = self.see(&std::mem::take(&mut observation.brokers));
        let backlog = self.measurement.time_lookup_backlog(now);
        let measurements = self.measurement.finish(observation, now);
        self.remember(&measurements.topics, &measurements.groups, now);
        Snapshot {
            up: Ok(()),
            brokers,
            topics: measurements.topics,
            groups: measurements.groups,
            unmeasured: measurements.unmeasured,
            time_lookup_backlog: backlog,
            ..self.empty(now)
        }
    }

    fn outage(&self, outage: Outage, now: Timestamp) -> Snapshot {
        let measurements = self.measurement.outage(outage.reason);
        let cluster =
            Unmeasured { subject: Subject::Cluster, name: self.cluster.to_string(), reason: outage.reason };
        Snapshot {
            up: Err(outage.reason),
            down_because: Some(outage.because),
            topics: measurements.topics,
            groups: measurements.groups,
            unmeasured: vec![cluster],
            ..self.empty(now)
        }
    }

    fn empty(&self, now: Timestamp) -> Snapshot {
        Snapshot {
            cluster: self.cluster.clone(),
            tick: self.tick,
            at: now,
            up: Ok(()),
            down_because: None,
            last_measured: self.last_measured,
            cluster_id: self.cluster_id.clone(),
            brokers: Vec::new(),
            topics: Vec::new(),
            groups: Vec::new(),
            commit_source: self.measurement.commit_source(),
            slos: Vec::new(),
            alerts: Vec::new(),
            unmeasured: Vec::new(),
            time_lookups: self.measurement.time_lookups(),
            time_lookup_backlog: Millis(0),
            history_series: self.history.series(),
            history_series_dropped: self.history.dropped_total(),
        }
    }

    /// Appends to the history; groups and topics that are gone make room.
    fn remember(&mut self, topics: &[TopicView], groups: &[GroupView], now: Timestamp) {
        self.history.retain(|group, topic| {
            let known = groups.binary_search_by(|view| view.group.cmp(group)).map(|at| &groups[at].topics);
            known.is_ok_and(|topics| topics.binary_search_by(|view| view.topic.cmp(topic)).is_ok())
        });
        for group in groups {
            for consumed in &group.topics {
                let topic = topics.binary_search_by(|view| view.topic.cmp(&consumed.topic));
                let point = HistoryPoint {
                    at: now,
                    lag: consumed.lag.ok(),
                    time_lag: consumed.time_lag.ok(),
                    consumed_per_second: consumed.consumed_per_second.ok(),
                    appended_per_second: topic.ok().and_then(|at| topics[at].appended_per_second.ok()),
                };
                self.history.append(&group.group, &consumed.topic, &point);
            }
        }
    }

    /// The last hour of a group's topic, from `since` on; see [`Store::history`].
    #[must_use]
    pub fn history(&self, group: &str, topic: &str, since: Timestamp) -> Vec<HistoryPoint> {
        self.history.history(group, topic, since)
    }

    /// About how much memory the history takes, in bytes.
    #[must_use]
    pub fn history_bytes(&self) -> usize {
        self.history.bytes()
    }

    /// Every broker ever seen, and whether it is there now.
    fn see(&mut self, alive: &[Broker]) -> Vec<BrokerView> {
        self.brokers.retain(|known| alive.iter().all(|broker| broker.id != known.id));
        let down = self.brokers.iter().map(|broker| BrokerView { broker: broker.clone(), up: false });
        let up = alive.iter().map(|broker| BrokerView { broker: broker.clone(), up: true });
        let mut views: Vec<_> = up.chain(down).collect();
        views.sort_by_key(|view| view.broker.id);
        self.brokers = views.iter().map(|view| view.broker.clone()).collect();
        views
    }
}
