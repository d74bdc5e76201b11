//! At the end of a tick: judges everything of which nothing is open any more, and fills the histograms.

use super::Measurement;
use super::deadline::{Known, Verdicts};
use super::latency;
use crate::model::{Judgement, Observation};

impl Measurement {
    /// Takes log starts, which were read after all answers, and judges what can be.
    pub(super) fn judge(&mut self, observation: &Observation) -> Vec<Judgement> {
        for (name, topic) in &mut self.topics {
            let Some(Ok(observed)) = observation.topics.get(name) else { continue };
            for (memory, read) in topic.partitions.iter_mut().zip(&observed.partitions) {
                if let (Some(times), Ok(log_start)) = (&mut memory.times, read.log_start) {
                    times.index.log_starts_at(log_start);
                }
            }
        }
        let mut judgements = Vec::new();
        let mut verdicts = Verdicts::default();
        let mut groups = std::mem::take(&mut self.groups);
        for (id, group) in &mut groups {
            let complete_to = self.complete_to(id, group);
            for (name, memory) in &mut group.topics {
                let Some(Ok(observed)) = observation.topics.get(name) else { continue };
                let Some(topic) = self.topics.get_mut(name) else { continue };
                let (latency, bounds) = (&mut memory.latency, &memory.bounds);
                for progress in memory.partitions.iter_mut().filter(|progress| progress.deadlines.is_some()) {
                    let index = progress.partition as usize;
                    let Some(deadlines) = progress.deadlines.as_deref_mut() else { continue };
                    let Some(times) =
                        topic.partitions.get_mut(index).and_then(|known| known.times.as_deref_mut())
                    else {
                        continue;
                    };
                    let Some(read) = observed.partitions.get(index) else { continue };
                    if let (Ok(end), Ok(log_start)) = (read.end, read.log_start) {
                        let known = Known { index: &times.index, end, complete_to };
                        memory.is_changed |= deadlines.judge(&known, log_start, &mut verdicts, |event| {
                            let estimate = |at| times.curve.estimate(at);
                            latency::count(latency, bounds, event, &known, log_start, estimate);
                        });
                    }
                    let needed_from = [times.needed_from, deadlines.needs_from()];
                    times.needed_from = needed_from.into_iter().flatten().min();
                    if deadlines.is_idle() {
                        progress.deadlines = None;
                    }
                    judgements.extend(verdicts.counts.drain(..).map(|(within, minute, counts)| Judgement {
                        group: id.clone(),
                        topic: name.clone(),
                        partition: progress.partition,
                        within,
                        minute,
                        counts,
                    }));
                }
            }
        }
        self.groups = groups;
        judgements
    }
}

#[cfg(test)]
mod tests;
