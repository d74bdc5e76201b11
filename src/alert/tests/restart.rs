//! A restart changes nothing that is shown; rows that nobody wrote are refused.

use std::collections::BTreeMap as Map;

use proptest::prelude::*;

use super::*;
use crate::alert::TrendOf;
use crate::model::{Damaged, Row, RowKind};

/// What the state file holds.
#[derive(Default)]
struct File(Map<Vec<u8>, Vec<u8>>);

impl File {
    fn take(&mut self, rows: Vec<Row>) {
        for Row { kind, key, value } in rows {
            assert_eq!(kind, RowKind::Alert);
            match value {
                Some(value) => self.0.insert(key, value),
                None => self.0.remove(&key),
            };
        }
    }

    fn rows(&self) -> Vec<Row> {
        let row = |(key, value): (&Vec<u8>, &Vec<u8>)| Row {
            kind: RowKind::Alert,
            key: key.clone(),
            value: Some(value.clone()),
        };
        self.0.iter().map(row).collect()
    }
}

fn restarted_with(rules: Vec<AlertRule>, file: &mut File) -> Alerts {
    let mut alerts = Alerts::new(rules);
    alerts.restore(&file.rows()).unwrap();
    file.take(alerts.changed_rows());
    alerts
}

/// One rule of each kind that remembers something.
fn rules() -> Vec<AlertRule> {
    let of = everyone;
    let conditions = [
        Condition::Lag { of: of(), above: 10 },
        Condition::Stuck { of: of(), longer_than: seconds(100) },
        Condition::Latency { of: of(), quantile: ratio("0.9"), above: Millis(200), window: seconds(120) },
        Condition::Trend { of: of(), value: TrendOf::TimeLag, rising_for: seconds(240), by: ratio("10%") },
        Condition::Trend { of: of(), value: TrendOf::Latency, rising_for: seconds(240), by: ratio("10%") },
        Condition::Lost { of: of(), above: 3 },
        Condition::Unreachable,
    ];
    let named = |(number, when): (usize, Condition)| AlertRule {
        name: format!("rule-{number}").into(),
        hold: seconds(if number == 0 { 90 } else { 0 }),
        resolve_after: seconds(60),
        per_partition: number == 1,
        summarize_above: (number < 2).then_some(1),
        ..rule(when)
    };
    conditions.into_iter().enumerate().map(named).collect()
}

/// What becomes of each rule.
#[derive(Debug, Clone, Copy)]
enum Edit {
    Kept,
    Removed,
    Renamed,
    Delayed,
    /// Another condition under its name.
    Changed,
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = [Edit::Kept, Edit::Removed, Edit::Renamed, Edit::Delayed, Edit::Changed];
    proptest::collection::vec(proptest::sample::select(edit.to_vec()), 7)
}

fn edited(edits: &[Edit]) -> Vec<AlertRule> {
    let edited = |(rule, edit): (AlertRule, &Edit)| match edit {
        Edit::Kept => Some(rule),
        Edit::Removed => None,
        Edit::Renamed => Some(AlertRule { name: format!("renamed-{}", rule.name).into(), ..rule }),
        Edit::Delayed => Some(AlertRule { hold: seconds(30), summarize_above: None, ..rule }),
        Edit::Changed => Some(AlertRule { when: Condition::Lag { of: everyone(), above: 20 }, ..rule }),
    };
    rules().into_iter().zip(edits).filter_map(edited).collect()
}

/// Seconds until it, and what it says.
type Tick = (i64, World);

fn view() -> impl Strategy<Value = GroupTopicView> {
    let lag = prop_oneof![4 => (0_u64..30).prop_map(Ok), 1 => Just(Err(UNKNOWN))];
    let counts = proptest::array::uniform4(0_u64..40);
    (lag.clone(), lag, counts, proptest::array::uniform3(0_u64..2), 0_u64..6).prop_map(
        |(one, other, counts, estimated, lost_total)| GroupTopicView {
            lost_total,
            latency: latencies(counts, estimated, Ok(0)).latency,
            ..lags(&[one, other])
        },
    )
}

fn world() -> impl Strategy<Value = World> {
    let groups = proptest::collection::vec(proptest::option::weighted(0.9, view()), 3);
    let some = (groups, proptest::bool::weighted(0.9)).prop_map(|(views, groups_complete)| {
        let named =
            (0..).zip(views).filter_map(|(number, view)| Some(group(&format!("g{number}"), vec![view?])));
        World { groups_complete, ..World::of_groups(named.collect()) }
    });
    prop_oneof![9 => some, 1 => Just(World::down())]
}

fn ticks() -> impl Strategy<Value = Vec<Tick>> {
    let step = prop_oneof![20 => 1_i64..90, 1 => -500_i64..0, 1 => 90_i64..5000];
    proptest::collection::vec((step, world()), 1..40)
}

proptest! {
    #[test]
    fn a_restart_at_any_tick_changes_nothing_that_is_shown(
        ticks in ticks(),
        restarts in proptest::collection::vec(any::<bool>(), 40),
    ) {
        let (mut whole, mut split) = (Alerts::new(rules()), Alerts::new(rules()));
        let mut file = File::default();
        let mut now = 1_000_000;
        for ((step, world), restart) in ticks.iter().zip(restarts) {
            now += step;
            let expected = whole.observe(&world.input(at(now)));
            whole.changed_rows();
            if restart {
                split = restarted_with(rules(), &mut file);
            }
            prop_assert_eq!(split.observe(&world.input(at(now))), expected);
            file.take(split.changed_rows());
        }
    }

    #[test]
    fn a_reload_at_any_tick_is_a_restart_with_the_new_rules(
        ticks in ticks(),
        reloads in proptest::collection::vec(proptest::option::weighted(0.2, edits()), 40),
        saved_before in any::<bool>(),
    ) {
        let [mut reloaded, mut restarted] = [(); 2].map(|()| Alerts::new(rules()));
        let [mut file, mut file_of_restarted] = [(); 2].map(|()| File::default());
        let mut now = 1_000_000;
        for ((step, world), edits) in ticks.iter().zip(reloads) {
            now += step;
            let of_reloaded = reloaded.observe(&world.input(at(now)));
            prop_assert_eq!(of_reloaded, restarted.observe(&world.input(at(now))));
            file_of_restarted.take(restarted.changed_rows());
            if saved_before || edits.is_none() {
                file.take(reloaded.changed_rows());
            }
            if let Some(edits) = edits {
                restarted = restarted_with(edited(&edits), &mut file_of_restarted);
                let prepared = reloaded.prepare(edited(&edits)).unwrap();
                reloaded.go_on_as(prepared);
                file.take(reloaded.changed_rows());
            }
            prop_assert_eq!(&file.0, &file_of_restarted.0);
        }
    }

    #[test]
    fn no_row_panics(key: Vec<u8>, value: Vec<u8>) {
        let row = Row { kind: RowKind::Alert, key, value: Some(value) };
        let mut alerts = Alerts::new(rules());
        // Few such rows are whole, and none may do harm.
        prop_assert!(matches!(alerts.restore(&[row]), Ok(()) | Err(Damaged)));
        alerts.observe(&World::lagging(Ok(1)).input(at(0)));
    }
}

fn pending_rule(above: u64) -> AlertRule {
    AlertRule {
        hold: seconds(300),
        resolve_after: seconds(60),
        ..rule(Condition::Lag { of: everyone(), above })
    }
}

/// Late at 0 s and at `until`; then a restart with other rules; what is shown ten seconds later.
fn check_edit(until: i64, other: &[AlertRule], expected: &str, rows_left: usize) {
    let mut file = File::default();
    let mut alerts = Alerts::new(vec![pending_rule(10)]);
    for second in [0, until] {
        alerts.observe(&World::lagging(Ok(20)).input(at(second)));
        file.take(alerts.changed_rows());
    }
    let mut alerts = restarted_with(other.to_vec(), &mut file);
    assert_eq!(shown(&alerts.observe(&World::lagging(Ok(20)).input(at(until + 10)))), expected, "{other:?}");
    file.take(alerts.changed_rows());
    assert_eq!(file.0.len(), rows_left, "{other:?}");
}

#[test]
fn an_edited_rule_starts_anew_unless_it_fires() {
    let (pending, firing) = ("billing orders p", "billing orders F");
    // One row of the alert, one of the clock.
    check_edit(290, &[pending_rule(10)], firing, 2);
    check_edit(290, &[pending_rule(15)], pending, 2);
    check_edit(300, &[pending_rule(15)], firing, 2);
    check_edit(300, &[pending_rule(99)], firing, 2);
    check_edit(290, &[pending_rule(99)], "", 1);
    check_edit(300, &[AlertRule { name: "other".into(), ..pending_rule(10) }], pending, 2);
    check_edit(300, &[], "", 1);
}

#[test]
fn a_row_is_written_only_when_it_changes() {
    let mut alerts = Alerts::new(vec![pending_rule(10)]);
    let mut check = |second: i64, lag: u64, rows: usize| {
        alerts.observe(&World::lagging(Ok(lag)).input(at(second)));
        assert_eq!(alerts.changed_rows().len(), rows, "at {second}s");
    };
    check(0, 5, 0);
    // The alert and the clock; then the clock alone, as long as there is a timer.
    check(1, 20, 2);
    check(2, 25, 1);
    check(301, 25, 2);
    check(302, 5, 2);
    check(303, 5, 1);
    check(362, 5, 1);
    check(363, 5, 0);
}

#[test]
fn damaged_rows_are_refused_whole() {
    let mut alerts = Alerts::new(rules());
    alerts.observe(&World::lagging(Ok(20)).input(at(0)));
    let rows = alerts.changed_rows();
    let check = |change: fn(&mut Row)| {
        for (at, row) in rows.iter().enumerate() {
            let mut rows = rows.clone();
            let mut damaged = row.clone();
            change(&mut damaged);
            rows[at] = damaged;
            assert_eq!(Alerts::new(rules()).restore(&rows), Err(Damaged), "{row:?}");
        }
    };
    check(|row| row.value = None);
    check(|row| row.value.as_mut().unwrap().truncate(1));
    check(|row| row.value.as_mut().unwrap().push(0));
    check(|row| row.value.as_mut().unwrap()[0] = 99);
    check(|row| row.key.truncate(1));
}
