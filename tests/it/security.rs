//! Secured clusters: those with the right credentials are measured, all others are told in one sentence what is
//! wrong, and nobody is ever shown a secret.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::json;

use crate::kafka_server::admin::AclResource;
use crate::kafka_server::{Certificates, KafkaCluster, KafkaSpec, KafkaVersion, Security};
use crate::program::{Daemon, Ended, Settings, run, run_with};

/// Words that no output may hold.
const PASSWORD: &str = "hunter2-right";
const WRONG: &str = "hunter2-wrong";

/// TLS, users with passwords, and ACLs: `watch` may describe everything, `nobody` nothing.
fn passwords() -> &'static KafkaCluster {
    static CLUSTER: OnceLock<KafkaCluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let spec = KafkaSpec::new(KafkaVersion::V4_1).security(Security::ScramOverTls).authorizer();
        let cluster = KafkaCluster::start(&spec.user("watch", PASSWORD).user("nobody", PASSWORD));
        cluster.allow("watch", &["Describe"], AclResource::Cluster);
        cluster.allow("watch", &["Describe"], AclResource::Group("*"));
        cluster.allow("watch", &["Describe", "DescribeConfigs"], AclResource::Topic("*"));
        lagging(cluster)
    })
}

fn client_certificates() -> &'static KafkaCluster {
    static CLUSTER: OnceLock<KafkaCluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        lagging(KafkaCluster::start(&KafkaSpec::new(KafkaVersion::V4_1).security(Security::MutualTls)))
    })
}

/// With a group that is 3 records behind.
fn lagging(cluster: KafkaCluster) -> KafkaCluster {
    cluster.create_topic("orders", 1, &[]);
    cluster.produce("orders", 0, 10);
    cluster.commit_offset("late", "orders", 0, 7);
    cluster
}

const NOT_VERIFIED: &str = "no TLS connection to HERE (SSL handshake failed: error:0A000086:SSL \
    routines::certificate verify failed): ssl.ca.location must name the CA that signed the brokers' certificates, and \
    those must hold the names in bootstrap_servers";

const CLOSED: &str = "HERE closed the connection: does security.protocol fit that listener (PLAINTEXT, SSL, \
    SASL_PLAINTEXT, SASL_SSL), and is Kafka running there?";

type Properties = Vec<(String, String)>;

fn set(mut properties: Properties, key: &str, value: &str) -> Properties {
    properties.retain(|(known, _)| known != key);
    properties.push((key.to_owned(), value.to_owned()));
    properties
}

fn without(mut properties: Properties, prefix: &str) -> Properties {
    properties.retain(|(known, _)| !known.starts_with(prefix));
    properties
}

fn lag(servers: &str, properties: &Properties) -> Ended {
    let properties: serde_json::Map<_, _> =
        properties.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    let settings = Settings::of(servers, &json!({ "properties": properties, "request_timeout": "3s" }));
    let ended = run(&["lag", "--config", settings.path(), "--json"]);
    show_no_secret(&ended);
    ended
}

fn show_no_secret(ended: &Ended) {
    assert!(!ended.out.contains("hunter2") && !ended.error.contains("hunter2"), "{ended:?}");
}

fn check_measured(cluster: &KafkaCluster, properties: &Properties) {
    let ended = lag(&cluster.bootstrap_server(), properties);
    assert_eq!((ended.code, ended.error.as_str()), (Some(0), ""), "{ended:?}");
    assert_eq!(ended.json()["groups"][0]["lag"]["total"], 3, "{ended:?}");
}

/// `expected` is the whole of what is told, with HERE for the address.
fn check_refused(servers: &str, properties: &Properties, expected: &str) {
    let ended = lag(servers, properties);
    let told = ended.error.replace(servers, "HERE");
    let expected = format!("plimsoll: cluster prod cannot be measured: {expected}\n");
    assert_eq!((ended.code, told.as_str()), (Some(1), expected.as_str()), "{ended:?}");
}

fn other_authority() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let ca = Certificates::make(folder.path()).ca();
    (folder, ca)
}

#[test]
fn tls_with_a_password_is_measured() {
    check_measured(passwords(), &passwords().client_properties("watch", PASSWORD));
}

#[test]
fn tls_with_a_client_certificate_is_measured() {
    check_measured(client_certificates(), &client_certificates().client_properties("", ""));
}

#[test]
fn a_wrong_password_is_told() {
    let properties = passwords().client_properties("watch", WRONG);
    check_refused(
        &passwords().bootstrap_server(),
        &properties,
        "HERE refused the login (SASL authentication error: Authentication failed during authentication due to invalid \
         credentials with SASL mechanism SCRAM-SHA-512): check sasl.username and sasl.password",
    );
}

#[test]
fn a_wrong_mechanism_is_told() {
    let properties = set(passwords().client_properties("watch", PASSWORD), "sasl.mechanism", "PLAIN");
    check_refused(
        &passwords().bootstrap_server(),
        &properties,
        "HERE refused the login (SASL PLAIN mechanism handshake failed: Broker: Unsupported SASL mechanism: broker's \
         supported mechanisms: SCRAM-SHA-512): sasl.mechanism must be one that the brokers offer",
    );
}

#[test]
fn a_wrong_authority_is_told() {
    let (_folder, ca) = other_authority();
    let properties = passwords().client_properties("watch", PASSWORD);
    let properties = set(properties, "ssl.ca.location", ca.to_str().unwrap());
    check_refused(&passwords().bootstrap_server(), &properties, NOT_VERIFIED);
}

#[test]
fn a_name_that_the_certificate_lacks_is_told() {
    let servers = passwords().bootstrap_server().replace("127.0.0.1", "0.0.0.0");
    check_refused(&servers, &passwords().client_properties("watch", PASSWORD), NOT_VERIFIED);
}

#[test]
fn a_missing_client_certificate_is_told() {
    let properties = client_certificates().client_properties("", "");
    let properties = without(without(properties, "ssl.certificate"), "ssl.key");
    check_refused(
        &client_certificates().bootstrap_server(),
        &properties,
        "no TLS connection to HERE (Receive failed: error:0A000412:SSL routines::sslv3 alert bad certificate: SSL alert \
         number 42): the brokers want a client certificate: set ssl.certificate.location and ssl.key.location",
    );
}

#[test]
fn a_client_certificate_of_somebody_else_is_told() {
    let (folder, _) = other_authority();
    let mut properties = client_certificates().client_properties("", "");
    for (key, file) in [("ssl.certificate.location", "client.pem"), ("ssl.key.location", "client.key")] {
        properties = set(properties, key, folder.path().join(file).to_str().unwrap());
    }
    check_refused(
        &client_certificates().bootstrap_server(),
        &properties,
        "no TLS connection to HERE (Receive failed: error:0A000416:SSL routines::sslv3 alert certificate unknown: SSL \
         alert number 46): the brokers do not trust the certificate in ssl.certificate.location",
    );
}

#[test]
fn a_client_without_tls_on_a_tls_listener_is_told() {
    check_refused(&client_certificates().bootstrap_server(), &vec![], CLOSED);
}

#[test]
fn a_client_with_tls_on_a_plaintext_listener_is_told() {
    let cluster = KafkaCluster::shared(KafkaVersion::V4_1);
    let properties = without(client_certificates().client_properties("", ""), "ssl.cert");
    check_refused(&cluster.bootstrap_server(), &without(properties, "ssl.key"), CLOSED);
}

#[test]
fn a_client_without_a_password_where_one_is_asked_for_is_told() {
    let properties = set(passwords().client_properties("watch", PASSWORD), "security.protocol", "SSL");
    check_refused(&passwords().bootstrap_server(), &without(properties, "sasl."), CLOSED);
}

#[test]
fn an_unknown_host_is_told() {
    check_refused(
        "no-such-host.invalid:9092",
        &vec![],
        "Failed to resolve 'HERE': Name or service not known: check the host names in bootstrap_servers",
    );
}

#[test]
fn a_refused_connection_is_told() {
    // Bound and never listened on: nobody else gets the port meanwhile.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    check_refused(
        &format!("127.0.0.1:{port}"),
        &vec![],
        "no broker answers at HERE (Connect to ipv4#HERE failed: Connection refused): is Kafka running there?",
    );
}

#[test]
fn settings_that_librdkafka_does_not_take_are_told_without_their_values() {
    let check = |key: &str, value: &str, expected: &str| {
        let mut properties = json!({ "security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN" });
        properties["sasl.username"] = json!("watch");
        properties["sasl.password"] = json!(PASSWORD);
        properties[key] = json!(value);
        let settings = Settings::of("127.0.0.1:1", &json!({ "properties": properties }));
        for command in ["lag", "run"] {
            let ended = run(&[command, "--config", settings.path()]);
            show_no_secret(&ended);
            let told = ended.error.strip_prefix("plimsoll: cluster prod: ").unwrap();
            assert!(ended.code == Some(2) && told.starts_with(expected) && told.ends_with('\n'), "{ended:?}");
            assert_eq!(told.lines().count(), 1, "{ended:?}");
        }
        let ended = run(&["check", "--connect", settings.path()]);
        show_no_secret(&ended);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.out.contains(&format!("\ncluster prod: {expected}")), "{ended:?}");
    };
    check(
        "sasl.pasword",
        PASSWORD,
        "unknown property `sasl.pasword`: librdkafka has no setting of that name",
    );
    check(
        "socket.timeout.ms",
        PASSWORD,
        "property `socket.timeout.ms` has a value that librdkafka does not take",
    );
    check(
        "security.protocol",
        PASSWORD,
        "property `security.protocol` has a value that librdkafka does not take",
    );
    // The rest of these is OpenSSL's own.
    check(
        "ssl.ca.location",
        "/hunter2/ca.pem",
        "librdkafka does not take the properties (ssl.ca.location failed:",
    );
    check(
        "ssl.cipher.suites",
        "hunter2",
        "librdkafka does not take the properties (ssl.cipher.suites failed:",
    );
    check(
        "sasl.mechanism",
        "hunter2",
        "librdkafka does not take the properties (Unsupported SASL mechanism: <secret>)",
    );
}

#[test]
fn a_password_in_the_environment_is_no_more_shown_than_one_in_the_settings() {
    let cluster = passwords();
    let settings = Settings::for_user(cluster, "watch", "${KAFKA_PASSWORD}", &json!({}));
    for (password, code) in [(PASSWORD, 0), (WRONG, 1)] {
        let variables = [("KAFKA_PASSWORD", password), ("PLIMSOLL_LOG", "trace")];
        for command in [["lag", "--config"], ["check", "--connect"]] {
            let ended = run_with(&[command[0], command[1], settings.path()], &variables);
            show_no_secret(&ended);
            assert_eq!(ended.code, Some(code), "{ended:?}");
        }
    }
}

#[test]
fn the_daemon_s_most_talkative_log_holds_no_secret() {
    for (password, code) in [(PASSWORD, 200), (WRONG, 503)] {
        let mut properties: serde_json::Map<_, _> = Default::default();
        for (key, value) in passwords().client_properties("watch", password) {
            properties.insert(key, json!(value));
        }
        properties.insert("debug".to_owned(), json!("all"));
        let settings = Settings::of(&passwords().bootstrap_server(), &json!({ "properties": properties }));
        let daemon = Daemon::start_with(settings, &["--log-level", "trace"]);
        daemon.wait_for("it is measured, or known why not", |_| {
            let (status, body) = daemon.get("/readyz");
            status == code && !body.contains("not_yet_read")
        });
        for path in ["/readyz", "/metrics", "/api/v1/clusters", "/api/v1/groups"] {
            assert!(!daemon.get(path).1.contains("hunter2"), "{path}");
        }
        let log = daemon.log();
        assert!(log.contains("DEBUG") && !log.contains("hunter2"), "{log}");
    }
}

#[test]
fn a_missing_permission_is_told() {
    let check = |arguments: &[&str], expected: &str| {
        let settings = Settings::for_user(passwords(), "nobody", PASSWORD, &json!({}));
        let ended = run(&[&["lag", "--config", settings.path()], arguments].concat());
        show_no_secret(&ended);
        let told = format!("plimsoll: cluster prod: {expected}\n");
        assert_eq!((ended.code, ended.error), (Some(1), told), "{arguments:?}");
    };
    check(
        &["--group", "late"],
        "group late cannot be measured: not authorized: grant DESCRIBE on it to the daemon's user",
    );
    check(
        &["--topic", "orders"],
        "topic orders cannot be measured: not authorized: grant DESCRIBE and DESCRIBE_CONFIGS on it to the daemon's user",
    );
    check(
        &[],
        "no topic and no consumer group can be seen: the cluster is empty, the settings leave all of it out, or the \
         user lacks DESCRIBE on topics, groups and the cluster",
    );
}

#[test]
fn check_connects_with_the_credentials_of_the_settings() {
    let check = |password: &str, code: i32, expected: &str| {
        let keys = json!({ "groups": { "include": ["late", "latte", "l*"], "exclude": ["old-*"] } });
        let settings = Settings::for_user(passwords(), "watch", password, &keys);
        let ended = run(&["check", "--connect", settings.path()]);
        show_no_secret(&ended);
        // Before it, the settings are said in words.
        let told = ended.out.find("cluster prod: ").map_or("", |begin| &ended.out[begin..]);
        let told = told.replace(&passwords().bootstrap_server(), "HERE");
        assert_eq!((ended.code, told.as_str()), (Some(code), expected), "{ended:?}");
    };
    check(
        PASSWORD,
        0,
        "cluster prod: reached, 1 broker
  watches 1 of 1 group
    include late: matches 1 group
    include latte: matches nothing now; the nearest name is late
    include l*: matches 1 group
    exclude old-*: matches nothing now; the nearest name is late
  watches 1 of 2 topics
    exclude __*: matches 1 topic
",
    );
    check(
        WRONG,
        1,
        "cluster prod: cannot be reached: HERE refused the login (SASL authentication error: Authentication failed \
         during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512): check sasl.username and \
         sasl.password\n",
    );
}
