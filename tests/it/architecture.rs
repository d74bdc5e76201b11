//! The shape of the project, kept by tests: the straight line of modules, the pure core, one file with `unsafe`,
//! small files, one catalogue of metric names, and documents that are true to the code.

mod documents;
mod source;

use plimsoll::model::Metric;
use source::Source;

/// The part of the line that gets time and data from outside.
const CORE: [&str; 6] = ["model", "measure", "store", "slo", "alert", "engine"];

/// What of `std` the core may not use: clocks and everything that reaches out of the process. Packages it may not
/// use at all.
const IMPURE: [&str; 9] = [
    "std::time::Instant",
    "std::time::SystemTime",
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "std::process",
    "std::io",
    "std::os",
];

/// Calendars and time zones are a calculation like any other, and no clock: nobody should write them again.
const FILE_WITH_CALENDARS: &str = "src/slo/calendar.rs";
const PACKAGE_OF_CALENDARS: &str = "jiff";

const FILE_WITH_UNSAFE: &str = "src/kafka/native.rs";
const MOST_LINES: usize = 600;
const MOST_LINES_OF_HALF_THE_FILES: usize = 150;

/// The modules in the order in which `src/lib.rs` names them, and `main` after them.
fn line_of_modules() -> Vec<String> {
    let words: Vec<_> = Source::new("src/lib.rs", &source::read("src/lib.rs")).words();
    let names = words.windows(2).filter(|pair| pair[0].what == "mod").map(|pair| pair[1].what.clone());
    names.chain(["main".to_owned()]).collect()
}

/// What `source` uses that comes after it in the line.
fn against_the_line(source: &Source, line: &[String]) -> Vec<String> {
    let place = |name: &str| line.iter().position(|module| module == name);
    let own = place(source.part()).unwrap_or_else(|| panic!("{} is in no module of src/lib.rs", source.file));
    let mut wrong = Vec::new();
    for path in source.paths() {
        if let [root, module, ..] = path.what.as_slice()
            && root == "crate"
            && place(module).is_none_or(|used| used > own)
        {
            wrong.push(format!("{}: {} uses {}", source.place(&path), source.part(), path.what.join("::")));
        }
    }
    wrong
}

/// What `source`, which belongs to the core, uses that a pure part may not.
fn impure(source: &Source, packages: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    for path in source.paths() {
        let is_calendar = source.file == FILE_WITH_CALENDARS && path.what[0] == PACKAGE_OF_CALENDARS;
        let is_foreign = packages.contains(&path.what[0]) && !is_calendar;
        // `use std::time;` and `std::time::*` reach as far as `std::time::Instant`.
        let said: Vec<_> = path.what.iter().map(String::as_str).filter(|part| *part != "*").collect();
        let reaches = |banned: &&str| {
            let banned: Vec<_> = banned.split("::").collect();
            said.iter().zip(&banned).all(|(said, banned)| said == banned)
        };
        if is_foreign || (said[0] == "std" && IMPURE.iter().any(reaches)) {
            wrong.push(format!("{}: the core uses {}", source.place(&path), path.what.join("::")));
        }
    }
    wrong
}

fn unsafe_words(source: &Source) -> Vec<String> {
    let words = source.words().into_iter().filter(|word| word.what == "unsafe" || word.what == "unsafe_code");
    words.map(|word| format!("{}: {}", source.place(&word), word.what)).collect()
}

/// Names of the catalogue written as a literal.
fn spelled_metrics(source: &Source) -> Vec<String> {
    let mut wrong = Vec::new();
    for text in source.literals() {
        for metric in
            Metric::ALL.iter().filter(|metric| documents::words(&text.what).any(|word| word == metric.name()))
        {
            wrong.push(format!("{}: write Metric::{metric:?}.name()", source.place(&text)));
        }
    }
    wrong
}

/// The dependencies of `Cargo.toml`, as Rust spells them.
fn packages() -> Vec<String> {
    let manifest = source::read("Cargo.toml");
    let lines = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let names = lines.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once(" = "));
    names.map(|(name, _)| name.replace('-', "_")).collect()
}

fn check(wrong: impl IntoIterator<Item = String>) {
    let wrong: Vec<_> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn a_module_uses_only_those_before_it() {
    let line = line_of_modules();
    let sources = Source::all_in("src");
    check(
        sources
            .iter()
            .filter(|source| source.part() != "lib")
            .flat_map(|source| against_the_line(source, &line)),
    );
}

#[test]
fn no_way_of_writing_it_gets_around_the_line() {
    let line = ["model", "store", "kafka", "main"].map(str::to_owned);
    for (file, text, is_wrong) in [
        ("src/store.rs", "use crate::model::Offset;", false),
        ("src/store.rs", "use crate::store::block::Block;", false),
        ("src/store.rs", "use crate::kafka::Cluster;", true),
        ("src/store.rs", "use crate::kafka;", true),
        ("src/store.rs", "use crate::{model::Offset, kafka::Cluster};", true),
        ("src/store.rs", "use crate::{model::{Offset, Partition}, store};", false),
        ("src/store.rs", "use super::kafka::Cluster;", true),
        ("src/store/block.rs", "use super::super::kafka::Cluster;", true),
        ("src/store/block.rs", "use super::{super::kafka, series};", true),
        ("src/store/block.rs", "use super::kafka;", false),
        ("src/store.rs", "mod tests { use super::super::kafka; }", true),
        ("src/store.rs", "mod tests { use super::kafka; }", false),
        ("src/store.rs", "fn ask() -> crate::kafka::Answer { loop {} }", true),
        ("src/store.rs", "fn ask() { f(|| vec![crate::kafka::ask::<crate::model::Offset>()]) }", true),
        ("src/store.rs", "macro_rules! ask { () => { $crate::kafka::ask() } }", true),
        ("src/store.rs", "use crate::*;", true),
        ("src/store.rs", "use crate as all;", true),
        ("src/store.rs", "use super::*;", true),
        ("src/store.rs", "pub(crate) fn ask() {}", false),
        (
            "src/store.rs",
            "// crate::kafka\n/// See [`crate::kafka`].\nconst A: &str = \"crate::kafka\";",
            false,
        ),
        ("src/main.rs", "fn main() { plimsoll::kafka::ask() }", false),
        ("src/kafka.rs", "fn start() { crate::main() }", true),
    ] {
        let wrong = against_the_line(&Source::new(file, text), &line);
        assert_eq!(!wrong.is_empty(), is_wrong, "{file}: {text}: {wrong:?}");
    }
}

#[test]
fn the_core_is_pure() {
    let packages = packages();
    let sources = Source::all_in("src");
    let core = sources.iter().filter(|source| CORE.contains(&source.part()));
    check(core.flat_map(|source| impure(source, &packages)));
}

#[test]
fn no_way_of_writing_it_gets_around_purity() {
    let packages = packages();
    let used = Source::new(FILE_WITH_CALENDARS, "use jiff::tz::TimeZone;\nuse strsim::levenshtein;");
    assert_eq!(impure(&used, &packages).len(), 1, "only the calendar is excepted");
    for (text, is_wrong) in [
        ("use jiff::tz::TimeZone;", true),
        ("use std::collections::BTreeMap;", false),
        ("use std::time::Duration;", false),
        ("use std::time::{Duration, Instant};", true),
        ("use std::time;", true),
        ("use std::time::*;", true),
        ("fn now() { std::time::SystemTime::now(); }", true),
        ("use std::{fmt, fs::File};", true),
        ("use std::io::Write;", true),
        ("fn f() { tokio::spawn(async {}); }", true),
        ("fn f() { tracing::info!(\"x\"); }", true),
        ("use rdkafka_sys as sys;", true),
    ] {
        let wrong = impure(&Source::new("src/store.rs", text), &packages);
        assert_eq!(!wrong.is_empty(), is_wrong, "{text}: {wrong:?}");
    }
}

#[test]
fn unsafe_stays_in_one_file() {
    let sources = Source::all_in("src");
    let elsewhere = |source: &&Source| {
        source.file != FILE_WITH_UNSAFE && !source.file.starts_with(FILE_WITH_UNSAFE.trim_end_matches(".rs"))
    };
    check(sources.iter().filter(elsewhere).flat_map(unsafe_words));
    let there = sources.iter().find(|source| source.file == FILE_WITH_UNSAFE).map(unsafe_words);
    assert!(there.is_some_and(|words| !words.is_empty()), "{FILE_WITH_UNSAFE} has none");
}

#[test]
fn files_are_small() {
    let mut sources = Source::all_in("src");
    sources.sort_by_key(Source::lines);
    let median = &sources[sources.len() / 2];
    assert!(
        median.lines() <= MOST_LINES_OF_HALF_THE_FILES,
        "half of the files are longer than {}",
        median.file
    );
    let others = ["tests", "benches", "examples"].into_iter().flat_map(Source::all_in);
    let long = sources.into_iter().chain(others).filter(|source| source.lines() > MOST_LINES);
    check(long.map(|source| format!("{}: {} lines", source.file, source.lines())));
}

#[test]
fn metric_names_are_written_in_the_catalogue_only() {
    let sources = Source::all_in("src");
    check(sources.iter().filter(|source| source.file != "src/model/metric.rs").flat_map(spelled_metrics));
    let catalogue = sources.iter().find(|source| source.file == "src/model/metric.rs").map(spelled_metrics);
    assert_eq!(catalogue.map(|found| found.len()), Some(Metric::ALL.len()), "the catalogue itself");
}

#[test]
fn documentation_of_the_code_names_metrics_that_exist() {
    let mut wrong = Vec::new();
    for source in Source::all_in("src") {
        for text in source.documentation() {
            wrong.extend(
                documents::unknown_metrics(&text.what).map(|name| format!("{}: {name}", source.place(&text))),
            );
        }
    }
    check(wrong);
}
