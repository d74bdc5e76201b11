//! Conditions on what does not move: stuck, and not decreasing. `measure` knows since when; here it is compared.

use super::reading::{Reading, Value};
use crate::model::{GroupPartitionView, GroupTopicView, Measured, Millis, Timestamp};

/// Lag and no commit progress for longer than this; `now` is of the same clock as `still_since`.
pub(super) fn stuck(view: &GroupTopicView, longer_than: Millis, now: Timestamp) -> Reading {
    still(view.still_since, longer_than, now)
}

/// The same of one partition.
pub(super) fn partition_stuck(view: &GroupPartitionView, longer_than: Millis, now: Timestamp) -> Reading {
    still(view.still_since, longer_than, now)
}

fn still(since: Measured<Option<Timestamp>>, longer_than: Millis, now: Timestamp) -> Reading {
    Reading::of(
        since.map(|since| since.map(|since| now.since(since))),
        |still| still.is_some_and(|still| still > longer_than),
        |still| still.map_or(Value::None, Value::Time),
    )
}

/// Lag, and nowhere lower than five minutes ago.
pub(super) fn not_decreasing(view: &GroupTopicView) -> Reading {
    let value = view.lag.map_or(Value::None, Value::Records);
    Reading::of(view.not_decreasing, |so| so, |_| value)
}
