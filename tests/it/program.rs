//! The binary under test: a command run to its end, or a daemon that is asked over HTTP and dies with its test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::{NamedTempFile, TempDir};

use crate::export::parser::{Family, Labels, parse};
use crate::kafka_server::wait::{try_wait_for, wait_for};
use crate::kafka_server::{KafkaCluster, PATIENCE};

/// The `cluster` label of everything that is watched here.
pub(crate) const CLUSTER: &str = "prod";

/// For a process that is about to end.
const ENDING: Duration = Duration::from_secs(3);

/// What a command has left.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) error: String,
}

impl Ended {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }
}

/// Runs `plimsoll` with `arguments` to its end; kills it and panics when that takes too long.
pub(crate) fn run(arguments: &[&str]) -> Ended {
    run_with(arguments, &[])
}

/// As [`run`], with `variables` in its environment.
pub(crate) fn run_with(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = plimsoll(arguments);
    command.envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Killed(command.spawn().unwrap());
    let (out, error) = (read_all(child.0.stdout.take()), read_all(child.0.stderr.take()));
    let status =
        wait_for(&format!("the end of plimsoll {arguments:?}"), PATIENCE, || child.0.try_wait().unwrap());
    Ended { code: status.code(), out: out.recv().unwrap(), error: error.recv().unwrap() }
}

fn plimsoll(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    // What whoever runs the tests has set for a daemon of their own is none of our business.
    command.args(arguments).env_remove("PLIMSOLL_CONFIG").env_remove("PLIMSOLL_LOG").stdin(Stdio::null());
    command
}

fn read_all(stream: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    let mut stream = stream.unwrap();
    std::thread::spawn(move || {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        sender.send(text)
    });
    receiver
}

/// A process that does not outlive its test.
#[derive(Debug)]
pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The settings of one cluster in a file that goes with this value, unless it is the test's own: JSON, which is YAML too.
#[derive(Debug)]
pub(crate) struct Settings {
    path: PathBuf,
    /// With where the daemon keeps its state, unless the test says another place.
    _file: Option<(NamedTempFile, TempDir)>,
}

impl Settings {
    /// `keys` are those of the cluster besides its name and servers, and win over both.
    pub(crate) fn of(servers: &str, keys: &Value) -> Settings {
        let servers: Vec<&str> = servers.split(',').collect();
        Settings::with(&servers, keys, &json!({}))
    }

    /// As [`Self::of`], with `others` beside the cluster.
    pub(crate) fn with(servers: &[&str], keys: &Value, others: &Value) -> Settings {
        let mut cluster = json!({ "name": CLUSTER, "bootstrap_servers": servers });
        cluster.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        let state = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut settings = json!({
            "clusters": [cluster],
            "http": { "listen": "127.0.0.1:0" },
            "rules": [],
            "state": { "path": state.path() },
        });
        settings.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(settings.to_string().as_bytes()).unwrap();
        Settings { path: file.path().to_owned(), _file: Some((file, state)) }
    }

    /// A file of the test's own.
    pub(crate) fn at(path: &Path) -> Settings {
        Settings { path: path.to_owned(), _file: None }
    }

    /// For `user` of a cluster; ignored where there are no users.
    pub(crate) fn for_user(cluster: &KafkaCluster, user: &str, password: &str, keys: &Value) -> Settings {
        Settings::for_user_with(cluster, user, password, keys, &json!({}))
    }

    /// As [`Self::for_user`], with `others` beside the cluster.
    pub(crate) fn for_user_with(
        cluster: &KafkaCluster,
        user: &str,
        password: &str,
        keys: &Value,
        others: &Value,
    ) -> Settings {
        let properties: serde_json::Map<String, Value> = cluster
            .client_properties(user, password)
            .into_iter()
            .map(|(key, value)| (key, json!(value)))
            .collect();
        let mut all = json!({ "properties": properties });
        all.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        let servers = cluster.bootstrap_server();
        Settings::with(&servers.split(',').collect::<Vec<_>>(), &all, others)
    }

    pub(crate) fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

/// A running `plimsoll run`.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Mutex<Killed>,
    /// Of its log; finished when it has ended.
    reader: JoinHandle<()>,
    address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
    settings: Settings,
}

impl Daemon {
    /// Returns when it serves.
    pub(crate) fn start(settings: Settings) -> Daemon {
        Daemon::start_with(settings, &[])
    }

    /// With more `arguments`.
    pub(crate) fn start_with(settings: Settings, arguments: &[&str]) -> Daemon {
        Daemon::start_among(settings, arguments, &[])
    }

    /// With more `arguments`, and `variables` in its environment.
    pub(crate) fn start_among(settings: Settings, arguments: &[&str], variables: &[(&str, &str)]) -> Daemon {
        let config = ["--config", settings.path()];
        let mut daemon = Daemon::start_without_settings(&[&config, arguments].concat(), variables);
        daemon.settings = settings;
        daemon
    }

    /// With what `arguments` say alone.
    pub(crate) fn start_without_settings(arguments: &[&str], variables: &[(&str, &str)]) -> Daemon {
        let mut command = plimsoll(&[&["run", "--log-format", "json"], arguments].concat());
        command.envs(variables.iter().copied());
        let mut child = Killed(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let (lines, error) = (Arc::clone(&log), BufReader::new(child.0.stderr.take().unwrap()));
        // What a library says before it ends the process may not be text.
        let reader = std::thread::spawn(move || {
            let said = error.split(b'\n').map_while(Result::ok);
            said.for_each(|line| lines.lock().unwrap().push(String::from_utf8_lossy(&line).into_owned()));
        });
        let address = try_wait_for(PATIENCE, || {
            let lines = log.lock().unwrap();
            let mut events = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            events.find_map(|event| event["fields"]["address"].as_str()?.parse().ok())
        });
        let address = address.unwrap_or_else(|| panic!("it does not serve: {:?}", log.lock().unwrap()));
        Daemon { child: Mutex::new(child), reader, address, log, settings: Settings::at(Path::new("")) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The status and body of a GET.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let connected = TcpStream::connect(self.address);
        let mut stream = connected.unwrap_or_else(|failed| panic!("nobody serves: {failed}\n{}", self.end()));
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let asked = write!(stream, "GET {path} HTTP/1.1\r\nHost: plimsoll\r\nConnection: close\r\n\r\n");
        asked.unwrap_or_else(|failed| panic!("nobody hears {path}: {failed}\n{}", self.end()));
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        read.unwrap_or_else(|failed| panic!("no answer to {path}: {failed}\n{}", self.end()));
        let parts = answer.split_once("\r\n\r\n");
        let (head, body) = parts.unwrap_or_else(|| panic!("half an answer to {path}\n{}", self.end()));
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).1).unwrap()
    }

    pub(crate) fn metrics(&self) -> Page {
        Page(parse(&self.get("/metrics").1))
    }

    /// The first page of metrics for which `is_so`; panics with what it serves, and its log, when there is none.
    pub(crate) fn wait_for(&self, what: &str, is_so: impl Fn(&Page) -> bool) -> Page {
        let found = try_wait_for(PATIENCE, || Some(self.metrics()).filter(|page| is_so(page)));
        found.unwrap_or_else(|| {
            panic!("it never came true: {what}\n{}\n{}", self.get("/metrics").1, self.log())
        })
    }

    /// Until the cluster is measured and everything in it that ever will be.
    pub(crate) fn wait_until_measured(&self) -> Page {
        self.wait_for("the cluster is measured", |page| page.value("plimsoll_up", &[]) == Some(1.0))
    }

    /// All its log lines so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// How it has ended, by which signal if by one, and its log to the last line: for those who had reason to think that
    /// it serves.
    fn end(&self) -> String {
        let ended = || self.child.lock().unwrap().0.try_wait().unwrap().filter(|_| self.reader.is_finished());
        let ended = try_wait_for(ENDING, ended);
        let how = ended.map_or_else(|| "it has not ended".to_owned(), |status| status.to_string());
        format!("{how}\n{}", self.log())
    }

    /// When it logged `message` for the first time after the `skip` first lines: milliseconds since 1970.
    pub(crate) fn logged_at(&self, message: &str, skip: usize) -> Option<i64> {
        let log = self.log.lock().unwrap();
        log.iter().skip(skip).find_map(|line| {
            let event: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
            let is_it = event["message"] == message;
            is_it.then(|| {
                event["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond()
            })
        })
    }

    pub(crate) fn log_lines(&self) -> usize {
        self.log.lock().unwrap().len()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.lock().unwrap().0.id()
    }

    /// `signal` as kill(1) spells it.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
    }

    /// SIGKILL: ends it as a crash does, and leaves what it needs to be started again.
    pub(crate) fn kill(mut self) -> Settings {
        let child = &mut self.child.get_mut().unwrap().0;
        child.kill().unwrap();
        child.wait().unwrap();
        self.settings
    }

    /// Its exit code, once it has ended; panics with its log when it has not `within`.
    pub(crate) fn wait_for_end(mut self, within: Duration) -> Option<i32> {
        let ended = try_wait_for(within, || self.child.get_mut().unwrap().0.try_wait().unwrap());
        let Some(status) = ended else { panic!("it still runs after {within:?}:\n{}", self.log()) };
        status.code()
    }
}

/// A page of metrics.
#[derive(Debug)]
pub(crate) struct Page(std::collections::BTreeMap<String, Family>);

impl Page {
    /// The value of the one series `name` whose labels besides `cluster` are exactly `labels`.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().copied().chain([("cluster", CLUSTER)]);
        let labels: Labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let value = self.0.get(name)?.samples.get(&(name.to_owned(), labels))?;
        Some(value.parse().unwrap())
    }

    /// All series of a histogram whose labels besides `cluster` are exactly `labels`: its count, and the cumulative
    /// count of each bucket by its upper bound in seconds.
    pub(crate) fn histogram(&self, name: &str, labels: &[(&str, &str)]) -> Option<(f64, Vec<(f64, f64)>)> {
        let family = self.0.get(name)?;
        let (count, mut buckets) = (format!("{name}_count"), Vec::new());
        let wanted = labels.iter().copied().chain([("cluster", CLUSTER)]);
        let wanted: Labels = wanted.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let mut total = None;
        for ((sample, labels), value) in &family.samples {
            let (mut labels, value) = (labels.clone(), value.parse().unwrap());
            let bound = labels.remove("le");
            if labels == wanted {
                match bound {
                    Some(bound) => buckets.push((bound.parse().unwrap(), value)),
                    None if *sample == count => total = Some(value),
                    None => {}
                }
            }
        }
        buckets.sort_by(|a, b| a.partial_cmp(b).unwrap());
        Some((total?, buckets))
    }

    /// Whether any series of any family has these `labels` and is a gauge.
    pub(crate) fn gauges_with(&self, labels: &[(&str, &str)]) -> Vec<&str> {
        let has =
            |found: &Labels| labels.iter().all(|(key, value)| found.get(*key).is_some_and(|it| it == value));
        let gauges = self.0.iter().filter(|(_, family)| family.kind == "gauge");
        let with = gauges.filter(|(_, family)| family.samples.keys().any(|(_, found)| has(found)));
        with.map(|(name, _)| name.as_str()).collect()
    }

    /// Whether `name` has a series with this label.
    pub(crate) fn has(&self, name: &str, (key, value): (&str, &str)) -> bool {
        let mut found = self.0.get(name).into_iter().flat_map(|family| family.samples.keys());
        found.any(|(_, labels)| labels.get(key).is_some_and(|it| it == value))
    }

    /// Subject, name and reason of everything that is unmeasured, in this order.
    pub(crate) fn unmeasured(&self) -> Vec<(&str, &str, &str)> {
        let Some(family) = self.0.get("plimsoll_unmeasured") else { return Vec::new() };
        let labels = family.samples.keys().map(|(_, labels)| labels);
        let mut all: Vec<_> =
            labels.map(|it| (it["subject"].as_str(), it["name"].as_str(), it["reason"].as_str())).collect();
        all.sort_unstable();
        all
    }
}
