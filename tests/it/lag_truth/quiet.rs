//! While nothing happens on a cluster, lag is what Kafka's own tool says it is: for every kind of group and topic.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use super::watched::{Watched, group, group_topic, topic};
use crate::kafka_server::groups::DescribedPartition;
use crate::kafka_server::member::GroupMember;
use crate::kafka_server::wait::wait_for;
use crate::kafka_server::{KafkaCluster, KafkaVersion, PATIENCE, unique};
use plimsoll::model::GroupState;

/// Group, topic, partition: committed offset, end, lag.
type Lags = BTreeMap<(String, String, i32), (u64, u64, u64)>;

/// What Kafka's tool says of the partitions that have a commit, of the groups whose names begin with `prefix`.
fn told_by_kafka(cluster: &KafkaCluster, prefix: &str, groups: usize) -> Lags {
    // Other tests delete groups of theirs, over which the tool may stumble before it has come to ours.
    wait_for("Kafka's tool describes all groups", PATIENCE, || {
        let rows: Vec<DescribedPartition> = cluster.consumer_groups_describe();
        let ours = rows.into_iter().filter(|row| row.group.starts_with(prefix));
        let lags: Lags = ours
            .filter_map(|row| {
                Some(((row.group, row.topic, row.partition), (row.current?, row.end?, row.lag?)))
            })
            .collect();
        let told: std::collections::BTreeSet<_> = lags.keys().map(|(group, ..)| group).collect();
        (told.len() == groups).then_some(lags)
    })
}

/// What a user of the command line gets.
fn told_by_the_command(cluster: &KafkaCluster, prefix: &str) -> Vec<Value> {
    let ours = format!("{prefix}*");
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["lag", "--json", "--bootstrap-server", &cluster.bootstrap_server()])
        .args(["--group", &ours, "--topic", &ours])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["groups"].as_array().unwrap().clone()
}

fn lags(groups: &[Value]) -> Lags {
    let mut lags = Lags::new();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    for group in groups {
        for topic in group["topics"].as_array().unwrap() {
            for partition in topic["partitions"].as_array().unwrap() {
                let number =
                    |key: &str| partition[key].as_u64().unwrap_or_else(|| panic!("no {key}: {group}"));
                let key = (text(&group["group"]), text(&topic["topic"]), number("partition") as i32);
                lags.insert(key, (number("committed_offset"), number("end_offset"), number("lag")));
            }
        }
    }
    lags
}

#[test]
fn lag_is_what_kafka_s_own_tool_says() {
    for version in KafkaVersion::ALL {
        let cluster = KafkaCluster::shared(version);
        let prefix = unique("quiet");
        let name = |name: &str| format!("{prefix}-{name}");
        let mut expected = BTreeMap::new();

        let orders = name("orders");
        cluster.create_topic(&orders, 2, &[]);
        cluster.produce(&orders, 0, 20);
        cluster.produce(&orders, 1, 10);
        let mut members = vec![GroupMember::join_classic(cluster, &name("classic"), &orders)];
        expected.insert(name("classic"), ("stable", "classic"));
        if version == KafkaVersion::V4_1 {
            members.push(GroupMember::join_consumer_protocol(cluster, &name("consumer"), &orders));
            expected.insert(name("consumer"), ("stable", "consumer"));
        }
        members.push(GroupMember::join_classic(cluster, &name("left"), &orders));
        expected.insert(name("left"), ("empty", "classic"));
        for (member, count) in members.iter().zip([12, 27, 7]) {
            member.consume_and_commit(count);
        }
        drop(members.pop());
        cluster.commit_offset(&name("assigned"), &orders, 0, 4);
        cluster.commit_offset(&name("assigned"), &orders, 1, 10);
        expected.insert(name("assigned"), ("empty", "classic"));

        let transactions = name("transactions");
        cluster.create_topic(&transactions, 1, &[]);
        cluster.produce(&transactions, 0, 5);
        cluster.produce_in_transaction(&transactions, 0, 3).abort();
        let open = cluster.produce_in_transaction(&transactions, 0, 2);
        cluster.commit_offset(&name("reader"), &transactions, 0, 2);
        expected.insert(name("reader"), ("empty", "classic"));

        let deleted = name("deleted");
        cluster.create_topic(&deleted, 1, &[]);
        cluster.produce(&deleted, 0, 30);
        cluster.commit_offset(&name("loser"), &deleted, 0, 5);
        cluster.delete_records(&deleted, 0, 12);
        expected.insert(name("loser"), ("empty", "classic"));

        let grown = name("grown");
        cluster.create_topic(&grown, 1, &[]);
        cluster.produce(&grown, 0, 6);
        cluster.add_partitions(&grown, 3);
        cluster.produce(&grown, 2, 4);
        cluster.commit_offset(&name("assigned"), &grown, 0, 5);
        cluster.commit_offset(&name("assigned"), &grown, 2, 0);

        let mut watched = Watched::new(cluster, &prefix);
        watched.cycle_until("the last member has left", |snapshot| {
            group(snapshot, &name("left")).filter(|view| view.state == Ok(GroupState::Empty)).map(|_| ())
        });
        let mut told = told_by_kafka(cluster, &prefix, expected.len());
        let groups = told_by_the_command(cluster, &prefix);

        // Where the log starts behind the commit, the tool goes on counting what is gone.
        let loser = told.get_mut(&(name("loser"), deleted.clone(), 0)).unwrap();
        assert_eq!(*loser, (5, 30, 25));
        loser.2 -= 7;
        assert_eq!(lags(&groups), told, "Kafka {}", version.as_str());

        let snapshot = watched.cycle();
        assert_eq!(group_topic(&snapshot, &name("loser"), &deleted).unwrap().lost_total, 7);
        let partition = &topic(&snapshot, &transactions).unwrap().partitions[0];
        // Five records, three and the marker of their abort, two in a transaction that is open.
        assert_eq!((partition.end, partition.last_stable), (Ok(11), Ok(9)));
        assert_eq!(snapshot.unmeasured, []);

        let kinds: BTreeMap<_, _> = groups
            .iter()
            .map(|group| {
                let text = |key: &str| group[key].as_str().unwrap_or_else(|| panic!("no {key}: {group}"));
                (text("group").to_owned(), (text("state"), text("type")))
            })
            .collect();
        let kinds: BTreeMap<String, (&str, &str)> = kinds;
        assert_eq!(kinds, expected);
        open.abort();
    }
}
