//! Whole ticks: what is published of promises whose groups, topics and clusters come and go.

use std::collections::BTreeSet;

use super::views::{consumed, group, latency, slo, topic};
use crate::model::{
    CommitSource, Counts, GroupId, GroupTopicView, GroupView, Judgement, Measured, Millis, Minute, Ratio,
    Reason, Row, Selector, SloState, SloView, Timestamp, TopicView,
};
use crate::slo::{Indicator, Slo, Slos, ThroughputFloor, TickInput};

const START: i64 = 1_790_000_040_000;

/// A cluster that ticks.
struct World {
    slos: Slos,
    now: Timestamp,
    up: Measured<()>,
    groups: Vec<GroupView>,
    groups_complete: bool,
    topics: Vec<TopicView>,
    stalled: BTreeSet<GroupId>,
    source: CommitSource,
    judgements: Vec<Judgement>,
}

impl World {
    fn new(slos: Vec<Slo>) -> Self {
        Self {
            slos: Slos::new(slos).unwrap(),
            now: Timestamp(START),
            up: Ok(()),
            groups: vec![group("orders-processor", "orders", 0)],
            groups_complete: true,
            topics: vec![topic("orders", 0), topic("orders-dead", 0)],
            stalled: BTreeSet::new(),
            source: CommitSource::Log,
            judgements: Vec::new(),
        }
    }

    /// One tick, a second later.
    fn tick(&mut self) -> Vec<SloView> {
        self.now = self.now + Millis(1000);
        let views = self.slos.observe(&TickInput {
            now: self.now,
            up: self.up,
            topics: &self.topics,
            groups: &self.groups,
            groups_complete: self.groups_complete,
            stalled_groups: &self.stalled,
            judgements: &self.judgements,
            commit_source: self.source,
            poll_interval: Millis(1000),
        });
        self.judgements.clear();
        views
    }

    /// Ticks through so many minutes; what is so at their end.
    fn minutes(&mut self, minutes: i64) -> SloView {
        (0..minutes * 60).map(|_| self.tick().remove(0)).last().unwrap()
    }

    fn judged(&mut self, good: u64, bad: u64) {
        self.judgements.push(Judgement {
            group: "orders-processor".into(),
            topic: "orders".into(),
            partition: 3,
            within: Millis(100),
            minute: Minute::of(self.now),
            counts: Counts { good, bad, unmeasured: 0 },
        });
    }
}

fn lag(max: u64, objective: &str) -> Slo {
    let indicator = Indicator::Lag { group: Selector::new("orders-processor"), topic: None, max };
    slo("orders-lag", indicator, objective, "7d")
}

fn on(mut promise: Slo, group: &str, topic: Option<&str>) -> Slo {
    if let Indicator::Lag { group: of, topic: on, .. } | Indicator::Latency { group: of, topic: on, .. } =
        &mut promise.indicator
    {
        (*of, *on) = (Selector::new(group), topic.map(Selector::new));
    }
    promise
}

fn told(view: &SloView) -> (SloState, bool, &str) {
    (view.state, view.idle, view.because.as_ref().map_or("", |because| &because.sentence))
}

fn counts(good: u64, bad: u64, unmeasured: u64) -> Counts {
    Counts { good, bad, unmeasured }
}

#[test]
fn what_is_not_there_is_unmeasured_by_name() {
    let unmeasured = SloState::Unmeasured;
    let check = |promise: Slo, expected: (SloState, bool, &str)| {
        let mut world = World::new(vec![promise]);
        world.groups.insert(0, group("billing", "invoices", 0));
        world.topics.insert(0, topic("invoices", 7));
        assert_eq!(told(&world.tick()[0]), expected);
    };
    let of = |group, topic| on(lag(1000, "99%"), group, topic);
    check(
        of("orders-procesor", None),
        (unmeasured, false, "no such group: orders-procesor, did you mean orders-processor?"),
    );
    check(of("shipping", None), (unmeasured, false, "no such group: shipping"));
    check(of("shipping-*", None), (unmeasured, false, "no group matches shipping-*"));
    check(
        of("orders-processor", Some("order")),
        (unmeasured, false, "no such topic: order, did you mean orders?"),
    );
    check(of("orders-processor", Some("x*")), (unmeasured, false, "no topic matches x*"));
    check(
        of("orders-processor", Some("invoices")),
        (unmeasured, false, "group orders-processor has no commits on topic invoices"),
    );
    // Nothing is in it, so there is nothing to commit.
    check(of("orders-processor", Some("orders-dead")), (SloState::Ok, true, ""));
    check(of("orders-processor", None), (SloState::Ok, true, ""));
}

#[test]
fn an_exact_name_that_stays_away_is_told_in_time_and_a_pattern_is_not() {
    let check = |name: &str, expected: bool| {
        let mut world = World::new(vec![on(lag(1000, "99.9%"), name, None)]);
        assert!(!world.minutes(2).unmeasured_alert, "{name}");
        assert_eq!(world.minutes(60).unmeasured_alert, expected, "{name}");
    };
    check("orders-procesor", true);
    check("shipping-*", false);
}

#[test]
fn a_group_that_failed_to_be_listed_is_not_called_missing() {
    let mut world = World::new(vec![on(lag(1000, "99%"), "billing", None)]);
    world.groups_complete = false;
    assert_eq!(told(&world.tick()[0]).2, "a broker could not list its groups");
}

#[test]
fn slices_are_bad_by_their_worst_moment_and_unmeasured_by_their_gaps() {
    let mut world = World::new(vec![lag(1000, "99%")]);
    // The slice in which watching began is not judged.
    world.minutes(1);
    assert_eq!(world.minutes(1).total, counts(1, 0, 0));
    world.groups[0].topics[0] = consumed("orders", Ok(1001));
    world.tick();
    world.groups[0].topics[0] = consumed("orders", Ok(1000));
    let last = (1..60).map(|_| world.tick().remove(0)).last().unwrap();
    assert_eq!(last.total, counts(1, 1, 0));
    let mut unknown_for = |seconds: usize| {
        world.groups[0].topics[0] = consumed("orders", Err(Reason::TimedOut));
        (0..seconds).for_each(|_| drop(world.tick()));
        world.groups[0].topics[0] = consumed("orders", Ok(0));
        (seconds..60).map(|_| world.tick().remove(0)).last().unwrap().total
    };
    assert_eq!(unknown_for(30), counts(2, 1, 0), "half of it was measured");
    assert_eq!(unknown_for(31), counts(2, 1, 1), "less than half of it was");
}

#[test]
fn a_slice_target_allows_a_share_of_bad_time() {
    let mut promise = lag(1000, "99%");
    promise.slice_target = Ratio::parse("90%").unwrap();
    let mut world = World::new(vec![promise]);
    world.minutes(1);
    for (bad_seconds, expected) in [(6, counts(1, 0, 0)), (7, counts(1, 1, 0))] {
        world.groups[0].topics[0] = consumed("orders", Ok(5000));
        (0..bad_seconds).for_each(|_| drop(world.tick()));
        world.groups[0].topics[0] = consumed("orders", Ok(0));
        let last = (bad_seconds..60).map(|_| world.tick().remove(0)).last().unwrap();
        assert_eq!(last.total, expected);
    }
}

#[test]
fn an_unreachable_cluster_gives_unmeasured_slices() {
    let availability = Indicator::Availability { topic: Selector::new("orders") };
    for promise in [lag(1000, "99%"), slo("orders-up", availability, "99%", "7d")] {
        let mut world = World::new(vec![promise]);
        assert_eq!(world.minutes(20).state, SloState::Ok);
        world.up = Err(Reason::Unreachable);
        let view = world.minutes(10);
        assert_eq!(told(&view).2, "no broker can be reached");
        assert_eq!((view.state, view.total.unmeasured, view.total.bad), (SloState::Unmeasured, 10, 0));
        world.up = Ok(());
        assert_eq!(world.minutes(10).state, SloState::Ok);
    }
}

#[test]
fn records_that_cannot_be_judged_freeze_the_state() {
    let outages: [fn(&mut World, bool); 3] = [
        |world, on| world.up = if on { Err(Reason::Unreachable) } else { Ok(()) },
        |world, on| world.groups[0].commits = if on { Err(Reason::NoCoordinator) } else { Ok(()) },
        |world, on| {
            world.stalled = if on { BTreeSet::from(["orders-processor".into()]) } else { BTreeSet::new() }
        },
    ];
    for outage in outages {
        let mut world = World::new(vec![latency("99.9%", "30d")]);
        world.judged(600, 0);
        world.minutes(10);
        world.judged(0, 600);
        assert_eq!(world.minutes(1).state, SloState::Page);
        outage(&mut world, true);
        let view = world.minutes(60);
        assert_eq!((view.state, view.governing.map(|tier| tier.held)), (SloState::Page, Some(true)));
        outage(&mut world, false);
        assert_ne!(world.minutes(1).state, SloState::Page, "the hour had no records");
        assert_eq!(world.minutes(24 * 60).state, SloState::Ok);
        // Ok is not held for ever: after a tenth of the shortest window nobody knows.
        outage(&mut world, true);
        assert_eq!((0..30).map(|_| world.tick().remove(0).state).last(), Some(SloState::Ok));
        assert_eq!(world.minutes(1).state, SloState::Unmeasured);
    }
}

#[test]
fn a_threshold_below_what_can_be_told_is_unmeasured_and_counted() {
    let check = |accept: bool, interval: u64, source: CommitSource, expected: &str| {
        let mut promise = latency("99.9%", "30d");
        if let Indicator::Latency { accept_commit_resolution, .. } = &mut promise.indicator {
            *accept_commit_resolution = accept;
        }
        let mut world = World::new(vec![promise]);
        world.groups[0].topics[0].commit_interval = Ok(Millis(interval));
        world.source = source;
        world.judged(0, 600);
        let view = world.tick().remove(0);
        assert_eq!(view.total, counts(0, 600, 0));
        assert_eq!(view.state, if expected.is_empty() { SloState::Page } else { SloState::Unmeasured });
        assert_eq!((view.governing.is_some(), told(&view).2), (expected.is_empty(), expected));
    };
    check(false, 5000, CommitSource::Log, "commits every 5 s cannot show 100 ms");
    check(true, 5000, CommitSource::Log, "");
    check(false, 100, CommitSource::Log, "");
    check(false, 50, CommitSource::Polled, "commits polled every 1 s cannot show 100 ms");
    check(true, 50, CommitSource::Polled, "");
}

#[test]
fn what_cannot_show_the_promise_does_not_page_while_nobody_sees_it() {
    let outages: [fn(&mut World); 3] = [
        |world| world.up = Err(Reason::Unreachable),
        |world| world.groups.clear(),
        |world| world.groups[0].topics[0].commit_interval = Err(Reason::NotYetWatched),
    ];
    for outage in outages {
        let mut world = World::new(vec![latency("99.9%", "30d")]);
        world.groups_complete = false;
        world.groups[0].topics[0].commit_interval = Ok(Millis(5000));
        world.judged(0, 600);
        let told = |world: &mut World| {
            let view = world.tick().remove(0);
            (view.state, told(&view).2.to_owned())
        };
        let coarse = (SloState::Unmeasured, "commits every 5 s cannot show 100 ms".to_owned());
        assert_eq!(told(&mut world), coarse);
        outage(&mut world);
        assert_eq!(told(&mut world), coarse);

        // After a restart nothing is left of what was not shown before.
        let rows = world.slos.changed_rows();
        world.slos = Slos::new(vec![latency("99.9%", "30d")]).unwrap();
        assert!(world.slos.restore(&rows).is_ok());
        assert_ne!(told(&mut world).0, SloState::Page);
        assert_ne!(world.minutes(1).state, SloState::Page);
    }
    // Who has records and commits none of them may be dead.
    let mut world = World::new(vec![latency("99.9%", "30d")]);
    world.groups[0].topics[0].commit_interval = Ok(Millis(5000));
    world.tick();
    world.groups[0].topics[0] =
        GroupTopicView { commit_interval: Err(Reason::NotYetWatched), ..consumed("orders", Ok(3)) };
    assert_eq!(world.minutes(4).state, SloState::Unmeasured);
    world.judged(0, 600);
    assert_eq!(world.minutes(2).state, SloState::Page);
}

#[test]
fn what_is_not_there_is_named_again_after_an_outage() {
    let indicator = Indicator::DeadLetters {
        topic: Selector::new("orders"),
        dead_letter_topic: Selector::new("orders-daed"),
    };
    let absent = on(lag(1000, "99%"), "orders-processr", None);
    let mut world = World::new(vec![absent, slo("processed", indicator, "99%", "7d")]);
    let names = [
        "no such group: orders-processr, did you mean orders-processor?",
        "no such topic: orders-daed, did you mean orders-dead?",
    ];
    let mut check = |up: Measured<()>, expected: [&str; 2]| {
        world.up = up;
        let views = (0..40).map(|_| world.tick()).last().unwrap();
        assert_eq!(views.iter().map(|view| told(view).2).collect::<Vec<_>>(), expected);
    };
    let unreachable = Reason::Unreachable.to_string();
    check(Ok(()), names);
    check(Err(Reason::Unreachable), [&unreachable, &unreachable]);
    check(Ok(()), names);
}

#[test]
fn one_budget_per_group_and_topic() {
    let mut world = World::new(vec![on(lag(1000, "99%"), "*", None), latency("99.9%", "30d")]);
    world.groups.insert(0, group("billing", "invoices", 5000));
    world.minutes(2);
    world.judged(10, 4);
    let views = world.tick();
    let of = |view: &SloView| view.group.as_ref().map_or(String::new(), GroupId::to_string);
    let found =
        views.iter().map(|view| (&*view.slo.name, of(view), view.total, view.worst_partitions.clone()));
    let found: Vec<_> = found.collect();
    let expected = [
        ("orders-lag", "billing".to_owned(), counts(0, 1, 0), vec![]),
        ("orders-lag", "orders-processor".to_owned(), counts(1, 0, 0), vec![]),
        ("orders-on-time", "orders-processor".to_owned(), counts(10, 4, 0), vec![(3, counts(10, 4, 0))]),
    ];
    assert_eq!(found, expected);
    // A deleted group that only a pattern meant is promised nothing any more.
    world.groups.remove(0);
    assert_eq!(world.tick().len(), 2);
}

#[test]
fn counters_and_moments_tell_the_other_indicators() {
    let of = || Selector::new("orders-processor");
    let share = ThroughputFloor::Share(Ratio::parse("50%").unwrap());
    let letters = Indicator::DeadLetters {
        topic: Selector::new("orders"),
        dead_letter_topic: Selector::new("orders-dead"),
    };
    let check = |indicator: Indicator, change: fn(&mut World), expected: Counts| {
        let mut world = World::new(vec![slo("promise", indicator.clone(), "99%", "7d")]);
        world.minutes(1);
        change(&mut world);
        assert_eq!(world.minutes(1).total, expected, "{indicator:?}");
    };
    check(
        letters,
        |world| (world.topics[0], world.topics[1]) = (topic("orders", 100), topic("orders-dead", 3)),
        counts(97, 3, 0),
    );
    check(
        Indicator::Loss { group: of(), topic: None },
        |world| {
            (world.groups[0].topics[0].consumed_total, world.groups[0].topics[0].lost_total) = (40, 2);
        },
        counts(40, 2, 0),
    );
    let time_lag = Indicator::TimeLag { group: of(), topic: None, max: Millis(60_000) };
    check(time_lag, |world| world.groups[0].topics[0] = consumed("orders", Ok(61)), counts(0, 1, 0));
    let progress = Indicator::Progress { group: of(), topic: None, within: Millis(30_000) };
    check(progress, |world| world.groups[0].topics[0].still_since = Ok(Some(world.now)), counts(0, 1, 0));
    let slow = |floor| Indicator::Throughput { group: of(), topic: None, floor };
    check(slow(ThroughputFloor::PerSecond(5.0)), |_| {}, counts(1, 0, 0));
    check(
        slow(ThroughputFloor::PerSecond(5.0)),
        |world| world.groups[0].topics[0] = consumed("orders", Ok(9)),
        counts(0, 1, 0),
    );
    check(slow(share), |world| world.groups[0].topics[0] = consumed("orders", Ok(9)), counts(0, 1, 0));
    let up = || Indicator::Availability { topic: Selector::new("orders") };
    check(up(), |_| {}, counts(1, 0, 0));
    check(up(), |world| world.topics[0].partitions[0].in_sync_replicas = 1, counts(0, 1, 0));
    check(up(), |world| world.topics[0].partitions[0].leader = None, counts(0, 1, 0));
    check(up(), |world| world.topics[0].configs = Err(Reason::NotAuthorized), counts(0, 0, 1));
}

#[test]
fn a_restart_counts_nothing_twice_and_its_gap_as_unmeasured() {
    let mut world = World::new(vec![lag(1000, "99%")]);
    world.minutes(5);
    let rows = world.slos.changed_rows();
    assert_eq!(world.slos.changed_rows(), [], "nothing has changed since");
    world.slos = Slos::new(vec![lag(1000, "99%")]).unwrap();
    world.slos.restore(&rows).unwrap();
    world.now = world.now + Millis(10 * 60_000);
    assert_eq!(world.minutes(1).total, counts(5, 0, 10));
    // Back, and through the same minutes again: they are counted already.
    world.now = world.now - Millis(5 * 60_000);
    assert_eq!(world.minutes(5).total, counts(5, 0, 10));
    assert_eq!(world.minutes(1).total, counts(6, 0, 10));
}

#[test]
fn what_is_edited_keeps_its_counts_unless_it_counts_something_else() {
    let check = |edited: Slo, expected: u64| {
        let mut world = World::new(vec![lag(1000, "99%")]);
        world.minutes(5);
        world.slos.changed_rows();
        let rows = world.slos.rows();
        world.slos = Slos::new(vec![edited.clone()]).unwrap();
        world.slos.restore(&rows).unwrap();
        assert_eq!(world.tick()[0].total.good, expected, "{edited:?}");
        let removed = world.slos.changed_rows().into_iter().filter(|row| row.value.is_none()).count();
        let is_anew = expected == 0 && &*edited.name == "orders-lag";
        assert_eq!(removed > 0, is_anew, "{edited:?}");
        // Back to what it was: what another name had put aside is there again.
        let rows: Vec<Row> = world.slos.rows();
        let mut back = Slos::new(vec![lag(1000, "99%")]).unwrap();
        back.restore(&rows).unwrap();
        world.slos = back;
        assert_eq!(world.tick()[0].total.good, if is_anew { 0 } else { 4 }, "{edited:?}");
    };
    check(lag(1000, "99.9%"), 4);
    check(Slo { window: super::views::window("30d"), ..lag(1000, "99%") }, 4);
    check(on(lag(1000, "99%"), "orders-*", Some("orders")), 4);
    check(lag(1001, "99%"), 0);
    check(Slo { slice: Millis(120_000), ..lag(1000, "99%") }, 0);
    check(Slo { name: "lag-of-orders".into(), ..lag(1000, "99%") }, 0);
}
