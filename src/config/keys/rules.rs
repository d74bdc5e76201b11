//! The keys of a rules file.

mod alert;
mod slo;

use std::time::Duration;

pub(in crate::config) use alert::{ALERT, CONDITION};
pub(in crate::config) use slo::{ALERTING, INDICATOR, SLO, TIER};

use crate::config::values::{MINUTE, NINETY_DAYS as LONGEST};

use super::{Section, Shape, key};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const MOMENT: Duration = Duration::from_millis(1);

const SETTINGS: &str = "it is a setting: move it to plimsoll.yaml";

/// The whole file.
pub(in crate::config) static RULES: Section = Section {
    keys: &[
        key("slos", Shape::AnySections(&SLO), None, "Promises with error budgets."),
        key("alerts", Shape::AnySections(&ALERT), None, "Plain thresholds."),
    ],
    elsewhere: &[
        ("groups", "Prometheus rule files are read by a later version; until then write them as `alerts:`"),
        ("tests", "move it to a file of its own, for `plimsoll test FILE`"),
        ("clusters", SETTINGS),
        ("rules", SETTINGS),
        ("state", SETTINGS),
        ("latency", SETTINGS),
        ("http", SETTINGS),
        ("otlp", SETTINGS),
        ("history", SETTINGS),
        ("receivers", SETTINGS),
        ("routes", SETTINGS),
        ("grouping", SETTINGS),
        ("notify", SETTINGS),
        ("severities", SETTINGS),
    ],
};
