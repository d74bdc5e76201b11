//! Laws of all incidents, whatever is judged.

use std::collections::{BTreeMap as Map, BTreeSet as Set};

use proptest::prelude::*;

use super::*;
use crate::model::{Change, Timestamp};

/// Seconds until it, and what it says.
type Tick = (i64, World);

fn state() -> impl Strategy<Value = SloState> {
    prop_oneof![
        4 => Just(SloState::Ok),
        1 => Just(SloState::Unmeasured),
        2 => Just(SloState::Ticket),
        2 => Just(SloState::Page),
    ]
}

fn severity() -> impl Strategy<Value = Severity> {
    prop_oneof![Just(Severity::Info), Just(Severity::Ticket), Just(Severity::Page)]
}

fn slos() -> impl Strategy<Value = Vec<SloView>> {
    let one = (state(), any::<bool>(), 0..100_i32, proptest::bool::weighted(0.9));
    proptest::collection::vec(one, 3).prop_map(|views| {
        let view = |(number, (state, is_late, left, is_there)): (usize, (SloState, bool, i32, bool))| {
            let unmeasured_alert = state == SloState::Unmeasured && is_late;
            let budget_remaining = (left > 10).then(|| f64::from(left) / 100.0);
            let group = Some(format!("g{number}").as_str().into());
            is_there.then(|| SloView { group, unmeasured_alert, budget_remaining, ..slo(state) })
        };
        views.into_iter().enumerate().filter_map(view).collect()
    })
}

/// Severity, whether it fires, whether its condition is true, its value, how many it stands for.
type Drawn = (Severity, bool, bool, u64, u32);

fn alerts() -> impl Strategy<Value = Vec<AlertView>> {
    let one = (severity(), any::<bool>(), any::<bool>(), 0_u64..20, 1_u32..9);
    (proptest::collection::vec(proptest::option::of(one), 5), any::<bool>()).prop_map(
        |(views, is_summary)| {
            let view = |(number, view): (usize, Option<Drawn>)| {
                let (severity, is_firing, is_true, value, covers) = view?;
                let base = match number {
                    0 => unreachable(),
                    1 if is_summary => many("stuck", covers),
                    _ => AlertView {
                        group: Some(format!("g{number}").as_str().into()),
                        ..alert(if number < 3 { "stuck" } else { "lag" }, severity)
                    },
                };
                let state = if is_firing { AlertState::Firing } else { AlertState::Pending };
                let summary = format!("lag is {value}").into();
                #[expect(clippy::cast_precision_loss, reason = "small")]
                let value = (value > 3).then_some(value as f64);
                Some(AlertView { state, is_true, summary, value, ..base })
            };
            views.into_iter().enumerate().filter_map(view).collect()
        },
    )
}

fn groups() -> impl Strategy<Value = Vec<GroupView>> {
    let lag = prop_oneof![4 => (0_u64..30).prop_map(Ok), 1 => Just(Err(Reason::NoLeader))];
    proptest::collection::vec(proptest::option::weighted(0.9, [lag.clone(), lag]), 3).prop_map(|views| {
        let named = (0..)
            .zip(views)
            .filter_map(|(number, lag)| Some(group(&format!("g{number}"), vec![lags(&lag?)])));
        named.collect()
    })
}

fn world() -> impl Strategy<Value = World> {
    (slos(), alerts(), groups(), proptest::bool::weighted(0.85)).prop_map(|(slos, mut alerts, groups, up)| {
        let world = World { groups, ..World::of(slos, Vec::new()) };
        if !up {
            // Nobody sees a threshold meanwhile.
            alerts.truncate(1);
        }
        if up { World { alerts, ..world } } else { World { alerts, ..world.down() } }
    })
}

pub(super) fn ticks() -> impl Strategy<Value = Vec<Tick>> {
    let step = prop_oneof![20 => 1_i64..40, 1 => -500_i64..0, 1 => 90_i64..5000];
    proptest::collection::vec((step, world()), 1..40)
}

/// Source, name, group.
type Where = (IncidentSource, String, Option<String>);

/// What speaks in a tick, and how urgently.
fn speaking(world: &World) -> Map<Where, Severity> {
    let mut speaking = Map::new();
    let mut add = |source, name: &str, group: Option<String>, severity| {
        speaking.insert((source, name.to_owned(), group), severity);
    };
    for view in &world.slos {
        let group = view.group.as_ref().map(ToString::to_string);
        match view.state {
            SloState::Page => add(IncidentSource::Slo, "slo", group.clone(), Severity::Page),
            SloState::Ticket => add(IncidentSource::Slo, "slo", group.clone(), Severity::Ticket),
            SloState::Ok | SloState::Unmeasured => {}
        }
        if view.unmeasured_alert {
            add(IncidentSource::UnmeasuredSlo, "slo", group, Severity::Ticket);
        }
    }
    for view in world.alerts.iter().filter(|view| view.state == AlertState::Firing) {
        add(IncidentSource::Alert, &view.name, view.group.as_ref().map(ToString::to_string), view.severity);
    }
    speaking
}

/// Whether an SLO's incident is known to be silent, judged anew from the world alone.
fn is_silent(world: &World, (source, _, group): &Where) -> bool {
    let view = world.slos.iter().find(|view| view.group.as_ref().map(ToString::to_string) == *group);
    let is_unknown = view.is_some_and(|view| view.state == SloState::Unmeasured);
    world.up.is_ok() && !(is_unknown && *source == IncidentSource::Slo)
}

proptest! {
    #[test]
    fn each_that_speaks_has_one_open_incident_and_none_is_open_without(ticks in ticks()) {
        let mut incidents = incidents();
        // Seconds of silence of what spoke and is not over; by a time that never falls.
        let mut silent_since: Map<Where, Option<i64>> = Map::new();
        let (mut now, mut steady) = (1_000_000, 0);
        let mut revisions: Map<_, Arc<Incident>> = Map::new();
        for (step, world) in &ticks {
            now += step;
            steady += (*step).max(0);
            let shown = incidents.observe(&world.input(now));
            let speaking = speaking(world);
            let has_slo = !world.slos.is_empty();
            for place in speaking.keys() {
                silent_since.insert(place.clone(), None);
            }
            silent_since.retain(|place, since| {
                if speaking.contains_key(place) || !is_silent(world, place) {
                    return true;
                }
                let since = *since.get_or_insert(steady);
                place.0 != IncidentSource::Alert && has_slo && steady - since < 60
            });
            let open: Vec<_> = shown.iter().filter(|incident| incident.is_open()).collect();
            let place = |incident: &Incident| {
                (incident.source, incident.name.to_string(), incident.group.as_ref().map(ToString::to_string))
            };
            let places: Set<_> = open.iter().map(|incident| place(incident)).collect();
            prop_assert_eq!(&places, &silent_since.keys().cloned().collect::<Set<_>>());
            prop_assert_eq!(open.len(), places.len());
            for incident in &open {
                if let Some(severity) = speaking.get(&place(incident)) {
                    prop_assert_eq!(incident.severity, *severity);
                }
            }
            for incident in shown.iter() {
                prop_assert!(incident.worst >= incident.severity);
                prop_assert_eq!(incident.change == Change::Resolved, incident.resolved_at.is_some());
                let before = revisions.insert(incident.id.clone(), Arc::clone(incident));
                let told = before.as_ref().map_or(0, |before| before.revision);
                prop_assert!(incident.revision == told || incident.revision == told + 1);
                prop_assert_eq!(incident.revision == 1, incident.change == Change::Opened);
                if let Some(before) = before {
                    prop_assert!(before.is_open() || before == *incident, "what is over changes no more");
                    prop_assert_eq!(before == *incident, Arc::ptr_eq(&before, incident));
                    prop_assert_eq!(before.revision == incident.revision, before.changed_at == incident.changed_at
                        && before.severity == incident.severity && before.is_open() == incident.is_open());
                }
                if incident.is_open() {
                    prop_assert!(incident.opened_at >= incident.since);
                }
            }
            let ids: Set<_> = shown.iter().map(|incident| &incident.id).collect();
            prop_assert_eq!(ids.len(), shown.len());
            let times: Vec<Timestamp> = open.iter().map(|incident| incident.opened_at).collect();
            prop_assert!(times.is_sorted_by(|newer, older| newer >= older));
        }
    }
}
