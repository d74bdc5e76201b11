//! Events are what PagerDuty's documentation asks for, whatever is in them.

use super::super::trial;
use super::*;
use proptest::prelude::*;

/// The rules of the documentation, written without a look at how events are made.
fn check_event(event: &Value) {
    let text = |value: &Value, most: usize| {
        let text = value.as_str().unwrap_or_else(|| panic!("{value} is no text"));
        assert!(!text.is_empty() && text.chars().count() <= most, "{most}: {text}");
        text.to_owned()
    };
    assert!(serde_json::to_vec(event).unwrap().len() <= 512_000 - 100);
    text(&event["dedup_key"], 255);
    match event["event_action"].as_str().unwrap() {
        "resolve" => assert_eq!(event.as_object().unwrap().len(), 2, "{event}"),
        "trigger" => {
            let payload = &event["payload"];
            text(&payload["summary"], 1024);
            text(&payload["source"], 255);
            assert!(
                ["critical", "error", "warning", "info"].contains(&payload["severity"].as_str().unwrap())
            );
            text(&payload["timestamp"], 40).parse::<jiff::Timestamp>().unwrap();
            assert!(payload["custom_details"].as_object().unwrap().values().all(Value::is_string));
            for link in event["links"].as_array().unwrap_or(&Vec::new()) {
                assert!(text(&link["href"], 2000).starts_with("https://"), "{link}");
                text(&link["text"], 100);
            }
        }
        other => panic!("{other}"),
    }
}

fn checked(message: &Message) -> Vec<Value> {
    let events: Vec<_> = events(message).into_iter().map(Value::Object).collect();
    assert!(!events.is_empty());
    events.iter().for_each(check_event);
    events
}

#[test]
fn events_look_like_this() {
    trial::golden("pagerduty", |message| {
        let events: Vec<_> = checked(message);
        events.iter().map(|event| format!("{event:#}")).collect::<Vec<_>>().join("\n")
    });
}

#[test]
fn the_life_of_an_incident_has_one_key() {
    let events_of = |kind, incident| checked(&trial::single(kind, incident));
    let page = || trial::slo();
    let ticket = || Incident { severity: Severity::Ticket, ..trial::slo() };
    let all: Vec<_> = [
        events_of(NoticeKind::Fired, ticket()),
        events_of(NoticeKind::Escalated, page()),
        events_of(NoticeKind::Calmed, ticket()),
        events_of(NoticeKind::Resolved, trial::over(ticket())),
        events_of(NoticeKind::FiredAndResolved, trial::over(page())),
    ]
    .concat();
    let expected = ["warning", "critical", "warning", "", "critical", ""];
    let told: Vec<_> =
        all.iter().map(|event| event["payload"]["severity"].as_str().unwrap_or_default()).collect();
    assert_eq!(told, expected);
    let key = format!("plimsoll-{}", page().key);
    assert!(all.iter().all(|event| event["dedup_key"] == key.as_str()));
}

#[test]
fn a_drill_has_a_key_of_its_own_and_a_summary_that_of_its_group() {
    let drill = Message { is_drill: true, ..trial::single(NoticeKind::Fired, trial::slo()) };
    assert_eq!(checked(&drill)[0]["dedup_key"], format!("plimsoll-drill-{}", trial::slo().key));
    for (name, message) in trial::masses().into_iter().filter(|(_, message)| message.is_summary) {
        let events = checked(&message);
        assert_eq!(events.len(), 1, "{name}");
        assert_eq!(events[0]["dedup_key"], format!("plimsoll-{}", message.group_key));
        assert!(
            events[0]["payload"]["custom_details"]["Incidents"].as_str().unwrap().ends_with("and 180 more")
        );
    }
}

#[test]
fn masses_fit() {
    trial::masses().iter().for_each(|(_, message)| drop(checked(message)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_names_are_events_fit(message in trial::any_message()) {
        checked(&message);
    }
}
