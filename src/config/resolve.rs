//! Which settings a command works with: those of a file, or of `--bootstrap-server`, never a guess.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::origins::{Noting, Origins};
use super::{Config, Problem, Problems, Severities, System, load_noting, rules, values};
use crate::api::HttpConfig;
use crate::kafka::{ClusterConfig, RESERVED_PROPERTIES};
use crate::model::{ClusterName, Secret};
use crate::notify::NotifyConfig;
use crate::state::StateConfig;
use crate::store::HistoryConfig;
use crate::telemetry::OtlpConfig;

/// The file that is read when nothing is given.
const FILE: &str = "plimsoll.yaml";

/// What the command line, and `PLIMSOLL_CONFIG`, give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// The settings file.
    pub config: Option<PathBuf>,
    /// Brokers, instead of a file; each may be several with commas between.
    pub bootstrap_servers: Vec<String>,
    /// Properties of librdkafka that are set on top, in every cluster.
    pub properties: Vec<(String, String)>,
    /// The address to listen on, instead of the settings'.
    pub listen: Option<SocketAddr>,
}

/// The settings to work with. Brokers win over a file; with neither, `plimsoll.yaml` in `folder` is read.
/// A cluster that is only known by its brokers is called `default`.
///
/// # Errors
/// Every problem of the file, or what is wrong with the command line.
pub fn resolve(given: &Given, folder: &Path) -> Result<Config, Problems> {
    resolve_with_origins(given, folder).0
}

/// As [`resolve`], and everything that was read for it, whether it is fine or not.
pub fn resolve_with_origins(given: &Given, folder: &Path) -> (Result<Config, Problems>, Origins) {
    let noting = Noting::default();
    let resolved = resolve_noting(given, folder, &noting);
    (resolved, noting.into_origins())
}

fn resolve_noting(given: &Given, folder: &Path, noting: &Noting) -> Result<Config, Problems> {
    let mut config = if !given.bootstrap_servers.is_empty() {
        from_servers(&given.bootstrap_servers)?
    } else if let Some(path) = &given.config {
        load_noting(path, noting)?
    } else if folder.join(FILE).exists() {
        load_noting(&folder.join(FILE), noting)?
    } else {
        noting.file_is_read(&folder.join(FILE));
        let help =
            format!("give --config FILE or --bootstrap-server HOST:PORT, or put a {FILE} into this folder");
        return Err(Problem::without_place(None, "no settings, so there is nothing to watch", help).into());
    };
    let mut problems = Vec::new();
    for (name, value) in &given.properties {
        if let Some((_, help)) = RESERVED_PROPERTIES.iter().find(|(reserved, _)| reserved == name) {
            problems.push(Problem::without_place(None, format!("--property {name} cannot be set"), *help));
        }
        for cluster in &mut config.clusters {
            cluster.properties.insert(name.clone(), Secret::new(value.clone()));
        }
    }
    if let Some(listen) = given.listen {
        config.http.listen = listen;
    }
    if problems.is_empty() { Ok(config) } else { Err(Problems(problems)) }
}

fn from_servers(given: &[String]) -> Result<Config, Problems> {
    let mut servers = Vec::new();
    let mut problems = Vec::new();
    for text in given.iter().flat_map(|text| text.split(',')).map(str::trim) {
        match values::server(text) {
            Ok(server) => servers.push(server),
            Err(wrong) => {
                let what = format!("--bootstrap-server `{text}` {}", wrong.what);
                problems.push(Problem::without_place(None, what, wrong.help));
            }
        }
    }
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    Ok(Config {
        clusters: vec![ClusterConfig::from_bootstrap_server(ClusterName::from("default"), servers)],
        http: HttpConfig::default(),
        otlp: OtlpConfig::default(),
        history: HistoryConfig::default(),
        state: StateConfig::default(),
        latency_bounds: Vec::new(),
        rules: rules::shipped(&System)?,
        notify: NotifyConfig::default(),
        severities: Severities::default(),
    })
}
