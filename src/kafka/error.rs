//! What Kafka's and librdkafka's error codes mean to the daemon, and in which words a person is told.
//! Never decides what follows from an error.

use std::ffi::c_int;

use rdkafka::error::KafkaError;
use rdkafka_sys::types::RDKafkaConfRes;
use thiserror::Error;

use super::config::ClusterConfig;
use crate::model::{Reason, Secret};

/// One admin call, or one item of it, that failed.
#[derive(Debug, Clone, Error)]
#[error("{text} (Kafka error {code})")]
pub struct CallError {
    code: c_int,
    text: String,
}

// librdkafka's own codes (negative) and Kafka's (positive), as far as they mean something to a reader of lag.
pub(super) const TRANSPORT: c_int = -195;
pub(super) const ALL_BROKERS_DOWN: c_int = -187;
pub(super) const PARTITION_END: c_int = -191;
/// What was to be read next is not in the log any more: cut, compacted away as a whole, or made again.
pub(super) const POSITION_LOST: [c_int; 3] = [-140, -139, 1];
const TIMED_OUT: c_int = -185;
const TIMED_OUT_QUEUE: c_int = -166;
const AUTHENTICATION: c_int = -169;
const UNKNOWN_PARTITION: c_int = -190;
const UNKNOWN_TOPIC: c_int = -188;
const WAIT_COORDINATOR: c_int = -180;
/// The coordinator of this group, or any at all, is not there; one that is but still loads says so with another code.
const NOT_COORDINATOR: [c_int; 2] = [15, 16];
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

    /// Whether it says no more than that whoever was asked does not coordinate the group.
    pub(super) fn is_from_elsewhere(&self) -> bool {
        NOT_COORDINATOR.contains(&self.code)
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

/// No answer in time, or no connection.
pub(super) fn is_silence(why: Reason) -> bool {
    matches!(why, Reason::TimedOut | Reason::Unreachable)
}

/// How many of a family of requests were made, and how many met with silence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Answers {
    asked: usize,
    silent: usize,
}

impl Answers {
    /// Counts one request, or one part of it that is answered by itself.
    pub(super) fn count(&mut self, failed: Option<Reason>) {
        self.asked += 1;
        self.silent += usize::from(failed.is_some_and(is_silence));
    }

    pub(super) fn some_silent(self) -> bool {
        self.silent > 0
    }

    pub(super) fn all_silent(self) -> bool {
        self.silent > 0 && self.silent == self.asked
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
/// with what to look at.
pub(super) fn explain(servers: &[String], errors: &[(c_int, String)]) -> String {
    let servers = servers.join(", ");
    let latest = |is_wanted: &dyn Fn(c_int, &str) -> bool| {
        let mut errors = errors.iter().rev();
        errors.find(|(code, text)| is_wanted(*code, text)).map(|(_, text)| gist(text))
    };
    if let Some(text) = latest(&|code, _| code == AUTHENTICATION) {
        return format!("{servers} refused the login ({text}): {}", login_advice(text));
    }
    // What the brokers find wrong with a certificate arrives as a failure of the transport.
    if let Some(text) = latest(&|code, text| code == SSL || text.contains("SSL routines")) {
        return format!("no TLS connection to {servers} ({text}): {}", tls_advice(text));
    }
    if let Some(text) = latest(&|code, _| code == RESOLVE) {
        return format!("{text}: check the host names in bootstrap_servers");
    }
    match latest(&|code, _| code == TRANSPORT) {
        Some(text) if text.contains("closed by peer") => format!(
            "{servers} closed the connection: does security.protocol fit that listener (PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL), and is Kafka running there?"
        ),
        Some(text) => format!("no broker answers at {servers} ({text}): is Kafka running there?"),
        None => format!("no broker answers at {servers}: is Kafka running there?"),
    }
}

fn login_advice(text: &str) -> &'static str {
    if text.contains("mechanism handshake failed") {
        "sasl.mechanism must be one that the brokers offer"
    } else {
        "check sasl.username and sasl.password"
    }
}

fn tls_advice(text: &str) -> &'static str {
    if text.contains("verify") {
        "ssl.ca.location must name the CA that signed the brokers' certificates, and those must hold the names in bootstrap_servers"
    } else if text.contains("certificate required") || text.contains("bad certificate") {
        "the brokers want a client certificate: set ssl.certificate.location and ssl.key.location"
    } else if text.contains("certificate unknown") || text.contains("unknown ca") {
        "the brokers do not trust the certificate in ssl.certificate.location"
    } else if text.contains("wrong version number") {
        "that listener does not speak TLS: check security.protocol and the port"
    } else {
        "check the ssl.* properties"
    }
}

/// librdkafka's text without the address before it, the time that it took and librdkafka's own advice.
fn gist(text: &str) -> &str {
    let text = text.split_once("]: ").map_or(text, |(_, rest)| rest);
    let text = match text.split_once(": ") {
        Some((broker, rest)) if broker.contains('/') => rest,
        _ => text,
    };
    let end = [" (after ", ": broker certificate could", ": connecting to a", ": verify that"];
    end.iter().fold(text, |text, end| text.split(end).next().unwrap_or(text)).trim()
}

/// The shortest value that is looked for in librdkafka's texts: a shorter one would be found in ordinary words.
const SHORTEST_VALUE: usize = 6;

/// Why librdkafka would not take the settings. Never shows a value: it may be a secret.
pub(super) fn refused_settings(config: &ClusterConfig, failed: &KafkaError) -> ClusterError {
    let why = match failed {
        KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, _, key, _) => {
            format!("unknown property `{key}`: librdkafka has no setting of that name")
        }
        KafkaError::ClientConfig(_, _, key, _) => {
            format!("property `{key}` has a value that librdkafka does not take")
        }
        other => {
            let text = if let KafkaError::ClientCreation(text) = other { text } else { &other.to_string() };
            let values = config.properties.values().map(Secret::expose);
            let values = values.filter(|value| value.len() >= SHORTEST_VALUE);
            let text = values.fold(text.clone(), |text, value| text.replace(value, "<secret>"));
            format!("librdkafka does not take the properties ({})", text.trim())
        }
    };
    ClusterError { reason: Reason::Unreachable, sentence: format!("cluster {}: {why}", config.name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What librdkafka tells, oldest first, and the sentence about `kafka:9092` that follows.
    fn check(errors: &[(c_int, &str)], expected: &str) {
        let errors: Vec<_> = errors.iter().map(|(code, text)| (*code, (*text).to_owned())).collect();
        assert_eq!(explain(&["kafka:9092".to_owned()], &errors), expected);
    }

    #[test]
    fn one_sentence_tells_what_is_wrong_and_what_to_do() {
        check(&[], "no broker answers at kafka:9092: is Kafka running there?");
        let refused = "kafka:9092/bootstrap: Connect to ipv4#10.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT)";
        let login = "sasl_ssl://kafka:9092/1: SASL authentication error: Authentication failed (after 3ms in state AUTH_REQ)";
        check(
            &[(TRANSPORT, refused)],
            "no broker answers at kafka:9092 (Connect to ipv4#10.0.0.1:9092 failed: Connection refused): is Kafka running there?",
        );
        // The most telling one, not the latest.
        let told = "kafka:9092 refused the login (SASL authentication error: Authentication failed): check sasl.username and sasl.password";
        check(&[(AUTHENTICATION, login), (TRANSPORT, refused)], told);
        check(
            &[(
                TRANSPORT,
                "[thrd:kafka:9092/1]: kafka:9092/1: Disconnected: connection closed by peer: receive 0 after POLLIN (after 2ms in state UP)",
            )],
            "kafka:9092 closed the connection: does security.protocol fit that listener (PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL), and is Kafka running there?",
        );
        check(
            &[(
                TRANSPORT,
                "ssl://kafka:9092/1: Receive failed: error:0A000418:SSL routines::tlsv1 alert unknown ca",
            )],
            "no TLS connection to kafka:9092 (Receive failed: error:0A000418:SSL routines::tlsv1 alert unknown ca): the brokers do not trust the certificate in ssl.certificate.location",
        );
        check(
            &[(
                SSL,
                "ssl://kafka:9092/1: SSL handshake failed: error:0A00010B:SSL routines::wrong version number (after 1ms in state SSL_HANDSHAKE)",
            )],
            "no TLS connection to kafka:9092 (SSL handshake failed: error:0A00010B:SSL routines::wrong version number): that listener does not speak TLS: check security.protocol and the port",
        );
    }

    #[test]
    fn only_silence_from_everybody_puts_a_cluster_in_doubt() {
        let check = |failed: &[Option<Reason>], some: bool, all: bool| {
            let mut answers = Answers::default();
            failed.iter().for_each(|failed| answers.count(*failed));
            assert_eq!((answers.some_silent(), answers.all_silent()), (some, all), "{failed:?}");
        };
        check(&[], false, false);
        check(&[None], false, false);
        check(&[Some(Reason::NotAuthorized)], false, false);
        check(&[Some(Reason::TimedOut), None], true, false);
        check(&[Some(Reason::TimedOut), Some(Reason::NoCoordinator)], true, false);
        check(&[Some(Reason::TimedOut), Some(Reason::Unreachable)], true, true);
    }
}
