//! The catalogue: every metric that Plimsoll exports, with its type, help and labels.
//! The one place where a metric's name is written; exporters, rules, dashboards and tests read it here.

/// How Prometheus reads a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only ever grows while the process lives.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Quantiles, with a sum and a count.
    Summary,
    /// Counts by upper bound, with a count, and with a sum where that is known.
    Histogram,
}

impl MetricKind {
    /// The word of a `# TYPE` line.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Summary => "summary",
            Self::Histogram => "histogram",
        }
    }
}

macro_rules! catalogue {
    ($($metric:ident $name:literal $kind:ident [$($label:literal)*] $help:literal)*) => {
        /// Every exported metric.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Metric {
            $(#[doc = $help] $metric,)*
        }

        impl Metric {
            /// Every metric, in the order in which they are exported.
            pub const ALL: &[Self] = &[$(Self::$metric),*];

            /// The name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$metric => $name,)* }
            }

            /// Counter, gauge, summary or histogram.
            #[must_use]
            pub const fn kind(self) -> MetricKind {
                match self { $(Self::$metric => MetricKind::$kind,)* }
            }

            /// One line for people. Free of backslashes and line breaks, so it needs no escaping.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $(Self::$metric => $help,)* }
            }

            /// The label names in the order in which they are exported. `quantile` and `le`, which
            /// summaries and histograms add themselves, are not among them. An alert has those of them that it
            /// needs, and its rule's own behind them.
            #[must_use]
            pub const fn labels(self) -> &'static [&'static str] {
                match self { $(Self::$metric => &[$($label),*],)* }
            }
        }
    };
}

catalogue! {
    Up "plimsoll_up" Gauge ["cluster"]
        "1 when the last tick measured the cluster, 0 when it could not."
    ClusterInfo "plimsoll_cluster_info" Gauge ["cluster" "commit_source" "clock" "cluster_id"]
        "Always 1: how commits are read, whose clock tells when they are complete, and the cluster's own id."
    Unmeasured "plimsoll_unmeasured" Gauge ["cluster" "subject" "name" "reason"]
        "1 for each thing that cannot be measured now, by name and reason."
    TimeLookups "plimsoll_time_lookups_total" Counter ["cluster"]
        "Questions asked to the brokers' time index."
    TimeLookupBacklogSeconds "plimsoll_time_lookup_backlog_seconds" Gauge ["cluster"]
        "Age of the oldest open question to the brokers' time index, 0 when none is open."
    Series "plimsoll_series" Gauge ["cluster"]
        "Series held in the in-memory history."
    SeriesDropped "plimsoll_series_dropped_total" Counter ["cluster"]
        "Series refused by the in-memory history because its budget was used up."

    Brokers "kafka_brokers" Gauge ["cluster"]
        "Brokers that are alive."
    BrokerInfo "kafka_broker_info" Gauge ["cluster" "id" "address"]
        "Always 1: the address that a living broker advertises."
    BrokerUp "kafka_broker_up" Gauge ["cluster" "id"]
        "1 while the broker is alive, 0 for a broker that was seen before and is missing."
    BrokerRequestRttSeconds "kafka_broker_request_rtt_seconds" Summary ["cluster" "id"]
        "Round-trip time of requests to the broker, over the last statistics interval."

    TopicPartitions "kafka_topic_partitions" Gauge ["cluster" "topic"]
        "Partitions of the topic."
    PartitionCurrentOffset "kafka_topic_partition_current_offset" Gauge ["cluster" "topic" "partition"]
        "End of the partition's log: its high watermark."
    PartitionOldestOffset "kafka_topic_partition_oldest_offset" Gauge ["cluster" "topic" "partition"]
        "First offset that is still in the partition's log."
    PartitionLastStableOffset "kafka_topic_partition_last_stable_offset" Gauge ["cluster" "topic" "partition"]
        "Offset at which a read_committed consumer has to stop."
    PartitionLeader "kafka_topic_partition_leader" Gauge ["cluster" "topic" "partition"]
        "Id of the broker that leads the partition, absent while none does."
    PartitionLeaderIsPreferred "kafka_topic_partition_leader_is_preferred" Gauge ["cluster" "topic" "partition"]
        "1 when the preferred replica leads the partition."
    PartitionReplicas "kafka_topic_partition_replicas" Gauge ["cluster" "topic" "partition"]
        "Replicas assigned to the partition."
    PartitionInSyncReplica "kafka_topic_partition_in_sync_replica" Gauge ["cluster" "topic" "partition"]
        "Replicas of the partition that are in sync."
    PartitionUnderReplicated
        "kafka_topic_partition_under_replicated_partition" Gauge ["cluster" "topic" "partition"]
        "1 when fewer replicas are in sync than are assigned."
    PartitionUnderMinIsr "kafka_topic_partition_under_min_isr" Gauge ["cluster" "topic" "partition"]
        "1 when fewer replicas are in sync than min.insync.replicas asks for."
    PartitionAtMinIsr "kafka_topic_partition_at_min_isr" Gauge ["cluster" "topic" "partition"]
        "1 when exactly as many replicas are in sync as min.insync.replicas asks for."
    PartitionOffline "kafka_topic_partition_offline" Gauge ["cluster" "topic" "partition"]
        "1 while no broker leads the partition."
    TopicAppendedRecords "kafka_topic_appended_records_total" Counter ["cluster" "topic"]
        "Records appended to the topic since the daemon first saw it."

    GroupCurrentOffset
        "kafka_consumergroup_current_offset" Gauge ["cluster" "consumergroup" "topic" "partition"]
        "Offset that the group has committed."
    GroupLag "kafka_consumergroup_lag" Gauge ["cluster" "consumergroup" "topic" "partition"]
        "Records between the committed offset, or the log start if that is later, and the end."
    GroupLagSeconds "kafka_consumergroup_lag_seconds" Gauge ["cluster" "consumergroup" "topic" "partition"]
        "Age of the oldest record that the group has not committed, 0 when nothing lags."
    GroupCurrentOffsetSum "kafka_consumergroup_current_offset_sum" Gauge ["cluster" "consumergroup" "topic"]
        "Sum of the group's committed offsets over the topic's partitions."
    GroupLagSum "kafka_consumergroup_lag_sum" Gauge ["cluster" "consumergroup" "topic"]
        "Lag in records over all partitions with a commit, absent while one of them is unmeasured."
    GroupLagSecondsMax "kafka_consumergroup_lag_seconds_max" Gauge ["cluster" "consumergroup" "topic"]
        "Time lag of the worst partition, absent while one of them is unmeasured."
    GroupNotDecreasing "kafka_consumergroup_not_decreasing" Gauge ["cluster" "consumergroup" "topic"]
        "1 when there is lag and it was nowhere lower than at the start of the window."
    GroupRetentionEtaSeconds
        "kafka_consumergroup_retention_eta_seconds" Gauge ["cluster" "consumergroup" "topic"]
        "Time until retention may delete records that the group has not committed, absent when it will not."
    GroupConsumedRecords "kafka_consumergroup_consumed_records_total" Counter ["cluster" "consumergroup" "topic"]
        "Records whose first commit by the group was seen."
    GroupLostRecords "kafka_consumergroup_lost_records_total" Counter ["cluster" "consumergroup" "topic"]
        "Records that retention deleted before the group committed them."
    GroupCommits "kafka_consumergroup_commits_total" Counter ["cluster" "consumergroup" "topic"]
        "Commits of the group that were seen, absent while commits are polled."
    GroupCommitIntervalSeconds
        "kafka_consumergroup_commit_interval_seconds" Gauge ["cluster" "consumergroup" "topic"]
        "Median time between commits that moved a partition, over the last hour."
    GroupLatencySeconds "kafka_consumergroup_latency_seconds" Histogram ["cluster" "consumergroup" "topic"]
        "Time from append to commit, one count per record at its first commit. Has no sum: that is not known exactly."
    GroupMembers "kafka_consumergroup_members" Gauge ["cluster" "consumergroup"]
        "Members of the group."
    GroupState "kafka_consumergroup_state" Gauge ["cluster" "consumergroup" "state"]
        "1 for the group's current state, 0 for every other one."
    GroupStuck "kafka_consumergroup_stuck" Gauge ["cluster" "consumergroup"]
        "1 when there is lag and no commit has made progress for longer than the window, in any topic."

    SloObjectiveRatio "plimsoll_slo_objective_ratio" Gauge ["cluster" "slo" "consumergroup" "topic"]
        "Share of events that the SLO promises to be good."
    SloErrorBudgetRemainingRatio
        "plimsoll_slo_error_budget_remaining_ratio" Gauge ["cluster" "slo" "consumergroup" "topic"]
        "Share of the window's error budget that is left, negative when more than all of it is used."
    SloCoverageRatio "plimsoll_slo_coverage_ratio" Gauge ["cluster" "slo" "consumergroup" "topic"]
        "Share of the window's events that could be measured, 1 without traffic."
    SloEvents "plimsoll_slo_events_total" Counter ["cluster" "slo" "consumergroup" "topic" "outcome"]
        "Records or slices that were judged good, bad or unmeasured, each once. Survives restarts."
    SloBurnRateRatio "plimsoll_slo_burn_rate_ratio" Gauge ["cluster" "slo" "consumergroup" "topic" "window"]
        "How fast the window burns the error budget: 1 uses it up exactly. Absent when the window holds nothing measured."
    Alerts "ALERTS" Gauge
        ["cluster" "alertname" "alertstate" "severity" "slo" "consumergroup" "topic" "partition" "unmeasured"]
        "Always 1: a pending or firing alert, or an SLO that pages or asks for a ticket; with its rule's own labels."

    CycleSeconds "plimsoll_cycle_seconds" Histogram ["cluster"]
        "Time to read and judge the cluster once."
    KafkaRequestSeconds "plimsoll_kafka_request_seconds" Histogram ["cluster" "request"]
        "Time until Kafka has answered a request."
    TimeLookupBudget "plimsoll_time_lookup_budget" Gauge ["cluster"]
        "Questions that one cycle may ask to the brokers' time index."
    StateWriteSeconds "plimsoll_state_write_seconds" Histogram []
        "Time to make what a tick has changed durable."
    StateFileBytes "plimsoll_state_file_bytes" Gauge []
        "Size of the state file."
    StateFailures "plimsoll_state_failures_total" Counter []
        "Times that the state could not be made durable."
    ConfigLastReloadSuccessful "plimsoll_config_last_reload_successful" Gauge []
        "1 when the settings that were read last are in use, 0 when they have a problem and those of before stay."
    ConfigLastReloadSuccessTimestampSeconds "plimsoll_config_last_reload_success_timestamp_seconds" Gauge []
        "When the settings that are in use were read, in seconds since 1970."
    Notifications "plimsoll_notifications_total" Counter ["receiver" "outcome"]
        "Times that a receiver was told, by outcome: delivered, failed (it is tried again) or refused (it is not)."
    NotificationQueueOldestSeconds "plimsoll_notification_queue_oldest_seconds" Gauge ["receiver"]
        "How long the oldest incident waits that the receiver is owed, 0 when none does."
    ReceiverUp "plimsoll_receiver_up" Gauge ["receiver"]
        "1 when the receiver has taken the last message, 0 when it has not; absent before the first."
    Incidents "plimsoll_incidents" Gauge ["cluster" "state" "severity"]
        "Incidents that are open, or open and silenced."
    Scrapes "plimsoll_scrapes_total" Counter []
        "Requests for /metrics that were answered."
    BuildInfo "plimsoll_build_info" Gauge ["version"]
        "Always 1: the version of this daemon."
    ProcessCpuSeconds "process_cpu_seconds_total" Counter []
        "Time that the daemon has spent on the processor, in user and system mode."
    ProcessResidentMemoryBytes "process_resident_memory_bytes" Gauge []
        "Memory of the daemon that is resident."
    ProcessOpenFds "process_open_fds" Gauge []
        "File descriptors that the daemon has open."
    ProcessStartTimeSeconds "process_start_time_seconds" Gauge []
        "When the daemon was started, in seconds since 1970."
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_labels_and_help_need_no_escaping() {
        let names: HashSet<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        assert_eq!(names.len(), Metric::ALL.len());
        for metric in Metric::ALL {
            let word = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            // Prometheus' own name for them
            assert!(word(metric.name()) || *metric == Metric::Alerts, "{metric:?}");
            assert!(metric.labels().iter().all(|label| word(label)), "{metric:?}");
            assert!(!metric.help().contains(['\\', '\n']) && metric.help().ends_with('.'), "{metric:?}");
        }
    }

    #[test]
    fn only_counters_end_in_total() {
        for metric in Metric::ALL {
            let is_counter = metric.kind() == MetricKind::Counter;
            assert_eq!(metric.name().ends_with("_total"), is_counter, "{metric:?}");
        }
    }
}
