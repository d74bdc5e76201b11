//! Written, read, damaged, refused: within one process. What takes several is in `tests/it/state.rs`.

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::model::RowKind;

mod damage;

const NOW: Timestamp = Timestamp(1_767_323_045_678);
const FILE: &str = "plimsoll.redb";

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(folder: &TempDir) -> (State, Opened) {
    State::open(folder.path(), NOW).unwrap()
}

fn row(kind: RowKind, key: &str, value: &str) -> Row {
    Row { kind, key: key.as_bytes().to_owned(), value: Some(value.as_bytes().to_owned()) }
}

fn removed(kind: RowKind, key: &str) -> Row {
    Row { kind, key: key.as_bytes().to_owned(), value: None }
}

/// Writes past the rows' own encoding, as another version might.
fn write_raw(folder: &TempDir, key: Vec<u8>, sealed: Vec<u8>) {
    let file = StateFile::open(&folder.path().join(FILE)).unwrap();
    file.write(&BTreeMap::from([(key, Some(sealed))])).unwrap();
}

#[test]
fn rows_are_kept_by_cluster_kind_and_key() {
    let folder = folder();
    let (prod, other) = (ClusterName::from("prod"), ClusterName::from("prod-2"));
    let (state, opened) = open(&folder);
    assert_eq!(opened, Opened::New);
    let first = row(RowKind::Topic, "orders", "1");
    let long = row(RowKind::GroupTopic, "orders", &"x".repeat(100_000));
    let empty = row(RowKind::Slo, "", "");
    state.write(&prod, &[empty.clone(), first.clone(), long.clone()]).unwrap();
    state.write(&other, &[row(RowKind::Topic, "orders", "2")]).unwrap();
    assert_eq!(state.load(&prod).unwrap(), [long.clone(), first, empty]);
    state
        .write(
            &prod,
            &[row(RowKind::Topic, "orders", "3"), removed(RowKind::Slo, ""), removed(RowKind::Slo, "?")],
        )
        .unwrap();
    drop(state);
    let (state, opened) = open(&folder);
    assert_eq!(opened, Opened::Kept);
    assert_eq!(state.load(&prod).unwrap(), [long, row(RowKind::Topic, "orders", "3")]);
    assert_eq!(state.load(&other).unwrap(), [row(RowKind::Topic, "orders", "2")]);
    assert_eq!(state.load(&"unknown".into()).unwrap(), []);
    assert_eq!(state.file_bytes(), Some(fs::metadata(folder.path().join(FILE)).unwrap().len()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_last_value_of_each_key_comes_back(
        writes in prop::collection::vec(
            (any::<bool>(), prop::collection::vec((0..8_u8, prop::option::of(0..5000_usize)), 0..12), any::<bool>()),
            1..12,
        )
    ) {
        let folder = folder();
        let clusters = [ClusterName::from("a"), ClusterName::from("b")];
        let mut expected = [BTreeMap::new(), BTreeMap::new()];
        let (mut state, _) = open(&folder);
        for (which, rows, reopen) in writes {
            let rows: Vec<_> = rows
                .into_iter()
                .map(|(key, length)| Row {
                    kind: RowKind::Alert,
                    key: vec![key],
                    value: length.map(|length| vec![key; length]),
                })
                .collect();
            for row in &rows {
                expected[usize::from(which)].remove(&row.key);
                if row.value.is_some() {
                    expected[usize::from(which)].insert(row.key.clone(), row.clone());
                }
            }
            state.write(&clusters[usize::from(which)], &rows).unwrap();
            if reopen {
                drop(state);
                (state, _) = open(&folder);
            }
        }
        for (cluster, expected) in clusters.iter().zip(expected) {
            prop_assert_eq!(state.load(cluster).unwrap(), expected.into_values().collect::<Vec<_>>());
        }
    }
}

#[test]
fn rows_of_unknown_kinds_stay_untouched() {
    let folder = folder();
    let prod = ClusterName::from("prod");
    let known = row(RowKind::Slo, "orders", "1");
    open(&folder).0.write(&prod, std::slice::from_ref(&known)).unwrap();
    let mut key = record::prefix(&prod);
    key.extend([200, b'k']);
    let sealed = record::seal(&key, b"of a later version");
    write_raw(&folder, key.clone(), sealed.clone());
    let (state, opened) = open(&folder);
    assert_eq!(opened, Opened::Kept);
    assert_eq!(state.load(&prod).unwrap(), [known]);
    state.write(&prod, &[removed(RowKind::Slo, "orders")]).unwrap();
    drop(state);
    let file = StateFile::open(&folder.path().join(FILE)).unwrap();
    assert_eq!(file.raw(&key), Some(sealed));
}

#[test]
fn a_file_that_shrank_inside_is_made_smaller() {
    let folder = folder();
    let prod = ClusterName::from("prod");
    let (state, _) = open(&folder);
    let keys: Vec<_> = (0..40).map(|key| key.to_string()).collect();
    let rows: Vec<_> = keys.iter().map(|key| row(RowKind::SloCounts, key, &"x".repeat(1 << 20))).collect();
    state.write(&prod, &rows).unwrap();
    let before = state.file_bytes().unwrap();
    // What is at the end of the file stays.
    state
        .write(&prod, &keys[..39].iter().map(|key| removed(RowKind::SloCounts, key)).collect::<Vec<_>>())
        .unwrap();
    drop(state);
    let (state, _) = open(&folder);
    assert_eq!(state.load(&prod).unwrap(), rows[39..]);
    let after = state.file_bytes().unwrap();
    assert!(after < before / 4, "{before} bytes, then {after}");
}

#[test]
fn a_second_process_is_told_who_holds_the_state() {
    let folder = folder();
    let (first, _) = open(&folder);
    let refused = State::open(folder.path(), NOW).unwrap_err().to_string();
    let process = std::process::id();
    assert!(
        refused
            .starts_with(&format!("the state in {} is in use by process {process}", folder.path().display())),
        "{refused}"
    );
    assert!(refused.ends_with(": stop that plimsoll, or give this one a folder of its own in `state.path`"));
    drop(first);
    assert_eq!(open(&folder).1, Opened::Kept);
}

#[test]
fn a_folder_is_made_or_the_sentence_says_what_is_in_the_way() {
    let parent = folder();
    let deep = parent.path().join("a/b");
    let (_state, opened) = State::open(&deep, NOW).unwrap();
    assert_eq!(opened, Opened::New);
    let check = |folder: &Path, expected: &str| {
        let refused = State::open(folder, NOW).unwrap_err().to_string();
        assert!(refused.starts_with(expected), "{refused}");
    };
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    check(&file, &format!("cannot make the state folder {}: File exists", file.display()));
    // A folder in which not even root can make files.
    check(Path::new("/proc"), "cannot lock the state with /proc/plimsoll.lock: No such file");
}

#[test]
fn what_cannot_be_written_waits_and_is_written_when_it_can_be() {
    let folder = folder();
    let (prod, other) = (ClusterName::from("prod"), ClusterName::from("other"));
    let (state, _) = open(&folder);
    state.write(&prod, &[row(RowKind::Slo, "kept", "1"), row(RowKind::Slo, "gone", "1")]).unwrap();
    // The file is away, and what was open has failed.
    let (file, away) = (folder.path().join(FILE), folder.path().join("away"));
    state.writer().file = None;
    fs::rename(&file, &away).unwrap();
    let refused = |rows: &[Row]| state.write(&prod, rows).unwrap_err().to_string();
    let said = refused(&[row(RowKind::Slo, "new", "1"), removed(RowKind::Slo, "gone")]);
    assert!(said.contains("No such file"), "{said}");
    assert!(said.contains("2 changes wait in memory"), "{said}");
    let said = refused(&[row(RowKind::Slo, "new", "2")]);
    assert!(said.contains("2 changes wait in memory"), "the latest of each key: {said}");
    assert!(!file.exists(), "no empty state in its place");
    fs::rename(&away, &file).unwrap();
    state.write(&other, &[]).unwrap();
    assert_eq!(state.waiting(), 0);
    let expected = [row(RowKind::Slo, "kept", "1"), row(RowKind::Slo, "new", "2")];
    assert_eq!(state.load(&prod).unwrap(), expected);
    drop(state);
    assert_eq!(open(&folder).0.load(&prod).unwrap(), expected);
}
