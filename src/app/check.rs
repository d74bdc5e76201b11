//! `plimsoll check`: every problem of every file; with `--connect` also what each selector matches now.

mod rules;

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::{Ending, clock, say};
use crate::cli::CheckArgs;
use crate::config::{CheckOptions, Checked, Config, Rules, check_files};
use crate::kafka::{Cluster, ClusterConfig, ClusterError, Filter};
use crate::model::Selector;

use rules::{About, abouts};

/// # Errors
/// When standard output cannot be written.
pub(super) fn run(arguments: &CheckArgs) -> anyhow::Result<Ending> {
    let mut out = std::io::stdout().lock();
    let mut told = Vec::new();
    let options = CheckOptions { json: arguments.json, sidecar: arguments.sidecar };
    let checked = check_files(&arguments.files, &mut told, options)?;
    let Some(checked) = checked else {
        out.write_all(&told)?;
        return Ok(Ending::Refused);
    };
    if !arguments.connect {
        out.write_all(&told)?;
        return Ok(Ending::Fine);
    }
    if !checked.iter().any(|one| matches!(one, Checked::Settings(_))) {
        say("plimsoll: --connect needs to know a cluster: give the settings file, too");
        return Ok(Ending::Refused);
    }
    // Rules files that were given by themselves are tried on every cluster.
    let more: Vec<_> = checked
        .iter()
        .filter_map(|one| match one {
            Checked::Rules(rules) => Some(rules),
            Checked::Settings(_) | Checked::Tests(_) => None,
        })
        .collect();
    if arguments.json {
        return connect_as_json(&checked, &more, &told, &mut out);
    }
    out.write_all(&told)?;
    let mut ending = Ending::Fine;
    for config in checked.iter().filter_map(settings) {
        let rules: Vec<_> = std::iter::once(&config.rules).chain(more.iter().copied()).collect();
        for cluster in &config.clusters {
            ending = ending.max(connect(cluster, &rules, &mut out)?);
        }
    }
    Ok(ending)
}

fn settings(checked: &Checked) -> Option<&Config> {
    match checked {
        Checked::Settings(config) => Some(config),
        Checked::Rules(_) | Checked::Tests(_) => None,
    }
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

impl Found {
    /// What `config` would watch of it.
    fn watched(&self, config: &ClusterConfig) -> Self {
        let accepted = |filter: &Filter, names: &BTreeSet<String>| {
            names.iter().filter(|name| filter.accepts(name)).cloned().collect()
        };
        Self {
            brokers: self.brokers,
            groups: accepted(&config.groups, &self.groups),
            topics: accepted(&config.topics, &self.topics),
        }
    }

    fn of(&self, what: &str) -> &BTreeSet<String> {
        if what == "group" { &self.groups } else { &self.topics }
    }
}

/// Tells what is there, and which of it `config` would watch.
fn connect(config: &ClusterConfig, rules: &[&Rules], out: &mut impl Write) -> anyhow::Result<Ending> {
    let name = &config.name;
    match look(config) {
        Ok(found) => {
            writeln!(out, "cluster {name}: reached, {}", count(found.brokers, "broker"))?;
            selectors("group", &config.groups, &found.groups, out)?;
            selectors("topic", &config.topics, &found.topics, out)?;
            tell_rules(rules, &found, config, out)?;
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
fn connect_as_json(
    checked: &[Checked],
    more: &[&Rules],
    told: &[u8],
    out: &mut impl Write,
) -> anyhow::Result<Ending> {
    let mut outcomes: Value = serde_json::from_slice(told)?;
    let mut ending = Ending::Fine;
    for (at, config) in checked.iter().enumerate().filter_map(|(at, one)| Some((at, settings(one)?))) {
        let rules: Vec<_> = std::iter::once(&config.rules).chain(more.iter().copied()).collect();
        for (number, cluster) in config.clusters.iter().enumerate() {
            let about = &mut outcomes[at]["clusters"][number];
            match look(cluster) {
                Ok(found) => {
                    let watched = found.watched(cluster);
                    about["reachable"] = true.into();
                    about["brokers"] = found.brokers.into();
                    about["groups"] = watched.groups.iter().map(String::as_str).collect();
                    about["topics"] = watched.topics.iter().map(String::as_str).collect();
                    about["rules"] = rules
                        .iter()
                        .flat_map(|rules| abouts(rules))
                        .map(|about| rule_as_json(&about, &watched))
                        .collect();
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

fn rule_as_json(about: &About<'_>, watched: &Found) -> Value {
    let selectors = about.selectors().map(|(what, selector)| {
        let matching: Vec<_> = watched.of(what).iter().filter(|name| selector.matches(name)).collect();
        json!({ "of": what, "selector": selector.as_str(), "matches": matching })
    });
    json!({ "kind": about.kind, "name": about.name, "selectors": selectors.collect::<Vec<_>>() })
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

/// What each selector of each rule matches of what is watched.
fn tell_rules(
    rules: &[&Rules],
    found: &Found,
    config: &ClusterConfig,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let watched = found.watched(config);
    for about in rules.iter().flat_map(|rules| abouts(rules)) {
        writeln!(out, "  {} {}", about.kind, about.name)?;
        for (what, selector) in about.selectors() {
            let names = watched.of(what);
            let is_hidden =
                selector.exact().is_some_and(|name| !names.contains(name) && found.of(what).contains(name));
            let told = if is_hidden {
                format!("is there, but these settings do not watch that {what}")
            } else {
                matches(selector, names, what)
            };
            writeln!(out, "    {what} {}: {told}", selector.as_str())?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{System, parse_rules};

    #[test]
    fn each_selector_of_a_rule_is_told_with_what_it_matches_of_what_is_watched() {
        let rules = parse_rules(
            "slos:
- { name: late, indicator: { latency: { group: 'ord*', topic: order, within: 1s } }, objective: 99%, window: 7d }
- { name: dead, indicator: { dead_letters: { topic: orders, dead_letter_topic: dlq } }, objective: 99%, window: 7d }
alerts:
- { name: hidden, when: { stuck: { group: internal, for: 5m } }, severity: ticket }
- { name: offline, when: { offline: {} }, severity: ticket }
- { name: gone, when: { unreachable: {} }, severity: ticket }
",
            "rules.yaml",
            &System,
        );
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let found = Found {
            brokers: 1,
            groups: names(&["orders-a", "orders-b", "internal"]),
            topics: names(&["orders", "dlq"]),
        };
        let mut config = ClusterConfig::from_bootstrap_server("prod".into(), vec!["a:1".to_owned()]);
        config.groups.exclude = vec![Selector::new("int*")];
        let mut out = Vec::new();
        tell_rules(&[&rules.unwrap()], &found, &config, &mut out).unwrap();
        let expected = "  slo late
    group ord*: matches 2 groups
    topic order: matches nothing now; the nearest name is orders
  slo dead
    topic orders: matches 1 topic
    topic dlq: matches 1 topic
  alert hidden
    group internal: is there, but these settings do not watch that group
  alert offline
    topic *: matches 2 topics
  alert gone
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
