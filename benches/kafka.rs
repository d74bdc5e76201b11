//! What watching a real Kafka costs: 2,000 partitions, 500 groups x 40 partitions, `poll_interval: 5s`.
//! Reports the CPU of the daemon and of the broker per 5 s, the daemon's memory, and the time of a scrape.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]
#![expect(clippy::print_stdout, reason = "its figures are for who runs it")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]
#![allow(dead_code, unused_imports, reason = "the tests' harness has more than is needed here")]

#[path = "../tests/it"]
mod it {
    pub(crate) mod kafka_server;
}

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use it::kafka_server::{KafkaCluster, KafkaSpec, KafkaVersion};
use rdkafka::Offset;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

const TOPICS: usize = 50;
const PARTITIONS: i32 = 40;
const GROUPS: usize = 500;
const RECORDS: usize = 3;
const INTERVAL: Duration = Duration::from_secs(5);
/// Cycles before anything is measured, and while it is.
const WARM_UP: u32 = 12;
const CYCLES: u32 = 12;

fn main() {
    // The JVM is left to compile its hot code well, as in production.
    let spec = KafkaSpec::new(KafkaVersion::V4_1).jvm_option("-XX:TieredStopAtLevel=4").jvm_option("-Xmx1g");
    let kafka = KafkaCluster::start(&spec);
    prepare(&kafka);
    let broker = kafka.broker_pid(1);

    let idle = cpu_seconds(broker);
    std::thread::sleep(INTERVAL * CYCLES);
    let idle = cpu_seconds(broker) - idle;

    let mut daemon = start(&kafka);
    let address = address(&mut daemon);
    std::thread::sleep(INTERVAL * WARM_UP);
    let (daemon_before, broker_before) = (cpu_seconds(daemon.id()), cpu_seconds(broker));
    std::thread::sleep(INTERVAL * CYCLES);
    let per_cycle = |seconds: f64| seconds / f64::from(CYCLES);
    let daemon_cpu = per_cycle(cpu_seconds(daemon.id()) - daemon_before);
    let broker_cpu = per_cycle(cpu_seconds(broker) - broker_before - idle);
    let (resident, peak) = (memory(daemon.id(), "VmRSS"), memory(daemon.id(), "VmHWM"));

    let mut scrapes: Vec<_> = (0..21).map(|_| scrape(&address)).collect();
    scrapes.sort_unstable_by_key(|(took, ..)| *took);
    let (took, bytes, series) = &scrapes[scrapes.len() / 2];
    println!(
        "{} partitions, {} group-partitions, poll_interval 5s, Kafka {}, commits: {}",
        TOPICS * PARTITIONS as usize,
        GROUPS * PARTITIONS as usize,
        KafkaVersion::V4_1.as_str(),
        commit_source(&address)
    );
    println!("daemon: {daemon_cpu:.3} s CPU per 5 s, {resident} MB resident ({peak} MB at most)");
    println!(
        "broker: {broker_cpu:.3} s CPU per 5 s more than the {:.3} s of the idle broker",
        per_cycle(idle)
    );
    println!(
        "scrape: {:.1} ms median of {} for {series} series, {bytes} bytes, last byte included",
        took.as_secs_f64() * 1000.0,
        scrapes.len()
    );
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

/// Some records in every partition; every group lags by one in each of its 40.
fn prepare(kafka: &KafkaCluster) {
    let producer: BaseProducer = kafka.client_config(&[]).create().unwrap();
    for topic in 0..TOPICS {
        let topic = format!("topic-{topic:02}");
        kafka.create_topic(&topic, PARTITIONS as u32, &[]);
        for partition in (0..PARTITIONS).flat_map(|partition| [partition; RECORDS]) {
            producer.send(BaseRecord::<(), str>::to(&topic).partition(partition).payload("record")).unwrap();
        }
        producer.flush(Duration::from_secs(30)).unwrap();
    }
    for group in 0..GROUPS {
        let name = format!("group-{group:03}");
        let consumer: BaseConsumer = kafka.client_config(&[("group.id", &name)]).create().unwrap();
        let mut commits = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            let topic = format!("topic-{:02}", group % TOPICS);
            commits.add_partition_offset(&topic, partition, Offset::Offset(RECORDS as i64 - 1)).unwrap();
        }
        consumer.commit(&commits, CommitMode::Sync).unwrap();
    }
}

fn start(kafka: &KafkaCluster) -> Child {
    let folder = env!("CARGO_TARGET_TMPDIR");
    let settings = format!("{folder}/bench.yaml");
    let servers = kafka.inner_bootstrap_server();
    let text = format!(
        "clusters:\n  - name: bench\n    bootstrap_servers: [\"{servers}\"]\n    poll_interval: 5s\n"
    );
    std::fs::write(&settings, text).unwrap();
    Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["run", "--config", &settings, "--listen", "127.0.0.1:0", "--log-format", "json"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Where the daemon says that it listens; the rest of its log is read and dropped.
fn address(daemon: &mut Child) -> String {
    let mut lines = BufReader::new(daemon.stderr.take().unwrap()).lines().map(Result::unwrap);
    let address = lines.find_map(|line| {
        let line: serde_json::Value = serde_json::from_str(&line).ok()?;
        Some(line["fields"]["address"].as_str()?.to_owned())
    });
    std::thread::spawn(move || lines.for_each(drop));
    address.unwrap()
}

/// How long one scrape took to its last byte, the bytes of it, and its series.
fn scrape(address: &str) -> (Duration, usize, usize) {
    let (took, body) = page(address);
    (took, body.len(), body.lines().filter(|line| !line.starts_with('#')).count())
}

/// How commits are read, as the daemon says.
fn commit_source(address: &str) -> String {
    let (_, body) = page(address);
    let (_, value) = body.split_once("commit_source=\"").unwrap();
    value.split_once('"').unwrap().0.to_owned()
}

/// The page of metrics, and how long it took to its last byte.
fn page(address: &str) -> (Duration, String) {
    let started = Instant::now();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n").unwrap();
    let mut page = Vec::new();
    stream.read_to_end(&mut page).unwrap();
    let took = started.elapsed();
    let page = String::from_utf8(page).unwrap();
    let (_, body) = page.split_once("\r\n\r\n").unwrap();
    (took, body.to_owned())
}

/// User and system time of a process so far; the kernel counts in hundredths of a second.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

fn memory(pid: u32, which: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(which)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}
