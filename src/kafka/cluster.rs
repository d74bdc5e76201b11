//! One cluster and the cycle that asks it everything: the commit log, commits, then ends, then (after the time lookups
//! that the pure side wants) log starts. Keeps what was seen, so that what vanishes can be named.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::metadata::Metadata;

use super::client::{self, BrokerRoundTrip, Client, ClientEvents, Listening};
use super::commit_log::{CommitLogCounts, CoordinatorClock, Tail};
use super::config::ClusterConfig;
use super::error::{Answers, ClusterError};
use super::groups::Groups;
use super::native::{AdminCalls, OffsetSpec};
use super::offsets;
use super::topics::Topics;
use crate::model::{Broker, Measured, Observation, Offset, Partition, TimeAnswer, TimeQuestion, Timestamp};

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
    parts: Parts,
    /// How many brokers the last metadata named.
    brokers: usize,
    /// A request of this cycle met with silence.
    hurried: bool,
    timings: Vec<RequestTiming>,
}

/// What reads one kind of thing each, and remembers of it what it needs.
struct Parts {
    tail: Tail,
    groups: Groups,
    topics: Topics,
}

/// Once a request has waited in vain, those that follow in the same cycle wait for this part of the request timeout
/// only: a broker that answers at all answers in far less, and a cycle that waits for one broker again and again
/// would make all that is well look old.
const HURRIED: u32 = 8;

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
        let parts = Parts {
            tail: Tail::connect(&config)?,
            groups: Groups::new(config.groups.clone(), config.poll_interval),
            topics: Topics::new(config.topics.clone()),
        };
        Ok(Self {
            config,
            client,
            stop,
            cluster_id: None,
            parts,
            brokers: 0,
            hurried: false,
            timings: Vec::new(),
        })
    }

    /// The part that hears the client's events; to be run on a thread of its own.
    #[must_use]
    pub fn events(&self) -> ClientEvents {
        ClientEvents { client: Arc::clone(&self.client), stop: Arc::clone(&self.stop) }
    }

    /// Where the reading of the commit log goes on, by its partitions; to be called before the first cycle. Those
    /// without a position begin at their end: what was committed before is told by the polled commits.
    pub fn resume_commit_log(&mut self, positions: BTreeMap<Partition, Offset>) {
        self.parts.tail.resume(positions);
    }

    /// What became of the records of the commit log since the start.
    #[must_use]
    pub fn commit_log_counts(&self) -> CommitLogCounts {
        self.parts.tail.counts()
    }

    /// How the local clock stands to that of each coordinator, by its id; none while commits are polled from the start.
    #[must_use]
    pub fn coordinator_clocks(&self) -> Vec<CoordinatorClock> {
        self.parts.tail.clocks()
    }

    /// Reads the commit log, asks for brokers, topics, groups, commits and then ends. Log starts are not yet in the answer:
    /// see [`Cluster::read_log_starts`]. `clock` is asked right before the ends are, and at the end.
    /// What the commit log has told is handed out once: an error keeps it for the next cycle.
    ///
    /// # Errors
    /// When no broker answers at all. What fails alone is marked in the observation.
    pub fn observe(&mut self, clock: &dyn Fn() -> Timestamp) -> Result<Observation, ClusterError> {
        self.hurried = false;
        let metadata = self.metadata()?;
        self.client.listener().forget_errors();
        if self.cluster_id.is_none() {
            self.cluster_id = self.client.client().fetch_cluster_id(self.timeout());
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
        self.brokers = observation.brokers.len();
        // A part of the request timeout: what is not read in this time is read in the next cycle.
        let (patience, stop) = (self.timeout() / 2, Arc::clone(&self.stop));
        self.ask("commit_log", |parts, calls| parts.tail.read(&metadata, calls, patience, &stop))?;
        self.ask("describe_topics", |parts, calls| {
            let answers;
            (observation.topics, answers) = parts.topics.read(&metadata, calls);
            answers
        })?;
        drop(metadata);
        let brokers: Vec<i32> = observation.brokers.iter().map(|broker| broker.id).collect();
        self.ask("list_groups", |parts, calls| parts.groups.list(calls, &brokers))?;
        self.ask("offset_fetch", |parts, calls| {
            parts.groups.read_commits(calls, &mut parts.topics, &mut parts.tail, &mut observation)
        })?;
        self.ask("describe_groups", |parts, calls| {
            parts.groups.describe(calls, &mut parts.topics, &mut observation)
        })?;
        observation.ends_at = clock();
        self.ask("list_offsets_end", |_, calls| {
            offsets::read(calls, &mut observation, OffsetSpec::Latest, false, |p| &mut p.end)
        })?;
        self.ask("list_offsets_last_stable", |_, calls| {
            offsets::read(calls, &mut observation, OffsetSpec::Latest, true, |p| &mut p.last_stable)
        })?;
        observation.commit_log = self.parts.tail.hand_out(clock());
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
            let calls = AdminCalls::new(&*cluster.client, cluster.timeout(), &cluster.stop);
            offsets::time_lookups(&calls, observation, questions)
        })
    }

    /// Asks where the logs start: the last request of a cycle.
    ///
    /// # Errors
    /// When no broker answers any more.
    pub fn read_log_starts(&mut self, observation: &mut Observation) -> Result<(), ClusterError> {
        self.ask("list_offsets_start", |_, calls| {
            offsets::read(calls, observation, OffsetSpec::Earliest, false, |p| &mut p.log_start)
        })
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

    fn timeout(&self) -> Duration {
        let timeout = self.config.request_timeout;
        if self.hurried { timeout / HURRIED } else { timeout }
    }

    /// librdkafka asks any broker that it is connected to: where there are several, one that hangs must not take
    /// the whole time.
    fn metadata(&mut self) -> Result<Metadata, ClusterError> {
        self.timed("metadata", |cluster| {
            let _span = tracing::info_span!("kafka.metadata").entered();
            let timeout = cluster.timeout();
            let fetch = |cluster: &Self, timeout| cluster.client.fetch_metadata(None, timeout);
            let fetched = if cluster.brokers > 1 {
                let mut fetched = fetch(cluster, timeout / 4);
                for part in [4, 2] {
                    if fetched.is_err() {
                        cluster.hurried = true;
                        fetched = fetch(cluster, timeout / part);
                    }
                }
                fetched
            } else {
                fetch(cluster, timeout)
            };
            fetched.map_err(|failed| client::unreachable(&cluster.config, &cluster.client, &failed))
        })
    }

    /// One family of requests. When all of them meet with silence, metadata tells whether anybody is there at all:
    /// if not, the cycle ends here instead of running every further request into its timeout.
    fn ask(
        &mut self,
        request: &'static str,
        ask: impl FnOnce(&mut Parts, &AdminCalls<'_>) -> Answers,
    ) -> Result<(), ClusterError> {
        let answers = self.timed(request, |cluster| {
            let calls = AdminCalls::new(&*cluster.client, cluster.timeout(), &cluster.stop);
            ask(&mut cluster.parts, &calls)
        });
        self.hurried |= answers.some_silent();
        if answers.all_silent() && !self.stop.load(Ordering::Relaxed) {
            drop(self.metadata()?);
        }
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "measures how long a request takes, never decides by it")]
    fn timed<T>(&mut self, request: &'static str, ask: impl FnOnce(&mut Self) -> T) -> T {
        let started = Instant::now();
        let answer = ask(self);
        self.timings.push(RequestTiming { request, took: started.elapsed() });
        answer
    }
}
