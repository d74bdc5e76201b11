//! Prometheus metrics: one page per tick, rendered straight from the snapshots and shared by every scrape.
//! Never fetches, never measures: what a snapshot does not hold has no series.

use std::sync::Arc;

use anyhow::Result;

use crate::model::{ClusterName, Metric, Snapshot};

mod alert;
mod broker;
mod cluster;
mod exposition;
mod group;
mod latency;
mod own;
mod process;
mod slo;
mod text;
mod topic;

pub use broker::BrokerRtt;
pub use exposition::Exposition;
pub use own::OwnMetrics;
pub(crate) use slo::{burn_rates, counted, unmeasured as unmeasured_slos};

/// Renders and publishes a page per tick, reusing its memory.
#[derive(Debug)]
pub struct Exporter {
    own: Arc<OwnMetrics>,
    exposition: Arc<Exposition>,
    spare: Vec<u8>,
}

impl Exporter {
    /// Publishes into `exposition`, with the daemon's own metrics at the end of each page.
    #[must_use]
    pub fn new(own: Arc<OwnMetrics>, exposition: Arc<Exposition>) -> Self {
        Self { own, exposition, spare: Vec::new() }
    }

    /// Publishes the page of one tick: the latest snapshot of every cluster, each cluster once, and the round
    /// trips to their brokers. Call it once at the start without any, so that the first scrape is not empty.
    ///
    /// # Errors
    /// When the daemon's own metrics cannot be encoded; the page before stays then.
    pub fn publish(
        &mut self,
        snapshots: &[Arc<Snapshot>],
        round_trips: &[(ClusterName, Vec<BrokerRtt>)],
    ) -> Result<()> {
        let mut text = std::mem::take(&mut self.spare);
        text.clear();
        render(snapshots, &mut text);
        let mut page = text::Page::new(&mut text);
        broker::render(round_trips, &mut page);
        page.family(Metric::BuildInfo).sample(&[env!("CARGO_PKG_VERSION")], 1_u32);
        process::render(&mut page);
        self.own.render(&mut text)?;
        self.spare = self.exposition.publish(text);
        Ok(())
    }
}

/// Appends everything that the snapshots hold, grouped by metric over all clusters. A cluster that its last
/// tick could not measure has counters, `plimsoll_up` 0 and the reason, and no gauges of Kafka's; what was counted for
/// SLOs stays, and alerts stay as they are.
pub fn render(snapshots: &[Arc<Snapshot>], into: &mut Vec<u8>) {
    let mut page = text::Page::new(into);
    cluster::render(snapshots, &mut page);
    topic::render(snapshots, &mut page);
    group::render(snapshots, &mut page);
    latency::render(snapshots, &mut page);
    slo::render(snapshots, &mut page);
    alert::render(snapshots, &mut page);
}
