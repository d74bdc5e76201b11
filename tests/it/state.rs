//! The state file across processes: killed in the middle of writing, out of space, and asked for twice.
//! Each test is its own child: it runs once more, as a process of its own that only writes.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use plimsoll::model::{ClusterName, Row, RowKind, Timestamp};
use plimsoll::state::{Opened, State};
use tempfile::TempDir;

/// Names the folder to a child, which is how it knows that it is one.
const FOLDER: &str = "PLIMSOLL_TEST_STATE_FOLDER";
const NOW: Timestamp = Timestamp(1_767_323_045_678);
const ROWS: u64 = 50;

/// Writes tick after tick, one line for each, until it is killed. In tick n every row says n, and one row that only
/// this tick has comes with it.
fn be_the_writer() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let (state, opened) = State::open(Path::new(&folder), NOW).unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "opened: {opened}").unwrap();
    let first = state.load(&cluster()).unwrap().len() as u64;
    for tick in first.saturating_sub(ROWS).. {
        match state.write(&cluster(), &rows(tick)) {
            Ok(()) => writeln!(out, "wrote {tick}").unwrap(),
            Err(failed) => writeln!(out, "failed {tick}: {failed}").unwrap(),
        }
    }
}

fn cluster() -> ClusterName {
    "prod".into()
}

fn rows(tick: u64) -> Vec<Row> {
    let value = || Some(tick.to_be_bytes().repeat(100));
    let every = (0..ROWS).map(|key| Row { kind: RowKind::GroupTopic, key: vec![key as u8], value: value() });
    let own = Row { kind: RowKind::SloCounts, key: tick.to_be_bytes().to_vec(), value: value() };
    every.chain([own]).collect()
}

/// What `ticks` ticks leave.
fn after(ticks: u64) -> Vec<Row> {
    let mut last = rows(ticks - 1);
    last.pop();
    last.extend((0..ticks).filter_map(|tick| rows(tick).pop()));
    last
}

/// A child of the test `name`, killed at the end at the latest.
struct Writer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Writer {
    fn start(name: &str, folder: &Path, shell: &str) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", shell])
            .arg(program)
            .args([name, "--exact", "--nocapture"])
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line of this kind, and how it goes on.
    fn next(&mut self, kind: &str) -> Option<String> {
        self.lines.find_map(|line| line.unwrap().strip_prefix(kind).map(|rest| rest.trim().to_owned()))
    }

    fn next_written(&mut self) -> Option<u64> {
        self.next("wrote ").map(|tick| tick.parse().unwrap())
    }

    /// `kill -9`, and the last tick that was said to be written.
    fn kill(mut self) -> Option<u64> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::iter::from_fn(|| self.next_written()).last()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

const PLAIN: &str = r#"exec "$0" "$@""#;

fn load(folder: &Path) -> Vec<Row> {
    let (state, opened) = State::open(folder, NOW).unwrap();
    assert_eq!(opened, Opened::Kept);
    state.load(&cluster()).unwrap()
}

#[test]
fn a_write_that_returned_outlives_kill_9() {
    be_the_writer();
    let folder = TempDir::new().unwrap();
    let mut ticks = 0;
    for round in 0..30 {
        let mut writer = Writer::start("state::a_write_that_returned_outlives_kill_9", folder.path(), PLAIN);
        assert!(writer.next("opened").is_some(), "round {round}");
        let mut last = None;
        for _ in 0..round % 7 {
            last = writer.next_written();
        }
        last = writer.kill().or(last);
        let written = last.map_or(ticks, |last| last + 1);
        let found = load(folder.path());
        // The one in the middle of which it was killed is there as a whole, or not at all.
        ticks = (found.len() as u64).saturating_sub(ROWS);
        assert!(ticks == written || ticks == written + 1, "round {round}: {written} returned, {ticks} found");
        assert!(ticks == 0 || found == after(ticks), "round {round}");
    }
    assert!(ticks >= 80, "{ticks}");
}

/// Room for some ticks and then for no more, until the limit is lifted. Writing beyond the limit is to fail instead
/// of ending the process.
const LIMITED: &str = r#"trap "" XFSZ; exec prlimit --fsize=400000:unlimited "$0" "$@""#;
const UNLIMITED: &str = r#"trap "" XFSZ; exec "$0" "$@""#;

#[test]
fn a_full_disk_loses_nothing_and_when_there_is_space_again_all_is_written() {
    be_the_writer();
    let name = "state::a_full_disk_loses_nothing_and_when_there_is_space_again_all_is_written";
    let folder = TempDir::new().unwrap();
    // Killed while nothing more fits: what was durable is there.
    let mut writer = Writer::start(name, folder.path(), LIMITED);
    assert!(writer.next("failed").is_some());
    assert!(writer.next("failed").is_some());
    writer.kill();
    let found = load(folder.path());
    let ticks = found.len() as u64 - ROWS;
    assert!(ticks > 0 && found == after(ticks));
    // Lifted: the next tick brings all that waited. This limit is within the file: no byte of a tick can be written.
    let mut writer = Writer::start(name, folder.path(), UNLIMITED);
    writer.next_written().unwrap();
    let process = writer.child.id().to_string();
    let limit = |bytes: &str| {
        let done =
            Command::new("prlimit").args(["--pid", &process, &format!("--fsize={bytes}:unlimited")]).status();
        assert!(done.unwrap().success());
    };
    limit("4096");
    let said = writer.next("failed").unwrap();
    assert!(said.contains("state could not be saved in "), "{said}");
    assert!(said.contains("File too large"), "{said}");
    assert!(said.contains(&format!("{} changes wait in memory", ROWS + 1)), "{said}");
    writer.next("failed").unwrap();
    limit("unlimited");
    // Some failures were said before it was lifted; what never writes again ends here, too.
    let mut said = writer.lines.by_ref().take(10_000).map(Result::unwrap);
    let last = said.find_map(|line| Some(line.strip_prefix("wrote ")?.parse().unwrap()));
    let last: u64 = last.expect("it writes again");
    let last = writer.kill().unwrap_or(last);
    let found = load(folder.path());
    let ticks = found.len() as u64 - ROWS;
    assert!(ticks == last + 1 || ticks == last + 2, "{last} returned, {ticks} found");
    assert!(found == after(ticks));
}

#[test]
fn a_second_daemon_is_told_which_process_has_the_state() {
    be_the_writer();
    let name = "state::a_second_daemon_is_told_which_process_has_the_state";
    let folder = TempDir::new().unwrap();
    let mut writer = Writer::start(name, folder.path(), PLAIN);
    writer.next_written().unwrap();
    let refused = State::open(folder.path(), NOW).unwrap_err().to_string();
    assert!(refused.contains(&format!("is in use by process {} on ", writer.child.id())), "{refused}");
    // However it ends, it leaves no lock behind.
    writer.kill();
    assert!(!load(folder.path()).is_empty());
}
