//! *Kafka consumer groups*.

use super::json::{Dashboard, Kind, panel};

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        file: "plimsoll-groups",
        title: "Kafka consumer groups",
        description: "How far consumer groups are behind, for how long, and whether they keep up.",
        variables: &[
            ("group", "Group", "label_values(kafka_consumergroup_members{cluster=~\"$cluster\"}, consumergroup)"),
            (
                "topic",
                "Topic",
                "label_values(kafka_consumergroup_lag_sum{cluster=~\"$cluster\", consumergroup=~\"$group\"}, topic)",
            ),
        ],
        panels: vec![
            panel(
                "Lag",
                "Records that the group has not committed yet. A gap is a lag that could not be measured.",
                "short",
                r#"kafka_consumergroup_lag_sum{cluster=~"$cluster", consumergroup=~"$group", topic=~"$topic"}"#,
                "{{consumergroup}} {{topic}}",
            ),
            panel(
                "Time lag",
                "Age of the oldest record that the group has not committed.",
                "s",
                r#"kafka_consumergroup_lag_seconds_max{cluster=~"$cluster", consumergroup=~"$group", topic=~"$topic"}"#,
                "{{consumergroup}} {{topic}}",
            ),
            panel(
                "Retention ETA",
                "Time until retention may delete records that the group has not committed; absent when it will not.",
                "s",
                r#"kafka_consumergroup_retention_eta_seconds{cluster=~"$cluster", consumergroup=~"$group", topic=~"$topic"}"#,
                "{{consumergroup}} {{topic}}",
            ),
            panel(
                "Appended",
                "Records appended to the topic per second.",
                "short",
                r#"rate(kafka_topic_appended_records_total{cluster=~"$cluster", topic=~"$topic"}[$__rate_interval])"#,
                "{{topic}}",
            ),
            panel(
                "Consumed",
                "Records per second that the group has committed for the first time.",
                "short",
                r#"rate(kafka_consumergroup_consumed_records_total{cluster=~"$cluster", consumergroup=~"$group", topic=~"$topic"}[$__rate_interval])"#,
                "{{consumergroup}} {{topic}}",
            ),
            panel(
                "Lost",
                "Records that retention deleted before the group committed them.",
                "short",
                r#"increase(kafka_consumergroup_lost_records_total{cluster=~"$cluster", consumergroup=~"$group", topic=~"$topic"}[$__rate_interval])"#,
                "{{consumergroup}} {{topic}}",
            ),
            panel(
                "Latency, from append to commit",
                "How many records took how long until they were committed: one count per record.",
                "s",
                r#"sum by (le) (increase(kafka_consumergroup_latency_seconds_bucket{cluster=~"$cluster", consumergroup=~"$group", topic=~"$topic"}[$__rate_interval]))"#,
                "{{le}}",
            )
            .kind(Kind::Heatmap)
            .width(12),
            panel(
                "Latency, 99th percentile",
                "Of all records together, not an average of percentiles; exact to the width of a bucket.",
                "s",
                r#"histogram_quantile(0.99, sum by (le, consumergroup) (rate(kafka_consumergroup_latency_seconds_bucket{cluster=~"$cluster", consumergroup=~"$group", topic=~"$topic"}[$__rate_interval])))"#,
                "{{consumergroup}}",
            )
            .width(12),
            panel(
                "State",
                "The state that each group is in.",
                "short",
                r#"kafka_consumergroup_state{cluster=~"$cluster", consumergroup=~"$group"} == 1"#,
                "{{consumergroup}} {{state}}",
            )
            .kind(Kind::Table),
            panel(
                "Members",
                "Members of the group.",
                "short",
                r#"kafka_consumergroup_members{cluster=~"$cluster", consumergroup=~"$group"}"#,
                "{{consumergroup}}",
            ),
            panel(
                "Stuck",
                "1 when there is lag and no commit has made progress for longer than the window.",
                "bool_yes_no",
                r#"kafka_consumergroup_stuck{cluster=~"$cluster", consumergroup=~"$group"}"#,
                "{{consumergroup}}",
            ),
        ],
    }
}
