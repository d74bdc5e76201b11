//! Every query of every panel returns data from a real Prometheus that scrapes a daemon, which watches the demo's workload.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use super::all;
use crate::kafka_server::wait::try_wait_for;
use crate::kafka_server::{KafkaCluster, KafkaSpec, KafkaVersion, PATIENCE};
use crate::program::{Daemon, Killed, Settings};
use crate::prometheus::Prometheus;

/// As Grafana fills it in when everything is chosen.
fn filled(expression: &str) -> String {
    let mut filled = expression.replace("$__rate_interval", "10s");
    for variable in ["$cluster", "$group", "$topic", "$slo"] {
        filled = filled.replace(variable, ".*");
    }
    filled
}

/// What `make demo` runs, on `servers`.
fn workload(servers: &str) -> Killed {
    let program = Path::new(env!("CARGO_BIN_EXE_plimsoll")).with_file_name("examples/demo_workload");
    let mut command = Command::new(program);
    command.arg(servers).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Killed(command.spawn().unwrap())
}

#[test]
fn every_panel_shows_data() {
    let cluster = KafkaCluster::start(&KafkaSpec::new(KafkaVersion::V4_1));
    let servers = cluster.bootstrap_server();
    let _workload = workload(&servers);
    let slo = |slo: &str, group: &str| {
        let latency =
            json!({ "group": group, "topic": "*", "within": "1s", "accept_commit_resolution": true });
        json!({ "name": slo, "indicator": { "latency": latency }, "objective": "99%", "window": "30d" })
    };
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.yaml");
    let text = json!({
        "slos": [slo("on-time", "*"), slo("mistyped", "orders-procesor")],
        "alerts": [{ "name": "behind", "when": { "lag": { "group": "billing", "above": 2 } }, "severity": "page" }],
    });
    std::fs::write(&rules, text.to_string()).unwrap();
    let others = json!({ "rules": [rules], "receivers": [{ "name": "out", "terminal": {} }] });
    let daemon = Daemon::start(Settings::with(&[&servers], &json!({}), &others));
    let prometheus = Prometheus::start(&daemon);

    let panels = all();
    let queries = panels.iter().flat_map(|dashboard| &dashboard.panels).flat_map(|panel| &panel.queries);
    let mut empty: Vec<String> = queries.map(|query| filled(query.expression)).collect();
    let has_data = |query: &str| prometheus.query(query).is_some_and(|series| !series.is_empty());
    // Until each query has had data.
    let all_have = try_wait_for(2 * PATIENCE, || {
        empty.retain(|query| !has_data(query));
        empty.is_empty().then_some(())
    });
    assert!(all_have.is_some(), "no data for {empty:#?}\n{}", daemon.get("/metrics").1);
}
