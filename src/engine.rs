//! One tick: an observation or an outage and the time in, a snapshot out. The whole core of a cluster.
//! No I/O, no clock, no waiting: `app` asks Kafka what this asks for, and makes its rows durable.

mod judges;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::alert::{AlertRule, Alerts};
use crate::measure::{Deadline, LATENCY_BOUNDS, Measurement, Measurements};
use crate::model::{
    Because, Broker, BrokerView, ClockSource, ClusterName, Damaged, GroupId, GroupView, HistoryPoint,
    Measured, Millis, Observation, Offset, Reason, Row, Snapshot, Subject, TimeAnswer, TimeQuestion,
    Timestamp, TopicView, Unmeasured, commit_log_partition,
};
use crate::slo::{NotReloaded, Slo, TickInput, UnknownTimeZone};
use crate::store::Store;
use judges::Judges;

/// The commit log of a group that was read up to less than this behind the others tells nothing of now.
const STALLED: Millis = Millis::from_seconds(10);

/// What is judged, and how much is remembered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EngineConfig {
    /// The most series of history.
    pub max_history_series: u64,
    /// The promises.
    pub slos: Vec<Slo>,
    /// The plain thresholds.
    pub alerts: Vec<AlertRule>,
    /// Upper bounds of the latency histograms, besides the thresholds of the promises; empty for the defaults.
    pub latency_bounds: Vec<Millis>,
}

/// One cluster's core, from tick to tick.
#[derive(Debug)]
pub struct Engine {
    cluster: ClusterName,
    measurement: Measurement,
    history: Store,
    judges: Judges,
    /// How far the daemon's clock is ahead of the brokers', in milliseconds, as far as commits have told.
    clock_ahead: i64,
    clock: ClockSource,
    /// By so many milliseconds the clock was set since the cluster was last measured.
    set_by: i64,
    poll_interval: Millis,
    brokers: Vec<Broker>,
    cluster_id: Option<String>,
    tick: u64,
    last_measured: Option<Timestamp>,
}

/// What is known of groups besides what was measured of each.
#[derive(Debug, Default)]
struct Listing {
    groups_complete: bool,
    /// Those whose deadlines wait for the commit log.
    stalled: BTreeSet<GroupId>,
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
    /// A cluster that nothing is known of yet, and how often it will be asked.
    ///
    /// # Errors
    /// An SLO counts by the calendar of a time zone that nobody knows.
    pub fn new(
        cluster: ClusterName,
        poll_interval: Millis,
        config: EngineConfig,
    ) -> Result<Self, UnknownTimeZone> {
        let (max_history_series, bounds) = (config.max_history_series, config.latency_bounds.clone());
        let mut this = Self {
            judges: Judges::new(cluster.clone(), config)?,
            cluster,
            measurement: Measurement::default(),
            history: Store::new(max_history_series),
            clock_ahead: 0,
            clock: ClockSource::default(),
            set_by: 0,
            poll_interval,
            brokers: Vec::new(),
            cluster_id: None,
            tick: 0,
            last_measured: None,
        };
        this.measure_for_rules(bounds);
        Ok(this)
    }

    /// Judges by other rules and buckets from the next tick on; between two ticks. What is judged as before goes on as
    /// if nothing had happened, all else as it would after a restart, and what was measured stays known. How much
    /// history is kept stays as it was.
    ///
    /// # Errors
    /// An SLO counts by the calendar of a time zone that nobody knows. Then everything stays as it was.
    pub fn reload(&mut self, config: EngineConfig) -> Result<(), NotReloaded> {
        let bounds = config.latency_bounds.clone();
        self.judges.reload(config)?;
        self.measure_for_rules(bounds);
        Ok(())
    }

    fn measure_for_rules(&mut self, bounds: Vec<Millis>) {
        let deadlines = self.judges.slos.deadlines().into_iter();
        let deadlines = deadlines.map(|(group, topic, within)| Deadline { group, topic, within });
        self.measurement.set_deadlines(deadlines.collect());
        self.measurement.set_latency_bounds(latency_bounds(bounds, &self.judges.alerts));
    }

    /// Goes on where the process of before has stopped; before the first tick.
    ///
    /// # Errors
    /// A row that no version of this has written.
    pub fn restore(&mut self, rows: &[Row]) -> Result<(), Damaged> {
        self.measurement.restore(rows)?;
        self.judges.restore(rows)
    }

    /// Where to read the commit log on, by its partitions, so that nothing is missed and nothing judged twice.
    #[must_use]
    pub fn commit_log_positions(&self) -> BTreeMap<u32, Offset> {
        self.measurement.commit_log_positions()
    }

    /// The rows that have changed since this was last asked: to be made durable before the tick is published.
    pub fn changed_rows(&mut self) -> Vec<Row> {
        let mut rows = self.measurement.changed_rows();
        self.judges.changed_rows(&mut rows);
        rows
    }

    /// Rules of plain thresholds that name what the cluster does not have, and why.
    #[must_use]
    pub fn unmatched(&self) -> &[(Arc<str>, Because)] {
        self.judges.alerts.unmatched()
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

    /// The clock was set by `milliseconds` in all since the cluster was last measured. While no broker tells the time,
    /// promises go by the time that has passed.
    pub fn clock_was_set(&mut self, milliseconds: i64) {
        self.set_by = milliseconds;
    }

    /// Ends a tick with the finished observation, or with the reason why there is none.
    pub fn tick(&mut self, observed: Result<Observation, Outage>, now: Timestamp) -> Snapshot {
        self.tick += 1;
        match observed {
            Ok(observation) => self.measured(observation, now),
            Err(outage) => {
                let measurements = self.measurement.outage(outage.reason);
                self.judge(Err(outage.reason), &Listing::default(), &measurements, &[], now);
                self.outage(outage, measurements, now)
            }
        }
    }

    /// What is published while a cycle takes too long, or before the first: an outage that is no tick of its own.
    #[must_use]
    pub fn overdue(&self, outage: Outage, now: Timestamp) -> Snapshot {
        let measurements = self.measurement.outage(outage.reason);
        self.outage(outage, measurements, now)
    }

    fn measured(&mut self, mut observation: Observation, now: Timestamp) -> Snapshot {
        self.last_measured = Some(now);
        self.cluster_id = observation.cluster_id.take().or(self.cluster_id.take());
        if let Some(ahead) = clock_ahead(&observation) {
            self.clock_ahead = ahead;
        }
        self.clock = observation.commit_log.as_ref().map_or(ClockSource::Local, |log| log.clock);
        self.set_by = 0;
        let brokers = self.see(&std::mem::take(&mut observation.brokers));
        let backlog = self.measurement.time_lookup_backlog(now);
        let groups_complete = observation.groups_complete;
        let stalled = stalled_groups(&observation);
        let measurements = self.measurement.finish(observation, now);
        self.remember(&measurements.topics, &measurements.groups, now);
        self.judge(Ok(()), &Listing { groups_complete, stalled }, &measurements, &brokers, now);
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

    fn judge(
        &mut self,
        up: Measured<()>,
        listing: &Listing,
        measured: &Measurements,
        brokers: &[BrokerView],
        now: Timestamp,
    ) {
        let input = TickInput {
            now: Timestamp(now.0.saturating_sub(self.clock_ahead).saturating_sub(self.set_by)),
            up,
            topics: &measured.topics,
            groups: &measured.groups,
            groups_complete: listing.groups_complete,
            stalled_groups: &listing.stalled,
            judgements: &measured.judgements,
            commit_source: self.measurement.commit_source(),
            poll_interval: self.poll_interval,
        };
        self.judges.observe(&input, brokers, now);
    }

    fn outage(&self, outage: Outage, measurements: Measurements, now: Timestamp) -> Snapshot {
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
            clock: self.clock,
            slos: self.judges.judged.slos.clone(),
            alerts: self.judges.judged.alerts.clone(),
            incidents: Arc::clone(&self.judges.judged.incidents),
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

/// Those that are set, else the usual ones, and those that alerts compare a quantile with: only then can it be told.
fn latency_bounds(mut bounds: Vec<Millis>, alerts: &Alerts) -> Vec<Millis> {
    if bounds.is_empty() {
        bounds = LATENCY_BOUNDS.to_vec();
    }
    bounds.extend(alerts.latency_bounds().into_iter().map(|(_, bound)| bound));
    bounds.sort_unstable();
    bounds.dedup();
    bounds
}

/// The commit log is complete up to the time of asking in the brokers' time, less the time it takes to settle.
fn clock_ahead(observation: &Observation) -> Option<i64> {
    let log = observation.commit_log.as_ref().ok()?;
    let asked_at =
        log.partitions.iter().filter_map(|read| Some(read.complete_to.ok()? + read.settling)).max()?;
    Some(observation.ends_at.0.saturating_sub(asked_at.0))
}

/// Groups whose part of the commit log is held by somebody's transaction, or was not read up to about now.
fn stalled_groups(observation: &Observation) -> BTreeSet<GroupId> {
    let Ok(log) = &observation.commit_log else { return BTreeSet::new() };
    let newest = log.partitions.iter().filter_map(|partition| partition.complete_to.ok()).max();
    let is_stalled = |group: &GroupId| {
        let partition = log.partitions.get(commit_log_partition(group.as_str(), log.partitions.len()));
        partition.is_some_and(|partition| {
            let is_behind = match (partition.complete_to, newest) {
                (Ok(complete_to), Some(newest)) => newest.since(complete_to) > STALLED,
                _ => true,
            };
            partition.held || is_behind
        })
    };
    observation.groups.keys().filter(|group| is_stalled(group)).cloned().collect()
}

#[cfg(test)]
mod tests;
