//! `plimsoll check`: every problem of every file; with `--connect` also what each selector matches now.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Ending, clock};
use crate::cli::CheckArgs;
use crate::config::{self, check_files};
use crate::kafka::{Cluster, ClusterConfig, Filter};
use crate::model::{ClusterName, Selector};

/// # Errors
/// When standard output cannot be written.
pub(super) fn run(arguments: &CheckArgs) -> anyhow::Result<Ending> {
    let mut out = std::io::stdout().lock();
    if !check_files(&arguments.files, &mut out, arguments.json)? {
        return Ok(Ending::Refused);
    }
    let mut ending = Ending::Fine;
    if arguments.connect {
        for file in &arguments.files {
            // It was fine a moment ago; a file that changed meanwhile is simply checked again next time.
            let Ok(config) = config::load(file) else { continue };
            for cluster in config.clusters {
                // Of several clusters the worst decides, and what can be corrected in the file is worst.
                match connect(cluster, arguments.json, &mut out)? {
                    Ending::Fine => {}
                    Ending::Failed if ending == Ending::Refused => {}
                    worse => ending = worse,
                }
            }
        }
    }
    Ok(ending)
}

/// What is there, and which of it `config` would watch. Fails when the cluster cannot be reached.
fn connect(config: ClusterConfig, json: bool, out: &mut impl Write) -> anyhow::Result<Ending> {
    let (groups, topics) = (config.groups.clone(), config.topics.clone());
    let name = config.name.clone();
    let stop = Arc::new(AtomicBool::new(false));
    let everything = ClusterConfig { groups: Filter::default(), topics: Filter::default(), ..config };
    let mut cluster = match Cluster::connect(everything, Arc::clone(&stop)) {
        Ok(cluster) => cluster,
        Err(refused) => {
            if json {
                unreachable(&name, &refused.to_string(), out)?;
            } else {
                writeln!(out, "{refused}")?;
            }
            return Ok(Ending::Refused);
        }
    };
    let observed = std::thread::scope(|threads| {
        let events = cluster.events();
        threads.spawn(move || events.run());
        let observed = cluster.observe(&clock::now);
        stop.store(true, Ordering::Relaxed);
        observed
    });
    let observed = match observed {
        Ok(observed) => observed,
        Err(failed) => {
            if json {
                unreachable(&name, &failed.to_string(), out)?;
            } else {
                writeln!(out, "cluster {name}: cannot be reached: {failed}")?;
            }
            return Ok(Ending::Failed);
        }
    };
    let all_groups: BTreeSet<_> = observed.groups.keys().map(|group| group.as_str()).collect();
    let all_topics: BTreeSet<_> = observed.topics.keys().map(|topic| topic.as_str()).collect();
    let brokers = observed.brokers.len();
    if json {
        let watched = |filter: &Filter, names: &BTreeSet<&str>| -> Vec<String> {
            names.iter().filter(|name| filter.accepts(name)).map(|name| (*name).to_owned()).collect()
        };
        let line = serde_json::json!({
            "cluster": name.as_str(), "reachable": true, "brokers": brokers,
            "groups": watched(&groups, &all_groups), "topics": watched(&topics, &all_topics),
        });
        writeln!(out, "{line}")?;
        return Ok(Ending::Fine);
    }
    writeln!(out, "cluster {name}: reached, {}", count(brokers, "broker"))?;
    selectors("group", &groups, &all_groups, out)?;
    selectors("topic", &topics, &all_topics, out)?;
    Ok(Ending::Fine)
}

fn unreachable(cluster: &ClusterName, why: &str, out: &mut impl Write) -> anyhow::Result<()> {
    let line = serde_json::json!({ "cluster": cluster.as_str(), "reachable": false, "why": why });
    Ok(writeln!(out, "{line}")?)
}

fn selectors(
    what: &str,
    filter: &Filter,
    names: &BTreeSet<&str>,
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

fn matches(selector: &Selector, names: &BTreeSet<&str>, what: &str) -> String {
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
