use super::super::cell::width_of;
use super::*;

fn lines(json: &str) -> Vec<Line> {
    serde_json::from_str(json).unwrap()
}

/// One of each: told, held, inhibited, a summary, one partition, over; names that are long, strange or absent.
const INCIDENTS: &str = r#"[
  {"cluster": "prod", "source": "slo", "name": "orders-on-time", "group": "orders-processor-of-the-european-department",
   "topic": "orders", "state": "open", "severity": "page", "opened_at": "2026-01-02T03:02:05.678Z",
   "lasted_seconds": 120.5, "inhibited": false, "deliveries": [{"receiver": "oncall", "state": "told"},
   {"receiver": "mail", "state": "owed"}, {"receiver": "chat\u001b[31m", "state": "told"}],
   "summary": "burn rate 15.00 over 1h and 150.25 over 5m, above 14.40; the budget of 30d is overdrawn by 12.5%"},
  {"cluster": "prod", "source": "alert", "name": "lag", "group": "注文\u202e処理\n", "topic": "payments.settlements.eu",
   "state": "open", "severity": "ticket", "opened_at": "2026-01-02T01:02:05.678Z", "lasted_seconds": 7320,
   "inhibited": true, "reason": "unreachable", "detail": "no broker can be reached", "deliveries": [],
   "summary": "lag above 10000 records: cannot be judged now, so it stays as it was"},
  {"cluster": "prod", "source": "unmeasured_slo", "name": "mistyped", "state": "open", "severity": "ticket",
   "lasted_seconds": 99999, "inhibited": false, "deliveries": [],
   "summary": "too little could be measured for too long: no such group; the nearest is orders-processor"},
  {"cluster": "prod", "source": "alert", "name": "offline", "topic": "orders", "partition": 3, "state": "open",
   "severity": "info", "opened_at": "2026-01-01T03:02:05.678Z", "lasted_seconds": 1e300, "inhibited": false,
   "deliveries": [], "summary": "the partition has no leader"},
  {"cluster": "prod", "source": "alert", "name": "stuck", "covers": 49, "state": "resolved", "severity": "page",
   "opened_at": "2026-01-01T03:02:05.678Z", "resolved_at": "2026-01-01T03:03:05.678Z", "lasted_seconds": 60,
   "inhibited": false, "reason": "rule_gone", "detail": "its rule is no more in the settings", "deliveries": [],
   "summary": "49 groups are stuck: a, b, c, d, e and 44 more"}
]"#;

fn shown(width: usize) -> String {
    render(&lines(INCIDENTS), &Shape { width, color: false })
}

#[test]
fn at_80_columns() {
    insta::assert_snapshot!(shown(80));
}

#[test]
fn at_200_columns() {
    insta::assert_snapshot!(shown(200));
}

#[test]
fn clusters_are_named_when_there_are_several() {
    let mut lines = lines(INCIDENTS);
    assert!(!shown(200).contains("CLUSTER"));
    lines[0].cluster = "staging".to_owned();
    let text = render(&lines, &Shape { width: 200, color: false });
    assert!(text.starts_with("CLUSTER") && text.contains("staging  page"), "{text}");
}

#[test]
fn no_line_is_wider_than_asked_and_no_name_reaches_the_terminal_raw() {
    for width in (1..40).chain([79, 80, 81, 120, 200]) {
        for line in shown(width).lines() {
            assert!(width_of(line) <= width, "{width}: {line}");
            assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{width}: {line:?}");
        }
    }
}

#[test]
fn colour_changes_nothing_but_the_looks() {
    let colored = render(&lines(INCIDENTS), &Shape { width: 120, color: true });
    let mut parts = colored.split('\x1b');
    let mut text = parts.next().unwrap().to_owned();
    parts.for_each(|part| text.push_str(part.split_once('m').unwrap().1));
    assert_ne!(colored, text);
    assert_eq!(text, shown(120));
}
