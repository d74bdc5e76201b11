//! A real Apache Kafka for tests: starts it, breaks it, gives it traffic, and asks its own tools for the truth.
//! It never outlives the tests, and never touches anything outside its own folder and ports.
//!
//! Everything blocks, and everything is bounded: what does not come true in time panics and says what.

pub(crate) mod admin;
mod certificates;
pub(crate) mod groups;
mod java;
pub(crate) mod logs;
pub(crate) mod member;
mod process;
mod spec;
mod tests;
pub(crate) mod traffic;
pub(crate) mod wait;

use std::fs::{create_dir_all, read_to_string, remove_dir_all, write};
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::TopicPartitionList;

pub(crate) use certificates::Certificates;
pub(crate) use spec::{KafkaSpec, KafkaVersion, Security, free_port};

pub(crate) use java::Java;
use process::{BrokerProcess, log_tail, start_new_log};
use spec::{BrokerFolder, OFFSETS_PARTITIONS, Ports};
use wait::try_wait_for;

/// For anything that Kafka does in well under a second when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const START: Duration = Duration::from_secs(60);
/// Of a single request: short, as it is asked again until [`PATIENCE`] ends.
const REQUEST: Duration = Duration::from_secs(5);

/// A running cluster; dropping it kills its brokers and removes its folder.
#[derive(Debug)]
pub(crate) struct KafkaCluster {
    spec: KafkaSpec,
    java: Java,
    jvm_options: Vec<String>,
    folder: PathBuf,
    ports: Ports,
    certificates: Option<Certificates>,
    /// At index `id - 1`; none while the broker is stopped.
    brokers: Mutex<Vec<Option<BrokerProcess>>>,
}

impl KafkaCluster {
    /// Returns when every broker answers and every group coordinator is loaded.
    pub(crate) fn start(spec: &KafkaSpec) -> KafkaCluster {
        let java = Java::with_kafka(spec.version);
        java.make_class_archive(|option| {
            let plain = KafkaSpec::new(spec.version);
            KafkaCluster::start_with(&plain, &java, &[option]).stop_broker(1);
        });
        KafkaCluster::start_with(spec, &java, &[])
    }

    fn start_with(spec: &KafkaSpec, java: &Java, jvm_options: &[String]) -> KafkaCluster {
        for _ in 0..3 {
            match KafkaCluster::try_start(spec, java, jvm_options) {
                Ok(cluster) => return cluster,
                Err(log) if log.contains("Address already in use") => {}
                Err(log) => panic!("Kafka {} did not start:\n{log}", spec.version.as_str()),
            }
        }
        panic!("somebody else took the ports of three clusters in a row");
    }

    /// The one-broker cluster of `version` that tests share; they keep to topics and groups of their own
    /// ([`unique`]) and leave the broker running.
    pub(crate) fn shared(version: KafkaVersion) -> &'static KafkaCluster {
        static CLUSTERS: [OnceLock<KafkaCluster>; 2] = [OnceLock::new(), OnceLock::new()];
        CLUSTERS[version as usize].get_or_init(|| KafkaCluster::start(&KafkaSpec::new(version)))
    }

    /// The error is the log of the broker that failed.
    fn try_start(spec: &KafkaSpec, java: &Java, jvm_options: &[String]) -> Result<KafkaCluster, String> {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("kafka-{:016x}", random()));
        create_dir_all(&folder).unwrap();
        let cluster = KafkaCluster {
            ports: Ports::find(spec.brokers),
            certificates: spec.security.uses_tls().then(|| Certificates::make(&folder)),
            brokers: Mutex::new((0..spec.brokers).map(|_| None).collect()),
            spec: spec.clone(),
            java: java.clone(),
            jvm_options: jvm_options.to_vec(),
            folder,
        };
        // 22 characters of base64 are the 16 bytes of an id, and all hexadecimal digits are among them.
        let cluster_id = format!("{:016x}{:05x}A", random(), random() & 0xfffff);
        for id in 1..=spec.brokers {
            cluster.format(id, &cluster_id);
        }
        for id in 1..=spec.brokers {
            cluster.spawn_broker(id);
            cluster.wait_for_brokers(id)?;
            if id == 1 {
                // Before there is another broker: so Kafka's own topics have all their partitions on this one,
                // and groups work on while the other brokers are down.
                cluster.wait_for_group_coordinators()?;
            }
        }
        Ok(cluster)
    }

    /// For the program under test, through the listener with [`KafkaSpec::security`]: `host:port,…`.
    pub(crate) fn bootstrap_server(&self) -> String {
        self.servers(|id| self.ports.outer(id))
    }

    /// For the tests themselves, through the listener without security: `host:port,…`.
    pub(crate) fn inner_bootstrap_server(&self) -> String {
        self.servers(|id| self.ports.inner(id))
    }

    /// Panics where the listener has no TLS.
    pub(crate) fn certificates(&self) -> &Certificates {
        self.certificates.as_ref().unwrap()
    }

    /// The properties of librdkafka that a client of [`Self::bootstrap_server`] needs; `user` as in
    /// [`KafkaSpec::user`], ignored where there is no SCRAM.
    pub(crate) fn client_properties(&self, user: &str, password: &str) -> Vec<(String, String)> {
        let mut properties = vec![("security.protocol", self.spec.security.protocol().to_owned())];
        if self.spec.security.uses_scram() {
            properties.push(("sasl.mechanism", "SCRAM-SHA-512".to_owned()));
            properties.push(("sasl.username", user.to_owned()));
            properties.push(("sasl.password", password.to_owned()));
        }
        if let Some(certificates) = &self.certificates {
            properties.push(("ssl.ca.location", certificates.ca().display().to_string()));
        }
        if self.spec.security == Security::MutualTls {
            let certificates = self.certificates();
            properties
                .push(("ssl.certificate.location", certificates.client_certificate().display().to_string()));
            properties.push(("ssl.key.location", certificates.client_key().display().to_string()));
        }
        properties.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// The process id of a running broker.
    #[allow(dead_code, reason = "only the benchmark asks what a broker costs")]
    pub(crate) fn broker_pid(&self, id: u32) -> u32 {
        self.with_broker(id, |broker| broker.pid())
    }

    /// SIGTERM, and waits for the end.
    pub(crate) fn stop_broker(&self, id: u32) {
        self.end_broker(id, "TERM");
    }

    /// SIGKILL, and waits for the end.
    pub(crate) fn kill_broker(&self, id: u32) {
        self.end_broker(id, "KILL");
    }

    /// SIGSTOP: connections stay, and nothing answers.
    pub(crate) fn pause_broker(&self, id: u32) {
        self.with_broker(id, |broker| broker.signal("STOP"));
    }

    pub(crate) fn resume_broker(&self, id: u32) {
        self.with_broker(id, |broker| broker.signal("CONT"));
    }

    /// Again, after [`Self::stop_broker`] or [`Self::kill_broker`], with its data and ports.
    pub(crate) fn start_broker(&self, id: u32) {
        self.spawn_broker(id);
        let running = self.brokers.lock().unwrap().iter().flatten().count() as u32;
        let started = self.wait_for_brokers(running).and_then(|()| self.wait_for_group_coordinators());
        if let Err(log) = started {
            panic!("broker {id} did not start again:\n{log}");
        }
    }

    /// A client of the tests' own, with `properties` added.
    pub(crate) fn client_config(&self, properties: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.inner_bootstrap_server());
        // The tests stop brokers on purpose: whoever waits for them again shall notice soon.
        config.set("reconnect.backoff.max.ms", "500").set("log_level", "0");
        for (key, value) in properties {
            config.set(*key, *value);
        }
        config
    }

    fn servers(&self, port: impl Fn(u32) -> u16) -> String {
        let servers: Vec<String> =
            (1..=self.spec.brokers).map(|id| format!("127.0.0.1:{}", port(id))).collect();
        servers.join(",")
    }

    fn broker_folder(&self, id: u32) -> BrokerFolder {
        BrokerFolder::of(id, &self.folder)
    }

    fn format(&self, id: u32, cluster_id: &str) {
        let folder = self.broker_folder(id);
        let properties =
            self.spec.server_properties(id, &self.ports, &folder.data, self.certificates.as_ref());
        write(&folder.properties, properties).unwrap();
        let properties = folder.properties.display().to_string();
        let mut arguments = ["format", "-t", cluster_id, "-c", &properties].map(str::to_owned).to_vec();
        for (name, password) in &self.spec.users {
            arguments.push("--add-scram".to_owned());
            arguments.push(format!("SCRAM-SHA-512=[name={name},password={password}]"));
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.java.run("kafka.tools.StorageTool", &arguments);
    }

    fn spawn_broker(&self, id: u32) {
        let folder = self.broker_folder(id);
        let logging = self.folder.join("log4j.properties");
        write(&logging, LOGGING).unwrap();
        start_new_log(&folder.log);
        let mut options = self.jvm_options.clone();
        options.extend_from_slice(&self.spec.jvm_options);
        options.push(format!("-Dlog4j.configuration=file:{}", logging.display()));
        let mut words = self.java.command(512, &options, "kafka.Kafka");
        words.push(folder.properties.display().to_string());
        let broker = BrokerProcess::spawn(&words, &folder.log, &self.folder);
        let before = self.brokers.lock().unwrap()[id as usize - 1].replace(broker);
        assert!(before.is_none(), "broker {id} is running already");
    }

    fn end_broker(&self, id: u32, signal: &str) {
        self.with_broker(id, |broker| {
            broker.signal(signal);
            broker.wait_for_end(PATIENCE);
        });
        self.brokers.lock().unwrap()[id as usize - 1] = None;
    }

    fn with_broker<T>(&self, id: u32, act: impl FnOnce(&mut BrokerProcess) -> T) -> T {
        let mut brokers = self.brokers.lock().unwrap();
        act(brokers[id as usize - 1].as_mut().unwrap_or_else(|| panic!("broker {id} is not running")))
    }

    /// Until `count` brokers are in the metadata that each of the running ones gives.
    fn wait_for_brokers(&self, count: u32) -> Result<(), String> {
        let running: Vec<u32> = (1..=self.spec.brokers)
            .filter(|&id| self.brokers.lock().unwrap()[id as usize - 1].is_some())
            .collect();
        for id in running {
            let address = format!("127.0.0.1:{}", self.ports.inner(id));
            let client: BaseConsumer =
                self.client_config(&[("bootstrap.servers", &address)]).create().unwrap();
            self.while_running(|| {
                let metadata = client.fetch_metadata(None, REQUEST).ok()?;
                (metadata.brokers().len() >= count as usize).then_some(())
            })?;
        }
        Ok(())
    }

    /// Reading an offset needs a loaded coordinator as much as committing one, and leaves nothing behind.
    fn wait_for_group_coordinators(&self) -> Result<(), String> {
        let mut nothing = TopicPartitionList::new();
        nothing.add_partition("nothing", 0);
        for partition in 0..OFFSETS_PARTITIONS {
            // The hash of a one-letter name is its code point: neighbours fall on neighbouring partitions.
            let group = char::from_u32('a' as u32 + partition).unwrap().to_string();
            let client: BaseConsumer = self.client_config(&[("group.id", &group)]).create().unwrap();
            self.while_running(|| client.committed_offsets(nothing.clone(), REQUEST).ok())?;
        }
        Ok(())
    }

    /// What `look` finds; the log when a broker has ended meanwhile, or when there is nothing in time.
    fn while_running<T>(&self, mut look: impl FnMut() -> Option<T>) -> Result<T, String> {
        let mut ended = None;
        let found = try_wait_for(START, || {
            if let Some(found) = look() {
                return Some(Some(found));
            }
            let mut brokers = self.brokers.lock().unwrap();
            let dead = brokers.iter_mut().position(|broker| broker.as_mut().is_some_and(|b| !b.is_running()));
            ended = dead.map(|index| index as u32 + 1);
            ended.map(|_| None)
        });
        match found.flatten() {
            Some(found) => Ok(found),
            None => Err(match ended {
                Some(id) => read_to_string(self.broker_folder(id).log).unwrap_or_default(),
                None => (1..=self.spec.brokers).map(|id| log_tail(&self.broker_folder(id).log)).collect(),
            }),
        }
    }
}

impl Drop for KafkaCluster {
    fn drop(&mut self) {
        self.brokers.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()).clear();
        // The brokers' keepers remove it too; what they leave, after a stop, goes here.
        remove_dir_all(&self.folder).ok();
    }
}

/// Without the hundreds of lines of settings that would hide the reason of a failure.
const LOGGING: &str = "\
log4j.rootLogger=INFO, out
log4j.logger.kafka.server.KafkaConfig=WARN
log4j.logger.org.apache.kafka.common.config.AbstractConfig=WARN
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{ABSOLUTE} %p %c{1} %m%n
";

/// `prefix` with a number that no other caller in this process gets: a topic or group of one's own.
pub(crate) fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{prefix}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Differs between any two calls, in all processes.
fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}
