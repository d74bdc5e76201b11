//! Checks settings files and tells what is wrong with each, or what it will watch.

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::values::show_duration;
use super::{Config, Problems, load};
use crate::kafka::{ClusterConfig, Filter};
use crate::model::Selector;

/// Checks each of `files` and writes the outcome to `out`; whether all of them are fine.
/// As JSON it is one array with an object per file.
///
/// # Errors
/// When `out` cannot be written to.
pub fn check_files(files: &[PathBuf], out: &mut dyn Write, json: bool) -> io::Result<bool> {
    let outcomes: Vec<_> = files.iter().map(|path| (path.display().to_string(), load(path))).collect();
    if json {
        let all: Vec<_> = outcomes.iter().map(|(file, outcome)| as_json(file, outcome)).collect();
        serde_json::to_writer_pretty(&mut *out, &all)?;
        writeln!(out)?;
    } else {
        for (file, outcome) in &outcomes {
            match outcome {
                Ok(config) => {
                    let clusters: Vec<_> = config.clusters.iter().map(will_watch).collect();
                    writeln!(out, "{file}: fine, watches {}", clusters.join("; "))?;
                }
                Err(problems) => writeln!(out, "{problems}")?,
            }
        }
    }
    Ok(outcomes.iter().all(|(_, outcome)| outcome.is_ok()))
}

fn will_watch(cluster: &ClusterConfig) -> String {
    format!(
        "{} at {} every {} ({}, {})",
        cluster.name,
        cluster.bootstrap_servers.join(","),
        show_duration(cluster.poll_interval),
        selected(&cluster.groups, "groups"),
        selected(&cluster.topics, "topics"),
    )
}

fn selected(filter: &Filter, things: &str) -> String {
    let list = |selectors: &[Selector]| selectors.iter().map(Selector::as_str).collect::<Vec<_>>().join(", ");
    let included = if filter.include.is_empty() {
        format!("all {things}")
    } else {
        format!("{things} {}", list(&filter.include))
    };
    if filter.exclude.is_empty() { included } else { format!("{included} except {}", list(&filter.exclude)) }
}

fn as_json(file: &str, outcome: &Result<Config, Problems>) -> Value {
    match outcome {
        Ok(config) => json!({
            "file": file,
            "fine": true,
            "clusters": config.clusters.iter().map(|cluster| json!({
                "name": cluster.name.as_str(),
                "bootstrap_servers": cluster.bootstrap_servers,
            })).collect::<Vec<_>>(),
        }),
        Err(problems) => json!({
            "file": file,
            "fine": false,
            "problems": problems.0.iter().map(|problem| json!({
                "line": problem.place.as_ref().map(|place| place.line),
                "column": problem.place.as_ref().map(|place| place.column),
                "problem": problem.what,
                "help": problem.help,
            })).collect::<Vec<_>>(),
        }),
    }
}
