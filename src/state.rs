//! State that outlives the process: the rows of the core in one file, `plimsoll.redb`, in a folder of its own.
//! One write is one transaction and on the disk before it returns; killed at any moment, the file holds the last
//! write that returned, or the one after it, whole. Never looks into a row, and never decides what is worth keeping.
//!
//! What cannot be trusted is never used in part: rows of one tick belong together, and a count without the offsets
//! that it covers would count records twice. So a file is either verified as a whole when it is opened, every page
//! and every row, or set aside as a whole under a name with the time. Then the daemon starts with empty state: a
//! watcher that does not watch is the greater loss, and lost state shows, as budgets since the new start and
//! coverage below 1. A file of a newer version is sound and belongs to a program that can read it: it is left where
//! it is, and the start is refused. Neither is changed by looking at it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::{ClusterName, Row, Timestamp};

mod config;
mod error;
mod examined;
mod file;
mod folder;
mod record;
#[cfg(test)]
mod tests;

pub use config::StateConfig;
pub use error::StateError;

use file::StateFile;
use folder::Folder;

/// The state of all clusters, open for as long as this value lives; until then no other process can open it.
#[derive(Debug)]
pub struct State {
    file: Mutex<Writer>,
    folder: Folder,
}

/// The file, and what is not yet in it.
#[derive(Debug)]
struct Writer {
    /// `None` from a failure until it could be opened again.
    file: Option<StateFile>,
    /// Records that could not be written, the latest of each key. At most as many as there are keys.
    waiting: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

/// What was found when the state was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// There was no state: everything begins now.
    New,
    /// The state of a process before this one, verified.
    Kept,
    /// State that could not be trusted: everything begins now.
    SetAside {
        /// What is wrong with it.
        why: String,
        /// Where the file is kept.
        kept_as: PathBuf,
    },
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("no earlier state, counting from now"),
            Self::Kept => f.write_str("earlier state was verified"),
            Self::SetAside { why, kept_as } => write!(
                f,
                "the state file is damaged ({why}): it is kept as {}, and budgets count from now; \
                 to go on from a copy, stop plimsoll and put the copy in its place",
                kept_as.display()
            ),
        }
    }
}

impl State {
    /// Opens the state in `folder`, which is made if it does not exist. Blocks for as long as reading the whole
    /// file takes. `now` names a file that is set aside.
    ///
    /// # Errors
    /// [`StateError::InUse`], [`StateError::Newer`], and [`StateError::Unusable`] when the folder or the file
    /// cannot be made, read or written.
    pub fn open(folder: &Path, now: Timestamp) -> Result<(Self, Opened), StateError> {
        let folder = Folder::lock(folder)?;
        let path = folder.file();
        let (file, opened) = if path.exists() {
            match StateFile::open_verified(&path) {
                Ok(file) => (file, Opened::Kept),
                Err(StateError::Damaged { why, .. }) => {
                    let kept_as = folder.set_aside(now)?;
                    (folder.begin()?, Opened::SetAside { why, kept_as })
                }
                Err(failed) => return Err(failed),
            }
        } else {
            (folder.begin()?, Opened::New)
        };
        let writer = Writer { file: Some(file), waiting: BTreeMap::new() };
        Ok((Self { file: Mutex::new(writer), folder }, opened))
    }

    /// The rows of `cluster` that this version knows the kinds of, in order of kind and key.
    ///
    /// # Errors
    /// [`StateError::Damaged`] when a row is not what was written, [`StateError::Unusable`] when it cannot be read.
    pub fn load(&self, cluster: &ClusterName) -> Result<Vec<Row>, StateError> {
        let mut writer = self.writer();
        let loaded = writer.open(&self.folder)?.load(cluster);
        if loaded.is_err() {
            writer.file = None;
        }
        loaded
    }

    /// Makes `rows` durable: all of them, and all that earlier calls could not write, or none. A row without a
    /// value is removed. Blocks until the disk has them.
    ///
    /// # Errors
    /// [`StateError::NotWritten`]: what was durable before still is, and the rows are kept for the next call,
    /// which opens the file again. This may be called with no rows to try once more.
    pub fn write(&self, cluster: &ClusterName, rows: &[Row]) -> Result<(), StateError> {
        let mut writer = self.writer();
        writer.keep(cluster, rows);
        let records = std::mem::take(&mut writer.waiting);
        if records.is_empty() {
            return Ok(());
        }
        let written = writer.open(&self.folder).and_then(|file| file.write(&records));
        let Err(failed) = written else { return Ok(()) };
        // It refuses all further work after the first failure.
        writer.file = None;
        writer.waiting = records;
        Err(StateError::NotWritten {
            file: self.folder.file(),
            why: failed.why(),
            waiting: writer.waiting.len(),
        })
    }

    /// Keeps `rows` for the next [`Self::write`], without the disk: for when that has failed and the next try would
    /// come too soon.
    pub fn keep(&self, cluster: &ClusterName, rows: &[Row]) {
        self.writer().keep(cluster, rows);
    }

    /// The size of the file in bytes; `None` when it cannot be told.
    #[must_use]
    pub fn file_bytes(&self) -> Option<u64> {
        std::fs::metadata(self.folder.file()).ok().map(|about| about.len())
    }

    /// How many rows could not be written yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.writer().waiting.len()
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        // Whatever panicked, the rows that wait are whole.
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    fn keep(&mut self, cluster: &ClusterName, rows: &[Row]) {
        self.waiting.extend(rows.iter().map(|row| record::encode(cluster, row)));
    }

    fn open(&mut self, folder: &Folder) -> Result<&StateFile, StateError> {
        let file = match self.file.take() {
            Some(file) => file,
            None => StateFile::open(&folder.file())?,
        };
        Ok(self.file.insert(file))
    }
}
