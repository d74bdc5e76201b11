//! Append-to-commit latencies: one count per record at its first commit, in the bucket that the time index tells.
//! What it does not tell in time is put where the bounds and polls suggest, and marked as estimated.

use std::sync::Arc;

use super::deadline::{Event, FUTURE, Known};
use super::time_index::Open;
use crate::model::{LatencyHistogram, Millis, Offset, Timestamp};

/// The records of `event` that count: those that are still there, when nothing before it is missing.
fn counted(event: &Event, known: &Known<'_>, log_start: Offset) -> Option<(Offset, Offset)> {
    let (from, below) = (event.first.max(log_start), event.offset.min(known.end));
    (from < below && !event.after_gap).then_some((from, below))
}

/// How many of `bounds` are known to be shorter than the latency of each record of `event` below `below`: they split
/// nothing. One search tells that of all of them.
fn too_short(event: &Event, bounds: &[Millis], known: &Known<'_>, below: Offset) -> usize {
    let all_older = known.index.all_older_from(below);
    all_older.map_or(0, |all_older| bounds.partition_point(|bound| event.at - *bound >= all_older))
}

/// The questions whose answers would make each of `bounds` exact for the records of `event`.
pub(super) fn open(event: &Event, bounds: &[Millis], known: &Known<'_>, open: &mut Vec<Open>) {
    let Some((from, below)) = counted(event, known, 0) else { return };
    for bound in &bounds[too_short(event, bounds, known, below)..] {
        let at = event.at - *bound;
        let (low, high) = known.index.bounds(at);
        let (low, high) = (low.clamp(from, below), high.clamp(from, below));
        if low < high {
            open.push(Open { at, from, below });
        }
        if high == from {
            return;
        }
    }
}

/// Counts the records of `event`; `estimate` says about which one is the first since a time.
pub(super) fn count(
    histogram: &mut Option<Arc<LatencyHistogram>>,
    bounds: &Arc<[Millis]>,
    event: &Event,
    known: &Known<'_>,
    log_start: Offset,
    estimate: impl Fn(Timestamp) -> Offset,
) {
    let Some((from, mut below)) = counted(event, known, log_start) else { return };
    let histogram = histogram.get_or_insert_with(|| Arc::new(empty(bounds)));
    let histogram = Arc::make_mut(histogram);
    let is_future = |first| known.index.bounds(event.at + FUTURE + Millis(1)).0 <= first;
    for (index, bound) in bounds.iter().enumerate().skip(too_short(event, bounds, known, below)) {
        let at = event.at - *bound;
        let (low, high) = known.index.bounds(at);
        if index == 0 && low == high && is_future(low) {
            // The first record since then claims to be made after its commit: nothing is known of it and those behind.
            below = low.clamp(from, below);
        }
        let (low, high) = (low.clamp(from, below), high.clamp(from, below));
        let first = if low == high { low } else { estimate(at).clamp(low, high) };
        histogram.estimated[index] += high - low;
        histogram.counts[index] += below - first;
        below = first;
        if below == from {
            return;
        }
    }
    histogram.counts[bounds.len()] += below - from;
}

fn empty(bounds: &Arc<[Millis]>) -> LatencyHistogram {
    LatencyHistogram {
        bounds: Arc::clone(bounds),
        counts: vec![0; bounds.len() + 1],
        estimated: vec![0; bounds.len()],
    }
}

/// The same records in other buckets. Of a bucket that is split nobody knows which side its records are on: they stay
/// on the slow side, marked.
pub(super) fn rebound(old: &LatencyHistogram, bounds: &Arc<[Millis]>) -> LatencyHistogram {
    let mut new = empty(bounds);
    let place = |bound: Option<&Millis>| {
        bound.map_or(bounds.len(), |bound| bounds.partition_point(|known| known < bound))
    };
    for (index, count) in old.counts.iter().enumerate() {
        new.counts[place(old.bounds.get(index))] += count;
    }
    for (bound, estimated) in bounds.iter().zip(&mut new.estimated) {
        let at = old.bounds.partition_point(|known| known < bound);
        *estimated = match old.bounds.get(at) {
            Some(known) if known == bound => old.estimated[at],
            _ => old.counts[at],
        };
    }
    new
}
