//! The plays, one for each way in which watching is disturbed. What disturbs only the daemon happens to several daemons
//! that watch the same play; what disturbs Kafka itself has a cluster of its own.

use rdkafka::consumer::{BaseConsumer, Consumer};

use super::judge::{Fate, Told};
use super::pipelines::{all, few};
use super::play::{Clock, play, set_up};
use super::script::{END, Pipeline};
use super::truth::Truth;
use super::watching::{Watching, sample_until};
use crate::kafka_server::wait::wait_until;
use crate::kafka_server::{KafkaCluster, KafkaSpec, KafkaVersion, PATIENCE};

/// Between these times the daemon that is killed is away, the broker is stopped, or both.
const STOPPED: u64 = 5_000;
const BACK: u64 = 8_000;

fn stage(version: KafkaVersion, pipelines: &[Pipeline]) -> KafkaCluster {
    let cluster = KafkaCluster::start(&KafkaSpec::new(version));
    set_up(&cluster, pipelines);
    cluster
}

/// Plays, and reads what has become of every record.
fn truth_of(cluster: &KafkaCluster, pipelines: &[Pipeline], meanwhile: impl FnOnce(Clock)) -> Truth {
    let commits = cluster.follow_commits();
    wait_until("the first commits are read", PATIENCE, || commits.so_far().len() >= pipelines.len());
    let played = play(cluster, pipelines, meanwhile);
    let truth = Truth::read(cluster, pipelines, &played, &commits);
    expect_hard_enough(&truth, pipelines);
    truth
}

/// Kills it, lets `meanwhile` happen, and starts it again.
fn away(watching: &mut Watching, meanwhile: impl FnOnce()) {
    watching.kill();
    meanwhile();
    watching.start_again();
}

/// Where each partition of the commit log ends.
fn ends(cluster: &KafkaCluster) -> Vec<u64> {
    let client: BaseConsumer = cluster.client_config(&[]).create().unwrap();
    let partitions = 0..cluster.leaders("__consumer_offsets").unwrap().len() as i32;
    let end =
        |partition| client.fetch_watermarks("__consumer_offsets", partition, PATIENCE).unwrap().1 as u64;
    partitions.map(end).collect()
}

/// There are good and bad records at thresholds in the middle and at the end, else a play would show nothing.
fn expect_hard_enough(truth: &Truth, pipelines: &[Pipeline]) {
    for within in [500, 5_000, 30_000] {
        let fates: Vec<Fate> = pipelines
            .iter()
            .flat_map(|pipeline| truth.histories(pipeline.name))
            .flat_map(|history| history.fates(within, Told::default()))
            .collect();
        let certain =
            |is: fn(&Fate) -> bool| fates.iter().filter(|fate| is(fate) && !fate.unmeasured).count();
        assert!(certain(|fate| fate.good) > 50, "hardly anything is good within {within} ms");
        assert!(certain(|fate| fate.bad) > 50, "hardly anything is late for {within} ms");
    }
}

/// All of them, so that one that fails does not hide the others.
fn expect_truth(watched: &[(&Watching, &Truth)]) {
    let wrong: Vec<String> =
        watched.iter().filter_map(|(watching, truth)| watching.compare(truth).err()).collect();
    assert!(wrong.is_empty(), "the counts are not the truth\n{}", wrong.join("\n"));
}

#[test]
fn counts_are_true_undisturbed_after_a_crash_and_by_a_wrong_clock() {
    let pipelines = all(10_000, true);
    let cluster = stage(KafkaVersion::V4_1, &pipelines);
    let mut undisturbed = Watching::start("undisturbed", &cluster, &pipelines);
    let mut killed = Watching::start("killed", &cluster, &pipelines);
    let mut ahead = Watching::start_with_clock("clock 5 s ahead", &cluster, &pipelines, 5);
    let mut behind = Watching::start_with_clock("clock 5 s behind", &cluster, &pipelines, -5);
    for watching in [&undisturbed, &killed, &ahead, &behind] {
        watching.wait_until_it_watches();
    }
    let truth = truth_of(&cluster, &pipelines, |clock| {
        sample_until(&mut [&mut undisturbed, &mut killed, &mut ahead, &mut behind], clock, STOPPED);
        away(&mut killed, || sample_until(&mut [&mut undisturbed, &mut ahead, &mut behind], clock, BACK));
        sample_until(&mut [&mut undisturbed, &mut killed, &mut ahead, &mut behind], clock, END);
    });
    expect_truth(&[(&undisturbed, &truth), (&killed, &truth), (&ahead, &truth), (&behind, &truth)]);
    undisturbed.expect_time_lags(&truth);
}

#[test]
fn counts_are_true_after_a_restart_of_the_broker_and_a_crash_during_it() {
    let pipelines = all(13_000, false);
    let cluster = stage(KafkaVersion::V4_1, &pipelines);
    let mut watching = Watching::start("broker restarted", &cluster, &pipelines);
    let mut killed = Watching::start("broker restarted and killed", &cluster, &pipelines);
    watching.wait_until_it_watches();
    killed.wait_until_it_watches();
    let truth = truth_of(&cluster, &pipelines, |clock| {
        sample_until(&mut [&mut watching, &mut killed], clock, STOPPED);
        away(&mut killed, || {
            cluster.stop_broker(1);
            sample_until(&mut [&mut watching], clock, BACK);
            cluster.start_broker(1);
        });
        sample_until(&mut [&mut watching, &mut killed], clock, END);
    });
    expect_truth(&[(&watching, &truth), (&killed, &truth)]);
}

#[test]
fn what_compaction_took_while_the_daemon_was_away_is_unmeasured_and_never_late() {
    let pipelines = few(10_000);
    let cluster = stage(KafkaVersion::V4_1, &pipelines);
    let mut watching = Watching::start("compacted", &cluster, &pipelines);
    watching.wait_until_it_watches();
    cluster.alter_topic_config("__consumer_offsets", "min.cleanable.dirty.ratio", "0.01");
    let truth = truth_of(&cluster, &pipelines, |clock| {
        sample_until(&mut [&mut watching], clock, STOPPED - 1_000);
        away(&mut watching, || {
            // Only closed segments are compacted.
            cluster.alter_topic_config("__consumer_offsets", "segment.ms", "1000");
            let committed = ends(&cluster);
            clock.wait_until(BACK + 1_000);
            wait_until("what was committed meanwhile is compacted", 4 * PATIENCE, || {
                let compacted = cluster.compacted_to("__consumer_offsets");
                (0..)
                    .zip(&committed)
                    .all(|(partition, end)| compacted.get(&partition).is_some_and(|to| to > end))
            });
            cluster.alter_topic_config("__consumer_offsets", "segment.ms", "604800000");
        });
        sample_until(&mut [&mut watching], clock, END);
    });
    expect_truth(&[(&watching, &truth.seen_compacted())]);
    assert!(watching.unmeasured() > 0, "nothing was compacted, or what was is called by a name of its own");
}

#[test]
fn counts_are_true_on_kafka_3() {
    let pipelines = few(10_000);
    let cluster = stage(KafkaVersion::V3_9, &pipelines);
    let mut undisturbed = Watching::start("undisturbed", &cluster, &pipelines);
    let mut killed = Watching::start("killed", &cluster, &pipelines);
    undisturbed.wait_until_it_watches();
    killed.wait_until_it_watches();
    let truth = truth_of(&cluster, &pipelines, |clock| {
        sample_until(&mut [&mut undisturbed, &mut killed], clock, STOPPED);
        away(&mut killed, || sample_until(&mut [&mut undisturbed], clock, BACK));
        sample_until(&mut [&mut undisturbed, &mut killed], clock, END);
    });
    expect_truth(&[(&undisturbed, &truth), (&killed, &truth)]);
    undisturbed.expect_time_lags(&truth);
}
