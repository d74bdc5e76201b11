//! Reads what an alert waits for.

use crate::alert::{Condition, Consumption, TrendOf};
use crate::config::keys;
use crate::config::read::{Entries, Reader};
use crate::config::tree::Node;
use crate::config::values;
use crate::model::{Millis, Selector};

/// The condition in `node`; every problem with it has been noted when it is `None`.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node, path: &str) -> Option<Condition> {
    let (name, entries) = reader.one_of(node, &keys::CONDITION, path)?;
    match name {
        "unreachable" => Some(Condition::Unreachable),
        "offline" => Some(Condition::Offline { topic: any_topic(reader, &entries)? }),
        "under_min_isr" => Some(Condition::UnderMinIsr { topic: any_topic(reader, &entries)? }),
        "dead_letters" => dead_letters(reader, &entries),
        _ => consumption(reader, name, &entries),
    }
}

/// Every topic, when none is named.
fn any_topic(reader: &mut Reader<'_>, entries: &Entries<'_>) -> Option<Selector> {
    if entries.get("topic").is_none() { Some(Selector::new("*")) } else { reader.topic(entries) }
}

fn dead_letters(reader: &mut Reader<'_>, entries: &Entries<'_>) -> Option<Condition> {
    let topic = reader.read(entries, "topic", values::exact_topic);
    let other = reader.read(entries, "dead_letter_topic", values::exact_topic);
    let above = reader.read(entries, "above", values::share);
    let window = reader.millis(entries, "window").unwrap_or(Millis::from_seconds(3600));
    Some(Condition::DeadLetters { topic: topic?, dead_letter_topic: other?, above: above?, window })
}

fn consumption(reader: &mut Reader<'_>, name: &str, entries: &Entries<'_>) -> Option<Condition> {
    let group = reader.group(entries);
    let topic = reader.topic(entries);
    let of = |group: Option<Selector>| group.map(|group| Consumption { group, topic });
    match name {
        "lag" => {
            let above = reader.integer(entries, "above");
            Some(Condition::Lag { of: of(group)?, above: above? })
        }
        "time_lag" => {
            let above = reader.millis(entries, "above");
            Some(Condition::TimeLag { of: of(group)?, above: above? })
        }
        "latency" => {
            let quantile = reader.read(entries, "quantile", values::quantile);
            let above = reader.millis(entries, "above");
            let window = reader.millis(entries, "window").unwrap_or(Millis::from_seconds(300));
            Some(Condition::Latency { of: of(group)?, quantile: quantile?, above: above?, window })
        }
        "throughput" => {
            let below = reader.read(entries, "below", values::rate);
            Some(Condition::Throughput { of: of(group)?, below: below? })
        }
        "stuck" => {
            let longer_than = reader.millis(entries, "for");
            Some(Condition::Stuck { of: of(group)?, longer_than: longer_than? })
        }
        "trend" => {
            let value = reader.choice(entries, "of").map(|name| match name {
                "time_lag" => TrendOf::TimeLag,
                _ => TrendOf::Latency,
            });
            let rising_for = reader.millis(entries, "rising_for");
            let by = reader.read(entries, "by", values::share);
            Some(Condition::Trend { of: of(group)?, value: value?, rising_for: rising_for?, by: by? })
        }
        "lost" => {
            let above = reader.integer(entries, "above").unwrap_or(0);
            Some(Condition::Lost { of: of(group)?, above })
        }
        "retention_eta" => {
            let below = reader.millis(entries, "below");
            Some(Condition::RetentionEta { of: of(group)?, below: below? })
        }
        _ => Some(Condition::NotDecreasing { of: of(group)? }),
    }
}
