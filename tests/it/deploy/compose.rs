//! `deploy/compose.yaml`: read by Compose's own reader, and played through without containers, each service with its own
//! command line, settings and name, in a network of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{checkers, child_of, is_root, repository, unshare};
use crate::kafka_server::wait::{try_wait_for, wait_for};
use crate::kafka_server::{Java, KafkaVersion, PATIENCE};
use crate::program::{Killed, run};
use crate::prometheus::path_of;

/// The file as Compose understands it.
fn compose() -> Value {
    let mut reader = Command::new(checkers().join("bin/compose"));
    let read =
        reader.args(["-format", "json", "compose.yaml"]).current_dir(repository("deploy")).output().unwrap();
    assert!(read.status.success() && read.stderr.is_empty(), "{}", String::from_utf8_lossy(&read.stderr));
    serde_json::from_slice(&read.stdout).unwrap()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// The file or folder of this repository that a service finds at `target`.
fn mounted<'c>(compose: &'c Value, service: &str, target: &str) -> &'c Path {
    let mut volumes = list(&compose["services"][service]["volumes"]);
    let found = volumes.find(|volume| volume["target"] == target);
    Path::new(text(&found.unwrap_or_else(|| panic!("{service} has nothing at {target}"))["source"]))
}

fn yaml(path: &Path) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn what_is_named_is_there_and_nothing_is_open_to_others() {
    let compose = compose();
    for (name, service) in compose["services"].as_object().unwrap() {
        for volume in list(&service["volumes"]) {
            let source = text(&volume["source"]);
            if volume["type"] == "bind" {
                assert!(Path::new(source).exists(), "{name}: there is no {source}");
                assert_eq!(volume["read_only"], true, "{name} could change {source}");
            } else {
                assert!(compose["volumes"][source].is_object(), "{name}: {source}");
            }
        }
        for port in list(&service["ports"]) {
            assert_eq!(port["host_ip"], "127.0.0.1", "{name}");
        }
        let version = text(&service["image"]).split_once(':').map(|(_, version)| version);
        assert!(name == "plimsoll" || version.is_some_and(|version| version != "latest"), "{name}");
    }
    let plimsoll = &compose["services"]["plimsoll"];
    assert!(
        Path::new(text(&plimsoll["build"]["context"])).join(text(&plimsoll["build"]["dockerfile"])).is_file()
    );
    assert_eq!((&plimsoll["read_only"], text(&plimsoll["cap_drop"][0])), (&Value::Bool(true), "ALL"));
    assert!(mounted(&compose, "plimsoll", "/etc/plimsoll").join("plimsoll.yaml").is_file());
}

#[test]
fn grafana_finds_its_prometheus_and_every_dashboard() {
    let compose = compose();
    let sources =
        mounted(&compose, "grafana", "/etc/grafana/provisioning/datasources").join("prometheus.yaml");
    let source = &yaml(&sources)["datasources"][0];
    assert_eq!((&source["url"], &source["type"]), (&"http://prometheus:9090".into(), &"prometheus".into()));
    let providers =
        mounted(&compose, "grafana", "/etc/grafana/provisioning/dashboards").join("plimsoll.yaml");
    let folder = yaml(&providers)["providers"][0]["options"]["path"].clone();
    let dashboards = mounted(&compose, "grafana", text(&folder));
    assert_eq!(dashboards, repository("dashboards"));
    let home = &compose["services"]["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"];
    let home = Path::new(text(home)).strip_prefix(text(&folder)).unwrap();
    assert!(dashboards.join(home).is_file(), "{}", home.display());
}

/// A network in which each service is known by its name, and nobody else is there. It ends with its value, and whatever
/// happens to this process, with all that runs in it.
struct Network {
    holder: Killed,
    folder: TempDir,
}

impl Network {
    fn of(services: &[&String]) -> Network {
        let folder = TempDir::new().unwrap();
        let hosts: Vec<String> = services.iter().map(|name| format!("127.0.0.1 {name}\n")).collect();
        fs::write(folder.path().join("hosts"), format!("127.0.0.1 localhost\n{}", hosts.concat())).unwrap();
        // Its first process ends when its standard input does, and with it all others.
        let script = r#"
            set -e
            # A container knows its own name.
            echo "127.0.0.1 $(uname -n)" >>"$1"
            mount --bind "$1" /etc/hosts
            mount -t proc proc /proc
            perl -e '$up = pack "a16s", "lo", 0x49; socket(S, 2, 2, 0) && ioctl(S, 0x8914, $up) or die "lo: $!"'
            exec cat
        "#;
        let mut first = unshare(&["--mount", "--net", "--pid"], script);
        first.arg(folder.path().join("hosts"));
        let holder = first.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        Network { holder: Killed(holder), folder }
    }

    /// `words` as a process in it.
    fn command(&self, words: &[String]) -> Command {
        let first = wait_for("the network is there", PATIENCE, || {
            let child = child_of(self.holder.0.id())?;
            let name = fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
            (name.trim() == "cat").then_some(child)
        });
        let mut command = Command::new("nsenter");
        command.args(["--target", &first, "--mount", "--net", "--pid"]);
        if !is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.arg("--").args(words).stdin(Stdio::null());
        command
    }

    /// A service, which writes to a log of its own.
    fn start(&self, name: &str, mut command: Command) -> Service {
        let log = self.folder.path().join(format!("{name}.log"));
        let file = fs::File::create(&log).unwrap();
        let child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        Service { child, log }
    }

    /// What is served at `url`.
    fn get(&self, url: &str) -> Option<Value> {
        let words = ["curl", "--silent", "--fail", "--max-time", "5", url].map(str::to_owned);
        let answer = self.command(&words).output().unwrap();
        serde_json::from_slice(&answer.stdout).ok()
    }
}

struct Service {
    child: Child,
    log: PathBuf,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The properties that Kafka's image makes of its environment: `KAFKA_NODE_ID` is `node.id`.
fn properties(environment: &Value) -> BTreeMap<String, String> {
    let each = environment.as_object().unwrap().iter();
    each.map(|(name, value)| {
        let name = name.strip_prefix("KAFKA_").unwrap_or_else(|| panic!("{name} is no property of Kafka"));
        (name.to_lowercase().replace('_', "."), text(value).to_owned())
    })
    .collect()
}

/// The command of a service that runs one of Kafka's scripts, which run these classes.
fn kafka_tool(java: &Java, command: &Value) -> Vec<String> {
    let mut words = list(command).map(text);
    let class = match words.next().unwrap() {
        "/opt/kafka/bin/kafka-producer-perf-test.sh" => "org.apache.kafka.tools.ProducerPerformance",
        "/opt/kafka/bin/kafka-console-consumer.sh" => "org.apache.kafka.tools.consumer.ConsoleConsumer",
        other => panic!("{other} is not known here"),
    };
    let quiet = ["-Dlog4j.rootLogger=OFF".to_owned()];
    java.command(128, &quiet, class).into_iter().chain(words.map(str::to_owned)).collect()
}

fn start_kafka(network: &Network, java: &Java, environment: &Value) -> Service {
    let folder = network.folder.path();
    let file = folder.join("server.properties");
    let mut lines: Vec<String> =
        properties(environment).into_iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    lines.push(format!("log.dirs={}\n", folder.join("kafka").display()));
    fs::write(&file, lines.concat()).unwrap();
    let file = file.to_str().unwrap();
    java.run("kafka.tools.StorageTool", &["format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", file]);
    let words = java.command(512, &[], "kafka.Kafka").into_iter().chain([file.to_owned()]);
    network.start("kafka", network.command(&words.collect::<Vec<_>>()))
}

#[test]
fn all_of_it_together_measures_what_it_promises() {
    let compose = compose();
    let services = compose["services"].as_object().unwrap();
    let network = Network::of(&services.keys().collect::<Vec<_>>());
    let java = Java::with_kafka(KafkaVersion::V4_1);
    let version = text(&services["kafka"]["image"]).split_once(':').unwrap().1;
    assert_eq!(version, KafkaVersion::V4_1.as_str(), "then another Kafka is played here");

    // In no order: whoever comes first waits for the others.
    let settings = mounted(&compose, "plimsoll", "/etc/plimsoll").join("plimsoll.yaml");
    let mut plimsoll = network.command(&[env!("CARGO_BIN_EXE_plimsoll").to_owned(), "run".to_owned()]);
    plimsoll.env("PLIMSOLL_CONFIG", &settings).env("STATE_DIRECTORY", network.folder.path().join("state"));
    let plimsoll = network.start("plimsoll", plimsoll);
    let config = mounted(&compose, "prometheus", "/etc/prometheus/prometheus.yml");
    let prometheus = [
        "prometheus".to_owned(),
        format!("--config.file={}", config.display()),
        format!("--storage.tsdb.path={}", network.folder.path().join("prometheus").display()),
    ];
    let prometheus = network.start("prometheus", network.command(&prometheus));
    let kafka = start_kafka(&network, &java, &services["kafka"]["environment"]);
    let answers = network.get("http://plimsoll:1876/readyz");
    assert!(answers.is_none_or(|answer| answer["ready"] == false), "nothing can have been measured yet");
    let measured = try_wait_for(PATIENCE, || network.get("http://plimsoll:1876/readyz"));
    assert!(measured.is_some(), "Kafka was never measured\n{}", logs(&[&plimsoll, &kafka]));
    let traffic = ["producer", "consumer"]
        .map(|name| network.start(name, network.command(&kafka_tool(&java, &services[name]["command"]))));

    let query = "plimsoll_slo_events_total{slo=\"orders-on-time\",outcome=\"good\"}>100";
    let url = format!("http://prometheus:9090{}", path_of(query));
    let good = try_wait_for(3 * PATIENCE, || {
        let answer = network.get(&url)?;
        answer["data"]["result"][0]["value"][1].as_str().map(str::to_owned)
    });
    let all = [&plimsoll, &kafka, &prometheus, &traffic[0], &traffic[1]];
    assert!(good.is_some(), "no order was on time\n{}", logs(&all));
}

/// The last lines of each.
fn logs(services: &[&Service]) -> String {
    let last = |service: &&Service| {
        let log = fs::read_to_string(&service.log).unwrap();
        let lines: Vec<_> = log.lines().rev().take(15).collect();
        let lines: Vec<_> = lines.into_iter().rev().collect();
        format!("--- {}\n{}\n", service.log.display(), lines.join("\n"))
    };
    services.iter().map(last).collect()
}

#[test]
fn its_rules_are_fine() {
    let checked = run(&["check", repository("deploy/compose/plimsoll/plimsoll.yaml").to_str().unwrap()]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(!checked.out.contains("warning"), "{}", checked.out);
}
