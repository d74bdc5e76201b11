//! What a tick has found goes to all readers at once: metrics page, API, readiness. Readers never wait for Kafka.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;

use super::watch::lock;
use crate::api::Snapshots;
use crate::export::{BrokerRtt, Exporter, Exposition, OwnMetrics};
use crate::kafka::{BrokerRoundTrip, RequestTiming};
use crate::model::{ClusterName, Snapshot};

/// The latest snapshot of every cluster, and the page made of them.
#[derive(Debug)]
pub(super) struct Publisher {
    own: Arc<OwnMetrics>,
    latest: Mutex<Latest>,
    snapshots: watch::Sender<Snapshots>,
}

#[derive(Debug)]
struct Latest {
    snapshots: BTreeMap<ClusterName, Arc<Snapshot>>,
    round_trips: BTreeMap<ClusterName, Vec<BrokerRtt>>,
    exporter: Exporter,
}

impl Publisher {
    pub(super) fn new(own: Arc<OwnMetrics>, exposition: Arc<Exposition>) -> Self {
        let exporter = Exporter::new(Arc::clone(&own), exposition);
        let latest = Latest { snapshots: BTreeMap::new(), round_trips: BTreeMap::new(), exporter };
        let (snapshots, _) = watch::channel(Snapshots::from([]));
        Self { own, latest: Mutex::new(latest), snapshots }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Snapshots> {
        self.snapshots.subscribe()
    }

    pub(super) fn observe(&self, cluster: &ClusterName, took: Duration, timings: &[RequestTiming]) {
        self.own.observe_cycle(cluster, took);
        for timing in timings {
            self.own.observe_request(cluster, timing.request, timing.took);
        }
    }

    /// Makes `snapshot` what all readers see of its cluster. Rendering takes milliseconds at any size that is
    /// watched in one process, but not on the thread that answers scrapes.
    ///
    /// # Errors
    /// When the page cannot be rendered.
    pub(super) async fn publish(
        self: &Arc<Self>,
        snapshot: Snapshot,
        round_trips: Vec<BrokerRoundTrip>,
    ) -> anyhow::Result<()> {
        let publisher = Arc::clone(self);
        let span = tracing::info_span!("export");
        let rendered = tokio::task::spawn_blocking(move || {
            span.in_scope(|| publisher.publish_now(snapshot, round_trips))
        });
        rendered.await.context("rendering the metrics panicked")?
    }

    pub(super) fn publish_now(
        &self,
        snapshot: Snapshot,
        round_trips: Vec<BrokerRoundTrip>,
    ) -> anyhow::Result<()> {
        let mut latest = lock(&self.latest);
        let latest = &mut *latest;
        let cluster = snapshot.cluster.clone();
        latest.round_trips.insert(cluster.clone(), round_trips.into_iter().map(BrokerRtt::from).collect());
        latest.snapshots.insert(cluster, Arc::new(snapshot));
        let snapshots: Snapshots = latest.snapshots.values().cloned().collect();
        let round_trips: Vec<_> =
            latest.round_trips.iter().map(|(cluster, rtt)| (cluster.clone(), rtt.clone())).collect();
        latest.exporter.publish(&snapshots, &round_trips).context("rendering the metrics")?;
        self.snapshots.send_replace(snapshots);
        Ok(())
    }
}

impl From<BrokerRoundTrip> for BrokerRtt {
    fn from(measured: BrokerRoundTrip) -> Self {
        Self {
            broker_id: measured.broker_id,
            quantiles: measured.quantiles,
            sum_seconds: measured.sum_seconds,
            count: measured.count,
        }
    }
}
