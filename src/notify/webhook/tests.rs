//! Bodies are what Alertmanager would send, whatever is in them.

use super::super::trial;
use super::*;
use proptest::prelude::*;
use serde_json::Value;

/// The fields in Alertmanager's order.
const FIELDS: [&str; 12] = [
    "version",
    "groupKey",
    "truncatedAlerts",
    "status",
    "receiver",
    "groupLabels",
    "commonLabels",
    "commonAnnotations",
    "externalURL",
    "notification_reason",
    "routeLabels",
    "alerts",
];

/// What receivers of Alertmanager's messages rely on.
fn checked(message: &Message) -> String {
    let text = serde_json::to_string_pretty(&body(message)).unwrap();
    let body: Value = serde_json::from_str(&text).unwrap();
    let order: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("  \"")?.split_once('"').map(|(name, _)| name.to_owned()))
        .collect();
    assert_eq!(order, FIELDS);
    assert_eq!(body["version"], "4");
    let alerts = body["alerts"].as_array().unwrap();
    assert!(alerts.len() <= 20);
    assert_eq!(
        alerts.len() + usize::try_from(body["truncatedAlerts"].as_u64().unwrap()).unwrap(),
        message.notices.len()
    );
    let is_firing = |value: &Value| match value["status"].as_str().unwrap() {
        "firing" => true,
        "resolved" => false,
        other => panic!("{other}"),
    };
    assert_eq!(is_firing(&body), message.notices.iter().any(|notice| notice.kind.is_firing()));
    for alert in alerts {
        let texts = |name: &str| {
            let texts = alert[name].as_object().unwrap().values();
            assert!(
                texts.clone().all(|value| value.as_str().is_some_and(|text| !text.is_empty())),
                "{alert}"
            );
        };
        texts("labels");
        texts("annotations");
        let time = |name: &str| alert[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        if is_firing(alert) {
            assert_eq!(alert["endsAt"], "0001-01-01T00:00:00Z");
        } else {
            assert!(time("startsAt") <= time("endsAt"));
        }
        let fingerprint = alert["fingerprint"].as_str().unwrap();
        assert!(fingerprint.len() == 16 && fingerprint.chars().all(|digit| digit.is_ascii_hexdigit()));
        for (name, value) in body["commonLabels"].as_object().unwrap() {
            assert_eq!(&alert["labels"][name], value);
        }
    }
    text
}

#[test]
fn bodies_look_like_this() {
    trial::golden("webhook", checked);
}

#[test]
fn the_fingerprint_is_that_of_the_labels_without_severity() {
    let fingerprint =
        |incident| body(&trial::single(NoticeKind::Fired, incident)).alerts[0].fingerprint.clone();
    let page = fingerprint(trial::slo());
    let ticket = crate::model::Incident { severity: crate::model::Severity::Ticket, ..trial::slo() };
    assert_eq!(page, fingerprint(ticket));
    assert_ne!(page, fingerprint(trial::alert("billing")));
    let drill = Message { is_drill: true, ..trial::single(NoticeKind::Fired, trial::slo()) };
    assert_ne!(page, body(&drill).alerts[0].fingerprint);
}

#[test]
fn the_same_revisions_have_the_same_key() {
    let key = fingerprint::of_message;
    let message = trial::single(NoticeKind::Fired, trial::slo());
    let later = Message { at: message.at + crate::model::Millis(3_600_000), ..message.clone() };
    assert_eq!(key(&message), key(&later), "however often it is tried");
    let two = |first: usize| {
        let mut notices: Vec<_> =
            ["a", "b"].map(|group| trial::notice(NoticeKind::Fired, trial::alert(group))).into();
        notices.rotate_left(first);
        key(&trial::message(notices))
    };
    assert_eq!(two(0), two(1), "in whatever order");
    assert_ne!(key(&message), key(&trial::single(NoticeKind::Resolved, trial::over(trial::slo()))));
    let repeated = |minutes: u64| {
        let message = trial::single(NoticeKind::Repeated, trial::slo());
        key(&Message { at: message.at + crate::model::Millis(minutes * 60_000), ..message })
    };
    assert_ne!(repeated(0), repeated(240), "a repetition is told again");
    assert_ne!(repeated(0), key(&message));
}

#[test]
fn masses_fit() {
    trial::masses().iter().for_each(|(_, message)| drop(checked(message)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_names_are_bodies_are_whole(message in trial::any_message()) {
        checked(&message);
    }
}
