//! The dashboards of the repository are what is said here, name only metrics that there are, and show data of a real
//! Prometheus that scrapes a daemon.
//!
//! `BLESS=1` writes them.

mod groups;
mod json;
mod own;
mod queries;
mod slos;

use std::collections::BTreeSet;
use std::fs;

use self::json::Dashboard;

fn all() -> [Dashboard; 3] {
    [groups::dashboard(), slos::dashboard(), own::dashboard()]
}

#[test]
fn they_are_as_said_here() {
    for dashboard in all() {
        let path = format!("dashboards/{}.json", dashboard.file);
        let text = format!("{:#}\n", dashboard.json());
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, &text).unwrap();
        }
        assert!(fs::read_to_string(&path).unwrap() == text, "{path} is another one: BLESS=1 writes it");
    }
}

/// The names in a query that look like those of metrics.
fn metrics(query: &str) -> BTreeSet<&str> {
    let words = query.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words
        .filter(|word| ["kafka_", "plimsoll_", "process_"].iter().any(|prefix| word.starts_with(prefix)))
        .chain(query.contains("ALERTS{").then_some("ALERTS"))
        .collect()
}

#[test]
fn they_name_only_metrics_that_there_are() {
    let documented = fs::read_to_string("README.md").unwrap();
    let catalogue: BTreeSet<&str> = documented
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|it| it.0)
        .collect();
    let is_known = |name: &str| {
        let parts = ["_bucket", "_count"].iter().find_map(|part| name.strip_suffix(part));
        catalogue.contains(name) || parts.is_some_and(|family| catalogue.contains(family))
    };
    for dashboard in all() {
        for panel in &dashboard.panels {
            assert!(!panel.description.is_empty(), "{} says nothing of itself", panel.title);
            for query in &panel.queries {
                let names = metrics(query.expression);
                assert!(!names.is_empty(), "{} asks for no metric: {}", panel.title, query.expression);
                let unknown: Vec<_> = names.iter().filter(|name| !is_known(name)).collect();
                assert!(unknown.is_empty(), "{}: there is no {unknown:?}", panel.title);
            }
        }
    }
}
