//! One librdkafka client for one cluster: made from settings, its events heard by a thread that `app` gives.
//! It is a consumer that never joins a group: only a polled consumer hears statistics and errors.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use serde::Deserialize;

use super::config::ClusterConfig;
use super::error::{self, ClusterError};
use crate::model::Reason;

/// How often librdkafka hands out its statistics.
const STATISTICS_INTERVAL: Duration = Duration::from_secs(5);

/// A login takes a few round trips and some computing.
const LEAST_SOCKET_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a broker holds a fetch back that has nothing new for.
const FETCH_WAIT: Duration = Duration::from_millis(250);

/// How many of the latest errors are kept to explain why a cluster cannot be reached.
const ERRORS_KEPT: usize = 16;

/// A request fails a moment before librdkafka tells why: that is waited for, at most for this long.
const TELLING: Duration = Duration::from_secs(1);

/// The round trips of requests to one broker.
#[derive(Debug, Clone, PartialEq)]
pub struct BrokerRoundTrip {
    /// The broker's node id.
    pub broker_id: i32,
    /// (quantile, seconds) over the last few seconds in which there were requests.
    pub quantiles: Vec<(f64, f64)>,
    /// Since the client started.
    pub sum_seconds: f64,
    /// Since the client started.
    pub count: u64,
}

pub(super) type Client = BaseConsumer<Listener>;

/// What librdkafka tells a client besides answers.
#[derive(Debug, Default)]
pub(super) struct Listener {
    round_trips: Mutex<BTreeMap<i32, BrokerRoundTrip>>,
    errors: Mutex<Vec<(c_int, String)>>,
    told: Condvar,
}

/// Makes a client. No broker is spoken to yet.
pub(super) fn connect(config: &ClusterConfig) -> Result<Client, ClusterError> {
    let mut settings = settings(config);
    settings.set("statistics.interval.ms", STATISTICS_INTERVAL.as_millis().to_string());
    create(config, &settings)
}

/// Makes a client that reads what it is assigned, records of transactions only once they are committed. It never
/// joins a group and never commits; whoever takes the records hears its events, too.
pub(super) fn connect_reader(config: &ClusterConfig) -> Result<Client, ClusterError> {
    let mut settings = settings(config);
    settings
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // To begin elsewhere is a decision that has to be seen.
        .set("auto.offset.reset", "error")
        .set("statistics.interval.ms", "0")
        // A broker that has nothing new answers within this time, so an end is told no later.
        .set("fetch.min.bytes", "1")
        .set("fetch.wait.max.ms", FETCH_WAIT.as_millis().to_string())
        // librdkafka warns, past its own log, of a socket that may time out while such an answer waits.
        .set(
            "socket.timeout.ms",
            socket_timeout(config).max(FETCH_WAIT + LEAST_SOCKET_TIMEOUT).as_millis().to_string(),
        )
        .set("fetch.error.backoff.ms", "100")
        .set("fetch.queue.backoff.ms", "10")
        .set("queued.max.messages.kbytes", "16384");
    create(config, &settings)
}

fn socket_timeout(config: &ClusterConfig) -> Duration {
    (config.request_timeout / 4).max(LEAST_SOCKET_TIMEOUT)
}

fn settings(config: &ClusterConfig) -> ClientConfig {
    let mut settings = ClientConfig::new();
    settings
        .set("client.id", "plimsoll")
        // A broker that is silent for longer is given up: else every further metadata request may go to it.
        .set("socket.timeout.ms", socket_timeout(config).as_millis().to_string())
        .set("reconnect.backoff.max.ms", "1000")
        .set("socket.connection.setup.timeout.ms", "5000");
    for (name, value) in &config.properties {
        settings.set(name, value.expose());
    }
    settings
        .set("bootstrap.servers", config.bootstrap_servers.join(","))
        // Never joined. Without one, librdkafka 2.12 dereferences null as soon as a group's coordinator moves.
        .set("group.id", "plimsoll")
        .set("allow.auto.create.topics", "false")
        .set_log_level(RDKafkaLogLevel::Info);
    settings
}

fn create(config: &ClusterConfig, settings: &ClientConfig) -> Result<Client, ClusterError> {
    settings
        .create_with_context(Listener::default())
        .map_err(|failed| error::refused_settings(config, &failed))
}

/// Hears a client's events. Runs until it is told to stop; without it statistics and errors never arrive.
pub struct ClientEvents {
    pub(super) client: Arc<Client>,
    pub(super) stop: Arc<AtomicBool>,
}

impl fmt::Debug for ClientEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientEvents")
    }
}

impl ClientEvents {
    /// Blocks the calling thread until the cluster's stop flag is set.
    pub fn run(self) {
        while !self.stop.load(Ordering::Relaxed) {
            // Errors have gone to the listener by the time they are returned here; there is no message to read.
            drop(self.client.poll(Duration::from_millis(100)));
        }
    }
}

pub(super) trait Listening {
    fn listener(&self) -> &Listener;
}

impl Listening for Client {
    fn listener(&self) -> &Listener {
        self.context()
    }
}

impl Listener {
    pub(super) fn round_trips(&self) -> Vec<BrokerRoundTrip> {
        lock(&self.round_trips).values().cloned().collect()
    }

    /// The latest errors, oldest first, as code and text. When there is none yet, the first is waited for at most
    /// `within`.
    fn errors(&self, within: Duration) -> Vec<(c_int, String)> {
        let told = self.told.wait_timeout_while(lock(&self.errors), within, |errors| errors.is_empty());
        told.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    fn heard(&self, code: c_int, text: &str) {
        // It follows each of the others, dozens of times, while those are told once in half a minute.
        if code == error::ALL_BROKERS_DOWN {
            return;
        }
        let mut errors = lock(&self.errors);
        if errors.len() == ERRORS_KEPT {
            errors.remove(0);
        }
        errors.push((code, text.to_owned()));
        self.told.notify_all();
    }

    pub(super) fn forget_errors(&self) {
        lock(&self.errors).clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ConsumerContext for Listener {}

impl ClientContext for Listener {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // Whether a cluster is reachable is said once, by the watcher; librdkafka says it on every attempt.
        tracing::debug!(target: "librdkafka", facility, "{message}");
        // A connection that is closed by the broker is no error to librdkafka, but tells much about a listener.
        if facility == "FAIL" && level as i32 > RDKafkaLogLevel::Error as i32 {
            self.heard(error::TRANSPORT, message);
        }
    }

    fn error(&self, failed: KafkaError, text: &str) {
        tracing::debug!(target: "librdkafka", error = %failed, "{text}");
        let code = failed.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown) as c_int;
        self.heard(code, text);
    }

    fn stats_raw(&self, json: &[u8]) {
        let Ok(statistics) = serde_json::from_slice::<Statistics>(json) else { return };
        let mut round_trips = lock(&self.round_trips);
        for broker in statistics.brokers.into_values().filter(|broker| broker.nodeid >= 0) {
            let Some(window) = broker.rtt.filter(|window| window.cnt > 0) else { continue };
            window.add_to(round_trips.entry(broker.nodeid).or_insert_with(|| BrokerRoundTrip {
                broker_id: broker.nodeid,
                quantiles: Vec::new(),
                sum_seconds: 0.0,
                count: 0,
            }));
        }
    }
}

/// As much of librdkafka's statistics as is read.
#[derive(Deserialize)]
struct Statistics {
    brokers: BTreeMap<String, BrokerStatistics>,
}

#[derive(Deserialize)]
struct BrokerStatistics {
    nodeid: i32,
    rtt: Option<RoundTripWindow>,
}

/// Round trips since the last statistics, in microseconds.
#[derive(Deserialize)]
struct RoundTripWindow {
    sum: i64,
    cnt: u64,
    p50: i64,
    p95: i64,
    p99: i64,
}

impl RoundTripWindow {
    #[expect(clippy::cast_precision_loss, reason = "microseconds for people")]
    fn add_to(&self, round_trip: &mut BrokerRoundTrip) {
        let seconds = |micros: i64| micros as f64 / 1e6;
        round_trip.quantiles =
            vec![(0.5, seconds(self.p50)), (0.95, seconds(self.p95)), (0.99, seconds(self.p99))];
        round_trip.sum_seconds += seconds(self.sum);
        round_trip.count += self.cnt;
    }
}

/// Why no broker could be asked, from the latest errors that librdkafka has told.
pub(super) fn unreachable(config: &ClusterConfig, client: &Client, failed: &KafkaError) -> ClusterError {
    // Who was silent until the time was up has had the time to tell.
    let is_silent = failed.rdkafka_error_code() == Some(RDKafkaErrorCode::OperationTimedOut);
    let errors = client.listener().errors(if is_silent { Duration::ZERO } else { TELLING });
    let reason = if is_silent && errors.is_empty() { Reason::TimedOut } else { Reason::Unreachable };
    ClusterError { reason, sentence: error::explain(&config.bootstrap_servers, &errors) }
}
