//! Which partitions are to blame: their counts of the last hour, in steps of ten minutes.
//! For people, so it starts anew with the process; never used for judging.

use std::collections::BTreeMap;

use crate::model::{Counts, Minute, Partition};

const STEP: i64 = 10;
const STEPS: i64 = 6;
const MOST: usize = 5;

#[derive(Debug, Default)]
pub(super) struct WorstPartitions {
    /// By partition: steps since 1970, ascending, with what was counted in them.
    steps: BTreeMap<Partition, Vec<(i64, Counts)>>,
}

impl WorstPartitions {
    pub(super) fn add(&mut self, partition: Partition, minute: Minute, counts: Counts) {
        let step = minute.0.div_euclid(STEP);
        let steps = self.steps.entry(partition).or_default();
        match steps.binary_search_by_key(&step, |(step, _)| *step) {
            Ok(at) => steps[at].1 += counts,
            Err(at) => steps.insert(at, (step, counts)),
        }
        let newest = steps.last().map_or(step, |(newest, _)| *newest);
        steps.retain(|(step, _)| *step > newest - STEPS);
    }

    /// Those with most bad ones between 50 and 60 minutes back until `now`, the worst first.
    pub(super) fn worst(&self, now: Minute) -> Vec<(Partition, Counts)> {
        let oldest = now.0.div_euclid(STEP) - STEPS + 1;
        let mut worst = Vec::new();
        for (partition, steps) in &self.steps {
            let mut sum = Counts::default();
            steps.iter().filter(|(step, _)| *step >= oldest).for_each(|(_, counts)| sum += *counts);
            if sum.bad > 0 {
                worst.push((*partition, sum));
            }
        }
        worst.sort_by_key(|(partition, counts)| (std::cmp::Reverse(counts.bad), *partition));
        worst.truncate(MOST);
        worst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_the_last_hour_come_first() {
        let mut worst = WorstPartitions::default();
        for (partition, minute, bad) in
            [(0, 0, 9), (1, 65, 2), (2, 30, 2), (2, 65, 3), (3, 65, 0), (4, 69, 2)]
        {
            worst.add(partition, Minute(minute), Counts { good: 1, bad, unmeasured: 0 });
        }
        let found: Vec<_> = worst.worst(Minute(69)).iter().map(|(at, counts)| (*at, counts.bad)).collect();
        assert_eq!(found, [(2, 5), (1, 2), (4, 2)]);
    }
}
