//! Reads what an SLO counts.

use crate::config::keys;
use crate::config::read::Reader;
use crate::config::tree::Node;
use crate::config::values;
use crate::slo::{Indicator, ThroughputFloor};

/// The indicator in `node`; every problem with it has been noted when it is `None`.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node, path: &str) -> Option<Indicator> {
    let (name, entries) = reader.one_of(node, &keys::INDICATOR, path)?;
    let topic = reader.topic(&entries);
    match name {
        "dead_letters" => {
            let topic = reader.read(&entries, "topic", values::exact_topic);
            let other = reader.read(&entries, "dead_letter_topic", values::exact_topic);
            return Some(Indicator::DeadLetters { topic: topic?, dead_letter_topic: other? });
        }
        "availability" => return Some(Indicator::Availability { topic: topic? }),
        _ => {}
    }
    let group = reader.group(&entries);
    match name {
        "latency" => {
            let within = reader.millis(&entries, "within");
            let accepted = reader.read(&entries, "accept_commit_resolution", values::flag);
            let accept_commit_resolution = accepted.unwrap_or(false);
            Some(Indicator::Latency { group: group?, topic, within: within?, accept_commit_resolution })
        }
        "lag" => {
            let max = reader.integer(&entries, "max");
            Some(Indicator::Lag { group: group?, topic, max: max? })
        }
        "time_lag" => {
            let max = reader.millis(&entries, "max");
            Some(Indicator::TimeLag { group: group?, topic, max: max? })
        }
        "progress" => {
            let within = reader.millis(&entries, "within");
            Some(Indicator::Progress { group: group?, topic, within: within? })
        }
        "loss" => Some(Indicator::Loss { group: group?, topic }),
        _ => {
            let per_second = reader.read(&entries, "min_per_second", values::rate);
            let share = reader.some_share(&entries, "min_share");
            if entries.get("min_per_second").is_some() == entries.get("min_share").is_some() {
                let what = format!("{path}.throughput needs `min_per_second` or `min_share`, and not both");
                reader.problem(entries.begin(), what, "write `min_per_second: 10`, or `min_share: 90%`");
            }
            let floor = per_second.map(ThroughputFloor::PerSecond).or(share.map(ThroughputFloor::Share));
            Some(Indicator::Throughput { group: group?, topic, floor: floor? })
        }
    }
}
