//! Every query of every panel returns data from a real Prometheus that scrapes a daemon.

use std::fmt::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::all;
use crate::kafka_server::wait::{try_wait_for, wait_until};
use crate::kafka_server::{KafkaCluster, KafkaVersion, PATIENCE, unique};
use crate::program::{Daemon, Killed, Settings};

/// Scrapes one daemon every second.
struct Prometheus {
    _process: Killed,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    fn start(daemon: &Daemon) -> Prometheus {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let target = json!([{ "targets": [daemon.address().to_string()] }]);
        let scrape = json!([{ "job_name": "plimsoll", "scrape_interval": "1s", "scrape_timeout": "1s", "static_configs": target }]);
        std::fs::write(&config, json!({ "scrape_configs": scrape }).to_string()).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus, which `make deps` installs");
        let started = Prometheus { _process: Killed(process), address, _folder: folder };
        wait_until("Prometheus is ready", PATIENCE, || started.try_query("up").is_some());
        started
    }

    /// `None` while it does not answer.
    fn try_query(&self, query: &str) -> Option<Value> {
        let mut encoded = String::new();
        for byte in query.bytes() {
            write!(encoded, "%{byte:02X}").unwrap();
        }
        let url = format!("http://{}/api/v1/query?query={encoded}", self.address);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let body = runtime.block_on(async { reqwest::get(url).await.ok()?.text().await.ok() })?;
        serde_json::from_str(&body).ok()
    }

    /// Whether there is any series; panics when it is no query.
    fn has_data(&self, query: &str) -> bool {
        let Some(answer) = self.try_query(query) else { return false };
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        answer["data"]["result"].as_array().is_some_and(|series| !series.is_empty())
    }
}

/// As Grafana fills it in when everything is chosen.
fn filled(expression: &str) -> String {
    let mut filled = expression.replace("$__rate_interval", "10s");
    for variable in ["$cluster", "$group", "$topic", "$slo"] {
        filled = filled.replace(variable, ".*");
    }
    filled
}

#[test]
fn every_panel_shows_data() {
    // Only the first provider of a process is kept.
    rustls::crypto::ring::default_provider().install_default().ok();
    let cluster = KafkaCluster::shared(KafkaVersion::V4_1);
    let name = unique("shown");
    cluster.create_topic(&name, 1, &[]);
    cluster.produce(&name, 0, 20);
    cluster.commit_offset(&name, &name, 0, 10);
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.yaml");
    let latency = |group: &str| {
        json!({ "latency": {
        "group": group, "topic": "*", "within": "1s", "accept_commit_resolution": true,
    } })
    };
    let slo = |slo: &str, group: &str| {
        json!({
            "name": slo, "indicator": latency(group), "objective": "99%", "window": "30d",
        })
    };
    let text = json!({
        "slos": [slo("on-time", &name), slo("mistyped", &format!("{name}-typo"))],
        "alerts": [{ "name": "behind", "when": { "lag": { "group": name, "above": 2 } }, "severity": "page" }],
    });
    std::fs::write(&rules, text.to_string()).unwrap();
    let keys = json!({ "groups": { "include": [format!("{name}*")] } });
    let others = json!({ "rules": [rules], "receivers": [{ "name": "out", "terminal": {} }] });
    let servers = cluster.bootstrap_server();
    let daemon = Daemon::start(Settings::with(&[&servers], &keys, &others));
    let prometheus = Prometheus::start(&daemon);

    let queries: Vec<String> = all()
        .iter()
        .flat_map(|dashboard| &dashboard.panels)
        .flat_map(|panel| &panel.queries)
        .map(|query| filled(query.expression))
        .collect();
    let mut empty = queries;
    let mut end = 20;
    // The workload goes on, always some records behind, until each query has had data.
    let all_have = try_wait_for(2 * PATIENCE, || {
        cluster.produce(&name, 0, 5);
        end += 5;
        cluster.commit_offset(&name, &name, 0, end - 5);
        empty.retain(|query| !prometheus.has_data(query));
        empty.is_empty().then_some(())
    });
    assert!(all_have.is_some(), "no data for {empty:#?}\n{}", daemon.get("/metrics").1);
}
