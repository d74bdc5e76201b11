//! The unit of `deploy/systemd`: systemd understands all of it, and it takes away what the daemon does not need, and none
//! of the system calls that it makes. What it says of paths and address families is not tried: no systemd runs here.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::json;
use tempfile::TempDir;

use super::{child_of, repository};
use crate::kafka_server::wait::{try_wait_for, wait_until};
use crate::kafka_server::{KafkaCluster, KafkaVersion, PATIENCE, free_port};
use crate::program::{Killed, Settings, run};

/// As `systemd-analyze security` counts, of 100: what is left is that it may use the network, and that nobody limits
/// whom it may reach.
const EXPOSURE: u32 = 15;

fn analyze(arguments: &[&str]) -> Output {
    Command::new("systemd-analyze")
        .args(arguments)
        .output()
        .expect("systemd-analyze, which `make deps` installs")
}

fn unit() -> String {
    fs::read_to_string(repository("deploy/systemd/plimsoll.service")).unwrap()
}

/// The values of a key, in their order.
fn values<'u>(unit: &'u str, key: &'u str) -> impl Iterator<Item = &'u str> {
    unit.lines().filter_map(move |line| line.strip_prefix(key)?.strip_prefix('='))
}

#[test]
fn systemd_understands_the_unit() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("plimsoll.service");
    let verify = |unit: String| {
        // The program is where the tests have it.
        let unit = unit.replace("/usr/bin/plimsoll", env!("CARGO_BIN_EXE_plimsoll"));
        fs::write(&file, unit).unwrap();
        let said = analyze(&["verify", file.to_str().unwrap()]);
        (said.status.success(), String::from_utf8(said.stderr).unwrap())
    };
    assert_eq!(verify(unit()), (true, String::new()));
    let (_, complaint) = verify(unit().replace("ProtectHome", "ProtectHouse"));
    assert!(complaint.contains("ProtectHouse"), "{complaint}");
    let start = unit();
    let start = values(&start, "ExecStart").next().unwrap();
    let arguments: Vec<&str> = start.split(' ').skip(1).chain(["--help"]).collect();
    assert_eq!(run(&arguments).code, Some(0), "{arguments:?}");
}

#[test]
fn the_unit_takes_away_what_the_daemon_does_not_need() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("plimsoll.service");
    let threshold = format!("--threshold={EXPOSURE}");
    let is_well = |unit: &str| {
        fs::write(&file, unit).unwrap();
        analyze(&["security", "--offline=true", &threshold, file.to_str().unwrap()]).status.success()
    };
    assert!(is_well(&unit()));
    assert!(!is_well(&unit().replace("DynamicUser=yes", "User=root")), "nobody would see that it is root");
    assert!(!is_well(&unit().replace("CapabilityBoundingSet=", "")), "nobody would see its capabilities");
}

/// The system calls of a set and of all sets in it.
fn of_set(name: &str) -> BTreeSet<String> {
    let said = String::from_utf8(analyze(&["syscall-filter", name]).stdout).unwrap();
    let members =
        said.lines().skip(1).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    members
        .flat_map(|member| if member.starts_with('@') { of_set(member) } else { [member.to_owned()].into() })
        .collect()
}

/// What the unit lets through.
fn allowed(unit: &str) -> BTreeSet<String> {
    let mut allowed = of_set("@default");
    for filter in values(unit, "SystemCallFilter") {
        match filter.strip_prefix('~') {
            Some(taken) => {
                let taken: BTreeSet<_> = taken.split(' ').flat_map(of_set).collect();
                allowed.retain(|call| !taken.contains(call) || of_set("@default").contains(call));
            }
            None => allowed.extend(filter.split(' ').flat_map(of_set)),
        }
    }
    allowed
}

/// What the lines of strace name: `4711  openat(…`.
fn called(trace: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(trace).unwrap();
    let calls = text.lines().filter_map(|line| {
        let call = line.split_once(' ')?.1.trim_start().split_once('(')?.0;
        let is_name =
            call.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        is_name.then(|| call.to_owned())
    });
    calls.collect()
}

#[test]
fn the_unit_lets_through_all_that_the_daemon_does() {
    let cluster = KafkaCluster::shared(KafkaVersion::V4_1);
    let folder = TempDir::new().unwrap();
    let (trace, port) = (folder.path().join("trace"), free_port());
    let others = json!({
        "http": { "listen": format!("127.0.0.1:{port}") },
        "state": { "path": folder.path().join("state") },
        // Refused, which takes as many kinds of calls as being heard.
        "receivers": [{ "name": "hook", "webhook": { "url": "https://localhost:1/" } }],
        "rules": [],
    });
    let servers = cluster.bootstrap_server().replace("127.0.0.1", "localhost");
    let settings = Settings::with(&[&servers], &json!({}), &others);
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", trace.to_str().unwrap(), env!("CARGO_BIN_EXE_plimsoll")]);
    command
        .args(["run", "--config", settings.path()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut traced = Killed(command.spawn().expect("strace, which `make deps` installs"));
    let url = format!("http://127.0.0.1:{port}");
    wait_until("it measures", 2 * PATIENCE, || run(&["health", "--ready", "--url", &url]).code == Some(0));
    let program = child_of(traced.0.id()).unwrap();
    let signal = |name: &str| {
        assert!(Command::new("kill").args([name, &program]).status().unwrap().success());
    };
    signal("-HUP");
    assert_eq!(
        run(&["silence", "add", "--url", &url, "-d", "1m", "--author", "me", "topic=a"]).code,
        Some(0)
    );
    signal("-TERM");
    let ended = try_wait_for(PATIENCE, || traced.0.try_wait().unwrap());
    assert_eq!(ended.and_then(|status| status.code()), Some(0));

    let called = called(&trace);
    for certain in ["openat", "fdatasync", "connect", "sendmsg", "inotify_init1"] {
        assert!(called.contains(certain), "it cannot be that {certain} was never called: {called:?}");
    }
    let refused = &called - &allowed(&unit());
    assert_eq!(refused, BTreeSet::new());
    // A filter that lets less through is noticed.
    assert!(!called.is_subset(&allowed("SystemCallFilter=@basic-io @file-system")));
}
