//! A small shop on a real Kafka: two topics, about three hundred records a second, and four consumer groups
//! that behave as groups do in daily life. `deploy/demo/run.sh` runs it so that there is something to watch.
//!
//!     cargo run --example demo_workload -- 127.0.0.1:9092
//!
//! It creates its topics where they are missing, and ends on SIGTERM, on Ctrl-C and when the broker stays away.
//! It is not a load generator, and nothing in Plimsoll uses it.
#![expect(clippy::disallowed_methods, reason = "a program of its own: it has its own clock and threads")]
#![expect(clippy::print_stderr, reason = "a program of its own: it speaks on standard error")]

use std::f64::consts::TAU;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tokio::signal::unix::{SignalKind, signal};

const ORDERS: &str = "orders";
const PAYMENTS: &str = "payments";
/// A day in the life of the shop passes in this time.
const DAY: Duration = Duration::from_secs(60);
/// Records a second, averaged over a day without its bursts.
const ORDERS_PER_SECOND: f64 = 200.0;
const PAYMENTS_PER_SECOND: f64 = 80.0;
/// The broker is given up when it has not answered for this long.
const BROKER_PATIENCE: Duration = Duration::from_secs(10);

/// How one consumer group treats its topic.
#[derive(Clone, Copy)]
struct Group {
    name: &'static str,
    topic: &'static str,
    /// `classic`, or `consumer` (KIP-848, Kafka 4.0 and later).
    protocol: &'static str,
    members: usize,
    /// At most so many records a second and member; none: as fast as they come.
    pace: Option<u32>,
    /// The group's consumers leave after this long.
    leaves_after: Option<Duration>,
}

const GROUPS: [Group; 4] = [
    Group {
        name: "orders-processor",
        topic: ORDERS,
        protocol: "classic",
        members: 2,
        pace: None,
        leaves_after: None,
    },
    Group {
        name: "billing",
        topic: ORDERS,
        protocol: "classic",
        members: 1,
        pace: Some(120),
        leaves_after: None,
    },
    Group {
        name: "fraud-check",
        topic: PAYMENTS,
        protocol: "classic",
        members: 1,
        pace: None,
        leaves_after: Some(Duration::from_secs(4)),
    },
    Group {
        name: "notifications",
        topic: PAYMENTS,
        protocol: "consumer",
        members: 1,
        pace: None,
        leaves_after: None,
    },
];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo workload: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(bootstrap), None) = (arguments.next(), arguments.next()) else {
        bail!("usage: demo_workload HOST:PORT");
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    create_topics(&runtime, &bootstrap)?;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for group in GROUPS {
            for _ in 0..group.members {
                let (bootstrap, stop) = (&bootstrap, &stop);
                scope.spawn(move || {
                    if let Err(error) = consume(bootstrap, group, stop) {
                        eprintln!("demo workload: group {} ends: {error:#}", group.name);
                    }
                });
            }
        }
        let producing = scope.spawn(|| {
            let produced = produce(&bootstrap, &stop);
            stop.store(true, Ordering::Relaxed);
            produced
        });
        let told = runtime.block_on(told_to_stop(&stop));
        stop.store(true, Ordering::Relaxed);
        told.and(producing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Returns when a signal says so, or when a part of the workload has ended the whole.
async fn told_to_stop(stop: &AtomicBool) -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    while !stop.load(Ordering::Relaxed) {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            () = tokio::time::sleep(Duration::from_millis(200)) => {}
        }
    }
    Ok(())
}

fn client(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("client.id", "plimsoll-demo");
    config
}

fn create_topics(runtime: &tokio::runtime::Runtime, bootstrap: &str) -> anyhow::Result<()> {
    let admin: AdminClient<DefaultClientContext> = client(bootstrap).create()?;
    // -1: as many replicas as this cluster makes by default
    let topics =
        [(ORDERS, 6), (PAYMENTS, 3)].map(|(name, n)| NewTopic::new(name, n, TopicReplication::Fixed(-1)));
    let options = AdminOptions::new().request_timeout(Some(Duration::from_secs(20)));
    let created = runtime
        .block_on(admin.create_topics(&topics, &options))
        .with_context(|| format!("cannot create topics at {bootstrap}"))?;
    for topic in created {
        match topic {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => bail!("cannot create topic {name}: {code}"),
        }
    }
    Ok(())
}

/// The traffic at this moment as a multiple of the average: a quiet night, a busy noon,
/// and five seconds of four times as much, twice a day.
fn intensity(since_start: Duration) -> f64 {
    let of_day = since_start.as_secs_f64() % DAY.as_secs_f64() / DAY.as_secs_f64();
    let wave = 1.0 + 0.6 * (TAU * of_day).sin();
    let burst = (of_day % 0.5) > 0.5 - 5.0 / DAY.as_secs_f64();
    if burst { wave * 4.0 } else { wave }
}

fn produce(bootstrap: &str, stop: &AtomicBool) -> anyhow::Result<()> {
    let producer: BaseProducer = client(bootstrap).set("linger.ms", "50").create()?;
    let started = Instant::now();
    let mut heard = started;
    let mut last = started;
    let mut due = [(ORDERS, ORDERS_PER_SECOND, 0.0), (PAYMENTS, PAYMENTS_PER_SECOND, 0.0)];
    let mut number: u64 = 0;
    while !stop.load(Ordering::Relaxed) {
        let elapsed = last.elapsed().as_secs_f64();
        last = Instant::now();
        for (topic, per_second, owed) in &mut due {
            // A second at most: after a pause the shop goes on, it doesn't catch up.
            *owed += *per_second * intensity(started.elapsed()) * elapsed.min(1.0);
            while *owed >= 1.0 {
                *owed -= 1.0;
                number += 1;
                send(&producer, topic, number)?;
            }
        }
        producer.poll(Duration::ZERO);
        thread::sleep(Duration::from_millis(50));
        if heard.elapsed() > Duration::from_secs(2) {
            match producer.client().fetch_metadata(Some(ORDERS), Duration::from_secs(2)) {
                Ok(_) => heard = Instant::now(),
                Err(error) if heard.elapsed() > BROKER_PATIENCE => {
                    return Err(error).with_context(|| format!("no answer from {bootstrap}"));
                }
                Err(_) => {}
            }
        }
    }
    producer.flush(Duration::from_secs(1)).or(Ok(()))
}

fn send(producer: &BaseProducer, topic: &str, number: u64) -> anyhow::Result<()> {
    // A few customers buy more than the others, so partitions differ.
    let customer = (number.wrapping_mul(2_654_435_761) % 1_000).pow(2) / 1_000;
    let key = format!("customer-{customer}");
    let value = format!(r#"{{"number":{number},"customer":{customer},"currency":"EUR"}}"#);
    match producer.send(BaseRecord::to(topic).key(&key).payload(&value)) {
        Ok(()) | Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => Ok(()),
        Err((error, _)) => Err(error).with_context(|| format!("cannot produce to {topic}")),
    }
}

fn consume(bootstrap: &str, group: Group, stop: &AtomicBool) -> anyhow::Result<()> {
    let consumer: BaseConsumer = client(bootstrap)
        .set("group.id", group.name)
        .set("group.protocol", group.protocol)
        .set("auto.offset.reset", "earliest")
        .set("auto.commit.interval.ms", "1000")
        .set("queued.max.messages.kbytes", "1024")
        .create()?;
    consumer.subscribe(&[group.topic])?;
    let started = Instant::now();
    let leaves = |now: Instant| group.leaves_after.is_some_and(|after| now - started > after);
    let mut consumed: u32 = 0;
    while !stop.load(Ordering::Relaxed) && !leaves(Instant::now()) {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(_)) => consumed += 1,
            Some(Err(error)) if consumer.client().fatal_error().is_some() => return Err(error.into()),
            // Everything else passes: a broker that is away for a moment, a coordinator that moves.
            Some(Err(_)) => thread::sleep(Duration::from_millis(200)),
            None => {}
        }
        if let Some(pace) = group.pace {
            // Sleeping in tenths of a second costs less than a nap after each record.
            if consumed >= pace / 10 {
                consumed = 0;
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
    if let Err(error) = consumer.commit_consumer_state(CommitMode::Sync)
        && !stop.load(Ordering::Relaxed)
    {
        return Err(error).with_context(|| format!("the last commit of {} failed", group.name));
    }
    Ok(())
}
