//! Names met in the commit log, shared: a group or topic is copied and matched against the settings once, however
//! many of its records follow. Bounded: names without end cost time, not memory.

use std::collections::HashMap;

use super::wire::Malformed;
use crate::kafka::config::Filter;

/// The most names that are remembered; beyond them all are forgotten and met anew.
const MOST_NAMES: usize = 100_000;

/// Names of one kind, by the bytes in which Kafka writes them.
#[derive(Debug)]
pub(super) struct Names<N> {
    filter: Filter,
    /// `None` for those that are not watched.
    met: HashMap<Box<[u8]>, Option<N>>,
}

impl<N: Clone + for<'a> From<&'a str>> Names<N> {
    pub(super) fn new(filter: Filter) -> Self {
        Self { filter, met: HashMap::new() }
    }

    /// The shared name, or `None` when it is not watched.
    pub(super) fn watched(&mut self, bytes: &[u8]) -> Result<Option<N>, Malformed> {
        if let Some(met) = self.met.get(bytes) {
            return Ok(met.clone());
        }
        let name = std::str::from_utf8(bytes).map_err(|_| Malformed)?;
        let watched = self.filter.accepts(name).then(|| N::from(name));
        if self.met.len() == MOST_NAMES {
            self.met.clear();
        }
        self.met.insert(bytes.into(), watched.clone());
        Ok(watched)
    }
}
