//! `plimsoll lag` against a real Kafka: what a person reads, and what a program does.

use serde_json::{Value, json};

use crate::kafka_server::{KafkaCluster, KafkaVersion, unique};
use crate::program::{Ended, Settings, run, run_with};

/// A topic, a group that is 3 behind in it, and one that is not behind.
struct Groups {
    topic: String,
    late: String,
    done: String,
}

fn groups() -> Groups {
    let cluster = KafkaCluster::shared(KafkaVersion::V4_1);
    let groups = Groups { topic: unique("orders"), late: unique("late"), done: unique("done") };
    cluster.create_topic(&groups.topic, 2, &[]);
    cluster.produce(&groups.topic, 0, 10);
    cluster.commit_offset(&groups.late, &groups.topic, 0, 7);
    cluster.commit_offset(&groups.done, &groups.topic, 0, 10);
    groups
}

fn lag(arguments: &[&str]) -> Ended {
    let servers = KafkaCluster::shared(KafkaVersion::V4_1).bootstrap_server();
    run(&[&["lag", "--bootstrap-server", &servers], arguments].concat())
}

/// Group and total of each group, in the order of their names.
fn totals(ended: &Ended) -> Vec<(String, Option<u64>)> {
    let report = ended.json();
    let groups = report["groups"].as_array().unwrap().iter();
    groups
        .map(|it| (it["group"].as_str().unwrap().to_owned(), it["lag"].get("total").and_then(Value::as_u64)))
        .collect()
}

#[test]
fn json_has_the_numbers_of_those_asked_for() {
    let it = groups();
    let by_group = lag(&["--json", "--group", &it.late]);
    assert_eq!((by_group.code, totals(&by_group)), (Some(0), vec![(it.late.clone(), Some(3))]));
    let group = &by_group.json()["groups"][0];
    assert_eq!((&group["state"], &group["type"]), (&json!("empty"), &json!("classic")));
    let topic = &group["topics"][0];
    assert_eq!((&topic["topic"], &topic["lag"]["total"]), (&json!(it.topic), &json!(3)));
    let partition = &topic["partitions"][0];
    assert_eq!(
        (&partition["partition"], &partition["committed_offset"], &partition["lag"]),
        (&json!(0), &json!(7), &json!(3))
    );

    let by_topic = lag(&["--json", "--topic", &it.topic]);
    let both = vec![(it.done.clone(), Some(0)), (it.late.clone(), Some(3))];
    assert_eq!((by_topic.code, totals(&by_topic)), (Some(0), both));
    let nothing = lag(&["--json", "--group", "no-such-group-*"]);
    assert_eq!((nothing.code, totals(&nothing)), (Some(0), vec![]));
}

#[test]
fn what_is_not_there_has_no_number_and_fails() {
    let check = |arguments: &[&str], expected: &str| {
        let ended = lag(&[&["--json"], arguments].concat());
        let told = format!("plimsoll: cluster default: {expected}\n");
        assert_eq!((ended.code, ended.error.as_str()), (Some(1), told.as_str()), "{arguments:?}");
        assert!(totals(&ended).iter().all(|(_, total)| total.is_none()), "{ended:?}");
    };
    groups();
    check(&["--group", "no-such-group"], "group no-such-group cannot be measured: no such group");
    check(&["--topic", "no-such-topic"], "topic no-such-topic cannot be measured: no such topic");
}

#[test]
fn the_table_fits_80_columns() {
    let it = groups();
    let servers = KafkaCluster::shared(KafkaVersion::V4_1).bootstrap_server();
    let arguments = ["lag", "--bootstrap-server", &servers, "--topic", &it.topic];
    let ended = run_with(&arguments, &[("COLUMNS", "80")]);
    assert_eq!((ended.code, ended.error.as_str()), (Some(0), ""));
    assert!(ended.out.lines().all(|line| line.chars().count() <= 80), "{}", ended.out);
    let line = |name: &str| {
        ended
            .out
            .lines()
            .position(|line| line.contains(name))
            .unwrap_or_else(|| panic!("{name}: {}", ended.out))
    };
    assert!(line(&it.late) < line(&it.done), "what hurts most comes first: {}", ended.out);
}

#[test]
fn settings_name_the_cluster() {
    let servers = KafkaCluster::shared(KafkaVersion::V4_1).bootstrap_server();
    let settings = Settings::of(&servers, &json!({}));
    let ended = run(&["lag", "--config", settings.path(), "--cluster", "prd"]);
    let told = "plimsoll: the settings have no cluster `prd`\n";
    assert_eq!((ended.code, ended.error.as_str()), (Some(2), told));
}
