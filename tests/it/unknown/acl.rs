//! A user who may not see everything: what is hidden by an ACL is named where its name is known, and what Kafka
//! leaves out without a word is as docs/unmeasured.md says.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::{appended, end, lag, lag_sum};
use crate::kafka_server::admin::AclResource::{Cluster, Group, Topic};
use crate::kafka_server::{KafkaCluster, KafkaSpec, KafkaVersion, Security};
use crate::program::{Daemon, Page, Settings};

/// Two topics with 10 records each; the groups `late` and `hidden` are 3 behind in both. Of `hidden-topic` and
/// `hidden` nobody may describe anything; else `lister` may describe everything, `named` all groups and topics but
/// not the cluster, nor settings.
fn cluster(version: KafkaVersion) -> &'static KafkaCluster {
    static CLUSTERS: [OnceLock<KafkaCluster>; 2] = [OnceLock::new(), OnceLock::new()];
    CLUSTERS[version as usize].get_or_init(|| {
        let spec = KafkaSpec::new(version).security(Security::Scram).authorizer();
        let cluster = KafkaCluster::start(&spec.user("lister", "secret").user("named", "secret"));
        for topic in ["open-topic", "hidden-topic"] {
            cluster.create_topic(topic, 1, &[]);
            cluster.produce(topic, 0, 10);
            for group in ["late", "hidden"] {
                cluster.commit_offset(group, topic, 0, 7);
            }
        }
        cluster.allow("lister", &["Describe"], Cluster);
        cluster.allow("lister", &["Describe", "DescribeConfigs"], Topic("*"));
        cluster.allow("lister", &["Describe"], Group("*"));
        cluster.allow("named", &["Describe"], Topic("*"));
        cluster.allow("named", &["Describe"], Group("late"));
        cluster.deny("lister", &["Describe"], Topic("hidden-topic"));
        cluster.deny("named", &["Describe"], Topic("hidden-topic"));
        cluster.deny("lister", &["Describe"], Group("hidden"));
        cluster.deny("lister", &["Describe"], Topic("ghost-topic"));
        cluster
    })
}

fn daemon(cluster: &KafkaCluster, user: &str, keys: &Value) -> Daemon {
    let mut all = json!({ "poll_interval": "200ms" });
    all.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    Daemon::start(Settings::for_user(cluster, user, "secret", &all))
}

/// What is open is measured, what is hidden is absent, and `unmeasured` is all that is named.
fn check(daemon: &Daemon, unmeasured: &[(&str, &str, &str)]) {
    let page = daemon.wait_until_measured();
    assert_eq!(page.unmeasured(), unmeasured);
    assert_eq!(lag(&page, "late", "open-topic", 0), Some(3.0));
    assert_eq!(lag_sum(&page, "late", "open-topic"), Some(3.0));
    assert_eq!(end(&page, "open-topic", 0), Some(10.0));
    assert_eq!(page.gauges_with(&[("topic", "hidden-topic")]), Vec::<&str>::new());
    assert_eq!(
        page.value("kafka_consumergroup_lag_sum", &[("consumergroup", "hidden"), ("topic", "open-topic")]),
        None
    );

    let (status, body) = daemon.get("/readyz");
    let readiness: Value = serde_json::from_str(&body).unwrap();
    let told = readiness["clusters"][0]["unmeasured"].as_array().unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|it| [&it["subject"], &it["name"], &it["reason"]].map(|it| it.as_str().unwrap()))
        .collect();
    let expected: Vec<_> =
        unmeasured.iter().map(|(subject, name, reason)| [*subject, *name, *reason]).collect();
    assert_eq!((status, told), (200, expected));
}

#[test]
fn what_is_listed_or_in_the_settings_is_named() {
    for version in KafkaVersion::ALL {
        let topics = json!({ "topics": { "include": ["open-topic", "hidden-topic"] } });
        check(
            &daemon(cluster(version), "lister", &topics),
            &[("group", "hidden", "not_authorized"), ("topic", "hidden-topic", "not_authorized")],
        );
        // Without DESCRIBE on the cluster no group is listed that may not be described, but it can be asked for.
        let groups = json!({ "groups": { "include": ["late", "hidden"] }, "topics": { "include": ["open-*", "hidden-*"] } });
        check(
            &daemon(cluster(version), "named", &groups),
            &[("group", "hidden", "not_authorized"), ("topic", "open-topic", "not_authorized")],
        );
    }
}

#[test]
fn exact_names_that_do_not_exist_are_told() {
    for version in KafkaVersion::ALL {
        let keys = json!({
            "groups": { "include": ["late", "latte", "nobody-*"] },
            "topics": { "include": ["open-topic", "opentopic", "no-*"] },
        });
        check(
            &daemon(cluster(version), "lister", &keys),
            &[("group", "latte", "no_such_group"), ("topic", "opentopic", "no_such_topic")],
        );
    }
}

/// Kafka does not tell those who may not ask.
#[test]
fn exact_names_that_may_not_be_described_are_told_so_whether_they_exist_or_not() {
    for version in KafkaVersion::ALL {
        let topics = json!({ "topics": { "include": ["open-topic", "ghost-topic"] } });
        check(
            &daemon(cluster(version), "lister", &topics),
            &[("group", "hidden", "not_authorized"), ("topic", "ghost-topic", "not_authorized")],
        );
        let groups = json!({ "groups": { "include": ["late", "ghost"] } });
        check(
            &daemon(cluster(version), "named", &groups),
            &[("group", "ghost", "not_authorized"), ("topic", "open-topic", "not_authorized")],
        );
    }
}

/// The other sentences of docs/unmeasured.md, one by one.
#[test]
fn what_kafka_leaves_out_without_a_word_is_not_named() {
    for version in KafkaVersion::ALL {
        // Listing groups without DESCRIBE on the cluster: only those that may be described.
        let named = daemon(cluster(version), "named", &json!({}));
        // DESCRIBE_CONFIGS is missing: only what follows from the settings is absent.
        check(&named, &[("topic", "open-topic", "not_authorized")]);
        let page = named.metrics();
        let by_settings = |page: &Page| {
            let group = [("consumergroup", "late"), ("topic", "open-topic")];
            let partition = [("topic", "open-topic"), ("partition", "0")];
            (
                page.value("kafka_consumergroup_retention_eta_seconds", &group).is_some(),
                page.value("kafka_topic_partition_under_min_isr", &partition),
            )
        };
        assert_eq!(by_settings(&page), (false, None));

        // With it every group is listed, and those that may not be described are named; the topics that may not be
        // described are left out of metadata and out of the committed offsets.
        let lister = daemon(cluster(version), "lister", &json!({}));
        check(&lister, &[("group", "hidden", "not_authorized")]);
        assert_eq!(by_settings(&lister.metrics()), (true, Some(0.0)));
        let group = lister.json("/api/v1/groups/prod/late");
        assert_eq!((&group["lag"]["total"], group["topics"].as_array().unwrap().len()), (&json!(3), 1));
    }
}

#[test]
fn what_is_hidden_while_it_is_watched_stays_known_by_name() {
    for version in KafkaVersion::ALL {
        let spec = KafkaSpec::new(version).security(Security::Scram).authorizer().user("watch", "secret");
        let cluster = KafkaCluster::start(&spec);
        for topic in ["open-topic", "hidden-topic", "deleted-topic"] {
            cluster.create_topic(topic, 1, &[]);
            cluster.produce(topic, 0, 10);
            cluster.commit_offset("late", topic, 0, 7);
        }
        cluster.commit_offset("hidden", "open-topic", 0, 7);
        cluster.allow("watch", &["Describe", "DescribeConfigs"], Topic("*"));
        cluster.allow("watch", &["Describe"], Group("*"));
        let daemon = daemon(&cluster, "watch", &json!({}));
        let page = daemon.wait_until_measured();
        assert_eq!(page.unmeasured(), []);
        assert_eq!(lag_sum(&page, "late", "hidden-topic"), Some(3.0));
        assert_eq!(daemon.json("/api/v1/groups/prod/late")["lag"]["total"], 9);

        cluster.delete_topic("deleted-topic");
        cluster.produce("hidden-topic", 0, 5);
        daemon.wait_for("the records are seen", |page| appended(page, "hidden-topic") == Some(5.0));
        cluster.deny("watch", &["Describe"], Topic("hidden-topic"));
        cluster.deny("watch", &["Describe"], Group("hidden"));
        daemon.wait_for("both are hidden, and what was deleted is forgotten", |page| {
            page.unmeasured().len() == 2 && appended(page, "deleted-topic").is_none()
        });
        check(&daemon, &[("group", "hidden", "not_authorized"), ("topic", "hidden-topic", "not_authorized")]);
        let page = daemon.metrics();
        assert_eq!(appended(&page, "hidden-topic"), Some(5.0), "a counter stays");
        let group = daemon.json("/api/v1/groups/prod/late");
        assert_eq!(group["lag"].get("total"), None, "a sum without a part of it would be too small: {group}");
    }
}
