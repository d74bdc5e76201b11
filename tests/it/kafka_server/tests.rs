//! The harness, tested: that it shows what is there, and that it can tell when something is not.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::Offset;

use super::admin::AclResource;
use super::groups::DescribedPartition;
use super::member::GroupMember;
use super::process::BrokerProcess;
use super::wait::{try_wait_for, wait_for, wait_until};
use super::{KafkaCluster, KafkaSpec, KafkaVersion, PATIENCE, REQUEST, Security, unique};

/// For what shall not happen: long beside the milliseconds it would take.
const NOT_WITHIN: Duration = Duration::from_secs(3);

/// Partition, committed offset and lag of each line that Kafka's tool shows of `group`.
fn described(cluster: &KafkaCluster, group: &str) -> Vec<(i32, Option<u64>, Option<u64>)> {
    let of_group = |row: &DescribedPartition| row.group == group;
    let rows = cluster.consumer_groups_describe().into_iter().filter(of_group);
    rows.map(|row| (row.partition, row.current, row.lag)).collect()
}

/// First and end offset of a partition, as a client with `isolation` may see them.
fn offsets(cluster: &KafkaCluster, topic: &str, partition: i32, isolation: &str) -> (i64, i64) {
    let client: BaseConsumer = cluster.client_config(&[("isolation.level", isolation)]).create().unwrap();
    wait_for("watermarks", PATIENCE, || client.fetch_watermarks(topic, partition, REQUEST).ok())
}

/// A client of the listener for the program under test.
fn outer_client(cluster: &KafkaCluster, properties: Vec<(String, String)>) -> BaseConsumer {
    let mut config: ClientConfig = properties.into_iter().collect();
    config
        .set("bootstrap.servers", cluster.bootstrap_server())
        .set("log_level", "0")
        .set("group.id", "watcher");
    config.create().unwrap()
}

/// The names of the topics that `client` may see, once it gets any answer within `within`.
fn visible_topics(client: &BaseConsumer, within: Duration) -> Option<Vec<String>> {
    // A client reports its failures to connect only where it is polled.
    let metadata = try_wait_for(within, || client.fetch_metadata(None, within).ok())?;
    Some(metadata.topics().iter().map(|topic| topic.name().to_owned()).collect())
}

#[test]
fn kafka_s_own_tool_sees_what_was_produced_and_committed() {
    for version in KafkaVersion::ALL {
        let cluster = KafkaCluster::shared(version);
        let (topic, group) = (unique("orders"), unique("late"));
        cluster.create_topic(&topic, 2, &[]);
        cluster.produce(&topic, 0, 10);
        cluster.commit_offset(&group, &topic, 0, 4);
        assert_eq!(described(cluster, &group), [(0, Some(4), Some(6))]);

        cluster.reset_offsets(&group, &topic, 1);
        assert_eq!(described(cluster, &group), [(0, Some(1), Some(9)), (1, Some(0), Some(0))]);
        cluster.delete_group(&group);
        assert_eq!(described(cluster, &group), []);
    }
}

#[test]
fn members_join_consume_commit_and_leave() {
    type Join = fn(&KafkaCluster, &str, &str) -> GroupMember;
    let cases: [(KafkaVersion, Join); 3] = [
        (KafkaVersion::V3_9, GroupMember::join_classic),
        (KafkaVersion::V4_1, GroupMember::join_classic),
        (KafkaVersion::V4_1, GroupMember::join_consumer_protocol),
    ];
    for (version, join) in cases {
        let cluster = KafkaCluster::shared(version);
        let (topic, group) = (unique("orders"), unique("members"));
        cluster.create_topic(&topic, 2, &[]);
        cluster.produce(&topic, 0, 5);
        let member = join(cluster, &group, &topic);
        let both = [(topic.clone(), 0), (topic.clone(), 1)];
        assert_eq!(member.assignment(), Some(both.iter().cloned().collect()));
        assert_eq!(member.consume_and_commit(3), BTreeMap::from([(both[0].clone(), 3)]));
        assert_eq!(described(cluster, &group), [(0, Some(3), Some(2)), (1, None, None)]);

        let second = join(cluster, &group, &topic);
        wait_until("the members share the partitions", PATIENCE, || {
            [&member, &second].iter().all(|member| member.assignment().is_some_and(|mine| mine.len() == 1))
        });
        drop((member, second));
        // Kafka refuses this as long as there are members.
        cluster.delete_group(&group);
    }
}

#[test]
fn records_have_the_times_and_transactions_that_were_asked_for() {
    for version in KafkaVersion::ALL {
        let cluster = KafkaCluster::shared(version);
        let topic = unique("times");
        cluster.create_topic(&topic, 1, &[]);
        cluster.produce_at(&topic, 0, &[1_000, 2_000, 3_000]);
        let client: BaseConsumer = cluster.client_config(&[]).create().unwrap();
        let mut times = TopicPartitionList::new();
        times.add_partition_offset(&topic, 0, Offset::Offset(1_500)).unwrap();
        let found = client.offsets_for_times(times, PATIENCE).unwrap();
        assert_eq!(found.elements()[0].offset(), Offset::Offset(1), "the first record from 1,500 ms on");

        cluster.produce_in_transaction(&topic, 0, 2).abort();
        cluster.produce_in_transaction(&topic, 0, 2).commit();
        wait_until("both transactions are over", PATIENCE, || {
            offsets(cluster, &topic, 0, "read_committed") == (0, 9)
        });
        let open = cluster.produce_in_transaction(&topic, 0, 2);
        assert_eq!(offsets(cluster, &topic, 0, "read_uncommitted"), (0, 11));
        assert_eq!(offsets(cluster, &topic, 0, "read_committed"), (0, 9));
        drop(open);
        assert_eq!(
            offsets(cluster, &topic, 0, "read_committed"),
            (0, 9),
            "its producer is gone, it stays open"
        );

        let committed = GroupMember::join_classic(cluster, &unique("all"), &topic).consume_and_commit(5);
        assert_eq!(committed.into_values().collect::<Vec<_>>(), [8], "the aborted two were not delivered");
    }
}

#[test]
fn topics_change_as_asked() {
    for version in KafkaVersion::ALL {
        let cluster = KafkaCluster::shared(version);
        let topic = unique("changing");
        cluster.create_topic(
            &topic,
            1,
            &[("cleanup.policy", "compact,delete"), ("retention.ms", "86400000")],
        );
        cluster.produce_keyed(&topic, 0, "key", Some("value"));
        cluster.produce_keyed(&topic, 0, "key", None);
        cluster.produce(&topic, 0, 0);
        assert_eq!(offsets(cluster, &topic, 0, "read_committed"), (0, 2));
        cluster.delete_records(&topic, 0, 1);
        assert_eq!(offsets(cluster, &topic, 0, "read_committed"), (1, 2));

        cluster.add_partitions(&topic, 3);
        assert_eq!(cluster.leaders(&topic), Some(vec![Some(1); 3]));
        cluster.alter_topic_config(&topic, "retention.ms", "3600000");
        assert_eq!(cluster.topic_config(&topic, "retention.ms"), "3600000");
        assert_eq!(cluster.topic_config(&topic, "cleanup.policy"), "compact,delete");

        cluster.delete_topic(&topic);
        assert_eq!(cluster.leaders(&topic), None);
        cluster.create_topic(&topic, 2, &[]);
        cluster.produce(&topic, 1, 1);
        assert_eq!(offsets(cluster, &topic, 1, "read_committed"), (0, 1));
    }
}

#[test]
fn a_password_is_asked_for_behind_tls() {
    for version in KafkaVersion::ALL {
        let spec = KafkaSpec::new(version).security(Security::ScramOverTls).user("watch", "right");
        let cluster = KafkaCluster::start(&spec);
        let right = outer_client(&cluster, cluster.client_properties("watch", "right"));
        assert!(visible_topics(&right, PATIENCE).is_some());
        let wrong = outer_client(&cluster, cluster.client_properties("watch", "wrong"));
        assert_eq!(visible_topics(&wrong, NOT_WITHIN), None);
    }
}

#[test]
fn a_client_certificate_is_asked_for() {
    let cluster = KafkaCluster::start(&KafkaSpec::new(KafkaVersion::V4_1).security(Security::MutualTls));
    let mut properties = cluster.client_properties("", "");
    assert!(visible_topics(&outer_client(&cluster, properties.clone()), PATIENCE).is_some());
    properties.retain(|(key, _)| !key.starts_with("ssl.certificate") && !key.starts_with("ssl.key"));
    assert_eq!(visible_topics(&outer_client(&cluster, properties), NOT_WITHIN), None);
}

#[test]
fn a_user_sees_what_acls_allow() {
    for version in KafkaVersion::ALL {
        let spec = KafkaSpec::new(version).security(Security::Scram).user("watch", "secret").authorizer();
        let cluster = KafkaCluster::start(&spec);
        cluster.create_topic("open", 1, &[]);
        cluster.create_topic("closed", 1, &[]);
        cluster.produce("open", 0, 1);
        cluster.commit_offset("watcher", "open", 0, 1);
        let client = outer_client(&cluster, cluster.client_properties("watch", "secret"));
        let mut partition = TopicPartitionList::new();
        partition.add_partition("open", 0);
        let committed =
            || client.committed_offsets(partition.clone(), REQUEST).ok()?.elements()[0].offset().to_raw();
        assert_eq!(visible_topics(&client, PATIENCE), Some(vec![]));
        assert_eq!(committed(), None);

        cluster.allow("watch", &["Describe", "DescribeConfigs"], AclResource::Cluster);
        cluster.allow("watch", &["Describe"], AclResource::Group("*"));
        cluster.allow("watch", &["Describe"], AclResource::Topic("*"));
        cluster.deny("watch", &["Describe"], AclResource::Topic("closed"));
        wait_until("only one topic is open", PATIENCE, || {
            visible_topics(&client, REQUEST).is_some_and(|topics| {
                topics.contains(&"open".to_owned()) && !topics.contains(&"closed".to_owned())
            })
        });
        assert_eq!(committed(), Some(1));
    }
}

#[test]
fn a_partition_has_no_leader_while_its_broker_is_down() {
    for version in KafkaVersion::ALL {
        let cluster =
            KafkaCluster::start(&KafkaSpec::new(version).brokers(2).property("num.io.threads", "3"));
        cluster.create_topic_with_assignment("spread", &[&[1], &[2]], &[]);
        cluster.produce("spread", 1, 3);
        assert_eq!(cluster.leaders("spread"), Some(vec![Some(1), Some(2)]));
        for end in [KafkaCluster::stop_broker, KafkaCluster::kill_broker] {
            end(&cluster, 2);
            wait_until("the second partition has lost its leader", PATIENCE, || {
                cluster.leaders("spread") == Some(vec![Some(1), None])
            });
            cluster.commit_offset("late", "spread", 0, 0);
            cluster.start_broker(2);
            wait_until("the second partition has its leader again", PATIENCE, || {
                cluster.leaders("spread") == Some(vec![Some(1), Some(2)])
            });
            assert_eq!(offsets(&cluster, "spread", 1, "read_committed"), (0, 3));
        }
    }
}

#[test]
fn a_paused_broker_keeps_silent_until_it_is_resumed() {
    let cluster = KafkaCluster::start(&KafkaSpec::new(KafkaVersion::V4_1));
    let client = outer_client(&cluster, cluster.client_properties("", ""));
    assert!(visible_topics(&client, PATIENCE).is_some());
    cluster.pause_broker(1);
    assert_eq!(visible_topics(&client, NOT_WITHIN), None);
    cluster.resume_broker(1);
    assert!(visible_topics(&client, PATIENCE).is_some());
    cluster.stop_broker(1);
    assert_eq!(visible_topics(&client, NOT_WITHIN), None);
    cluster.start_broker(1);
    assert!(visible_topics(&client, PATIENCE).is_some());
}

#[test]
fn a_broker_and_its_folder_end_with_the_pipe_that_holds_them() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(unique("process"));
    std::fs::create_dir_all(&folder).unwrap();
    let pid_file = folder.with_extension("pid");
    let words = ["sh", "-c", "echo $$ >$0; exec sleep 1000", pid_file.to_str().unwrap()].map(str::to_owned);
    let mut process = BrokerProcess::spawn(&words, &folder.join("log"), &folder);
    let pid = wait_for("the process runs", PATIENCE, || {
        std::fs::read_to_string(&pid_file).ok().filter(|pid| pid.ends_with('\n'))
    });
    let lives = || Command::new("kill").args(["-0", pid.trim()]).output().unwrap().status.success();
    assert!(process.is_running() && lives());
    // A test process that is killed closes its end as this does.
    drop(process);
    assert!(!lives() && !folder.exists());
    std::fs::remove_file(pid_file).unwrap();
}

#[test]
#[should_panic(expected = "Class no.such.Reporter cannot be found")]
fn a_broker_that_does_not_start_says_why() {
    // Formatting its folder succeeds, so this is read from the broker's own log.
    KafkaCluster::start(&KafkaSpec::new(KafkaVersion::V4_1).property("metric.reporters", "no.such.Reporter"));
}
