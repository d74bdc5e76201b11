//! A state file that is looked at and never touched: what redb writes while it opens and repairs one stays in memory.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

/// What is kept in memory as a whole once a byte of it is written.
const BLOCK: u64 = 4096;

/// The bytes of a file, and over them what was written since.
#[derive(Debug)]
pub(super) struct Examined {
    file: File,
    written: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    length: u64,
    /// So much of the file still counts: what was cut off does not come back when it grows again.
    of_file: u64,
    /// By number.
    blocks: BTreeMap<u64, Vec<u8>>,
}

impl Examined {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let written = Written { length, of_file: length, blocks: BTreeMap::new() };
        Ok(Self { file, written: Mutex::new(written) })
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A block as it is in the file, zero beyond `of_file`.
    fn read_block(&self, number: u64, of_file: u64) -> io::Result<Vec<u8>> {
        let start = number * BLOCK;
        let mut block = vec![0; usize::try_from(BLOCK).unwrap_or(0)];
        let there = usize::try_from(of_file.saturating_sub(start).min(BLOCK)).unwrap_or(0);
        self.file.read_exact_at(&mut block[..there], start)?;
        Ok(block)
    }
}

/// The blocks that `length` bytes from `offset` on lie in: number, first byte within it, and how many bytes.
fn blocks(offset: u64, length: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let end = offset + length as u64;
    (offset / BLOCK..end.div_ceil(BLOCK)).map(move |number| {
        let start = (number * BLOCK).max(offset);
        let bytes = ((number + 1) * BLOCK).min(end).saturating_sub(start);
        let within = start - number * BLOCK;
        (number, usize::try_from(within).unwrap_or(0), usize::try_from(bytes).unwrap_or(0))
    })
}

impl StorageBackend for Examined {
    fn len(&self) -> io::Result<u64> {
        Ok(self.written().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let written = self.written();
        if offset.saturating_add(out.len() as u64) > written.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut rest = out;
        for (number, within, bytes) in blocks(offset, rest.len()) {
            let (part, more) = rest.split_at_mut(bytes);
            match written.blocks.get(&number) {
                Some(block) => part.copy_from_slice(&block[within..within + bytes]),
                None => {
                    let block = self.read_block(number, written.of_file)?;
                    part.copy_from_slice(&block[within..within + bytes]);
                }
            }
            rest = more;
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut written = self.written();
        if length < written.length {
            written.blocks.retain(|number, _| number * BLOCK < length);
            written.of_file = written.of_file.min(length);
            let within = usize::try_from(length % BLOCK).unwrap_or(0);
            if let Some(block) = written.blocks.get_mut(&(length / BLOCK)) {
                block[within..].fill(0);
            }
        }
        written.length = length;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut written = self.written();
        let of_file = written.of_file;
        let mut rest = data;
        for (number, within, bytes) in blocks(offset, data.len()) {
            let (part, more) = rest.split_at(bytes);
            let block = match written.blocks.entry(number) {
                Entry::Occupied(block) => block.into_mut(),
                Entry::Vacant(place) => place.insert(self.read_block(number, of_file)?),
            };
            block[within..within + bytes].copy_from_slice(part);
            rest = more;
        }
        written.length = written.length.max(offset + data.len() as u64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_the_file_stays_as_it_is() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut expected: Vec<u8> = (0..10_000_u32).map(|number| number as u8).collect();
        std::fs::write(file.path(), &expected).unwrap();
        let before = expected.clone();
        let examined = Examined::open(file.path()).unwrap();
        for (at, bytes) in [(0, 10), (4_090, 20), (9_000, 3_000), (8_191, 1), (100, 9_000)] {
            let data = vec![7; bytes];
            examined.write(at as u64, &data).unwrap();
            expected.resize(expected.len().max(at + bytes), 0);
            expected[at..at + bytes].copy_from_slice(&data);
        }
        for length in [5_000, 12_000, 4_096, 20_000] {
            examined.set_len(length as u64).unwrap();
            expected.resize(length, 0);
            let mut found = vec![1; length];
            examined.read(0, &mut found).unwrap();
            assert!(found == expected, "{length}");
            assert_eq!(examined.len().unwrap(), length as u64);
            assert!(examined.read(1, &mut found).is_err());
        }
        assert!(std::fs::read(file.path()).unwrap() == before);
    }
}
