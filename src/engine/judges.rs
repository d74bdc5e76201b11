//! Those who judge what was measured: promises, then thresholds, then incidents, which see what both have found.
//! An outage leaves all three as they are or makes them unmeasured, never fine.

use std::sync::Arc;

use super::EngineConfig;
use crate::alert::{AlertInput, Alerts, IncidentInput, Incidents};
use crate::model::{AlertView, BrokerView, ClusterName, Damaged, Incident, Row, SloView, Timestamp};
use crate::slo::{NotReloaded, Slos, TickInput, UnknownTimeZone};

/// The judges of one cluster.
#[derive(Debug)]
pub(super) struct Judges {
    pub(super) slos: Slos,
    pub(super) alerts: Alerts,
    incidents: Incidents,
    /// What was last judged. An outage that is no tick of its own does not change it.
    pub(super) judged: Verdicts,
}

/// Where the promises, the alerts and the incidents stand.
#[derive(Debug, Clone, Default)]
pub(super) struct Verdicts {
    pub(super) slos: Vec<SloView>,
    pub(super) alerts: Vec<AlertView>,
    pub(super) incidents: Arc<[Arc<Incident>]>,
}

impl Judges {
    /// Nothing is judged yet.
    pub(super) fn new(cluster: ClusterName, config: EngineConfig) -> Result<Self, UnknownTimeZone> {
        Ok(Self {
            incidents: Incidents::new(cluster, names(&config)),
            slos: Slos::new(config.slos)?,
            alerts: Alerts::new(config.alerts),
            judged: Verdicts::default(),
        })
    }

    /// See [`super::Engine::reload`].
    pub(super) fn reload(&mut self, config: EngineConfig) -> Result<(), NotReloaded> {
        let names: Vec<_> = names(&config).collect();
        let slos = self.slos.prepare(config.slos)?;
        let alerts = self.alerts.prepare(config.alerts)?;
        self.slos.go_on_as(slos);
        self.alerts.go_on_as(alerts);
        self.incidents.go_by(names);
        Ok(())
    }

    pub(super) fn restore(&mut self, rows: &[Row]) -> Result<(), Damaged> {
        self.slos.restore(rows)?;
        self.alerts.restore(rows)?;
        self.incidents.restore(rows)
    }

    pub(super) fn changed_rows(&mut self, rows: &mut Vec<Row>) {
        rows.extend(self.slos.changed_rows());
        rows.extend(self.alerts.changed_rows());
        rows.extend(self.incidents.changed_rows());
    }

    /// `input.now` is the brokers' time, by which promises go; `now` is the daemon's.
    pub(super) fn observe(&mut self, input: &TickInput<'_>, brokers: &[BrokerView], now: Timestamp) {
        let TickInput { up, topics, groups, groups_complete, .. } = *input;
        let slos = self.slos.observe(input);
        let alerts = self.alerts.observe(&AlertInput { now, up, topics, groups, groups_complete });
        let incidents = self.incidents.observe(&IncidentInput {
            now,
            up,
            slos: &slos,
            alerts: &alerts,
            topics,
            groups,
            brokers,
        });
        self.judged = Verdicts { slos, alerts, incidents };
    }
}

fn names(config: &EngineConfig) -> impl Iterator<Item = Arc<str>> + use<'_> {
    config.alerts.iter().map(|rule| Arc::clone(&rule.name))
}
