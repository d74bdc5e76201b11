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
use crate::deploy::ask;

fn all() -> [Dashboard; 3] {
    [groups::dashboard(), slos::dashboard(), own::dashboard()]
}

#[test]
fn grafana_s_own_types_read_them() {
    for dashboard in all() {
        let text = dashboard.json().to_string();
        ask("dashboard", &[], &text).unwrap_or_else(|complaint| panic!("{}: {complaint}", dashboard.file));
        let misspelt = text.replace("\"spanNulls\"", "\"spanNull\"");
        assert!(ask("dashboard", &[], &misspelt).is_err(), "a key that Grafana does not know went unseen");
    }
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
