//! Watching one cluster: a cycle of questions and one tick of the engine, again and again until told to stop.
//! A cycle that hangs is published as an outage, never as the numbers of before.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch as channel;
use tokio::time::{self, Instant, MissedTickBehavior};
use tracing::{Instrument, Span};

use super::clock::{self, Clock};
use super::deliver::Deliveries;
use super::durable::DurableState;
use super::publish::Publisher;
use super::story::Story;
use crate::config::Config;
use crate::engine::{Engine, EngineConfig, Outage};
use crate::kafka::{Cluster, ClusterConfig, ClusterError};
use crate::model::{Damaged, Millis, Observation, Reason, Row, Snapshot, Timestamp};
use crate::slo::NotReloaded;

/// One cluster and its core.
pub struct Watcher {
    cluster: Cluster,
    engine: Arc<Mutex<Engine>>,
    clock: Clock,
    /// By how much the clock is ahead of the time that has passed, when the cluster was last measured.
    ahead: Option<i64>,
    started: Instant,
    state: Option<Arc<DurableState>>,
    deliveries: Option<Arc<Deliveries>>,
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").field("cluster", &self.cluster).finish_non_exhaustive()
    }
}

/// The most rounds of time lookups in one cycle: each halves what is open, so this is never the limit in practice.
const LOOKUP_ROUNDS: usize = 64;

impl Watcher {
    /// A cluster by its settings, and what is judged there; no broker is spoken to yet. Once `stop` is set, a cycle ends
    /// soon and unmeasured.
    ///
    /// # Errors
    /// A property that librdkafka does not take, or a time zone that nobody knows; the sentence says which.
    pub fn connect(
        config: ClusterConfig,
        judged: EngineConfig,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, ClusterError> {
        let poll_interval = Millis(u64::try_from(config.poll_interval.as_millis()).unwrap_or(u64::MAX));
        let engine = Engine::new(config.name.clone(), poll_interval, judged)
            .map_err(|unknown| ClusterError { reason: Reason::NotYetRead, sentence: unknown.to_string() })?;
        let cluster = Cluster::connect(config, stop)?;
        let engine = Arc::new(Mutex::new(engine));
        Ok(Self {
            cluster,
            engine,
            clock: Arc::new(clock::now),
            ahead: None,
            started: Instant::now(),
            state: None,
            deliveries: None,
        })
    }

    /// Watches by another clock than this machine's.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Goes on where the process of before has stopped; before the first cycle.
    ///
    /// # Errors
    /// A row that no version of this has written.
    pub fn resume(&mut self, rows: &[Row]) -> Result<(), Damaged> {
        let mut engine = lock(&self.engine);
        engine.restore(rows)?;
        self.cluster.resume_commit_log(engine.commit_log_positions());
        Ok(())
    }

    /// From now on each tick is durable before it is published.
    pub(super) fn keep_in(&mut self, state: Arc<DurableState>) {
        self.state = Some(state);
    }

    /// From now on incidents are told, each tick once it is durable.
    pub(super) fn tell_through(&mut self, deliveries: Arc<Deliveries>) {
        self.deliveries = Some(deliveries);
    }

    /// Judges by other rules from the next cycle on; see [`Engine::reload`]. Never in the middle of a cycle.
    ///
    /// # Errors
    /// An SLO counts by the calendar of a time zone that nobody knows. Then everything stays as it was.
    pub fn reload(&mut self, judged: EngineConfig) -> Result<(), NotReloaded> {
        lock(&self.engine).reload(judged)
    }

    /// The rows that have changed since this was last asked; see [`Engine::changed_rows`].
    #[must_use]
    pub fn changed_rows(&self) -> Vec<Row> {
        lock(&self.engine).changed_rows()
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
        let measure = tracing::info_span!("measure").entered();
        let now = (self.clock)();
        let ahead = self.ahead_of_passed(now);
        let mut engine = lock(&self.engine);
        let before = if observed.is_ok() { None } else { self.ahead };
        engine.clock_was_set(ahead - before.unwrap_or(ahead));
        let snapshot = engine.tick(observed, now);
        drop(engine);
        self.ahead = Some(before.unwrap_or(ahead));
        tracing::debug!(
            groups = snapshot.groups.len(),
            topics = snapshot.topics.len(),
            unmeasured = snapshot.unmeasured.len(),
            "measured"
        );
        drop(measure);
        if let Some(state) = &self.state {
            let _state = tracing::info_span!("state").entered();
            let rows = self.changed_rows();
            match &self.deliveries {
                Some(deliveries) => deliveries.save_tick(&snapshot.cluster, &snapshot.incidents, rows, now),
                None => state.write(&snapshot.cluster, &rows),
            }
        }
        snapshot
    }

    /// Milliseconds between `now` and the time that has passed since this was made: the same for as long as nobody sets
    /// the clock.
    fn ahead_of_passed(&self, now: Timestamp) -> i64 {
        now.0.saturating_sub(i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    fn observe(&mut self) -> Result<Observation, ClusterError> {
        let mut observation = self.cluster.observe(&*self.clock)?;
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

/// What of the settings says how to judge.
pub(super) fn judged_by(config: &Config) -> EngineConfig {
    EngineConfig {
        max_history_series: config.history.max_series,
        slos: config.rules.slos.clone(),
        alerts: config.rules.alerts.clone(),
        latency_bounds: config.latency_bounds.clone(),
    }
}

/// Watches until `stop` is set. Settings that come are judged by from the next cycle on.
///
/// # Errors
/// When a cycle panics: the daemon must not go on as if it watched.
pub(super) async fn watch(
    mut watcher: Watcher,
    publisher: Arc<Publisher>,
    mut settings: channel::Receiver<Arc<Config>>,
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
        // Without a sender nothing can come any more.
        let is_other = settings.has_changed().unwrap_or(false);
        let judged = is_other.then(|| judged_by(&settings.borrow_and_update()));
        let mut cycle = tokio::task::spawn_blocking(move || {
            let snapshot = within.in_scope(|| {
                if let Some(Err(refused)) = judged.map(|judged| watcher.reload(judged)) {
                    tracing::error!(error = %refused, "rules were not exchanged; those of before stay in use");
                }
                watcher.cycle()
            });
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
