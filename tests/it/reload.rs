//! Settings and rules that are edited while the daemon runs and records flow: what stays counts on, what is broken
//! changes nothing.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::kafka_server::wait::{try_wait_for, wait_for, wait_until};
use crate::kafka_server::{KafkaCluster, KafkaVersion, PATIENCE, unique};
use crate::program::{CLUSTER, Daemon, Settings, run};

const SUCCESSFUL: &str = "plimsoll_config_last_reload_successful";
const SUCCESS_AT: &str = "plimsoll_config_last_reload_success_timestamp_seconds";

/// A topic, a group of the same name whose every record is in time, and a daemon with rules in a folder.
struct Edited<'a> {
    cluster: &'a KafkaCluster,
    name: String,
    folder: TempDir,
    daemon: Option<Daemon>,
    produced: u64,
}

impl<'a> Edited<'a> {
    /// Returns when it watches: every record to come is appended after that.
    fn start(cluster: &'a KafkaCluster, slos: &[&str]) -> Edited<'a> {
        let name = unique("edited");
        cluster.create_topic(&name, 1, &[]);
        cluster.commit_offset(&name, &name, 0, 0);
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut edited = Edited { cluster, name, folder, daemon: None, produced: 0 };
        std::fs::create_dir(edited.folder.path().join("rules")).unwrap();
        edited.write("rules/first.yaml", &edited.rules(slos));
        edited.write_settings("200ms");
        let settings = Settings::at(&edited.path("plimsoll.yaml"));
        edited.daemon = Some(Daemon::start(settings));
        edited.daemon().wait_for("the group is measured", |page| page.value("plimsoll_up", &[]) == Some(1.0));
        edited.wait_until_watched();
        edited
    }

    /// Every record that comes after this is judged by all the rules that there are.
    fn wait_until_watched(&self) {
        let measured_at = || -> Option<jiff::Timestamp> {
            let group = self.daemon().json(&format!("/api/v1/groups/{CLUSTER}/{}", self.name));
            group["measured_at"].as_str()?.parse().ok()
        };
        let first = wait_for("the group is measured", PATIENCE, measured_at);
        // What is complete is so for a time that is about a second ago.
        wait_until("two seconds of watching", PATIENCE, || {
            measured_at().is_some_and(|at| at.as_millisecond() > first.as_millisecond() + 2_000)
        });
    }

    fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().unwrap()
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// As editors do it: another file takes the place of the one that was there.
    fn write(&self, file: &str, text: &str) {
        let new = self.path("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.path(file)).unwrap();
    }

    fn write_settings(&self, poll_interval: &str) {
        let ours = json!({ "include": [self.name] });
        let settings = json!({
            "clusters": [{
                "name": CLUSTER,
                "bootstrap_servers": self.cluster.bootstrap_server(),
                "poll_interval": poll_interval,
                "groups": ours,
                "topics": ours,
            }],
            "http": { "listen": "127.0.0.1:0" },
            "rules": ["rules/*.yaml"],
            "state": { "path": self.path("state") },
        });
        self.write("plimsoll.yaml", &settings.to_string());
    }

    /// 99% within a minute each, which every record is.
    fn rules(&self, slos: &[&str]) -> String {
        self.rules_within(slos, "60s")
    }

    fn rules_within(&self, slos: &[&str], within: &str) -> String {
        let latency = json!({
            "group": self.name, "topic": self.name, "within": within, "accept_commit_resolution": true,
        });
        let slo = |name: &&str| json!({ "name": name, "indicator": { "latency": latency }, "objective": "99%", "window": "30d" });
        json!({ "slos": slos.iter().map(slo).collect::<Vec<_>>() }).to_string()
    }

    /// So many more records, which are committed when this returns.
    fn run(&mut self, records: u64) {
        self.cluster.produce(&self.name, 0, records as usize);
        self.produced += records;
        self.cluster.commit_offset(&self.name, &self.name, 0, self.produced);
    }

    /// Everything that an SLO has ever counted, each of it good; `None` where there is none of that name.
    fn total(&self, slo: &str) -> Option<u64> {
        let answer = self.daemon().json(&format!("/api/v1/slos?slo={slo}"));
        let slos = answer["slos"].as_array().unwrap();
        let total = &slos.iter().find(|one| one["group"] == self.name.as_str())?["total"];
        assert_eq!((&total["bad"], &total["unmeasured"]), (&json!(0), &json!(0)), "{answer}");
        total["good"].as_u64()
    }

    fn wait_for_total(&self, slo: &str, expected: Option<u64>) {
        let came = try_wait_for(PATIENCE, || (self.total(slo) == expected).then_some(()));
        assert!(came.is_some(), "{slo}: {:?}, not {expected:?}\n{}", self.total(slo), self.daemon().log());
    }

    /// Until it has told this for the first time after `skip` lines.
    fn wait_for_log(&self, message: &str, skip: usize) -> Value {
        let found = try_wait_for(PATIENCE, || {
            let log = self.daemon().log();
            let mut events = log.lines().skip(skip).map(|line| serde_json::from_str::<Value>(line).unwrap());
            events.find(|event| event["message"] == message)
        });
        found.unwrap_or_else(|| panic!("not told: {message}\n{}", self.daemon().log()))["fields"].clone()
    }

    fn warnings(&self) -> Vec<String> {
        let ready = self.daemon().json("/readyz");
        let warnings = ready["warnings"].as_array().cloned().unwrap_or_default();
        warnings.iter().map(|warning| warning.as_str().unwrap().to_owned()).collect()
    }

    fn metric(&self, name: &str) -> f64 {
        let page = self.daemon().get("/metrics").1;
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name}: {page}")).parse().unwrap()
    }
}

const IN_USE: &str = "settings were read anew and are in use";
const REFUSED: &str = "settings were read anew and are not used; those of before stay in use";
const LATER: &str = "these settings differ from those in use and take effect at the next start";

#[test]
fn rules_are_exchanged_while_records_flow_and_what_stays_counts_each_record_once() {
    let mut edited = Edited::start(KafkaCluster::shared(KafkaVersion::V4_1), &["stays", "goes"]);
    let started = edited.metric(SUCCESS_AT);
    assert_eq!(edited.metric(SUCCESSFUL), 1.0);
    edited.run(50);
    edited.wait_for_total("goes", Some(50));

    // Files that a glob finds come by themselves.
    let skip = edited.daemon().log_lines();
    edited.write("rules/second.yaml", &edited.rules(&["comes"]));
    edited.write("rules/third.yaml", &edited.rules_within(&["slower"], "90s"));
    edited.run(30);
    assert_eq!(edited.wait_for_log(IN_USE, skip)["added"], "comes, slower");
    edited.wait_for_total("stays", Some(80));
    edited.wait_for_total("goes", Some(80));
    edited.wait_until_watched();
    wait_until("the time of it is told", PATIENCE, || edited.metric(SUCCESS_AT) > started);
    // What was judged before they came is none of theirs.
    let came_at = ["comes", "slower"].map(|slo| 80 - edited.total(slo).unwrap());
    assert!(came_at.iter().all(|came_at| *came_at >= 50), "{came_at:?}");
    edited.run(20);
    for (slo, came_at) in [("comes", came_at[0]), ("slower", came_at[1]), ("goes", 0), ("stays", 0)] {
        edited.wait_for_total(slo, Some(100 - came_at));
    }

    // A broken one changes nothing, and is told as `plimsoll check` does.
    let skip = edited.daemon().log_lines();
    edited.write("rules/first.yaml", "slos:\n- { name: stays, objectve: 99% }\n");
    edited.wait_for_log(REFUSED, skip);
    wait_until("the metric says so", PATIENCE, || edited.metric(SUCCESSFUL) == 0.0);
    let checked = run(&["check", edited.path("plimsoll.yaml").to_str().unwrap()]);
    let log = edited.daemon().log();
    let told = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told: Vec<_> =
        told.filter_map(|event| Some(event["fields"]["problem"].as_str()?.to_owned())).collect();
    assert_eq!(checked.out.trim_end(), told.join("\n"));
    assert!(told.len() > 1 && checked.out.contains("did you mean `objective`?"), "{told:?}");
    wait_until("the metric says so", PATIENCE, || edited.metric(SUCCESSFUL) == 0.0);
    let first = told[0].lines().next().unwrap();
    let sentence = format!(
        "the settings on disk are not in use, those of before are: they have {} problems, all of them in the log: {first}",
        told.len()
    );
    assert_eq!(edited.warnings(), [sentence]);
    edited.run(40);
    for (slo, came_at) in [("comes", came_at[0]), ("goes", 0), ("stays", 0)] {
        edited.wait_for_total(slo, Some(140 - came_at));
    }

    // Asked for, it is told again, and when it is mended also that.
    let skip = edited.daemon().log_lines();
    edited.daemon().signal("HUP");
    edited.wait_for_log(REFUSED, skip);
    let skip = edited.daemon().log_lines();
    edited.write("rules/first.yaml", &edited.rules(&["stays"]));
    edited.run(60);
    let told = edited.wait_for_log(IN_USE, skip);
    assert_eq!(
        (&told["removed"], &told["added"], &told["changed"]),
        (&json!("goes"), &Value::Null, &Value::Null)
    );
    edited.wait_for_total("goes", None);
    wait_until("the metric says so", PATIENCE, || edited.metric(SUCCESSFUL) == 1.0);
    assert_eq!(edited.warnings(), [""; 0]);
    edited.run(25);
    edited.wait_for_total("comes", Some(edited.produced - came_at[0]));
    edited.wait_for_total("stays", Some(edited.produced));

    // And so it stays after a crash.
    let settings = edited.daemon.take().unwrap().kill();
    edited.daemon = Some(Daemon::start(settings));
    edited.run(5);
    for (slo, came_at) in [("comes", came_at[0]), ("slower", came_at[1]), ("stays", 0)] {
        edited.wait_for_total(slo, Some(edited.produced - came_at));
    }
}

#[test]
fn what_needs_a_restart_is_named_until_it_is_as_before() {
    let edited = Edited::start(KafkaCluster::shared(KafkaVersion::V4_1), &["stays"]);
    let later = format!("clusters.{CLUSTER}.poll_interval");
    let sentence = [format!("settings that take effect at the next start: {later}")];
    let mut skip = edited.daemon().log_lines();
    edited.write_settings("300ms");
    assert_eq!(edited.wait_for_log(LATER, skip)["keys"], later.as_str());
    assert_eq!(edited.warnings(), sentence);
    assert_eq!(edited.metric(SUCCESSFUL), 1.0);

    // Whatever else is exchanged meanwhile.
    skip = edited.daemon().log_lines();
    edited.write("rules/first.yaml", &edited.rules(&["stays", "comes"]));
    edited.daemon().signal("HUP");
    assert_eq!(edited.wait_for_log(IN_USE, skip)["added"], "comes");
    edited.wait_for_total("comes", Some(0));
    assert_eq!(edited.warnings(), sentence);

    edited.write_settings("200ms");
    edited.daemon().signal("HUP");
    wait_until("it is as before", PATIENCE, || edited.warnings().is_empty());
}

/// A folder as Kubernetes mounts a ConfigMap: files are links through `..data`, which is set to another folder at once.
#[test]
fn a_config_map_that_is_swapped_is_read_anew() {
    let edited = Edited::start(KafkaCluster::shared(KafkaVersion::V4_1), &["stays"]);
    let skip = edited.daemon().log_lines();
    let link = |target: &Path, link: &str| std::os::unix::fs::symlink(target, edited.path(link)).unwrap();
    std::fs::create_dir(edited.path("rules/..1")).unwrap();
    edited.write("rules/..1/mounted.yaml", &edited.rules(&["mounted"]));
    link(Path::new("..1"), "rules/..data");
    link(Path::new("..data/mounted.yaml"), "rules/mounted.yaml");
    assert_eq!(edited.wait_for_log(IN_USE, skip)["added"], "mounted");
    for (version, before) in [(2, "mounted".to_owned()), (3, "mounted-2".to_owned())] {
        let skip = edited.daemon().log_lines();
        let (folder, name) = (format!("..{version}"), format!("mounted-{version}"));
        std::fs::create_dir(edited.path(&format!("rules/{folder}"))).unwrap();
        edited.write(&format!("rules/{folder}/mounted.yaml"), &edited.rules(&[&name]));
        link(Path::new(&folder), "rules/..new");
        std::fs::rename(edited.path("rules/..new"), edited.path("rules/..data")).unwrap();
        std::fs::remove_dir_all(edited.path(&format!("rules/..{}", version - 1))).unwrap();
        let told = edited.wait_for_log(IN_USE, skip);
        assert_eq!((&told["added"], &told["removed"]), (&json!(name), &json!(before)));
    }
}

#[test]
fn without_a_settings_file_a_signal_does_no_harm() {
    let servers = KafkaCluster::shared(KafkaVersion::V4_1).bootstrap_server();
    let state = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let daemon = Daemon::start_without_settings(
        &["--bootstrap-server", &servers, "--listen", "127.0.0.1:0"],
        &[("STATE_DIRECTORY", state.path().to_str().unwrap())],
    );
    wait_until("the cluster is measured", PATIENCE, || daemon.json("/readyz")["ready"] == true);
    daemon.signal("HUP");
    wait_until("it is told", PATIENCE, || daemon.log().contains(IN_USE));
    let told = daemon.log();
    let told: Value = serde_json::from_str(told.lines().find(|line| line.contains(IN_USE)).unwrap()).unwrap();
    assert_eq!(told.get("fields"), None);
    assert_eq!(daemon.json("/readyz")["ready"], true);
}
