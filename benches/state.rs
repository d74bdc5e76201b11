//! What making a tick durable costs: 100,000 group-partitions, all of which change in every tick; and the size of a
//! file with 10,000 SLOs over 30 d: by the minute for three days, by the hour before. Times are those of the disk
//! under the target folder, flushed.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]
#![expect(clippy::print_stdout, reason = "its figures are for who runs it")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use plimsoll::model::{ClusterName, Row, RowKind, Timestamp, Writer};
use plimsoll::state::State;

const GROUP_TOPICS: u64 = 2_500;
const PARTITIONS: u64 = 40;
const TICKS: u64 = 1_000;

const SLOS: u64 = 10_000;
const HOURS: u64 = 30 * 24;
/// Counts of the sixty minutes of an hour, most of them alike.
const HOUR_BYTES: usize = 150;
/// Totals of the hours of a day, which take the place of its hours' rows after [`DAYS_BY_MINUTE`].
const DAY_BYTES: usize = 120;
const DAYS_BY_MINUTE: u64 = 3;
/// Totals, timers and held answers of one SLO.
const SLO_BYTES: usize = 100;

const NOW: Timestamp = Timestamp(1_790_000_000_000);

fn main() {
    let fsync = fsync_alone();
    println!("one fsync of 4 KiB on this disk: {:.1} ms median", millis(fsync));
    ticks();
    slos();
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn ticks() {
    let folder = folder("bench-state-ticks");
    let cluster = ClusterName::from("bench");
    let (state, _) = State::open(&folder, NOW).unwrap();
    let mut took = Vec::new();
    let mut bytes = 0;
    for tick in 0..TICKS {
        let rows: Vec<_> = (0..GROUP_TOPICS).map(|number| group_topic(number, tick)).collect();
        bytes = rows.iter().map(|row| row.value.as_ref().map_or(0, Vec::len)).sum();
        let started = Instant::now();
        state.write(&cluster, &rows).unwrap();
        took.push(started.elapsed());
    }
    took.sort_unstable();
    println!(
        "{GROUP_TOPICS} rows of {} bytes changed per tick: {:.1} ms median, {:.1} ms at 99%, {:.1} ms worst of {TICKS}",
        bytes / usize::try_from(GROUP_TOPICS).unwrap(),
        millis(took[took.len() / 2]),
        millis(took[took.len() * 99 / 100]),
        millis(took[took.len() - 1])
    );
    println!("  of {} MB of values, the file has {} MB", bytes / 1_000_000, megabytes(&state));
    reopen(state, &folder, &cluster);
}

/// A group's topic: five counters, and four numbers of each of three thresholds in each partition.
fn group_topic(number: u64, tick: u64) -> Row {
    let mut key = Writer::default();
    key.text(&format!("group-{number:05}")).text(&format!("topic-{number:05}"));
    let mut value = Writer::default();
    for counter in 0..5 {
        value.number(tick * 40_000 + counter);
    }
    for partition in 0..PARTITIONS {
        let offset = 1_000_000_000 + partition * 7_919 + tick * 1000;
        for threshold in 0..3 {
            value.number(offset - threshold).number(offset + 500).number(tick).number(3 * tick);
        }
    }
    Row { kind: RowKind::GroupTopic, key: key.into_bytes(), value: Some(value.into_bytes()) }
}

fn slos() {
    let folder = folder("bench-state-slos");
    let cluster = ClusterName::from("bench");
    let (state, _) = State::open(&folder, NOW).unwrap();
    for hour in 0..HOURS {
        let rows: Vec<_> = (0..SLOS).map(|slo| slo_counts(slo, hour, 0, Some(HOUR_BYTES))).collect();
        state.write(&cluster, &rows).unwrap();
        if hour % 24 == 23
            && let Some(day) = (hour / 24).checked_sub(DAYS_BY_MINUTE)
        {
            // The row of the day's first hour becomes that of the day.
            let bytes = |hour| (hour == 0).then_some(DAY_BYTES);
            let of_day = |hour| (0..SLOS).map(move |slo| slo_counts(slo, day * 24 + hour, 0, bytes(hour)));
            state.write(&cluster, &(0..24).flat_map(of_day).collect::<Vec<_>>()).unwrap();
        }
    }
    println!(
        "{SLOS} SLOs, three days by the minute and before by the hour: 30 d in {} MB",
        megabytes(&state)
    );
    let mut took = Vec::new();
    for tick in 0..100 {
        let mut rows: Vec<_> =
            (0..SLOS).map(|slo| slo_counts(slo, HOURS - 1, tick, Some(HOUR_BYTES))).collect();
        rows.extend((0..SLOS).map(|slo| slo_row(slo, tick)));
        rows.extend((0..GROUP_TOPICS).map(|number| group_topic(number, tick)));
        let started = Instant::now();
        state.write(&cluster, &rows).unwrap();
        took.push(started.elapsed());
    }
    took.sort_unstable();
    println!(
        "  a tick that changes every SLO and every group's topic: {:.1} ms median, {:.1} ms worst of {}",
        millis(took[took.len() / 2]),
        millis(took[took.len() - 1]),
        took.len()
    );
    reopen(state, &folder, &cluster);
}

/// What an SLO has counted in an hour. The hour comes first in the key: a tick changes one hour of all of them.
fn slo_counts(slo: u64, hour: u64, tick: u64, bytes: Option<usize>) -> Row {
    let mut key = Writer::default();
    key.number(497_000 + hour).text(&format!("orders-on-time-{slo:05}"));
    let byte = (slo ^ tick).to_le_bytes()[0];
    Row { kind: RowKind::SloCounts, key: key.into_bytes(), value: bytes.map(|bytes| vec![byte; bytes]) }
}

fn slo_row(slo: u64, tick: u64) -> Row {
    let mut key = Writer::default();
    key.text(&format!("orders-on-time-{slo:05}"));
    let byte = (slo ^ tick).to_le_bytes()[0];
    Row { kind: RowKind::Slo, key: key.into_bytes(), value: Some(vec![byte; SLO_BYTES]) }
}

fn reopen(state: State, folder: &Path, cluster: &ClusterName) {
    drop(state);
    let started = Instant::now();
    let (state, opened) = State::open(folder, NOW).unwrap();
    let verified = started.elapsed();
    let started = Instant::now();
    let rows = state.load(cluster).unwrap().len();
    println!(
        "  opened again in {:.0} ms ({opened}), {rows} rows loaded in {:.0} ms; the file has {} MB",
        millis(verified),
        millis(started.elapsed()),
        megabytes(&state)
    );
    drop(state);
    std::fs::remove_dir_all(folder).unwrap();
}

fn fsync_alone() -> Duration {
    use std::io::Write;
    let folder = folder("bench-state-fsync");
    let mut file = std::fs::File::create(folder.join("file")).unwrap();
    let mut took = Vec::new();
    for _ in 0..100 {
        let started = Instant::now();
        file.write_all(&[0; 4096]).unwrap();
        file.sync_data().unwrap();
        took.push(started.elapsed());
    }
    std::fs::remove_dir_all(folder).unwrap();
    took.sort_unstable();
    took[took.len() / 2]
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

fn megabytes(state: &State) -> u64 {
    state.file_bytes().unwrap() / 1_000_000
}
