//! Burn rates and states by table. The first rows are what Prometheus' own rule tester answers to the pair 14.4 over
//! 1h and 5m at 600 records a minute; where the two differ, the line says why.

use super::views::{latency, tier};
use crate::model::{Counts, Minute, Severity, SloState};
use crate::slo::{Instance, Slo};

type Events<'a> = &'a [(i64, i64, [u64; 3])];

/// The minutes at which `slo` is in `state`, as stretches from and to (inclusive), within the first `length`.
fn stretches(slo: &Slo, events: Events<'_>, length: i64, state: SloState) -> Vec<(i64, i64)> {
    let mut instance = Instance::new(slo).unwrap();
    let mut found: Vec<(i64, i64)> = Vec::new();
    for minute in 0..=length {
        if instance.evaluate_before(Minute(minute)).state == state {
            match found.last_mut() {
                Some((_, last)) if *last == minute - 1 => *last = minute,
                _ => found.push((minute, minute)),
            }
        }
        for (_, _, [good, bad, unmeasured]) in
            events.iter().filter(|(from, to, _)| (*from..*to).contains(&minute))
        {
            instance.add(Minute(minute), Counts { good: *good, bad: *bad, unmeasured: *unmeasured });
        }
    }
    found
}

fn check(slo: &Slo, events: Events<'_>, length: i64, state: SloState, expected: &[(i64, i64)]) {
    assert_eq!(stretches(slo, events, length, state), expected, "{} {events:?}", slo.objective);
}

fn fast_only(objective: &str) -> Slo {
    let mut slo = latency(objective, "30d");
    slo.alerting.tiers = Some(vec![tier(Severity::Page, "2%", 60, 5)]);
    slo
}

const TRAFFIC: [u64; 3] = [600, 0, 0];
const OUTAGE: [u64; 3] = [0, 600, 0];
const BLIND: [u64; 3] = [0, 0, 600];

#[test]
fn pages_are_where_prometheus_has_them() {
    let page = SloState::Page;
    let slo = fast_only("99.9%");
    let partial = [(0, 120, TRAFFIC), (120, 130, [510, 90, 0]), (130, 400, TRAFFIC)];
    check(&slo, &partial, 400, page, &[(126, 134)]);
    let outage = [(0, 120, TRAFFIC), (120, 125, OUTAGE), (125, 400, TRAFFIC)];
    check(&slo, &outage, 400, page, &[(121, 129)]);
    // 14.4 times a budget of 10% is more than everything: the pair is not used.
    check(&fast_only("90%"), &[(0, 120, TRAFFIC), (120, 300, OUTAGE)], 300, page, &[]);
    check(&slo, &[(0, 120, TRAFFIC), (120, 125, OUTAGE)], 300, page, &[(121, 129)]);
}

#[test]
fn what_prometheus_resolves_out_of_ignorance_is_held() {
    let slo = fast_only("99.9%");
    let events = [(0, 120, TRAFFIC), (120, 125, OUTAGE), (125, 240, BLIND), (240, 400, TRAFFIC)];
    // At 245 the whole short window is measured again, and good.
    check(&slo, &events, 400, SloState::Page, &[(121, 244)]);
}

#[test]
fn one_record_pages_nobody() {
    let slo = fast_only("99.9%");
    let hourly: Vec<_> = (0..10).map(|hour| (hour * 60, hour * 60 + 1, [10, 0, 0])).collect();
    let failed: Vec<_> = hourly.iter().copied().chain([(121, 122, [0, 1, 0])]).collect();
    check(&slo, &failed, 600, SloState::Page, &[]);
    let mut strict = slo;
    strict.alerting.min_bad_events = Some(1);
    check(&strict, &failed, 600, SloState::Page, &[(122, 126)]);
}

#[test]
fn an_outage_pages_though_half_of_it_is_unmeasured() {
    let slo = fast_only("99.9%");
    let events = [(0, 120, TRAFFIC), (120, 125, [0, 300, 300]), (125, 300, TRAFFIC)];
    // 1.44% of 36,000 is 518: reached with the second minute, even if everything unmeasured was good. The second
    // half is unknown no longer once the five minutes have left the short window.
    check(&slo, &events, 300, SloState::Page, &[(122, 129)]);
}

#[test]
fn nothing_measured_is_unmeasured_and_not_ok() {
    let slo = fast_only("99.9%");
    let events = [(0, 120, TRAFFIC), (120, 130, BLIND), (130, 200, TRAFFIC)];
    // One minute of five is 20% of the shortest window.
    check(&slo, &events, 200, SloState::Unmeasured, &[(121, 134)]);
    check(&slo, &events, 200, SloState::Ok, &[(0, 120), (135, 200)]);
}

#[test]
fn exactly_the_factor_is_not_over() {
    let mut slo = latency("99%", "30d");
    slo.alerting.tiers = Some(vec![tier(Severity::Page, "2%", 60, 5)]);
    // 14.4% of every minute, which is 14.4 times the budget, and one record more in one of them.
    let at = [(0, 100, [856, 144, 0])];
    check(&slo, &at, 100, SloState::Page, &[]);
    let above = [(0, 50, [856, 144, 0]), (50, 51, [855, 145, 0]), (51, 100, [856, 144, 0])];
    check(&slo, &above, 100, SloState::Page, &[(51, 55)]);
}

#[test]
fn all_four_pairs_speak_in_turn() {
    // The budget of 30 days is 43.2 minutes; an outage of 100 of them, seen hour by hour.
    let slo = latency("99.9%", "30d");
    let events = [(0, 4320, TRAFFIC), (4320, 4420, OUTAGE), (4420, 12_000, TRAFFIC)];
    check(&slo, &events, 6000, SloState::Page, &[(4321, 4449)]);
    // 2 h after it for 1d / 2h at 3, then 6 h for 3d / 6h at 1.
    check(&slo, &events, 6000, SloState::Ticket, &[(4450, 4779)]);
}

#[test]
fn shares_of_the_budget_are_as_in_the_contract() {
    let factors = |window: &str| {
        let instance = Instance::new(&latency("99.9%", window)).unwrap();
        let pairs = instance.plan.pairs.iter();
        pairs.map(|pair| (pair.long, pair.short, format!("{:.4}", pair.factor))).collect::<Vec<_>>()
    };
    let check = |window, expected: &[(i64, i64, &str)]| {
        let expected: Vec<_> =
            expected.iter().map(|(long, short, factor)| (*long, *short, (*factor).to_owned())).collect();
        assert_eq!(factors(window), expected, "{window}");
    };
    check("30d", &[(60, 5, "14.4000"), (360, 30, "6.0000"), (1440, 120, "3.0000"), (4320, 360, "1.0000")]);
    check("28d", &[(60, 5, "13.4400"), (360, 30, "5.6000"), (1440, 120, "2.8000"), (4320, 360, "0.9333")]);
    check("7d", &[(60, 5, "16.8000"), (360, 30, "5.6000"), (1440, 120, "2.8000"), (4320, 360, "1.1667")]);
    check("90d", &[(60, 5, "21.6000"), (360, 30, "10.8000"), (1440, 120, "4.5000"), (4320, 360, "1.5000")]);
    check("1d", &[(60, 5, "2.4000"), (360, 30, "0.8000")]);
    check("1h", &[]);
    check(
        "quarter",
        &[(60, 5, "21.6000"), (360, 30, "10.8000"), (1440, 120, "4.5000"), (4320, 360, "1.5000")],
    );
    check("day", &[(60, 5, "2.4000"), (360, 30, "0.8000")]);
}

#[test]
fn the_alert_of_the_unmeasured_waits_as_long_as_an_outage_would_take_to_be_seen() {
    let check = |objective: &str, window: &str, first_minute: i64| {
        let mut instance = Instance::new(&latency(objective, window)).unwrap();
        let mut told = None;
        for minute in 0..20_000 {
            if instance.evaluate_before(Minute(minute)).unmeasured_alert {
                told = Some(minute);
                break;
            }
            instance.add(Minute(minute), Counts { unmeasured: 600, ..Counts::default() });
        }
        assert_eq!(told, Some(first_minute), "{objective} over {window}");
    };
    // Unmeasured from minute 1 on; 2% of 43.2 minutes is less than two minutes.
    check("99.9%", "30d", 4);
    // 2% of 432 minutes are 8.64.
    check("99%", "30d", 10);
    // The pair of 10% of 7 days cannot fire: the first that can is 20% of 1,008 minutes over 6 h.
    check("90%", "7d", 203);
}
