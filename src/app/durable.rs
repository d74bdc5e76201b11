//! Makes what a tick has decided durable before anybody sees it. While that fails it goes on and says so loudly:
//! in the log, in the metrics and in `/readyz`.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use tokio::time::Instant;

use super::watch::lock;
use super::{clock, environment};
use crate::export::OwnMetrics;
use crate::model::{ClusterName, Row};
use crate::state::{Opened, State, StateConfig, StateError};

/// A failure that lasts is logged again after this time.
const AGAIN: Duration = Duration::from_secs(60);

/// The state of the daemon, and how saving it goes.
#[derive(Debug)]
pub(super) struct DurableState {
    state: State,
    own: Arc<OwnMetrics>,
    failure: Mutex<Option<Failure>>,
}

#[derive(Debug)]
struct Failure {
    sentence: String,
    logged: Instant,
    next_try: Instant,
}

/// How long after a try that failed, and `took` so long, the next one comes. Each opens and repairs the file again, which
/// takes the longer the larger it is: at most a tenth of the time goes there, and a small file is tried with every tick.
fn pause(took: Duration) -> Duration {
    (took * 9).min(AGAIN)
}

impl DurableState {
    /// Opens the state where the settings, or the environment, say.
    ///
    /// # Errors
    /// The folder cannot be used, another daemon uses it, or a newer one has written it; the sentence says what to do.
    pub(super) fn open(config: &StateConfig, own: Arc<OwnMetrics>) -> anyhow::Result<Self> {
        let folder = config.folder(&environment)?;
        let (state, opened) = State::open(&folder, clock::now())?;
        let folder = folder.display();
        match &opened {
            Opened::New | Opened::Kept => tracing::info!(%folder, found = %opened, "state is open"),
            Opened::SetAside { .. } => tracing::error!(%folder, found = %opened, "state was lost"),
        }
        if let Some(bytes) = state.file_bytes() {
            own.set_state_file_bytes(bytes);
        }
        Ok(Self { state, own, failure: Mutex::new(None) })
    }

    /// What a process before this one has left of `cluster`.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn load(&self, cluster: &ClusterName) -> anyhow::Result<Vec<Row>> {
        self.state.load(cluster).with_context(|| format!("loading the state of cluster {cluster}"))
    }

    /// Makes `rows` durable, and what could not be saved before. Blocks until the disk has them. After a failure that
    /// took long, they wait for a try that is not yet due.
    pub(super) fn write(&self, cluster: &ClusterName, rows: &[Row]) {
        if rows.is_empty() && self.state.waiting() == 0 {
            return;
        }
        let started = Instant::now();
        if lock(&self.failure).as_ref().is_some_and(|failure| started < failure.next_try) {
            self.state.keep(cluster, rows);
            return;
        }
        let written = self.state.write(cluster, rows);
        self.own.observe_state_write(started.elapsed());
        if let Some(bytes) = self.state.file_bytes() {
            self.own.set_state_file_bytes(bytes);
        }
        self.tell(written, started.elapsed());
    }

    /// What is wrong with saving now, if anything is.
    pub(super) fn warning(&self) -> Option<String> {
        lock(&self.failure).as_ref().map(|failure| failure.sentence.clone())
    }

    fn tell(&self, written: Result<(), StateError>, took: Duration) {
        let mut failure = lock(&self.failure);
        match (written, &mut *failure) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => {
                tracing::info!("state is saved again, with all that waited");
                *failure = None;
            }
            (Err(failed), before) => {
                self.own.count_state_failure();
                let is_told = before.as_ref().is_some_and(|before| before.logged.elapsed() < AGAIN);
                let logged = match before {
                    Some(before) if is_told => before.logged,
                    _ => {
                        tracing::error!(error = %failed, "state cannot be saved");
                        Instant::now()
                    }
                };
                let next_try = Instant::now() + pause(took);
                *failure = Some(Failure { sentence: failed.to_string(), logged, next_try });
            }
        }
    }
}

/// Where rows that pass every checksum cannot be understood, only a person can decide.
pub(super) fn not_understood(cluster: &ClusterName, config: &StateConfig) -> anyhow::Error {
    let folder = config.folder(&environment).unwrap_or_else(|_| PathBuf::from("."));
    anyhow::anyhow!(
        "the state of cluster {cluster} in {} is whole, but this version cannot read it: run the version that wrote \
         it, or move plimsoll.redb away to count anew",
        folder.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_that_took_long_is_tried_again_later() {
        let check = |took, expected| {
            assert_eq!(pause(Duration::from_millis(took)), Duration::from_millis(expected));
        };
        check(0, 0);
        check(5, 45);
        check(2_000, 18_000);
        check(10_000, 60_000);
    }
}
