//! What an incident shows of its surroundings: trend, worst partitions and their owners, budget, what happened.

use super::*;
use crate::model::{Change, GroupState, Member, Owner, WorstPartition};

fn fires() -> World {
    World::of(Vec::new(), vec![alert("lag", Severity::Ticket)])
}

/// `billing` in `state` with members that have so many partitions each.
fn with_members(mut world: World, state: GroupState, members: &[u32]) -> World {
    let mut next = 0..;
    let member = |(number, partitions): (usize, &u32)| Member {
        client_id: format!("client-{number}").into(),
        host: format!("/10.0.0.{number}").into(),
        assignment: next.by_ref().take(*partitions as usize).map(|at| ("orders".into(), at)).collect(),
    };
    let members: Vec<_> = members.iter().enumerate().map(member).collect();
    world.groups[0].state = Ok(state);
    world.groups[0].members = Ok(members.into());
    world
}

#[test]
fn the_worst_partitions_come_first_with_their_owners() {
    let lag = [Ok(5), Ok(0), Ok(70), Err(Reason::NoLeader), Ok(6), Ok(1), Ok(6), Ok(2)];
    let world = with_members(fires().with_lag(&lag), GroupState::Stable, &[3, 2]);
    let check = |world: &World, expected: &str| {
        let incident = incidents().observe(&world.input(0))[0].clone();
        let one = |worst: &WorstPartition| {
            let count = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
            let owner = worst.owner.as_ref().map(|Owner { client_id, host }| format!(" {client_id}@{host}"));
            let (lag, bad) = (count(worst.lag), count(worst.bad));
            format!("{}: {lag} {bad}{}", worst.partition, owner.unwrap_or_default())
        };
        let worst: Vec<_> = incident.worst_partitions.iter().map(one).collect();
        assert_eq!(worst.join(", "), expected);
    };
    check(
        &world,
        "2: 70 - client-0@10.0.0.0, 4: 6 - client-1@10.0.0.1, 6: 6 -, 0: 5 - client-0@10.0.0.0, 7: 2 -",
    );
    let mut of_partition = world.clone();
    of_partition.alerts[0].partition = Some(3);
    check(&of_partition, "3: - - client-1@10.0.0.1");
    let bad = |bad| Counts { bad, ..Counts::default() };
    let late = SloView { worst_partitions: vec![(3, bad(9)), (0, bad(2))], ..slo(SloState::Page) };
    check(
        &World { slos: vec![late], alerts: Vec::new(), ..world.clone() },
        "3: - 9 client-1@10.0.0.1, 0: 5 2 client-0@10.0.0.0",
    );
    let mut unknown = world;
    unknown.groups[0].members = Err(Reason::NotAuthorized);
    check(&unknown, "2: 70 -, 4: 6 -, 6: 6 -, 0: 5 -, 7: 2 -");
    check(&fires(), "");
}

#[test]
fn the_trend_is_of_now_of_the_opening_and_of_five_minutes_ago() {
    let mut incidents = incidents();
    let mut check = |second: i64, lag: Measured<u64>, expected: Option<(u64, Option<u64>, Option<u64>)>| {
        let incident = incidents.observe(&fires().with_lag(&[lag]).input(second))[0].clone();
        let shown = incident.trend.map(|trend| (trend.lag, trend.lag_at_opening, trend.lag_before));
        assert_eq!(shown, expected, "at {second}s");
    };
    check(0, Ok(10), Some((10, Some(10), None)));
    check(60, Ok(20), Some((20, Some(10), Some(10))));
    check(120, Err(Reason::NoLeader), None);
    check(370, Ok(50), Some((50, Some(10), Some(20))));
    check(3700, Ok(60), Some((60, Some(10), None)));
}

#[test]
fn the_budget_is_of_now_and_of_the_opening() {
    let mut incidents = incidents();
    let mut check = |second: i64, world: World, expected: (Option<f64>, Option<f64>, bool)| {
        let incident = incidents.observe(&world.input(second))[0].clone();
        let budget = incident.budget.clone().unwrap();
        let shown = (budget.remaining, budget.remaining_at_opening, budget.exhausted_in.is_some());
        assert_eq!(shown, expected, "at {second}s");
        assert_eq!((&*budget.window, &*budget.indicator), ("30d", "latency within 100ms"));
        incident
    };
    let left =
        |state, budget_remaining| World::of(vec![SloView { budget_remaining, ..slo(state) }], Vec::new());
    check(0, left(SloState::Page, Some(0.5)), (Some(0.5), Some(0.5), true));
    check(1, left(SloState::Page, Some(0.25)), (Some(0.25), Some(0.5), true));
    // Nobody judges records meanwhile.
    check(2, left(SloState::Page, Some(0.25)).down(), (Some(0.25), Some(0.5), false));
    check(3, left(SloState::Ok, Some(0.125)), (Some(0.125), Some(0.5), true));
    let over = check(63, left(SloState::Ok, Some(0.0625)), (Some(0.0625), Some(0.5), true));
    assert_eq!(over.change, Change::Resolved);
}

#[test]
fn what_happened_around_the_beginning_is_told() {
    let quiet = |members: &[u32]| {
        let world = World::of(Vec::new(), Vec::new()).with_lag(&[Ok(0), Ok(0)]).with_brokers([true, true]);
        with_members(world, GroupState::Stable, members)
    };
    let mut incidents = incidents();
    let mut tick = |second: i64, world: World| {
        let shown = incidents.observe(&world.input(second));
        let happenings = shown.first().map(|incident| incident.happenings.clone()).unwrap_or_default();
        happenings.iter().map(|it| format!("{}s {}", it.at.0 / 1000, it.what)).collect::<Vec<_>>()
    };
    tick(0, quiet(&[1, 1]));
    tick(1, with_members(quiet(&[]), GroupState::PreparingRebalance, &[1, 1]));
    tick(2, quiet(&[2]));
    // What is not measured is no change.
    let mut hidden = quiet(&[2]);
    hidden.groups[0].members = Err(Reason::TimedOut);
    tick(3, hidden);
    tick(700, quiet(&[1, 1, 0]).with_brokers([true, false]));
    let firing = |world: World| {
        let since = AlertView { since: at(690), ..alert("lag", Severity::Page) };
        World { alerts: vec![since], ..world }
    };
    let opened = tick(710, firing(quiet(&[1, 1, 0]).with_brokers([true, false])));
    assert_eq!(opened, ["700s broker 2 is gone", "700s 2 members joined: 3 now"]);
    let mut set_back = firing(quiet(&[1, 1, 0]));
    set_back.groups[0].topics[0].committed_sum = Ok(0);
    let mut ahead = set_back.clone();
    ahead.groups[0].topics[0].committed_sum = Ok(100);
    tick(720, ahead);
    set_back.groups[0].state = Ok(GroupState::Empty);
    let after = tick(730, set_back);
    assert_eq!(
        after,
        [
            "700s broker 2 is gone",
            "700s 2 members joined: 3 now",
            "720s broker 2 is back",
            "730s the group's last member left",
            "730s commits on orders were set back by 100 records, while the group had no members",
        ]
    );
    // Later than two minutes after it opened.
    assert_eq!(tick(840, firing(quiet(&[1, 1]))), after);
}

#[test]
fn rates_are_compared_with_those_of_a_minute_before() {
    let mut incidents = incidents();
    let mut happenings = Vec::new();
    for (second, appended, consumed) in
        [(0, 100.0, 100.0), (16, 150.0, 90.0), (32, 400.0, 49.6), (48, 900.0, 40.0)]
    {
        let mut world = fires().with_lag(&[Ok(9)]);
        world.topics[0].appended_per_second = Ok(appended);
        world.groups[0].topics[0].consumed_per_second = Ok(consumed);
        happenings.clone_from(&incidents.observe(&world.input(second))[0].happenings);
    }
    let told: Vec<_> = happenings.iter().map(|it| &*it.what).collect();
    assert_eq!(
        told,
        [
            "appends to orders rose from 100 to 400 records per second",
            "consumption of orders fell from 100 to 50 records per second",
            "appends to orders rose from 400 to 900 records per second",
        ]
    );
}
