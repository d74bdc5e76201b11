//! Files that are not what was written: told, kept aside as they are, and never read in part.

use std::path::PathBuf;

use super::*;

/// What a file held: by cluster, its rows.
type Held = Vec<Vec<Row>>;

const CLUSTERS: [&str; 2] = ["prod", "other"];

/// A state file after several ticks, closed, and as a killed process leaves it; what it holds, and what it held one
/// write earlier.
fn images() -> ([Vec<u8>; 2], Held, Held) {
    let folder = folder();
    let (state, _) = open(&folder);
    let mut before = Held::new();
    for tick in 0..5 {
        for cluster in CLUSTERS {
            before = load(&state);
            let rows: Vec<_> = (0..20 + tick)
                .map(|key| {
                    row(RowKind::GroupTopic, &format!("{cluster}/{key}"), &format!("{tick}").repeat(200))
                })
                .collect();
            state.write(&cluster.into(), &rows).unwrap();
        }
    }
    let held = load(&state);
    let killed = fs::read(folder.path().join(FILE)).unwrap();
    drop(state);
    let closed = fs::read(folder.path().join(FILE)).unwrap();
    ([closed, killed], held, before)
}

fn load(state: &State) -> Held {
    CLUSTERS.iter().map(|cluster| state.load(&(*cluster).into()).unwrap()).collect()
}

/// Opens `bytes` as a state file. `None` when all is there of what it may hold, else what was told of the damage,
/// after looking that the file is kept and the new state is empty.
fn told(bytes: &[u8], may_hold: &[&Held], about: &str) -> Option<String> {
    // Hundreds of small files, and no power failure: memory will do where the system has such a folder.
    let folder = tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| folder());
    fs::write(folder.path().join(FILE), bytes).unwrap();
    let (state, opened) = open(&folder);
    let found = load(&state);
    match opened {
        Opened::New => panic!("{about}: the file went unseen"),
        Opened::Kept => {
            assert!(may_hold.contains(&&found), "{about}: rows that were never written, or rows are missing");
            // Damage where no rows are must not make room of pages that have some.
            let more: Vec<_> =
                (0..100).map(|key| row(RowKind::Slo, &key.to_string(), &"x".repeat(200))).collect();
            state.write(&"later".into(), &more).unwrap();
            drop(state);
            let (state, opened) = open(&folder);
            assert_eq!((opened, load(&state)), (Opened::Kept, found), "{about}: a write later");
            assert_eq!(state.load(&"later".into()).unwrap().len(), more.len(), "{about}: a write later");
            None
        }
        Opened::SetAside { why, kept_as } => {
            assert_eq!(kept_as, folder.path().join("plimsoll.redb.damaged-20260102T030405Z"));
            assert_eq!(fs::read(&kept_as).unwrap().len(), bytes.len(), "{about}: it is kept");
            assert!(found.iter().all(Vec::is_empty), "{about}: the new state is empty");
            Some(why)
        }
    }
}

#[test]
fn a_file_cut_at_any_length_is_told() {
    let (images, held, _) = images();
    for (image, name) in images.iter().zip(["closed", "killed"]) {
        let borders = (0..image.len()).step_by(4096).flat_map(|border| [border, border + 1, border + 4095]);
        let lengths = borders.chain((0..330).step_by(13)).filter(|length| *length < image.len());
        for length in lengths {
            let about = format!("{name}, cut from {} to {length}", image.len());
            assert!(told(&image[..length], &[&held], &about).is_some(), "{about}: nobody is told");
        }
    }
}

#[test]
fn a_flipped_bit_never_changes_a_row() {
    let (images, held, before) = images();
    let mut noticed = 0;
    for (image, name) in images.iter().zip(["closed", "killed"]) {
        // This byte says which of two commits is the last, and how it was made.
        let which = (0..8).map(|bit| (9, bit));
        let header = (0..320).step_by(5).map(|byte| (byte, byte / 5 % 8));
        let elsewhere = (320..image.len()).step_by(401).map(|byte| (byte, byte % 8));
        for (byte, bit) in which.chain(header).chain(elsewhere) {
            let mut flipped = image.clone();
            flipped[byte] ^= 1 << bit;
            // One bit of the file says which commit is the last. Turned in the file of a killed process, it says what
            // a crash within the last commit would have left: a whole tick, from which to go on as after that crash.
            let may_hold: &[&Held] = if byte == 9 { &[&held, &before] } else { &[&held] };
            let about = format!("{name}, bit {bit} of byte {byte}");
            noticed += usize::from(told(&flipped, may_hold, &about).is_some());
        }
    }
    // The others are in pages that hold nothing any more.
    assert!(noticed > 50, "{noticed}");
}

#[test]
fn what_is_no_state_file_is_told() {
    let check = |bytes: &[u8], expected: &str| {
        let said = told(bytes, &[], expected).unwrap();
        assert!(said.contains(expected), "{said}");
    };
    check(b"", "it is not a state file");
    check(b"PK\x03\x04", "it is not a state file");
    check(&b"text\n".repeat(50_000), "it is not a state file");
    let foreign = folder();
    let path = foreign.path().join("foreign.redb");
    let database = redb::Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(redb::TableDefinition::<u64, u64>::new("rows")).unwrap();
    transaction.commit().unwrap();
    drop(database);
    check(&fs::read(&path).unwrap(), "it is not a state file of plimsoll");
}

#[test]
fn a_row_that_is_not_what_was_written_is_told() {
    let folder = folder();
    let prod = ClusterName::from("prod");
    open(&folder).0.write(&prod, &[row(RowKind::Slo, "orders", "120")]).unwrap();
    let (key, sealed) = record::encode(&prod, &row(RowKind::Slo, "orders", "120"));
    let mut changed = sealed.unwrap();
    *changed.last_mut().unwrap() ^= 1;
    write_raw(&folder, key, changed);
    let (state, opened) = open(&folder);
    assert_eq!(
        opened.to_string(),
        format!(
            "the state file is damaged (a row does not match its checksum): it is kept as {0}/plimsoll.redb.damaged-\
             20260102T030405Z, and budgets count from now; to go on from a copy, stop plimsoll and put the copy in its \
             place",
            folder.path().display()
        )
    );
    assert_eq!(state.load(&prod).unwrap(), []);
}

#[test]
fn what_is_set_aside_is_never_overwritten() {
    let folder = folder();
    for round in 0..3 {
        fs::write(folder.path().join(FILE), format!("damage {round}")).unwrap();
        let (_state, opened) = open(&folder);
        let suffix = ["", "-2", "-3"][round];
        let kept_as = folder.path().join(format!("plimsoll.redb.damaged-20260102T030405Z{suffix}"));
        assert_eq!(
            opened,
            Opened::SetAside { why: "it is not a state file".to_owned(), kept_as: kept_as.clone() }
        );
        assert_eq!(fs::read_to_string(kept_as).unwrap(), format!("damage {round}"));
    }
}

#[test]
fn a_newer_file_is_refused_and_left_alone() {
    let folder = folder();
    let prod = ClusterName::from("prod");
    let path: PathBuf = folder.path().join(FILE);
    open(&folder).0.write(&prod, &[row(RowKind::Slo, "orders", "120")]).unwrap();
    let ours = fs::read(&path).unwrap();
    let check = |found: u64| {
        let refused = State::open(folder.path(), NOW).unwrap_err().to_string();
        assert_eq!(
            refused,
            format!(
                "{0} was written by a newer plimsoll (its format is {found}, this one knows up to 1): run the newer \
                 one, or begin anew by moving it away: mv '{0}' '{0}.newer'",
                path.display()
            )
        );
        let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        assert_eq!(names, ["plimsoll.lock", FILE]);
    };
    let mut layout = ours.clone();
    layout[64] = 99;
    layout[192] = 99;
    fs::write(&path, &layout).unwrap();
    check(99);
    assert!(fs::read(&path).unwrap() == layout, "not a byte is touched");
    fs::write(&path, &ours).unwrap();
    StateFile::open(&path).unwrap().set_format(99).unwrap();
    check(99);
    // Whoever goes back by a version finds everything again.
    StateFile::open(&path).unwrap().set_format(1).unwrap();
    let (state, opened) = open(&folder);
    assert_eq!(opened, Opened::Kept);
    assert_eq!(state.load(&prod).unwrap(), [row(RowKind::Slo, "orders", "120")]);
}
