//! Rates of a steady producer and its consumer are what was really appended and committed between two ticks.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::watched::{Watched, group_topic, topic};
use crate::kafka_server::wait::wait_for;
use crate::kafka_server::{KafkaCluster, KafkaVersion, unique};
use plimsoll::model::Snapshot;

/// A count as it was known at some moment: no less than `least` then, no more than `most`.
#[derive(Clone, Copy)]
struct Reading {
    at: Instant,
    least: u64,
    most: u64,
}

/// Records that were asked to be there, and those known to be.
#[derive(Default)]
struct Count {
    begun: AtomicU64,
    done: AtomicU64,
}

impl Count {
    fn read(&self) -> Reading {
        // In this order, so that what happens in between only widens it.
        let least = self.done.load(Ordering::SeqCst);
        let at = Instant::now();
        Reading { at, least, most: self.begun.load(Ordering::SeqCst) }
    }
}

/// A tick lies between two readings.
#[derive(Clone, Copy)]
struct Between {
    before: Reading,
    after: Reading,
}

/// The least and the most per second that can have been measured from one tick to a later one.
fn possible(first: Between, last: Between) -> std::ops::RangeInclusive<f64> {
    let longest = last.after.at.duration_since(first.before.at).as_secs_f64();
    let shortest = last.before.at.saturating_duration_since(first.after.at).as_secs_f64();
    let fewest = last.before.least.saturating_sub(first.after.most) as f64;
    let most = (last.after.most - first.before.least) as f64;
    // The daemon's clock counts in milliseconds.
    fewest / (longest + 0.002)..=most / (shortest - 0.002).max(0.0)
}

/// Cycles until it is known well enough what can have been measured. What the last one has published, and when it and
/// the first were.
fn watch(watched: &mut Watched, counts: [&Count; 2]) -> (Snapshot, [[Between; 2]; 2]) {
    let mut cycle = || {
        let before = counts.map(Count::read);
        let snapshot = watched.cycle();
        let after = counts.map(Count::read);
        (snapshot, [0, 1].map(|of| Between { before: before[of], after: after[of] }))
    };
    let (_, first) = cycle();
    wait_for("bounds of rates within a fifth", Duration::from_secs(25), || {
        let (snapshot, last) = cycle();
        let ticks = [0, 1].map(|of| [first[of], last[of]]);
        let is_close = ticks.iter().all(|[first, last]| {
            let possible = possible(*first, *last);
            *possible.start() > 0.8 * possible.end()
        });
        is_close.then_some((snapshot, ticks))
    })
}

#[test]
fn rates_are_what_was_appended_and_committed_between_ticks() {
    for version in KafkaVersion::ALL {
        let cluster = KafkaCluster::shared(version);
        let name = unique("steady");
        let group = format!("{name}-group");
        cluster.create_topic(&name, 1, &[]);
        cluster.produce(&name, 0, 1);
        cluster.commit_offset(&group, &name, 0, 1);
        let (appended, consumed, stop) = (Count::default(), Count::default(), AtomicBool::new(false));
        let (snapshot, [of_topic, of_group]) = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let offset = appended.begun.fetch_add(20, Ordering::SeqCst) + 20;
                    cluster.produce(&name, 0, 20);
                    appended.done.store(offset, Ordering::SeqCst);
                    // Half of what is there is consumed.
                    consumed.begun.store(offset / 2, Ordering::SeqCst);
                    cluster.commit_offset(&group, &name, 0, 1 + offset / 2);
                    consumed.done.store(offset / 2, Ordering::SeqCst);
                }
            });
            let mut watched = Watched::new(cluster, &name);
            let watched = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                watch(&mut watched, [&appended, &consumed])
            }));
            stop.store(true, Ordering::Relaxed);
            watched.unwrap_or_else(|failed| std::panic::resume_unwind(failed))
        });
        let rates = [
            ("appended", topic(&snapshot, &name).unwrap().appended_per_second, of_topic),
            ("consumed", group_topic(&snapshot, &group, &name).unwrap().consumed_per_second, of_group),
        ];
        for (what, rate, [first, last]) in rates {
            let (rate, possible) = (rate.unwrap(), possible(first, last));
            assert!(possible.contains(&rate), "{what} {rate} per second, not within {possible:?}");
        }
    }
}
