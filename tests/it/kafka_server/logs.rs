//! What Kafka's own tools read in its logs: every record with its timestamp, markers of transactions included, and every
//! commit with its own. Nothing here knows of Plimsoll.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::wait::try_wait_for;
use super::{KafkaCluster, PATIENCE};

/// Runs its arguments until its standard input is closed, as the kernel does for a test process that was killed, too.
const KEEPER: &str = r#"exec 3<&0; "$@" </dev/null 3<&- & read -r _ <&3; kill -KILL $!; wait $!"#;

/// One offset of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoggedRecord {
    pub(crate) offset: u64,
    /// As it carries it: milliseconds since 1970.
    pub(crate) timestamp: i64,
    /// The end of a transaction, which no consumer ever sees.
    pub(crate) is_marker: bool,
}

/// One commit, as `__consumer_offsets` holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoggedCommit {
    pub(crate) group: String,
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: u64,
    /// The broker's time of it.
    pub(crate) at: i64,
}

impl KafkaCluster {
    /// Everything that was ever appended to `topics`, by topic and partition, from the files of broker 1: also what
    /// was deleted, as long as its segment is there. Starts a JVM.
    pub(crate) fn dump_records(&self, topics: &[&str]) -> BTreeMap<(String, i32), Vec<LoggedRecord>> {
        let folder = self.broker_folder(1).data;
        let mut files = Vec::new();
        for topic in topics {
            let partitions = self.leaders(topic).unwrap().len();
            for partition in 0..partitions {
                let of_partition = folder.join(format!("{topic}-{partition}"));
                let mut segments: Vec<String> = std::fs::read_dir(&of_partition)
                    .unwrap_or_else(|error| panic!("{}: {error}", of_partition.display()))
                    .map(|entry| entry.unwrap().path().display().to_string())
                    .filter(|path| path.ends_with(".log"))
                    .collect();
                segments.sort();
                files.extend(segments);
            }
        }
        let files = files.join(",");
        parse_dump(&self.java.run("kafka.tools.DumpLogSegments", &["--deep-iteration", "--files", &files]))
    }

    /// Up to which offset broker 1 has compacted each partition of `topic`; without those that it never has.
    pub(crate) fn compacted_to(&self, topic: &str) -> BTreeMap<i32, u64> {
        let checkpoint = self.broker_folder(1).data.join("cleaner-offset-checkpoint");
        // It is replaced as a whole: when it is not there, it will be in a moment.
        let text = std::fs::read_to_string(checkpoint).unwrap_or_default();
        let compacted = text.lines().filter_map(|line| {
            let (partition, offset) = line.strip_prefix(topic)?.strip_prefix(' ')?.split_once(' ')?;
            Some((partition.parse().ok()?, offset.parse().ok()?))
        });
        compacted.collect()
    }

    /// Reads all commits from now on, as soon as they are there and not part of an open transaction.
    pub(crate) fn follow_commits(&self) -> CommitsFollowed {
        let options = ["-Dlog4j.rootLogger=OFF".to_owned()];
        let words = self.java.command(128, &options, "org.apache.kafka.tools.consumer.ConsoleConsumer");
        let mut child = Command::new("sh")
            .args(["-c", KEEPER, "sh"])
            .args(&words)
            .args(["--bootstrap-server", &self.inner_bootstrap_server(), "--from-beginning"])
            .args(["--topic", "__consumer_offsets", "--isolation-level", "read_committed"])
            .args(["--formatter", "org.apache.kafka.tools.consumer.OffsetsMessageFormatter"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let commits = Arc::new(Mutex::new(Vec::new()));
        let (into, out) = (Arc::clone(&commits), BufReader::new(child.stdout.take().unwrap()));
        std::thread::spawn(move || {
            // One after the other, and nothing in between. What is no JSON ends it, and `all` says so.
            for record in
                serde_json::Deserializer::from_reader(out).into_iter::<Value>().map_while(Result::ok)
            {
                into.lock().unwrap().extend(parse_commit(&record));
            }
        });
        CommitsFollowed { child, commits }
    }
}

/// Kafka's console consumer at the end of `__consumer_offsets`; dropping it ends it.
#[derive(Debug)]
pub(crate) struct CommitsFollowed {
    child: Child,
    commits: Arc<Mutex<Vec<LoggedCommit>>>,
}

impl CommitsFollowed {
    /// Those read so far, of each group in the order of the log.
    pub(crate) fn so_far(&self) -> Vec<LoggedCommit> {
        self.commits.lock().unwrap().clone()
    }

    /// Every commit made before this call, of each group in the order of the log. To know that nothing is missing,
    /// it commits for a group of its own on each partition of `__consumer_offsets`, and reads up to there.
    pub(crate) fn all(&self, cluster: &KafkaCluster, topic: &str) -> Vec<LoggedCommit> {
        for partition in 0..super::OFFSETS_PARTITIONS {
            // As for the coordinators: neighbouring letters fall on neighbouring partitions.
            let group = char::from_u32('a' as u32 + partition).unwrap().to_string();
            let before = self.so_far().iter().filter(|commit| commit.group == group).count();
            cluster.commit_offset(&group, topic, 0, 0);
            let read = || self.so_far().iter().filter(|commit| commit.group == group).count() > before;
            let came = try_wait_for(PATIENCE, || read().then_some(()));
            assert!(came.is_some(), "the console consumer has not read to the end of partition {partition}");
        }
        self.so_far()
    }
}

impl Drop for CommitsFollowed {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().ok();
    }
}

/// `Dumping …/orders-0/00000000000000000000.log` begins a file, `| offset: 7 CreateTime: 1700000000000 …` is a record.
fn parse_dump(said: &str) -> BTreeMap<(String, i32), Vec<LoggedRecord>> {
    let mut all: BTreeMap<(String, i32), Vec<LoggedRecord>> = BTreeMap::new();
    let mut file = None;
    for line in said.lines() {
        if let Some(path) = line.strip_prefix("Dumping ") {
            let folder = path.rsplit('/').nth(1).unwrap();
            let (topic, partition) = folder.rsplit_once('-').unwrap();
            let key = (topic.to_owned(), partition.parse().unwrap());
            all.entry(key.clone()).or_default();
            file = Some(key);
        } else if let Some(record) = line.strip_prefix("| offset: ") {
            let words: Vec<&str> = record.split(' ').collect();
            assert!(words[1] == "CreateTime:" || words[1] == "LogAppendTime:", "{line}");
            all.get_mut(file.as_ref().unwrap()).unwrap().push(LoggedRecord {
                offset: words[0].parse().unwrap(),
                timestamp: words[2].parse().unwrap(),
                is_marker: words.contains(&"endTxnMarker:"),
            });
        }
    }
    all
}

/// None for a tombstone, or for what is no commit.
fn parse_commit(record: &Value) -> Option<LoggedCommit> {
    let (key, value) = (&record["key"]["data"], record["value"].get("data")?);
    let text = |name: &str| Some(key[name].as_str()?.to_owned());
    Some(LoggedCommit {
        group: text("group")?,
        topic: text("topic")?,
        partition: i32::try_from(key["partition"].as_i64()?).unwrap(),
        offset: value["offset"].as_u64()?,
        at: value["commitTimestamp"].as_i64()?,
    })
}

#[test]
fn what_the_tools_write_is_read() {
    let said = "\
Dumping /data/late-orders-0/00000000000000000000.log
Log starting offset: 0
baseOffset: 0 lastOffset: 0 count: 1 isControl: false CreateTime: 1700000000001 size: 75
| offset: 0 CreateTime: 1700000000001 keySize: -1 valueSize: 7 sequence: -1 headerKeys: []
| offset: 1 LogAppendTime: 1700000000002 keySize: 4 valueSize: 6 sequence: -1 headerKeys: [] endTxnMarker: COMMIT coordinatorEpoch: 0
Dumping /data/late-orders-1/00000000000000000000.log
";
    let record = |offset, timestamp, is_marker| LoggedRecord { offset, timestamp, is_marker };
    let late = "late-orders".to_owned();
    let expected = BTreeMap::from([
        ((late.clone(), 0), vec![record(0, 1_700_000_000_001, false), record(1, 1_700_000_000_002, true)]),
        ((late, 1), vec![]),
    ]);
    assert_eq!(parse_dump(said), expected);

    let key = r#""key":{"version":1,"data":{"group":"g","topic":"t","partition":2}}"#;
    let value = r#""value":{"version":3,"data":{"offset":7,"leaderEpoch":-1,"metadata":"","commitTimestamp":1700000000003}}"#;
    let commit = LoggedCommit {
        group: "g".to_owned(),
        topic: "t".to_owned(),
        partition: 2,
        offset: 7,
        at: 1_700_000_000_003,
    };
    let check = |record: &str, expected| {
        assert_eq!(parse_commit(&serde_json::from_str(record).unwrap()), expected, "{record}");
    };
    check(&format!("{{{key},{value}}}"), Some(commit));
    check(&format!("{{{key},\"value\":null}}"), None);
}
