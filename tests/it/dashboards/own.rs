//! *Plimsoll itself*.

use super::json::{Dashboard, Kind, panel};

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        file: "plimsoll-itself",
        title: "Plimsoll itself",
        description: "Whether the daemon measures, what that costs, and whether people are told.",
        variables: &[],
        panels: vec![
            panel(
                "Measured",
                "1 when the last tick measured the cluster.",
                "bool_yes_no",
                r#"plimsoll_up{cluster=~"$cluster"}"#,
                "{{cluster}} {{instance}}",
            )
            .kind(Kind::Stat),
            panel(
                "Where commits come from",
                "The commit log, or polls; and whose clock tells when commits are complete.",
                "short",
                r#"plimsoll_cluster_info{cluster=~"$cluster"}"#,
                "{{cluster}} {{commit_source}}",
            )
            .kind(Kind::Table)
            .width(16),
            panel(
                "Cycle time, 99th percentile",
                "Time to read and judge a cluster once; as long as it is below the poll interval, nothing is late.",
                "s",
                r#"histogram_quantile(0.99, sum by (le, cluster, instance) (rate(plimsoll_cycle_seconds_bucket{cluster=~"$cluster"}[$__rate_interval])))"#,
                "{{cluster}} {{instance}}",
            ),
            panel(
                "Requests to Kafka",
                "Per second, by kind.",
                "reqps",
                r#"sum by (request) (rate(plimsoll_kafka_request_seconds_count{cluster=~"$cluster"}[$__rate_interval]))"#,
                "{{request}}",
            ),
            panel(
                "Time of a request, 99th percentile",
                "Until Kafka has answered, by kind.",
                "s",
                r#"histogram_quantile(0.99, sum by (le, request) (rate(plimsoll_kafka_request_seconds_bucket{cluster=~"$cluster"}[$__rate_interval])))"#,
                "{{request}}",
            ),
            panel(
                "Time lookups",
                "Questions to the brokers' time index per second, and how many one cycle may ask.",
                "short",
                r#"rate(plimsoll_time_lookups_total{cluster=~"$cluster"}[$__rate_interval])"#,
                "asked {{cluster}}",
            )
            .and(r#"plimsoll_time_lookup_budget{cluster=~"$cluster"}"#, "budget {{cluster}}"),
            panel(
                "Age of the oldest open lookup",
                "Judging is so late; never wrong for it.",
                "s",
                r#"plimsoll_time_lookup_backlog_seconds{cluster=~"$cluster"}"#,
                "{{cluster}}",
            ),
            panel(
                "Time to write the state, 99th percentile",
                "Until what a tick has changed is durable.",
                "s",
                r#"histogram_quantile(0.99, sum by (le, instance) (rate(plimsoll_state_write_seconds_bucket[$__rate_interval])))"#,
                "{{instance}}",
            ),
            panel(
                "Waiting to be told",
                "How long the oldest incident waits that a receiver is owed.",
                "s",
                r#"plimsoll_notification_queue_oldest_seconds"#,
                "{{receiver}}",
            ),
            panel(
                "Told, failed, refused",
                "Times per second that a receiver was told, could not be told, or has refused.",
                "short",
                r#"sum by (receiver, outcome) (rate(plimsoll_notifications_total[$__rate_interval]))"#,
                "{{receiver}} {{outcome}}",
            ),
            panel(
                "Receivers",
                "1 when a receiver has taken the last message.",
                "bool_yes_no",
                r#"plimsoll_receiver_up"#,
                "{{receiver}}",
            )
            .kind(Kind::Stat),
            panel(
                "Memory",
                "Resident.",
                "bytes",
                r#"process_resident_memory_bytes{job=~".*plimsoll.*"}"#,
                "{{instance}}",
            ),
            panel(
                "Processor",
                "Seconds of one core per second.",
                "short",
                r#"rate(process_cpu_seconds_total{job=~".*plimsoll.*"}[$__rate_interval])"#,
                "{{instance}}",
            ),
            panel("State file", "Its size.", "bytes", r#"plimsoll_state_file_bytes"#, "{{instance}}"),
        ],
    }
}
