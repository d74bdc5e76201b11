//! Conditions on what was counted: records lost in the last hour, and the share that became dead letters.

use super::counter::CounterHistory;
use super::reading::{Reading, Value};
use super::replicas::readable;
use crate::model::{GroupTopicView, Measured, Millis, Ratio, Reason, Selector, Timestamp, TopicView};

/// Over which time losses are summed up.
pub(super) const LOST_WINDOW: Millis = Millis::from_seconds(3600);

/// Records lost in the last hour. What was counted is lost for sure; what was not, nobody knows while lag is
/// unmeasured.
pub(super) fn lost(
    view: &GroupTopicView,
    above: u64,
    history: &mut CounterHistory<1>,
    now: Timestamp,
) -> (Reading, bool) {
    let is_kept = history.push(now, [view.lost_total], LOST_WINDOW);
    let ([lost], _) = history.growth(now, [view.lost_total], LOST_WINDOW);
    let holds = match view.lag {
        _ if lost > above => Ok(true),
        Ok(_) => Ok(false),
        Err(why) => Err(why.into()),
    };
    (Reading { holds, value: Value::Records(lost) }, is_kept)
}

/// The share of a topic's records that lands among the dead letters: appended there over appended here, in the
/// window. Unknown until the whole window was watched. With nothing appended here, any dead letter is above.
pub(super) fn dead_letters(
    topic: &TopicView,
    dead: Measured<u64>,
    (above, window): (Ratio, Millis),
    history: &mut CounterHistory<2>,
    now: Timestamp,
) -> (Reading, bool) {
    let counters = match (appended(topic), dead) {
        (Ok(all), Ok(dead)) => [all, dead],
        (Err(why), _) | (_, Err(why)) => return (Reading::unknown(why), false),
    };
    let is_kept = history.push(now, counters, window);
    let ([of, parts], is_covered) = history.growth(now, counters, window);
    let reading = if is_covered {
        let is_above =
            u128::from(parts) * u128::from(above.of()) > u128::from(of) * u128::from(above.parts());
        Reading { holds: Ok(is_above), value: Value::Share { parts, of } }
    } else {
        Reading::unknown(Reason::NotYetWatched)
    };
    (reading, is_kept)
}

/// Appended to all topics that `selector` means, other than `topic` itself. An exact name that is not there is a
/// mistake in the rule or a topic not yet made: nobody knows.
pub(super) fn appended_to(topics: &[TopicView], selector: &Selector, topic: &TopicView) -> Measured<u64> {
    if selector.exact().is_some_and(|name| topics.iter().all(|topic| topic.topic.as_str() != name)) {
        return Err(Reason::NoSuchTopic);
    }
    let meant =
        topics.iter().filter(|other| other.topic != topic.topic && selector.matches(other.topic.as_str()));
    meant.map(appended).try_fold(0_u64, |sum, appended| Ok(sum.saturating_add(appended?)))
}

/// The counter of a topic, all of whose partitions could be read: else it may lag behind.
fn appended(topic: &TopicView) -> Measured<u64> {
    readable(topic)?;
    topic.partitions.iter().try_for_each(|partition| partition.end.map(drop))?;
    Ok(topic.appended_total)
}
