//! What cannot be known has a name, and nothing else suffers from it.

mod acl;
mod coordinator;
mod leader;
mod outage;
mod rights;

use crate::program::Page;

/// The lag of a group in one partition, as exported.
fn lag(page: &Page, group: &str, topic: &str, partition: u32) -> Option<f64> {
    let partition = partition.to_string();
    let labels = [("consumergroup", group), ("topic", topic), ("partition", &partition)];
    page.value("kafka_consumergroup_lag", &labels)
}

fn lag_sum(page: &Page, group: &str, topic: &str) -> Option<f64> {
    page.value("kafka_consumergroup_lag_sum", &[("consumergroup", group), ("topic", topic)])
}

fn end(page: &Page, topic: &str, partition: u32) -> Option<f64> {
    let partition = partition.to_string();
    page.value("kafka_topic_partition_current_offset", &[("topic", topic), ("partition", &partition)])
}

fn appended(page: &Page, topic: &str) -> Option<f64> {
    page.value("kafka_topic_appended_records_total", &[("topic", topic)])
}
