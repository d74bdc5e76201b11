//! Alerts are what an Alertmanager takes, whatever is in them, and one lives at a time.

use super::super::trial;
use super::*;
use proptest::prelude::*;
use serde_json::Value;

/// What Alertmanager 0.25 checks, and what it would misunderstand.
fn checked(message: &Message) -> Value {
    let alerts = serde_json::to_value(alerts(message)).unwrap();
    for alert in alerts.as_array().unwrap() {
        let labels = alert["labels"].as_object().unwrap();
        assert!(!labels.is_empty());
        for (name, value) in labels {
            assert!(!value.as_str().unwrap().is_empty(), "{name}");
            assert!(!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()), "{name}");
            assert!(name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()), "{name}");
        }
        assert!(["page", "ticket", "info"].contains(&labels["severity"].as_str().unwrap()));
        assert!(alert["annotations"].as_object().unwrap().values().all(Value::is_string));
        let time = |name: &str| alert[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        assert!(time("startsAt") <= time("endsAt"));
    }
    alerts
}

#[test]
fn alerts_look_like_this() {
    trial::golden("alertmanager", |message| format!("{:#}", checked(message)));
}

#[test]
fn what_was_told_with_another_severity_is_over() {
    let now = words::iso(trial::NOW);
    let check = |kind, severity, told: Option<Severity>, expected: &[(&str, bool)]| {
        let incident = Incident { severity, worst: Severity::Page, ..trial::slo() };
        let thread = told.map(|told| Thread { channel: String::new(), id: told.label().to_owned() });
        let notice = Notice { thread, ..trial::notice(kind, incident) };
        let alerts = checked(&trial::message(vec![notice]));
        let told: Vec<_> = alerts
            .as_array()
            .unwrap()
            .iter()
            .map(|alert| {
                (
                    alert["labels"]["severity"].as_str().unwrap(),
                    alert["endsAt"].as_str().unwrap() > now.as_str(),
                )
            })
            .collect();
        assert_eq!(told, expected, "{kind:?} {severity:?}");
    };
    let (page, ticket) = (Severity::Page, Severity::Ticket);
    check(NoticeKind::Fired, page, None, &[("page", true)]);
    check(NoticeKind::Escalated, page, Some(ticket), &[("ticket", false), ("page", true)]);
    check(NoticeKind::Calmed, ticket, Some(page), &[("page", false), ("ticket", true)]);
    check(NoticeKind::Repeated, page, Some(page), &[("page", true)]);
    // Coalesced: the last that was told was a ticket.
    check(NoticeKind::Resolved, page, Some(ticket), &[("ticket", false), ("page", false)]);
    // Nothing is known of what was told before.
    check(NoticeKind::Escalated, page, None, &[("info", false), ("ticket", false), ("page", true)]);
    check(NoticeKind::FiredAndResolved, page, None, &[("page", true)]);
}

#[test]
fn an_address_is_that_of_the_api_whatever_stands_before() {
    let check = |url: &str, expected: &str, user: &str| {
        let instance = Instance::new(&Url::parse(url).unwrap());
        assert_eq!((instance.url.as_str(), instance.user.as_str()), (expected, user));
    };
    check("http://a:9093", "http://a:9093/api/v2/alerts", "");
    check("https://u%40:p@a/prefix/", "https://a/prefix/api/v2/alerts", "u@");
}

#[test]
fn masses_fit() {
    trial::masses().iter().for_each(|(_, message)| drop(checked(message)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_names_are_alerts_are_taken(message in trial::any_message()) {
        checked(&message);
    }
}
