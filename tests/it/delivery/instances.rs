//! Several instances that watch the same: all judge, and one of them tells.

use serde_json::json;
use tempfile::TempDir;

use super::hook::Hook;
use super::{
    daemon_with, lag_rule, pipeline, wait_for_lag, wait_for_open, wait_for_told, webhook, write_settings,
};
use crate::kafka_server::wait::wait_until;
use crate::kafka_server::{KafkaCluster, KafkaVersion, PATIENCE, unique};
use crate::program::run;

#[test]
fn one_instance_tells_and_the_others_judge_in_silence_until_it_is_their_turn() {
    let cluster = KafkaCluster::shared(KafkaVersion::V4_1);
    let (servers, prefix, hook) = (cluster.bootstrap_server(), unique("instances-"), Hook::start());
    let (pulses, rules) = ([Hook::start(), Hook::start()], lag_rule(&prefix, 100));
    let [first, second]: [String; 2] = std::array::from_fn(|_| pipeline(cluster, &prefix));
    let settings = |pulse: &Hook, notify: bool| {
        let heartbeat = json!({ "name": "pulse", "heartbeat": { "url": pulse.url(), "interval": "10s" } });
        json!({ "notify": notify, "receivers": [webhook("hook", &hook.url()), heartbeat] })
    };
    let folders: [TempDir; 2] = std::array::from_fn(|_| TempDir::new().unwrap());
    let silent = daemon_with(&folders[1], &servers, &prefix, &rules, &settings(&pulses[1], false));
    let speaker = daemon_with(&folders[0], &servers, &prefix, &rules, &settings(&pulses[0], true));
    for daemon in [&speaker, &silent] {
        [&first, &second].iter().for_each(|group| wait_for_lag(daemon, group, 100.0));
    }

    cluster.produce(&first, 0, 1);
    wait_for_told(&hook, &speaker, &first, "firing");
    // The other one knows it all, owes nobody, and says why.
    let kept = wait_for_open(&silent, &first);
    assert_eq!(kept["deliveries"], json!([]), "{kept}");
    let (status, readiness) = silent.get("/readyz");
    assert_eq!(status, 200);
    assert!(readiness.contains("nobody is told by this instance"), "{readiness}");
    let page = silent.get("/metrics").1;
    assert!(
        !page.contains("plimsoll_receiver_up") && !page.contains("plimsoll_notifications_total"),
        "{page}"
    );

    wait_until("the one that tells calls its heartbeat", PATIENCE, || !pulses[0].attempts().is_empty());
    assert_eq!(pulses[1].attempts(), Vec::<i64>::new(), "one that tells nobody seems to be on watch");

    // They change places: what is open is told by the one that tells now, under the same key.
    write_settings(&folders[0], &servers, &prefix, &rules, &settings(&pulses[0], false));
    write_settings(&folders[1], &servers, &prefix, &rules, &settings(&pulses[1], true));
    [&speaker, &silent].iter().for_each(|daemon| daemon.signal("HUP"));
    wait_until("the first one is told to be silent", PATIENCE, || {
        speaker.get("/readyz").1.contains("nobody is told by this instance")
    });
    wait_until("the other heartbeat begins", PATIENCE, || !pulses[1].attempts().is_empty());
    wait_until("what goes on is told again", PATIENCE, || hook.told(&first, "firing").len() == 2);
    cluster.produce(&second, 0, 1);
    wait_for_open(&speaker, &second);
    wait_for_told(&hook, &silent, &second, "firing");
    [&first, &second].iter().for_each(|group| cluster.commit_offset(group, group, 0, 101));
    let ends = [&first, &second].map(|group| wait_for_told(&hook, &silent, group, "resolved"));
    wait_until("the silent one has seen the ends, too", PATIENCE, || {
        speaker.json("/api/v1/incidents?state=open")["incidents"] == json!([])
    });
    let prints = hook.told(&first, "firing").into_iter().map(|told| told.alert["fingerprint"].clone());
    assert!(prints.into_iter().all(|print| print == ends[0].alert["fingerprint"]));
    assert_eq!(hook.told(&second, "firing").len(), 1, "it was told by both");
    assert_eq!([&first, &second].map(|group| hook.told(group, "resolved").len()), [1, 1]);
}

#[test]
fn whoever_asks_is_told_that_an_instance_tells_nobody() {
    let folder = TempDir::new().unwrap();
    let receivers = json!({ "notify": false, "receivers": [webhook("hook", "http://hook.invalid")] });
    write_settings(&folder, "127.0.0.1:1", "a", &lag_rule("a", 1), &receivers);
    let file = folder.path().join("plimsoll.yaml");
    let file = file.to_str().unwrap();
    let checked = run(&["check", file]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(checked.out.contains("nobody is told by this instance"), "{}", checked.out);
    assert_eq!(run(&["check", "--json", file]).json()[0]["notify"], false);
    let routes = run(&["routes", "--config", file, "severity=page"]);
    assert_eq!(routes.code, Some(1), "{routes:?}");
    assert!(routes.error.contains("tells nobody"), "{}", routes.error);
}
