//! Whatever the names and values are, the page reads back as exactly what was measured.

use super::*;
use plimsoll::model::{
    AlertState, AlertView, Counts, GroupPartitionView, GroupTopicView, GroupView, LatencyHistogram, Measured,
    MetricKind, Millis, Reason, SloInfo, SloState, SloView, Subject, TopicView, Unmeasured,
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

fn histogram(counts: [u64; 3]) -> LatencyHistogram {
    let bounds = [Millis(100), Millis(2_000)].into();
    LatencyHistogram { bounds, counts: counts.to_vec(), estimated: vec![0, 0] }
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
        commits_total in measured(any::<u64>()),
        commit_interval in measured(millis()),
        latency in proptest::option::of(proptest::array::uniform3(0..1_u64 << 60)),
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
            latency: latency.map(|counts| Arc::new(histogram(counts))),
            commits_total,
            commit_interval,
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

/// The rule's own labels: names that Prometheus takes, that it does not, and that are the daemon's.
fn own_labels() -> impl Strategy<Value = Arc<BTreeMap<Arc<str>, Arc<str>>>> {
    let name = prop_oneof![text(), "[a-c_0]{1,3}", Just("severity".to_owned()), Just("topic".to_owned())];
    let labels = proptest::collection::btree_map(name, text(), 0..4);
    labels.prop_map(|labels| {
        Arc::new(labels.iter().map(|(name, it)| (name.as_str().into(), it.as_str().into())).collect())
    })
}

prop_compose! {
    fn slo()(
        state in prop_oneof![
            Just(SloState::Ok), Just(SloState::Unmeasured), Just(SloState::Ticket), Just(SloState::Page)
        ],
        group in proptest::option::of(text()),
        is_explained in any::<bool>(),
        unmeasured_alert in any::<bool>(),
        good in any::<u64>(),
        labels in own_labels(),
    ) -> SloView {
        let view = verdicts::orders_on_time();
        SloView {
            slo: Arc::new(SloInfo { labels, ..(*view.slo).clone() }),
            state,
            group: group.map(|group| group.as_str().into()),
            because: is_explained.then(|| verdicts::because("why", "why")),
            unmeasured_alert,
            total: Counts { good, bad: 0, unmeasured: 0 },
            ..view
        }
    }
}

prop_compose! {
    fn alert()(
        is_firing in any::<bool>(),
        topic in proptest::option::of(text()),
        partition in proptest::option::of(any::<u32>()),
        labels in own_labels(),
    ) -> AlertView {
        AlertView {
            state: if is_firing { AlertState::Firing } else { AlertState::Pending },
            topic: topic.map(|topic| topic.as_str().into()),
            partition,
            labels,
            ..verdicts::alert("")
        }
    }
}

fn named(name: &str, view: SloView) -> SloView {
    SloView { slo: Arc::new(SloInfo { name: name.into(), ..(*view.slo).clone() }), ..view }
}

prop_compose! {
    fn snapshot()(
        cluster in text(),
        up in measured(Just(())),
        cluster_id in proptest::option::of(text()),
        topics in proptest::collection::btree_map(text(), any::<u64>(), 0..3),
        groups in proptest::collection::btree_map(text(), group(), 0..3),
        unmeasured in proptest::collection::btree_set(text(), 0..3),
        slos in proptest::collection::btree_map(text(), slo(), 0..3),
        alerts in proptest::collection::btree_map(text(), alert(), 0..3),
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
            slos: slos.into_iter().map(|(name, view)| named(&name, view)).collect(),
            alerts: alerts
                .into_iter()
                // no alert is named as an SLO is
                .map(|(name, view)| AlertView { name: format!("alert {name}").into(), ..view })
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
    /// `None` is the count.
    fn bucket(&mut self, values: [&str; 3], le: Option<&str>, records: u64) {
        let named = Metric::GroupLatencySeconds.labels().iter().copied().zip(values);
        let labels = named.chain(le.map(|le| ("le", le)));
        let labels = labels.map(|(label, value)| (label.to_owned(), value.to_owned())).collect();
        self.series.insert((Metric::GroupLatencySeconds.name(), without_empty(labels)), records.to_string());
    }

    /// Also the rule's own labels: those with a name that Prometheus takes and that none of the daemon's has.
    fn alert(&mut self, values: [&str; 9], own: &BTreeMap<Arc<str>, Arc<str>>) {
        self.add(Metric::Alerts, &values, Some("1".to_owned()));
        let bare = Metric::Alerts.labels().iter().zip(values);
        let bare = without_empty(bare.map(|(label, value)| (label.to_string(), value.to_owned())).collect());
        let mut labels = bare.clone();
        let start = |char: char| char.is_ascii_alphabetic() || char == '_';
        for (name, value) in own {
            let is_name =
                name.starts_with(start) && name.chars().all(|char| start(char) || char.is_ascii_digit());
            if is_name && !name.starts_with("__") && !Metric::Alerts.labels().contains(&&**name) {
                labels.insert(name.to_string(), value.to_string());
            }
        }
        let value = self.series.remove(&(Metric::Alerts.name(), bare)).unwrap();
        self.series.insert((Metric::Alerts.name(), without_empty(labels)), value);
    }

    fn slo(&mut self, snapshot: &Snapshot, view: &SloView) {
        let (cluster, name) = (snapshot.cluster.as_str(), &*view.slo.name);
        let group = view.group.as_ref().map_or("", |group| group.as_str());
        let place = [cluster, name, group, "orders"];
        self.add(Metric::SloObjectiveRatio, &place, Some("0.999".to_owned()));
        let says_nothing = view.state == SloState::Unmeasured && view.total.is_empty();
        let good = (!says_nothing).then(|| view.total.good.to_string());
        for (outcome, count) in [("good", good.clone()), ("bad", good.clone().map(|_| "0".to_owned()))] {
            self.add(Metric::SloEvents, &[cluster, name, group, "orders", outcome], count);
        }
        self.add(
            Metric::SloEvents,
            &[cluster, name, group, "orders", "unmeasured"],
            good.map(|_| "0".to_owned()),
        );
        if snapshot.up.is_ok() {
            for (window, rate) in [("5m", "150.25"), ("1h", "15"), ("30d", "7.25")] {
                let labels = [cluster, name, group, "orders", window];
                self.add(Metric::SloBurnRateRatio, &labels, Some(rate.to_owned()));
            }
        }
        let why = match (&view.because, view.state) {
            (Some(_), _) => Some("why"),
            (None, SloState::Unmeasured) => Some("low_coverage"),
            _ => None,
        };
        if let Some(why) = why {
            self.add(Metric::Unmeasured, &[cluster, "slo", name, why], Some("1".to_owned()));
        }
        let severity = match view.state {
            SloState::Page => Some("page"),
            SloState::Ticket => Some("ticket"),
            SloState::Ok | SloState::Unmeasured => None,
        };
        let alert =
            |severity, unmeasured| [cluster, name, "firing", severity, name, group, "orders", "", unmeasured];
        if let Some(severity) = severity {
            self.alert(alert(severity, ""), &view.slo.labels);
        }
        if view.unmeasured_alert {
            self.alert(alert("ticket", "true"), &view.slo.labels);
        }
    }

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
    expected.add(
        Metric::ClusterInfo,
        &[cluster, snapshot.commit_source.label(), id],
        is_up.then(|| "1".to_owned()),
    );
    if !is_up {
        expected.add(Metric::Unmeasured, &[cluster, "cluster", cluster, "timed_out"], Some("1".to_owned()));
    }
    for item in &snapshot.unmeasured {
        expected.add(Metric::Unmeasured, &[cluster, "group", &item.name, "timed_out"], Some("1".to_owned()));
    }
    for view in &snapshot.slos {
        expected.slo(snapshot, view);
    }
    for view in &snapshot.alerts {
        let topic = view.topic.as_ref().map_or("", |topic| topic.as_str());
        let partition = view.partition.map(|partition| partition.to_string()).unwrap_or_default();
        let (state, group) = (view.state.label(), "billing/eu");
        let labels = [cluster, &view.name, state, "ticket", "", group, topic, &partition, ""];
        expected.alert(labels, &view.labels);
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
            expected.add(Metric::GroupCommits, &labels, topic.commits_total.ok().map(|it| it.to_string()));
            expected.add(Metric::GroupCommitIntervalSeconds, &labels, length(topic.commit_interval.ok()));
            if let Some(histogram) = &topic.latency {
                let [first, second, third] = [0, 1, 2].map(|at| histogram.counts[at]);
                expected.bucket(labels, Some("0.1"), first);
                expected.bucket(labels, Some("2"), first + second);
                expected.bucket(labels, Some("+Inf"), first + second + third);
                expected.bucket(labels, None, first + second + third);
            }
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

const COVERED: [Metric; 21] = [
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
    Metric::GroupCommits,
    Metric::GroupCommitIntervalSeconds,
    Metric::GroupLatencySeconds,
    Metric::SloObjectiveRatio,
    Metric::SloEvents,
    Metric::SloBurnRateRatio,
    Metric::Alerts,
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_page_reads_back_as_what_was_measured(snapshot in snapshot()) {
        let page = parse(&rendered(std::slice::from_ref(&snapshot)));
        let mut read = Series::new();
        for metric in COVERED {
            for ((name, labels), value) in page.get(metric.name()).map(|family| &family.samples).into_iter().flatten() {
                let suffix = if labels.contains_key("le") { "_bucket" } else { "_count" };
                let suffix = if metric.kind() == MetricKind::Histogram { suffix } else { "" };
                prop_assert_eq!(name, &format!("{}{suffix}", metric.name()));
                read.insert((metric.name(), without_empty(labels.clone())), value.clone());
            }
        }
        prop_assert_eq!(read, expected(&snapshot));
    }
}
