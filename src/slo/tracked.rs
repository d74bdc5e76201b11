//! One instance with where its events come from, and what is published of it.
//! Never finds out by itself which groups and topics there are.

use std::sync::Arc;

use super::because::{self, selectors};
use super::counters::{Counters, Relation};
use super::counts::Stretch;
use super::instance::{Circumstances, Instance};
use super::moment::{Sight, is_kept};
use super::plan::Plan;
use super::resolution::CommitResolution;
use super::rows::{self, Owner};
use super::slices::Slices;
use super::worst::WorstPartitions;
use super::{Indicator, Slo, TickInput};
use crate::model::{
    Because, Damaged, Measured, Minute, Reader, Reason, Row, Selector, SloInfo, SloState, SloView, Timestamp,
    Writer,
};

/// Where events come from.
#[derive(Debug)]
enum Meter {
    /// They were judged already, record by record.
    Judgements,
    Counters(Counters),
    Slices(Slices),
}

#[derive(Debug)]
pub(super) struct Tracked {
    pub(super) owner: Owner,
    pub(super) instance: Instance,
    meter: Meter,
    pub(super) worst: WorstPartitions,
    pub(super) resolution: CommitResolution,
    /// Why its threshold said nothing when that could be told last.
    too_coarse: Option<Because>,
    /// The row as it was given out last.
    written: Vec<u8>,
}

impl Tracked {
    pub(super) fn new(owner: Owner, slo: &Slo, plan: &Arc<Plan>) -> Self {
        let meter = match &slo.indicator {
            Indicator::Latency { .. } => Meter::Judgements,
            Indicator::DeadLetters { .. } => Meter::Counters(Counters::new(Relation::Among)),
            Indicator::Loss { .. } => Meter::Counters(Counters::new(Relation::Beside)),
            Indicator::Lag { .. }
            | Indicator::TimeLag { .. }
            | Indicator::Throughput { .. }
            | Indicator::Progress { .. }
            | Indicator::Availability { .. } => Meter::Slices(Slices::new(slo.slice, slo.slice_target)),
        };
        let instance = Instance::of(Arc::clone(plan));
        Self {
            owner,
            instance,
            meter,
            worst: WorstPartitions::default(),
            resolution: CommitResolution::default(),
            too_coarse: None,
            written: Vec::new(),
        }
    }

    /// Takes a tick. `None` when the group or topic that a pattern meant is no more.
    pub(super) fn observe(
        &mut self,
        slo: &Slo,
        info: &Arc<SloInfo>,
        sight: Sight<'_>,
        input: &TickInput<'_>,
    ) -> Option<SloView> {
        let (gone, is_pattern) = match gone(slo, sight, input) {
            Some((because, is_pattern)) => (Some(because), is_pattern),
            None => (None, false),
        };
        if is_pattern {
            if let Meter::Slices(slices) = &mut self.meter {
                slices.stop();
            }
            return None;
        }
        let blocked = match gone {
            Some(_) => gone.clone(),
            None => self.count(slo, sight, input).err(),
        };
        let counts_records = slo.indicator.counts_records();
        let blocked = blocked.or(self.resolution.observe(slo, sight.consumed, input.now));
        // While nobody sees how often the group commits, it is taken to go on as before, unless it may be dead.
        let is_seen = sight.consumed.is_some_and(|consumed| {
            because::accepts_resolution(slo)
                || consumed.commit_interval.is_ok()
                || self.resolution.is_given_up(input.now)
        });
        if input.up.is_ok() && is_seen {
            self.too_coarse = None;
        }
        self.too_coarse = because::too_coarse(slo, sight.consumed, input).or(self.too_coarse.take());
        let too_coarse = self.too_coarse.clone();
        let circumstances = Circumstances {
            is_frozen: counts_records && blocked.is_some(),
            is_gone: gone.is_some(),
            is_too_coarse: too_coarse.is_some(),
        };
        let evaluation = self.instance.evaluate_through(Minute::of(input.now), input.now, circumstances);
        let is_unmeasured = evaluation.state == SloState::Unmeasured;
        let because = is_unmeasured
            .then(|| gone.or(too_coarse).or(blocked).unwrap_or_else(|| because::coverage(&self.instance)));
        Some(SloView {
            slo: Arc::clone(info),
            group: self.owner.group.clone(),
            topic: self.owner.topic.clone(),
            state: evaluation.state,
            state_since: evaluation.state_since,
            because,
            idle: is_idle(slo, sight),
            window: evaluation.window,
            total: self.instance.counts.total(),
            measured_since: evaluation.measured_since,
            coverage: evaluation.coverage,
            budget_remaining: evaluation.budget_remaining,
            exhausted_in: evaluation.exhausted_in,
            burn_rates: evaluation.burn_rates,
            governing: evaluation.governing,
            unmeasured_alert: evaluation.unmeasured_alert,
            worst_partitions: self.worst.worst(Minute::of(input.now)),
        })
    }

    /// Counts what this tick tells; an error says why it tells nothing.
    fn count(&mut self, slo: &Slo, sight: Sight<'_>, input: &TickInput<'_>) -> Result<(), Because> {
        let up = input.up.map_err(because::reason);
        match &mut self.meter {
            Meter::Judgements => up.and(because::stall(sight.group, input).map_or(Ok(()), Err)),
            Meter::Counters(counters) => {
                up?;
                if let Some(Err(unread)) = sight.group.map(|group| group.commits) {
                    return Err(because::reason(unread));
                }
                let (all, bad) = totals(slo, sight, input)?;
                self.instance.add(Minute::of(input.now), counters.observe(all, bad));
                Ok(())
            }
            Meter::Slices(slices) => {
                let kept = input.up.and_then(|()| is_kept(&slo.indicator, sight, input.now));
                let most = self.instance.plan.kept_hours * 60 / self.instance.plan.slice;
                for (minute, counts) in slices.observe(input.now, kept.ok(), most) {
                    if !self.instance.counts.has_counted(minute.0) {
                        self.instance.add(minute, counts);
                    }
                }
                kept.map(drop).map_err(because::reason)
            }
        }
    }

    /// The rows that differ from those given out before.
    pub(super) fn changed_rows(&mut self, fingerprint: &str, rows: &mut Vec<Row>) {
        for (stretch, packed) in self.instance.counts.take_changed() {
            rows.push(rows::counts_row(&self.owner, stretch, packed.as_ref()));
        }
        let value = self.value(fingerprint);
        if value != self.written {
            self.written.clone_from(&value);
            rows.push(rows::instance_row(&self.owner, Some(value)));
        }
    }

    /// All its rows.
    pub(super) fn rows(&self, fingerprint: &str, rows: &mut Vec<Row>) {
        rows.push(rows::instance_row(&self.owner, Some(self.value(fingerprint))));
        let stretches = self.instance.counts.stretches();
        rows.extend(stretches.iter().map(|(at, packed)| rows::counts_row(&self.owner, *at, packed.as_ref())));
    }

    fn value(&self, fingerprint: &str) -> Vec<u8> {
        let mut writer = rows::write_instance(fingerprint, &self.instance);
        self.write_meter(&mut writer);
        writer.into_bytes()
    }

    fn write_meter(&self, writer: &mut Writer) {
        match &self.meter {
            Meter::Judgements => {}
            Meter::Counters(counters) => counters.write(writer),
            Meter::Slices(slices) => slices.write(writer),
        }
    }

    /// What was written after the fingerprint.
    pub(super) fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Damaged> {
        rows::read_instance(reader, &mut self.instance)?;
        match &mut self.meter {
            Meter::Judgements => {}
            Meter::Counters(counters) => counters.read(reader)?,
            Meter::Slices(slices) => slices.read(reader)?,
        }
        // What was not shown before a restart is not shown before it is known again how often the group commits.
        let was_hidden =
            self.instance.state == SloState::Unmeasured && matches!(self.meter, Meter::Judgements);
        self.too_coarse = was_hidden.then(because::interval_unknown);
        if reader.is_at_end() { Ok(()) } else { Err(Damaged) }
    }

    /// Whether nothing is kept of the time from `oldest` on.
    pub(super) fn is_older_than(&self, oldest: Timestamp) -> bool {
        self.instance.counts.last().is_none_or(|last| end_of(last) <= Minute::of(oldest).0)
    }
}

/// The minute after the last of a stretch.
pub(super) fn end_of(stretch: Stretch) -> i64 {
    match stretch {
        Stretch::Hour(hour) => (hour + 1) * 60,
        Stretch::Day(day) => (day + 1) * 24 * 60,
    }
}

/// Why the group or the topic is known not to be there any more, and whether a pattern meant it.
fn gone(slo: &Slo, sight: Sight<'_>, input: &TickInput<'_>) -> Option<(Because, bool)> {
    input.up.ok()?;
    let (group, [topic, _]) = selectors(&slo.indicator);
    let is_pattern = |selector: Option<&Selector>| selector.is_none_or(|one| one.exact().is_none());
    match group {
        Some(group) if sight.group.is_none() => {
            let names = input.groups.iter().map(|view| view.group.as_str());
            let because = || because::missing(group, "group", Reason::NoSuchGroup, names);
            input.groups_complete.then(|| (because(), is_pattern(Some(group))))
        }
        Some(selected) if sight.consumed.is_none() => {
            let because =
                Because { label: "no_commits", sentence: "the group has no commits on the topic".into() };
            let is_read = sight.group.is_some_and(|view| view.commits.is_ok());
            is_read.then(|| (because, is_pattern(Some(selected)) || is_pattern(topic)))
        }
        None if sight.topic.is_none() => {
            let names = input.topics.iter().map(|view| view.topic.as_str());
            topic.map(|one| {
                (because::missing(one, "topic", Reason::NoSuchTopic, names), is_pattern(Some(one)))
            })
        }
        _ => None,
    }
}

/// The two counters of an indicator: all, or those that were consumed, and the bad ones.
fn totals(slo: &Slo, sight: Sight<'_>, input: &TickInput<'_>) -> Result<(u64, u64), Because> {
    let Indicator::DeadLetters { dead_letter_topic, .. } = &slo.indicator else {
        let consumed = sight.consumed.ok_or_else(|| because::reason(Reason::NotYetRead))?;
        return Ok((consumed.consumed_total, consumed.lost_total));
    };
    let topic = sight.topic.ok_or_else(|| because::reason(Reason::NoSuchTopic))?;
    let dead = super::topic_view(input.topics, dead_letter_topic.as_str()).ok_or_else(|| {
        let names = input.topics.iter().map(|view| view.topic.as_str());
        because::missing(dead_letter_topic, "topic", Reason::NoSuchTopic, names)
    })?;
    for view in [topic, dead] {
        if view.partitions.is_empty() {
            return Err(because::reason(view.id.err().unwrap_or(Reason::NotYetRead)));
        }
        if let Some(unread) = view.partitions.iter().find_map(|partition| partition.end.err()) {
            return Err(because::reason(unread));
        }
    }
    Ok((topic.appended_total, dead.appended_total))
}

/// Nothing happens and nothing waits.
fn is_idle(slo: &Slo, sight: Sight<'_>) -> bool {
    let is_still = |rate: Measured<f64>| rate.is_ok_and(|rate| rate <= 0.0);
    match &slo.indicator {
        Indicator::Availability { .. } => false,
        Indicator::DeadLetters { .. } => sight.topic.is_some_and(|topic| is_still(topic.appended_per_second)),
        _ => sight
            .consumed
            .is_some_and(|consumed| consumed.lag == Ok(0) && is_still(consumed.consumed_per_second)),
    }
}
