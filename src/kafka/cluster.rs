//! One cluster and the cycle that asks it everything: commits, then ends, then (after the time lookups
//! that the pure side wants) log starts. Keeps what was seen, so that what vanishes can be named.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;

use super::client::{self, BrokerRoundTrip, Client, ClientEvents, Listening};
use super::config::ClusterConfig;
use super::error::ClusterError;
use super::groups::Groups;
use super::native::{AdminCalls, OffsetSpec};
use super::offsets;
use super::topics::Topics;
use crate::model::{Broker, Measured, Observation, TimeAnswer, TimeQuestion, Timestamp};

/// How long one kind of request took in one cycle, all its calls together.
#[derive(Debug, Clone, Copy)]
pub struct RequestTiming {
    /// Kafka's name of the request, in lower case with underscores.
    pub request: &'static str,
    /// From the first call to the last answer.
    pub took: Duration,
}

/// One watched cluster. Blocking: every method may take as long as the request timeout, or a few of them.
pub struct Cluster {
    config: ClusterConfig,
    client: Arc<Client>,
    stop: Arc<AtomicBool>,
    cluster_id: Option<String>,
    groups: Groups,
    topics: Topics,
    timings: Vec<RequestTiming>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Cluster {
    /// A cluster by its settings; no broker is spoken to yet. Once `stop` is set, waiting ends within 100 ms
    /// and what was being asked stays unmeasured.
    ///
    /// # Errors
    /// A property that librdkafka does not know or take; the sentence names it, never its value.
    pub fn connect(config: ClusterConfig, stop: Arc<AtomicBool>) -> Result<Self, ClusterError> {
        let client = Arc::new(client::connect(&config)?);
        let topics = Topics::new(config.topics.clone());
        let groups = Groups::new(config.groups.clone());
        Ok(Self { config, client, stop, cluster_id: None, groups, topics, timings: Vec::new() })
    }

    /// The part that hears the client's events; to be run on a thread of its own.
    #[must_use]
    pub fn events(&self) -> ClientEvents {
        ClientEvents { client: Arc::clone(&self.client), stop: Arc::clone(&self.stop) }
    }

    /// Asks for brokers, topics, groups, commits and then ends. Log starts are not yet in the answer:
    /// see [`Cluster::read_log_starts`]. `clock` is asked once, right before the ends are.
    ///
    /// # Errors
    /// When no broker answers at all. What fails alone is marked in the observation.
    pub fn observe(&mut self, clock: &dyn Fn() -> Timestamp) -> Result<Observation, ClusterError> {
        let metadata = self.timed("metadata", |cluster| {
            let _span = tracing::info_span!("kafka.metadata").entered();
            cluster.client.fetch_metadata(None, cluster.config.request_timeout)
        });
        let metadata = metadata.map_err(|failed| client::unreachable(&self.config, &self.client, &failed))?;
        self.client.listener().forget_errors();
        if self.cluster_id.is_none() {
            self.cluster_id = self.client.client().fetch_cluster_id(self.config.request_timeout);
        }
        let brokers = metadata.brokers().iter().map(|broker| Broker {
            id: broker.id(),
            address: format!("{}:{}", broker.host(), broker.port()).into(),
        });
        let mut observation = Observation {
            cluster_id: self.cluster_id.clone(),
            brokers: brokers.collect(),
            ..Observation::default()
        };
        observation.brokers.sort_by_key(|broker| broker.id);
        self.timed("describe_topics", |cluster| {
            let calls = AdminCalls::new(&*cluster.client, cluster.config.request_timeout, &cluster.stop);
            observation.topics = cluster.topics.read(&metadata, &calls);
        });
        drop(metadata);
        self.timed("list_groups", |cluster| {
            let calls = AdminCalls::new(&*cluster.client, cluster.config.request_timeout, &cluster.stop);
            cluster.groups.list(&calls);
        });
        self.timed("offset_fetch", |cluster| {
            let calls = AdminCalls::new(&*cluster.client, cluster.config.request_timeout, &cluster.stop);
            cluster.groups.read_commits(&calls, &mut cluster.topics, &mut observation);
        });
        self.timed("describe_groups", |cluster| {
            let calls = AdminCalls::new(&*cluster.client, cluster.config.request_timeout, &cluster.stop);
            cluster.groups.describe(&calls, &mut cluster.topics, &mut observation);
        });
        observation.ends_at = clock();
        self.timed("list_offsets_end", |cluster| {
            let calls = AdminCalls::new(&*cluster.client, cluster.config.request_timeout, &cluster.stop);
            offsets::read(&calls, &mut observation, OffsetSpec::Latest, false, |p| &mut p.end);
        });
        self.timed("list_offsets_last_stable", |cluster| {
            let calls = AdminCalls::new(&*cluster.client, cluster.config.request_timeout, &cluster.stop);
            offsets::read(&calls, &mut observation, OffsetSpec::Latest, true, |p| &mut p.last_stable);
        });
        Ok(observation)
    }

    /// Asks the brokers' time index. The answers are in the order of `questions`, which must be sorted
    /// and must not hold a partition twice.
    pub fn time_lookups(
        &mut self,
        observation: &Observation,
        questions: &[TimeQuestion],
    ) -> Vec<Measured<TimeAnswer>> {
        self.timed("list_offsets_time", |cluster| {
            let calls = AdminCalls::new(&*cluster.client, cluster.config.request_timeout, &cluster.stop);
            offsets::time_lookups(&calls, observation, questions)
        })
    }

    /// Asks where the logs start: the last request of a cycle.
    pub fn read_log_starts(&mut self, observation: &mut Observation) {
        self.timed("list_offsets_start", |cluster| {
            let calls = AdminCalls::new(&*cluster.client, cluster.config.request_timeout, &cluster.stop);
            offsets::read(&calls, observation, OffsetSpec::Earliest, false, |p| &mut p.log_start);
        });
    }

    /// The settings of this cluster.
    #[must_use]
    pub fn config(&self) -> &ClusterConfig {
        &self.config
    }

    /// Round trips of requests, from librdkafka's statistics; empty in the first seconds.
    #[must_use]
    pub fn broker_round_trips(&self) -> Vec<BrokerRoundTrip> {
        self.client.listener().round_trips()
    }

    /// How long the requests since the last call of this took.
    pub fn take_timings(&mut self) -> Vec<RequestTiming> {
        std::mem::take(&mut self.timings)
    }

    #[expect(clippy::disallowed_methods, reason = "measures how long a request takes, never decides by it")]
    fn timed<T>(&mut self, request: &'static str, ask: impl FnOnce(&mut Self) -> T) -> T {
        let started = Instant::now();
        let answer = ask(self);
        self.timings.push(RequestTiming { request, took: started.elapsed() });
        answer
    }
}
