//! The dashboards of the repository are what is said here, and show data of a real Prometheus that scrapes a daemon. That
//! the metrics they name are in the catalogue is shown with those of all documents.
//!
//! `BLESS=1` writes them.

mod groups;
mod json;
mod own;
mod queries;
mod slos;

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
