//! The state file through redb: made, verified, read, written. Never keeps what could not be written, and never
//! replaces a file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use redb::{Builder, Database, ReadableDatabase, TableDefinition};

use super::examined::Examined;
use super::{StateError, record};
use crate::model::{ClusterName, Row};

/// What the rows are written as: see `record`.
const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");
/// What the file is: [`FORMAT`], sealed like a row.
const ABOUT: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("about");
const FORMAT: &[u8] = b"format";

/// The format of the rows table. A change that this version could misread raises it.
pub(super) const KNOWN_FORMAT: u64 = 1;

/// The layout of pages that the redb in use writes, and where its header says so, once for each of two commits.
const KNOWN_LAYOUT: u8 = 3;
const LAYOUT_AT: [usize; 2] = [64, 192];

/// redb's own default is 1 GiB. Between ticks nothing is read, and a tick's pages are written through.
const CACHE_BYTES: usize = 32 << 20;

/// Compacting moves everything: it must free at least this much, and half of the file, ...
const WORTH_COMPACTING_BYTES: u64 = 16 << 20;
/// ... and be done in seconds: beyond this much in use, the free half stays for what is written next.
const MOST_COMPACTED_BYTES: u64 = 256 << 20;

/// An open state file.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    database: Database,
}

impl StateFile {
    /// Makes an empty state file at `path`, where there is none, and closes it.
    pub(super) fn create(path: &Path) -> Result<(), StateError> {
        guarded(path, || {
            let database = Builder::new().create(path)?;
            let file = Self { path: path.to_owned(), database };
            file.set_format(KNOWN_FORMAT)?;
            file.database.close()?;
            Ok(())
        })
    }

    pub(super) fn set_format(&self, format: u64) -> Result<(), redb::Error> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_two_phase_commit(true);
        transaction
            .open_table(ABOUT)?
            .insert(FORMAT, record::seal(FORMAT, &format.to_le_bytes()).as_slice())?;
        transaction.open_table(ROWS)?;
        transaction.commit()?;
        Ok(())
    }

    /// Opens a file that this process has verified before.
    pub(super) fn open(path: &Path) -> Result<Self, StateError> {
        let database = guarded(path, || Ok(Builder::new().set_cache_size(CACHE_BYTES).open(path)?))?;
        Ok(Self { path: path.to_owned(), database })
    }

    /// Opens a file once all of it is verified; makes it smaller when that is worth the time. A file that is not what
    /// was written, or of a newer version, stays as it is to the last byte.
    pub(super) fn open_verified(path: &Path) -> Result<Self, StateError> {
        newer_layout(path)?;
        let examined = Examined::open(path)
            .map_err(|failed| StateError::unusable("read the state file", path, &failed))?;
        let database = guarded(path, || {
            let mut builder = Builder::new();
            builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
            Ok(builder.create_with_backend(examined)?)
        })?;
        let examined = Self { path: path.to_owned(), database };
        examined.check_format()?;
        examined.each(&[], |_, _| ())?;
        drop(examined);
        let mut file = Self::open(path)?;
        match file.compact() {
            Ok(()) => Ok(file),
            // It is only larger than it has to be.
            Err(_) => {
                drop(file);
                Self::open(path)
            }
        }
    }

    /// The rows of `cluster` of known kinds.
    pub(super) fn load(&self, cluster: &ClusterName) -> Result<Vec<Row>, StateError> {
        let mut rows = Vec::new();
        let prefix = record::prefix(cluster);
        self.each(&prefix, |key, value| rows.extend(record::decode(&key[prefix.len()..], value)))?;
        Ok(rows)
    }

    /// Writes all `records` or none; on the disk when it returns.
    pub(super) fn write(&self, records: &BTreeMap<Vec<u8>, Option<Vec<u8>>>) -> Result<(), StateError> {
        guarded(&self.path, || {
            let mut transaction = self.database.begin_write()?;
            // In one phase, redb takes a last commit that is damaged for one that was never finished and goes back
            // by one without a word.
            transaction.set_two_phase_commit(true);
            {
                let mut table = transaction.open_table(ROWS)?;
                for (key, value) in records {
                    match value {
                        Some(value) => table.insert(key.as_slice(), value.as_slice())?,
                        None => table.remove(key.as_slice())?,
                    };
                }
            }
            transaction.commit()?;
            Ok(())
        })
    }

    /// The record of `key` as it is in the file.
    #[cfg(test)]
    pub(super) fn raw(&self, key: &[u8]) -> Option<Vec<u8>> {
        let transaction = self.database.begin_read().unwrap();
        let table = transaction.open_table(ROWS).unwrap();
        table.get(key).unwrap().map(|value| value.value().to_owned())
    }

    fn check_format(&self) -> Result<(), StateError> {
        let stored = guarded(&self.path, || {
            let transaction = self.database.begin_read()?;
            let table = transaction.open_table(ABOUT)?;
            Ok(table.get(FORMAT)?.map(|value| value.value().to_owned()))
        })?;
        let format = stored.as_deref().and_then(|stored| record::unseal(FORMAT, stored));
        let format = format.and_then(|format| Some(u64::from_le_bytes(format.try_into().ok()?)));
        match format {
            None => Err(StateError::damaged(&self.path, &"it does not say which format it has")),
            Some(found) if found > KNOWN_FORMAT => Err(newer(&self.path, found)),
            Some(_) => Ok(()),
        }
    }

    /// Hands every record whose key begins with `prefix` to `take`: the whole key, and the value if it is what was
    /// written.
    fn each(&self, prefix: &[u8], mut take: impl FnMut(&[u8], &[u8])) -> Result<(), StateError> {
        let broken = guarded(&self.path, || {
            let transaction = self.database.begin_read()?;
            let table = transaction.open_table(ROWS)?;
            let mut broken = 0_u64;
            for record in table.range(prefix..)? {
                let (key, value) = record?;
                if !key.value().starts_with(prefix) {
                    break;
                }
                match record::unseal(key.value(), value.value()) {
                    Some(value) => take(key.value(), value),
                    None => broken += 1,
                }
            }
            Ok(broken)
        })?;
        match broken {
            0 => Ok(()),
            1 => Err(StateError::damaged(&self.path, &"a row does not match its checksum")),
            rows => {
                Err(StateError::damaged(&self.path, &format!("{rows} rows do not match their checksums")))
            }
        }
    }

    fn compact(&mut self) -> Result<(), StateError> {
        let Self { path, database } = self;
        guarded(path, || {
            let bytes = path.metadata().map_err(redb::Error::Io)?.len();
            let transaction = database.begin_write()?;
            let about = transaction.stats()?;
            transaction.abort()?;
            let used = about.allocated_pages().saturating_mul(about.page_size() as u64);
            let free = bytes.saturating_sub(used);
            if free >= WORTH_COMPACTING_BYTES && free >= bytes / 2 && used <= MOST_COMPACTED_BYTES {
                database.compact()?;
            }
            Ok(())
        })
    }
}

/// Runs `work` with redb. A panic in there, which a damaged file can cause, ends the work and not the process.
fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, StateError> {
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(failed)) => Err(explain(path, failed)),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
            Err(StateError::damaged(path, &format!("it contradicts itself: {said}")))
        }
    }
}

fn explain(path: &Path, failed: redb::Error) -> StateError {
    use redb::Error;
    match failed {
        Error::DatabaseAlreadyOpen | Error::LockProtocolMismatch => StateError::InUse {
            folder: path.parent().unwrap_or(path).to_owned(),
            holder: "another process".to_owned(),
        },
        // What redb says of a file that is not its own.
        Error::Io(failed) if failed.kind() == io::ErrorKind::InvalidData => {
            StateError::damaged(path, &"it is not a state file")
        }
        Error::Io(failed) if failed.kind() == io::ErrorKind::UnexpectedEof => {
            StateError::damaged(path, &"it ends too early")
        }
        Error::Corrupted(why) => StateError::damaged(path, &why),
        Error::UpgradeRequired(_) => StateError::damaged(path, &"it is not a state file of plimsoll"),
        Error::TableDoesNotExist(_) | Error::TableTypeMismatch { .. } | Error::TableIsMultimap(_) => {
            StateError::damaged(path, &"it is not a state file of plimsoll")
        }
        Error::Io(failed) => StateError::unusable("use the state file", path, &failed),
        other => StateError::unusable("use the state file", path, &other),
    }
}

fn newer(path: &Path, found: u64) -> StateError {
    StateError::Newer { file: path.to_owned(), found, known: KNOWN_FORMAT }
}

/// Tells a layout that a later redb has written from damage: redb itself calls both corrupt. Damage changes one of
/// the two places at most.
fn newer_layout(path: &Path) -> Result<(), StateError> {
    let mut header = [0; 256];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    match read {
        Ok(()) => {
            let [first, second] = LAYOUT_AT.map(|at| header[at]);
            if header.starts_with(b"redb") && first == second && first > KNOWN_LAYOUT {
                return Err(newer(path, first.into()));
            }
            Ok(())
        }
        // Too short: redb says so, too.
        Err(failed) if failed.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        Err(failed) => Err(StateError::unusable("read the state file", path, &failed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_the_work_and_not_the_process() {
        let check = |work: fn() -> Result<(), redb::Error>, expected: &str| {
            let failed = guarded(Path::new("/state"), work).unwrap_err();
            assert_eq!(failed.why(), expected);
        };
        check(|| panic!("page {} is free", 7), "it contradicts itself: page 7 is free");
        check(|| panic!("no such page"), "it contradicts itself: no such page");
    }
}
