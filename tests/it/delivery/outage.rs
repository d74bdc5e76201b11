//! Receivers that are down, busy, mute, not to be trusted or nowhere: they are told in the end, and nobody waits for them.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::hook::{Hook, Manner, unix_now};
use super::{
    CROSSING, daemon_with, lag_rule, pipeline, wait_for_lag, wait_for_told, webhook, write_settings,
};
use crate::kafka_server::wait::{try_wait_for, wait_until};
use crate::kafka_server::{KafkaCluster, KafkaVersion, PATIENCE, unique};

/// Seconds that the busy one asks for.
const BUSY: u32 = 30;

/// How long the others stay in their trouble, in milliseconds.
const TROUBLE: i64 = 120_000;

fn with_timeout(mut receiver: Value) -> Value {
    receiver["timeout"] = json!("2s");
    receiver
}

#[test]
fn receivers_in_trouble_lose_nothing_and_delay_nobody() {
    let cluster = KafkaCluster::shared(KafkaVersion::V4_1);
    let (folder, servers, prefix) = (TempDir::new().unwrap(), cluster.bootstrap_server(), unique("trouble-"));
    let [goes_on, second, is_over]: [String; 3] = std::array::from_fn(|_| pipeline(cluster, &prefix));
    let (well, down, busy) =
        (Hook::start(), Hook::that_is(Manner::Unavailable), Hook::that_is(Manner::BusyOnce(BUSY)));
    let (mute, untrusted, gone) = (Hook::that_is(Manner::Mute), Hook::start(), Hook::start());
    let receivers = |untrusted: String, gone: String| {
        let each = [
            ("well", well.url()),
            ("down", down.url()),
            ("busy", busy.url()),
            ("mute", mute.url()),
            ("untrusted", untrusted),
            ("gone", gone),
        ];
        let each = each.map(|(name, url)| with_timeout(webhook(name, &url)));
        json!({ "receivers": each })
    };
    let rules = lag_rule(&prefix, 100);
    let in_trouble = receivers(untrusted.tls_url(), "http://plimsoll.invalid/hook".to_owned());
    let daemon = daemon_with(&folder, &servers, &prefix, &rules, &in_trouble);
    let groups = [&goes_on, &second, &is_over];
    groups.iter().for_each(|group| wait_for_lag(&daemon, group, 100.0));

    let begun = unix_now();
    // One after the other, so that each finds the others in their trouble.
    for group in groups {
        cluster.produce(group, 0, 1);
        let crossed = unix_now();
        let took = wait_for_told(&well, &daemon, group, "firing").at - crossed;
        assert!(took <= CROSSING, "{group} was told after {took} ms");
    }
    cluster.commit_offset(&is_over, &is_over, 0, 101);
    wait_for_told(&well, &daemon, &is_over, "resolved");

    // The busy one is not asked again before it wants to be; meanwhile the others stay in their trouble.
    wait_for_told(&busy, &daemon, &goes_on, "firing");
    let asked = busy.attempts();
    let pause = asked[1] - asked[0];
    assert!(pause >= i64::from(BUSY) * 1_000, "it was asked again after {pause} ms");
    for hook in [&down, &mute] {
        assert!(hook.all().is_empty() && hook.attempts().len() > 1, "{:?}", hook.attempts());
    }
    assert!(untrusted.all().is_empty() && gone.all().is_empty());
    let is_seen = |name: &str| {
        let (_, page) = daemon.get("/metrics");
        page.lines().any(|line| line == format!("plimsoll_receiver_up{{receiver=\"{name}\"}} 0"))
    };
    for name in ["down", "mute", "untrusted", "gone"] {
        assert!(try_wait_for(PATIENCE, || is_seen(name).then_some(())).is_some(), "{name} seems to be well");
    }

    wait_until("they were in trouble for minutes", 5 * PATIENCE, || unix_now() > begun + TROUBLE);
    // Everything is well again: what goes on is told, and so is what has come and gone.
    down.answer(Manner::Well);
    mute.answer(Manner::Well);
    write_settings(&folder, &servers, &prefix, &rules, &receivers(untrusted.url(), gone.url()));
    daemon.signal("HUP");
    for hook in [&down, &busy, &mute, &untrusted, &gone] {
        for group in [&goes_on, &second] {
            wait_for_told(hook, &daemon, group, "firing");
        }
        wait_for_told(hook, &daemon, &is_over, "resolved");
    }
    cluster.commit_offset(&goes_on, &goes_on, 0, 101);
    for hook in [&well, &down, &busy, &mute, &untrusted, &gone] {
        wait_for_told(hook, &daemon, &goes_on, "resolved");
        let fired = hook.told(&goes_on, "firing");
        assert_eq!(fired.len(), 1, "{fired:?}");
    }
}

#[test]
fn what_is_refused_is_seen_and_goes_to_the_fallback() {
    let cluster = KafkaCluster::shared(KafkaVersion::V4_1);
    let (folder, prefix) = (TempDir::new().unwrap(), unique("refused-"));
    let group = pipeline(cluster, &prefix);
    let (refusing, fallback) = (Hook::that_is(Manner::Refusing), Hook::start());
    let mut first = webhook("first", &refusing.url());
    first["fallback"] = json!("second");
    let others = json!({
        "receivers": [first, webhook("second", &fallback.url())],
        "routes": [{ "receivers": ["first"] }],
    });
    let servers = cluster.bootstrap_server();
    let daemon = daemon_with(&folder, &servers, &prefix, &lag_rule(&prefix, 100), &others);
    wait_for_lag(&daemon, &group, 100.0);
    cluster.produce(&group, 0, 1);
    wait_for_told(&fallback, &daemon, &group, "firing");
    let refused = "plimsoll_notifications_total{outcome=\"refused\",receiver=\"first\"} 1";
    wait_until("the refusal is counted and named", PATIENCE, || {
        let (_, page) = daemon.get("/metrics");
        page.lines().any(|line| line == refused) && daemon.get("/readyz").1.contains("first")
    });
    assert!(daemon.log().contains("400"), "{}", daemon.log());
    // Who has heard of its beginning hears of its end; the other is not asked again.
    cluster.commit_offset(&group, &group, 0, 101);
    wait_for_told(&fallback, &daemon, &group, "resolved");
    assert_eq!(refusing.attempts().len(), 1);
}
