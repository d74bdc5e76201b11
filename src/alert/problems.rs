//! What is wrong with a rule although every value of it may be written: it can never fire, or never be judged.

use super::definition::{AlertRule, Condition};
use crate::model::{Millis, Ratio};

const MINUTE: Millis = Millis::from_seconds(60);
const DAY: Millis = Millis::from_seconds(86_400);
/// A rise has to show in each of four quarters.
const LEAST_TREND: Millis = Millis::from_seconds(240);

/// Why the rule cannot do what it says, and what to change. Empty when it can.
#[must_use]
pub fn problems(rule: &AlertRule) -> Vec<String> {
    let mut problems = Vec::new();
    let mut tell = |is_so: bool, problem: &str| {
        if is_so {
            problems.push(problem.to_owned());
        }
    };
    let window = match &rule.when {
        Condition::Latency { window, .. } | Condition::DeadLetters { window, .. } => Some(*window),
        _ => None,
    };
    tell(
        window.is_some_and(|window| window < MINUTE),
        "the window is below a minute, and counts are kept by the minute: make it at least 1m",
    );
    tell(
        window.is_some_and(|window| window > DAY),
        "the window is above a day: make it at most 1d, or keep an SLO for it",
    );
    let (none, all) = (Ratio::ONE.rest(), Ratio::ONE);
    match &rule.when {
        Condition::Latency { quantile, above, .. } => {
            tell(
                *quantile == none || *quantile == all,
                "the quantile is 0 or 1, the fastest or the slowest record there is: choose one in between, such as \
                 0.99",
            );
            tell(*above == Millis(0), "every latency is above 0: raise `above`");
        }
        Condition::Throughput { below, .. } => tell(
            !below.is_finite() || *below <= 0.0,
            "no rate is below this, so it can never fire: make `below` greater than 0",
        ),
        Condition::RetentionEta { below, .. } => tell(
            *below == Millis(0),
            "no time is below 0s, so it can never fire: make `below` greater than 0s",
        ),
        Condition::DeadLetters { topic, dead_letter_topic, above, .. } => {
            tell(
                *above == all,
                "there are rarely more dead letters than records, so this hardly fires: make `above` less than 100%",
            );
            tell(
                topic == dead_letter_topic,
                "`topic` and `dead_letter_topic` are the same, so there is nothing to compare: name the topic that \
                 the dead letters go to",
            );
        }
        Condition::Trend { rising_for, by, .. } => {
            tell(
                *rising_for < LEAST_TREND,
                "a rise is told from a value per minute in each quarter of the time: make `rising_for` at least 4m",
            );
            tell(*rising_for > DAY, "`rising_for` is above a day: make it at most 1d");
            tell(*by == none, "any noise rises by 0%: make `by` greater than 0%, such as 20%");
        }
        Condition::Lag { .. }
        | Condition::TimeLag { .. }
        | Condition::Stuck { .. }
        | Condition::NotDecreasing { .. }
        | Condition::Lost { .. }
        | Condition::Offline { .. }
        | Condition::UnderMinIsr { .. }
        | Condition::Unreachable => {}
    }
    tell(
        rule.per_partition && !rule.when.knows_partitions(),
        "`per: partition` is known to lag, time_lag, stuck, offline and under_min_isr only: leave it out",
    );
    problems
}
