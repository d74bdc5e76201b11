//! Checks settings, rules and test files, and tells what is wrong with each, or what it means.

mod untold;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::values::{Severities, show_duration};
use super::words::{kind_words, receiver_words, routes_words};
use super::{
    Config, FileKind, Problem, Problems, Rules, System, TestFile, open, parse, parse_rules_with, parse_tests,
    read,
};
use crate::alert;
use crate::kafka::{ClusterConfig, Filter};
use crate::model::Selector;
use crate::notify::{ReceiverConfig, ReceiverName};
use crate::slo::{self, Slo};

/// A file that is fine.
#[derive(Debug, Clone, PartialEq)]
pub enum Checked {
    /// Settings, and the rules that they name.
    Settings(Box<Config>),
    /// Rules.
    Rules(Rules),
    /// Tests, and the rules that they try.
    Tests(TestFile),
}

impl Checked {
    /// The rules in it; those of tests are not in use anywhere.
    #[must_use]
    pub fn rules(&self) -> Option<&Rules> {
        match self {
            Self::Settings(config) => Some(&config.rules),
            Self::Rules(rules) => Some(rules),
            Self::Tests(_) => None,
        }
    }
}

/// Reads the file at `path`, whichever of the three it is: its keys tell.
///
/// # Errors
/// Every problem of the file, and of the files that it names.
pub fn check_file(path: &Path) -> Result<Checked, Problems> {
    check_with(path, &Severities::default())
}

/// The same, with names of severities that settings add to rules.
fn check_with(path: &Path, severities: &Severities) -> Result<Checked, Problems> {
    let (text, file) = read(path, "the file", "give the path of a settings, rules or test file")?;
    let kind = open(&text, &file, "the file", "begin with `clusters:`, `slos:` or `alerts:`")
        .map(|(_, root)| FileKind::of(&root))?;
    match kind {
        FileKind::Settings => parse(&text, &file, &System).map(|config| Checked::Settings(Box::new(config))),
        FileKind::Rules => parse_rules_with(&text, &file, &System, severities).map(Checked::Rules),
        FileKind::Tests => parse_tests(&text, &file, &System).map(Checked::Tests),
    }
}

/// How files are checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckOptions {
    /// Tells the outcome as JSON.
    pub json: bool,
    /// Settings run beside each replica of an application, so they have to say which groups they watch.
    pub sidecar: bool,
}

/// Checks each of `files` and writes the outcome to `out`; what was in them, when all of them are fine.
/// As JSON it is one array with an object per file.
///
/// # Errors
/// When `out` cannot be written to.
pub fn check_files(
    files: &[PathBuf],
    out: &mut dyn Write,
    options: CheckOptions,
) -> io::Result<Option<Vec<Checked>>> {
    let mut outcomes: Vec<_> =
        files.iter().map(|path| (path.display().to_string(), check_file(path))).collect();
    // Rules that are given together with settings may use the names that those add.
    let added: Option<Severities> = outcomes.iter().find_map(|(_, outcome)| match outcome {
        Ok(Checked::Settings(config)) if config.severities != Severities::default() => {
            Some(config.severities.clone())
        }
        _ => None,
    });
    for (path, (_, outcome)) in files.iter().zip(&mut outcomes) {
        if let (Some(added), Ok(Checked::Rules(_)) | Err(_)) = (&added, &*outcome) {
            *outcome = check_with(path, added);
        }
    }
    for (file, outcome) in &mut outcomes {
        if options.sidecar
            && let Ok(Checked::Settings(config)) = outcome
            && let Some(problems) = not_for_a_sidecar(file, config)
        {
            *outcome = Err(problems);
        }
    }
    if options.json {
        let all: Vec<_> = outcomes.iter().map(|(file, outcome)| as_json(file, outcome)).collect();
        serde_json::to_writer_pretty(&mut *out, &all)?;
        writeln!(out)?;
    } else {
        for (file, outcome) in &outcomes {
            match outcome {
                Ok(checked) => fine(file, checked, out)?,
                Err(problems) => writeln!(out, "{problems}")?,
            }
        }
    }
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome.ok()).collect())
}

/// What would make every replica of an application watch the groups of everybody.
fn not_for_a_sidecar(file: &str, config: &Config) -> Option<Problems> {
    let watches_all = config.clusters.iter().filter(|cluster| cluster.groups.include.is_empty());
    let problems = watches_all.map(|cluster| {
        let what = format!(
            "cluster {} has no `groups.include`, so every replica would watch every group",
            cluster.name
        );
        let help = "name the groups of the application, such as `groups: { include: [orders-processor] }`";
        Problem::without_place(Some(file), what, help)
    });
    Some(problems.collect::<Vec<_>>()).filter(|problems| !problems.is_empty()).map(Problems)
}

fn fine(file: &str, checked: &Checked, out: &mut dyn Write) -> io::Result<()> {
    match checked {
        Checked::Settings(config) => {
            let clusters: Vec<_> = config.clusters.iter().map(will_watch).collect();
            writeln!(out, "{file}: fine, watches {}", clusters.join("; "))?;
            delivery(config, out)?;
        }
        Checked::Rules(rules) => writeln!(out, "{file}: fine, {}", holds(rules))?,
        Checked::Tests(tests) => {
            let number = count(tests.tests.len(), "test");
            writeln!(out, "{file}: fine, {number} of {}; `plimsoll test` runs them", holds(&tests.rules))?;
        }
    }
    checked.rules().map_or(Ok(()), |rules| explain(rules, out))
}

/// Who is told of what.
fn delivery(config: &Config, out: &mut dyn Write) -> io::Result<()> {
    if !config.notify.notifies {
        writeln!(out, "  nobody is told by this instance: `notify` is false. Otherwise:")?;
    }
    for receiver in &config.notify.receivers {
        writeln!(out, "  receiver {}", receiver_words(receiver))?;
    }
    for words in routes_words(&config.notify) {
        writeln!(out, "  {words}")?;
    }
    for warning in untold::warnings(config) {
        writeln!(out, "  warning: {warning}")?;
    }
    Ok(())
}

fn explain(rules: &Rules, out: &mut dyn Write) -> io::Result<()> {
    for slo in &rules.slos {
        writeln!(out, "  slo {}", slo.name)?;
        for words in slo::plain_words(slo) {
            writeln!(out, "    {words}")?;
        }
        for warning in warnings(slo) {
            writeln!(out, "    warning: {warning}")?;
        }
    }
    for alert in &rules.alerts {
        writeln!(out, "  alert {}\n    {}", alert.name, alert::plain_words(alert))?;
    }
    Ok(())
}

/// What of an SLO does nothing, although it can run.
fn warnings(slo: &Slo) -> Vec<String> {
    let problems = slo::problems(slo).into_iter();
    problems.filter(|problem| !problem.is_error).map(|problem| problem.sentence).collect()
}

fn holds(rules: &Rules) -> String {
    match (rules.slos.len(), rules.alerts.len()) {
        (0, 0) => "no rules".to_owned(),
        (slos, 0) => count(slos, "SLO"),
        (0, alerts) => count(alerts, "alert"),
        (slos, alerts) => format!("{} and {}", count(slos, "SLO"), count(alerts, "alert")),
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
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

fn as_json(file: &str, outcome: &Result<Checked, Problems>) -> Value {
    let mut told = json!({ "file": file, "fine": outcome.is_ok() });
    match outcome {
        Ok(checked) => {
            if let Checked::Settings(config) = checked {
                told["clusters"] = config.clusters.iter().map(cluster_as_json).collect();
                told["notify"] = config.notify.notifies.into();
                told["receivers"] = config.notify.receivers.iter().map(receiver_as_json).collect();
                told["routes"] = routes_words(&config.notify).into();
                told["warnings"] = untold::warnings(config).into();
            }
            if let Checked::Tests(tests) = checked {
                told["tests"] = tests.tests.len().into();
            }
            if let Some(rules) = checked.rules() {
                told["slos"] = rules.slos.iter().map(slo_as_json).collect();
                let alerts = rules.alerts.iter();
                told["alerts"] = alerts
                    .map(|alert| json!({ "name": *alert.name, "words": [alert::plain_words(alert)] }))
                    .collect();
            }
        }
        Err(problems) => told["problems"] = problems_as_json(file, problems),
    }
    told
}

fn slo_as_json(slo: &Slo) -> Value {
    json!({ "name": *slo.name, "words": slo::plain_words(slo), "warnings": warnings(slo) })
}

fn cluster_as_json(cluster: &ClusterConfig) -> Value {
    json!({ "name": cluster.name.as_str(), "bootstrap_servers": cluster.bootstrap_servers })
}

fn receiver_as_json(receiver: &ReceiverConfig) -> Value {
    json!({
        "name": receiver.name.as_str(),
        "kind": receiver.kind.label(),
        "words": kind_words(&receiver.kind),
        "fallback": receiver.fallback.as_ref().map(ReceiverName::as_str),
    })
}

/// Each problem; `file` is told where it is in another one than the one that was checked.
fn problems_as_json(file: &str, problems: &Problems) -> Value {
    let each = problems.0.iter().map(|problem| {
        let mut told = json!({
            "line": problem.place.as_ref().map(|place| place.line),
            "column": problem.place.as_ref().map(|place| place.column),
            "problem": problem.what,
            "help": problem.help,
        });
        if let Some(other) = problem.file.as_deref().filter(|other| *other != file) {
            told["file"] = other.into();
        }
        told
    });
    each.collect()
}
