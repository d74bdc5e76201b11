//! `plimsoll check`: every problem of every file; with `--connect` also what each selector matches now.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::{Ending, clock};
use crate::cli::CheckArgs;
use crate::config::{self, check_files};
use crate::kafka::{Cluster, ClusterConfig, ClusterError, Filter};
use crate::model::Selector;

/// # Errors
/// When standard output cannot be written.
pub(super) fn run(arguments: &CheckArgs) -> anyhow::Result<Ending> {
    let mut out = std::io::stdout().lock();
    if !arguments.connect {
        let is_fine = check_files(&arguments.files, &mut out, arguments.json)?;
        return Ok(if is_fine { Ending::Fine } else { Ending::Refused });
    }
    let mut told = Vec::new();
    let is_fine = check_files(&arguments.files, &mut told, arguments.json)?;
    if !is_fine {
        out.write_all(&told)?;
        return Ok(Ending::Refused);
    }
    let is_reached = if arguments.json {
        connect_as_json(&arguments.files, &told, &mut out)?
    } else {
        out.write_all(&told)?;
        let mut is_reached = true;
        for cluster in arguments.files.iter().flat_map(|file| clusters(file)) {
            is_reached &= connect(&cluster, &mut out)?;
        }
        is_reached
    };
    Ok(if is_reached { Ending::Fine } else { Ending::Failed })
}

/// It was fine a moment ago; a file that changed meanwhile is simply checked again next time.
fn clusters(file: &Path) -> Vec<ClusterConfig> {
    config::load(file).map(|config| config.clusters).unwrap_or_default()
}

/// Everything that is in the cluster, whatever `config` would watch of it.
fn look(config: &ClusterConfig) -> Result<Found, ClusterError> {
    let stop = Arc::new(AtomicBool::new(false));
    let everything = ClusterConfig { groups: Filter::default(), topics: Filter::default(), ..config.clone() };
    let mut cluster = Cluster::connect(everything, Arc::clone(&stop))?;
    let observed = std::thread::scope(|threads| {
        let events = cluster.events();
        threads.spawn(move || events.run());
        let observed = cluster.observe(&clock::now);
        stop.store(true, Ordering::Relaxed);
        observed
    })?;
    Ok(Found {
        brokers: observed.brokers.len(),
        groups: observed.groups.keys().map(|group| group.as_str().to_owned()).collect(),
        topics: observed.topics.keys().map(|topic| topic.as_str().to_owned()).collect(),
    })
}

struct Found {
    brokers: usize,
    groups: BTreeSet<String>,
    topics: BTreeSet<String>,
}

/// What is there, and which of it `config` would watch. False when the cluster cannot be reached.
fn connect(config: &ClusterConfig, out: &mut impl Write) -> anyhow::Result<bool> {
    let name = &config.name;
    match look(config) {
        Ok(found) => {
            writeln!(out, "cluster {name}: reached, {}", count(found.brokers, "broker"))?;
            selectors("group", &config.groups, &found.groups, out)?;
            selectors("topic", &config.topics, &found.topics, out)?;
            Ok(true)
        }
        Err(failed) => {
            writeln!(out, "cluster {name}: cannot be reached: {failed}")?;
            Ok(false)
        }
    }
}

/// The outcomes in `told`, with what was found added to each cluster. False when one cannot be reached.
fn connect_as_json(files: &[PathBuf], told: &[u8], out: &mut impl Write) -> anyhow::Result<bool> {
    let mut outcomes: Value = serde_json::from_slice(told)?;
    let mut is_reached = true;
    for (at, file) in files.iter().enumerate() {
        for (number, cluster) in clusters(file).iter().enumerate() {
            let about = &mut outcomes[at]["clusters"][number];
            match look(cluster) {
                Ok(found) => {
                    let watched = |filter: &Filter, names: &BTreeSet<String>| -> Vec<String> {
                        names.iter().filter(|name| filter.accepts(name)).cloned().collect()
                    };
                    about["reachable"] = true.into();
                    about["brokers"] = found.brokers.into();
                    about["groups"] = watched(&cluster.groups, &found.groups).into();
                    about["topics"] = watched(&cluster.topics, &found.topics).into();
                }
                Err(failed) => {
                    is_reached = false;
                    about["reachable"] = false.into();
                    about["why"] = failed.to_string().into();
                }
            }
        }
    }
    serde_json::to_writer_pretty(&mut *out, &outcomes)?;
    writeln!(out)?;
    Ok(is_reached)
}

fn selectors(
    what: &str,
    filter: &Filter,
    names: &BTreeSet<String>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let watched = names.iter().filter(|name| filter.accepts(name)).count();
    writeln!(out, "  watches {watched} of {}", count(names.len(), what))?;
    for (kind, selectors) in [("include", &filter.include), ("exclude", &filter.exclude)] {
        for selector in selectors {
            writeln!(out, "    {kind} {}: {}", selector.as_str(), matches(selector, names, what))?;
        }
    }
    Ok(())
}

fn matches(selector: &Selector, names: &BTreeSet<String>, what: &str) -> String {
    let matching = names.iter().filter(|name| selector.matches(name)).count();
    if matching > 0 {
        return format!("matches {}", count(matching, what));
    }
    let nearest = names.iter().max_by(|one, other| {
        let near = |name: &str| strsim::jaro_winkler(name, selector.as_str());
        near(one).total_cmp(&near(other))
    });
    let nearest = nearest.map(|name| format!("; the nearest name is {name}")).unwrap_or_default();
    format!("matches nothing now{nearest}")
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
