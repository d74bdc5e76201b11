//! Whatever the names and values are, the page reads back as exactly what was measured.

use super::*;
use plimsoll::model::{
    GroupPartitionView, GroupTopicView, GroupView, Measured, Millis, Reason, Subject, TopicView, Unmeasured,
};

/// What may stand in a label: anything, and often what needs escaping.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[\\\\\"\n{}=,# a🦀é]{0,12}"]
}

fn measured<T: std::fmt::Debug + Clone>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Measured<T>> {
    prop_oneof![3 => value.prop_map(Ok), 1 => Just(Err(Reason::TimedOut))]
}

fn millis() -> impl Strategy<Value = Millis> {
    (0..1_u64 << 53).prop_map(Millis)
}

prop_compose! {
    fn group_partition()(
        committed in measured(any::<u64>()),
        lag in measured(any::<u64>()),
        time_lag in measured(millis()),
    ) -> GroupPartitionView {
        GroupPartitionView { partition: 0, committed, lag, time_lag, still_since: Ok(None) }
    }
}

prop_compose! {
    fn group_topic()(
        topic in text(),
        lag in measured(any::<u64>()),
        time_lag in measured(millis()),
        (consumed_total, lost_total) in any::<(u64, u64)>(),
        not_decreasing in measured(any::<bool>()),
        retention_eta in measured(proptest::option::of(millis())),
        partitions in proptest::collection::vec(group_partition(), 0..4),
    ) -> GroupTopicView {
        let numbered = (0..).zip(partitions).map(|(partition, view)| GroupPartitionView { partition, ..view });
        GroupTopicView {
            topic: topic.as_str().into(),
            lag,
            time_lag,
            committed_sum: lag,
            consumed_total,
            lost_total,
            consumed_per_second: Err(Reason::NotYetWatched),
            stuck: not_decreasing,
            not_decreasing,
            retention_eta,
            still_since: Err(Reason::NotYetWatched),
            latency: None,
            commits_total: Err(Reason::NotYetWatched),
            commit_interval: Err(Reason::NotYetWatched),
            partitions: numbered.collect(),
        }
    }
}

prop_compose! {
    fn group()(
        group in text(),
        commits in measured(Just(())),
        topics in proptest::collection::btree_map(text(), group_topic(), 0..3),
    ) -> GroupView {
        GroupView {
            group: group.as_str().into(),
            kind: Err(Reason::NotYetRead),
            state: Err(Reason::NotYetRead),
            members: Err(Reason::NotYetRead),
            stuck: Err(Reason::NotYetWatched),
            commits,
            topics: topics
                .into_iter()
                .map(|(name, topic)| GroupTopicView { topic: name.as_str().into(), ..topic })
                .collect(),
        }
    }
}

prop_compose! {
    fn snapshot()(
        cluster in text(),
        up in measured(Just(())),
        cluster_id in proptest::option::of(text()),
        topics in proptest::collection::btree_map(text(), any::<u64>(), 0..3),
        groups in proptest::collection::btree_map(text(), group(), 0..3),
        unmeasured in proptest::collection::btree_set(text(), 0..3),
    ) -> Snapshot {
        let template = fixture::prod().topics[1].clone();
        Snapshot {
            cluster: cluster.as_str().into(),
            up,
            cluster_id,
            topics: topics
                .into_iter()
                .map(|(name, appended_total)| TopicView {
                    topic: name.as_str().into(),
                    appended_total,
                    ..template.clone()
                })
                .collect(),
            groups: groups
                .into_iter()
                .map(|(name, group)| GroupView { group: name.as_str().into(), ..group })
                .collect(),
            unmeasured: unmeasured
                .into_iter()
                .map(|name| Unmeasured { subject: Subject::Group, name, reason: Reason::TimedOut })
                .collect(),
            ..fixture::prod()
        }
    }
}

/// Series → value, for the families that `expected` covers. An empty label is the same as none.
type Series = BTreeMap<(&'static str, Labels), String>;

#[derive(Default)]
struct Expected {
    series: Series,
}

impl Expected {
    fn add(&mut self, metric: Metric, values: &[&str], value: Option<String>) {
        let Some(value) = value else { return };
        let labels =
            metric.labels().iter().zip(values).map(|(label, value)| (label.to_string(), value.to_string()));
        self.series.insert((metric.name(), without_empty(labels.collect())), value);
    }
}

fn without_empty(labels: Labels) -> Labels {
    labels.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

fn seconds(length: Millis) -> String {
    let text = format!("{}.{:03}", length.0 / 1000, length.0 % 1000);
    text.strip_suffix(".000").map(str::to_owned).unwrap_or(text)
}

fn expected(snapshot: &Snapshot) -> Series {
    let mut expected = Expected::default();
    let cluster = snapshot.cluster.as_str();
    let is_up = snapshot.up.is_ok();
    expected.add(Metric::Up, &[cluster], Some(u8::from(is_up).to_string()));
    let id = snapshot.cluster_id.as_deref().unwrap_or("");
    expected.add(Metric::ClusterInfo, &[cluster, "polled", id], is_up.then(|| "1".to_owned()));
    if !is_up {
        expected.add(Metric::Unmeasured, &[cluster, "cluster", cluster, "timed_out"], Some("1".to_owned()));
    }
    for item in &snapshot.unmeasured {
        expected.add(Metric::Unmeasured, &[cluster, "group", &item.name, "timed_out"], Some("1".to_owned()));
    }
    for topic in &snapshot.topics {
        let labels = [cluster, topic.topic.as_str()];
        expected.add(Metric::TopicAppendedRecords, &labels, Some(topic.appended_total.to_string()));
    }
    for group in &snapshot.groups {
        let is_read = is_up && group.commits.is_ok();
        let gauge = |value: Measured<u64>| value.ok().filter(|_| is_read).map(|value| value.to_string());
        let length = |value: Option<Millis>| value.filter(|_| is_read).map(seconds);
        for topic in &group.topics {
            let labels = [cluster, group.group.as_str(), topic.topic.as_str()];
            expected.add(Metric::GroupConsumedRecords, &labels, Some(topic.consumed_total.to_string()));
            expected.add(Metric::GroupLostRecords, &labels, Some(topic.lost_total.to_string()));
            expected.add(Metric::GroupLagSum, &labels, gauge(topic.lag));
            expected.add(Metric::GroupCurrentOffsetSum, &labels, gauge(topic.committed_sum));
            expected.add(Metric::GroupLagSecondsMax, &labels, length(topic.time_lag.ok()));
            expected.add(Metric::GroupNotDecreasing, &labels, gauge(topic.not_decreasing.map(u64::from)));
            expected.add(
                Metric::GroupRetentionEtaSeconds,
                &labels,
                length(topic.retention_eta.ok().flatten()),
            );
            for view in &topic.partitions {
                let number = view.partition.to_string();
                let labels = [labels[0], labels[1], labels[2], &number];
                expected.add(Metric::GroupCurrentOffset, &labels, gauge(view.committed));
                expected.add(Metric::GroupLag, &labels, gauge(view.lag));
                expected.add(Metric::GroupLagSeconds, &labels, length(view.time_lag.ok()));
            }
        }
    }
    expected.series
}

const COVERED: [Metric; 14] = [
    Metric::Up,
    Metric::ClusterInfo,
    Metric::Unmeasured,
    Metric::TopicAppendedRecords,
    Metric::GroupConsumedRecords,
    Metric::GroupLostRecords,
    Metric::GroupLagSum,
    Metric::GroupCurrentOffsetSum,
    Metric::GroupLagSecondsMax,
    Metric::GroupNotDecreasing,
    Metric::GroupRetentionEtaSeconds,
    Metric::GroupCurrentOffset,
    Metric::GroupLag,
    Metric::GroupLagSeconds,
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_page_reads_back_as_what_was_measured(snapshot in snapshot()) {
        let page = parse(&rendered(std::slice::from_ref(&snapshot)));
        let mut read = Series::new();
        for metric in COVERED {
            for ((name, labels), value) in page.get(metric.name()).map(|family| &family.samples).into_iter().flatten() {
                prop_assert_eq!(name, metric.name());
                read.insert((metric.name(), without_empty(labels.clone())), value.clone());
            }
        }
        prop_assert_eq!(read, expected(&snapshot));
    }
}
