//! Conditions on what waits: lag, time lag, and when retention takes it. Each looks at one tick only.

use super::reading::{Reading, Value};
use crate::model::{GroupPartitionView, GroupTopicView, Millis};

/// Lag of all partitions. Where one of them is not measured, the others may be enough to be above.
pub(super) fn lag(view: &GroupTopicView, above: u64) -> Reading {
    let whole = Reading::of(view.lag, |lag| lag > above, Value::Records);
    if whole.holds.is_ok() {
        return whole;
    }
    let known = view.partitions.iter().filter_map(|partition| partition.lag.ok());
    let known = known.fold(0_u64, u64::saturating_add);
    if known > above { Reading { holds: Ok(true), value: Value::AtLeastRecords(known) } } else { whole }
}

/// Lag of one partition.
pub(super) fn partition_lag(view: &GroupPartitionView, above: u64) -> Reading {
    Reading::of(view.lag, |lag| lag > above, Value::Records)
}

/// Time lag of the worst partition; of those that are measured, where one is above.
pub(super) fn time_lag(view: &GroupTopicView, above: Millis) -> Reading {
    let whole = Reading::of(view.time_lag, |time_lag| time_lag > above, Value::Time);
    if whole.holds.is_ok() {
        return whole;
    }
    match view.partitions.iter().filter_map(|partition| partition.time_lag.ok()).max() {
        Some(known) if known > above => Reading { holds: Ok(true), value: Value::AtLeastTime(known) },
        _ => whole,
    }
}

/// Time lag of one partition.
pub(super) fn partition_time_lag(view: &GroupPartitionView, above: Millis) -> Reading {
    Reading::of(view.time_lag, |time_lag| time_lag > above, Value::Time)
}

/// Time until retention takes what is not committed; never is not below anything.
pub(super) fn retention_eta(view: &GroupTopicView, below: Millis) -> Reading {
    Reading::of(
        view.retention_eta,
        |eta| eta.is_some_and(|eta| eta < below),
        |eta| eta.map_or(Value::None, Value::Time),
    )
}

/// Records consumed per second.
pub(super) fn throughput(view: &GroupTopicView, below: f64) -> Reading {
    Reading::of(view.consumed_per_second, |rate| rate < below, Value::PerSecond)
}
