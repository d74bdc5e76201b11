//! The daemon stops when it is asked to, whatever Kafka and its own clients are doing.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use serde_json::json;

use crate::kafka_server::wait::wait_until;
use crate::kafka_server::{KafkaCluster, KafkaVersion};
use crate::program::{Daemon, Settings, run};

/// What is promised.
const SOON: Duration = Duration::from_secs(5);

fn shared() -> Settings {
    Settings::of(&KafkaCluster::shared(KafkaVersion::V4_1).bootstrap_server(), &json!({}))
}

#[test]
fn idle() {
    for signal in ["TERM", "INT"] {
        let daemon = Daemon::start(shared());
        daemon.wait_until_measured();
        daemon.signal(signal);
        assert_eq!(daemon.wait_for_end(SOON), Some(0), "SIG{signal}");
    }
}

/// Whoever asks a daemon that has died learns by what, also where it could not say anything itself.
#[test]
#[should_panic(expected = "signal: 9")]
fn by_no_will_of_its_own() {
    let nobody = json!({ "request_timeout": "1s" });
    let daemon = Daemon::start(Settings::of("127.0.0.1:1", &nobody));
    daemon.signal("KILL");
    wait_until("it is dead", SOON, || daemon.get("/healthz").0 != 200);
}

#[test]
fn before_the_first_measurement() {
    let daemon = Daemon::start(shared());
    daemon.signal("TERM");
    assert_eq!(daemon.wait_for_end(SOON), Some(0));
}

/// Nobody ever answers, and every request may take a minute.
#[test]
fn while_nothing_answers() {
    for signal in ["TERM", "INT"] {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let servers = silent.local_addr().unwrap().to_string();
        let daemon = Daemon::start(Settings::of(&servers, &json!({ "request_timeout": "1m" })));
        let _connection = silent.accept().unwrap();
        daemon.signal(signal);
        assert_eq!(daemon.wait_for_end(SOON), Some(0), "SIG{signal}");
    }
}

#[test]
fn while_no_broker_is_there() {
    // Bound and never listened on: nobody else gets the port meanwhile.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let daemon = Daemon::start(Settings::of(&closed, &json!({})));
    daemon.wait_for("it has noticed", |_| daemon.log().contains("cluster cannot be measured"));
    daemon.signal("TERM");
    assert_eq!(daemon.wait_for_end(SOON), Some(0));
}

/// One that has sent half a request, and one that never reads its answer.
#[test]
fn while_slow_clients_are_connected() {
    let daemon = Daemon::start(shared());
    let mut half = TcpStream::connect(daemon.address()).unwrap();
    half.write_all(b"GET /metrics HT").unwrap();
    let mut unread = TcpStream::connect(daemon.address()).unwrap();
    for _ in 0..1000 {
        unread.write_all(b"GET /metrics HTTP/1.1\r\nHost: plimsoll\r\n\r\n").unwrap();
    }
    daemon.wait_until_measured();
    daemon.signal("TERM");
    assert_eq!(daemon.wait_for_end(SOON), Some(0));
}

#[test]
fn a_port_in_use_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = run(&["run", "--bootstrap-server", "127.0.0.1:1", "--listen", &address]);
    let told = format!(
        "plimsoll: cannot listen on {address} (is another daemon running? --listen takes another address): Address \
         already in use (os error 98)\n"
    );
    assert_eq!((ended.code, ended.error), (Some(1), told));
}
