//! What the tests change on a cluster: topics, records, groups, settings, ACLs. Each returns when it is done everywhere.

use std::fs::write;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use rdkafka::TopicPartitionList;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigResource, ConfigSource, NewPartitions, NewTopic,
    ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::Offset;
use rdkafka::types::RDKafkaErrorCode;
use serde_json::json;

use super::wait::{wait_for, wait_until};
use super::{KafkaCluster, KafkaVersion, PATIENCE, REQUEST};

/// What an ACL is about; the names are literal, `*` is all.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AclResource<'a> {
    Topic(&'a str),
    Group(&'a str),
    Cluster,
}

impl KafkaCluster {
    /// One replica each, wherever Kafka puts them; returns when all partitions have a leader.
    pub(crate) fn create_topic(&self, name: &str, partitions: u32, configs: &[(&str, &str)]) {
        self.create(name, partitions, TopicReplication::Fixed(1), configs);
    }

    /// `replicas[partition]` names its brokers, the preferred leader first.
    pub(crate) fn create_topic_with_assignment(
        &self,
        name: &str,
        replicas: &[&[i32]],
        configs: &[(&str, &str)],
    ) {
        self.create(name, replicas.len() as u32, TopicReplication::Variable(replicas), configs);
    }

    pub(crate) fn delete_topic(&self, name: &str) {
        let admin = self.admin();
        expect_each(block_on(admin.delete_topics(&[name], &options())));
        wait_until(&format!("topic {name} is gone"), PATIENCE, || self.leaders(name).is_none());
    }

    /// `total` is the count afterwards.
    pub(crate) fn add_partitions(&self, topic: &str, total: u32) {
        let admin = self.admin();
        let partitions = [NewPartitions::new(topic, total as usize)];
        expect_each(block_on(admin.create_partitions(&partitions, &options())));
        self.wait_for_leaders(topic, total);
    }

    /// Moves the partitions of `topic` to the brokers that `replicas[partition]` names, the leader first. Returns when
    /// those lead and, as the topic may be Kafka's own, when every group coordinator is loaded. Starts a JVM.
    pub(crate) fn reassign(&self, topic: &str, replicas: &[&[i32]]) {
        let partition = |(number, replicas): (usize, &&[i32])| json!({ "topic": topic, "partition": number, "replicas": replicas });
        let partitions: Vec<_> = replicas.iter().enumerate().map(partition).collect();
        let plan = self.folder.join("reassignment.json");
        write(&plan, json!({ "version": 1, "partitions": partitions }).to_string()).unwrap();
        let (server, plan) = (self.inner_bootstrap_server(), plan.display().to_string());
        let arguments = [
            "--bootstrap-server",
            &server,
            "--reassignment-json-file",
            &plan,
            "--execute",
            "--timeout",
            "30000",
        ];
        self.java.run("org.apache.kafka.tools.reassign.ReassignPartitionsCommand", &arguments);
        let wanted: Vec<_> = replicas.iter().map(|replicas| replicas.first().copied()).collect();
        wait_until(&format!("{topic} has moved"), PATIENCE, || self.leaders(topic).as_ref() == Some(&wanted));
        self.wait_for_group_coordinators().unwrap();
    }

    /// Moves the log start offset of a partition to `before`.
    pub(crate) fn delete_records(&self, topic: &str, partition: i32, before: u64) {
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(topic, partition, Offset::Offset(before as i64)).unwrap();
        let deleted = block_on(self.admin().delete_records(&offsets, &options())).unwrap();
        deleted.elements()[0].error().unwrap();
    }

    /// The group must have no members. Kafka may take a moment to see the last one leave.
    pub(crate) fn delete_group(&self, group: &str) {
        let admin = self.admin();
        wait_until(&format!("group {group} can be deleted"), PATIENCE, || {
            matches!(block_on(admin.delete_groups(&[group], &options())).unwrap().as_slice(), [Ok(_)])
        });
    }

    /// Keeps the topic's other settings, as the request of librdkafka would not.
    pub(crate) fn alter_topic_config(&self, topic: &str, key: &str, value: &str) {
        let admin = self.admin();
        let described = self.describe_topic_config(topic);
        let mut wanted = AlterConfig::new(ResourceSpecifier::Topic(topic)).set(key, value);
        for entry in &described.entries {
            if entry.source == ConfigSource::DynamicTopic && entry.name != key {
                wanted = wanted.set(&entry.name, entry.value.as_deref().unwrap());
            }
        }
        block_on(admin.alter_configs(&[wanted], &options())).unwrap().remove(0).unwrap();
        wait_until(&format!("{key} of {topic} is {value}"), PATIENCE, || {
            self.topic_config(topic, key) == value
        });
    }

    /// The setting in force, whether the topic's own or the broker's.
    pub(crate) fn topic_config(&self, topic: &str, key: &str) -> String {
        self.describe_topic_config(topic).get(key).unwrap().value.clone().unwrap()
    }

    fn describe_topic_config(&self, topic: &str) -> ConfigResource {
        let resource = [ResourceSpecifier::Topic(topic)];
        block_on(self.admin().describe_configs(&resource, &options())).unwrap().remove(0).unwrap()
    }

    /// Allows the SCRAM user or certificate name `user` the `operations` (`Describe`, `Read`, …) on `resource`.
    /// Starts a JVM: give all operations at once.
    pub(crate) fn allow(&self, user: &str, operations: &[&str], resource: AclResource<'_>) {
        self.change_acl(&["--add", "--allow-principal"], user, operations, resource);
    }

    /// As [`Self::allow`]; what is denied stays denied, whatever else is allowed.
    pub(crate) fn deny(&self, user: &str, operations: &[&str], resource: AclResource<'_>) {
        self.change_acl(&["--add", "--deny-principal"], user, operations, resource);
    }

    fn change_acl(&self, action: &[&str], user: &str, operations: &[&str], resource: AclResource<'_>) {
        let (server, principal) = (self.inner_bootstrap_server(), format!("User:{user}"));
        let mut arguments = vec!["--bootstrap-server", &server];
        arguments.extend_from_slice(action);
        arguments.push(&principal);
        for operation in operations {
            arguments.extend(["--operation", operation]);
        }
        match resource {
            AclResource::Topic(name) => arguments.extend(["--topic", name]),
            AclResource::Group(name) => arguments.extend(["--group", name]),
            AclResource::Cluster => arguments.push("--cluster"),
        }
        self.acls(&arguments);
    }

    /// `kafka-acls.sh` with these arguments. Starts a JVM.
    pub(crate) fn acls(&self, arguments: &[&str]) {
        let class = match self.spec.version {
            KafkaVersion::V3_9 => "kafka.admin.AclCommand",
            KafkaVersion::V4_1 => "org.apache.kafka.tools.AclCommand",
        };
        self.java.run(class, arguments);
    }

    fn create(
        &self,
        name: &str,
        partitions: u32,
        replication: TopicReplication<'_>,
        configs: &[(&str, &str)],
    ) {
        let admin = self.admin();
        let mut topic = NewTopic::new(name, partitions as i32, replication);
        topic.config.extend_from_slice(configs);
        // A topic deleted a moment ago may still be on its way out.
        wait_for(&format!("topic {name} can be created"), PATIENCE, || {
            match block_on(admin.create_topics([&topic], &options())).unwrap().remove(0) {
                Ok(_) => Some(()),
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => None,
                Err((_, error)) => panic!("topic {name}: {error}"),
            }
        });
        self.wait_for_leaders(name, partitions);
    }

    fn wait_for_leaders(&self, topic: &str, partitions: u32) {
        wait_until(&format!("all partitions of {topic} have a leader"), PATIENCE, || {
            self.leaders(topic).is_some_and(|leaders| {
                leaders.len() == partitions as usize && leaders.iter().all(Option::is_some)
            })
        });
    }

    /// The broker that leads each partition, none where nobody does; none at all when there is no such topic.
    pub(crate) fn leaders(&self, topic: &str) -> Option<Vec<Option<i32>>> {
        let admin = self.admin();
        let metadata =
            wait_for("metadata", PATIENCE, || admin.inner().fetch_metadata(Some(topic), REQUEST).ok());
        let topic = metadata.topics().first().filter(|topic| topic.error().is_none())?;
        let mut partitions: Vec<_> = topic.partitions().iter().collect();
        partitions.sort_by_key(|partition| partition.id());
        Some(partitions.iter().map(|p| (p.leader() >= 0).then_some(p.leader())).collect())
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client_config(&[]).create().unwrap()
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE))
}

fn expect_each(results: KafkaResult<Vec<Result<String, (String, RDKafkaErrorCode)>>>) {
    for result in results.unwrap() {
        result.unwrap();
    }
}

/// The admin client's futures are woken by its own thread, so parking this one is all the runtime they need.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
