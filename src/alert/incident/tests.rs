//! A small cluster by the second: what becomes of what is judged there.

mod law;
mod lives;
mod restart;
mod sights;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::tests::{at, group, lags, seconds, topic};
use super::{IncidentInput, Incidents};
use crate::model::{
    AlertState, AlertView, Because, Broker, BrokerView, Counts, GroupView, Incident, IncidentSource,
    Measured, Millis, Ratio, Reason, Severity, SloInfo, SloState, SloView, TopicView,
};

/// What a tick has judged and measured.
#[derive(Debug, Clone)]
struct World {
    up: Measured<()>,
    slos: Vec<SloView>,
    alerts: Vec<AlertView>,
    topics: Vec<TopicView>,
    groups: Vec<GroupView>,
    brokers: Vec<BrokerView>,
}

impl World {
    fn of(slos: Vec<SloView>, alerts: Vec<AlertView>) -> Self {
        Self { up: Ok(()), slos, alerts, topics: Vec::new(), groups: Vec::new(), brokers: Vec::new() }
    }

    /// `billing` has so much lag on each partition of `orders`.
    fn with_lag(self, lag: &[Measured<u64>]) -> Self {
        Self {
            topics: vec![topic("orders", 0, &[(Some(1), 3)])],
            groups: vec![group("billing", vec![lags(lag)])],
            ..self
        }
    }

    fn with_brokers(self, up: [bool; 2]) -> Self {
        let broker = |(id, up): (i32, bool)| BrokerView { broker: Broker { id, address: "".into() }, up };
        Self { brokers: (1..).zip(up).map(broker).collect(), ..self }
    }

    fn down(self) -> Self {
        Self { up: Err(Reason::Unreachable), topics: Vec::new(), groups: Vec::new(), ..self }
    }

    fn input(&self, second: i64) -> IncidentInput<'_> {
        IncidentInput {
            now: at(second),
            up: self.up,
            slos: &self.slos,
            alerts: &self.alerts,
            topics: &self.topics,
            groups: &self.groups,
            brokers: &self.brokers,
        }
    }
}

/// Of `billing` on `orders`; a minute of silence ends its incidents.
fn slo(state: SloState) -> SloView {
    let info = SloInfo {
        name: "slo".into(),
        description: None,
        indicator: "latency within 100ms".into(),
        unit: "records",
        objective: Ratio::parse("99.9%").unwrap(),
        window: "30d".into(),
        resolve_after: seconds(60),
        labels: Arc::new(BTreeMap::from([("team".into(), "payments".into())])),
        runbook: None,
    };
    let because = Because { label: "low_coverage", sentence: "too little is measured".into() };
    SloView {
        slo: Arc::new(info),
        group: Some("billing".into()),
        topic: Some("orders".into()),
        state,
        state_since: at(0),
        because: (state == SloState::Unmeasured).then_some(because),
        idle: false,
        window: Counts::default(),
        total: Counts::default(),
        measured_since: Some(at(0)),
        coverage: 1.0,
        budget_remaining: Some(0.5),
        exhausted_in: Some(Millis(3_600_000)),
        burn_rates: Vec::new(),
        governing: None,
        unmeasured_alert: false,
        worst_partitions: Vec::new(),
    }
}

/// One that fires, of `billing` on `orders`.
fn alert(name: &str, severity: Severity) -> AlertView {
    AlertView {
        name: name.into(),
        condition: "lag",
        description: Some("too slow".into()),
        state: AlertState::Firing,
        severity,
        group: Some("billing".into()),
        topic: Some("orders".into()),
        partition: None,
        covers: 1,
        summary: "lag is 12, above 10".into(),
        is_true: true,
        value: Some(12.0),
        since: at(0),
        firing_since: Some(at(0)),
        because: None,
        labels: Arc::default(),
        runbook: None,
    }
}

fn many(name: &str, covers: u32) -> AlertView {
    AlertView { group: None, topic: None, covers, ..alert(name, Severity::Ticket) }
}

fn unreachable() -> AlertView {
    AlertView { condition: "unreachable", ..many("down", 1) }
}

fn incidents() -> Incidents {
    Incidents::new("prod".into(), ["lag", "stuck", "down"].map(Arc::from))
}

/// In short: `slo page 2 escalated`, `lag×49 ticket 1 opened (why) inhibited`; of the unmeasured alert `slo?`.
fn shown(incidents: &[Arc<Incident>]) -> String {
    let one = |incident: &Arc<Incident>| {
        let unmeasured = if incident.source == IncidentSource::UnmeasuredSlo { "?" } else { "" };
        let covers = if incident.covers == 1 { String::new() } else { format!("×{}", incident.covers) };
        let mut words = vec![
            format!("{}{unmeasured}{covers}", incident.name),
            incident.severity.label().to_owned(),
            incident.revision.to_string(),
            incident.change.label().to_owned(),
        ];
        words.extend(incident.because.as_ref().map(|because| format!("({})", because.label)));
        words.extend(incident.inhibited.then(|| "inhibited".to_owned()));
        words.join(" ")
    };
    incidents.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What is shown at each second of `ticks`.
#[track_caller]
fn check(ticks: &[(i64, World, &str)]) {
    let mut incidents = incidents();
    for (second, world, expected) in ticks {
        assert_eq!(shown(&incidents.observe(&world.input(*second))), *expected, "at {second}s");
    }
}
