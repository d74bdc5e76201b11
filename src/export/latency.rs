//! The histogram of append-to-commit latencies. It has buckets and a count, but no sum: only on which side of a bound a
//! record lies is known exactly, and an estimate would look like a measurement. Prometheus' text format and OpenMetrics
//! both leave the sum free; quantiles and shares need none.

use std::sync::Arc;

use super::text::Page;
use crate::model::{LatencyHistogram, Metric, Millis, Snapshot};

/// Counts do not age: they stay while the cluster is down or the group cannot be read.
pub(super) fn render(snapshots: &[Arc<Snapshot>], page: &mut Page<'_>) {
    let mut family = page.family(Metric::GroupLatencySeconds);
    let mut bounds = Bounds::default();
    for snapshot in snapshots {
        for group in &snapshot.groups {
            for topic in &group.topics {
                let Some(histogram) = topic.latency.as_deref() else { continue };
                let labels = [snapshot.cluster.as_str(), group.group.as_str(), topic.topic.as_str()];
                let mut below = 0_u64;
                for (bound, count) in bounds.of(histogram).iter().zip(&histogram.counts) {
                    below = below.saturating_add(*count);
                    family.part("_bucket", &labels, Some(("le", bound)), below);
                }
                family.part("_bucket", &labels, Some(("le", "+Inf")), histogram.count());
                family.part("_count", &labels, None, histogram.count());
            }
        }
    }
}

/// Bounds as `le` writes them, in seconds. Most histograms have the same ones, so they are kept.
#[derive(Default)]
struct Bounds {
    of: Option<Arc<[Millis]>>,
    written: Vec<String>,
}

impl Bounds {
    fn of(&mut self, histogram: &LatencyHistogram) -> &[String] {
        if self.of.as_ref() != Some(&histogram.bounds) {
            self.of = Some(Arc::clone(&histogram.bounds));
            self.written = histogram.bounds.iter().map(|bound| bound.as_seconds().to_string()).collect();
        }
        &self.written
    }
}
