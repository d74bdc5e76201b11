//! The shipped rules: each says for whom it is and leads to a runbook that can be followed; unasked, nothing pages.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: BTreeSet<_> = files.filter(|path| path.extension().is_some_and(|it| it == ending)).collect();
    assert!(!files.is_empty());
    files.into_iter().collect()
}

/// What stands after `key:` in each line that has it.
fn values<'t>(text: &'t str, key: &str) -> Vec<&'t str> {
    let value =
        |line: &'t str| line.trim_start().trim_start_matches("- ").strip_prefix(key)?.strip_prefix(": ");
    text.lines().filter_map(value).collect()
}

#[test]
fn every_file_says_for_whom_it_is() {
    for file in files("rules", "yaml") {
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("# For "), "{}", file.display());
    }
}

#[test]
fn every_rule_has_a_description_and_a_runbook() {
    let mut named = BTreeSet::new();
    for file in files("rules", "yaml") {
        let text = fs::read_to_string(&file).unwrap();
        let rules = values(&text, "name").len();
        assert!(rules > 0, "{}", file.display());
        assert_eq!(values(&text, "description").len(), rules, "{}", file.display());
        let runbooks = values(&text, "runbook");
        assert_eq!(runbooks.len(), rules, "{}", file.display());
        named.extend(runbooks.into_iter().map(|path| Path::new(env!("CARGO_MANIFEST_DIR")).join(path)));
    }
    // Each that is named is there, and each that is there is named.
    assert_eq!(named.into_iter().collect::<Vec<_>>(), files("docs/runbooks", "md"));
}

#[test]
fn names_are_unique_over_all_files() {
    let mut seen = BTreeSet::new();
    for file in files("rules", "yaml") {
        for name in values(&fs::read_to_string(&file).unwrap(), "name") {
            assert!(seen.insert(name.to_owned()), "{name} in {}", file.display());
        }
    }
}

#[test]
fn every_runbook_says_what_it_means_what_to_look_at_and_what_to_do() {
    for file in files("docs/runbooks", "md") {
        let text = fs::read_to_string(&file).unwrap();
        let headings: Vec<_> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(
            headings,
            ["## What it means", "## What to look at", "## What to do"],
            "{}",
            file.display()
        );
        assert!(text.starts_with("# ") && text.contains("```sh\n"), "{}", file.display());
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(file.with_file_name(link).exists(), "{} links to {link}", file.display());
        }
    }
}

#[test]
fn by_default_nothing_pages_and_many_are_told_as_one() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/default.yaml")).unwrap();
    for severity in values(&text, "severity") {
        assert!(["ticket", "info"].contains(&severity), "{severity}");
    }
    // Every rule that looks at more than one thing.
    assert_eq!(text.matches("\"*\"").count(), values(&text, "summarize_above").len());
}

/// The names in quotes that follow `before`, with or without a line break between.
fn quoted_after<'t>(text: &'t str, before: &'t str) -> impl Iterator<Item = &'t str> {
    let after = text.split(before).skip(1);
    after.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
}

#[test]
fn every_reason_of_an_slo_is_explained() {
    let explained = fs::read_to_string("docs/unmeasured.md").unwrap();
    let mut reasons = BTreeSet::new();
    for file in files("src/slo", "rs") {
        let text = fs::read_to_string(&file).unwrap();
        for before in ["named(", "cannot(", "label: "] {
            reasons.extend(quoted_after(&text, before).map(str::to_owned));
        }
    }
    assert!(reasons.contains("commit_interval_unknown") && reasons.contains("polled"), "{reasons:?}");
    let missing: Vec<_> =
        reasons.iter().filter(|reason| !explained.contains(&format!("| `{reason}` |"))).collect();
    assert!(missing.is_empty(), "docs/unmeasured.md says nothing of {missing:?}");
}
