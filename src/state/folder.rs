//! The folder of the state: made, locked, and the place where a file that cannot be trusted is kept.
//! Never opens the state file itself.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::StateError;
use super::file::StateFile;
use crate::model::Timestamp;

const FILE: &str = "plimsoll.redb";
const FILE_IN_THE_MAKING: &str = "plimsoll.redb.new";
const LOCK: &str = "plimsoll.lock";

/// A folder that this process alone uses, for as long as this value lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// The state file goes and comes; this one stays, so nobody slips in between.
    _lock: File,
}

impl Folder {
    /// Makes the folder if there is none, and locks it. The lock goes with the process, however it ends.
    pub(super) fn lock(path: &Path) -> Result<Self, StateError> {
        fs::create_dir_all(path)
            .map_err(|failed| StateError::unusable("make the state folder", path, &failed))?;
        let file = path.join(LOCK);
        let unusable = |failed: io::Error| StateError::unusable("lock the state with", &file, &failed);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&file)
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // For the sentence only.
                lock.read_to_string(&mut holder).ok();
                let holder = match holder.trim() {
                    "" => "another process".to_owned(),
                    holder => holder.to_owned(),
                };
                return Err(StateError::InUse { folder: path.to_owned(), holder });
            }
            Err(TryLockError::Error(failed)) => return Err(unusable(failed)),
        }
        // A full disk is no reason to be nameless twice: the lock holds without its text.
        sign(&mut lock).ok();
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where the state file is.
    pub(super) fn file(&self) -> PathBuf {
        self.path.join(FILE)
    }

    /// Begins with an empty state file, which is there whole or not at all.
    pub(super) fn begin(&self) -> Result<StateFile, StateError> {
        let (new, file) = (self.path.join(FILE_IN_THE_MAKING), self.file());
        let unusable = |failed: io::Error| StateError::unusable("make the state file", &file, &failed);
        match fs::remove_file(&new) {
            Err(failed) if failed.kind() != io::ErrorKind::NotFound => return Err(unusable(failed)),
            _ => {}
        }
        StateFile::create(&new)?;
        fs::rename(&new, &file).map_err(unusable)?;
        self.sync().map_err(unusable)?;
        StateFile::open(&file)
    }

    /// Renames the state file to a name with the time, and gives the new name.
    pub(super) fn set_aside(&self, now: Timestamp) -> Result<PathBuf, StateError> {
        let file = self.file();
        let name = format!("{FILE}.damaged-{}", compact_time(now));
        let mut kept_as = self.path.join(&name);
        for number in 2_u64.. {
            if !kept_as.exists() {
                break;
            }
            kept_as = self.path.join(format!("{name}-{number}"));
        }
        fs::rename(&file, &kept_as)
            .and_then(|()| self.sync())
            .map_err(|failed| StateError::unusable("keep aside the damaged", &file, &failed))?;
        Ok(kept_as)
    }

    /// A new name in a folder outlives a power failure only once the folder is on the disk.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

/// Writes into the lock who holds it, for whoever finds it locked.
fn sign(lock: &mut File) -> io::Result<()> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let on_host = if host.is_empty() { String::new() } else { format!(" on {}", host.trim()) };
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "process {}{on_host}", std::process::id())
}

/// `20260102T030405Z`, which is a file's name everywhere; milliseconds where the calendar ends.
fn compact_time(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map_or_else(|_| at.0.to_string(), |at| at.strftime("%Y%m%dT%H%M%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_make_names() {
        let check = |at: i64, expected: &str| assert_eq!(compact_time(Timestamp(at)), expected);
        check(1_767_323_045_678, "20260102T030405Z");
        check(i64::MAX, "9223372036854775807");
    }
}
