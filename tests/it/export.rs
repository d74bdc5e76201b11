//! `/metrics` as Prometheus reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use plimsoll::export::{BrokerRtt, Exporter, Exposition, OwnMetrics, render};
use plimsoll::model::{ClusterName, Metric, Severity, Snapshot, Timestamp};
use proptest::prelude::*;

use parser::{Labels, parse};

pub(crate) mod fixture;
pub(crate) mod parser;
mod properties;
mod slos;
pub(crate) mod verdicts;

/// The page of one tick over `snapshots`, with everything that the daemon says of itself.
pub(crate) fn page_of(snapshots: &[Snapshot]) -> String {
    let own = Arc::new(OwnMetrics::new().unwrap());
    let prod = ClusterName::from("prod");
    own.observe_cycle(&prod, Duration::from_millis(12));
    own.observe_request(&prod, "list_offsets", Duration::from_millis(3));
    own.observe_request(&prod, "list_groups", Duration::from_secs(100));
    own.set_time_lookup_budget(&prod, 500);
    own.observe_state_write(Duration::from_millis(9));
    own.set_state_file_bytes(1_589_248);
    own.settings_were_taken(Timestamp(1_790_000_000_250));
    own.count_notification("oncall", "delivered");
    own.set_receiver("oncall", Some(true), 0.5);
    // Of one that is not in the settings any more, nothing is shown.
    own.set_receiver("gone", Some(true), 9.0);
    own.forget_receiver("gone");
    own.set_incidents(&prod, Severity::Page, [("open", 2), ("silenced", 1)]);
    own.count_state_failure();
    own.count_scrape();
    let rtt = BrokerRtt {
        broker_id: 1,
        quantiles: vec![(0.5, 0.0012), (0.99, 0.02), (0.999, f64::NAN)],
        sum_seconds: 1.25,
        count: 640,
    };
    let exposition = Arc::new(Exposition::new());
    let mut exporter = Exporter::new(own, Arc::clone(&exposition));
    let snapshots: Vec<_> = snapshots.iter().cloned().map(Arc::new).collect();
    exporter.publish(&snapshots, &[(prod, vec![rtt])]).unwrap();
    String::from_utf8(exposition.plain().to_vec()).unwrap()
}

fn rendered(snapshots: &[Snapshot]) -> String {
    let snapshots: Vec<_> = snapshots.iter().cloned().map(Arc::new).collect();
    let mut page = Vec::new();
    render(&snapshots, &mut page);
    String::from_utf8(page).unwrap()
}

/// What differs from run to run and from release to release is replaced.
fn stable(page: &str) -> String {
    let line = |line: &str| match line.split_once(' ') {
        Some((name, _)) if name.starts_with("process_") => format!("{name} ?\n"),
        _ => format!("{line}\n"),
    };
    page.lines().map(line).collect::<String>().replace(env!("CARGO_PKG_VERSION"), "?")
}

fn golden(name: &str, page: &str) {
    insta::with_settings!({ snapshot_path => "../golden", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, page);
    });
}

#[test]
fn a_page_of_every_metric() {
    golden("metrics", &stable(&page_of(&[fixture::prod()])));
}

#[test]
fn a_cluster_that_is_down_keeps_its_counters_only() {
    golden("metrics_down", &rendered(&[fixture::prod_down()]));
}

#[test]
fn families_of_several_clusters_are_written_once() {
    let other = Snapshot { cluster: "test".into(), ..fixture::prod() };
    let both = parse(&rendered(&[fixture::prod(), other]));
    let one = parse(&rendered(&[fixture::prod()]));
    for (name, family) in &one {
        assert_eq!(both[name].samples.len(), 2 * family.samples.len(), "{name}");
    }
}

#[test]
fn the_page_and_the_catalogue_name_the_same_metrics() {
    let page = parse(&page_of(&[fixture::prod()]));
    let names: BTreeSet<&str> = page.keys().map(String::as_str).collect();
    let catalogue: BTreeSet<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    assert_eq!(names, catalogue);
    for metric in Metric::ALL {
        let family = &page[metric.name()];
        assert_eq!((family.help.as_str(), family.kind.as_str()), (metric.help(), metric.kind().label()));
        for (_, labels) in family.samples.keys() {
            let mut names: BTreeSet<&str> = labels.keys().map(String::as_str).collect();
            names.remove("le");
            names.remove("quantile");
            let catalogue: BTreeSet<&str> = metric.labels().iter().copied().collect();
            match metric {
                // has those that it needs, and its rule's own; see the golden page
                Metric::Alerts => {
                    let always = ["cluster", "alertname", "alertstate", "severity"];
                    assert!(always.iter().all(|label| names.contains(label)), "{names:?}");
                    assert!(names.is_subset(&(&catalogue | &BTreeSet::from(["team", "tier"]))), "{names:?}");
                }
                // of an SLO without a group or a topic, those are left out
                metric if catalogue.contains("slo") => {
                    names.extend(["consumergroup", "topic"]);
                    assert_eq!(names, catalogue, "{metric:?}");
                }
                _ => assert_eq!(names, catalogue, "{metric:?}"),
            }
        }
    }
}

#[test]
fn what_is_not_measured_has_no_series() {
    let page = parse(&rendered(&[fixture::prod()]));
    let check = |metric: Metric, wanted: &[(&str, &str)], expected: Option<&str>| {
        let wanted: Labels =
            wanted.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let is_wanted = |labels: &Labels| wanted.iter().all(|(name, value)| labels.get(name) == Some(value));
        let found: Vec<&str> = page[metric.name()]
            .samples
            .iter()
            .filter(|((_, labels), _)| is_wanted(labels))
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(found, Vec::from_iter(expected), "{metric:?} {wanted:?}");
    };
    let troubled = [("topic", "orders"), ("partition", "1")];
    check(Metric::PartitionCurrentOffset, &troubled, None);
    check(Metric::PartitionLeader, &troubled, None);
    check(Metric::PartitionOffline, &troubled, Some("1"));
    check(Metric::PartitionUnderMinIsr, &troubled, Some("1"));
    let billing = [("consumergroup", "billing/eu")];
    check(Metric::GroupLagSum, &billing, None);
    check(Metric::GroupLagSecondsMax, &billing, None);
    check(Metric::GroupRetentionEtaSeconds, &billing, None);
    check(Metric::GroupLag, &billing, Some("100"));
    check(Metric::GroupMembers, &billing, None);
    check(Metric::GroupStuck, &billing, None);
    check(Metric::GroupConsumedRecords, &billing, Some("0"));
    for metric in [Metric::GroupLag, Metric::GroupLagSum, Metric::GroupState, Metric::GroupStuck] {
        check(metric, &[("consumergroup", "secret")], None);
    }
    check(Metric::GroupLostRecords, &[("consumergroup", "secret")], Some("5"));
    for metric in [Metric::TopicPartitions, Metric::TopicAppendedRecords, Metric::PartitionReplicas] {
        check(metric, &[("topic", "hidden")], None);
    }
}

/// `promtool` warns of the names that are kafka_exporter's, and of nothing else.
#[test]
fn promtool_finds_nothing_but_the_inherited_names() {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is missing: `make deps` installs it");
    promtool.stdin.take().unwrap().write_all(page_of(&[fixture::prod()]).as_bytes()).unwrap();
    let answer = promtool.wait_with_output().unwrap();
    let complaints = String::from_utf8([answer.stdout, answer.stderr].concat()).unwrap();
    let complaints: BTreeSet<&str> = complaints.lines().filter(|line| !line.is_empty()).collect();
    let inherited = [Metric::GroupCurrentOffsetSum, Metric::GroupLagSum].map(|metric| {
        format!(r#"{} non-histogram and non-summary metrics should not have "_sum" suffix"#, metric.name())
    });
    assert_eq!(complaints, inherited.iter().map(String::as_str).collect());
}
