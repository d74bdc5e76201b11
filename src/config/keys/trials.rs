//! The keys of a test file.

use std::time::Duration;

use super::{Key, NOTHING_ELSE, Section, Shape, key, required};

/// The whole file.
pub(in crate::config) static TESTS: Section = Section {
    keys: &[
        required(
            "rules",
            Shape::Paths,
            "The rules files that are tried: paths or globs, relative to this file.",
        ),
        required("tests", Shape::Sections(&TEST), "The tests."),
        key("severities", Shape::Severities, Some("{}"), "As in the settings: further names of severities."),
    ],
    ..NOTHING_ELSE
};

const LONGEST: Duration = Duration::from_hours(366 * 24);
const MINUTES: Shape = Shape::Minutes(Duration::ZERO, LONGEST);
const COUNT: Shape = Shape::Integer(0, 1_000_000_000_000);

/// One of `tests`.
pub(in crate::config) static TEST: Section = Section {
    keys: &[
        required("name", Shape::Text, "What is tried, for people."),
        key("slo", Shape::RuleName, None, "The SLO that is tried."),
        key("alert", Shape::RuleName, None, "Instead: the alert that is tried."),
        key("start", Shape::Time, Some("1970-01-01T00:00:00Z"), "When minute 0 begins, as RFC 3339."),
        key("events", Shape::AnySections(&EVENT), None, "Of an SLO: what is counted in each minute."),
        key("values", Shape::AnySections(&VALUE), None, "Of an alert: what is measured."),
        required("expect", Shape::Sections(&EXPECTATION), "What has to be so."),
    ],
    ..NOTHING_ELSE
};

const FROM: Key = required("from", MINUTES, "The first minute.");
const TO: Key = required("to", MINUTES, "The minute after the last.");

/// One of `events`.
pub(in crate::config) static EVENT: Section = Section {
    keys: &[
        FROM,
        TO,
        key("good", COUNT, Some("0"), "Good ones in each minute."),
        key("bad", COUNT, Some("0"), "Bad ones in each minute."),
        key("unmeasured", COUNT, Some("0"), "In each minute, ones of which nobody knows."),
    ],
    ..NOTHING_ELSE
};

const PERIOD: Shape = Shape::Duration(Duration::ZERO, LONGEST);

/// One of `values`; besides these keys one that is called as the alert's condition.
pub(in crate::config) static VALUE: Section = Section {
    keys: &[
        FROM,
        TO,
        key("unmeasured", Shape::Flag, Some("false"), "Nothing could be measured."),
        key("lag", COUNT, None, "Lag in records."),
        key("time_lag", PERIOD, None, "Age of the oldest record not committed."),
        key("latency", PERIOD, None, "The quantile of latency; of a trend, the median."),
        key("throughput", Shape::Amount, None, "Records consumed per second."),
        key("stuck", PERIOD, None, "Time without a commit that moved, while there is lag."),
        key("not_decreasing", Shape::Flag, None, "Whether lag is nowhere lower than before."),
        key("lost", COUNT, None, "Records lost in the last hour."),
        key("retention_eta", PERIOD, None, "Time until records may be lost, or `never`."),
        key("dead_letters", Shape::Share, None, "The share that lands in the other topic."),
        key("offline", Shape::Flag, None, "Whether a partition has no leader."),
        key("under_min_isr", Shape::Flag, None, "Whether a partition has too few in-sync replicas."),
        key("unreachable", Shape::Flag, None, "Whether no broker can be reached."),
    ],
    ..NOTHING_ELSE
};

/// More than a year of any topic holds.
const SUM: Shape = Shape::Integer(0, 1_000_000_000_000_000_000);

/// One of `expect`.
pub(in crate::config) static EXPECTATION: Section = Section {
    keys: &[
        required("at", MINUTES, "Before which minute."),
        key(
            "state",
            Shape::Choice(&["ok", "ticket", "page", "unmeasured", "pending", "firing"]),
            None,
            "Where the SLO (ok, ticket, page, unmeasured) or the alert (ok, pending, firing) stands.",
        ),
        key("good", SUM, None, "Good ones in the SLO's window."),
        key("bad", SUM, None, "Bad ones in the SLO's window."),
        key("unmeasured", SUM, None, "Ones of which nobody knows."),
        key("coverage", Shape::Digits, None, "The measured share, as many digits as matter."),
        key("budget_remaining", Shape::Digits, None, "1 is all of it, as many digits as matter."),
        key("burn_rate", Shape::DigitsByDuration, None, "By window, as many digits as matter."),
    ],
    ..NOTHING_ELSE
};
