//! Watches folders, and says that something in them has changed. Never says what: that is found out by reading anew.
//! Folders and not files, because a file that is replaced, as editors and Kubernetes do it, is another file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ::notify::event::{AccessKind, AccessMode, EventKind};
use ::notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// The folders that are watched now.
pub(super) struct Folders {
    /// `None` when this system cannot watch at all.
    watcher: Option<RecommendedWatcher>,
    watched: Vec<PathBuf>,
    /// Those that could not be watched, which is told once.
    failed: BTreeSet<PathBuf>,
}

impl fmt::Debug for Folders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folders").field("watched", &self.watched).finish_non_exhaustive()
    }
}

impl Folders {
    /// None yet. The receiver gets a word when something has changed; many changes may be one word.
    pub(super) fn new() -> (Self, mpsc::Receiver<()>) {
        let (changed, changes) = mpsc::channel(1);
        let watcher = ::notify::recommended_watcher(move |event: ::notify::Result<Event>| {
            // An error may be an overflow: then nobody knows what was missed.
            if event.map_or(true, |event| is_change(event.kind)) {
                // Full is as good as sent: a word waits already.
                changed.try_send(()).ok();
            }
        });
        let watcher = watcher
            .inspect_err(|failed| {
                tracing::warn!(error = %failed, "no folder can be watched: SIGHUP reads the settings anew");
            })
            .ok();
        (Self { watcher, watched: Vec::new(), failed: BTreeSet::new() }, changes)
    }

    /// Watches exactly `folders` from now on. All of them anew, because what is made again in the place of a folder is
    /// another one, and nothing tells them apart for sure. What has changed in them before this returns is not told.
    pub(super) fn watch(&mut self, folders: &BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        for folder in self.watched.drain(..) {
            // It fails where the folder is gone, and then there is nothing to end.
            drop(watcher.unwatch(&folder));
        }
        // Two paths to the same folder are one watch: ending it for one of them would end it for both.
        let found = folders.iter().filter_map(|folder| Some((identity(folder)?, folder)));
        let failed = std::mem::take(&mut self.failed);
        for folder in found.collect::<BTreeMap<_, _>>().into_values() {
            match watcher.watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => self.watched.push(folder.clone()),
                Err(error) => {
                    if !failed.contains(folder) {
                        let folder = folder.display();
                        tracing::warn!(%folder, %error, "cannot be watched: SIGHUP reads the settings anew");
                    }
                    self.failed.insert(folder.clone());
                }
            }
        }
    }
}

/// Device and number.
fn identity(folder: &Path) -> Option<(u64, u64)> {
    let about = std::fs::metadata(folder).ok()?;
    Some((about.dev(), about.ino()))
}

/// Reading is no change, and the settings are read after each change.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tempfile::TempDir;

    use super::*;

    /// Whether there is a word of a change; none within 50 ms is none.
    async fn is_told(changes: &mut mpsc::Receiver<()>, within: u64) -> bool {
        tokio::time::timeout(Duration::from_millis(within), changes.recv()).await.is_ok()
    }

    #[tokio::test]
    async fn every_change_is_told_and_reading_is_none() {
        let at = TempDir::new().unwrap();
        let path = |name: &str| at.path().join(name);
        std::fs::create_dir(path("one")).unwrap();
        std::fs::create_dir(path("other")).unwrap();
        std::os::unix::fs::symlink("one", path("link")).unwrap();
        let (mut folders, mut changes) = Folders::new();
        let all = BTreeSet::from([path("one"), path("link"), path("gone")]);
        for _ in 0..2 {
            folders.watch(&all);
        }
        let mut check = async |change: &dyn Fn(), expected: bool| {
            change();
            assert_eq!(is_told(&mut changes, if expected { 5_000 } else { 50 }).await, expected);
            // What else one change has caused.
            while is_told(&mut changes, 50).await {}
        };
        check(&|| {}, false).await;
        check(&|| std::fs::write(path("one/a"), "1").unwrap(), true).await;
        check(&|| drop(std::fs::read(path("one/a")).unwrap()), false).await;
        check(&|| std::fs::write(path("one/a"), "2").unwrap(), true).await;
        check(&|| std::fs::rename(path("one/a"), path("one/b")).unwrap(), true).await;
        check(&|| std::fs::write(path("other/a"), "").unwrap(), false).await;
        check(&|| std::fs::remove_file(path("one/b")).unwrap(), true).await;
        folders.watch(&BTreeSet::from([path("other")]));
        check(&|| std::fs::write(path("one/a"), "").unwrap(), false).await;
        check(&|| std::fs::write(path("other/b"), "").unwrap(), true).await;
        // Made again under the same name.
        std::fs::remove_dir_all(path("other")).unwrap();
        std::fs::create_dir(path("other")).unwrap();
        folders.watch(&BTreeSet::from([path("other")]));
        check(&|| {}, true).await;
        check(&|| std::fs::write(path("other/c"), "").unwrap(), true).await;
    }
}
