//! A restart changes nothing that is shown; rows that nobody wrote are refused.

use std::collections::BTreeMap as Map;

use proptest::prelude::*;

use super::law::ticks;
use super::*;
use crate::model::{Damaged, Row, RowKind};

/// What the state file holds.
#[derive(Default)]
struct File(Map<Vec<u8>, Vec<u8>>);

impl File {
    fn take(&mut self, rows: Vec<Row>) {
        for Row { kind, key, value } in rows {
            assert_eq!(kind, RowKind::Incident);
            match value {
                Some(value) => self.0.insert(key, value),
                None => self.0.remove(&key),
            };
        }
    }

    fn rows(&self) -> Vec<Row> {
        let row = |(key, value): (&Vec<u8>, &Vec<u8>)| Row {
            kind: RowKind::Incident,
            key: key.clone(),
            value: Some(value.clone()),
        };
        self.0.iter().map(row).collect()
    }
}

/// All but what only a process that has watched can know: the lag of five minutes ago, and what happened.
fn lasting(shown: &[Arc<Incident>]) -> Vec<Incident> {
    let one = |incident: &Arc<Incident>| {
        let mut incident = (**incident).clone();
        incident.happenings.clear();
        if let Some(trend) = &mut incident.trend {
            trend.lag_before = None;
        }
        incident
    };
    shown.iter().map(one).collect()
}

proptest! {
    #[test]
    fn a_restart_at_any_tick_changes_nothing_that_is_shown(
        ticks in ticks(),
        restarts in proptest::collection::vec(any::<bool>(), 40),
    ) {
        let (mut whole, mut split) = (incidents(), incidents());
        let mut file = File::default();
        let mut now = 1_000_000;
        for ((step, world), restart) in ticks.iter().zip(restarts) {
            now += step;
            let expected = whole.observe(&world.input(now));
            whole.changed_rows();
            if restart {
                split = incidents();
                split.restore(&file.rows()).unwrap();
                file.take(split.changed_rows());
            }
            prop_assert_eq!(lasting(&split.observe(&world.input(now))), lasting(&expected));
            file.take(split.changed_rows());
        }
    }

    #[test]
    fn no_row_panics(key: Vec<u8>, value: Vec<u8>) {
        let row = Row { kind: RowKind::Incident, key, value: Some(value) };
        let mut incidents = incidents();
        // Few such rows are whole, and none may do harm.
        prop_assert!(matches!(incidents.restore(&[row]), Ok(()) | Err(Damaged)));
        incidents.observe(&World::of(vec![slo(SloState::Page)], Vec::new()).input(0));
    }

    #[test]
    fn no_damage_to_a_row_panics(at: proptest::sample::Index, byte: u8, cut: bool) {
        let mut rows = rows();
        let value = rows[0].value.as_mut().unwrap();
        let at = at.index(value.len());
        value[at] = byte;
        if cut {
            value.truncate(at);
        }
        let mut incidents = incidents();
        let is_restored = incidents.restore(&rows).is_ok();
        incidents.observe(&World::of(Vec::new(), Vec::new()).input(0));
        prop_assert!(!cut || !is_restored);
    }
}

/// Of one that is open and silent, one that is over, and the clock.
fn rows() -> Vec<Row> {
    let mut incidents = incidents();
    let both = World::of(vec![slo(SloState::Page)], vec![alert("lag", Severity::Page)]).with_lag(&[Ok(9)]);
    incidents.observe(&both.input(0));
    incidents.observe(&World::of(vec![slo(SloState::Ok)], Vec::new()).with_lag(&[Ok(9)]).input(1));
    let mut file = File::default();
    file.take(incidents.changed_rows());
    assert_eq!(file.0.len(), 3);
    file.rows()
}

#[test]
fn a_row_is_written_only_with_a_revision_and_for_timers() {
    let mut incidents = incidents();
    let mut check = |second: i64, state, lag: u64, rows: usize| {
        incidents.observe(&World::of(vec![slo(state)], Vec::new()).with_lag(&[Ok(lag)]).input(second));
        assert_eq!(incidents.changed_rows().len(), rows, "at {second}s");
    };
    check(0, SloState::Ok, 1, 0);
    check(1, SloState::Ticket, 1, 1);
    check(2, SloState::Ticket, 2, 0);
    check(3, SloState::Page, 3, 1);
    check(4, SloState::Page, 4, 0);
    // The incident and the clock; then the clock alone, as long as there is a timer.
    check(5, SloState::Ok, 5, 2);
    check(6, SloState::Ok, 5, 1);
    check(7, SloState::Page, 6, 1);
    check(8, SloState::Page, 6, 0);
    check(9, SloState::Ok, 6, 2);
    check(69, SloState::Ok, 6, 1);
    check(70, SloState::Ok, 6, 0);
}

#[test]
fn what_happened_at_its_beginning_outlives_a_restart() {
    let lone = |up| World::of(Vec::new(), Vec::new()).with_lag(&[Ok(9)]).with_brokers(up);
    let firing = |up| World { alerts: vec![alert("lag", Severity::Page)], ..lone(up) };
    let mut before = incidents();
    before.observe(&lone([true, true]).input(0));
    before.observe(&firing([true, false]).input(1));
    let mut file = File::default();
    file.take(before.changed_rows());
    let mut after = incidents();
    after.restore(&file.rows()).unwrap();
    after.observe(&firing([true, false]).input(2));
    let shown = after.observe(&firing([false, false]).input(3));
    let told: Vec<_> = shown[0].happenings.iter().map(|it| &*it.what).collect();
    assert_eq!(told, ["broker 2 is gone", "broker 1 is gone"]);
}

#[test]
fn damaged_rows_are_refused_whole() {
    let rows = rows();
    let check = |change: fn(&mut Row)| {
        for (at, row) in rows.iter().enumerate() {
            let mut rows = rows.clone();
            let mut damaged = row.clone();
            change(&mut damaged);
            rows[at] = damaged;
            let mut incidents = incidents();
            assert_eq!(incidents.restore(&rows), Err(Damaged), "{row:?}");
            assert!(incidents.open.is_empty() && incidents.shown.is_empty());
        }
    };
    check(|row| row.value = None);
    check(|row| row.value.as_mut().unwrap().truncate(1));
    check(|row| row.value.as_mut().unwrap().push(0));
    check(|row| row.value.as_mut().unwrap()[0] = 99);
    check(|row| row.key.push(0));
    check(|row| row.key[0] = 99);
}
