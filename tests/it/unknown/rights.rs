//! The commands of docs/security.md grant what is needed, and without each of them exactly what it says is lost.

use serde_json::{Value, json};

use super::{end, lag, lag_sum};
use crate::kafka_server::admin::AclResource::Group;
use crate::kafka_server::{KafkaCluster, KafkaSpec, KafkaVersion, Security};
use crate::program::{Daemon, Page, Settings};

/// Each grants one right.
fn commands() -> Vec<String> {
    let document = std::fs::read_to_string("docs/security.md").unwrap();
    let commands = document.lines().filter(|line| line.starts_with("kafka-acls.sh "));
    commands.map(str::to_owned).collect()
}

/// Runs them for `user`, but for the one that says `without`.
fn grant(cluster: &KafkaCluster, user: &str, without: Option<&str>) {
    let (commands, server) = (commands(), cluster.inner_bootstrap_server());
    let is_left_out = |command: &String| without.is_some_and(|without| command.ends_with(without));
    let (left_out, granted): (Vec<_>, Vec<_>) = commands.into_iter().partition(is_left_out);
    assert_eq!(left_out.len(), usize::from(without.is_some()), "{without:?} is one command: {left_out:?}");
    for command in granted {
        let arguments = command.split(' ').skip(1).map(|argument| match argument {
            "kafka:9092" => server.clone(),
            "User:plimsoll" => format!("User:{user}"),
            argument => argument.trim_matches('\'').to_owned(),
        });
        let arguments: Vec<String> = arguments.collect();
        cluster.acls(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

/// What a daemon of that user comes to know.
#[derive(Debug, PartialEq)]
struct Seen {
    end: Option<f64>,
    lag: Option<f64>,
    lag_sum: Option<f64>,
    has_retention_eta: bool,
    under_min_isr: Option<f64>,
    commit_source: &'static str,
    unmeasured: Vec<(String, String, String)>,
}

impl Seen {
    fn everything() -> Seen {
        Seen {
            end: Some(10.0),
            lag: Some(3.0),
            lag_sum: Some(3.0),
            has_retention_eta: true,
            under_min_isr: Some(0.0),
            commit_source: "commit_log",
            unmeasured: Vec::new(),
        }
    }

    fn on(page: &Page) -> Seen {
        let group = [("consumergroup", "late"), ("topic", "orders")];
        let partition = [("topic", "orders"), ("partition", "0")];
        let reads = |source| page.has("plimsoll_cluster_info", ("commit_source", source));
        let unmeasured = page.unmeasured();
        Seen {
            end: end(page, "orders", 0),
            lag: lag(page, "late", "orders", 0),
            lag_sum: lag_sum(page, "late", "orders"),
            has_retention_eta: page.value("kafka_consumergroup_retention_eta_seconds", &group).is_some(),
            under_min_isr: page.value("kafka_topic_partition_under_min_isr", &partition),
            commit_source: if reads("commit_log") { "commit_log" } else { "polled" },
            unmeasured: unmeasured
                .into_iter()
                .map(|(subject, name, reason)| (subject.to_owned(), name.to_owned(), reason.to_owned()))
                .collect(),
        }
    }
}

fn check(cluster: &KafkaCluster, user: &str, keys: &Value, expected: &Seen) -> Daemon {
    let daemon = Daemon::start(Settings::for_user(cluster, user, "secret", keys));
    daemon.wait_until_measured();
    daemon.wait_for(&format!("{user} sees {expected:?}"), |page| Seen::on(page) == *expected);
    daemon
}

fn not_authorized(subject: &str, name: &str) -> Vec<(String, String, String)> {
    vec![(subject.to_owned(), name.to_owned(), "not_authorized".to_owned())]
}

#[test]
fn the_least_rights_show_everything_and_without_each_the_named_loss_appears() {
    let users = ["all", "topics", "groups", "log", "configs", "cluster"];
    let spec = KafkaSpec::new(KafkaVersion::V4_1).security(Security::Scram).authorizer();
    let cluster = KafkaCluster::start(&users.iter().fold(spec, |spec, user| spec.user(user, "secret")));
    cluster.create_topic("orders", 1, &[]);
    cluster.produce("orders", 0, 10);
    cluster.commit_offset("late", "orders", 0, 7);
    let everything = Seen::everything;
    let keys = json!({ "groups": { "exclude": ["console-consumer-*"] } });

    grant(&cluster, "all", None);
    check(&cluster, "all", &keys, &everything());

    grant(&cluster, "topics", Some("--operation Describe --topic '*'"));
    let hidden = Seen {
        end: None,
        lag: None,
        lag_sum: None,
        has_retention_eta: false,
        under_min_isr: None,
        ..everything()
    };
    check(&cluster, "topics", &keys, &hidden);
    let named = json!({ "topics": { "include": ["orders"] } });
    check(&cluster, "topics", &named, &Seen { unmeasured: not_authorized("topic", "orders"), ..hidden });

    grant(&cluster, "groups", Some("--operation Describe --group '*'"));
    let unmeasured = not_authorized("group", "late");
    let without_groups =
        Seen { lag: None, lag_sum: None, has_retention_eta: false, unmeasured, ..everything() };
    check(&cluster, "groups", &keys, &without_groups);

    grant(&cluster, "log", Some("--operation Read --topic __consumer_offsets"));
    check(&cluster, "log", &keys, &Seen { commit_source: "polled", ..everything() });

    grant(&cluster, "configs", Some("--operation DescribeConfigs --topic '*'"));
    let unmeasured = not_authorized("topic", "orders");
    let without_configs = Seen { has_retention_eta: false, under_min_isr: None, unmeasured, ..everything() };
    check(&cluster, "configs", &keys, &without_configs);

    // Nothing is lost but the names of those that may not be described.
    grant(&cluster, "cluster", Some("--operation Describe --cluster"));
    check(&cluster, "cluster", &keys, &everything());
    cluster.commit_offset("hidden", "orders", 0, 7);
    for user in ["all", "cluster"] {
        cluster.deny(user, &["Describe"], Group("hidden"));
    }
    let unmeasured = not_authorized("group", "hidden");
    check(&cluster, "all", &keys, &Seen { unmeasured, ..everything() });
    check(&cluster, "cluster", &keys, &everything());
}
