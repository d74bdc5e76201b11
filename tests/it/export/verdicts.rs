//! Hand-made SLOs and alerts: one that pages, one that is well, one that cannot be judged, one that nobody knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fixture::AT;
use plimsoll::model::{
    AlertState, AlertView, Because, Budget, BurnRate, Change, Counts, Governing, Happening, Incident,
    IncidentId, IncidentKey, IncidentSource, Millis, Owner, Ratio, Severity, SloInfo, SloState, SloView,
    Timestamp, Trend, WorstPartition,
};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

pub(crate) fn slos() -> Vec<SloView> {
    vec![billing_lag(), mistyped(), too_fine(), orders_on_time()]
}

pub(crate) fn alerts() -> Vec<AlertView> {
    let summary = AlertView {
        state: AlertState::Firing,
        severity: Severity::Info,
        group: None,
        topic: None,
        covers: 49,
        summary: "49 groups are stuck".into(),
        value: None,
        labels: Arc::default(),
        firing_since: Some(AT),
        ..alert("consumer-stuck")
    };
    let partition = AlertView {
        state: AlertState::Firing,
        severity: Severity::Page,
        group: None,
        topic: Some("orders".into()),
        partition: Some(1),
        summary: "partition 1 has no leader".into(),
        value: None,
        firing_since: Some(AT),
        because: Some(because("not_authorized", "not authorized: grant DESCRIBE on it to the daemon's user")),
        runbook: Some("https://runbooks/offline".into()),
        ..alert("offline")
    };
    vec![summary, alert("growing \"lag\""), partition]
}

/// One that goes on, and one that is over.
pub(crate) fn incidents() -> Arc<[Arc<Incident>]> {
    Arc::from([Arc::new(open_incident()), Arc::new(over_incident())])
}

/// Everything of it is known.
pub(crate) fn open_incident() -> Incident {
    let key = IncidentKey::of(
        &"prod".into(),
        IncidentSource::Slo,
        "orders-on-time",
        Some(&"orders-processor".into()),
        Some(&"orders".into()),
        None,
    );
    let opened_at = Timestamp(AT.0 - 120_000);
    Incident {
        id: IncidentId::new(&key, opened_at),
        key,
        cluster: "prod".into(),
        source: IncidentSource::Slo,
        name: "orders-on-time".into(),
        group: Some("orders-processor".into()),
        topic: Some("orders".into()),
        partition: None,
        covers: 1,
        severity: Severity::Page,
        worst: Severity::Page,
        since: opened_at,
        opened_at,
        resolved_at: None,
        revision: 2,
        change: Change::Escalated,
        changed_at: Timestamp(AT.0 - 60_000),
        because: None,
        inhibited: false,
        summary: "burn rate 15.00 over 1h and 150.25 over 5m, above 14.40".into(),
        value: Some(15.0),
        budget: Some(Budget {
            window: "30d".into(),
            indicator: "latency within 100ms".into(),
            remaining: Some(-0.125),
            remaining_at_opening: Some(0.25),
            exhausted_in: Some(Millis(HOUR)),
        }),
        trend: Some(Trend {
            lag: 100,
            lag_at_opening: Some(40),
            time_lag: Some(Millis(2_500)),
            lag_before: Some(90),
        }),
        worst_partitions: vec![WorstPartition {
            partition: 1,
            lag: Some(100),
            bad: Some(540),
            owner: Some(Owner { client_id: "orders-1".into(), host: "10.0.0.1".into() }),
        }],
        happenings: vec![Happening {
            at: Timestamp(AT.0 - 150_000),
            what: "the group began to rebalance".into(),
        }],
        labels: labels(&[("team", "payments")]),
        description: Some("99.9% of orders are processed within 100 ms of ingestion".into()),
        runbook: Some("https://runbooks/orders".into()),
    }
}

/// Hardly anything of it is known.
pub(crate) fn over_incident() -> Incident {
    let key = IncidentKey::of(&"prod".into(), IncidentSource::Alert, "consumer-stuck", None, None, None);
    let opened_at = Timestamp(AT.0 - 7_200_000);
    Incident {
        id: IncidentId::new(&key, opened_at),
        key,
        source: IncidentSource::Alert,
        name: "consumer-stuck".into(),
        group: None,
        topic: None,
        covers: 49,
        severity: Severity::Ticket,
        worst: Severity::Ticket,
        since: opened_at,
        opened_at,
        resolved_at: Some(Timestamp(AT.0 - 3_600_000)),
        change: Change::Resolved,
        changed_at: Timestamp(AT.0 - 3_600_000),
        because: Some(because("rule_gone", "its rule is no more in the settings")),
        summary: "49 groups are stuck".into(),
        value: None,
        budget: None,
        trend: None,
        worst_partitions: Vec::new(),
        happenings: Vec::new(),
        labels: Arc::default(),
        description: None,
        runbook: None,
        ..open_incident()
    }
}

pub(crate) fn alert(name: &str) -> AlertView {
    AlertView {
        name: name.into(),
        condition: "lag",
        description: None,
        state: AlertState::Pending,
        severity: Severity::Ticket,
        group: Some("billing/eu".into()),
        topic: Some("orders".into()),
        partition: None,
        covers: 1,
        summary: "lag is 12000, above 10000".into(),
        is_true: true,
        value: Some(12_000.0),
        since: Timestamp(AT.0 - 90_000),
        firing_since: None,
        because: None,
        // the second would take the place of the daemon's own
        labels: labels(&[("team", "payments"), ("severity", "urgent")]),
        runbook: None,
    }
}

pub(crate) fn because(label: &'static str, sentence: &str) -> Because {
    Because { label, sentence: sentence.into() }
}

pub(crate) fn labels(pairs: &[(&str, &str)]) -> Arc<BTreeMap<Arc<str>, Arc<str>>> {
    Arc::new(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
}

fn info(name: &str, indicator: &str, unit: &'static str, objective: &str) -> SloInfo {
    SloInfo {
        name: name.into(),
        description: None,
        indicator: indicator.into(),
        unit,
        objective: Ratio::parse(objective).unwrap(),
        window: "30d".into(),
        resolve_after: Millis(MINUTE),
        labels: Arc::default(),
        runbook: None,
    }
}

fn burn(window: u64, rate: Option<f64>, coverage: f64) -> BurnRate {
    BurnRate { window: Millis(window), rate, coverage }
}

/// Burns fifteen times too fast.
pub(crate) fn orders_on_time() -> SloView {
    let slo = SloInfo {
        description: Some("99.9% of orders are processed within 100 ms of ingestion".into()),
        labels: labels(&[("team", "payments"), ("tier", "1")]),
        runbook: Some("https://runbooks/orders".into()),
        ..info("orders-on-time", "latency within 100ms", "records", "99.9%")
    };
    let governing = Governing {
        severity: Severity::Page,
        long: Millis(HOUR),
        short: Millis(5 * MINUTE),
        factor: 14.4,
        long_rate: Some(15.0),
        short_rate: Some(150.25),
        held: false,
    };
    SloView {
        slo: Arc::new(slo),
        group: Some("orders-processor".into()),
        topic: Some("orders".into()),
        state: SloState::Page,
        state_since: Timestamp(AT.0 - 120_000),
        because: None,
        idle: false,
        window: Counts { good: 75_060, bad: 540, unmeasured: 60 },
        total: Counts { good: 80_000, bad: 541, unmeasured: 61 },
        measured_since: Some(Timestamp(AT.0 - 7_560_000)),
        coverage: 0.9992,
        budget_remaining: Some(-0.125),
        exhausted_in: Some(Millis(7_200_000)),
        burn_rates: vec![
            burn(5 * MINUTE, Some(150.25), 1.0),
            burn(HOUR, Some(15.0), 0.999),
            burn(24 * HOUR, None, 0.0),
            burn(720 * HOUR, Some(7.25), 0.9992),
            // the SLO's own window may be one of the tiers', too
            burn(720 * HOUR, Some(7.25), 0.9992),
        ],
        governing: Some(governing),
        unmeasured_alert: false,
        worst_partitions: vec![
            (1, Counts { good: 3, bad: 500, unmeasured: 0 }),
            (0, Counts { good: 9, bad: 40, unmeasured: 1 }),
        ],
    }
}

/// Counted in slices, idle, all of its budget left.
pub(crate) fn billing_lag() -> SloView {
    SloView {
        slo: Arc::new(info("billing-lag", "lag at most 1000", "slices", "99%")),
        group: Some("billing/eu".into()),
        topic: None,
        state: SloState::Ok,
        state_since: Timestamp(AT.0 - 7_560_000),
        because: None,
        idle: true,
        window: Counts { good: 126, bad: 0, unmeasured: 0 },
        total: Counts { good: 126, bad: 0, unmeasured: 0 },
        measured_since: Some(Timestamp(AT.0 - 7_560_000)),
        coverage: 1.0,
        budget_remaining: Some(1.0),
        exhausted_in: None,
        burn_rates: vec![burn(5 * MINUTE, Some(0.0), 1.0), burn(HOUR, Some(0.0), 1.0)],
        governing: None,
        unmeasured_alert: false,
        worst_partitions: Vec::new(),
    }
}

/// Its counts are true of commits, but they cannot show what was promised.
pub(crate) fn too_fine() -> SloView {
    SloView {
        slo: Arc::new(info("orders-fast", "latency within 100ms", "records", "99.9%")),
        state: SloState::Unmeasured,
        because: Some(because("commit_interval", "commits every 5 s cannot show 100 ms")),
        governing: None,
        unmeasured_alert: true,
        ..orders_on_time()
    }
}

/// There is no such group, so there is nothing to count.
pub(crate) fn mistyped() -> SloView {
    SloView {
        slo: Arc::new(info("mistyped", "latency within 1s", "records", "99%")),
        group: None,
        topic: None,
        state: SloState::Unmeasured,
        because: Some(because("no_such_group", "no such group; the nearest is orders-processor")),
        window: Counts::default(),
        total: Counts::default(),
        measured_since: None,
        coverage: 1.0,
        budget_remaining: None,
        exhausted_in: None,
        burn_rates: vec![burn(HOUR, None, 1.0)],
        governing: None,
        worst_partitions: Vec::new(),
        ..orders_on_time()
    }
}
