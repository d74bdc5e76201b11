//! A real Prometheus that scrapes a daemon every second, and answers queries. It ends with its value.

use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::kafka_server::PATIENCE;
use crate::kafka_server::wait::wait_until;
use crate::program::{Daemon, Killed};

/// Where a Prometheus answers `query`.
pub(crate) fn path_of(query: &str) -> String {
    format!("/api/v1/query?query={}", utf8_percent_encode(query, NON_ALPHANUMERIC))
}

#[derive(Debug)]
pub(crate) struct Prometheus {
    _process: Killed,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    pub(crate) fn start(daemon: &Daemon) -> Prometheus {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let target = json!([{ "targets": [daemon.address().to_string()] }]);
        let scrape = json!([{
            "job_name": "plimsoll",
            "scrape_interval": "1s",
            "scrape_timeout": "1s",
            "static_configs": target,
        }]);
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
        wait_until("Prometheus is ready", PATIENCE, || started.query("up").is_some());
        started
    }

    /// The series that a query finds now, each with its value, as Prometheus spells it; `None` while it does not answer.
    /// Panics when it is no query.
    pub(crate) fn query(&self, query: &str) -> Option<Vec<(Value, String)>> {
        let url = format!("http://{}{}", self.address, path_of(query));
        // Only the first provider of a process is kept.
        rustls::crypto::ring::default_provider().install_default().ok();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let body = runtime.block_on(async { reqwest::get(url).await.ok()?.text().await.ok() })?;
        let answer: Value = serde_json::from_str(&body).ok()?;
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        let series = answer["data"]["result"].as_array()?.iter();
        Some(
            series.map(|one| (one["metric"].clone(), one["value"][1].as_str().unwrap().to_owned())).collect(),
        )
    }
}
