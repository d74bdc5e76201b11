//! An invented incident that looks like a real one and says everywhere that it is none.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{
    Budget, Change, ClusterName, GroupId, Happening, Incident, IncidentId, IncidentKey, IncidentSource,
    Millis, Owner, Severity, Timestamp, TopicName, Trend, WorstPartition,
};
use crate::notify::{Links, Message, Notice, NoticeKind, NotifyConfig, ReceiverConfig};

/// No rule can be called so: names of rules have no blanks. So its key is that of no real incident, and always the
/// same: the end of a drill ends the one that was sent before.
const NAME: &str = "DRILL - nothing is wrong";
const SUMMARY: &str = "DRILL, nothing is wrong: 18.2% of the records were late within 1h, page from 1.44% on";

/// The message with the drill, or with its end.
pub(super) fn message(
    receiver: &ReceiverConfig,
    config: &NotifyConfig,
    is_over: bool,
    now: Timestamp,
) -> Message {
    let incident = incident(is_over, now);
    let labels = incident.label_set();
    let group_labels = ["alertname", "cluster"]
        .into_iter()
        .filter_map(|label| labels.get(label).map(|value| (label.to_owned(), value.to_string())));
    let kind = if is_over { NoticeKind::Resolved } else { NoticeKind::Fired };
    Message {
        receiver: receiver.name.clone(),
        group_labels: group_labels.collect(),
        group_key: incident.key.to_string(),
        notices: vec![Notice { incident: Arc::new(incident), kind, thread: None }],
        is_summary: false,
        at: now,
        links: Links { external_url: config.external_url.clone() },
        is_drill: true,
    }
}

fn incident(is_over: bool, now: Timestamp) -> Incident {
    let before = |seconds: i64| Timestamp(now.0 - seconds * 1000);
    let cluster = ClusterName::from("DRILL");
    let (group, topic) = (GroupId::from("drill-orders-processor"), TopicName::from("drill-orders"));
    let source = IncidentSource::Slo;
    let key = IncidentKey::of(&cluster, source, NAME, Some(&group), Some(&topic), None);
    let opened_at = before(if is_over { 600 } else { 5 });
    let summary = if is_over { "DRILL, nothing was wrong: the records are in time again" } else { SUMMARY };
    Incident {
        id: IncidentId::new(&key, opened_at),
        key,
        cluster,
        source,
        name: NAME.into(),
        group: Some(group),
        topic: Some(topic),
        partition: None,
        covers: 1,
        severity: Severity::Page,
        worst: Severity::Page,
        since: opened_at,
        opened_at,
        resolved_at: is_over.then_some(now),
        revision: if is_over { 2 } else { 1 },
        change: if is_over { Change::Resolved } else { Change::Opened },
        changed_at: if is_over { now } else { opened_at },
        because: None,
        inhibited: false,
        summary: summary.into(),
        value: Some(if is_over { 0.2 } else { 18.2 }),
        budget: Some(Budget {
            window: "30d".into(),
            indicator: "DRILL: latency within 100ms".into(),
            remaining: Some(0.61),
            remaining_at_opening: Some(0.63),
            exhausted_in: (!is_over).then_some(Millis(55 * 3_600_000)),
        }),
        trend: Some(Trend {
            lag: if is_over { 12 } else { 48_211 },
            lag_at_opening: Some(47_903),
            time_lag: Some(Millis(if is_over { 40 } else { 94_000 })),
            lag_before: Some(if is_over { 30 } else { 11_020 }),
        }),
        worst_partitions: [(3, 20_114, "1"), (0, 15_902, "2")]
            .map(|(partition, lag, member)| WorstPartition {
                partition,
                lag: Some(if is_over { 6 } else { lag }),
                bad: Some(lag / 2),
                owner: Some(Owner {
                    client_id: format!("drill-consumer-{member}").into(),
                    host: "drill.invalid".into(),
                }),
            })
            .into(),
        happenings: vec![Happening {
            at: Timestamp(opened_at.0 - 90_000),
            what: "DRILL: the group began to rebalance".into(),
        }],
        labels: Arc::new(BTreeMap::from([("drill".into(), "true".into())])),
        description: Some(
            "This is a drill of plimsoll notify-test. Nothing is wrong, and nothing is to be done.".into(),
        ),
        runbook: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::{ReceiverKind, ReceiverName};

    #[test]
    fn a_drill_says_so_everywhere_and_its_end_is_of_the_same_key() {
        let receiver = ReceiverConfig::new(ReceiverName::from("a"), ReceiverKind::Terminal);
        let config = NotifyConfig::default();
        let [fired, over] =
            [false, true].map(|over| message(&receiver, &config, over, Timestamp(1_000_000_000)));
        assert_eq!(fired.notices[0].incident.key, over.notices[0].incident.key);
        assert!(fired.notices[0].incident.is_open() && !over.notices[0].incident.is_open());
        for message in [fired, over] {
            assert!(message.is_drill);
            let incident = &message.notices[0].incident;
            assert!(incident.since <= incident.opened_at && incident.opened_at < message.at);
            let happenings = incident.happenings.iter().map(|happening| &*happening.what);
            let texts = [&*incident.name, &*incident.summary, incident.cluster.as_str()].into_iter();
            let said: Vec<_> = texts.chain(incident.description.as_deref()).chain(happenings).collect();
            assert!(said.iter().all(|text| text.to_lowercase().contains("drill")), "{said:?}");
            assert_eq!(incident.label_set().get("drill").map(|value| &**value), Some("true"));
            // As the settings read names of rules: no rule can take this key.
            assert!(NAME.contains(' '));
        }
    }
}
