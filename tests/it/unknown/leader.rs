//! One of two brokers goes away: the partitions that only it has are unmeasured by name, all others stay measured.

use serde_json::json;

use super::{end, lag, lag_sum};
use crate::kafka_server::{KafkaCluster, KafkaSpec, KafkaVersion};
use crate::program::{Daemon, Page, Settings};

type Change = fn(&KafkaCluster, u32);

#[test]
fn a_partition_without_its_leader_is_unmeasured_alone() {
    let cluster = KafkaCluster::start(&KafkaSpec::new(KafkaVersion::V4_1).brokers(2));
    cluster.create_topic_with_assignment("spread", &[&[1], &[2]], &[]);
    cluster.create_topic_with_assignment("steady", &[&[1]], &[]);
    for (topic, partition) in [("spread", 0), ("spread", 1), ("steady", 0)] {
        cluster.produce(topic, partition, 10);
        cluster.commit_offset("late", topic, partition, 7);
    }
    let keys = json!({ "poll_interval": "200ms", "request_timeout": "2s" });
    let daemon = Daemon::start(Settings::for_user(&cluster, "", "", &keys));
    let whole = |page: &Page| {
        page.unmeasured().is_empty()
            && lag(page, "late", "spread", 1) == Some(3.0)
            && lag_sum(page, "late", "spread") == Some(6.0)
            && page.value("kafka_brokers", &[]) == Some(2.0)
    };
    daemon.wait_for("everything is measured", whole);

    let ways: [(&str, Change, Change); 3] = [
        ("stopped", KafkaCluster::stop_broker, KafkaCluster::start_broker),
        ("killed", KafkaCluster::kill_broker, KafkaCluster::start_broker),
        ("hanging", KafkaCluster::pause_broker, KafkaCluster::resume_broker),
    ];
    for (way, go, come) in ways {
        let before = daemon.log_lines();
        go(&cluster, 2);
        let page = daemon.wait_for(&format!("the {way} broker's partition has no leader"), |page| {
            page.unmeasured() == [("partition", "spread/1", "no_leader")]
        });
        check_rest(&page);
        assert_eq!((lag(&page, "late", "spread", 1), end(&page, "spread", 1)), (None, None), "{way}");
        assert_eq!(lag_sum(&page, "late", "spread"), None, "{way}");
        assert_eq!(daemon.get("/readyz").0, 200);

        come(&cluster, 2);
        daemon.wait_for(&format!("the {way} broker is back"), whole);
        // Metadata is asked of any broker that is connected: one that hangs may cost a cycle before it is dropped.
        let down = daemon.logged_at("cluster cannot be measured", before);
        assert!(
            way == "hanging" || down.is_none(),
            "{way}: the cluster was up all the time\n{}",
            daemon.log()
        );
    }
}

fn check_rest(page: &Page) {
    assert_eq!(page.value("plimsoll_up", &[]), Some(1.0));
    assert_eq!((lag(page, "late", "spread", 0), end(page, "spread", 0)), (Some(3.0), Some(10.0)));
    assert_eq!((lag(page, "late", "steady", 0), lag_sum(page, "late", "steady")), (Some(3.0), Some(3.0)));
}
