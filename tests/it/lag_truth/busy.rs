//! While records and commits pour in, lag is never below the truth, and never more than there is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::watched::{Watched, group_topic};
use crate::kafka_server::member::GroupMember;
use crate::kafka_server::wait::wait_until;
use crate::kafka_server::{KafkaCluster, KafkaVersion, PATIENCE, unique};

const CYCLES: usize = 200;

/// Records that one committer always leaves behind it, the other none.
const BEHIND: u64 = 500;

/// What is known of a partition's end, without asking Kafka: it is never under `acknowledged`, nor over `sent`.
#[derive(Clone, Default)]
struct Appended {
    sent: Arc<AtomicU64>,
    acknowledged: Arc<AtomicU64>,
}

impl ClientContext for Appended {}

impl ProducerContext for Appended {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let message = result.as_ref().unwrap();
        self.acknowledged.store(message.offset() as u64 + 1, Ordering::SeqCst);
    }
}

/// The commits of one group. The commit that Kafka holds is never under `done`, nor over `begun`.
#[derive(Default)]
struct Commits {
    begun: AtomicU64,
    done: AtomicU64,
    /// To each commit, the least that the end can be once it is there: what was acknowledged before it was begun.
    ends: Mutex<BTreeMap<u64, u64>>,
}

impl Commits {
    fn begin(&self, offset: u64, acknowledged: u64) {
        self.ends.lock().unwrap().entry(offset).or_insert(acknowledged);
        self.begun.store(offset, Ordering::SeqCst);
    }
}

fn produce(cluster: &KafkaCluster, topic: &str, appended: &Appended, stop: &AtomicBool) {
    let config =
        cluster.client_config(&[("acks", "all"), ("linger.ms", "0"), ("message.send.max.retries", "0")]);
    let producer: BaseProducer<Appended> = config.create_with_context(appended.clone()).unwrap();
    while !stop.load(Ordering::Relaxed) {
        if producer.in_flight_count() < 50 {
            appended.sent.fetch_add(1, Ordering::SeqCst);
            producer.send(BaseRecord::<(), str>::to(topic).partition(0).payload("payload")).unwrap();
        }
        producer.poll(Duration::ZERO);
    }
    producer.flush(PATIENCE).unwrap();
}

/// Commits as fast as Kafka lets it, always `behind` records less than are known to be there.
fn commit(
    cluster: &KafkaCluster,
    group: &str,
    topic: &str,
    behind: u64,
    appended: &Appended,
    commits: &Commits,
    stop: &AtomicBool,
) {
    let consumer: BaseConsumer = cluster.client_config(&[("group.id", group)]).create().unwrap();
    while !stop.load(Ordering::Relaxed) {
        let acknowledged = appended.acknowledged.load(Ordering::SeqCst);
        let Some(offset) = acknowledged.checked_sub(behind) else { continue };
        commits.begin(offset, acknowledged);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Offset(offset as i64)).unwrap();
        consumer.commit(&list, CommitMode::Sync).unwrap();
        commits.done.store(offset, Ordering::SeqCst);
    }
}

/// A real member, whose records are on their way for a while before they are committed.
fn consume(member: &GroupMember, appended: &Appended, commits: &Commits, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let acknowledged = appended.acknowledged.load(Ordering::SeqCst);
        for offset in member.consume_and_commit(10).into_values() {
            commits.ends.lock().unwrap().insert(offset, acknowledged.max(offset));
            commits.done.store(offset, Ordering::SeqCst);
        }
    }
}

/// What one cycle has said of one group, and what was known around it.
struct Said {
    group: usize,
    committed: u64,
    lag: u64,
    done_before: u64,
    begun_after: u64,
    sent_after: u64,
}

/// Runs the cycles, with the counts of before and after each.
fn watch(
    cluster: &KafkaCluster,
    topic: &str,
    groups: &[&String; 3],
    appended: &Appended,
    commits: &[Commits; 3],
) -> Vec<Said> {
    let mut watched = Watched::new(cluster, topic);
    let mut said = Vec::new();
    for _ in 0..CYCLES {
        let done: Vec<_> = commits.iter().map(|one| one.done.load(Ordering::SeqCst)).collect();
        let snapshot = watched.cycle();
        let sent_after = appended.sent.load(Ordering::SeqCst);
        for (group, done_before) in done.into_iter().enumerate() {
            let begun_after = commits[group].begun.load(Ordering::SeqCst);
            let view = group_topic(&snapshot, groups[group], topic).unwrap();
            let [partition] = view.partitions[..] else { panic!("{view:?}") };
            let lag = partition.lag.unwrap_or_else(|why| panic!("{} is unmeasured: {why}", groups[group]));
            assert_eq!(view.lag, Ok(lag));
            let committed = partition.committed.unwrap();
            said.push(Said { group, committed, lag, done_before, begun_after, sent_after });
        }
    }
    said
}

/// A commit that Kafka tells was begun before it was told. So when the ends are read, later, the end is not under what
/// was acknowledged before that commit was begun; and nothing that was sent only after the cycle is in it.
fn check(groups: &[&String; 3], commits: &[Commits; 3], said: &[Said]) {
    for Said { group, committed, lag, done_before, begun_after, sent_after } in said {
        let name = groups[*group];
        assert!(
            (done_before..=begun_after).contains(&committed),
            "{name}: {committed} was not committed then"
        );
        let ends = commits[*group].ends.lock().unwrap();
        let least = ends.get(committed).unwrap_or_else(|| panic!("{name}: {committed} was never committed"));
        let (least, most) = (least - committed, sent_after - committed);
        assert!((least..=most).contains(lag), "{name}: lag {lag} is not in {least} to {most}");
    }
}

#[test]
fn lag_is_never_below_the_truth_while_records_and_commits_pour_in() {
    for version in KafkaVersion::ALL {
        let cluster = KafkaCluster::shared(version);
        let topic = unique("busy");
        let groups = ["abreast", "behind", "member"].map(|name| format!("{topic}-{name}"));
        let [abreast, behind, member] = &groups;
        cluster.create_topic(&topic, 1, &[]);
        let join = match version {
            KafkaVersion::V3_9 => GroupMember::join_classic,
            KafkaVersion::V4_1 => GroupMember::join_consumer_protocol,
        };
        let consumer = join(cluster, member, &topic);
        let (appended, commits) = (Appended::default(), [(); 3].map(|()| Commits::default()));
        commits[2].begun.store(u64::MAX, Ordering::SeqCst);
        let stop = AtomicBool::new(false);
        let said = std::thread::scope(|scope| {
            let _stops_also_when_it_fails = Stop(&stop);
            scope.spawn(|| produce(cluster, &topic, &appended, &stop));
            scope.spawn(|| commit(cluster, abreast, &topic, 0, &appended, &commits[0], &stop));
            scope.spawn(|| commit(cluster, behind, &topic, BEHIND, &appended, &commits[1], &stop));
            let (appended, commits, stop) = (&appended, &commits, &stop);
            scope.spawn(move || consume(&consumer, appended, &commits[2], stop));
            wait_until("every group has committed", PATIENCE, || {
                commits.iter().all(|commits| commits.done.load(Ordering::SeqCst) > 0)
            });
            watch(cluster, &topic, &[abreast, behind, member], appended, commits)
        });
        check(&[abreast, behind, member], &commits, &said);
        // Who moved in hardly any cycle has shown nothing.
        for (index, group) in groups.iter().enumerate() {
            let mut moves: Vec<_> =
                said.iter().filter(|said| said.group == index).map(|said| said.committed).collect();
            moves.dedup();
            assert!(moves.len() > CYCLES / 2, "{group}: {} commits in {CYCLES} cycles", moves.len());
        }
        let least = said.iter().filter(|said| said.group == 1).map(|said| said.lag).min();
        assert!(least >= Some(BEHIND), "{least:?}");
    }
}

/// Ends the threads of a test, whether it holds or fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
