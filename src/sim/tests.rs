//! Tests of promises, as the runner runs them: the contract's own example, word by word, and its borders.

use std::sync::Arc;

use super::{Event, Expectation, Failure, SloTest, run};
use crate::model::{Counts, Millis, Ratio, Selector, SloState, Timestamp};
use crate::slo::{Alerting, Indicator, Period, Slo, Window};

const DAY: u64 = 86_400_000;

fn on_time(objective: &str, window: Window) -> Slo {
    Slo {
        name: "orders-on-time".into(),
        description: None,
        indicator: Indicator::Latency {
            group: Selector::new("orders-processor"),
            topic: Some(Selector::new("orders")),
            within: Millis(100),
            accept_commit_resolution: false,
        },
        objective: Ratio::parse(objective).unwrap(),
        window,
        slice: Millis(60_000),
        slice_target: Ratio::ONE,
        labels: Arc::default(),
        runbook: None,
        alerting: Alerting::default(),
    }
}

fn test(events: &[(u64, u64, [u64; 3])], expect: Vec<Expectation>) -> SloTest {
    let events = events.iter().map(|&(from_minute, to_minute, [good, bad, unmeasured])| Event {
        from_minute,
        to_minute,
        counts: Counts { good, bad, unmeasured },
    });
    SloTest {
        name: "test".to_owned(),
        slo: "orders-on-time".to_owned(),
        start: None,
        events: events.collect(),
        expect,
    }
}

fn at(at_minute: u64, state: SloState) -> Expectation {
    Expectation { at_minute, state: Some(state), ..Expectation::default() }
}

fn check(slo: &Slo, test: &SloTest, expected: &[Failure]) {
    assert_eq!(run(slo, test).unwrap(), expected, "{}", test.name);
}

const LATE: [(u64, u64, [u64; 3]); 3] =
    [(0, 120, [600, 0, 0]), (120, 130, [510, 90, 0]), (130, 600, [600, 0, 0])];

#[test]
fn ten_minutes_at_15_percent_late() {
    let expect = vec![
        Expectation { budget_remaining: Some("1".to_owned()), ..at(120, SloState::Ok) },
        at(121, SloState::Ticket),
        at(125, SloState::Ticket),
        Expectation {
            good: Some(75_060),
            bad: Some(540),
            budget_remaining: Some("0.979167".to_owned()),
            burn_rate: vec![(Millis(3_600_000), "15".to_owned())],
            ..at(126, SloState::Page)
        },
        at(158, SloState::Page),
        at(159, SloState::Ticket),
        at(487, SloState::Ticket),
        at(488, SloState::Ok),
    ];
    check(&on_time("99.9%", Window::Rolling(Millis(30 * DAY))), &test(&LATE, expect), &[]);
}

#[test]
fn what_is_not_met_is_told_with_as_many_digits() {
    let expect = vec![
        Expectation {
            good: Some(75_061),
            unmeasured: Some(1),
            coverage: Some("0.99".to_owned()),
            budget_remaining: Some("0.979168".to_owned()),
            burn_rate: vec![(Millis(3_600_000), "15.01".to_owned()), (Millis(600_000), "90.0".to_owned())],
            line: 7,
            ..at(126, SloState::Ticket)
        },
        Expectation { budget_remaining: Some("1".to_owned()), line: 8, ..Expectation::default() },
    ];
    let failure = |line, at_minute, what: &str, expected: &str, found: &str| Failure {
        line,
        at_minute,
        what: what.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    };
    check(
        &on_time("99.9%", Window::Rolling(Millis(30 * DAY))),
        &test(&LATE, expect),
        &[
            failure(8, 0, "budget_remaining", "1", "absent"),
            failure(7, 126, "state", "ticket", "page"),
            failure(7, 126, "good", "75061", "75060"),
            failure(7, 126, "unmeasured", "1", "0"),
            failure(7, 126, "coverage", "0.99", "1.00"),
            failure(7, 126, "budget_remaining", "0.979168", "0.979167"),
            failure(7, 126, "burn_rate 1h", "15.01", "15.00"),
        ],
    );
}

#[test]
fn a_calendar_budget_is_that_of_the_month_so_far() {
    let month = Window::Calendar { period: Period::Month, timezone: "Europe/Paris".into() };
    // Half an hour before February begins in Paris, which is at 23:00 UTC.
    let start = "2026-01-31T22:30:00Z".parse::<jiff::Timestamp>().unwrap();
    let budget = |at_minute, good, bad, remaining: &str| Expectation {
        at_minute,
        good: Some(good),
        bad: Some(bad),
        budget_remaining: Some(remaining.to_owned()),
        ..Expectation::default()
    };
    let expect = vec![
        // 10 bad of 300 are 33.33 budgets of the month, of which 30 of 44,640 minutes are over.
        budget(30, 290, 10, "0.977599"),
        // In February nothing is late until minute 40, and its 28 days are shorter.
        budget(31, 10, 0, "1.000000"),
        budget(41, 100, 10, "0.975198"),
    ];
    let events = [(0, 10, [9, 1, 0]), (10, 40, [10, 0, 0]), (40, 41, [0, 10, 0])];
    let events: Vec<_> = events.into_iter().collect();
    let mut test = test(&events, expect);
    test.start = Some(Timestamp(start.as_millisecond()));
    check(&on_time("99.9%", month), &test, &[]);
}
