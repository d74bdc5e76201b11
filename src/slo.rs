//! Promises and their error budgets: counts by the minute, burn rates, states. Pure: time and counts come in.
//! Never measures anything itself, never sends anything.

mod because;
mod calendar;
mod claim;
mod counters;
mod counts;
mod definition;
mod evaluation;
mod instance;
mod moment;
mod packed;
mod plan;
mod reload;
mod resolution;
mod restore;
mod rows;
mod running;
mod slices;
#[cfg(test)]
mod tests;
mod tiers;
mod tracked;
mod words;
mod worst;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

pub use calendar::UnknownTimeZone;
pub use claim::{burning, is_current, unmeasured};
pub use definition::{Alerting, Indicator, Period, Slo, ThroughputFloor, Tier, Window};
pub use evaluation::Evaluation;
pub use instance::Instance;
pub use reload::NotReloaded;
pub use words::{Problem, plain_words, problems, severities};

use crate::model::{
    CommitSource, GroupId, GroupView, Judgement, Measured, Millis, Row, Selector, SloInfo, SloState, SloView,
    Timestamp, TopicName, TopicView,
};
use because::{Absence, absence, selectors};
use moment::Sight;
use plan::Plan;
use rows::{Orphan, Owner};
use tracked::Tracked;

/// What one tick has published, and judged.
#[derive(Debug, Clone, Copy)]
pub struct TickInput<'a> {
    /// The time of the brokers, as well as it is known: minutes are theirs.
    pub now: Timestamp,
    /// Whether the cluster was measured.
    pub up: Measured<()>,
    /// In the order of their names.
    pub topics: &'a [TopicView],
    /// In the order of their ids.
    pub groups: &'a [GroupView],
    /// No broker failed to list its groups, so one that is not among them does not exist.
    pub groups_complete: bool,
    /// Groups whose deadlines wait: their part of the commit log is held by somebody's transaction, or has not been read
    /// up to about now. What is counted of their records says nothing of the last minutes, so states stay as they are.
    pub stalled_groups: &'a BTreeSet<GroupId>,
    /// What was judged in this tick.
    pub judgements: &'a [Judgement],
    /// Where commits come from.
    pub commit_source: CommitSource,
    /// The distance of ticks: the resolution of polled commits.
    pub poll_interval: Millis,
}

/// All SLOs of one cluster, with one budget for each group and topic that they match.
#[derive(Debug)]
pub struct Slos {
    /// In the order of their names.
    promises: Vec<Promise>,
    /// By the SLO's place, group and topic.
    tracked: BTreeMap<Key, Tracked>,
    /// Which SLOs mean a group and topic; those seen that none means are here as well.
    pairs: HashMap<GroupId, HashMap<TopicName, Vec<usize>>>,
    topics: HashMap<TopicName, Vec<usize>>,
    orphans: BTreeMap<Owner, Orphan>,
    /// Rows that are to go with the next ones.
    removed: Vec<Row>,
}

/// The SLO's place, group and topic.
type Key = (usize, Option<GroupId>, Option<TopicName>);

/// An SLO as it is promised, for whomever.
#[derive(Debug)]
struct Promise {
    slo: Slo,
    plan: Arc<Plan>,
    info: Arc<SloInfo>,
    /// What is counted; when it changes, counting starts anew.
    fingerprint: String,
    /// Since when nothing has matched, and why, as of so many groups and topics.
    absent: Option<Absent>,
}

#[derive(Debug)]
struct Absent {
    since: Timestamp,
    absence: Absence,
    /// How many groups and topics there were when that was found; sought again when there are others. `None` while the
    /// cluster was not measured: then nothing was found.
    seen: Option<[usize; 2]>,
}

impl Slos {
    /// Those of the settings, without any count.
    ///
    /// # Errors
    /// The time zone of a calendar window is not known.
    pub fn new(mut slos: Vec<Slo>) -> Result<Self, UnknownTimeZone> {
        slos.sort_by(|a, b| a.name.cmp(&b.name));
        let promises = slos.into_iter().map(|slo| {
            let info = SloInfo {
                name: Arc::clone(&slo.name),
                description: slo.description.clone(),
                indicator: words::indicator(&slo.indicator).into(),
                unit: words::unit(&slo),
                objective: slo.objective,
                window: words::window(&slo.window).into(),
                resolve_after: slo.alerting.resolve_after,
                labels: Arc::clone(&slo.labels),
                runbook: slo.runbook.clone(),
            };
            Ok(Promise {
                plan: Arc::new(Plan::new(&slo)?),
                info: Arc::new(info),
                fingerprint: words::fingerprint(&slo),
                slo,
                absent: None,
            })
        });
        Ok(Self {
            promises: promises.collect::<Result<_, UnknownTimeZone>>()?,
            tracked: BTreeMap::new(),
            pairs: HashMap::new(),
            topics: HashMap::new(),
            orphans: BTreeMap::new(),
            removed: Vec::new(),
        })
    }

    /// Whose records have to be judged, and within what: group, topic (`None`: every one), threshold. Each once.
    #[must_use]
    pub fn deadlines(&self) -> Vec<(Selector, Option<Selector>, Millis)> {
        let mut deadlines = Vec::new();
        for promise in &self.promises {
            if let Indicator::Latency { group, topic, within, .. } = &promise.slo.indicator {
                let deadline = (group.clone(), topic.clone(), *within);
                if !deadlines.contains(&deadline) {
                    deadlines.push(deadline);
                }
            }
        }
        deadlines
    }

    /// Takes what a tick has published and judged; gives every SLO as it stands, in the order of names, then groups and
    /// topics.
    pub fn observe(&mut self, input: &TickInput<'_>) -> Vec<SloView> {
        self.discover(input);
        for judgement in input.judgements {
            self.judge(judgement);
        }
        let mut views = Vec::with_capacity(self.tracked.len());
        let mut old = Vec::new();
        let mut tracked = self.tracked.iter_mut().peekable();
        for (place, promise) in self.promises.iter_mut().enumerate() {
            let before = views.len();
            while let Some((key, tracked)) = tracked.next_if(|((at, ..), _)| *at == place) {
                let sight = sight(key.1.as_ref(), key.2.as_ref(), input);
                match tracked.observe(&promise.slo, &promise.info, sight, input) {
                    Some(view) => views.push(view),
                    None if tracked.is_older_than(input.now - Orphan::KEPT) => old.push(key.clone()),
                    None => {}
                }
            }
            if views.len() == before {
                views.push(promise.absent(input));
            } else {
                promise.absent = None;
            }
        }
        self.forget(old, input);
        views
    }

    /// Finds groups and topics that were not there before.
    fn discover(&mut self, input: &TickInput<'_>) {
        for group in input.groups {
            for consumed in &group.topics {
                self.see_pair(&group.group, &consumed.topic);
            }
        }
        for view in input.topics {
            let topic = &view.topic;
            if self.topics.contains_key(topic) {
                continue;
            }
            let meant = self.promises.iter().enumerate().filter(|(_, promise)| {
                let (group, [selected, _]) = selectors(&promise.slo.indicator);
                group.is_none() && selected.is_some_and(|selected| selected.matches(topic.as_str()))
            });
            let places: Vec<_> = meant.map(|(place, _)| place).collect();
            for place in &places {
                self.track(*place, None, Some(topic.clone()));
            }
            self.topics.insert(topic.clone(), places);
        }
    }

    fn see_pair(&mut self, group: &GroupId, topic: &TopicName) {
        if self.pairs.get(group).is_some_and(|topics| topics.contains_key(topic)) {
            return;
        }
        let places: Vec<_> =
            (0..self.promises.len()).filter(|place| self.promises[*place].means(group, topic)).collect();
        for place in &places {
            self.track(*place, Some(group.clone()), Some(topic.clone()));
        }
        self.pairs.entry(group.clone()).or_default().insert(topic.clone(), places);
    }

    fn track(&mut self, place: usize, group: Option<GroupId>, topic: Option<TopicName>) {
        let promise = &self.promises[place];
        self.tracked.entry((place, group.clone(), topic.clone())).or_insert_with(|| {
            let owner = Owner { slo: promise.slo.name.to_string(), group, topic };
            Tracked::new(owner, &promise.slo, &promise.plan)
        });
    }

    fn judge(&mut self, judgement: &Judgement) {
        self.see_pair(&judgement.group, &judgement.topic);
        let places = self.pairs.get(&judgement.group).and_then(|topics| topics.get(&judgement.topic));
        for place in places.into_iter().flatten() {
            let is_meant = matches!(&self.promises[*place].slo.indicator,
                Indicator::Latency { within, .. } if *within == judgement.within);
            let key = (*place, Some(judgement.group.clone()), Some(judgement.topic.clone()));
            if let Some(tracked) = self.tracked.get_mut(&key).filter(|_| is_meant) {
                tracked.instance.add(judgement.minute, judgement.counts);
                tracked.resolution.judged();
                tracked.worst.add(judgement.partition, judgement.minute, judgement.counts);
            }
        }
    }

    /// What differs from the rows given out before. They are to be made durable together with the counters and the
    /// judged offsets of the same tick.
    pub fn changed_rows(&mut self) -> Vec<Row> {
        let mut rows = std::mem::take(&mut self.removed);
        for ((place, ..), tracked) in &mut self.tracked {
            tracked.changed_rows(&self.promises[*place].fingerprint, &mut rows);
        }
        rows
    }
}

impl Promise {
    fn means(&self, group: &GroupId, topic: &TopicName) -> bool {
        let (groups, [topics, _]) = selectors(&self.slo.indicator);
        groups.is_some_and(|groups| groups.matches(group.as_str()))
            && topics.is_none_or(|topics| topics.matches(topic.as_str()))
    }

    /// What is published of it while nothing matches.
    fn absent(&mut self, input: &TickInput<'_>) -> SloView {
        let seen = input.up.is_ok().then_some([input.groups.len(), input.topics.len()]);
        let before = self.absent.take();
        let (since, absence) = match before {
            Some(before) if before.seen == seen && seen.is_some() && !before.absence.is_idle => {
                (before.since, before.absence)
            }
            before => {
                let absence = absence(&self.slo, input);
                let same = before.filter(|before| before.absence.is_idle == absence.is_idle);
                (same.map_or(input.now, |same| same.since), absence)
            }
        };
        let state = if absence.is_idle { SloState::Ok } else { SloState::Unmeasured };
        let is_late = self.plan.unmeasured_delay.is_some_and(|delay| input.now.since(since) > delay);
        let view = SloView {
            slo: Arc::clone(&self.info),
            group: None,
            topic: None,
            state,
            state_since: since,
            because: (!absence.is_idle).then(|| absence.because.clone()),
            idle: absence.is_idle,
            window: Default::default(),
            total: Default::default(),
            measured_since: None,
            coverage: 1.0,
            budget_remaining: None,
            exhausted_in: None,
            burn_rates: Vec::new(),
            governing: None,
            unmeasured_alert: is_late && absence.is_alarming && !absence.is_idle,
            worst_partitions: Vec::new(),
        };
        self.absent = Some(Absent { since, absence, seen });
        view
    }
}

/// What the tick has published of an instance's group and topic.
fn sight<'a>(group: Option<&GroupId>, topic: Option<&TopicName>, input: &TickInput<'a>) -> Sight<'a> {
    let group = group.and_then(|group| {
        let at = input.groups.binary_search_by(|view| view.group.cmp(group));
        at.ok().map(|at| &input.groups[at])
    });
    let consumed = group.zip(topic).and_then(|(group, topic)| {
        let at = group.topics.binary_search_by(|view| view.topic.cmp(topic));
        at.ok().map(|at| &group.topics[at])
    });
    Sight { group, consumed, topic: topic.and_then(|topic| topic_view(input.topics, topic.as_str())) }
}

fn topic_view<'a>(topics: &'a [TopicView], name: &str) -> Option<&'a TopicView> {
    let at = topics.binary_search_by(|view| view.topic.as_str().cmp(name));
    at.ok().map(|at| &topics[at])
}
