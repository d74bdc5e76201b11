use crate::model::{
    ClockSource, ClusterName, CommitSource, GroupId, GroupPartitionView, GroupState, GroupTopicView,
    GroupType, GroupView, Measured, Member, Partition, PartitionObservation, Reason, Timestamp, Unmeasured,
};

use super::*;

/// A partition's number, committed offset, end and time lag in milliseconds.
type Place = (Partition, Measured<u64>, Measured<u64>, Measured<u64>);

/// A member's client id, host and assignment.
type Who<'a> = (&'a str, &'a str, &'a [(&'a str, Partition)]);

fn topic(name: &str, ends: &[Measured<u64>], rate: Measured<f64>) -> TopicView {
    let partition = |end: &Measured<u64>| PartitionObservation {
        leader: Some(1),
        preferred_leader: Some(1),
        replicas: 1,
        in_sync_replicas: 1,
        end: *end,
        log_start: Ok(0),
        last_stable: *end,
    };
    TopicView {
        topic: name.into(),
        id: Err(Reason::NotYetRead),
        configs: Err(Reason::NotYetRead),
        appended_total: 0,
        appended_per_second: rate,
        partitions: ends.iter().map(partition).collect(),
    }
}

fn reads(name: &str, places: &[Place], rate: Measured<f64>) -> GroupTopicView {
    let partition = |(partition, committed, end, time_lag): &Place| GroupPartitionView {
        partition: *partition,
        committed: *committed,
        lag: committed.and_then(|committed| end.map(|end| end - committed)),
        time_lag: time_lag.map(Millis),
        still_since: Ok(None),
    };
    let partitions: Vec<_> = places.iter().map(partition).collect();
    GroupTopicView {
        topic: name.into(),
        lag: partitions.iter().map(|it| it.lag).sum(),
        time_lag: partitions.iter().try_fold(Millis(0), |worst, it| it.time_lag.map(|time| time.max(worst))),
        committed_sum: partitions.iter().map(|it| it.committed).sum(),
        consumed_total: 0,
        lost_total: 0,
        consumed_per_second: rate,
        stuck: Ok(false),
        not_decreasing: Ok(false),
        retention_eta: Ok(None),
        still_since: Err(Reason::NotYetWatched),
        latency: None,
        commits_total: Err(Reason::NotYetWatched),
        commit_interval: Err(Reason::NotYetWatched),
        partitions,
    }
}

fn group(name: &str, members: &[Who<'_>], topics: Vec<GroupTopicView>) -> GroupView {
    let member = |(client_id, host, assignment): &Who<'_>| Member {
        client_id: (*client_id).into(),
        host: (*host).into(),
        assignment: assignment.iter().map(|(topic, partition)| ((*topic).into(), *partition)).collect(),
    };
    let members: Vec<Member> = members.iter().map(member).collect();
    GroupView {
        group: name.into(),
        kind: Ok(GroupType::Classic),
        state: Ok(if members.is_empty() { GroupState::Empty } else { GroupState::Stable }),
        members: Ok(members.into()),
        stuck: Ok(topics.iter().any(|topic| topic.stuck == Ok(true))),
        commits: Ok(()),
        topics,
    }
}

fn snapshot(cluster: &str, topics: Vec<TopicView>, groups: Vec<GroupView>) -> Snapshot {
    let at = Timestamp(1_795_000_000_000);
    Snapshot {
        cluster: ClusterName::from(cluster),
        tick: 1,
        at,
        up: Ok(()),
        down_because: None,
        last_measured: Some(at),
        cluster_id: None,
        brokers: Vec::new(),
        topics,
        groups,
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
    }
}

/// One of each: fine, slow, stuck, losing records, partly hidden, wholly hidden, gone, without commits, with strange names.
fn busy_cluster() -> Snapshot {
    let topics = vec![
        topic("orders", &[Ok(1_200_345), Ok(900_100), Err(Reason::NoLeader)], Ok(152.25)),
        topic("payments.settlements.eu-west-1.v3.retries-and-dead-letters", &[Ok(88)], Ok(0.5)),
        topic("clicks", &[Ok(7_000_000_000), Ok(10)], Err(Reason::NotYetWatched)),
    ];
    let fine = reads("orders", &[(0, Ok(1_200_345), Ok(1_200_345), Ok(0))], Ok(152.0));
    let places = [
        (0, Ok(1_200_000), Ok(1_200_345), Ok(1_250)),
        (1, Ok(890_100), Ok(900_100), Ok(245_000)),
        (2, Ok(5), Err(Reason::NoLeader), Err(Reason::NoLeader)),
    ];
    let slow = reads("orders", &places, Ok(99.5));
    let mut stuck = reads(topics[1].topic.as_str(), &[(0, Ok(80), Ok(88), Ok(11_220_000))], Ok(0.0));
    stuck.stuck = Ok(true);
    let not_located = Err(Reason::NotYetLocated);
    let places = [(0, Ok(6_999_999_000), Ok(7_000_000_000), not_located), (1, Ok(4), Ok(10), not_located)];
    let mut losing = reads("clicks", &places, Err(Reason::NotYetWatched));
    losing.lost_total = 1_234;

    let mut hidden_members = group("losing", &[], vec![losing]);
    hidden_members.members = Err(Reason::NotAuthorized);
    hidden_members.kind = Ok(GroupType::Consumer);
    let mut hidden = group("hidden-offsets", &[], Vec::new());
    hidden.commits = Err(Reason::NotAuthorized);
    let mut gone = group("deleted-yesterday", &[], Vec::new());
    let why = Reason::NoSuchGroup;
    (gone.commits, gone.state, gone.kind, gone.members) = (Err(why), Err(why), Err(why), Err(why));
    let member = ("orders-processor-client-7f9c5d", "/10.12.0.117", &[("orders", 0), ("orders", 1)][..]);
    let strange = reads("orders", &[(0, Ok(1_200_344), Ok(1_200_345), Ok(10))], Ok(1.0));
    let bell = ("\x1b[31mred\u{7}", "host\n", &[("orders", 0)][..]);
    let groups = vec![
        group("fine", &[("app-1", "/10.0.0.1", &[("orders", 0)])], vec![fine]),
        gone,
        hidden,
        hidden_members,
        group("no-commits-yet", &[], Vec::new()),
        group("orders-processor-of-the-european-fulfilment-department-in-lyon", &[member], vec![slow]),
        group("settlements", &[], vec![stuck]),
        group("注文\u{202e}処理\n", &[bell], vec![strange]),
    ];
    let mut snapshot = snapshot("prod", topics, groups);
    let (subject, name, reason) = (Subject::Group, "secret".to_owned(), Reason::NotAuthorized);
    snapshot.unmeasured.push(Unmeasured { subject, name, reason });
    snapshot
}

fn shown(snapshots: Vec<Snapshot>, width: usize) -> String {
    let snapshots: Vec<_> = snapshots.into_iter().map(Arc::new).collect();
    render(&snapshots, &Shape { width, color: false })
}

#[test]
fn at_80_columns() {
    insta::assert_snapshot!(shown(vec![busy_cluster()], 80));
}

#[test]
fn at_200_columns() {
    insta::assert_snapshot!(shown(vec![busy_cluster()], 200));
}

#[test]
fn several_clusters_one_of_them_down() {
    let mut down = snapshot("staging", Vec::new(), Vec::new());
    down.up = Err(Reason::Unreachable);
    down.down_because = Some("kafka-1:9092: connection refused".to_owned());
    let topics = vec![topic("orders", &[Ok(5)], Ok(0.0))];
    let groups = vec![group("app", &[], vec![reads("orders", &[(0, Ok(5), Ok(5), Ok(0))], Ok(0.0))])];
    insta::assert_snapshot!(shown(vec![snapshot("prod", topics, groups), down], 80));
}

#[test]
fn a_cluster_without_groups_says_so() {
    assert_eq!(shown(vec![snapshot("prod", Vec::new(), Vec::new())], 80), "no consumer groups\n");
}

#[test]
fn no_line_is_wider_than_asked_and_no_name_reaches_the_terminal_raw() {
    for width in (1..40).chain([79, 80, 81, 120, 200]) {
        for line in shown(vec![busy_cluster()], width).lines() {
            assert!(width_of(line) <= width, "{width}: {line}");
            assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{width}: {line:?}");
        }
    }
}

#[test]
fn colour_changes_nothing_but_the_looks() {
    let plain = shown(vec![busy_cluster()], 120);
    let snapshots = [Arc::new(busy_cluster())];
    let colored = render(&snapshots, &Shape { width: 120, color: true });
    assert_ne!(plain, colored);
    let mut parts = colored.split('\x1b');
    let mut text = parts.next().unwrap().to_owned();
    parts.for_each(|part| text.push_str(part.split_once('m').unwrap().1));
    assert_eq!(text, plain);
}

#[test]
fn groups_of_one_name_in_their_order_are_stable() {
    let ids = ["b", "a", "c"].map(|name| group(name, &[], Vec::new()));
    let text = shown(vec![snapshot("prod", Vec::new(), ids.to_vec())], 80);
    let names: Vec<_> = text.lines().filter_map(|line| line.split(' ').next()).map(GroupId::from).collect();
    assert_eq!(names, ["a", "b", "c"].map(GroupId::from));
}
