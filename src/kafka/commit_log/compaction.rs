//! Whether compaction may have taken records of a stretch of the commit log, as far as its keys can tell.
//!
//! Compaction up to an offset leaves no key twice below it, and works from the log's start on. So while the first of two
//! records with the same key is there, compaction has not come as far as the second: no offset that is missing behind
//! that one, or right before it, was taken by it. It may run while the log is read, so the first record, the witness, has
//! to be read once more after whatever is missing was found missing.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::Offset;

/// So many offsets before the one to go on from are read again, to find a key there twice.
pub(super) const LOOK_BACK: u64 = 1000;

/// The most keys that are remembered; a stretch with more, all different, stays suspicious.
const MOST_KEYS: usize = 100_000;

/// What the keys of one partition of the commit log have told since it was last caught up with.
#[derive(Debug, Default)]
pub(super) struct Compaction {
    /// Where each key was read, by its hash.
    seen: HashMap<u64, Offset>,
    witness: Option<Offset>,
}

impl Compaction {
    /// Everything is suspicious again.
    pub(super) fn start_over(&mut self) {
        *self = Self::default();
    }

    /// The record at `offset` has this key.
    pub(super) fn saw(&mut self, offset: Offset, key: &[u8]) {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let hash = hasher.finish();
        match self.seen.get(&hash) {
            Some(before) if *before < offset => {
                self.witness = Some(*before);
                self.seen.clear();
            }
            Some(_) => return,
            None if self.seen.len() == MOST_KEYS => return,
            None => {}
        }
        self.seen.insert(hash, offset);
    }

    /// As long as this record is there, compaction can have taken nothing behind the record seen last, nor right before
    /// it.
    pub(super) fn witness(&self) -> Option<Offset> {
        self.witness
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_two_records_with_a_key_is_a_witness() {
        let check = |keys: &[(Offset, &str)], expected: Option<Offset>| {
            let mut compaction = Compaction::default();
            keys.iter().for_each(|(offset, key)| compaction.saw(*offset, key.as_bytes()));
            assert_eq!(compaction.witness(), expected, "{keys:?}");
        };
        check(&[], None);
        check(&[(0, "a"), (1, "b"), (2, "c")], None);
        check(&[(0, "a"), (1, "b"), (5, "a")], Some(0));
        check(&[(3, "a"), (4, "a"), (5, "b"), (6, "c")], Some(3));
        // The youngest: compaction comes to it last.
        check(&[(3, "a"), (4, "a"), (5, "b"), (6, "b")], Some(5));
        check(&[(3, "a"), (4, "a"), (5, "a")], Some(4));
        // What is read once more is not there twice.
        check(&[(3, "a"), (4, "b"), (3, "a"), (4, "b")], None);
        check(&[(3, "a"), (4, "a"), (3, "a"), (4, "a")], Some(3));
    }
}
