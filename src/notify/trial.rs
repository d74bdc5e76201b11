//! Messages for the tests of receivers: what there is to tell, from the usual to the hostile.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::{Links, Message, Notice, NoticeKind, Receipt, ReceiverName, Thread};
use crate::model::{
    Because, Budget, Change, Happening, Incident, IncidentId, IncidentKey, IncidentSource, Millis, Owner,
    Severity, Timestamp, Trend, WorstPartition,
};

/// 2026-11-25 09:46:40 UTC.
pub(super) const NOW: Timestamp = Timestamp(1_795_600_000_000);

const MINUTE: u64 = 60_000;

/// An SLO of which everything is known, a page since four minutes.
pub(super) fn slo() -> Incident {
    let cluster = "prod".into();
    let (group, topic) = ("orders-processor".into(), "orders".into());
    let name = "orders-on-time";
    let key = IncidentKey::of(&cluster, IncidentSource::Slo, name, Some(&group), Some(&topic), None);
    let opened_at = NOW - Millis(4 * MINUTE);
    let worst = |partition, lag, client: Option<&str>| WorstPartition {
        partition,
        lag: Some(lag),
        bad: Some(lag / 2),
        owner: client.map(|client_id| Owner { client_id: client_id.into(), host: "/10.0.0.7".into() }),
    };
    let happening = |before, what: &str| Happening { at: opened_at - Millis(before), what: what.into() };
    Incident {
        id: IncidentId::new(&key, opened_at),
        key,
        cluster,
        source: IncidentSource::Slo,
        name: name.into(),
        group: Some(group),
        topic: Some(topic),
        partition: None,
        covers: 1,
        severity: Severity::Page,
        worst: Severity::Page,
        since: opened_at - Millis(5_000),
        opened_at,
        resolved_at: None,
        revision: 1,
        change: Change::Opened,
        changed_at: opened_at,
        because: None,
        inhibited: false,
        summary: "burns its budget 20 times too fast over 1h and 31 times over 5m".into(),
        value: Some(20.25),
        budget: Some(Budget {
            window: "30d".into(),
            indicator: "latency within 100ms".into(),
            remaining: Some(0.8125),
            remaining_at_opening: Some(0.875),
            exhausted_in: Some(Millis(1_170 * MINUTE)),
        }),
        trend: Some(Trend {
            lag: 12_000,
            lag_at_opening: Some(1_000),
            time_lag: Some(Millis(245_000)),
            lag_before: Some(8_000),
        }),
        worst_partitions: vec![worst(3, 8_000, Some("client-1")), worst(0, 4_000, None)],
        happenings: vec![
            happening(12_000, "the group began to rebalance"),
            happening(2_000, "broker 2 is gone"),
        ],
        labels: Arc::new([("team".into(), "payments".into())].into()),
        description: Some("99.9% of orders are processed within 100 ms of ingestion".into()),
        runbook: Some("https://runbooks.example/orders?page=1&tab=2".into()),
    }
}

/// A plain threshold of which little is known.
pub(super) fn alert(group: &str) -> Incident {
    let (cluster, group, topic) = ("prod".into(), group.into(), "orders".into());
    let name = "orders-lag";
    let key = IncidentKey::of(&cluster, IncidentSource::Alert, name, Some(&group), Some(&topic), None);
    Incident {
        id: IncidentId::new(&key, NOW - Millis(MINUTE)),
        key,
        cluster,
        source: IncidentSource::Alert,
        name: name.into(),
        group: Some(group),
        topic: Some(topic),
        severity: Severity::Ticket,
        worst: Severity::Ticket,
        summary: "lag is 12000 records, above 10000".into(),
        value: Some(12_000.0),
        budget: None,
        trend: None,
        worst_partitions: Vec::new(),
        happenings: Vec::new(),
        labels: Arc::default(),
        description: None,
        runbook: None,
        ..slo()
    }
}

/// The same, over since half a minute.
pub(super) fn over(incident: Incident) -> Incident {
    let budget = incident.budget.map(|budget| Budget { exhausted_in: None, ..budget });
    Incident {
        resolved_at: Some(NOW - Millis(30_000)),
        revision: incident.revision + 1,
        change: Change::Resolved,
        trend: incident.trend.map(|trend| Trend { lag: 0, time_lag: Some(Millis(0)), ..trend }),
        budget,
        value: Some(0.0),
        ..incident
    }
}

/// Told for the first time, or again when there is a thread.
pub(super) fn notice(kind: NoticeKind, incident: Incident) -> Notice {
    Notice { incident: Arc::new(incident), kind, thread: None }
}

/// A message of such notices to `receiver`.
pub(super) fn message(notices: Vec<Notice>) -> Message {
    Message {
        receiver: ReceiverName::from("oncall"),
        group_labels: [("alertname", "orders-on-time"), ("cluster", "prod")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        group_key: "00112233445566778899aabbccddeeff".to_owned(),
        notices,
        is_summary: false,
        at: NOW,
        links: Links { external_url: Some("https://plimsoll.example".to_owned()) },
        is_drill: false,
    }
}

/// A message of one notice.
pub(super) fn single(kind: NoticeKind, incident: Incident) -> Message {
    message(vec![notice(kind, incident)])
}

fn threaded(kind: NoticeKind, incident: Incident) -> Message {
    let thread = Thread { channel: "C01".to_owned(), id: "1795599760.000100".to_owned() };
    message(vec![Notice { thread: Some(thread), ..notice(kind, incident) }])
}

/// What every receiver's golden file shows.
pub(super) fn stories() -> Vec<(&'static str, Message)> {
    let ticket = || Incident { severity: Severity::Ticket, revision: 3, ..slo() };
    let frozen = || Incident {
        because: Some(Because { label: "unreachable", sentence: "broker 2 does not answer".into() }),
        ..slo()
    };
    let mut all = vec![
        ("fired", single(NoticeKind::Fired, slo())),
        ("fired, a threshold", single(NoticeKind::Fired, alert("billing"))),
        ("escalated", threaded(NoticeKind::Escalated, Incident { revision: 2, ..slo() })),
        ("calmed", threaded(NoticeKind::Calmed, ticket())),
        ("repeated, not measured", threaded(NoticeKind::Repeated, frozen())),
        ("resolved", threaded(NoticeKind::Resolved, over(slo()))),
        ("fired and resolved", single(NoticeKind::FiredAndResolved, over(slo()))),
        (
            "two at once",
            message(vec![
                notice(NoticeKind::Fired, slo()),
                notice(NoticeKind::Resolved, over(alert("billing"))),
            ]),
        ),
        ("a summary", Message { is_summary: true, ..message(many(3)) }),
        ("a drill", Message { is_drill: true, ..single(NoticeKind::Fired, slo()) }),
    ];
    all.push((
        "hostile names",
        hostile("<!channel> *a* `b` \"c\" 'd' &amp; 🚢\r\nBcc: x@y\u{1b}[31m{{ e }}"),
    ));
    all
}

/// What no golden file can show, because it is too much.
pub(super) fn masses() -> Vec<(&'static str, Message)> {
    let wide = Incident {
        worst_partitions: (0..200)
            .map(|partition| WorstPartition { partition, ..slo().worst_partitions[0].clone() })
            .collect(),
        ..slo()
    };
    vec![
        ("200 incidents", message(many(200))),
        ("200 incidents in a summary", Message { is_summary: true, ..message(many(200)) }),
        ("200 partitions", single(NoticeKind::Fired, wide)),
        ("64 KB of a letter", hostile(&"x".repeat(65_536))),
        ("64 KB of quotes", hostile(&"\"<&'".repeat(16_384))),
        ("64 KB of ships", hostile(&"🚢".repeat(16_384))),
        ("20 times 64 KB", {
            let one = hostile(&"&\"🚢".repeat(8_000)).notices[0].clone();
            message(vec![one; 20])
        }),
    ]
}

fn many(number: usize) -> Vec<Notice> {
    (0..number).map(|at| notice(NoticeKind::Fired, alert(&format!("group-{at}")))).collect()
}

/// Every text that others choose is `text`.
pub(super) fn hostile(text: &str) -> Message {
    let (group, topic) = (text.into(), text.into());
    let name: Arc<str> = text.into();
    let incident = Incident {
        key: IncidentKey::of(&text.into(), IncidentSource::Slo, text, Some(&group), Some(&topic), None),
        cluster: text.into(),
        group: Some(group),
        topic: Some(topic),
        name: name.clone(),
        summary: name.clone(),
        worst_partitions: vec![WorstPartition {
            owner: Some(Owner { client_id: name.clone(), host: name.clone() }),
            ..slo().worst_partitions[0].clone()
        }],
        happenings: vec![Happening { at: NOW, what: name.clone() }],
        labels: Arc::new(BTreeMap::from([
            ("team".into(), name.clone()),
            ("dashboard".into(), format!("https://dashboards.example/?q={text}").into()),
        ])),
        description: Some(name.clone()),
        runbook: Some(format!("javascript:{text}").into()),
        budget: Some(Budget { indicator: name, ..slo().budget.unwrap() }),
        ..slo()
    };
    let message = single(NoticeKind::Fired, incident);
    Message { group_labels: [("alertname".to_owned(), text.to_owned())].into(), ..message }
}

/// Hostile messages of any text.
pub(super) fn any_message() -> impl Strategy<Value = Message> {
    let text = prop_oneof!["\\PC{0,300}", ".{0,40}", "[<>&\"'`*_|@!#\\\\\r\n\t ]{0,400}", "(🚢|é){0,300}"];
    (text, 0_usize..30, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(text, copies, is_over, is_summary, is_drill)| {
            let mut message = hostile(&text);
            let mut notice = message.notices[0].clone();
            if is_over {
                notice.kind = NoticeKind::FiredAndResolved;
                notice.incident = Arc::new(over((*notice.incident).clone()));
            }
            message.notices.extend(vec![notice; copies]);
            Message { is_summary, is_drill, ..message }
        },
    )
}

/// Compares what a receiver is sent with its golden file.
pub(super) fn golden(receiver: &str, told: impl Fn(&Message) -> String) {
    let page: Vec<_> = stories()
        .iter()
        .map(|(name, message)| format!("=== {name}\n{}\n", told(message).trim_end()))
        .collect();
    insta::with_settings!({
        snapshot_path => "../../tests/golden/notify",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(receiver, page.join("\n"));
    });
}

/// Nothing is kept.
pub(super) fn threadless(receipt: &Receipt) -> bool {
    receipt.threads.iter().all(Option::is_none)
}
