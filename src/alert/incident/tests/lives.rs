//! What an incident lives through: it grows and calms, flaps, freezes, is inhibited, is over, and comes back.

use super::*;

fn of(state: SloState) -> World {
    World::of(vec![slo(state)], Vec::new())
}

fn ok() -> World {
    of(SloState::Ok)
}

fn page() -> World {
    of(SloState::Page)
}

fn ticket() -> World {
    of(SloState::Ticket)
}

fn unmeasured() -> World {
    of(SloState::Unmeasured)
}

fn fires() -> World {
    World::of(Vec::new(), vec![alert("lag", Severity::Ticket)])
}

fn nothing() -> World {
    World::of(Vec::new(), Vec::new())
}

#[test]
fn it_grows_and_calms_within_one_incident() {
    check(&[
        (0, ok(), ""),
        (1, ticket(), "slo ticket 1 opened"),
        (2, ticket(), "slo ticket 1 opened"),
        (3, page(), "slo page 2 escalated"),
        (4, ticket(), "slo ticket 3 calmed"),
        (5, ok(), "slo ticket 3 calmed"),
        (64, ok(), "slo ticket 3 calmed"),
        (65, ok(), "slo ticket 4 resolved"),
        (99, ok(), "slo ticket 4 resolved"),
    ]);
}

#[test]
fn flapping_is_the_same_incident() {
    check(&[
        (0, page(), "slo page 1 opened"),
        (10, ok(), "slo page 1 opened"),
        (69, page(), "slo page 1 opened"),
        (70, ok(), "slo page 1 opened"),
        (129, ok(), "slo page 1 opened"),
        (130, ok(), "slo page 2 resolved"),
        (131, page(), "slo page 1 opened, slo page 2 resolved"),
    ]);
    // A threshold alert has held itself already.
    check(&[
        (0, fires(), "lag ticket 1 opened"),
        (1, nothing(), "lag ticket 2 resolved"),
        (2, fires(), "lag ticket 1 opened, lag ticket 2 resolved"),
    ]);
}

#[test]
fn what_cannot_be_known_freezes_it() {
    let frozen = "slo page 1 opened (low_coverage)";
    check(&[
        (0, page(), "slo page 1 opened"),
        (10, unmeasured(), frozen),
        (9000, unmeasured(), frozen),
        (9001, page(), "slo page 1 opened"),
        (9010, ok(), "slo page 1 opened"),
        (9050, unmeasured(), frozen),
        // The timer runs on, but only what is known ends it.
        (9090, unmeasured(), frozen),
        (9091, ok(), "slo page 2 resolved"),
    ]);
    let frozen = "slo page 1 opened (unreachable)";
    check(&[
        (0, page(), "slo page 1 opened"),
        (10, page().down(), frozen),
        (20, ok().down(), frozen),
        (999, unmeasured().down(), frozen),
        (1000, ok(), "slo page 1 opened"),
        (1060, ok(), "slo page 2 resolved"),
    ]);
    check(&[
        (0, fires(), "lag ticket 1 opened"),
        (1, nothing().down(), "lag ticket 1 opened (unreachable)"),
        (2, nothing(), "lag ticket 2 resolved"),
    ]);
}

#[test]
fn an_slo_that_is_unmeasured_for_too_long_has_an_incident_of_its_own() {
    let late = |state| {
        let view = SloView { unmeasured_alert: true, ..slo(state) };
        World::of(vec![view], Vec::new())
    };
    check(&[
        (0, unmeasured(), ""),
        (10, late(SloState::Unmeasured), "slo? ticket 1 opened"),
        (20, late(SloState::Unmeasured).down(), "slo? ticket 1 opened"),
        (30, unmeasured().down(), "slo? ticket 1 opened (unreachable)"),
        (40, page(), "slo page 1 opened, slo? ticket 1 opened"),
        (99, page(), "slo page 1 opened, slo? ticket 1 opened"),
        (100, page(), "slo page 1 opened, slo? ticket 2 resolved"),
    ]);
}

#[test]
fn a_cluster_that_cannot_be_reached_inhibits_all_others() {
    let views = || vec![unreachable(), alert("lag", Severity::Page)];
    let mut held = views();
    held[1].because = Some(Because { label: "unreachable", sentence: "no broker".into() });
    let down = World::of(vec![slo(SloState::Page)], held).down();
    check(&[
        (
            0,
            World::of(vec![slo(SloState::Page)], vec![alert("lag", Severity::Page)]),
            "lag page 1 opened, slo page 1 opened",
        ),
        (
            10,
            down,
            "down ticket 1 opened, lag page 1 opened (unreachable) inhibited, \
            slo page 1 opened (unreachable) inhibited",
        ),
        (
            20,
            World::of(vec![slo(SloState::Page)], views()),
            "down ticket 1 opened, lag page 1 opened inhibited, slo page 1 opened inhibited",
        ),
        (
            30,
            World::of(vec![slo(SloState::Page)], views()[1..].to_vec()),
            "lag page 1 opened, slo page 1 opened, down ticket 2 resolved",
        ),
    ]);
    // A summary is none of the cluster, although it names no group.
    let summary = World::of(Vec::new(), vec![unreachable(), many("stuck", 49)]);
    check(&[(0, summary, "down ticket 1 opened, stuck×49 ticket 1 opened inhibited")]);
}

#[test]
fn what_is_told_as_one_is_not_told_to_be_well() {
    let one = || alert("stuck", Severity::Ticket);
    check(&[
        (0, World::of(Vec::new(), vec![one()]), "stuck ticket 1 opened"),
        (
            1,
            World::of(Vec::new(), vec![many("stuck", 49)]),
            "stuck×49 ticket 1 opened, stuck ticket 2 resolved (summarized)",
        ),
        (
            2,
            World::of(Vec::new(), vec![many("stuck", 48)]),
            "stuck×48 ticket 1 opened, stuck ticket 2 resolved (summarized)",
        ),
        // When it is over, it says what was told.
        (3, nothing(), "stuck×49 ticket 2 resolved, stuck ticket 2 resolved (summarized)"),
    ]);
    check(&[
        (0, World::of(Vec::new(), vec![many("stuck", 49)]), "stuck×49 ticket 1 opened"),
        (
            1,
            World::of(Vec::new(), vec![one()]),
            "stuck ticket 1 opened, stuck×49 ticket 2 resolved (told_singly)",
        ),
    ]);
}

#[test]
fn without_its_rule_it_is_over_as_soon_as_the_cluster_is_measured() {
    let other = AlertView { name: "gone".into(), ..alert("", Severity::Page) };
    check(&[
        (0, World::of(vec![slo(SloState::Page)], vec![other]), "gone page 1 opened, slo page 1 opened"),
        (1, nothing().down(), "gone page 1 opened (unreachable), slo page 1 opened (unreachable)"),
        (2, nothing(), "gone page 2 resolved (rule_gone), slo page 2 resolved (rule_gone)"),
    ]);
    // An SLO that goes on without this group and topic: they are no more.
    let elsewhere = SloView { group: Some("a".into()), ..slo(SloState::Ok) };
    let elsewhere = || World::of(vec![elsewhere.clone()], Vec::new());
    check(&[
        (0, page(), "slo page 1 opened"),
        (1, elsewhere(), "slo page 1 opened"),
        (60, elsewhere(), "slo page 1 opened"),
        (61, elsewhere(), "slo page 2 resolved"),
    ]);
}

#[test]
fn what_comes_back_has_the_same_key_and_another_id() {
    let mut incidents = incidents();
    let mut seen = Vec::new();
    // Even if the clock is set back to when it was open before.
    for second in [100, 50, 100] {
        let open = incidents.observe(&fires().input(second))[0].clone();
        assert!(open.is_open());
        incidents.observe(&nothing().input(second));
        seen.push(open);
    }
    assert!(seen.iter().all(|incident| incident.key == seen[0].key));
    let ids: std::collections::BTreeSet<_> = seen.iter().map(|incident| &incident.id).collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
    let times: Vec<_> = seen.iter().map(|incident| incident.opened_at).collect();
    assert_eq!(times, [at(100), at(50), at(100)]);
}

#[test]
fn a_clock_that_is_set_back_loses_no_timer_and_ends_nothing_early() {
    check(&[
        (1000, page(), "slo page 1 opened"),
        (1010, ok(), "slo page 1 opened"),
        (1050, ok(), "slo page 1 opened"),
        (-5000, ok(), "slo page 1 opened"),
        (-4981, ok(), "slo page 1 opened"),
        (-4980, ok(), "slo page 2 resolved"),
    ]);
}

#[test]
fn it_is_over_with_what_was_told_of_it() {
    let mut incidents = incidents();
    incidents.observe(&fires().with_lag(&[Ok(12)]).input(0));
    let mut later = fires().with_lag(&[Ok(900)]);
    later.alerts[0].summary = "lag is 900, above 10".into();
    let open = incidents.observe(&later.input(60))[0].clone();
    assert_eq!((&*open.summary, open.revision), ("lag is 900, above 10", 1));
    let over = incidents.observe(&nothing().with_lag(&[Ok(3)]).input(90))[0].clone();
    assert_eq!(
        (&*over.summary, over.value, over.resolved_at),
        ("lag is 12, above 10", Some(12.0), Some(at(90)))
    );
    let trend = over.trend.unwrap();
    assert_eq!((trend.lag, trend.lag_at_opening), (3, Some(12)));
    assert_eq!(over.lasted(at(5000)), seconds(90));
}

#[test]
fn history_is_kept_for_ninety_days_and_the_newest_thousand_are_shown() {
    let mut incidents = incidents();
    let mut rows = BTreeMap::new();
    let mut keep = |incidents: &mut Incidents| {
        for row in incidents.changed_rows() {
            match row.value {
                Some(value) => rows.insert(row.key, value),
                None => rows.remove(&row.key),
            };
        }
        rows.len()
    };
    for second in 0..1200 {
        let world = if second % 2 == 0 { fires() } else { nothing() };
        incidents.observe(&world.input(second));
        keep(&mut incidents);
    }
    for second in 1200..4200 {
        let world = if second % 2 == 0 { fires() } else { nothing() };
        let shown = incidents.observe(&world.input(second)).len();
        assert!(shown <= 1001);
        keep(&mut incidents);
    }
    assert_eq!((incidents.shown.len(), keep(&mut incidents)), (1000, 2100));
    assert_eq!(incidents.shown[0].resolved_at, Some(at(4199)));
    let days = |days: i64| days * 86_400;
    incidents.observe(&nothing().input(days(90) + 2000));
    assert_eq!((incidents.shown.len(), keep(&mut incidents)), (1000, 1100));
    incidents.observe(&nothing().input(days(90) + 4191));
    assert_eq!((incidents.shown.len(), keep(&mut incidents)), (5, 5));
}

#[test]
fn what_has_not_changed_is_the_same_again() {
    let mut incidents = incidents();
    let two = || World::of(vec![slo(SloState::Page)], vec![alert("lag", Severity::Page)]).with_lag(&[Ok(7)]);
    incidents.observe(&two().input(0));
    let before = incidents.observe(&two().input(1));
    let again = incidents.observe(&two().input(2));
    assert!(Arc::ptr_eq(&before, &again));
    let mut changed = two();
    changed.alerts[0].value = Some(13.0);
    let after = incidents.observe(&changed.input(3));
    let same: Vec<_> = before.iter().zip(after.iter()).map(|(one, other)| Arc::ptr_eq(one, other)).collect();
    let names: Vec<_> = after.iter().map(|incident| &*incident.name).collect();
    assert_eq!((names, same), (vec!["lag", "slo"], vec![false, true]));
}
