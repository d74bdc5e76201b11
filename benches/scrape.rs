//! What a tick pays to render 200,000 series, and what a scrape waits for them over loopback.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use plimsoll::api::{ApiState, SilenceAccess, router};
use plimsoll::export::{Exporter, Exposition, OwnMetrics, render};
use plimsoll::model::{
    BurnRate, ClockSource, CommitSource, Counts, GroupPartitionView, GroupState, GroupTopicView, GroupType,
    GroupView, Millis, PartitionObservation, Ratio, Reason, SloInfo, SloState, SloView, Snapshot, Timestamp,
    TopicConfigs, TopicId, TopicView,
};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;

const TOPICS: u32 = 200;
const PARTITIONS: u32 = 40;
const GROUPS: u32 = 850;

fn main() {
    divan::main();
}

/// 8,000 partitions and 34,000 group-partitions: 200,000 series.
fn snapshots() -> Arc<[Arc<Snapshot>]> {
    let snapshot = Snapshot {
        cluster: "production-eu-west-1".into(),
        tick: 1,
        at: Timestamp(1_767_323_045_678),
        up: Ok(()),
        down_because: None,
        last_measured: None,
        cluster_id: None,
        brokers: Vec::new(),
        topics: (0..TOPICS).map(topic).collect(),
        groups: (0..GROUPS).map(group).collect(),
        unmeasured: Vec::new(),
        commit_source: CommitSource::Polled,
        clock: ClockSource::Commits,
        slos: Vec::new(),
        alerts: Vec::new(),
        incidents: Arc::default(),
        time_lookups: 0,
        time_lookup_backlog: Millis(0),
        history_series: 0,
        history_series_dropped: 0,
    };
    Arc::from([Arc::new(snapshot)])
}

fn topic(number: u32) -> TopicView {
    let configs = TopicConfigs {
        retention: None,
        retention_by_size: false,
        deletes: true,
        compacts: false,
        min_insync_replicas: 2,
    };
    let partition = |at: u32| PartitionObservation {
        leader: Some(1),
        preferred_leader: Some(1),
        replicas: 3,
        in_sync_replicas: 3,
        end: Ok(5_000_000_000 + u64::from(at)),
        log_start: Ok(4_000_000_000),
        last_stable: Ok(5_000_000_000),
    };
    TopicView {
        topic: format!("orders-created-v{number}").as_str().into(),
        id: Ok(TopicId(u128::from(number))),
        configs: Ok(configs),
        appended_total: 123_456_789,
        appended_per_second: Ok(10.0),
        partitions: (0..PARTITIONS).map(partition).collect(),
    }
}

fn group(number: u32) -> GroupView {
    let partition = |partition: u32| GroupPartitionView {
        partition,
        committed: Ok(4_999_990_000 + u64::from(partition)),
        lag: Ok(10_000),
        time_lag: Ok(Millis(12_345)),
        still_since: Ok(None),
    };
    let topic = GroupTopicView {
        topic: format!("orders-created-v{}", number % TOPICS).as_str().into(),
        lag: Ok(400_000),
        time_lag: Ok(Millis(12_345)),
        committed_sum: Ok(199_999_600_000),
        consumed_total: 123_456_789,
        lost_total: 0,
        consumed_per_second: Ok(9.0),
        stuck: Ok(false),
        not_decreasing: Ok(false),
        retention_eta: Ok(None),
        still_since: Err(Reason::NotYetWatched),
        latency: None,
        commits_total: Err(Reason::NotYetWatched),
        commit_interval: Err(Reason::NotYetWatched),
        partitions: (0..PARTITIONS).map(partition).collect(),
    };
    GroupView {
        group: format!("orders-processor-{number}").as_str().into(),
        kind: Ok(GroupType::Classic),
        state: Ok(GroupState::Stable),
        members: Ok(Arc::from([])),
        stuck: Ok(false),
        commits: Ok(()),
        topics: vec![topic],
    }
}

fn series(page: &[u8]) -> usize {
    page.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && !line.starts_with(b"#")).count()
}

/// One tick's page, into memory that is already there.
#[divan::bench]
fn render_200_000_series(bencher: Bencher<'_, '_>) {
    let snapshots = snapshots();
    let mut page = Vec::new();
    render(&snapshots, &mut page);
    let count = series(&page);
    assert!((200_000..210_000).contains(&count), "{count} series");
    bencher.counter(ItemsCount::new(count)).counter(BytesCount::new(page.len())).bench_local(|| {
        page.clear();
        render(&snapshots, &mut page);
    });
}

/// The same of 10,000 SLOs of one group and topic each, with a burn rate for each window of the tiers.
#[divan::bench]
fn render_10_000_slos(bencher: Bencher<'_, '_>) {
    let snapshot = Snapshot {
        topics: Vec::new(),
        groups: Vec::new(),
        slos: (0..10_000).map(slo).collect(),
        ..(*snapshots()[0]).clone()
    };
    let snapshots = [Arc::new(snapshot)];
    let mut page = Vec::new();
    render(&snapshots, &mut page);
    let count = series(&page);
    assert!(count >= 130_000, "{count} series");
    bencher.counter(ItemsCount::new(count)).counter(BytesCount::new(page.len())).bench_local(|| {
        page.clear();
        render(&snapshots, &mut page);
    });
}

fn slo(number: u32) -> SloView {
    let minutes = [5, 30, 60, 120, 360, 1_440, 4_320, 43_200];
    let burn = |minutes: u64| BurnRate {
        window: Millis::from_seconds(60 * minutes),
        rate: Some(0.25),
        coverage: 1.0,
    };
    let counts = Counts { good: 123_456_789, bad: 12_345, unmeasured: 0 };
    SloView {
        slo: Arc::new(SloInfo {
            name: "orders-on-time".into(),
            description: None,
            indicator: "latency within 100ms".into(),
            unit: "records",
            objective: Ratio::new(999, 1_000).unwrap(),
            window: "30d".into(),
            resolve_after: Millis::from_seconds(60),
            labels: Arc::default(),
            runbook: None,
        }),
        group: Some(format!("orders-processor-{number}").as_str().into()),
        topic: Some(format!("orders-created-v{}", number % TOPICS).as_str().into()),
        state: SloState::Page,
        state_since: Timestamp(1_767_323_045_678),
        because: None,
        idle: false,
        window: counts,
        total: counts,
        measured_since: Some(Timestamp(1_767_323_045_678)),
        coverage: 1.0,
        budget_remaining: Some(0.9),
        exhausted_in: None,
        burn_rates: minutes.map(burn).to_vec(),
        governing: None,
        unmeasured_alert: false,
        worst_partitions: Vec::new(),
    }
}

/// What the first scrape after a tick pays once for everyone who takes gzip.
#[divan::bench]
fn compress_once_per_tick(bencher: Bencher<'_, '_>) {
    let mut page = Vec::new();
    render(&snapshots(), &mut page);
    bencher
        .counter(BytesCount::new(page.len()))
        .with_inputs(|| {
            let exposition = Exposition::new();
            exposition.publish(page.clone());
            exposition
        })
        .bench_refs(|exposition| exposition.gzip());
}

#[divan::bench]
fn scrape_to_the_first_byte(bencher: Bencher<'_, '_>) {
    scrape(bencher, "identity", |mut stream| stream.read(&mut [0; 1]).unwrap());
}

#[divan::bench]
fn scrape_to_the_last_byte(bencher: Bencher<'_, '_>) {
    scrape(bencher, "identity", read_to_end);
}

#[divan::bench]
fn scrape_to_the_last_byte_of_gzip(bencher: Bencher<'_, '_>) {
    scrape(bencher, "gzip", read_to_end);
}

fn read_to_end(mut stream: TcpStream) -> usize {
    let mut chunk = vec![0; 1 << 18];
    let mut total = 0;
    loop {
        match stream.read(&mut chunk).unwrap() {
            0 => return total,
            read => total += read,
        }
    }
}

/// Connects, asks, and reads as far as `read` does. The page has been published, and compressed, before.
fn scrape(bencher: Bencher<'_, '_>, encoding: &str, read: impl Fn(TcpStream) -> usize + Sync) {
    let runtime = Runtime::new().unwrap();
    let (address, _server) = runtime.block_on(serve());
    let request = format!(
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {encoding}\r\nConnection: close\r\n\r\n"
    );
    let ask = || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        read(stream)
    };
    ask();
    bencher.bench(ask);
}

/// The API on a port of its own, until the set is dropped.
async fn serve() -> (SocketAddr, JoinSet<()>) {
    let snapshots = snapshots();
    let own = Arc::new(OwnMetrics::new().unwrap());
    let exposition = Arc::new(Exposition::new());
    Exporter::new(Arc::clone(&own), Arc::clone(&exposition)).publish(&snapshots, &[]).unwrap();
    let state = ApiState {
        snapshots: watch::channel(snapshots).1,
        exposition,
        own,
        history: Arc::new(|_, _, _| Vec::new()),
        silences: SilenceAccess {
            now: Arc::new(|| Timestamp(0)),
            list: Arc::new(Vec::new),
            add: Arc::new(|_| Err(String::new())),
            expire: Arc::new(|_| None),
        },
        deliveries: Arc::new(|_| Vec::new()),
        warnings: Arc::new(Vec::new),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, router(state)).await.unwrap() });
    (address, server)
}
