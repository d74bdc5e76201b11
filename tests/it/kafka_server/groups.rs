//! What Kafka's own tool says of consumer groups: the oracle that lag is compared with.

use super::KafkaCluster;

const TOOL: &str = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";

/// One line of `kafka-consumer-groups --describe`; what the tool shows as `-` is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DescribedPartition {
    pub(crate) group: String,
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) current: Option<u64>,
    pub(crate) end: Option<u64>,
    /// As the tool counts it: end − current, also below the log start.
    pub(crate) lag: Option<u64>,
}

impl KafkaCluster {
    /// All groups of the cluster, sorted by group, topic and partition. Starts a JVM.
    pub(crate) fn consumer_groups_describe(&self) -> Vec<DescribedPartition> {
        let server = self.inner_bootstrap_server();
        parse_description(
            &self.java.run(TOOL, &["--bootstrap-server", &server, "--describe", "--all-groups"]),
        )
    }

    /// On all partitions of `topic`, or to what is nearest there; the group must have no members. Starts a JVM.
    pub(crate) fn reset_offsets(&self, group: &str, topic: &str, offset: u64) {
        let reset = self.try_reset_offsets(group, topic, offset);
        reset.unwrap_or_else(|said| panic!("offsets of {group} were not reset:\n{said}"));
    }

    /// As [`Self::reset_offsets`]; what the tool has said when it has not done it.
    pub(crate) fn try_reset_offsets(&self, group: &str, topic: &str, offset: u64) -> Result<(), String> {
        let (server, offset) = (self.inner_bootstrap_server(), offset.to_string());
        let mut arguments = vec!["--bootstrap-server", &server, "--reset-offsets", "--execute"];
        arguments.extend(["--group", group, "--topic", topic, "--to-offset", &offset]);
        let said = self.java.run(TOOL, &arguments);
        // The tool reports most of its errors with exit code 0.
        if said.contains("NEW-OFFSET") && !said.contains("Error:") { Ok(()) } else { Err(said) }
    }
}

/// The tables that the tool prints, one per group, each with a heading of its own; sentences between them are skipped.
fn parse_description(said: &str) -> Vec<DescribedPartition> {
    let mut rows: Vec<DescribedPartition> = said
        .lines()
        .filter_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let [group, topic, partition, current, end, lag, _consumer, _host, _client] = columns[..] else {
                return None;
            };
            // Headings, and members without a partition, have no number here.
            let partition = partition.parse().ok()?;
            let number = |column: &str| (column != "-").then(|| column.parse().unwrap());
            Some(DescribedPartition {
                group: group.to_owned(),
                topic: topic.to_owned(),
                partition,
                current: number(current),
                end: number(end),
                lag: number(lag),
            })
        })
        .collect();
    rows.sort_by(|a, b| (&a.group, &a.topic, a.partition).cmp(&(&b.group, &b.topic, b.partition)));
    rows
}

#[test]
fn the_tool_s_table_is_read() {
    let said = "
Consumer group 'late' has no active members.

GROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             CONSUMER-ID     HOST            CLIENT-ID
late            orders          1          -               3               -               -               -               -
late            orders          0          4               10              6               -               -               -

GROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             CONSUMER-ID     HOST            CLIENT-ID
idle            -               -          -               -               -               rdkafka-1       /127.0.0.1      rdkafka
";
    let row = |partition, current, end, lag| DescribedPartition {
        group: "late".to_owned(),
        topic: "orders".to_owned(),
        partition,
        current,
        end: Some(end),
        lag,
    };
    assert_eq!(parse_description(said), [row(0, Some(4), 10, Some(6)), row(1, None, 3, None)]);
}
