//! Reads the settings anew on SIGHUP and when they change on disk. Settings with a problem change nothing; all others
//! are handed on whole, and what of them needs a restart is said.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, watch as channel};
use tokio::time;

use super::clock;
use super::folders::Folders;
use super::watch::lock;
use crate::config::{
    Config, Given, Problem, Problems, RuleChanges, keys_for_a_restart, resolve_with_origins,
};
use crate::export::OwnMetrics;

/// What is changed by several steps, as editors and `kubectl` do it, is read once when it has been quiet for so long.
const QUIET: Duration = Duration::from_secs(1);

/// But not later than this: other files of the same folder may change all the time.
const PATIENCE: Duration = Duration::from_secs(5);

/// Settings that change between two readings of them are read again, so often at most: there will be another word.
const MOST_READINGS: usize = 5;

/// What to say of the settings in `/readyz`.
#[derive(Debug, Default)]
pub(super) struct ReloadWarnings(Mutex<Warned>);

#[derive(Debug, Default)]
struct Warned {
    refused: Option<String>,
    needs_restart: Option<String>,
}

impl ReloadWarnings {
    /// A sentence each.
    pub(super) fn sentences(&self) -> Vec<String> {
        let warned = lock(&self.0);
        [&warned.refused, &warned.needs_restart].into_iter().flatten().cloned().collect()
    }
}

/// Why the settings are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// Somebody has asked for it, and hears what came of it.
    Asked,
    /// Something has changed nearby, which may be of no concern.
    Change,
}

/// Reads settings anew, and knows which are in use.
#[derive(Debug)]
pub(super) struct Reloader {
    given: Given,
    /// What the process was started with, and goes on with where that cannot be exchanged.
    running: Arc<Config>,
    accepted: channel::Sender<Arc<Config>>,
    /// What was wrong when they were read last.
    refused: Option<Problems>,
    warnings: Arc<ReloadWarnings>,
    own: Arc<OwnMetrics>,
}

impl Reloader {
    /// `running` was read at the start as `given` says.
    pub(super) fn new(given: Given, running: Config, own: Arc<OwnMetrics>) -> Self {
        own.settings_were_taken(clock::now());
        let running = Arc::new(running);
        let (accepted, _) = channel::channel(Arc::clone(&running));
        Self { given, running, accepted, refused: None, warnings: Arc::default(), own }
    }

    /// The settings in use, and each that comes to be; the first counts as seen.
    pub(super) fn subscribe(&self) -> channel::Receiver<Arc<Config>> {
        self.accepted.subscribe()
    }

    pub(super) fn warnings(&self) -> Arc<ReloadWarnings> {
        Arc::clone(&self.warnings)
    }

    /// Until `stopped` is true, or its sender is gone.
    ///
    /// # Errors
    /// When reading panics.
    pub(super) async fn run(
        mut self,
        mut hangup: Signal,
        mut stopped: channel::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let until_stopped = async move { drop(stopped.wait_for(|stopped| *stopped).await) };
        tokio::select! {
            () = until_stopped => Ok(()),
            failed = self.read_for_ever(&mut hangup) => failed,
        }
    }

    async fn read_for_ever(&mut self, hangup: &mut Signal) -> anyhow::Result<()> {
        let (mut folders, mut changes) = Folders::new();
        let mut cause = Cause::Change;
        loop {
            // The first time for what has changed since the start, before anything was watched.
            let given = self.given.clone();
            let read = tokio::task::spawn_blocking(move || read(&given, folders));
            let settings;
            (settings, folders) = read.await.context("reading the settings panicked")?;
            match settings {
                Ok(config) => self.accept(config, cause),
                Err(problems) => self.refuse(problems, cause),
            }
            cause = tokio::select! {
                Some(()) = hangup.recv() => Cause::Asked,
                () = change(&mut changes) => Cause::Change,
            };
        }
    }

    fn accept(&mut self, config: Config, cause: Cause) {
        let before = Arc::clone(&self.accepted.borrow());
        let was_refused = self.refused.take().is_some();
        if cause == Cause::Change && !was_refused && config == *before {
            return;
        }
        let keys = keys_for_a_restart(&self.running, &config);
        let keys = (!keys.is_empty()).then(|| keys.join(", "));
        let config = Arc::new(config);
        self.accepted.send_replace(Arc::clone(&config));
        self.own.settings_were_taken(clock::now());
        let sentence = |keys: &String| format!("settings that take effect at the next start: {keys}");
        *lock(&self.warnings.0) = Warned { refused: None, needs_restart: keys.as_ref().map(sentence) };

        let rules = RuleChanges::between(&before.rules, &config.rules);
        let names = |names: &[String]| (!names.is_empty()).then(|| names.join(", "));
        let (added, removed, changed) = (names(&rules.added), names(&rules.removed), names(&rules.changed));
        let buckets = (before.latency_bounds != config.latency_bounds).then_some("changed");
        tracing::info!(added, removed, changed, buckets, "settings were read anew and are in use");
        if let Some(keys) = keys {
            tracing::warn!(keys, "these settings differ from those in use and take effect at the next start");
        }
    }

    fn refuse(&mut self, problems: Problems, cause: Cause) {
        if cause == Cause::Change && self.refused.as_ref() == Some(&problems) {
            return;
        }
        self.own.settings_were_refused();
        lock(&self.warnings.0).refused = Some(refusal(&problems.0));
        for problem in &problems.0 {
            tracing::error!(%problem, "settings were read anew and are not used; those of before stay in use");
        }
        self.refused = Some(problems);
    }
}

/// Reads the settings, and has the folders watched that they come from.
fn read(given: &Given, mut folders: Folders) -> (Result<Config, Problems>, Folders) {
    let folder = Path::new(".");
    let (mut settings, mut origins) = resolve_with_origins(given, folder);
    for _ in 1..MOST_READINGS {
        let watched = origins.watched_folders();
        folders.watch(&watched);
        // Once more, for what has changed before it was watched.
        (settings, origins) = resolve_with_origins(given, folder);
        if origins.watched_folders() == watched {
            break;
        }
    }
    (settings, folders)
}

/// Until something has changed and that is over. Never when nothing is watched.
async fn change(changes: &mut mpsc::Receiver<()>) {
    if changes.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
    let quiet = async { while let Ok(Some(())) = time::timeout(QUIET, changes.recv()).await {} };
    drop(time::timeout(PATIENCE, quiet).await);
}

/// The sentence for people; the first problem stands for all, which are in the log.
fn refusal(problems: &[Problem]) -> String {
    let first = problems.first().map(ToString::to_string).unwrap_or_default();
    let first = first.lines().next().unwrap_or_default();
    let many = match problems.len() {
        1 => "a problem".to_owned(),
        number => format!("{number} problems, all of them in the log"),
    };
    format!("the settings on disk are not in use, those of before are: they have {many}: {first}")
}
