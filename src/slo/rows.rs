//! The rows of the state file that are SLOs: what each key and value holds. Never decides what is kept.
//!
//! A key is the SLO's name, the group and the topic, so a renamed SLO starts anew, and one whose selectors have changed
//! keeps what it counted of the groups and topics that it still means.

use super::counts::Stretch;
use super::instance::Instance;
use super::packed::Packed;
use crate::model::{
    Counts, Damaged, GroupId, Millis, Reader, Row, RowKind, Severity, SloState, Timestamp, TopicName, Writer,
};

const VERSION: u64 = 1;

/// Whose row it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Owner {
    pub(super) slo: String,
    pub(super) group: Option<GroupId>,
    pub(super) topic: Option<TopicName>,
}

impl Owner {
    fn write(&self, writer: &mut Writer) {
        writer.text(&self.slo);
        for name in [self.group.as_ref().map(GroupId::as_str), self.topic.as_ref().map(TopicName::as_str)] {
            writer.flag(name.is_some()).text(name.unwrap_or(""));
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let slo = reader.text()?.to_owned();
        let (has_group, group) = (reader.flag()?, reader.text()?);
        let (has_topic, topic) = (reader.flag()?, reader.text()?);
        Ok(Self { slo, group: has_group.then(|| group.into()), topic: has_topic.then(|| topic.into()) })
    }
}

/// The row of an instance itself.
pub(super) fn instance_row(owner: &Owner, value: Option<Vec<u8>>) -> Row {
    let mut key = Writer::default();
    owner.write(&mut key);
    Row { kind: RowKind::Slo, key: key.into_bytes(), value }
}

/// The row of what was counted in one stretch of time. The time comes first in its key: what changes in one tick then
/// stands together in the file.
pub(super) fn counts_row(owner: &Owner, stretch: Stretch, packed: Option<&Packed>) -> Row {
    let mut key = Writer::default();
    match stretch {
        Stretch::Hour(hour) => key.number(0).signed(hour),
        Stretch::Day(day) => key.number(1).signed(day),
    };
    owner.write(&mut key);
    let value = packed.map(|packed| {
        let mut value = Writer::default();
        value.number(VERSION);
        [value.into_bytes().as_slice(), packed.bytes()].concat()
    });
    Row { kind: RowKind::SloCounts, key: key.into_bytes(), value }
}

/// Whose row this is.
pub(super) fn owner_of(row: &Row) -> Result<Owner, Damaged> {
    let mut key = Reader::new(&row.key);
    if row.kind == RowKind::SloCounts {
        key.number()?;
        read_time(&mut key)?;
    }
    Owner::read(&mut key)
}

/// A number of minutes, slices or longer since 1970: far beyond any time, yet safe to calculate with.
pub(super) fn read_time(reader: &mut Reader<'_>) -> Result<i64, Damaged> {
    reader.signed().ok().filter(|time| time.unsigned_abs() < 1 << 32).ok_or(Damaged)
}

/// What was counted in one stretch of time.
pub(super) fn read_counts(row: &Row) -> Result<(Stretch, Packed), Damaged> {
    let mut key = Reader::new(&row.key);
    let kind = key.number()?;
    let at = read_time(&mut key)?;
    Owner::read(&mut key)?;
    let value = row.value.as_deref().ok_or(Damaged)?;
    let (version, packed) = value.split_first().ok_or(Damaged)?;
    match (u64::from(*version), kind, key.is_at_end()) {
        (VERSION, 0, true) => Ok((Stretch::Hour(at), Packed::read(packed, 60)?)),
        (VERSION, 1, true) => Ok((Stretch::Day(at), Packed::read(packed, 24)?)),
        _ => Err(Damaged),
    }
}

/// An instance, but for its counts and what its indicator remembers.
pub(super) fn write_instance(fingerprint: &str, instance: &Instance) -> Writer {
    let mut writer = Writer::default();
    writer.number(VERSION).text(fingerprint);
    writer.flag(instance.first.is_some()).signed(instance.first.unwrap_or(0));
    let forgotten = instance.counts.forgotten();
    writer.number(forgotten.good).number(forgotten.bad).number(forgotten.unmeasured);
    writer.number(state_number(instance.state));
    writer.flag(instance.since.is_some()).signed(instance.since.unwrap_or_default().0);
    let pairs = instance.plan.pairs.iter().zip(&instance.is_true).filter(|(_, is_true)| **is_true);
    let pairs: Vec<_> = pairs.map(|(pair, _)| pair).collect();
    writer.number(pairs.len() as u64);
    for pair in pairs {
        writer.flag(pair.severity == Severity::Page).signed(pair.long).signed(pair.short);
    }
    writer
}

/// The fingerprint in the value of an instance's row, and what follows it.
pub(super) fn read_fingerprint<'a>(reader: &mut Reader<'a>) -> Result<&'a str, Damaged> {
    if reader.number()? == VERSION { reader.text() } else { Err(Damaged) }
}

/// What follows the fingerprint. Answers of pairs that are no more are let go.
pub(super) fn read_instance(reader: &mut Reader<'_>, instance: &mut Instance) -> Result<(), Damaged> {
    let (has_first, first) = (reader.flag()?, read_time(reader)?);
    instance.first = has_first.then_some(first);
    let (good, bad, unmeasured) = (reader.number()?, reader.number()?, reader.number()?);
    instance.counts.restore_forgotten(Counts { good, bad, unmeasured });
    let state = reader.number()?;
    instance.state = STATES.into_iter().find(|known| state_number(*known) == state).ok_or(Damaged)?;
    let (has_since, since) = (reader.flag()?, reader.signed()?);
    instance.since = has_since.then_some(Timestamp(since));
    for _ in 0..reader.count()? {
        let (is_page, long, short) = (reader.flag()?, reader.signed()?, reader.signed()?);
        let severity = if is_page { Severity::Page } else { Severity::Ticket };
        let same =
            |pair: &super::tiers::Pair| (pair.severity, pair.long, pair.short) == (severity, long, short);
        if let Some(at) = instance.plan.pairs.iter().position(same) {
            instance.is_true[at] = true;
        }
    }
    Ok(())
}

const STATES: [SloState; 4] = [SloState::Ok, SloState::Unmeasured, SloState::Ticket, SloState::Page];

fn state_number(state: SloState) -> u64 {
    match state {
        SloState::Ok => 0,
        SloState::Unmeasured => 1,
        SloState::Ticket => 2,
        SloState::Page => 3,
    }
}

/// Rows of something that is not promised now: kept for when it is again, as long as counts are.
#[derive(Debug)]
pub(super) struct Orphan {
    pub(super) rows: Vec<Row>,
    /// The last minute that anything was counted for.
    pub(super) last: i64,
}

impl Orphan {
    /// Counts are kept for 93 days at most.
    pub(super) const KEPT: Millis = Millis(93 * 86_400_000);
}
