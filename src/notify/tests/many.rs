//! Five thousand incidents at once.

use std::collections::BTreeSet;

use super::*;

const MANY: usize = 5_000;
const KINDS: [fn() -> ReceiverKind; 6] = [pager, bot, slack, hook, alertmanager, || ReceiverKind::Terminal];

fn everybody() -> NotifyConfig {
    let names: Vec<String> = (0..KINDS.len()).map(|number| format!("r{number}")).collect();
    let receivers = names.iter().zip(KINDS).map(|(name, kind)| receiver(name, kind())).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    NotifyConfig { receivers, routes: vec![route(&[], &names)], ..NotifyConfig::default() }
}

/// Sees them, and has them on the disk.
fn see(outbox: &mut Outbox, incidents: &[Arc<Incident>], now: Timestamp) -> Rows {
    let rows = outbox.see(&"prod".into(), incidents, now);
    outbox.saved(&"prod".into());
    rows
}

fn incidents(change: impl Fn(Incident) -> Incident) -> Vec<Arc<Incident>> {
    let severity = |number| if number % 2 == 0 { Severity::Page } else { Severity::Ticket };
    let opened = (0..MANY).map(|number| incident("lag", &format!("t{number}"), severity(number), at(0)));
    opened.map(|incident| Arc::new(change(incident))).collect()
}

/// Tells everybody what is due, every ten seconds.
fn run(outbox: &mut Outbox, from: u64, to: u64, answer: &Result<(), Failure>) -> Vec<(u64, Message)> {
    let mut said = Vec::new();
    for second in (from..to).step_by(10) {
        for number in 0..KINDS.len() {
            while let Next::Message(message) = outbox.next(&format!("r{number}").as_str().into(), at(second))
            {
                match answer {
                    Ok(()) => outbox.delivered(&message, &taken(&message), TOOK, at(second)),
                    Err(failure) => outbox.failed(&message, failure, TOOK, at(second)),
                };
                said.push((second, message));
            }
        }
    }
    said
}

#[test]
fn five_thousand_at_once_are_few_messages_and_little_memory() {
    let mut outbox = Outbox::new(everybody(), 1);
    let open = incidents(|incident| incident);
    let rows = see(&mut outbox, &open, at(0));
    assert_eq!(rows[&ClusterName::from("prod")].len(), MANY * KINDS.len());
    let bytes: usize =
        rows.values().flatten().map(|row| row.key.len() + row.value.as_ref().map_or(0, Vec::len)).sum();
    assert!(bytes < MANY * KINDS.len() * 400, "{bytes}");

    // Two minutes without an answer.
    let failure = Failure::Later { answer: "x".repeat(500), after: None };
    let tried = run(&mut outbox, 0, 120, &Err(failure));
    assert!(tried.len() < KINDS.len() * 15, "{}", tried.len());
    let mut attempts = BTreeSet::new();
    let mut held = 0;
    for incident in &open {
        for view in outbox.deliveries(&incident.id, at(600)) {
            held += view.attempts.len();
            attempts.extend(view.attempts.iter().map(|attempt| Arc::as_ptr(attempt) as usize));
            assert!(view.attempts.iter().all(|attempt| attempt.answer.len() == 200));
        }
    }
    // Each answer is held once, however many incidents it was about.
    assert!(attempts.len() <= tried.len(), "{}", attempts.len());
    assert!(held <= MANY * KINDS.len() * 50);

    // They answer again: one probe, and with it all there is to say.
    let said = run(&mut outbox, 700, 710, &Ok(()));
    for number in 0..KINDS.len() {
        let name = format!("r{number}");
        let first: Vec<_> = said.iter().filter(|(_, message)| message.receiver.as_str() == name).collect();
        assert_eq!(first[0].1.notices.len(), MANY, "{name}");
        assert_eq!(first[0].1.is_summary, number < 2, "{name}");
        assert_eq!(first[0].1.notices[0].incident.severity, Severity::Page);
        let news = first.iter().flat_map(|(_, message)| &message.notices);
        assert_eq!(news.filter(|notice| notice.kind == NoticeKind::Fired).count(), MANY, "{name}");
    }

    // Half of them are over, then all.
    let half = |incident: Incident| match incident.severity {
        Severity::Page => incident,
        _ => resolved(&incident, at(900)),
    };
    see(&mut outbox, &incidents(half), at(900));
    let said = run(&mut outbox, 900, 901, &Ok(()));
    let summary = said.iter().find(|(_, message)| message.receiver.as_str() == "r0").unwrap();
    let firing = summary.1.notices.iter().filter(|notice| notice.kind.is_firing()).count();
    assert_eq!((summary.1.is_summary, firing, summary.1.notices.len()), (true, MANY / 2, MANY));
    let over = incidents(|incident| resolved(&half(incident), at(1_000)));
    see(&mut outbox, &over, at(1_000));
    let said = run(&mut outbox, 1_000, 1_001, &Ok(()));
    let summary = said.iter().find(|(_, message)| message.receiver.as_str() == "r0").unwrap();
    let firing = summary.1.notices.iter().filter(|notice| notice.kind.is_firing()).count();
    assert_eq!((summary.1.is_summary, firing, summary.1.notices.len()), (true, 0, MANY / 2));

    // What is over and told is remembered as long as it is shown.
    run(&mut outbox, 1_100, 1_130, &Ok(()));
    run(&mut outbox, 2_980, 3_000, &Ok(()));
    see(&mut outbox, &over[..1_000], at(3_000));
    let remembered = over.iter().filter(|incident| !outbox.deliveries(&incident.id, at(3_000)).is_empty());
    assert_eq!(remembered.count(), 1_000);
}
