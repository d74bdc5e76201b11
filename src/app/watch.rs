//! Watching one cluster: a cycle of questions and one tick of the engine, again and again until told to stop.
//! A cycle that hangs is published as an outage, never as the numbers of before.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use tokio::time::{self, Instant, MissedTickBehavior};
use tracing::{Instrument, Span};

use super::clock;
use super::publish::Publisher;
use crate::engine::{Engine, Outage};
use crate::kafka::{Cluster, ClusterConfig, ClusterError};
use crate::model::{Observation, Reason, Snapshot, Unmeasured};

/// One cluster and its core.
#[derive(Debug)]
pub struct Watcher {
    cluster: Cluster,
    engine: Arc<Mutex<Engine>>,
}

/// The most rounds of time lookups in one cycle: each halves what is open, so this is never the limit in practice.
const LOOKUP_ROUNDS: usize = 64;

/// How many unmeasured things one tick may log by name.
const NAMED: usize = 20;

impl Watcher {
    /// A cluster by its settings; no broker is spoken to yet. Once `stop` is set, a cycle ends soon and unmeasured.
    ///
    /// # Errors
    /// A property that librdkafka does not take.
    pub fn connect(
        config: ClusterConfig,
        max_history_series: u64,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, ClusterError> {
        let engine = Engine::new(config.name.clone(), max_history_series);
        let cluster = Cluster::connect(config, stop)?;
        Ok(Self { cluster, engine: Arc::new(Mutex::new(engine)) })
    }

    /// The Kafka side. Somebody has to run its events.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    pub(super) fn engine(&self) -> Arc<Mutex<Engine>> {
        Arc::clone(&self.engine)
    }

    /// The span of the next cycle: what happens in it shares its cluster, tick and trace in log and traces.
    fn span(&self) -> Span {
        let tick = lock(&self.engine).next_tick();
        tracing::info_span!("cycle", cluster = %self.cluster.config().name, tick)
    }

    /// One cycle and its tick. Blocks for as long as Kafka takes, a few request timeouts at most.
    pub fn cycle(&mut self) -> Snapshot {
        let observed = self
            .observe()
            .map_err(|failed: ClusterError| Outage { reason: failed.reason, because: failed.sentence });
        let _measure = tracing::info_span!("measure").entered();
        let snapshot = lock(&self.engine).tick(observed, clock::now());
        tracing::debug!(
            groups = snapshot.groups.len(),
            topics = snapshot.topics.len(),
            unmeasured = snapshot.unmeasured.len(),
            "measured"
        );
        snapshot
    }

    fn observe(&mut self) -> Result<Observation, ClusterError> {
        let mut observation = self.cluster.observe(&clock::now)?;
        lock(&self.engine).begin(&observation);
        let config = self.cluster.config();
        let seconds = config.poll_interval.as_secs_f64().max(1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a budget, at most 3.6e9"
        )]
        let mut budget = (f64::from(config.time_lookups_per_second) * seconds) as usize;
        for _ in 0..LOOKUP_ROUNDS {
            let questions = lock(&self.engine).questions(budget);
            if questions.is_empty() {
                break;
            }
            budget -= questions.len();
            let answers = self.cluster.time_lookups(&observation, &questions);
            lock(&self.engine).learn(&questions, &answers);
        }
        self.cluster.read_log_starts(&mut observation)?;
        Ok(observation)
    }
}

/// Watches until `stop` is set.
///
/// # Errors
/// When a cycle panics: the daemon must not go on as if it watched.
pub(super) async fn watch(
    mut watcher: Watcher,
    publisher: Arc<Publisher>,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<()> {
    let config = watcher.cluster.config().clone();
    let mut story = Story::default();
    let mut ticks = time::interval(config.poll_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Within this, a cycle either measures or has found out that it cannot.
    let patience = config.poll_interval + config.request_timeout * 2;
    loop {
        ticks.tick().await;
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let started = Instant::now();
        let (engine, span) = (watcher.engine(), watcher.span());
        let within = span.clone();
        let mut cycle = tokio::task::spawn_blocking(move || {
            let snapshot = within.in_scope(|| watcher.cycle());
            (watcher, snapshot)
        });
        let done = match time::timeout(patience, &mut cycle).await {
            Ok(done) => done,
            Err(_) => {
                let snapshot = lock(&engine).overdue(overdue(patience), clock::now());
                span.in_scope(|| story.tell(&snapshot));
                publisher.publish(snapshot, Vec::new()).instrument(span.clone()).await?;
                cycle.await
            }
        };
        let (returned, snapshot) = done.context("a cycle panicked")?;
        watcher = returned;
        if stop.load(Ordering::Relaxed) {
            // What was cut short by stopping says nothing about the cluster.
            return Ok(());
        }
        publisher.observe(&config.name, started.elapsed(), &watcher.cluster.take_timings());
        span.in_scope(|| story.tell(&snapshot));
        publisher.publish(snapshot, watcher.cluster.broker_round_trips()).instrument(span).await?;
    }
}

fn overdue(patience: Duration) -> Outage {
    Outage {
        reason: Reason::TimedOut,
        because: format!("the brokers have not answered for {} s", patience.as_secs()),
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells the log what has changed since the tick before, once. Cluster and tick are those of the cycle's span.
#[derive(Default)]
struct Story {
    is_up: Option<bool>,
    unmeasured: BTreeSet<Unmeasured>,
}

impl Story {
    fn tell(&mut self, snapshot: &Snapshot) {
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
}
