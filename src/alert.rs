//! Plain threshold alerts: inactive, pending, firing. Pure: time and what a tick has measured come in.
//! Never measures anything itself, never sends anything.

mod definition;

pub use definition::{AlertRule, Condition, Consumption, TrendOf};
