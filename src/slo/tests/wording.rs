//! What `plimsoll check` says of promises: in plain words, and of what can never fire or never be measured.

use super::views::{latency, slo, tier};
use crate::model::{Millis, Ratio, Selector, Severity};
use crate::slo::{Indicator, Slo, plain_words, problems};

fn lag(objective: &str, window: &str) -> Slo {
    let indicator = Indicator::Lag { group: Selector::new("billing-*"), topic: None, max: 1000 };
    slo("billing-lag", indicator, objective, window)
}

#[test]
fn promises_read_as_a_person_would_say_them() {
    let check = |slo: &Slo, expected: [&str; 2]| assert_eq!(plain_words(slo), expected);
    check(
        &lag("99.9%", "30d"),
        [
            "lag at most 1000 for each group like billing-* on each topic: at most 43m12s outside it per 30d, in slices of 1m",
            "pages when 2% of the budget is spent within 1h or 5% of the budget is spent within 6h, opens a ticket when 10% of \
         the budget is spent within 1d or 10% of the budget is spent within 3d; never for fewer than 2 bad slices",
        ],
    );
    let mut quiet = latency("99.9%", "month in Europe/Paris");
    quiet.alerting.disabled = true;
    check(
        &quiet,
        [
            "latency within 100ms for orders-processor on orders: at most 0.1% of the records may miss it per month (Europe/Paris)",
            "it never alerts: alerting is disabled",
        ],
    );
}

#[test]
fn a_promise_says_whose_it_is() {
    let check = |indicator: Indicator, expected: &str| {
        assert_eq!(plain_words(&slo("p", indicator, "99%", "30d"))[0], expected);
    };
    let topic = Selector::new("orders");
    check(
        Indicator::Loss { group: Selector::new("*"), topic: None },
        "each group on each topic: at most 1% of the records may be lost to retention per 30d",
    );
    check(
        Indicator::DeadLetters { topic: topic.clone(), dead_letter_topic: Selector::new("orders.dlq") },
        "orders: at most 1% of the records may become dead letters in orders.dlq per 30d",
    );
    check(
        Indicator::Availability { topic: Selector::new("pay*") },
        "availability for each topic like pay*: at most 7h12m outside it per 30d, in slices of 1m",
    );
    check(
        Indicator::TimeLag { group: Selector::new("a"), topic: Some(topic), max: Millis(5000) },
        "time lag at most 5s for a on orders: at most 7h12m outside it per 30d, in slices of 1m",
    );
}

#[test]
fn what_can_never_fire_or_be_measured_is_told() {
    let check = |slo: Slo, expected: &[(bool, &str)]| {
        let found = problems(&slo);
        let found: Vec<_> =
            found.iter().map(|problem| (problem.is_error, problem.sentence.as_str())).collect();
        assert_eq!(found, expected);
    };
    let with = |tiers| {
        let mut slo = latency("90%", "30d");
        slo.alerting.tiers = Some(tiers);
        slo
    };
    check(latency("99.9%", "30d"), &[]);
    let fast = "the page tier 1h / 5m can never fire: it wants a burn rate above 14.4000, and 100% bad is 10.0000; \
                give it a smaller share, or raise the objective";
    check(latency("90%", "30d"), &[(false, fast)]);
    check(with(vec![tier(Severity::Page, "2%", 60, 5)]), &[(true, fast)]);
    check(
        with(vec![tier(Severity::Page, "2%", 60, 60)]),
        &[(
            true,
            "the page tier 1h / 1h cannot be judged: the short window has to be shorter than the long one, and at least 1m",
        )],
    );
    check(
        with(vec![tier(Severity::Page, "90%", 15 * 1440 + 60, 60), tier(Severity::Page, "10%", 1440, 60)]),
        &[(false, "the page tier 361h / 1h is left out: its long window is more than half of 30d")],
    );
    check(Slo { slice: Millis(600_000), ..lag("99%", "7d") }, &[]);
    check(
        Slo { slice: Millis(90_000), ..lag("99%", "7d") },
        &[(true, "a slice of 90s cannot be counted: write whole minutes from 1m to 1h")],
    );
    check(
        Slo { objective: Ratio::ONE, ..lag("99%", "7d") },
        &[(true, "an objective of 100% leaves no budget: write less, such as 99.99%")],
    );
    check(
        latency("99%", "91d"),
        &[(true, "a window of 91d cannot be kept: write whole minutes, at most 90d")],
    );
    check(
        latency("99%", "month in Mars/Base"),
        &[(true, "no such time zone: Mars/Base; write it as in Europe/Paris, or UTC")],
    );
    check(
        lag("99%", "1h"),
        &[
            (false, "the page tier 1h / 5m is left out: its long window is more than half of 1h"),
            (false, "the page tier 6h / 30m is left out: its long window is more than half of 1h"),
            (false, "the ticket tier 1d / 2h is left out: its long window is more than half of 1h"),
            (false, "the ticket tier 3d / 6h is left out: its long window is more than half of 1h"),
            (
                false,
                "none of its tiers can be used, so it never alerts; write tiers of your own, or alerting: { disabled: true }",
            ),
        ],
    );
    let mut rare = Slo { slice: Millis(600_000), ..lag("99%", "7d") };
    rare.alerting.min_bad_events = Some(7);
    check(
        rare,
        &[(true, "the tier over 1h can never fire: it holds 6 slices of 10m, and min_bad_events is 7")],
    );
    let same = Indicator::DeadLetters { topic: Selector::new("a"), dead_letter_topic: Selector::new("a") };
    check(
        slo("dead", same, "99%", "7d"),
        &[(true, "topic and dead_letter_topic are the same: every record would be a dead letter")],
    );
}
