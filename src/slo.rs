//! Promises and their error budgets: counts by the minute, burn rates, states. Pure: time and counts come in.
//! Never measures anything itself, never sends anything.

mod definition;

pub use definition::{Alerting, Indicator, Period, Slo, ThroughputFloor, Tier, Window};
