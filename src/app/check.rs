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
    if arguments.json {
        return connect_as_json(&arguments.files, &told, &mut out);
    }
    out.write_all(&told)?;
    let mut ending = Ending::Fine;
    for cluster in arguments.files.iter().flat_map(|file| clusters(file)) {
        ending = ending.max(connect(&cluster, &mut out)?);
    }
    Ok(ending)
}

/// It was fine a moment ago; a file that changed meanwhile is simply checked again next time.
fn clusters(file: &Path) -> Vec<ClusterConfig> {
    config::load(file).map(|config| config.clusters).unwrap_or_default()
}

/// Everything that is in the cluster, whatever `config` would watch of it; or whether the settings or the cluster
/// are at fault.
fn look(config: &ClusterConfig) -> Result<Found, (Ending, ClusterError)> {
    let stop = Arc::new(AtomicBool::new(false));
    let everything = ClusterConfig { groups: Filter::default(), topics: Filter::default(), ..config.clone() };
    let mut cluster =
        Cluster::connect(everything, Arc::clone(&stop)).map_err(|refused| (Ending::Refused, refused))?;
    let answered = std::thread::scope(|threads| {
        let events = cluster.events();
        threads.spawn(move || events.run());
        let observed = cluster.observe(&clock::now);
        stop.store(true, Ordering::Relaxed);
        observed
    });
    let observed = answered.map_err(|failed| (Ending::Failed, failed))?;
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

/// Tells what is there, and which of it `config` would watch.
fn connect(config: &ClusterConfig, out: &mut impl Write) -> anyhow::Result<Ending> {
    let name = &config.name;
    match look(config) {
        Ok(found) => {
            writeln!(out, "cluster {name}: reached, {}", count(found.brokers, "broker"))?;
            selectors("group", &config.groups, &found.groups, out)?;
            selectors("topic", &config.topics, &found.topics, out)?;
            Ok(Ending::Fine)
        }
        // The sentence about settings names the cluster itself.
        Err((Ending::Refused, refused)) => {
            writeln!(out, "{refused}")?;
            Ok(Ending::Refused)
        }
        Err((ending, failed)) => {
            writeln!(out, "cluster {name}: cannot be reached: {failed}")?;
            Ok(ending)
        }
    }
}

/// The outcomes in `told`, with what was found added to each cluster.
fn connect_as_json(files: &[PathBuf], told: &[u8], out: &mut impl Write) -> anyhow::Result<Ending> {
    let mut outcomes: Value = serde_json::from_slice(told)?;
    let mut ending = Ending::Fine;
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
                Err((found, failed)) => {
                    ending = ending.max(found);
                    about["reachable"] = false.into();
                    about["why"] = failed.to_string().into();
                }
            }
        }
    }
    serde_json::to_writer_pretty(&mut *out, &outcomes)?;
    writeln!(out)?;
    Ok(ending)
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
