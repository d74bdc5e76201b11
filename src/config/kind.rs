//! What a file is for, told by its keys, so that one named in the wrong place is called by its name.

use super::problem::Problem;
use super::tree::{Kind, Node};

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    Settings,
    Rules,
    Tests,
}

impl FileKind {
    /// Settings have clusters, rules files have rules; what has neither and holds tests is a test file.
    pub(super) fn of(root: &Node) -> Self {
        let Kind::Mapping(pairs) = &root.kind else { return Self::Settings };
        let has = |wanted: &[&str]| {
            pairs
                .iter()
                .any(|(key, _)| matches!(&key.kind, Kind::Scalar(name) if wanted.contains(&name.as_str())))
        };
        if has(&["clusters"]) {
            Self::Settings
        } else if has(&["slos", "alerts", "groups"]) {
            Self::Rules
        } else if has(&["tests"]) {
            Self::Tests
        } else {
            Self::Settings
        }
    }

    /// That this is the wrong kind of file; `place` says where it stands.
    pub(super) fn misplaced(self, file: &str, place: &str) -> Problem {
        let (what, help) = match self {
            Self::Settings => (
                "these are settings",
                "they are read by `plimsoll run --config FILE`; rules have `slos:` or `alerts:`",
            ),
            Self::Rules => (
                "these are rules",
                "name this file in the settings: `rules: [FILE]`; settings have `clusters:`",
            ),
            Self::Tests => ("these are tests of rules", "they are run by `plimsoll test FILE`"),
        };
        Problem::without_place(Some(file), format!("{what}, {place}"), help)
    }
}
