use super::super::cell::width_of;
use super::*;

fn lines(json: &str) -> Vec<Line> {
    serde_json::from_str(json).unwrap()
}

/// One of each state; names that are long, strange or absent.
const SLOS: &str = r#"[
  {"cluster": "prod", "slo": "billing-lag", "group": "billing-eu", "objective": "99%", "state": "ok", "idle": true,
   "good": 126, "bad": 0, "unmeasured": 0, "coverage": 1.0, "budget_remaining": 1.0, "burn_rates": [
   {"window": "1h", "rate": 0.0, "coverage": 1.0}], "measured_since": "2026-01-02T00:58:05.678Z"},
  {"cluster": "prod", "slo": "mistyped", "objective": "99%", "state": "unmeasured", "burn_rates": [],
   "detail": "no such group; the nearest is orders-processor"},
  {"cluster": "prod", "slo": "fast", "group": "a", "topic": "t", "objective": "99.9%", "state": "unmeasured",
   "good": 1, "bad": 0, "unmeasured": 0, "coverage": 1.0, "burn_rates": [], "detail": "commits every 5 s cannot show 100 ms"},
  {"cluster": "prod", "slo": "fast", "group": "b", "topic": "t", "objective": "99.9%", "state": "unmeasured",
   "good": 1, "bad": 0, "unmeasured": 0, "coverage": 1.0, "burn_rates": [], "detail": "commits every 5 s cannot show 100 ms"},
  {"cluster": "prod", "slo": "slow-leak", "group": "注文\u202e処理\n", "topic": "payments.settlements.eu-west-1.v3",
   "objective": "99.95%", "state": "ticket", "good": 9999999999, "bad": 12345, "unmeasured": 1, "coverage": 0.99996,
   "budget_remaining": 0.979167, "burn_rates": [{"window": "1h", "rate": 3.25, "coverage": 1.0}],
   "measured_since": "2026-01-02T00:58:05.678Z"},
  {"cluster": "prod", "slo": "orders-on-time", "group": "orders-processor-of-the-european-department", "topic": "orders",
   "objective": "99.9%", "state": "page", "good": 75060, "bad": 540, "unmeasured": 60, "coverage": 0.9992,
   "budget_remaining": -0.125, "burn_rates": [{"window": "5m", "rate": 150.25, "coverage": 1.0},
   {"window": "1h", "rate": 15.004, "coverage": 1.0}], "measured_since": "2026-01-02T00:58:05.678Z"}
]"#;

fn shown(width: usize) -> String {
    render(&lines(SLOS), &Shape { width, color: false })
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
fn what_burns_most_comes_first() {
    let mut lines = lines(SLOS);
    lines.reverse();
    let text = render(&lines, &Shape { width: 200, color: false });
    let names: Vec<_> = text.lines().skip(1).map_while(|line| line.split(' ').next()).take(6).collect();
    assert_eq!(names, ["orders-on-time", "slow-leak", "fast", "fast", "mistyped", "billing-lag"]);
}

#[test]
fn clusters_are_named_when_there_are_several() {
    let mut lines = lines(SLOS);
    assert!(!shown(200).contains("CLUSTER"));
    lines[0].cluster = "staging".to_owned();
    let text = render(&lines, &Shape { width: 200, color: false });
    assert!(text.starts_with("CLUSTER") && text.contains("staging  billing-lag"), "{text}");
}

#[test]
fn no_share_is_shown_as_more_than_it_is() {
    let check = |share: f64, expected: &str| assert_eq!(format!("{:+.2}", rounded_down(share)), expected);
    check(1.0, "+100.00");
    check(0.999_999, "+99.99");
    check(0.979_167, "+97.91");
    check(0.07, "+7.00");
    check(0.0, "+0.00");
    check(-0.000_01, "-0.01");
    check(-0.125, "-12.50");
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
    let colored = render(&lines(SLOS), &Shape { width: 120, color: true });
    let mut parts = colored.split('\x1b');
    let mut text = parts.next().unwrap().to_owned();
    parts.for_each(|part| text.push_str(part.split_once('m').unwrap().1));
    assert_ne!(colored, text);
    assert_eq!(text, shown(120));
}
