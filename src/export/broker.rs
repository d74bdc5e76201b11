//! The round trips of requests to each broker, as librdkafka's statistics tell them.
//! Never computes a quantile: it writes what it is given.

use super::text::Page;
use crate::model::{ClusterName, Metric};

/// The round-trip times of one broker.
#[derive(Debug, Clone, PartialEq)]
pub struct BrokerRtt {
    /// The broker's node id.
    pub broker_id: i32,
    /// Pairs of a quantile in 0..=1 and the seconds it stands at, over the last statistics interval.
    pub quantiles: Vec<(f64, f64)>,
    /// Seconds spent in all round trips since the daemon started.
    pub sum_seconds: f64,
    /// Round trips since the daemon started.
    pub count: u64,
}

pub(super) fn render(clusters: &[(ClusterName, Vec<BrokerRtt>)], page: &mut Page<'_>) {
    let mut family = page.family(Metric::BrokerRequestRttSeconds);
    for (cluster, brokers) in clusters {
        for broker in brokers {
            let mut id = itoa::Buffer::new();
            let labels = [cluster.as_str(), id.format(broker.broker_id)];
            for (quantile, seconds) in broker.quantiles.iter().filter(|(_, seconds)| seconds.is_finite()) {
                family.part("", &labels, Some(("quantile", &quantile.to_string())), *seconds);
            }
            family.part("_sum", &labels, None, broker.sum_seconds);
            family.part("_count", &labels, None, broker.count);
        }
    }
}
