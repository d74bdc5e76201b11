//! The keys of an SLO.

use std::time::Duration;

use super::{DAY, HOUR, LONGEST, MINUTE, MOMENT};
use crate::config::keys::{Key, NOTHING_ELSE, Section, Shape, key, required};

/// One of `slos`.
pub(in crate::config) static SLO: Section = Section {
    keys: &[
        required("name", Shape::RuleName, "Its name, which no other SLO or alert has."),
        key("description", Shape::Text, None, "What is promised, for people."),
        required("indicator", Shape::OneOf(&INDICATOR), "What is counted: exactly one of these."),
        required("objective", Shape::Objective, "The share that has to be good, such as 99.9%."),
        key("window", Shape::Minutes(MINUTE, LONGEST), None, "Over which time: so long until now."),
        key(
            "calendar",
            Shape::Choice(&["day", "week", "month", "quarter"]),
            None,
            "Instead of `window`: since the calendar period began.",
        ),
        key(
            "timezone",
            Shape::TimeZone,
            Some("UTC"),
            "Where the calendar period begins, such as Europe/Paris.",
        ),
        key(
            "slice",
            Shape::Minutes(MINUTE, HOUR),
            Some("1m"),
            "How indicators that do not count records are cut.",
        ),
        key(
            "slice_target",
            Shape::Share,
            Some("100%"),
            "The share of a slice's measured moments that has to be good.",
        ),
        LABELS,
        RUNBOOK,
        key("alerting", Shape::Section(&ALERTING), None, "When it speaks."),
    ],
    ..NOTHING_ELSE
};

/// More than any topic holds.
pub(super) const RECORDS: Shape = Shape::Integer(0, 1_000_000_000_000);
pub(super) const LABELS: Key =
    key("labels", Shape::Labels, Some("{}"), "Further labels of what is told, such as `team: payments`.");
pub(super) const RUNBOOK: Key = key("runbook", Shape::Text, None, "Where it is written what to do.");
pub(super) const GROUP: Key = required("group", Shape::Group, "The consumer groups: a name or a glob.");
pub(super) const TOPIC: Key =
    key("topic", Shape::Topic, None, "The topics: a name or a glob; without it, every topic of the group.");
pub(super) const SOME_TOPIC: Key = required("topic", Shape::Topic, "The topics: a name or a glob.");
pub(super) const DEAD_LETTERS_OF: Key =
    required("topic", Shape::ExactTopic, "The topic that records come from.");
pub(super) const DEAD_LETTER_TOPIC: Key =
    required("dead_letter_topic", Shape::ExactTopic, "The topic that its dead letters go to.");
pub(super) const RESOLVE_AFTER: Key = key(
    "resolve_after",
    Shape::Duration(Duration::ZERO, DAY),
    Some("1m"),
    "For how long all has to be well until it is over.",
);

/// `indicator`.
pub(in crate::config) static INDICATOR: Section = Section {
    keys: &[
        key(
            "latency",
            Shape::Section(&LATENCY),
            None,
            "Records: committed in time after they were appended.",
        ),
        key("lag", Shape::Section(&LAG), None, "Slices: lag in records, the sum over the partitions."),
        key("time_lag", Shape::Section(&TIME_LAG), None, "Slices: time lag of the worst partition."),
        key("throughput", Shape::Section(&THROUGHPUT), None, "Slices: enough is consumed."),
        key("progress", Shape::Section(&PROGRESS), None, "Slices: with lag, commits go on."),
        key("dead_letters", Shape::Section(&DEAD_LETTERS), None, "Records: few land in another topic."),
        key("availability", Shape::Section(&AVAILABILITY), None, "Slices: every partition can be written."),
        key("loss", Shape::Section(&LOSS), None, "Records: none is deleted before it was consumed."),
    ],
    ..NOTHING_ELSE
};

static LATENCY: Section = Section {
    keys: &[
        GROUP,
        TOPIC,
        required("within", Shape::Duration(MOMENT, LONGEST), "The longest time from append to commit."),
        key(
            "accept_commit_resolution",
            Shape::Flag,
            Some("false"),
            "Judge a threshold below the group's commit interval as it is.",
        ),
    ],
    ..NOTHING_ELSE
};

static LAG: Section =
    Section { keys: &[GROUP, TOPIC, required("max", RECORDS, "The most records.")], ..NOTHING_ELSE };

static TIME_LAG: Section = Section {
    keys: &[GROUP, TOPIC, required("max", Shape::Duration(MOMENT, LONGEST), "The longest time.")],
    ..NOTHING_ELSE
};

static THROUGHPUT: Section = Section {
    keys: &[
        GROUP,
        TOPIC,
        key("min_per_second", Shape::Rate, None, "The fewest records per second."),
        key("min_share", Shape::Share, None, "Instead: the smallest share of what is appended."),
    ],
    ..NOTHING_ELSE
};

static PROGRESS: Section = Section {
    keys: &[
        GROUP,
        TOPIC,
        required("within", Shape::Duration(MOMENT, LONGEST), "The longest time without a commit that moves."),
    ],
    ..NOTHING_ELSE
};

static DEAD_LETTERS: Section = Section { keys: &[DEAD_LETTERS_OF, DEAD_LETTER_TOPIC], ..NOTHING_ELSE };

static AVAILABILITY: Section = Section { keys: &[SOME_TOPIC], ..NOTHING_ELSE };

static LOSS: Section = Section { keys: &[GROUP, TOPIC], ..NOTHING_ELSE };

/// `alerting` of an SLO.
pub(in crate::config) static ALERTING: Section = Section {
    keys: &[
        key(
            "min_bad_events",
            RECORDS,
            None,
            "Bad events that the long window of a tier has to hold; by default 10 records, or 2 slices.",
        ),
        key(
            "coverage_floor",
            Shape::Share,
            Some("90%"),
            "The coverage from which on the measured burn rate decides.",
        ),
        key(
            "tiers",
            Shape::Sections(&TIER),
            None,
            "Pairs of windows, instead of those by the window's length.",
        ),
        key("disabled", Shape::Flag, Some("false"), "Keep the budget, but never speak."),
        RESOLVE_AFTER,
    ],
    ..NOTHING_ELSE
};

/// One of `tiers`.
pub(in crate::config) static TIER: Section = Section {
    keys: &[
        required("severity", Shape::Severity, "What is raised."),
        required("share", Shape::Share, "The share of the budget that is spent within the long window."),
        required("long", Shape::Minutes(MINUTE, LONGEST), "The long window."),
        required("short", Shape::Minutes(MINUTE, LONGEST), "The short window."),
    ],
    ..NOTHING_ELSE
};
