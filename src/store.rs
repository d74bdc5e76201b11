//! The last hour of every group's topics, in memory: lag, time lag and rates, every 15 seconds, compressed.
//! Never reads a clock, and never grows past the number of series it was given.

mod block;
mod config;
mod series;

use std::collections::HashMap;

use crate::model::{GroupId, HistoryPoint, Millis, Timestamp, TopicName};
pub use config::HistoryConfig;
use series::Series;

/// The least time between two points that are kept.
pub const RESOLUTION: Millis = Millis::from_seconds(15);

/// How far back the history goes. A little more is held, because whole blocks are dropped.
pub const RETENTION: Millis = Millis::from_seconds(3600);

/// One group's topic has four: lag, time lag, consumed and appended records per second.
const SERIES_PER_TOPIC: u64 = 4;

/// The history of one cluster.
#[derive(Debug)]
pub struct Store {
    /// By topic name, ascending: most groups read few topics, and a map would waste most of its room.
    groups: HashMap<GroupId, Vec<(TopicName, Entry)>>,
    max_series: u64,
    series: u64,
    dropped_total: u64,
}

#[derive(Debug)]
enum Entry {
    Kept(Box<Series>),
    /// Did not fit, and was counted; it is kept as soon as it fits.
    Refused,
}

impl Store {
    /// An empty history that keeps at most `max_series` series, four for each topic of a group.
    #[must_use]
    pub fn new(max_series: u64) -> Self {
        Self { groups: HashMap::new(), max_series, series: 0, dropped_total: 0 }
    }

    /// Keeps a point if the last one kept of this group's topic is at least `RESOLUTION` older.
    ///
    /// What is `None` in the point stays absent. Rates are kept in thousandths of a record per second; one that is
    /// negative or not finite is absent. After the clock was set back by `RESOLUTION` or more, points that now lie
    /// ahead are forgotten.
    pub fn append(&mut self, group: &GroupId, topic: &TopicName, point: &HistoryPoint) {
        if !self.groups.contains_key(group) {
            self.groups.insert(group.clone(), Vec::new());
        }
        let Some(topics) = self.groups.get_mut(group) else { return };
        let fits = self.series + SERIES_PER_TOPIC <= self.max_series;
        let place = match topics.binary_search_by(|(other, _)| other.cmp(topic)) {
            Ok(place) => place,
            Err(place) => {
                if !fits {
                    self.dropped_total += SERIES_PER_TOPIC;
                }
                topics.insert(place, (topic.clone(), Entry::Refused));
                place
            }
        };
        let entry = &mut topics[place].1;
        if fits && matches!(entry, Entry::Refused) {
            self.series += SERIES_PER_TOPIC;
            *entry = Entry::Kept(Box::default());
        }
        if let Entry::Kept(series) = entry {
            series.append(point);
        }
    }

    /// The points at or after `since`, oldest first. Empty when there are none, or the series is not kept.
    #[must_use]
    pub fn history(&self, group: &str, topic: &str, since: Timestamp) -> Vec<HistoryPoint> {
        let find = |topics: &Vec<(TopicName, Entry)>| {
            topics.binary_search_by(|(other, _)| other.as_str().cmp(topic)).ok()
        };
        let topics = self.groups.get(group);
        let entry = topics.and_then(|topics| find(topics).map(|place| &topics[place].1));
        match entry {
            Some(Entry::Kept(series)) => series.since(since).collect(),
            Some(Entry::Refused) | None => Vec::new(),
        }
    }

    /// Forgets every group's topic that `keep` does not want, so that others find room.
    pub fn retain(&mut self, mut keep: impl FnMut(&GroupId, &TopicName) -> bool) {
        let mut forgotten = 0;
        self.groups.retain(|group, topics| {
            topics.retain(|(topic, entry)| {
                let kept = keep(group, topic);
                forgotten += u64::from(!kept && matches!(entry, Entry::Kept(_))) * SERIES_PER_TOPIC;
                kept
            });
            !topics.is_empty()
        });
        self.series -= forgotten;
    }

    /// How many series are kept.
    #[must_use]
    pub fn series(&self) -> u64 {
        self.series
    }

    /// How many series were refused for the budget, in all. Each counts once, however many points it had.
    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped_total
    }

    /// About how much memory the history takes, in bytes, without the names, which are shared.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let entry = |(_, entry): &(TopicName, Entry)| match entry {
            Entry::Kept(series) => series.bytes(),
            Entry::Refused => 0,
        };
        let group = |topics: &Vec<(TopicName, Entry)>| {
            topics.capacity() * size_of::<(TopicName, Entry)>() + topics.iter().map(entry).sum::<usize>()
        };
        self.groups.capacity() * size_of::<(GroupId, Vec<(TopicName, Entry)>)>()
            + self.groups.values().map(group).sum::<usize>()
    }
}

#[cfg(test)]
mod tests;
