//! Records as Kafka writes them, version by version, and bytes as nobody should write them.

use proptest::prelude::*;

use super::*;
use crate::model::Selector;

/// Writes fields as Kafka's generated code does.
struct Written {
    bytes: Vec<u8>,
    flexible: bool,
}

impl Written {
    fn version(version: i16, flexible: bool) -> Self {
        Self { bytes: version.to_be_bytes().to_vec(), flexible }
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    fn varint(mut self, mut number: u32) -> Self {
        while number >= 0x80 {
            self.bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.bytes.push(number.to_le_bytes()[0]);
        self
    }

    fn string(self, text: Option<&str>) -> Self {
        let length = text.map_or(-1, |text| i16::try_from(text.len()).unwrap());
        let written = if self.flexible {
            self.varint(u32::try_from(i32::from(length) + 1).unwrap())
        } else {
            self.bytes(&length.to_be_bytes())
        };
        written.bytes(text.unwrap_or_default().as_bytes())
    }

    fn array_length(self, length: i32) -> Self {
        if self.flexible {
            self.varint(u32::try_from(length + 1).unwrap())
        } else {
            self.bytes(&length.to_be_bytes())
        }
    }
}

fn commit_key(version: i16, group: &str, topic: &str, partition: i32) -> Vec<u8> {
    Written::version(version, false)
        .string(Some(group))
        .string(Some(topic))
        .bytes(&partition.to_be_bytes())
        .bytes
}

fn commit_value(version: i16, offset: i64, metadata: &str, at: i64, topic_id: Option<u128>) -> Vec<u8> {
    let mut written = Written::version(version, version >= 4).bytes(&offset.to_be_bytes());
    if version >= 3 {
        written = written.bytes(&7_i32.to_be_bytes());
    }
    written = written.string(Some(metadata)).bytes(&at.to_be_bytes());
    if version == 1 {
        written = written.bytes(&(at + 1000).to_be_bytes());
    }
    if version >= 4 {
        // A tag of the future follows the topic's id.
        written = match topic_id {
            Some(id) => written
                .varint(2)
                .varint(0)
                .varint(16)
                .bytes(&id.to_be_bytes())
                .varint(9)
                .varint(1)
                .bytes(&[1]),
            None => written.varint(0),
        };
    }
    written.bytes
}

fn group_value(version: i16, protocol_type: &str, generation: i32, members: usize) -> Vec<u8> {
    let flexible = version >= 4;
    let mut written = Written::version(version, flexible)
        .string(Some(protocol_type))
        .bytes(&generation.to_be_bytes())
        .string(None)
        .string((members > 0).then_some("leader"));
    if version >= 2 {
        written = written.bytes(&1_700_000_000_000_i64.to_be_bytes());
    }
    written = written.array_length(i32::try_from(members).unwrap());
    for _ in 0..members {
        written = written.string(Some("member"));
        if version >= 3 {
            written = written.string(None);
        }
        written = written.string(Some("client")).string(Some("/10.0.0.1"));
        if version >= 1 {
            written = written.bytes(&300_000_i32.to_be_bytes());
        }
        written =
            written.bytes(&45_000_i32.to_be_bytes()).array_length(2).bytes(b"ab").array_length(1).bytes(b"c");
        if flexible {
            written = written.varint(0);
        }
    }
    if flexible {
        written = written.varint(0);
    }
    written.bytes
}

fn decoder() -> CommitLogDecoder {
    let not = |name| Filter { include: Vec::new(), exclude: vec![Selector::new(name)] };
    CommitLogDecoder::new(not("ignored-*"), not("__*"))
}

/// Of a single record: its event and what was counted.
fn decode(key: &[u8], value: Option<&[u8]>) -> (Option<DecodedRecord>, CommitLogCounts) {
    let mut decoder = decoder();
    (decoder.decode(key, value), decoder.counts())
}

fn check(key: &[u8], value: Option<&[u8]>, expected: CommitLogEvent) {
    let (decoded, counts) = decode(key, value);
    assert_eq!(decoded.map(|record| record.event), Some(expected));
    assert_eq!(counts, CommitLogCounts { decoded: 1, ..CommitLogCounts::default() });
}

fn check_none(key: &[u8], value: Option<&[u8]>, expected: CommitLogCounts) {
    assert_eq!(decode(key, value), (None, expected), "{key:?} {value:?}");
}

const SKIPPED: CommitLogCounts = CommitLogCounts { decoded: 0, skipped: 1, unknown: 0, malformed: 0 };
const UNKNOWN: CommitLogCounts = CommitLogCounts { decoded: 0, skipped: 0, unknown: 1, malformed: 0 };
const MALFORMED: CommitLogCounts = CommitLogCounts { decoded: 0, skipped: 0, unknown: 0, malformed: 1 };

fn group() -> GroupId {
    GroupId::from("late")
}

#[test]
fn groups_are_read_in_every_version() {
    let key = Written::version(2, false).string(Some("late")).bytes;
    for version in 0..=4 {
        for (protocol, members) in [("consumer", 3), ("consumer", 0), ("", 0)] {
            let value = group_value(version, protocol, 5, members);
            let members = u32::try_from(members).unwrap();
            let has_protocol = !protocol.is_empty();
            check(
                &key,
                Some(&value),
                CommitLogEvent::ClassicGroup { group: group(), generation: 5, members, has_protocol },
            );
        }
    }
    check(&key, None, CommitLogEvent::GroupDeleted { group: group() });
}

#[test]
fn consumer_groups_and_their_members_come_and_go() {
    let key = Written::version(3, false).string(Some("late")).bytes;
    let value = Written::version(0, true).bytes(&9_i32.to_be_bytes()).varint(0).bytes;
    check(&key, Some(&value), CommitLogEvent::ConsumerGroup { group: group(), epoch: 9 });
    check(&key, None, CommitLogEvent::GroupDeleted { group: group() });

    let key = Written::version(5, false).string(Some("late")).string(Some("m-1")).bytes;
    let value = Written::version(0, true).string(None).string(None).string(Some("client")).bytes;
    let member = |is_there| CommitLogEvent::ConsumerMember { group: group(), member: "m-1".into(), is_there };
    check(&key, Some(&value), member(true));
    check(&key, None, member(false));
}

#[test]
fn a_commit_that_was_deleted_or_is_below_zero_is_none() {
    let key = commit_key(1, "late", "orders", 3);
    let none = || CommitLogEvent::Uncommitted { group: group(), topic: "orders".into(), partition: 3 };
    check(&key, None, none());
    check(&key, Some(&commit_value(3, -1, "", 5, None)), none());
}

#[test]
fn what_is_not_watched_or_says_nothing_is_skipped() {
    let value = commit_value(3, 5, "", 5, None);
    check_none(&commit_key(1, "ignored-1", "orders", 0), Some(&value), SKIPPED);
    check_none(&commit_key(1, "late", "__internal", 0), Some(&value), SKIPPED);
    for kind in [4, 6, 7, 8, 16] {
        check_none(&Written::version(kind, false).bytes, Some(&value), SKIPPED);
    }
}

#[test]
fn what_is_newer_is_unknown_and_what_is_broken_is_malformed() {
    let key = commit_key(1, "late", "orders", 0);
    check_none(&commit_key(17, "late", "orders", 0), None, UNKNOWN);
    check_none(&key, Some(&Written::version(5, true).bytes), UNKNOWN);
    check_none(&[], None, MALFORMED);
    check_none(&key, Some(&[]), MALFORMED);
    check_none(&key, Some(&Written::version(-1, false).bytes), MALFORMED);
    check_none(&commit_key(1, "late", "orders", -1), None, MALFORMED);
    check_none(&Written::version(2, false).string(None).bytes, None, MALFORMED);
    check_none(&Written::version(2, false).bytes(&[0, 1, 0xff]).bytes, None, MALFORMED);
    // A billion members in a few bytes.
    let key = Written::version(2, false).string(Some("late")).bytes;
    let value =
        Written::version(3, false).string(Some("")).bytes(&[0; 4]).string(None).string(None).bytes(&[0; 8]);
    check_none(&key, Some(&value.array_length(1_000_000_000).bytes), MALFORMED);
}

proptest! {
    #[test]
    fn commits_read_back_as_they_were_written(
        key_version in 0_i16..=1,
        version in 0_i16..=4,
        names in ("[a-z.]{0,40}", "[a-z]{1,40}"),
        metadata in ".{0,300}",
        partition in 0_i32..=i32::MAX,
        offset in 0_i64..=i64::MAX,
        at in 0_i64..1 << 42,
        id in proptest::option::of(any::<u128>()),
    ) {
        let key = commit_key(key_version, &names.0, &names.1, partition);
        let value = commit_value(version, offset, &metadata, at, id);
        let event = CommitLogEvent::Committed {
            group: GroupId::from(names.0.as_str()),
            topic: TopicName::from(names.1.as_str()),
            partition: partition.cast_unsigned(),
            offset: offset.cast_unsigned(),
            topic_id: id.filter(|id| version == 4 && *id != 0).map(TopicId),
        };
        prop_assert_eq!(
            decode(&key, Some(&value)).0,
            Some(DecodedRecord { event, committed_at: Some(Timestamp(at)) })
        );
        // Cut anywhere, it is malformed, or what was cut off was not needed.
        for end in 0..value.len() {
            let (cut, counts) = decode(&key, Some(&value[..end]));
            prop_assert!(counts.malformed == 1 || cut.is_some());
            prop_assert!(cut.is_none() || version == 1 && end >= value.len() - 8);
        }
    }

    #[test]
    fn no_bytes_panic_and_each_record_is_counted_once(
        kind in 0_i16..=17,
        key in proptest::collection::vec(any::<u8>(), 0..60),
        version in -1_i16..=5,
        value in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..120)),
        watched in any::<bool>(),
    ) {
        let mut whole = Written::version(kind, false);
        if watched {
            whole = whole.string(Some("late")).string(Some("orders")).bytes(&[0; 4]);
        }
        let value = value.map(|value| Written::version(version, false).bytes(&value).bytes);
        let (decoded, counts) = decode(&whole.bytes(&key).bytes, value.as_deref());
        prop_assert_eq!(counts.decoded, u64::from(decoded.is_some()));
        prop_assert_eq!(counts.decoded + counts.skipped + counts.unknown + counts.malformed, 1);
    }
}
