//! The law of a reload: what is judged as before goes on as if nothing had happened, all else as after a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::views::{consumed, group, latency, slo, topic};
use crate::model::{
    CommitSource, Counts, GroupView, Judgement, Measured, Millis, Minute, Ratio, Reason, Row, RowKind,
    Selector, SloView, Timestamp, TopicView,
};
use crate::slo::rows::owner_of;
use crate::slo::{Indicator, NotReloaded, Slo, Slos, TickInput, Window};

const START: i64 = 1_790_000_040_000;

/// What one tick has to say.
#[derive(Debug, Clone)]
struct Tick {
    seconds: i64,
    up: bool,
    /// Lag of the groups that are there.
    lags: [Option<u64>; 2],
    /// Good and bad within 100 ms, and good within 200 ms.
    judged: [u64; 3],
    appended: u64,
    dead: u64,
}

fn ticks() -> impl Strategy<Value = Vec<Tick>> {
    let seconds = prop_oneof![20 => 1_i64..20, 4 => 20_i64..400, 1 => 4_000_i64..90_000, 1 => -500_i64..0];
    let lag = || proptest::option::weighted(0.9, 0_u64..2_000);
    let tick =
        (seconds, prop::bool::weighted(0.9), [lag(), lag()], [0_u64..50, 0..9, 0..9], 0_u64..9, 0_u64..3);
    let tick = tick.prop_map(|(seconds, up, lags, judged, appended, dead)| Tick {
        seconds,
        up,
        lags,
        judged,
        appended,
        dead,
    });
    prop::collection::vec(tick, 2..25)
}

/// Each way in which a promise is written, or not.
fn variants() -> Vec<Vec<Slo>> {
    let within = |millis, group: &str| {
        let mut promise = latency("99.9%", "30d");
        if let Indicator::Latency { group: of, within, .. } = &mut promise.indicator {
            (*of, *within) = (Selector::new(group), Millis(millis));
        }
        promise
    };
    let lag = |max, objective: &str| {
        let indicator = Indicator::Lag { group: Selector::new("*"), topic: None, max };
        slo("lag", indicator, objective, "7d")
    };
    let dead = |name: &str| Indicator::DeadLetters {
        topic: Selector::new("orders"),
        dead_letter_topic: Selector::new(name),
    };
    let loss = Indicator::Loss { group: Selector::new("*"), topic: None };
    let coarse = Slo { slice_target: Ratio::parse("90%").unwrap(), ..lag(1000, "99%") };
    let told = Slo {
        description: Some("for people".into()),
        runbook: Some("https://runbooks".into()),
        labels: Arc::new([("team".into(), "pay".into())].into()),
        ..lag(1000, "99%")
    };
    vec![
        vec![
            within(100, "orders-processor"),
            within(200, "orders-processor"),
            within(100, "*"),
            Slo { window: Window::Rolling(Millis(86_400_000)), ..within(100, "orders-processor") },
            Slo { name: "orders-in-time".into(), ..within(100, "orders-processor") },
        ],
        vec![lag(1000, "99%"), lag(1000, "95%"), lag(900, "99%"), coarse, told],
        vec![slo("dead", dead("orders-dead"), "99%", "7d"), slo("dead", dead("elsewhere"), "99%", "7d")],
        vec![slo("loss", loss.clone(), "99%", "day"), slo("loss", loss, "99%", "month in Europe/Paris")],
    ]
}

/// A choice among the variants, one of which is that there is none.
fn rules() -> impl Strategy<Value = Vec<Slo>> {
    let choices =
        variants().into_iter().map(|forms| prop::option::weighted(0.8, prop::sample::select(forms)));
    choices.collect::<Vec<_>>().prop_map(|chosen| chosen.into_iter().flatten().collect())
}

/// A daemon's promises, and its state file.
struct Daemon {
    slos: Slos,
    file: BTreeMap<(RowKind, Vec<u8>), Row>,
}

impl Daemon {
    fn new(rules: &[Slo]) -> Self {
        Self { slos: Slos::new(rules.to_vec()).unwrap(), file: BTreeMap::new() }
    }

    fn save(&mut self) {
        for row in self.slos.changed_rows() {
            let key = (row.kind, row.key.clone());
            match row.value {
                Some(_) => self.file.insert(key, row),
                None => self.file.remove(&key),
            };
        }
    }

    fn restart(&mut self, rules: &[Slo]) {
        self.slos = Slos::new(rules.to_vec()).unwrap();
        self.slos.restore(&self.file.values().cloned().collect::<Vec<_>>()).unwrap();
    }

    fn reload(&mut self, rules: &[Slo]) {
        let prepared = self.slos.prepare(rules.to_vec()).unwrap();
        self.slos.go_on_as(prepared);
    }

    /// The rows of those promises of which `is_wanted`.
    fn rows_of(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<&Row> {
        self.file.values().filter(|row| is_wanted(&owner_of(row).unwrap().slo)).collect()
    }
}

/// The world as it is after some ticks.
struct World {
    now: i64,
    up: Measured<()>,
    groups: Vec<GroupView>,
    topics: Vec<TopicView>,
    judgements: Vec<Judgement>,
    appended: u64,
    dead: u64,
}

impl World {
    fn new() -> Self {
        let (groups, topics, judgements) = Default::default();
        Self { now: START, up: Ok(()), groups, topics, judgements, appended: 0, dead: 0 }
    }

    fn pass(&mut self, tick: &Tick) {
        self.now += tick.seconds * 1000;
        self.up = if tick.up { Ok(()) } else { Err(Reason::Unreachable) };
        (self.appended, self.dead) = (self.appended + tick.appended, self.dead + tick.dead);
        let names = ["billing", "orders-processor"];
        let there = names.iter().zip(tick.lags).filter_map(|(name, lag)| Some((*name, lag?)));
        self.groups = there.clone().map(|(name, lag)| group(name, "orders", lag)).collect();
        for view in &mut self.groups {
            let of = consumed("orders", view.topics[0].lag);
            view.topics[0] =
                crate::model::GroupTopicView { consumed_total: self.appended, lost_total: self.dead, ..of };
        }
        self.topics = vec![topic("orders", self.appended), topic("orders-dead", self.dead)];
        let judgement = |name: &str, within, [good, bad]: [u64; 2]| Judgement {
            group: name.into(),
            topic: "orders".into(),
            partition: 3,
            within: Millis(within),
            minute: Minute(self.now.div_euclid(60_000)),
            counts: Counts { good, bad, unmeasured: 0 },
        };
        let [good, bad, slow] = tick.judged;
        let of_each = |(name, _)| [judgement(name, 100, [good, bad]), judgement(name, 200, [slow, 0])];
        self.judgements = if tick.up { there.flat_map(of_each).collect() } else { Vec::new() };
    }

    fn observe(&self, daemon: &mut Daemon) -> Vec<SloView> {
        daemon.slos.observe(&TickInput {
            now: Timestamp(self.now),
            up: self.up,
            topics: &self.topics,
            groups: &self.groups,
            groups_complete: true,
            stalled_groups: &BTreeSet::new(),
            judgements: &self.judgements,
            commit_source: CommitSource::Log,
            poll_interval: Millis(1000),
        })
    }
}

/// What is only for people aside.
fn judged(view: &SloView) -> SloView {
    let said = crate::model::SloInfo {
        description: None,
        labels: Arc::default(),
        runbook: None,
        ..(*view.slo).clone()
    };
    SloView { slo: Arc::new(said), ..view.clone() }
}

/// Names of promises that are the same in both, but for what is said of them.
fn alike<'a>(before: &'a [Slo], after: &[Slo]) -> BTreeSet<&'a str> {
    let bare = |slo: &Slo| Slo { description: None, labels: Arc::default(), runbook: None, ..slo.clone() };
    before
        .iter()
        .filter(|slo| after.iter().any(|other| bare(slo) == bare(other)))
        .map(|slo| &*slo.name)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn what_stays_goes_on_and_all_else_is_as_after_a_restart(
        ticks in ticks(),
        at in 0_usize..25,
        before in rules(),
        after in rules(),
    ) {
        let at = at % ticks.len();
        let stays = alike(&before, &after);
        let mut world = World::new();
        let [mut reloaded, mut restarted, mut untouched] = [(); 3].map(|()| Daemon::new(&before));
        for (number, tick) in ticks.iter().enumerate() {
            world.pass(tick);
            if number == at {
                reloaded.reload(&after);
                restarted.restart(&after);
            }
            let views = world.observe(&mut reloaded);
            let of_restarted = world.observe(&mut restarted);
            let of_untouched = world.observe(&mut untouched);
            [&mut reloaded, &mut restarted, &mut untouched].into_iter().for_each(Daemon::save);
            if number < at {
                continue;
            }
            let names: Vec<_> = views.iter().map(|view| view.slo.name.clone()).collect();
            prop_assert!(names.iter().is_sorted(), "{:?}", names);
            for name in before.iter().chain(&after).map(|slo| &*slo.name) {
                let of = |views: &[SloView]| -> Vec<SloView> {
                    views.iter().filter(|view| &*view.slo.name == name).map(judged).collect()
                };
                let expected = if stays.contains(name) { &of_untouched } else { &of_restarted };
                prop_assert_eq!(of(&views), of(expected), "{} in tick {}", name, number);
                // How it is said comes from the new rules.
                let said = |views: &[SloView]| {
                    views.iter().find(|view| &*view.slo.name == name).map(|view| view.slo.clone())
                };
                prop_assert_eq!(said(&views), said(&of_restarted), "{}", name);
            }
            let is_there = |name: &str| stays.contains(name);
            prop_assert_eq!(reloaded.rows_of(is_there), untouched.rows_of(is_there));
            prop_assert_eq!(reloaded.rows_of(|name| !is_there(name)), restarted.rows_of(|name| !is_there(name)));
        }
    }

    #[test]
    fn rows_that_were_not_given_out_come_after_the_reload(
        ticks in ticks(),
        before in rules(),
        after in rules(),
    ) {
        let mut world = World::new();
        let [mut late, mut prompt] = [(); 2].map(|()| Daemon::new(&before));
        for (number, tick) in ticks.iter().enumerate() {
            world.pass(tick);
            for daemon in [&mut late, &mut prompt] {
                daemon.save();
                world.observe(daemon);
            }
            if number + 1 == ticks.len() {
                prompt.save();
            }
        }
        for daemon in [&mut late, &mut prompt] {
            daemon.reload(&after);
            daemon.save();
        }
        prop_assert_eq!(late.file, prompt.file);
    }
}

#[test]
fn a_time_zone_that_nobody_knows_changes_nothing() {
    let slos = Slos::new(vec![latency("99.9%", "30d")]).unwrap();
    let refused = slos.prepare(vec![latency("99.9%", "month in Europe/Pariss")]);
    assert!(matches!(refused, Err(NotReloaded::UnknownTimeZone(_))), "{refused:?}");
}
