//! The keys of a threshold alert.

use std::time::Duration;

use super::slo::{DEAD_LETTER_TOPIC, DEAD_LETTERS_OF, GROUP, LABELS, RECORDS, RESOLVE_AFTER, RUNBOOK, TOPIC};
use super::{DAY, LONGEST, MINUTE, MOMENT};
use crate::config::keys::{Key, NOTHING_ELSE, Section, Shape, key, required};

/// One of `alerts`.
pub(in crate::config) static ALERT: Section = Section {
    keys: &[
        required("name", Shape::RuleName, "Its name, which no other SLO or alert has."),
        key("description", Shape::Text, None, "What is wrong when it fires, for people."),
        required("when", Shape::OneOf(&CONDITION), "What has to be so: exactly one of these."),
        key(
            "for",
            Shape::Duration(Duration::ZERO, LONGEST),
            Some("0s"),
            "For how long, at least, before it fires.",
        ),
        required("severity", Shape::Severity, "How urgent it is."),
        key(
            "per",
            Shape::Choice(&["partition"]),
            None,
            "One alert per partition instead of per group and topic.",
        ),
        key(
            "summarize_above",
            Shape::Integer(1, 1_000_000),
            None,
            "When more than this many fire, they are told as one.",
        ),
        RESOLVE_AFTER,
        LABELS,
        RUNBOOK,
    ],
    ..NOTHING_ELSE
};

const ANY_TOPIC: Key = key("topic", Shape::Topic, Some("\"*\""), "The topics: a name or a glob.");
const LENGTH: Shape = Shape::Duration(MOMENT, LONGEST);

/// `when`.
pub(in crate::config) static CONDITION: Section = Section {
    keys: &[
        key("lag", Shape::Section(&LAG), None, "Lag in records, the sum over the partitions."),
        key("time_lag", Shape::Section(&TIME_LAG), None, "Age of the oldest record not committed."),
        key("latency", Shape::Section(&LATENCY), None, "A quantile of append-to-commit latency."),
        key("throughput", Shape::Section(&THROUGHPUT), None, "Records consumed per second."),
        key("stuck", Shape::Section(&STUCK), None, "Lag, and no commit that moves."),
        key("not_decreasing", Shape::Section(&NOT_DECREASING), None, "Lag, and nowhere lower than before."),
        key("trend", Shape::Section(&TREND), None, "A value that keeps rising."),
        key("lost", Shape::Section(&LOST), None, "Records deleted before they were committed, in an hour."),
        key("retention_eta", Shape::Section(&RETENTION_ETA), None, "Time until records may be lost."),
        key("dead_letters", Shape::Section(&DEAD_LETTERS), None, "The share that lands in another topic."),
        key("offline", Shape::Section(&TOPICS), None, "A partition without a leader."),
        key("under_min_isr", Shape::Section(&TOPICS), None, "A partition with too few in-sync replicas."),
        key("unreachable", Shape::Section(&UNREACHABLE), None, "No broker can be reached."),
    ],
    ..NOTHING_ELSE
};

static UNREACHABLE: Section = NOTHING_ELSE;

static LAG: Section =
    Section { keys: &[GROUP, TOPIC, required("above", RECORDS, "More records than this.")], ..NOTHING_ELSE };

static TIME_LAG: Section =
    Section { keys: &[GROUP, TOPIC, required("above", LENGTH, "Longer than this.")], ..NOTHING_ELSE };

static LATENCY: Section = Section {
    keys: &[
        GROUP,
        TOPIC,
        required("quantile", Shape::Objective, "Which quantile, such as 0.99."),
        required("above", LENGTH, "Longer than this."),
        key("window", Shape::Minutes(MINUTE, DAY), Some("5m"), "Over so long until now."),
    ],
    ..NOTHING_ELSE
};

static THROUGHPUT: Section = Section {
    keys: &[GROUP, TOPIC, required("below", Shape::Rate, "Fewer records per second than this.")],
    ..NOTHING_ELSE
};

static STUCK: Section =
    Section { keys: &[GROUP, TOPIC, required("for", LENGTH, "For longer than this.")], ..NOTHING_ELSE };

static NOT_DECREASING: Section = Section { keys: &[GROUP, TOPIC], ..NOTHING_ELSE };

static TREND: Section = Section {
    keys: &[
        GROUP,
        TOPIC,
        required("of", Shape::Choice(&["time_lag", "latency"]), "Which value."),
        required("rising_for", Shape::Minutes(MINUTE, DAY), "For so long."),
        required("by", Shape::Share, "By at least this share of where it was."),
    ],
    ..NOTHING_ELSE
};

static LOST: Section = Section {
    keys: &[GROUP, TOPIC, key("above", RECORDS, Some("0"), "More records than this.")],
    ..NOTHING_ELSE
};

static RETENTION_ETA: Section =
    Section { keys: &[GROUP, TOPIC, required("below", LENGTH, "Less than this.")], ..NOTHING_ELSE };

static DEAD_LETTERS: Section = Section {
    keys: &[
        DEAD_LETTERS_OF,
        DEAD_LETTER_TOPIC,
        required("above", Shape::Share, "More than this share."),
        key("window", Shape::Minutes(MINUTE, DAY), Some("1h"), "Over so long until now."),
    ],
    ..NOTHING_ELSE
};

static TOPICS: Section = Section { keys: &[ANY_TOPIC], ..NOTHING_ELSE };
