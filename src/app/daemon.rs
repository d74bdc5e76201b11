//! `plimsoll run`: builds everything that may fail, starts one task for each part, and waits for the first of:
//! a signal to stop, or a part that ends by itself. The latter ends the daemon with a failure.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch as channel;
use tokio::task::JoinSet;
use tokio::time;

use super::deliver::{Deliveries, Heart, deliver, senders};
use super::durable::{self, DurableState};
use super::publish::Publisher;
use super::reload::{ReloadWarnings, Reloader};
use super::watch::{Watcher, judged_by, lock, watch};
use super::{Ending, clock, color_on, environment, say};
use crate::api::{ApiState, DeliveryLookup, HistoryLookup, Snapshots, Warnings, router};
use crate::cli::{Color, LogFormat, RunArgs};
use crate::config::{Config, Given};
use crate::engine::{Engine, Outage};
use crate::export::{Exposition, OwnMetrics};
use crate::model::{ClusterName, Millis, Reason};
use crate::notify::{ReceiverConfig, Sender};
use crate::telemetry;

/// Stopping takes at most this long, also while Kafka hangs.
const GRACE: Duration = Duration::from_secs(3);
const FLUSH: Duration = Duration::from_secs(1);

/// How far back the API's history goes.
const HISTORY: Millis = Millis::from_seconds(3600);

/// Runs the daemon to its end.
///
/// # Errors
/// When the address cannot be listened on, or when a part of the daemon fails.
pub(super) fn run(config: Config, arguments: &RunArgs, color: Color) -> anyhow::Result<Ending> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    let format = match arguments.log_format {
        LogFormat::Text => telemetry::LogFormat::Text,
        LogFormat::Json => telemetry::LogFormat::Json,
    };
    let filter = match arguments.log_level.as_str() {
        level @ ("error" | "warn" | "info" | "debug" | "trace") => format!("plimsoll={level},warn"),
        filter => filter.to_owned(),
    };
    let color = color_on(color, &std::io::stderr());
    let telemetry = telemetry::install(format, &filter, color, &config.otlp, &environment)?;
    let ended = runtime.block_on(async {
        survive_file_size_limit()?;
        match Daemon::build(config, arguments.source.given(arguments.listen)).await {
            Ok(daemon) => daemon.run(stop_signal()?).await.map(|()| Ending::Fine),
            Err(Refusal::Settings(sentence)) => {
                say(&format!("plimsoll: {sentence}"));
                Ok(Ending::Refused)
            }
            Err(Refusal::Failed(failed)) => Err(failed),
        }
    });
    // A thread that waits for a broker that hangs is not waited for.
    runtime.shutdown_background();
    telemetry.shutdown(FLUSH);
    ended
}

/// Completes on SIGTERM or Ctrl-C.
pub(super) fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for Ctrl-C")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// A file that may not grow further is an error of the write that says so, not the end of the daemon: by default the
/// system kills a process at its file size limit.
fn survive_file_size_limit() -> anyhow::Result<()> {
    const SIGXFSZ: std::ffi::c_int = 25;
    // Once it was listened to, the signal is caught for as long as the process lives.
    signal(SignalKind::from_raw(SIGXFSZ)).map(drop).context("catching the signal of the file size limit")
}

/// Everything that can be refused before anything runs.
enum Refusal {
    Settings(String),
    Failed(anyhow::Error),
}

struct Daemon {
    listener: TcpListener,
    watchers: Vec<Watcher>,
    publisher: Arc<Publisher>,
    state: ApiState,
    reloader: Reloader,
    hangup: Signal,
    delivering: Arc<Deliveries>,
    senders: Vec<(ReceiverConfig, Sender)>,
    stop: Arc<AtomicBool>,
}

impl Daemon {
    /// `config` was read as `given` says.
    async fn build(config: Config, given: Given) -> Result<Self, Refusal> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut watchers = Vec::new();
        let mut refused = Vec::new();
        let judged = judged_by(&config);
        for cluster in config.clusters.clone() {
            match Watcher::connect(cluster, judged.clone(), Arc::clone(&stop)) {
                Ok(watcher) => watchers.push(watcher),
                Err(failed) => refused.push(failed.to_string()),
            }
        }
        let told_by = config.notify.in_force();
        let senders = senders(&told_by).unwrap_or_else(|unusable| {
            refused.extend(unusable.iter().map(ToString::to_string));
            Vec::new()
        });
        if !refused.is_empty() {
            return Err(Refusal::Settings(refused.join("\nplimsoll: ")));
        }
        let build = async {
            let listen = config.http.listen;
            let listener = TcpListener::bind(listen).await.with_context(|| {
                format!(
                    "cannot listen on {listen} (is another daemon running? --listen takes another address)"
                )
            })?;
            // From here on it reads settings anew, and ends the process no more.
            let hangup = signal(SignalKind::hangup()).context("listening for SIGHUP")?;
            let own = Arc::new(OwnMetrics::new()?);
            let durable = Arc::new(DurableState::open(&config.state, Arc::clone(&own))?);
            let mut saved = Vec::new();
            for watcher in &mut watchers {
                let name = watcher.cluster().config().name.clone();
                let rows = durable.load(&name)?;
                watcher.resume(&rows).map_err(|_| durable::not_understood(&name, &config.state))?;
                watcher.keep_in(Arc::clone(&durable));
                saved.push((name, rows));
            }
            let delivering = Deliveries::restore(&told_by, &saved, Arc::clone(&durable), Arc::clone(&own))?;
            let delivering = delivering.map_err(|name| durable::not_understood(&name, &config.state))?;
            let delivering = Arc::new(delivering);
            drop(saved);
            watchers.iter_mut().for_each(|watcher| watcher.tell_through(Arc::clone(&delivering)));
            let exposition = Arc::new(Exposition::new());
            let publisher = Arc::new(Publisher::new(Arc::clone(&own), Arc::clone(&exposition)));
            for watcher in &watchers {
                let config = watcher.cluster().config();
                own.set_time_lookup_budget(&config.name, config.time_lookups_per_second);
                let first = Outage {
                    reason: Reason::NotYetRead,
                    because: "the first measurement is under way".to_owned(),
                };
                publisher.publish_now(lock(&watcher.engine()).overdue(first, clock::now()), Vec::new())?;
            }
            let snapshots = publisher.subscribe();
            let reloader = Reloader::new(given, config, Arc::clone(&own));
            let warnings = warnings(&watchers, durable, reloader.warnings(), Arc::clone(&delivering));
            let history = history(&watchers);
            let of_incident = Arc::clone(&delivering);
            let deliveries: DeliveryLookup = Arc::new(move |id| of_incident.of_incident(id));
            let silences = delivering.silence_access();
            let state = ApiState { snapshots, exposition, own, history, deliveries, silences, warnings };
            Ok(Self { listener, watchers, publisher, state, reloader, hangup, delivering, senders, stop })
        };
        build.await.map_err(Refusal::Failed)
    }

    /// Runs until `shutdown` completes or a task ends by itself, whichever is first.
    async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let mut tasks = JoinSet::new();
        let (stopping, mut stopped) = channel::channel(false);
        let heart = heart(&self.watchers, self.state.snapshots.clone());
        for watcher in self.watchers {
            let config = watcher.cluster().config();
            tracing::info!(cluster = %config.name, servers = config.bootstrap_servers.join(","), "watching");
            let events = watcher.cluster().events();
            tasks.spawn_blocking(move || {
                events.run();
                Ok(())
            });
            let (publisher, stop) = (Arc::clone(&self.publisher), Arc::clone(&self.stop));
            tasks.spawn(watch(watcher, publisher, self.reloader.subscribe(), stop));
        }
        let settings = self.reloader.subscribe();
        tasks.spawn(deliver(self.delivering, self.senders, settings, stopped.clone(), heart));
        tasks.spawn(self.reloader.run(self.hangup, stopped.clone()));
        let address = self.listener.local_addr()?;
        tracing::info!(%address, "serving /metrics, /readyz, /healthz and /api/v1");
        // Who may change silences goes by the address that asks.
        let service = router(self.state).into_make_service_with_connect_info::<SocketAddr>();
        let served = axum::serve(self.listener, service).with_graceful_shutdown(async move {
            // An error means that the sender is gone, which is as good a reason to stop.
            drop(stopped.wait_for(|stopping| *stopping).await);
        });
        tasks.spawn(async move { served.await.context("serving HTTP") });

        supervise(tasks, shutdown, || {
            self.stop.store(true, Ordering::Relaxed);
            stopping.send_replace(true);
        })
        .await
    }
}

/// Waits until `shutdown` completes or a task ends by itself, whichever is first; then calls `stop` and gives the
/// tasks their time to end.
///
/// # Errors
/// When a task panicked, failed, or ended before it was told to.
async fn supervise(
    mut tasks: JoinSet<anyhow::Result<()>>,
    shutdown: impl Future<Output = ()>,
    stop: impl FnOnce(),
) -> anyhow::Result<()> {
    let early = tokio::select! {
        () = shutdown => None,
        ended = tasks.join_next() => ended,
    };
    tracing::info!("stopping");
    stop();
    let drained = time::timeout(GRACE, async { while tasks.join_next().await.is_some() {} }).await;
    if let Some(ended) = early {
        ended.context("a task panicked")?.context("a task failed")?;
        anyhow::bail!("a task ended before it was told to");
    }
    if drained.is_err() {
        tracing::warn!(seconds = GRACE.as_secs(), "not everything stopped in time; leaving anyway");
    }
    Ok(())
}

fn history(watchers: &[Watcher]) -> HistoryLookup {
    let engines: BTreeMap<ClusterName, Arc<Mutex<Engine>>> =
        watchers.iter().map(|watcher| (watcher.cluster().config().name.clone(), watcher.engine())).collect();
    Arc::new(move |cluster, group, topic| {
        let since = clock::now() - HISTORY;
        let points =
            engines.get(cluster).map(|engine| lock(engine).history(group.as_str(), topic.as_str(), since));
        points.unwrap_or_default()
    })
}

/// When a cluster was last judged: the latest measured one's tick, and the longest distance of ticks.
fn heart(watchers: &[Watcher], snapshots: channel::Receiver<Snapshots>) -> Heart {
    let interval = watchers.iter().map(|watcher| watcher.cluster().config().poll_interval).max();
    let tick = interval.map_or(0, |interval| u64::try_from(interval.as_millis()).unwrap_or(u64::MAX));
    Arc::new(move || {
        let judged_at = snapshots.borrow().iter().filter_map(|snapshot| snapshot.last_measured).max()?;
        Some((judged_at, Millis(tick)))
    })
}

/// What is to be known of the daemon besides what it measures.
fn warnings(
    watchers: &[Watcher],
    state: Arc<DurableState>,
    reload: Arc<ReloadWarnings>,
    delivering: Arc<Deliveries>,
) -> Warnings {
    let engines: Vec<_> =
        watchers.iter().map(|watcher| (watcher.cluster().config().name.clone(), watcher.engine())).collect();
    Arc::new(move || {
        let unmatched = engines.iter().flat_map(|(cluster, engine)| {
            let unmatched = lock(engine).unmatched().to_vec();
            unmatched
                .into_iter()
                .map(move |(rule, because)| format!("alert {rule} in cluster {cluster}: {because}"))
        });
        let of_receivers = delivering.warnings();
        reload.sentences().into_iter().chain(state.warning()).chain(of_receivers).chain(unmatched).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a daemon of one task ends that is never told to stop.
    async fn check(task: impl Future<Output = anyhow::Result<()>> + Send + 'static, expected: &str) {
        let mut tasks = JoinSet::new();
        tasks.spawn(task);
        let ended = supervise(tasks, std::future::pending(), || ()).await;
        let ended = ended.map_or_else(|failed| format!("{failed:#}"), |()| "fine".to_owned());
        assert!(ended.starts_with(expected), "{ended}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_ends_by_itself_ends_the_daemon_with_a_failure() {
        check(async { panic!("out of luck") }, "a task panicked: task ").await;
        check(async { anyhow::bail!("no more disk") }, "a task failed: no more disk").await;
        check(async { Ok(()) }, "a task ended before it was told to").await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_stop_is_not_waited_for() {
        let mut tasks = JoinSet::new();
        tasks.spawn(std::future::pending());
        let started = time::Instant::now();
        supervise(tasks, std::future::ready(()), || ()).await.unwrap();
        assert_eq!(started.elapsed(), GRACE);
    }
}
