//! `plimsoll lag`: measures now, shows the table, and is gone; or draws it anew after each measurement.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use futures_util::future::try_join_all;
use serde::Serialize;
use tokio::time;

use super::daemon::stop_signal;
use super::lag_table::{self, Shape};
use super::watch::Watcher;
use super::{Ending, color_on, environment, say};
use crate::api::{ClusterStatus, GroupStatus};
use crate::cli::{Color, LagArgs};
use crate::config::Config;
use crate::engine::EngineConfig;
use crate::kafka::Filter;
use crate::model::{Selector, Snapshot, Subject};

/// A rate needs two measurements; this far apart they are good enough for a look.
const BETWEEN_READINGS: Duration = Duration::from_secs(1);

/// Where there is no terminal: wide enough for every column.
const WIDTH_OF_A_FILE: usize = 200;

/// Kafka leaves out of its lists what the user may not describe, without a word.
const NOTHING_THERE: &str = "no topic and no consumer group can be seen: the cluster is empty, the settings leave \
                             all of it out, or the user lacks DESCRIBE on topics, groups and the cluster";

/// What `--json` writes: the API's answers about clusters and groups, together.
#[derive(Serialize)]
struct Report {
    clusters: Vec<ClusterStatus>,
    groups: Vec<GroupStatus>,
}

/// # Errors
/// When standard output cannot be written.
pub(super) fn run(mut config: Config, arguments: &LagArgs, color: Color) -> anyhow::Result<Ending> {
    if let Some(name) = &arguments.cluster {
        config.clusters.retain(|cluster| cluster.name.as_str() == name);
        if config.clusters.is_empty() {
            say(&format!("plimsoll: the settings have no cluster `{name}`"));
            return Ok(Ending::Refused);
        }
    }
    let stop = Arc::new(AtomicBool::new(false));
    let mut watchers = Vec::new();
    for mut cluster in config.clusters {
        // What is asked for by name is looked at even if the daemon would leave it out.
        narrow(&mut cluster.groups, &arguments.group);
        narrow(&mut cluster.topics, &arguments.topic);
        match Watcher::connect(cluster, EngineConfig::default(), Arc::clone(&stop)) {
            Ok(watcher) => watchers.push(watcher),
            Err(failed) => {
                say(&format!("plimsoll: {failed}"));
                return Ok(Ending::Refused);
            }
        }
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    let ended = runtime.block_on(async {
        for watcher in &watchers {
            let events = watcher.cluster().events();
            tokio::task::spawn_blocking(move || events.run());
        }
        // Asked to stop, a measurement that is under way is not waited for.
        let stopped = stop_signal()?;
        tokio::select! {
            () = stopped => Ok(Ending::Fine),
            ended = show(watchers, arguments, color) => ended,
        }
    });
    stop.store(true, Ordering::Relaxed);
    runtime.shutdown_background();
    ended
}

fn narrow(filter: &mut Filter, wanted: &[Selector]) {
    if !wanted.is_empty() {
        filter.include = wanted.to_vec();
        filter.exclude.clear();
    }
}

async fn show(watchers: Vec<Watcher>, arguments: &LagArgs, color: Color) -> anyhow::Result<Ending> {
    let interval = watchers.iter().map(|watcher| watcher.cluster().config().poll_interval).max();
    let interval = interval.unwrap_or(BETWEEN_READINGS);
    let (mut watchers, first) = measure(watchers, arguments).await?;
    if arguments.watch {
        draw(&first, arguments, color)?;
        loop {
            time::sleep(interval).await;
            let snapshots;
            (watchers, snapshots) = measure(watchers, arguments).await?;
            draw(&snapshots, arguments, color)?;
        }
    }
    let snapshots = if first.iter().any(|snapshot| snapshot.up.is_ok()) {
        time::sleep(BETWEEN_READINGS).await;
        measure(watchers, arguments).await?.1
    } else {
        first
    };
    let down: Vec<_> = snapshots.iter().filter(|snapshot| snapshot.up.is_err()).collect();
    for snapshot in &down {
        let because = snapshot.down_because.as_deref().unwrap_or("no reason known");
        say(&format!("plimsoll: cluster {} cannot be measured: {because}", snapshot.cluster));
    }
    let mut missed = false;
    for snapshot in snapshots.iter().filter(|snapshot| snapshot.up.is_ok()) {
        for sentence in missing(snapshot, arguments) {
            say(&format!("plimsoll: cluster {}: {sentence}", snapshot.cluster));
            missed = true;
        }
    }
    if arguments.json || down.len() < snapshots.len() {
        draw(&snapshots, arguments, color)?;
    }
    Ok(if down.is_empty() && !missed { Ending::Fine } else { Ending::Failed })
}

/// What was asked for and cannot be told, of a cluster that was measured: groups and topics asked for by name, or
/// everything, when nothing was asked for and nothing is there to be seen.
fn missing(snapshot: &Snapshot, arguments: &LagArgs) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for one in &snapshot.unmeasured {
        let asked_for: &[Selector] = match one.subject {
            Subject::Group => &arguments.group,
            Subject::Topic => &arguments.topic,
            Subject::Cluster | Subject::Partition | Subject::Slo => &[],
        };
        if asked_for.iter().any(|selector| selector.exact() == Some(&one.name)) {
            let subject = one.subject.label();
            sentences.push(format!("{subject} {} cannot be measured: {}", one.name, one.detail()));
        }
    }
    let asks_for_all = arguments.group.is_empty() && arguments.topic.is_empty();
    if asks_for_all && snapshot.groups.is_empty() && snapshot.topics.is_empty() {
        sentences.push(NOTHING_THERE.to_owned());
    }
    sentences
}

/// One measurement of each cluster, all at once.
async fn measure(
    watchers: Vec<Watcher>,
    arguments: &LagArgs,
) -> anyhow::Result<(Vec<Watcher>, Vec<Arc<Snapshot>>)> {
    let cycle = |mut watcher: Watcher| async {
        let cycle = tokio::task::spawn_blocking(move || {
            let snapshot = watcher.cycle();
            (watcher, snapshot)
        });
        cycle.await.context("a measurement panicked")
    };
    let (watchers, mut snapshots): (Vec<_>, Vec<_>) =
        try_join_all(watchers.into_iter().map(cycle)).await?.into_iter().unzip();
    if !arguments.topic.is_empty() {
        for snapshot in &mut snapshots {
            let snapshot: &mut Snapshot = snapshot;
            snapshot.groups.retain(|group| group.commits.is_err() || !group.topics.is_empty());
        }
    }
    Ok((watchers, snapshots.into_iter().map(Arc::new).collect()))
}

fn draw(snapshots: &[Arc<Snapshot>], arguments: &LagArgs, color: Color) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if arguments.json {
        serde_json::to_writer(&mut out, &report(snapshots))?;
        out.write_all(b"\n")?;
    } else {
        let (is_terminal, color) = (out.is_terminal(), color_on(color, &out));
        let table = lag_table::render(snapshots, &Shape { width: width(), color });
        // From the top left, over what was there, so that nothing flickers; then whatever is left is cleared.
        let table = if is_terminal && arguments.watch {
            format!("\x1b[H{}\x1b[J", table.replace('\n', "\x1b[K\n"))
        } else {
            table
        };
        out.write_all(table.as_bytes())?;
        if !is_terminal && arguments.watch {
            out.write_all(b"\n")?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Of the terminal, or of `COLUMNS`.
pub(super) fn width() -> usize {
    let columns = environment("COLUMNS").and_then(|columns| columns.parse().ok());
    let terminal = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    terminal.or(columns).unwrap_or(WIDTH_OF_A_FILE)
}

fn report(snapshots: &[Arc<Snapshot>]) -> Report {
    let groups = |snapshot: &Arc<Snapshot>| -> Vec<GroupStatus> {
        snapshot.groups.iter().map(|group| GroupStatus::of(snapshot, group, None, None)).collect()
    };
    Report {
        clusters: snapshots.iter().map(|snapshot| ClusterStatus::of(snapshot)).collect(),
        groups: snapshots.iter().flat_map(groups).collect(),
    }
}
