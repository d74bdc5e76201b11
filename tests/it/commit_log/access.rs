//! Where the commit log may not be read, or not now, commits are polled; and read again as soon as that is over.

use plimsoll::model::Reason;

use super::reader::CommitLogReader;
use crate::kafka_server::admin::AclResource::{Cluster, Group, Topic};
use crate::kafka_server::wait::wait_until;
use crate::kafka_server::{KafkaCluster, KafkaSpec, KafkaVersion, PATIENCE, Security, unique};

/// What the observation has of the one commit of `group`.
fn committed(reader: &mut CommitLogReader, group: &str) -> Option<u64> {
    let observation = reader.cycle();
    let commits = observation.groups.get(group)?.commits.as_ref().ok()?;
    commits.first()?.partitions.first()?.1.ok()
}

#[test]
fn without_the_permission_to_read_it_commits_are_polled() {
    for version in KafkaVersion::ALL {
        let spec = KafkaSpec::new(version).security(Security::Scram).authorizer().user("watch", "secret");
        let kafka = KafkaCluster::start(&spec);
        let name = unique("denied");
        kafka.create_topic(&name, 1, &[]);
        kafka.commit_offset(&name, &name, 0, 3);
        kafka.allow("watch", &["Describe"], Cluster);
        kafka.allow("watch", &["Describe"], Group("*"));
        kafka.allow("watch", &["Describe"], Topic("*"));
        let mut reader = CommitLogReader::with(&kafka, &name, "watch", Default::default());
        reader.cycle_until("it is denied", |reader, _| {
            (reader.last.as_ref().err() == Some(&Reason::NotAuthorized)).then_some(())
        });
        assert_eq!(committed(&mut reader, &name), Some(3));
        kafka.commit_offset(&name, &name, 0, 4);
        assert_eq!(committed(&mut reader, &name), Some(4));

        kafka.allow("watch", &["Read"], Topic("__consumer_offsets"));
        wait_until("it is tried again", 2 * PATIENCE, || {
            reader.cycle();
            reader.last.is_ok()
        });
        kafka.commit_offset(&name, &name, 0, 5);
        reader.catch_up();
        assert_eq!(reader.commits_of(&name).last(), Some(&Some(5)));
        assert_eq!(committed(&mut reader, &name), Some(5));
    }
}

#[test]
fn after_a_restart_of_the_broker_nothing_is_missing() {
    let kafka = KafkaCluster::start(&KafkaSpec::new(KafkaVersion::V4_1));
    let name = unique("restarted");
    kafka.create_topic(&name, 1, &[]);
    let mut reader = CommitLogReader::new(&kafka, &name);
    kafka.commit_offset(&name, &name, 0, 1);
    reader.catch_up();
    kafka.commit_offset(&name, &name, 0, 2);
    kafka.kill_broker(1);
    assert!(!reader.try_cycle());
    kafka.start_broker(1);
    kafka.commit_offset(&name, &name, 0, 3);
    wait_until("the broker is there again", PATIENCE, || reader.try_cycle());
    reader.catch_up();
    assert_eq!(reader.commits_of(&name), [Some(1), Some(2), Some(3)]);
}
