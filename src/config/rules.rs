//! Rules files: promises and thresholds, as `slo` and `alert` take them. Names are unique over all files.
//! Never evaluates a rule.

mod alert;
mod condition;
mod fields;
mod files;
mod indicator;
mod slo;

use std::collections::BTreeMap;
use std::path::Path;

pub(super) use files::{RulesFile, named};

use super::expand::Lookup;
use super::keys::RULES;
use super::problem::{Problem, Problems};
use super::read::{Entries, Reader};
use super::source::Source;
use super::tree::{Kind, Node};
use super::values::Severities;
use super::{FileKind, open};
use crate::alert::AlertRule;
use crate::slo::Slo;

/// What is read when the settings name no rules.
const SHIPPED: &str = include_str!("../../rules/default.yaml");
const SHIPPED_NAME: &str = "rules/default.yaml (shipped)";

/// What is promised, and what is watched for, in the order in which it is written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    /// Promises with error budgets.
    pub slos: Vec<Slo>,
    /// Plain thresholds.
    pub alerts: Vec<AlertRule>,
}

/// The rules that are used when the settings name none.
///
/// # Errors
/// When the program was built with rules that it cannot read itself.
pub(super) fn shipped(lookup: &dyn Lookup) -> Result<Rules, Problems> {
    let none = Severities::default();
    let mut reading = Reading::new(lookup, &none);
    reading.file(SHIPPED, SHIPPED_NAME);
    reading.finish()
}

/// The rules of all `files`, in which `severities` are known.
///
/// # Errors
/// Every problem of every file.
pub(super) fn all(
    files: &[RulesFile],
    lookup: &dyn Lookup,
    severities: &Severities,
) -> Result<Rules, Problems> {
    let mut reading = Reading::new(lookup, severities);
    for file in files {
        reading.file(&file.text, &file.name);
    }
    reading.finish()
}

/// The rules of one file.
///
/// # Errors
/// Every problem of the text.
pub(super) fn one(
    text: &str,
    file: &str,
    lookup: &dyn Lookup,
    severities: &Severities,
) -> Result<Rules, Problems> {
    let mut reading = Reading::new(lookup, severities);
    reading.file(text, file);
    reading.finish()
}

/// What was read so far, over several files.
struct Reading<'a> {
    lookup: &'a dyn Lookup,
    severities: &'a Severities,
    rules: Rules,
    names: Names,
    problems: Vec<Problem>,
}

/// Where each name was given first.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl<'a> Reading<'a> {
    fn new(lookup: &'a dyn Lookup, severities: &'a Severities) -> Self {
        Self { lookup, severities, rules: Rules::default(), names: Names::default(), problems: Vec::new() }
    }

    fn file(&mut self, text: &str, file: &str) {
        let empty = "begin with `slos:` or `alerts:`";
        match open(text, file, "the rules file", empty) {
            Ok((source, root)) => {
                let problems = match FileKind::of(&root) {
                    FileKind::Rules => self.entries(source, &root, file),
                    other => vec![other.misplaced(file, "where a rules file belongs")],
                };
                self.problems.extend(problems);
            }
            Err(problems) => self.problems.extend(problems.0),
        }
    }

    fn entries(&mut self, source: Source<'_>, root: &Node, file: &str) -> Vec<Problem> {
        let mut reader = Reader::new(source, self.lookup);
        reader.severities = self.severities.clone();
        let entries = reader.entries(root, &RULES, "");
        for (index, item) in items(&mut reader, &entries, "slos").iter().enumerate() {
            if let Some((slo, name)) = slo::read(&mut reader, item, &format!("slos[{index}]")) {
                self.names.take(&mut reader, &slo.name, name, file);
                self.rules.slos.push(slo);
            }
        }
        for (index, item) in items(&mut reader, &entries, "alerts").iter().enumerate() {
            if let Some((alert, name)) = alert::read(&mut reader, item, &format!("alerts[{index}]")) {
                self.names.take(&mut reader, &alert.name, name, file);
                self.rules.alerts.push(alert);
            }
        }
        reader.into_problems()
    }

    fn finish(self) -> Result<Rules, Problems> {
        if self.problems.is_empty() { Ok(self.rules) } else { Err(Problems(self.problems)) }
    }
}

impl Names {
    /// Notes a problem when the name, which stands at `node`, was taken before.
    fn take(&mut self, reader: &mut Reader<'_>, name: &str, node: &Node, file: &str) {
        let place = format!("{file}:{}", node.at.line);
        if let Some(first) = self.0.insert(name.to_owned(), place) {
            let what = format!("`{}` is the name of another rule too ({first})", reader.name(node));
            reader.problem(node.at, what, "give each SLO and each alert a name of its own");
        }
    }
}

fn items<'n>(reader: &mut Reader<'_>, entries: &Entries<'n>, name: &str) -> &'n [Node] {
    let Some(node) = entries.get(name) else { return &[] };
    if matches!(node.kind, Kind::Nothing) {
        return &[];
    }
    reader.items(node, name, "write a list of them, each beginning with `- name: …`").unwrap_or_default()
}

/// The folder that the paths in a file are relative to.
pub(super) fn folder_of(file: &str) -> &Path {
    Path::new(file).parent().unwrap_or(Path::new(""))
}
