//! Rows: what is written is read back, and what is not ours is refused.

use proptest::prelude::*;

use super::*;
use crate::model::{Damaged, Row, RowKind};

/// An outbox with something of everything, and its rows.
fn written() -> (Outbox, BTreeMap<ClusterName, BTreeMap<Vec<u8>, Row>>) {
    let mut outbox = Outbox::new(only(bot()), 1);
    let mut all: BTreeMap<ClusterName, BTreeMap<Vec<u8>, Row>> = BTreeMap::new();
    let mut keep = |rows: Rows| {
        for (cluster, rows) in rows {
            all.entry(cluster).or_default().extend(rows.into_iter().map(|row| (row.key.clone(), row)));
        }
    };
    let mut incidents: Vec<_> =
        (0..12).map(|number| incident("lag", &format!("t{number}"), Severity::Page, at(0))).collect();
    incidents.push(incident("stuck", "a", Severity::Ticket, at(0)));
    incidents.push(incident("stuck", "b", Severity::Ticket, at(0)));
    let seen: Vec<_> = incidents.into_iter().map(Arc::new).collect();
    keep(outbox.see(&"prod".into(), &seen, at(0)));
    // Not before it is on the disk.
    assert_eq!(outbox.next(&"r".into(), at(0)), Next::Idle);
    outbox.saved(&"prod".into());
    for number in 0..3 {
        let Next::Message(message) = outbox.next(&"r".into(), at(number)) else { panic!() };
        keep(outbox.sending(&message));
        if number == 2 {
            break;
        }
        let thread = Some(Thread { channel: "C1".to_owned(), id: format!("17.{number}") });
        let receipt = Receipt { answer: "ok".to_owned(), threads: vec![thread; message.notices.len()] };
        keep(outbox.delivered(&message, &receipt, TOOK, at(number)));
    }
    let wanted = NewSilence {
        matchers: vec![Matcher::parse("team=~\"pay.*\"").unwrap(), Matcher::equal("a", "")],
        starts_at: at(50),
        ends_at: at(100),
        author: "ada".to_owned(),
        comment: "moving\nhouse".to_owned(),
    };
    keep(outbox.add_silence(wanted, at(5)).unwrap().1);
    (outbox, all)
}

fn restored(rows: &BTreeMap<ClusterName, BTreeMap<Vec<u8>, Row>>) -> Result<Outbox, Damaged> {
    let mut outbox = Outbox::new(only(bot()), 2);
    for (cluster, rows) in rows {
        let rows: Vec<_> = rows.values().filter(|row| row.value.is_some()).cloned().collect();
        outbox.restore(cluster, &rows)?;
    }
    Ok(outbox)
}

#[test]
fn what_was_written_is_read_back() {
    let (before, rows) = written();
    let mut after = restored(&rows).unwrap();
    assert_eq!(Vec::from_iter(before.silences()), Vec::from_iter(after.silences()));
    let kinds: Vec<_> = rows[&of_no_cluster()].values().map(|row| row.kind).collect();
    assert_eq!(kinds, [RowKind::Delivery, RowKind::Silence]);
    // Until its cluster was seen, nothing is said.
    assert_eq!(after.next(&"r".into(), at(10)), Next::Idle);
    let seen: Vec<_> = before.book.incidents.values().map(|known| Arc::clone(&known.incident)).collect();
    after.see(&"prod".into(), &seen, at(10));
    after.saved(&"prod".into());
    for incident in &seen {
        assert_eq!(before.deliveries(&incident.id, at(10)), after.deliveries(&incident.id, at(10)));
    }
    // Only what nobody has answered to yet is said again.
    let Next::Message(message) = after.next(&"r".into(), at(10)) else { panic!() };
    assert_eq!((message.notices.len(), message.notices[0].incident.name.as_ref()), (1, "stuck"));
    after.delivered(&message, &taken(&message), TOOK, at(10));
    assert!(matches!(after.next(&"r".into(), at(10)), Next::At(due) if due > at(3_600)));
}

/// Even if nothing else is left of them.
#[test]
fn what_was_told_is_told_to_be_over() {
    let (_, rows) = written();
    let mut outbox = restored(&rows).unwrap();
    outbox.see(&"prod".into(), &[], at(100));
    outbox.saved(&"prod".into());
    let mut told = Vec::new();
    while let Next::Message(message) = outbox.next(&"r".into(), at(100)) {
        assert_eq!(
            message.notices[0].thread.as_ref().map(|thread| thread.channel.as_str()).unwrap_or("C1"),
            "C1"
        );
        told.push(spoken(&message));
        outbox.delivered(&message, &taken(&message), TOOK, at(100));
    }
    let summary = (0..12).map(|number| format!(".t{number}")).collect::<std::collections::BTreeSet<_>>();
    let summary = format!("[{}]", Vec::from_iter(summary).join(" "));
    assert_eq!(told, [summary.as_str(), "!.a", ".b"]);
}

#[test]
fn receivers_that_are_gone_are_dropped_with_their_rows() {
    let (_, rows) = written();
    let mut config = only(slack());
    config.receivers[0].name = "other".into();
    config.routes = vec![route(&[], &["other"])];
    let mut outbox = Outbox::new(config, 1);
    let prod = ClusterName::from("prod");
    let kept: Vec<_> = rows[&prod].values().cloned().collect();
    assert_eq!(outbox.restore(&prod, &kept).unwrap(), [("r".into(), 14)]);
    let removed = outbox.see(&prod, &[], at(10));
    assert_eq!(removed[&prod].iter().filter(|row| row.value.is_none()).count(), 14);
}

#[test]
fn damaged_rows_are_refused() {
    let (_, rows) = written();
    let check = |change: fn(&mut Row)| {
        for (cluster, of_cluster) in &rows {
            for key in of_cluster.keys() {
                let mut rows = rows.clone();
                change(rows.get_mut(cluster).unwrap().get_mut(key).unwrap());
                assert_eq!(restored(&rows).err(), Some(Damaged), "{key:?}");
            }
        }
    };
    check(|row| row.value.as_mut().unwrap().truncate(1));
    check(|row| row.value.as_mut().unwrap().push(0));
    check(|row| row.value.as_mut().unwrap()[0] = 99);
    check(|row| row.key.truncate(1));
}

proptest! {
    #[test]
    fn no_row_panics(key in prop::collection::vec(any::<u8>(), 0..40), at in 0_usize..400, bytes: [u8; 3]) {
        let (_, rows) = written();
        for row in rows.values().flat_map(|rows| rows.values()) {
            let mut value = row.value.clone().unwrap();
            let at = at % value.len();
            value.splice(at..(at + 2).min(value.len()), bytes);
            for key in [row.key.clone(), key.clone()] {
                let row = Row { kind: row.kind, key, value: Some(value.clone()) };
                Outbox::new(only(bot()), 1).restore(&"prod".into(), &[row]).ok();
            }
        }
    }
}
