//! State files that cannot be used, each with what is said of it and what becomes of it.

use std::fs;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, TableDefinition};
use serde_json::json;

use super::pipeline::{Pipeline, milliseconds, unix_now};
use crate::kafka_server::{KafkaCluster, KafkaVersion};
use crate::program::{Settings, run};

/// The files of `folder` that were kept aside.
fn kept_aside(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.display().to_string().contains("plimsoll.redb.damaged-")).collect()
}

/// A daemon finds `damaged` where its state was: it keeps it aside, says so, and counts from now.
fn expect_new_counts(pipeline: &Pipeline<'_>, settings: Settings, damaged: &[u8]) -> Settings {
    for old in kept_aside(&pipeline.state_folder()) {
        fs::remove_file(old).unwrap();
    }
    fs::write(pipeline.state_file(), damaged).unwrap();
    let started = unix_now();
    let daemon = pipeline.start_again(settings);
    let kept = kept_aside(&pipeline.state_folder());
    assert!(kept.len() == 1 && fs::read(&kept[0]).unwrap() == damaged, "{kept:?}\n{}", daemon.log());
    let log = daemon.log();
    let line = log.lines().find(|line| line.contains("\"ERROR\"") && line.contains("state was lost"));
    let line = line.unwrap_or_else(|| panic!("nothing is said of the damage\n{log}"));
    for part in [
        "the state file is damaged (",
        &format!("): it is kept as {}, and budgets count from now", kept[0].display()),
        "stop plimsoll and put the copy in its place",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    pipeline.run(2, 1);
    pipeline.expect_total(&daemon, "on-time", [2, 1, 0]);
    let slo = pipeline.slo_of(&daemon, "on-time").unwrap();
    let since = milliseconds(slo["measured_since"].as_str().unwrap());
    assert!(since >= started - 60_000, "the minute of the start, not {slo}");
    // What it counts from now is durable.
    let daemon = pipeline.start_again(daemon.kill());
    assert_eq!(pipeline.first_total(&daemon, "on-time"), [2, 1, 0], "{}", daemon.log());
    assert_eq!(kept_aside(&pipeline.state_folder()), kept);
    daemon.kill()
}

/// One bit of every mention of `name`, wherever the file holds one.
fn flipped(file: &[u8], name: &str) -> Vec<u8> {
    let mut flipped = file.to_vec();
    let places = file.windows(name.len()).enumerate().filter(|(_, bytes)| *bytes == name.as_bytes());
    let places: Vec<usize> = places.map(|(at, _)| at).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|at| flipped[*at] ^= 1);
    flipped
}

#[test]
fn a_damaged_file_is_kept_aside_and_budgets_count_from_now() {
    let pipeline = Pipeline::new(KafkaCluster::shared(KafkaVersion::V4_1));
    let daemon = pipeline.start(&json!({ "slos": [pipeline.slo("on-time")] }));
    pipeline.run(5, 3);
    pipeline.expect_total(&daemon, "on-time", [5, 3, 0]);
    let settings = daemon.kill();
    let sound = fs::read(pipeline.state_file()).unwrap();
    let settings = expect_new_counts(&pipeline, settings, &sound[..sound.len() / 2]);
    expect_new_counts(&pipeline, settings, &flipped(&sound, &pipeline.name));
}

/// Says in the file that its format is `new` in place of `old`, as a later version would.
fn set_format(path: &Path, old: u64, new: u64) {
    const ABOUT: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("about");
    let sealed = |format: u64| {
        let (key, value) = (b"format", format.to_le_bytes());
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&(key.len() as u64).to_le_bytes());
        checksum.update(key);
        checksum.update(&value);
        [checksum.finalize().to_le_bytes().as_slice(), &value].concat()
    };
    let database = Database::open(path).unwrap();
    let written =
        database.begin_read().unwrap().open_table(ABOUT).unwrap().get(b"format".as_slice()).unwrap();
    assert_eq!(written.unwrap().value(), sealed(old));
    let transaction = database.begin_write().unwrap();
    transaction.open_table(ABOUT).unwrap().insert(b"format".as_slice(), sealed(new).as_slice()).unwrap();
    transaction.commit().unwrap();
}

#[test]
fn a_file_of_a_newer_version_is_refused_and_left_as_it_is() {
    let pipeline = Pipeline::new(KafkaCluster::shared(KafkaVersion::V4_1));
    let daemon = pipeline.start(&json!({ "slos": [pipeline.slo("on-time")] }));
    pipeline.run(5, 3);
    pipeline.expect_total(&daemon, "on-time", [5, 3, 0]);
    let settings = daemon.kill();
    let file = pipeline.state_file();
    set_format(&file, 1, 99);
    let newer = fs::read(&file).unwrap();
    for _ in 0..2 {
        let ended = run(&["run", "--config", settings.path()]);
        let told = format!(
            "plimsoll: {0} was written by a newer plimsoll (its format is 99, this one knows up to 1): run the newer \
             one, or begin anew by moving it away: mv '{0}' '{0}.newer'",
            file.display()
        );
        assert_eq!((ended.code, ended.error.lines().last()), (Some(1), Some(told.as_str())));
        assert!(fs::read(&file).unwrap() == newer, "the file was changed");
        assert_eq!(kept_aside(&pipeline.state_folder()), Vec::<PathBuf>::new());
    }
    // As soon as a version comes that knows it, all is there.
    set_format(&file, 99, 1);
    let daemon = pipeline.start_again(settings);
    assert_eq!(pipeline.first_total(&daemon, "on-time"), [5, 3, 0], "{}", daemon.log());
}
