//! What holds whatever happens.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::notify::route::receivers;

use super::world::{Mood, PLACES, SILENCES, Said, Step, World};
use super::*;

/// Those that are there all the time and refuse nothing.
const STEADY: [&str; 6] = ["pager", "bot", "chat", "hook", "manager", "terminal"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let severity = || prop_oneof![Just(Severity::Info), Just(Severity::Ticket), Just(Severity::Page)];
    let mood = prop_oneof![Just(Mood::Well), Just(Mood::Down), Just(Mood::Busy), Just(Mood::Flaky)];
    let step = prop_oneof![
        6 => (0..PLACES, severity()).prop_map(|(place, severity)| Step::Open(place, severity)),
        4 => (0..PLACES, severity()).prop_map(|(place, severity)| Step::Change(place, severity)),
        5 => (0..PLACES).prop_map(Step::Resolve),
        1 => (0..4_usize, severity()).prop_map(|(kind, severity)| Step::Flood(kind, severity)),
        1 => Just(Step::ResolveAll),
        1 => (0..2_usize, any::<bool>()).prop_map(|(cluster, is)| Step::Inhibit(cluster, is)),
        1 => (0..SILENCES.len(), 1_u64..4_000).prop_map(|(which, seconds)| Step::Silence(which, seconds)),
        1 => Just(Step::ExpireSilences),
        2 => (0..8_usize, mood).prop_map(|(which, mood)| Step::Mood(which, mood)),
        2 => (0..4_usize).prop_map(Step::Die),
        1 => any::<bool>().prop_map(Step::Reconfigure),
        4 => (0_u64..3_000).prop_map(Step::Wait),
        3 => (0_u64..200_000).prop_map(Step::Wait),
        1 => (0_u64..5_000_000).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..50)
}

/// What was said to `receiver` of one incident, in order.
fn of<'a>(
    world: &'a World,
    receiver: &'a str,
    id: &'a IncidentId,
) -> impl Iterator<Item = (&'a Said, &'a Notice)> {
    let said = world.said.iter().filter(move |said| said.message.receiver.as_str() == receiver);
    said.flat_map(move |said| {
        let notices = said.message.notices.iter().filter(move |notice| notice.incident.id == *id);
        notices.map(move |notice| (said, notice))
    })
}

/// Who is routed to an incident that has had these severities.
fn routed(incident: &Incident, severities: &BTreeSet<Severity>) -> BTreeSet<String> {
    let (config, labels) = (world::config(true), incident.label_set());
    let named = severities.iter().flat_map(|severity| receivers(&config, &labels, *severity));
    named.map(|(name, _)| name.to_string()).collect()
}

/// Each incident that was open long enough and not muted is told, and what was told as firing is told to be over.
fn check_told(world: &World) -> Result<(), TestCaseError> {
    for incident in world.incidents() {
        let routed = routed(incident, &world.severities[&incident.id]);
        let must = !world.muted.contains(&incident.id) || incident.is_open();
        for receiver in STEADY {
            let said: Vec<_> = of(world, receiver, &incident.id).map(|(_, notice)| notice.kind).collect();
            if must && routed.contains(receiver) {
                prop_assert!(!said.is_empty(), "{receiver} never heard of {incident:?}");
            }
            let is_firing = said.last().is_some_and(|kind| kind.is_firing());
            prop_assert!(
                said.is_empty() || is_firing == incident.is_open(),
                "{receiver} {said:?} {incident:?}"
            );
        }
        // What the strict one refuses, somebody else hears.
        let anybody = ["strict", "spare"].map(|name| of(world, name, &incident.id).count());
        if must && routed.contains("strict") {
            prop_assert!(anybody != [0, 0], "neither heard of {incident:?}");
        }
    }
    Ok(())
}

fn check_order(world: &World) -> Result<(), TestCaseError> {
    for incident in world.incidents() {
        let routed = routed(incident, &world.severities[&incident.id]);
        for receiver in STEADY.into_iter().chain(["strict", "spare", "comer"]) {
            let said: Vec<_> = of(world, receiver, &incident.id).map(|(_, notice)| notice).collect();
            let is_allowed = routed.contains(receiver) || receiver == "spare" && routed.contains("strict");
            prop_assert!(said.is_empty() || is_allowed, "{receiver} is not routed to {incident:?}");
            for pair in said.windows(2) {
                prop_assert!(pair[0].incident.revision <= pair[1].incident.revision, "{receiver} {pair:?}");
                let is_backwards = !pair[0].kind.is_firing() && pair[1].kind.is_firing();
                prop_assert!(!is_backwards, "{receiver} {pair:?}");
            }
        }
    }
    Ok(())
}

/// The same is said twice only if the process died before it knew that it was heard; then under the same key.
fn check_duplicates(world: &World) -> Result<(), TestCaseError> {
    let lost = world.said.iter().filter(|said| said.is_lost).count();
    prop_assert!(lost <= world.deaths);
    for incident in world.incidents() {
        for receiver in STEADY.into_iter().filter(|name| *name != "manager") {
            let said: Vec<_> = of(world, receiver, &incident.id).collect();
            for (at, (again, notice)) in said.iter().enumerate() {
                let is_same = |(_, before): &&(&Said, &Notice)| {
                    (before.kind, before.incident.revision) == (notice.kind, notice.incident.revision)
                };
                if notice.kind == NoticeKind::Repeated {
                    continue;
                }
                for (before, _) in said[..at].iter().filter(is_same) {
                    prop_assert!(before.is_lost, "{receiver} {:?} {notice:?}", before.at);
                    let form = |said: &Said| (said.message.is_summary, said.message.group_key.clone());
                    prop_assert_eq!(form(before), form(again), "{} {:?}", receiver, notice);
                }
            }
        }
    }
    Ok(())
}

fn check_rates(world: &World) -> Result<(), TestCaseError> {
    for (receiver, limit) in [("pager", 12), ("hook", 7), ("chat", 30), ("bot", 30)] {
        let handed = world.handed.iter().filter(|(name, _)| name.as_str() == receiver);
        let handed: Vec<_> = handed.map(|(_, at)| *at).collect();
        for (at, first) in handed.iter().enumerate() {
            let within = handed[at..].iter().take_while(|next| next.since(*first) < Millis(60_000)).count();
            // A death forgets one message that was under way.
            prop_assert!(within <= limit + world.deaths, "{receiver}: {within}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_page_reaches_a_person_and_so_does_its_end(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
        world.heal();
        world.step(&Step::Wait(3 * 3_600_000));
        check_told(&world)?;
        world.step(&Step::ResolveAll);
        world.step(&Step::Wait(3_600_000));
        check_told(&world)?;
        check_order(&world)?;
        check_duplicates(&world)?;
        check_rates(&world)?;
    }

    /// Whatever happens to one receiver, the others hear the same at the same time.
    #[test]
    fn a_receiver_that_fails_delays_no_other(steps in steps(), which in 0_usize..6) {
        let steps: Vec<_> = steps.into_iter().filter(|step| !matches!(step, Step::Die(_))).collect();
        let heard = |moods: &dyn Fn(&Step) -> bool| {
            let mut world = World::new();
            steps.iter().filter(|step| moods(step)).for_each(|step| world.step(step));
            let name = STEADY[which];
            let others = world.said.into_iter().filter(|said| said.message.receiver.as_str() != name);
            others.map(|said| (said.at, said.message)).collect::<Vec<_>>()
        };
        let of_others = |step: &Step| !matches!(step, Step::Mood(..));
        let all = |step: &Step| !matches!(step, Step::Mood(at, _) if *at != which) ;
        prop_assert_eq!(heard(&of_others), heard(&all));
    }
}
