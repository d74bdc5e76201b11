//! What Kafka's and librdkafka's error codes mean to the daemon, and in which words a person is told.
//! Never decides what follows from an error.

use std::ffi::c_int;

use rdkafka::error::KafkaError;
use rdkafka_sys::types::RDKafkaConfRes;
use thiserror::Error;

use crate::model::{ClusterName, Reason};

/// One admin call, or one item of it, that failed.
#[derive(Debug, Clone, Error)]
#[error("{text} (Kafka error {code})")]
pub struct CallError {
    code: c_int,
    text: String,
}

// librdkafka's own codes (negative) and Kafka's (positive), as far as they mean something to a reader of lag.
const TRANSPORT: c_int = -195;
const ALL_BROKERS_DOWN: c_int = -187;
const TIMED_OUT: c_int = -185;
const TIMED_OUT_QUEUE: c_int = -166;
const AUTHENTICATION: c_int = -169;
const UNKNOWN_PARTITION: c_int = -190;
const UNKNOWN_TOPIC: c_int = -188;
const WAIT_COORDINATOR: c_int = -180;
const NOT_AUTHORIZED: [c_int; 4] = [29, 30, 31, 58];

impl CallError {
    pub(super) fn new(code: c_int, text: &str) -> Self {
        Self { code, text: text.to_owned() }
    }

    pub(super) fn timed_out() -> Self {
        Self::new(TIMED_OUT, "no answer in time")
    }

    /// The reason to mark with what this call should have measured.
    #[must_use]
    pub fn reason(&self) -> Reason {
        reason(self.code)
    }
}

/// The reason behind a code of the Kafka protocol or of librdkafka.
pub(super) fn reason(code: c_int) -> Reason {
    match code {
        code if NOT_AUTHORIZED.contains(&code) => Reason::NotAuthorized,
        3 | UNKNOWN_TOPIC | UNKNOWN_PARTITION | 100 => Reason::NoSuchTopic,
        69 => Reason::NoSuchGroup,
        5 | 6 | 13 | 72 | 74 | 75 | 76 => Reason::NoLeader,
        7 | TIMED_OUT | TIMED_OUT_QUEUE => Reason::TimedOut,
        14..=16 | WAIT_COORDINATOR => Reason::NoCoordinator,
        TRANSPORT | ALL_BROKERS_DOWN | AUTHENTICATION => Reason::Unreachable,
        other => Reason::Kafka(i16::try_from(other).unwrap_or(i16::MIN)),
    }
}

/// Why a whole cluster could not be measured, in one sentence that says what to do.
#[derive(Debug, Clone, Error)]
#[error("{sentence}")]
pub struct ClusterError {
    /// What is said to programs.
    pub reason: Reason,
    /// What is said to people: one clause with what to do.
    pub sentence: String,
}

const SSL: c_int = -181;
const RESOLVE: c_int = -193;

/// One sentence for a cluster that cannot be reached: the most telling of librdkafka's latest errors,
/// with what to look at. `otherwise` is said when librdkafka told nothing.
pub(super) fn explain(servers: &[String], errors: &[(c_int, String)], otherwise: &str) -> String {
    let latest = |wanted: c_int| errors.iter().rev().find(|(code, _)| *code == wanted);
    let servers = servers.join(", ");
    if let Some((_, text)) = latest(AUTHENTICATION) {
        let text = gist(text);
        return format!(
            "{servers} refused the login ({text}): check sasl.username, sasl.password and sasl.mechanism"
        );
    }
    if let Some((_, text)) = latest(SSL) {
        return format!("no TLS connection to {servers} ({}): {}", gist(text), tls_advice(text));
    }
    if let Some((_, text)) = latest(RESOLVE) {
        return format!("{} : check the host names in bootstrap_servers", gist(text)).replace(" :", ":");
    }
    match latest(TRANSPORT) {
        Some((_, text)) if text.contains("ApiVersion") || text.contains("security.protocol") => format!(
            "{servers} closed the connection at once: does security.protocol fit that listener (PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL)?"
        ),
        Some((_, text)) => {
            format!("no broker answers at {servers} ({}): is Kafka running there?", gist(text))
        }
        None => format!("no broker answers at {servers} ({otherwise}): is Kafka running there?"),
    }
}

fn tls_advice(text: &str) -> &'static str {
    if text.contains("certificate verify failed") || text.contains("could not be verified") {
        "ssl.ca.location must name the CA that signed the brokers' certificates"
    } else if text.contains("certificate required") || text.contains("bad certificate") {
        "the brokers want a client certificate: set ssl.certificate.location and ssl.key.location"
    } else if text.contains("wrong version number") || text.contains("connecting to a PLAINTEXT") {
        "that listener does not speak TLS: check security.protocol and the port"
    } else {
        "check the ssl.* properties"
    }
}

/// librdkafka's text without its address prefix, the time it took and its own advice.
fn gist(text: &str) -> &str {
    let text = text.split_once("]: ").map_or(text, |(_, rest)| rest);
    text.split(" (after ").next().unwrap_or(text).split(": (install").next().unwrap_or(text).trim()
}

/// Why librdkafka would not take the settings. Never shows a value: it may be a secret.
pub(super) fn refused_settings(cluster: &ClusterName, failed: &KafkaError) -> ClusterError {
    let why = match failed {
        KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, _, key, _) => {
            format!("unknown property `{key}`: librdkafka has no setting of that name")
        }
        KafkaError::ClientConfig(_, _, key, _) => {
            format!("property `{key}` has a value that librdkafka does not take")
        }
        KafkaError::ClientCreation(text) => text.clone(),
        other => other.to_string(),
    };
    ClusterError { reason: Reason::Unreachable, sentence: format!("cluster {cluster}: {why}") }
}
