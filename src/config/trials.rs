//! Test files: what `plimsoll test` tries, together with the rules that are tried. Never runs a test.

mod expect;
mod happening;

use std::path::Path;

use super::expand::{Lookup, System};
use super::keys::{TEST, TESTS, nearest};
use super::problem::Problems;
use super::read::{Entries, Reader};
use super::rules::{self, Rules};
use super::tree::{Kind, Node};
use super::{FileKind, notify, open, read, values};
use crate::alert::AlertRule;
use crate::sim::{AlertTest, SloTest};

/// Tests and the rules that they try.
#[derive(Debug, Clone, PartialEq)]
pub struct TestFile {
    /// The rules of every file that the test file names.
    pub rules: Rules,
    /// In the order of the file. Each names a rule that there is.
    pub tests: Vec<RuleTest>,
}

/// One test.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleTest {
    /// Of an SLO.
    Slo(SloTest),
    /// Of an alert.
    Alert(AlertTest),
}

/// Reads the test file at `path` and the rules files that it names.
///
/// # Errors
/// Every problem of all of them.
pub fn load_tests(path: &Path) -> Result<TestFile, Problems> {
    let (text, file) = read(path, "the test file", "give the path of a file with `tests:` in it")?;
    parse_tests(&text, &file, &System)
}

/// Reads tests from `text`; paths of rules in it are relative to the folder of `file_name`.
///
/// # Errors
/// Every problem of the text and of the rules files that it names.
pub fn parse_tests(text: &str, file_name: &str, lookup: &dyn Lookup) -> Result<TestFile, Problems> {
    let (source, root) = open(text, file_name, "the test file", "begin with `rules:` and `tests:`")?;
    match FileKind::of(&root) {
        FileKind::Tests => {}
        other => return Err(other.misplaced(file_name, "where tests belong").into()),
    }
    let mut reader = Reader::new(source, lookup);
    let file = reader.entries(&root, &TESTS, "");
    let files = rules::named(&mut reader, &file, "rules", rules::folder_of(file_name));
    let severities = notify::severities(&mut reader, &file);
    let rules = rules::all(&files.unwrap_or_default(), lookup, &severities);
    // Rules that cannot be read have problems of their own; that a test names one of them is not one more.
    let known = rules.as_ref().ok().filter(|_| reader.problem_count() == 0);
    let mut tests = Vec::new();
    if let Some(node) = file.get("tests") {
        let example = "write a list of them, each beginning with `- name: …`";
        let items = reader.items(node, "tests", example).unwrap_or_default();
        if items.is_empty() && matches!(node.kind, Kind::List(_)) {
            reader.problem(node.at, "tests is empty, so nothing is tried", example);
        }
        for (index, item) in items.iter().enumerate() {
            tests.extend(test(&mut reader, item, &format!("tests[{index}]"), known));
        }
    }
    let mut problems = reader.into_problems();
    match rules {
        Ok(rules) if problems.is_empty() => Ok(TestFile { rules, tests }),
        Ok(_) => Err(Problems(problems)),
        Err(of_rules) => {
            problems.extend(of_rules.0);
            Err(Problems(problems))
        }
    }
}

fn test(reader: &mut Reader<'_>, node: &Node, path: &str, rules: Option<&Rules>) -> Option<RuleTest> {
    let entries = reader.entries(node, &TEST, path);
    let name = reader.read(&entries, "name", values::text);
    let start = reader.read(&entries, "start", values::time);
    match (entries.get("slo"), entries.get("alert")) {
        (Some(_), None) => {
            foreign(reader, &entries, "values", "a test of an SLO has `events`");
            let slo = tried(reader, &entries, "slo", rules, |rules| names(&rules.slos, |slo| &slo.name));
            let events = happening::events(reader, &entries);
            let expect = expect::of_slo(reader, &entries);
            Some(RuleTest::Slo(SloTest { name: name?, slo: slo?, start, events, expect }))
        }
        (None, Some(_)) => {
            foreign(reader, &entries, "events", "a test of an alert has `values`");
            let alert =
                tried(reader, &entries, "alert", rules, |rules| names(&rules.alerts, |alert| &alert.name));
            let rule = rules.zip(alert.as_deref()).and_then(|(rules, name)| rule(rules, name));
            let values = happening::values(reader, &entries, rule);
            let expect = expect::of_alert(reader, &entries);
            Some(RuleTest::Alert(AlertTest { name: name?, alert: alert?, start, values, expect }))
        }
        _ => {
            let what = format!("{path} needs `slo` or `alert`, and not both");
            reader.problem(entries.begin(), what, "write the name of the SLO or alert that is tried");
            None
        }
    }
}

fn rule<'r>(rules: &'r Rules, name: &str) -> Option<&'r AlertRule> {
    rules.alerts.iter().find(|alert| *alert.name == *name)
}

fn names<T>(rules: &[T], name: impl Fn(&T) -> &str) -> Vec<&str> {
    rules.iter().map(name).collect()
}

/// The name of the rule that is tried, if there is one that is called so.
fn tried(
    reader: &mut Reader<'_>,
    entries: &Entries<'_>,
    key: &str,
    rules: Option<&Rules>,
    names: impl Fn(&Rules) -> Vec<&str>,
) -> Option<String> {
    reader.read(entries, key, |text| {
        let known = rules.map(names);
        match known {
            Some(known) if !known.contains(&text) => Err(values::Wrong {
                what: format!("is no {key} of the rules"),
                help: match nearest(text, known.iter().copied()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => "name the rules file that has it under `rules:`".to_owned(),
                },
            }),
            _ => Ok(text.to_owned()),
        }
    })
}

fn foreign(reader: &mut Reader<'_>, entries: &Entries<'_>, name: &str, help: &str) {
    if let Some(node) = entries.get(name) {
        reader.problem(node.at, format!("{} does not belong here", entries.path(name)), help);
    }
}

/// The items of the list under `name`, with the path of each.
fn items<'n>(reader: &mut Reader<'_>, entries: &Entries<'n>, name: &str) -> Vec<(&'n Node, String)> {
    let Some(node) = entries.get(name) else { return Vec::new() };
    if matches!(node.kind, Kind::Nothing) {
        return Vec::new();
    }
    let path = entries.path(name);
    let items = reader.items(node, &path, "write a list of mappings").unwrap_or_default();
    items.iter().enumerate().map(|(index, item)| (item, format!("{path}[{index}]"))).collect()
}

/// A length of time under `name`, in minutes.
fn minutes(reader: &mut Reader<'_>, entries: &Entries<'_>, name: &str) -> Option<u64> {
    reader.millis(entries, name).map(|length| length.0 / 60_000)
}
