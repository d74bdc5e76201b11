//! Whether a quantile of latency is above a threshold, from the buckets of a histogram.
//! The quantile lies somewhere in a bucket: it is above, or not, only when every place in the bucket says so.

use super::counter::CounterHistory;
use super::reading::{Reading, Value, Why};
use crate::model::{
    Damaged, GroupTopicView, LatencyHistogram, Measured, Millis, Ratio, Reader, Reason, Timestamp, Writer,
};

/// What is kept of the histograms of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct LatencyHistory {
    /// The bounds next to the threshold when the samples were taken; others make the samples meaningless.
    edges: Edges,
    /// Records in all; up to the lower bound; of those, estimated; up to the upper bound; of those, estimated.
    counters: CounterHistory<5>,
}

/// The greatest bound at or below the threshold, and the least at or above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Edges {
    lower: Option<Millis>,
    upper: Option<Millis>,
}

/// With N records in the window, the quantile q is the latency of record number r = ⌈q · N⌉ in their order, at least
/// the first. It is surely above when fewer than r records are surely or possibly within the upper bound, and surely
/// not when at least r are surely within the lower one. Where the threshold is a bound, both are the same.
pub(super) fn latency(
    view: &GroupTopicView,
    (quantile, above, window): (Ratio, Millis, Millis),
    history: &mut LatencyHistory,
    now: Timestamp,
) -> (Reading, bool) {
    let Some(histogram) = view.latency.as_deref() else {
        return (Reading::unknown(nothing_committed(view.lag)), false);
    };
    let (edges, counters) = sample(histogram, above);
    if history.edges != edges {
        history.edges = edges;
        history.counters.clear();
    }
    let is_kept = history.counters.push(now, counters, window);
    let (growth, is_covered) = history.counters.growth(now, counters, window);
    let reading = match growth {
        _ if !is_covered => Reading::unknown(Reason::NotYetWatched),
        [0, ..] => match view.lag {
            // Nothing was to be committed either.
            Ok(0) => Reading { holds: Ok(false), value: Value::None },
            lag => Reading::unknown(nothing_committed(lag)),
        },
        growth => judge(growth, edges, quantile),
    };
    (reading, is_kept)
}

fn nothing_committed(lag: Measured<u64>) -> Why {
    match lag {
        Err(why) => why.into(),
        Ok(0) => Reason::NotYetWatched.into(),
        Ok(_) => Why::NothingCommitted,
    }
}

fn judge(
    [all, lower, lower_estimated, upper, upper_estimated]: [u64; 5],
    edges: Edges,
    quantile: Ratio,
) -> Reading {
    let rank = (u128::from(quantile.parts()) * u128::from(all)).div_ceil(u128::from(quantile.of())).max(1);
    let most_within_upper = u128::from(upper.saturating_add(upper_estimated));
    let least_within_lower = u128::from(lower.saturating_sub(lower_estimated));
    let holds = if edges.upper.is_some() && most_within_upper < rank {
        Ok(true)
    } else if edges.lower.is_some() && least_within_lower >= rank {
        Ok(false)
    } else if lower_estimated + upper_estimated > 0 {
        Err(Why::Estimated)
    } else {
        Err(Why::BetweenBounds)
    };
    let value = if holds == Ok(true) { Value::Above } else { Value::None };
    Reading { holds, value }
}

fn sample(histogram: &LatencyHistogram, above: Millis) -> (Edges, [u64; 5]) {
    let bounds = &histogram.bounds;
    let lower = bounds.partition_point(|bound| *bound <= above).checked_sub(1);
    let upper = Some(bounds.partition_point(|bound| *bound < above)).filter(|at| *at < bounds.len());
    let within = |at: Option<usize>| {
        let buckets = at.map_or(0, |at| at + 1);
        histogram.counts.iter().take(buckets).fold(0_u64, |sum, count| sum.saturating_add(*count))
    };
    let estimated = |at: Option<usize>| at.and_then(|at| histogram.estimated.get(at)).copied().unwrap_or(0);
    let bound = |at: Option<usize>| at.and_then(|at| bounds.get(at)).copied();
    (
        Edges { lower: bound(lower), upper: bound(upper) },
        [histogram.count(), within(lower), estimated(lower), within(upper), estimated(upper)],
    )
}

impl LatencyHistory {
    pub(super) fn write(&self, to: &mut Writer) {
        for edge in [self.edges.lower, self.edges.upper] {
            to.number(edge.map_or(0, |edge| edge.0.saturating_add(1)));
        }
        self.counters.write(to);
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut edge = || from.number().map(|edge| edge.checked_sub(1).map(Millis));
        let edges = Edges { lower: edge()?, upper: edge()? };
        Ok(Self { edges, counters: CounterHistory::read(from)? })
    }
}
