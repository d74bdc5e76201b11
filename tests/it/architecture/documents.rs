//! What the documents say of the code: metric names, modules, files and tests that exist.

use plimsoll::model::{Metric, MetricKind};

use super::source::{self, Source};
use super::{check, line_of_modules};

/// Words with the look of a metric that are none.
const NO_METRICS: [&str; 2] = ["kafka_exporter", "kafka_error"];

/// Where the generated table is in the README.
const TABLE: [&str; 2] =
    ["<!-- metrics: written by the tests with BLESS=1 -->\n", "<!-- end of metrics -->\n"];

pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
}

/// What looks like a metric in `text` and is not in the catalogue. `kafka_topic_*` stands for all that begin so.
pub(super) fn unknown_metrics(text: &str) -> impl Iterator<Item = &str> {
    words(text).filter(|word| {
        let looks = word.starts_with("kafka_") || word.starts_with("plimsoll_");
        looks && !NO_METRICS.contains(word) && !Metric::ALL.iter().any(|metric| means(word, *metric))
    })
}

fn means(word: &str, metric: Metric) -> bool {
    let rest = if word.ends_with('_') {
        metric.name().starts_with(word).then_some("")
    } else {
        word.strip_prefix(metric.name())
    };
    match rest {
        Some("_sum" | "_count") => matches!(metric.kind(), MetricKind::Summary | MetricKind::Histogram),
        Some("_bucket") => metric.kind() == MetricKind::Histogram,
        rest => rest == Some(""),
    }
}

/// The files that a reader is told to read, and those a monitoring system reads.
fn documents() -> Vec<String> {
    let top = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "plimsoll.example.yaml"].map(str::to_owned);
    let below =
        ["docs", "dashboards", "rules", "deploy"].into_iter().flat_map(|folder| source::files(folder, ""));
    // Names in a script are its variables.
    top.into_iter().chain(below.filter(|file| !file.ends_with(".sh"))).collect()
}

/// What stands between backticks, and its line.
fn quoted(text: &str) -> Vec<(usize, &str)> {
    (1..)
        .zip(text.lines())
        .flat_map(|(number, line)| line.split('`').skip(1).step_by(2).map(move |quote| (number, quote)))
        .collect()
}

fn is_file(quote: &str) -> bool {
    ["src/", "tests/", "benches/", "examples/", "docs/", "deploy/", "fuzz/", ".ci/"]
        .iter()
        .any(|folder| quote.starts_with(folder))
}

#[test]
fn every_metric_that_a_document_names_exists() {
    let mut wrong = Vec::new();
    for file in documents() {
        // Pictures and the like hold no names.
        let Ok(text) = std::fs::read_to_string(source::root().join(&file)) else { continue };
        for (number, line) in (1..).zip(text.lines()) {
            wrong.extend(
                unknown_metrics(line).map(|name| format!("{file}:{number}: there is no metric {name}")),
            );
        }
    }
    check(wrong);
}

#[test]
fn a_metric_is_known_by_its_look() {
    for (text, unknown) in [
        ("`plimsoll_up` and kafka_consumergroup_lag{topic=\"a\"}", None),
        ("plimsoll_ups", Some("plimsoll_ups")),
        ("rate(kafka_consumergroup_lagg[5m])", Some("kafka_consumergroup_lagg")),
        ("kafka_topic_partition_*", None),
        ("kafka_topics_*", Some("kafka_topics_")),
        ("plimsoll_cycle_seconds_bucket, plimsoll_cycle_seconds_sum", None),
        ("plimsoll_up_bucket", Some("plimsoll_up_bucket")),
        ("kafka_broker_request_rtt_seconds_bucket", Some("kafka_broker_request_rtt_seconds_bucket")),
        ("those of kafka_exporter", None),
    ] {
        assert_eq!(unknown_metrics(text).next(), unknown, "{text}");
    }
}

#[test]
fn the_readme_has_the_catalogue() {
    let readme = source::read("README.md");
    let (before, rest) = readme.split_once(TABLE[0]).expect("where the table begins");
    let (table, after) = rest.split_once(TABLE[1]).expect("where the table ends");
    let mut wanted = String::from("\n| metric | type | labels | what it says |\n| --- | --- | --- | --- |\n");
    for metric in Metric::ALL {
        let (name, kind, labels) = (metric.name(), metric.kind().label(), metric.labels().join(", "));
        wanted += &format!("| `{name}` | {kind} | {labels} | {} |\n", metric.help());
    }
    wanted += "\n";
    if std::env::var("BLESS").is_ok() {
        let blessed = [before, TABLE[0], &wanted, TABLE[1], after].concat();
        std::fs::write(source::root().join("README.md"), blessed).unwrap();
        return;
    }
    // Only the lines that differ: the table is long.
    let only_in = |one: &str, other: &str| -> Vec<String> {
        let lines: Vec<_> = other.lines().collect();
        one.lines().filter(|line| !lines.contains(line)).map(str::to_owned).collect()
    };
    let (stale, missing) = (only_in(table, &wanted), only_in(&wanted, table));
    let is_same = table == wanted;
    assert!(
        is_same,
        "README.md: BLESS=1 writes the table of metrics anew\nstale: {stale:#?}\nmissing: {missing:#?}"
    );
}

#[test]
fn the_code_map_has_every_module_in_its_order() {
    let text = source::read("ARCHITECTURE.md");
    let (_, map) = text.split_once("## Code map").expect("a code map");
    let map = map.split("\n## ").next().unwrap_or_default();
    let headings = map.lines().filter_map(|line| line.strip_prefix("### `"));
    let told: Vec<_> = headings.map(|rest| rest.split('`').next().unwrap_or_default().to_owned()).collect();
    assert_eq!(told, line_of_modules(), "ARCHITECTURE.md");
}

#[test]
fn every_file_that_a_document_names_exists() {
    let mut wrong = Vec::new();
    for file in ["README.md", "ARCHITECTURE.md"] {
        let text = source::read(file);
        for (number, quote) in quoted(&text) {
            let path = quote.split("::").next().unwrap_or_default();
            if is_file(path) && !path.contains('*') && !source::root().join(path).exists() {
                wrong.push(format!("{file}:{number}: there is no {path}"));
            }
        }
    }
    check(wrong);
}

#[test]
fn every_invariant_names_a_test_that_exists() {
    let text = source::read("ARCHITECTURE.md");
    let (_, invariants) = text.split_once("## Invariants").expect("invariants");
    let invariants = invariants.split("\n## ").next().unwrap_or_default();
    let is_invariant =
        |line: &&str| line.split_once(". ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
    let invariants: Vec<_> = invariants.lines().filter(is_invariant).collect();
    assert!(invariants.len() >= 10, "{}", invariants.len());
    let mut wrong = Vec::new();
    for invariant in invariants {
        let tests: Vec<_> =
            quoted(invariant).into_iter().filter_map(|(_, quote)| quote.split_once(".rs::")).collect();
        if tests.is_empty() {
            wrong.push(format!("ARCHITECTURE.md: no test keeps this: {invariant}"));
        }
        for (file, test) in tests {
            let source = Source::new(&format!("{file}.rs"), &source::read(&format!("{file}.rs")));
            let words = source.words();
            if !words.windows(2).any(|pair| pair[0].what == "fn" && pair[1].what == test) {
                wrong.push(format!("ARCHITECTURE.md: there is no test {file}.rs::{test}"));
            }
        }
    }
    check(wrong);
}
