//! What a cluster shall be, and the properties files that say so to Kafka.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

use super::certificates::Certificates;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KafkaVersion {
    V3_9,
    V4_1,
}

impl KafkaVersion {
    pub(crate) const ALL: [KafkaVersion; 2] = [KafkaVersion::V3_9, KafkaVersion::V4_1];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            KafkaVersion::V3_9 => "3.9.1",
            KafkaVersion::V4_1 => "4.1.1",
        }
    }
}

/// How clients reach [`super::KafkaCluster::bootstrap_server`]. The tests' own traffic and admin requests always go
/// through a second listener without any, as the super user `ANONYMOUS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    Plaintext,
    /// User and password, not encrypted: what tests of ACLs need.
    Scram,
    /// SASL_SSL with SCRAM-SHA-512.
    ScramOverTls,
    /// Clients show a certificate of the cluster's CA, and need no password.
    MutualTls,
}

impl Security {
    pub(crate) fn protocol(self) -> &'static str {
        match self {
            Security::Plaintext => "PLAINTEXT",
            Security::Scram => "SASL_PLAINTEXT",
            Security::ScramOverTls => "SASL_SSL",
            Security::MutualTls => "SSL",
        }
    }

    pub(crate) fn uses_tls(self) -> bool {
        matches!(self, Security::ScramOverTls | Security::MutualTls)
    }

    pub(crate) fn uses_scram(self) -> bool {
        matches!(self, Security::Scram | Security::ScramOverTls)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct KafkaSpec {
    pub(crate) version: KafkaVersion,
    pub(crate) brokers: u32,
    pub(crate) security: Security,
    pub(crate) users: Vec<(String, String)>,
    authorizer: bool,
    properties: Vec<(String, String)>,
    pub(crate) jvm_options: Vec<String>,
}

impl KafkaSpec {
    /// One broker, one listener, no security.
    pub(crate) fn new(version: KafkaVersion) -> KafkaSpec {
        KafkaSpec {
            version,
            brokers: 1,
            security: Security::Plaintext,
            users: Vec::new(),
            authorizer: false,
            properties: Vec::new(),
            jvm_options: Vec::new(),
        }
    }

    /// Broker 1 is the controller too, and leads every partition of Kafka's own topics.
    pub(crate) fn brokers(mut self, brokers: u32) -> KafkaSpec {
        self.brokers = brokers;
        self
    }

    pub(crate) fn security(mut self, security: Security) -> KafkaSpec {
        self.security = security;
        self
    }

    /// A user that SCRAM-SHA-512 knows from the first start on.
    pub(crate) fn user(mut self, name: &str, password: &str) -> KafkaSpec {
        self.users.push((name.to_owned(), password.to_owned()));
        self
    }

    /// Everybody but `ANONYMOUS` may only do what an ACL allows.
    pub(crate) fn authorizer(mut self) -> KafkaSpec {
        self.authorizer = true;
        self
    }

    /// One more line of server.properties, on all brokers; it wins over those of the harness.
    pub(crate) fn property(mut self, key: &str, value: &str) -> KafkaSpec {
        self.properties.push((key.to_owned(), value.to_owned()));
        self
    }

    /// One more option of the JVM of each broker; it wins over those of the harness.
    #[allow(
        dead_code,
        reason = "only the benchmark runs long enough to want a JVM that is not tuned to start fast"
    )]
    pub(crate) fn jvm_option(mut self, option: &str) -> KafkaSpec {
        self.jvm_options.push(option.to_owned());
        self
    }

    /// server.properties of broker `id`, whose data goes to `data`.
    pub(crate) fn server_properties(
        &self,
        id: u32,
        ports: &Ports,
        data: &Path,
        certificates: Option<&Certificates>,
    ) -> String {
        let (inner, outer) = (ports.inner(id), ports.outer(id));
        let mut lines = vec![
            format!("process.roles={}", if id == 1 { "broker,controller" } else { "broker" }),
            format!("node.id={id}"),
            format!("controller.quorum.voters=1@127.0.0.1:{}", ports.controller),
            format!(
                "listeners=INNER://127.0.0.1:{inner},OUTER://127.0.0.1:{outer}{}",
                if id == 1 { format!(",CONTROLLER://127.0.0.1:{}", ports.controller) } else { String::new() }
            ),
            format!("advertised.listeners=INNER://127.0.0.1:{inner},OUTER://127.0.0.1:{outer}"),
            format!(
                "listener.security.protocol.map=INNER:PLAINTEXT,CONTROLLER:PLAINTEXT,OUTER:{}",
                self.security.protocol()
            ),
            format!("log.dirs={}", data.display()),
        ];
        lines.extend(COMMON.iter().map(|&line| line.to_owned()));
        if self.brokers > 1 {
            // How long a broker that was killed keeps its partitions; Kafka's own 9 s are long for a test.
            lines.push("broker.session.timeout.ms=4000".to_owned());
            lines.push("broker.heartbeat.interval.ms=500".to_owned());
        }
        if self.security.uses_scram() {
            lines.push("sasl.enabled.mechanisms=SCRAM-SHA-512".to_owned());
            lines.push(
                "listener.name.outer.scram-sha-512.sasl.jaas.config=\
                 org.apache.kafka.common.security.scram.ScramLoginModule required;"
                    .to_owned(),
            );
        }
        if let Some(certificates) = certificates {
            for (key, value) in [
                ("ssl.keystore.type", "PEM".to_owned()),
                ("ssl.keystore.location", certificates.server_keystore().display().to_string()),
                ("ssl.truststore.type", "PEM".to_owned()),
                ("ssl.truststore.location", certificates.ca().display().to_string()),
                (
                    "ssl.client.auth",
                    if self.security == Security::MutualTls { "required" } else { "none" }.to_owned(),
                ),
            ] {
                lines.push(format!("listener.name.outer.{key}={value}"));
            }
        }
        if self.authorizer {
            lines.push(
                "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer".to_owned(),
            );
            lines.push("super.users=User:ANONYMOUS".to_owned());
        }
        lines.extend(self.properties.iter().map(|(key, value)| format!("{key}={value}")));
        lines.join("\n") + "\n"
    }
}

/// How many partitions `__consumer_offsets` has: as few as make a coordinator more than one.
pub(crate) const OFFSETS_PARTITIONS: u32 = 3;

const COMMON: [&str; 15] = [
    "controller.listener.names=CONTROLLER",
    "inter.broker.listener.name=INNER",
    // A topic that a test has deleted must stay away, whatever clients still ask for it.
    "auto.create.topics.enable=false",
    "group.initial.rebalance.delay.ms=0",
    "offsets.topic.num.partitions=3",
    "offsets.topic.replication.factor=1",
    "transaction.state.log.num.partitions=1",
    "transaction.state.log.replication.factor=1",
    "transaction.state.log.min.isr=1",
    "transaction.max.timeout.ms=900000",
    "log.cleaner.dedupe.buffer.size=2097152",
    // How soon there is something to see of compaction; Kafka's own 15 s are long for a test.
    "log.cleaner.backoff.ms=500",
    "num.network.threads=2",
    "num.io.threads=4",
    // Members of groups may fail as quickly as a test likes.
    "group.min.session.timeout.ms=100",
];

/// The ports of one cluster on 127.0.0.1, free when they were looked for.
#[derive(Clone, Debug)]
pub(crate) struct Ports {
    controller: u16,
    inner: Vec<u16>,
    outer: Vec<u16>,
}

impl Ports {
    pub(crate) fn find(brokers: u32) -> Ports {
        Ports {
            controller: free_port(),
            inner: (0..brokers).map(|_| free_port()).collect(),
            outer: (0..brokers).map(|_| free_port()).collect(),
        }
    }

    /// Of the listener for the tests themselves.
    pub(crate) fn inner(&self, id: u32) -> u16 {
        self.inner[id as usize - 1]
    }

    /// Of the listener for the program under test.
    pub(crate) fn outer(&self, id: u32) -> u16 {
        self.outer[id as usize - 1]
    }
}

/// Below the range from which the kernel takes ports for outgoing connections: a broker that was stopped
/// finds its port still free when it starts again.
pub(crate) fn free_port() -> u16 {
    const FIRST: u16 = 15_000;
    const COUNT: u16 = 17_000;
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    let next = NEXT.get_or_init(|| AtomicU16::new((super::random() % u64::from(COUNT)) as u16));
    for _ in 0..COUNT {
        let port = FIRST + next.fetch_add(1, Ordering::Relaxed) % COUNT;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port from {FIRST} on");
}

/// Where one broker keeps its things.
#[derive(Clone, Debug)]
pub(crate) struct BrokerFolder {
    pub(crate) properties: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) log: PathBuf,
}

impl BrokerFolder {
    pub(crate) fn of(id: u32, cluster_folder: &Path) -> BrokerFolder {
        BrokerFolder {
            properties: cluster_folder.join(format!("server-{id}.properties")),
            data: cluster_folder.join(format!("data-{id}")),
            log: cluster_folder.join(format!("server-{id}.log")),
        }
    }
}
