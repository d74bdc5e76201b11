//! A disk that is full for a while, by the limit that the system sets to the size of the daemon's files; and a folder
//! that is asked for twice.

use std::process::Command;

use serde_json::{Value, json};

use super::pipeline::Pipeline;
use crate::kafka_server::wait::{try_wait_for, wait_until};
use crate::kafka_server::{KafkaCluster, KafkaVersion, PATIENCE};
use crate::program::{Daemon, run};

/// Of all files that the daemon writes from now on.
fn limit_files(daemon: &Daemon, bytes: &str) {
    let (process, limit) = (daemon.pid().to_string(), format!("--fsize={bytes}:unlimited"));
    assert!(Command::new("prlimit").args(["--pid", &process, &limit]).status().unwrap().success());
}

/// How often saving has failed.
fn failures(daemon: &Daemon) -> u64 {
    let page = daemon.get("/metrics").1;
    let value = page.lines().find_map(|line| line.strip_prefix("plimsoll_state_failures_total "));
    value.unwrap_or_else(|| panic!("{page}")).parse().unwrap()
}

fn warnings(daemon: &Daemon) -> String {
    let (status, body) = daemon.get("/readyz");
    assert_eq!(status, 200, "it watches: {body}");
    serde_json::from_str::<Value>(&body).unwrap()["warnings"].to_string()
}

/// It says so in the log, in the metrics and in `/readyz`, again and again.
fn expect_loud(daemon: &Daemon, file: &str) {
    let before = failures(daemon);
    let louder = try_wait_for(PATIENCE, || (failures(daemon) > before + 2).then_some(()));
    assert!(louder.is_some() && before > 0, "{before} failures, then {}", failures(daemon));
    let told = format!("state could not be saved in {file} (File too large");
    assert!(warnings(daemon).contains(&told), "{}", warnings(daemon));
    let log = daemon.log();
    let is_it = |line: &&str| line.contains("\"ERROR\"") && line.contains("state cannot be saved");
    let lines: Vec<&str> = log.lines().filter(is_it).collect();
    // Not with every tick: once a minute.
    assert!((1..3).contains(&lines.len()) && lines[0].contains(&told), "{log}");
}

#[test]
fn a_full_disk_ends_no_watching_and_loses_nothing() {
    let pipeline = Pipeline::new(KafkaCluster::shared(KafkaVersion::V4_1));
    let file = pipeline.state_file().display().to_string();
    let daemon = pipeline.start(&json!({ "slos": [pipeline.slo("on-time")] }));
    pipeline.run(5, 3);
    pipeline.expect_total(&daemon, "on-time", [5, 3, 0]);
    assert_eq!((failures(&daemon), warnings(&daemon)), (0, "null".to_owned()));

    // Within the file: no byte of a tick can be written.
    limit_files(&daemon, "4096");
    pipeline.run(5, 3);
    pipeline.expect_total(&daemon, "on-time", [10, 6, 0]);
    expect_loud(&daemon, &file);

    // Killed now, what was durable is there, and the commit log tells the rest.
    let daemon = Daemon::start(daemon.kill());
    let first = pipeline.first_total(&daemon, "on-time");
    assert!((5..=10).contains(&first[0]) && (3..=6).contains(&first[1]), "{first:?}\n{}", daemon.log());
    pipeline.expect_total(&daemon, "on-time", [10, 6, 0]);
    assert!(daemon.log().contains("earlier state was verified"), "{}", daemon.log());

    // Full again, and then there is space.
    limit_files(&daemon, "4096");
    pipeline.run(5, 3);
    pipeline.expect_total(&daemon, "on-time", [15, 9, 0]);
    expect_loud(&daemon, &file);
    limit_files(&daemon, "unlimited");
    wait_until("that it is saved again is told", PATIENCE, || daemon.log().contains("state is saved again"));
    let in_all = failures(&daemon);
    assert_eq!(warnings(&daemon), "null");
    pipeline.run(5, 3);
    pipeline.expect_total(&daemon, "on-time", [20, 12, 0]);
    assert_eq!(failures(&daemon), in_all);

    let daemon = Daemon::start(daemon.kill());
    assert_eq!(pipeline.first_total(&daemon, "on-time"), [20, 12, 0], "{}", daemon.log());
    pipeline.run(5, 3);
    pipeline.expect_total(&daemon, "on-time", [25, 15, 0]);
    assert_eq!(pipeline.committed(), 25 + 15);
}

#[test]
fn a_second_daemon_on_a_folder_is_refused_and_the_first_goes_on() {
    let pipeline = Pipeline::new(KafkaCluster::shared(KafkaVersion::V4_1));
    let rules = json!({ "slos": [pipeline.slo("on-time")] });
    let first = pipeline.start(&rules);
    pipeline.run(5, 3);
    pipeline.expect_total(&first, "on-time", [5, 3, 0]);

    let second = run(&["run", "--config", pipeline.settings(&rules).path()]);
    let folder = pipeline.state_folder();
    let told =
        format!("plimsoll: the state in {} is in use by process {} on ", folder.display(), first.pid());
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.error.lines().last().unwrap().starts_with(&told), "{second:?}");
    let what_to_do = ": stop that plimsoll, or give this one a folder of its own in `state.path`\n";
    assert!(second.error.ends_with(what_to_do), "{second:?}");

    pipeline.run(5, 3);
    pipeline.expect_total(&first, "on-time", [10, 6, 0]);
    assert_eq!((failures(&first), warnings(&first)), (0, "null".to_owned()));
    let again = Daemon::start(first.kill());
    assert_eq!(pipeline.first_total(&again, "on-time"), [10, 6, 0], "{}", again.log());
}
