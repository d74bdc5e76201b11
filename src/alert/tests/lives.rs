//! What an alert lives through: delays, ignorance, things that vanish, clocks that jump, and crowds.

use super::*;

fn lag_rule(hold: u64, resolve_after: u64) -> AlertRule {
    AlertRule {
        hold: seconds(hold),
        resolve_after: seconds(resolve_after),
        ..rule(Condition::Lag { of: everyone(), above: 10 })
    }
}

const PENDING: &str = "billing orders p";
const FIRES: &str = "billing orders F";

fn late() -> World {
    World::lagging(Ok(11))
}

fn fine() -> World {
    World::lagging(Ok(10))
}

#[test]
fn it_fires_at_crossing_plus_for() {
    check(
        lag_rule(300, 60),
        &[
            (0, fine(), ""),
            (100, late(), PENDING),
            (399, late(), PENDING),
            (400, late(), FIRES),
            (500, fine(), FIRES),
            (559, late(), FIRES),
            (600, fine(), FIRES),
            (659, fine(), FIRES),
            (660, fine(), ""),
        ],
    );
}

#[test]
fn what_cannot_be_known_changes_nothing() {
    let unknown = || World::lagging(Err(UNKNOWN));
    check(
        lag_rule(300, 60),
        &[
            (0, unknown(), ""),
            (100, late(), PENDING),
            (200, unknown(), "billing orders p?"),
            (450, World::down(), "billing orders p?"),
            (460, late(), FIRES),
            (470, fine(), FIRES),
            (900, World::down(), "billing orders F?"),
            (1000, unknown(), "billing orders F?"),
            (1001, fine(), ""),
        ],
    );
}

#[test]
fn what_is_gone_is_over_once_that_is_known() {
    let none = || World::of_groups(Vec::new());
    let not_listed = || World { groups_complete: false, ..none() };
    let mut hidden = World::of_groups(vec![group("billing", Vec::new())]);
    hidden.groups[0].commits = Err(Reason::NotAuthorized);
    let other_topic = World::of_groups(vec![group("billing", vec![reads("payments")])]);
    let ticks = |last: World| {
        [
            (0, late(), FIRES),
            (1, not_listed(), "billing orders F?"),
            (2, hidden.clone(), "billing orders F?"),
            (3, World::down(), "billing orders F?"),
            (4, last, ""),
            (5, late(), FIRES),
        ]
    };
    check(lag_rule(0, 0), &ticks(none()));
    check(lag_rule(0, 0), &ticks(other_topic));
    let offline = rule(Condition::Offline { topic: Selector::new("*") });
    let bad = World::of_topics(vec![topic("orders", 0, &[(None, 1)])]);
    check(
        offline,
        &[(0, bad, "orders F"), (1, World::down(), "orders F?"), (2, World::of_topics(Vec::new()), "")],
    );
}

#[test]
fn a_clock_that_is_set_back_fires_nothing_early_and_loses_no_timer() {
    check(
        lag_rule(300, 60),
        &[
            (1000, late(), PENDING),
            (1200, late(), PENDING),
            // An hour back; 200 s were pending, 100 s are left.
            (-2400, late(), PENDING),
            (-2301, late(), PENDING),
            (-2300, late(), FIRES),
            (-2200, fine(), FIRES),
            (-9000, fine(), FIRES),
            (-8940, fine(), ""),
        ],
    );
    let mut alerts = Alerts::new(vec![lag_rule(300, 60)]);
    for (second, since) in [(1000, 1000), (1200, 1000), (-2400, -2600), (-2300, -2600)] {
        let views = alerts.observe(&late().input(at(second)));
        assert_eq!(views[0].since, at(since), "at {second}s");
    }
}

#[test]
fn many_are_told_as_one() {
    let crowd = |late: usize, all: usize| {
        let view =
            |number| group(&format!("g{number}"), vec![lags(&[Ok(if number < late { 11 } else { 0 })])]);
        World::of_groups((0..all).map(view).collect())
    };
    let rule = AlertRule { summarize_above: Some(2), ..lag_rule(10, 0) };
    check(
        rule.clone(),
        &[
            (0, crowd(2, 9), "g0 orders p, g1 orders p"),
            (1, crowd(3, 9), "3 p"),
            (10, crowd(3, 9), "g0 orders F, g1 orders F, g2 orders p"),
            (11, crowd(5, 9), "3 F"),
            (21, crowd(5, 9), "5 F"),
            // One it stays until none fires: nobody has resolved the others.
            (22, crowd(1, 9), "F"),
            (23, World::down(), "F"),
            (24, crowd(0, 9), ""),
            (25, crowd(1, 9), "g0 orders p"),
            (35, crowd(1, 9), "g0 orders F"),
        ],
    );
    let mut alerts = Alerts::new(vec![rule]);
    alerts.observe(&crowd(9, 9).input(at(0)));
    let views = alerts.observe(&crowd(9, 9).input(at(10)));
    assert_eq!(
        (&*views[0].summary, views[0].since, views[0].firing_since),
        ("9 groups lag by more than 10 records: g0, g1, g2, g3, g4 and 4 more", at(10), Some(at(10)))
    );
}

#[test]
fn a_selector_without_a_match_is_named() {
    let check = |when: Condition, world: &World, expected: &[&str]| {
        let mut alerts = Alerts::new(vec![rule(when.clone())]);
        alerts.observe(&world.input(at(0)));
        let found: Vec<_> = alerts.unmatched().iter().map(|(_, because)| &*because.sentence).collect();
        assert_eq!(found, expected, "{when:?}");
        // An outage makes nothing known and nothing forgotten.
        alerts.observe(&World::down().input(at(1)));
        assert_eq!(alerts.unmatched().len(), expected.len());
    };
    let lag = |group: &str, topic: Option<&str>| Condition::Lag {
        of: Consumption { group: Selector::new(group), topic: topic.map(Selector::new) },
        above: 1,
    };
    let mut world = fine();
    world.topics.push(topic("payments", 0, &[(Some(1), 3)]));
    check(lag("billing", None), &world, &[]);
    check(lag("bil*", Some("orders")), &world, &[]);
    check(lag("biling", None), &world, &["no such group: biling"]);
    check(lag("x-*", None), &world, &["no group matches x-*"]);
    check(lag("billing", Some("oders")), &world, &["no such topic: oders"]);
    check(lag("billing", Some("payments")), &world, &["billing has no commits on payments"]);
    check(lag("*", None), &World::of_groups(Vec::new()), &[]);
    check(Condition::Offline { topic: Selector::new("oders") }, &world, &["no such topic: oders"]);
    check(Condition::Unreachable, &world, &[]);
    let dead = |dead: &str| Condition::DeadLetters {
        topic: Selector::new("orders"),
        dead_letter_topic: Selector::new(dead),
        above: ratio("1%"),
        window: seconds(60),
    };
    check(dead("orders.dlq"), &world, &["no such topic: orders.dlq"]);
    check(dead("payments"), &world, &[]);
    world.groups_complete = false;
    check(lag("biling", None), &world, &[]);
    world.groups[0].commits = Err(UNKNOWN);
    check(lag("billing", Some("payments")), &world, &[]);
}
