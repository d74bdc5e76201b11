//! Whether compaction may have taken records of a stretch of the commit log, as far as its keys can tell.
//!
//! Compaction up to an offset leaves no key twice below it, and works from the log's start on. So where a key is read
//! for the second time, compaction has not come that far: no offset that is missing behind, or right before it, was
//! taken by it. Only what is missing further before may have been.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// So many offsets before the one to go on from are read again, to find a key there twice.
pub(super) const LOOK_BACK: u64 = 1000;

/// The most keys that are remembered; a stretch with more, all different, stays suspicious.
const MOST_KEYS: usize = 100_000;

/// What the keys of one partition of the commit log have told since it was last caught up with.
#[derive(Debug, Default)]
pub(super) struct Compaction {
    seen: HashSet<u64>,
    is_ruled_out: bool,
}

impl Compaction {
    /// It may have run since: everything is suspicious again.
    pub(super) fn start_over(&mut self) {
        *self = Self::default();
    }

    /// The next record has this key.
    pub(super) fn saw(&mut self, key: &[u8]) {
        if self.is_ruled_out {
            return;
        }
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let hash = hasher.finish();
        if self.seen.contains(&hash) {
            self.is_ruled_out = true;
            self.seen = HashSet::new();
        } else if self.seen.len() < MOST_KEYS {
            self.seen.insert(hash);
        }
    }

    /// Whether it can have taken nothing from here on, nor right before the record seen last.
    pub(super) fn is_ruled_out(&self) -> bool {
        self.is_ruled_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_there_twice_was_not_compacted() {
        let check = |keys: &[&str], expected: bool| {
            let mut compaction = Compaction::default();
            keys.iter().for_each(|key| compaction.saw(key.as_bytes()));
            assert_eq!(compaction.is_ruled_out(), expected, "{keys:?}");
        };
        check(&[], false);
        check(&["a", "b", "c"], false);
        check(&["a", "b", "a"], true);
        check(&["a", "a", "b", "c"], true);
    }
}
