//! How incidents outlive a restart: a row for each, open or over, and one for the clock of the timers.
//! A row is as of the last revision: what changes from tick to tick is found anew by the next one.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::rows::SteadyClock;
use super::super::timers::Timers;
use super::open::Open;
use super::place::Place;
use super::sight::REASONS;
use crate::model::{
    Because, Budget, Change, ClusterName, Damaged, Happening, Incident, IncidentId, IncidentKey,
    IncidentSource, Millis, Owner, Partition, Reader, Row, RowKind, Severity, Timestamp, Trend,
    WorstPartition, Writer,
};

const VERSION: u64 = 1;
const INCIDENT: u64 = 0;
const CLOCK: u64 = 1;

/// What a row says.
pub(super) enum Restored {
    Clock(SteadyClock),
    Open(Box<Open>),
    /// With the time in its id.
    Over(Arc<Incident>, Timestamp),
}

/// The row of an incident that is open.
pub(super) fn open_row(open: &Open) -> Row {
    let mut value = Writer::default();
    value.number(VERSION);
    write_incident(&open.told, &mut value);
    open.timers.write(&mut value);
    value.number(open.resolve_after.0);
    optional(&mut value, open.lag_at_opening, |to, lag| _ = to.number(lag));
    row(&open.told.key, open.id_time, Some(value))
}

/// The row of an incident that is over.
pub(super) fn over_row(incident: &Incident, id_time: Timestamp) -> Row {
    let mut value = Writer::default();
    value.number(VERSION);
    write_incident(incident, &mut value);
    row(&incident.key, id_time, Some(value))
}

/// The row of an incident that is to be forgotten.
pub(super) fn removed(key: &IncidentKey, id_time: Timestamp) -> Row {
    row(key, id_time, None)
}

pub(super) fn clock_row(clock: &SteadyClock) -> Row {
    let mut key = Writer::default();
    key.number(CLOCK);
    Row { kind: RowKind::Incident, key: key.into_bytes(), ..clock.row() }
}

fn row(key: &IncidentKey, id_time: Timestamp, value: Option<Writer>) -> Row {
    // The time comes first: incidents that open together stand together in the file.
    let mut written = Writer::default();
    written.number(INCIDENT).signed(id_time.0).text(key.as_str());
    Row { kind: RowKind::Incident, key: written.into_bytes(), value: value.map(Writer::into_bytes) }
}

/// Reads one row of `cluster` back.
pub(super) fn read(row: &Row, cluster: &ClusterName) -> Result<Restored, Damaged> {
    let (mut key, mut value) = row.readers()?;
    match key.number()? {
        CLOCK => {
            let clock = SteadyClock::read(&mut value)?;
            let is_whole = key.is_at_end() && value.is_at_end();
            return if is_whole { Ok(Restored::Clock(clock)) } else { Err(Damaged) };
        }
        INCIDENT => {}
        _ => return Err(Damaged),
    }
    let (id_time, digits) = (Timestamp(key.signed()?), key.text()?);
    if value.number()? != VERSION {
        return Err(Damaged);
    }
    let incident = read_incident(&mut value, cluster, id_time)?;
    let is_its_own = incident.key.as_str() == digits && key.is_at_end();
    let restored = if incident.is_open() {
        let timers = Timers::read(&mut value)?;
        let resolve_after = Millis(value.number()?);
        let lag_at_opening = read_optional(&mut value, Reader::number)?;
        Restored::Open(Box::new(Open::restored(incident, timers, resolve_after, lag_at_opening, id_time)))
    } else {
        Restored::Over(Arc::new(incident), id_time)
    };
    if is_its_own && value.is_at_end() { Ok(restored) } else { Err(Damaged) }
}

fn write_incident(incident: &Incident, to: &mut Writer) {
    to.number(SOURCES.iter().position(|it| *it == incident.source).unwrap_or_default() as u64);
    to.text(&incident.name);
    optional(to, incident.group.as_ref(), |to, group| _ = to.text(group.as_str()));
    optional(to, incident.topic.as_ref(), |to, topic| _ = to.text(topic.as_str()));
    optional(to, incident.partition, |to, partition| _ = to.number(u64::from(partition)));
    to.number(u64::from(incident.covers));
    for severity in [incident.severity, incident.worst] {
        to.number(SEVERITIES.iter().position(|it| *it == severity).unwrap_or_default() as u64);
    }
    to.signed(incident.since.0).signed(incident.opened_at.0);
    optional(to, incident.resolved_at, |to, at| _ = to.signed(at.0));
    to.number(u64::from(incident.revision));
    to.number(CHANGES.iter().position(|it| *it == incident.change).unwrap_or_default() as u64);
    to.signed(incident.changed_at.0);
    let because = incident.because.as_ref().map_or("", |because| because.label);
    to.text(if REASONS.iter().any(|reason| reason().label == because) { because } else { "" });
    to.flag(incident.inhibited).text(&incident.summary);
    optional(to, incident.value.filter(is_number), real);
    optional(to, incident.budget.as_ref(), |to, budget| {
        to.text(&budget.window).text(&budget.indicator);
        optional(to, budget.remaining.filter(is_number), real);
        optional(to, budget.remaining_at_opening.filter(is_number), real);
        optional(to, budget.exhausted_in, |to, time| _ = to.number(time.0));
    });
    optional(to, incident.trend.as_ref(), |to, trend| {
        to.number(trend.lag);
        optional(to, trend.lag_at_opening, |to, lag| _ = to.number(lag));
        optional(to, trend.time_lag, |to, time| _ = to.number(time.0));
        optional(to, trend.lag_before, |to, lag| _ = to.number(lag));
    });
    to.number(incident.worst_partitions.len() as u64);
    for worst in &incident.worst_partitions {
        to.number(u64::from(worst.partition));
        optional(to, worst.lag, |to, lag| _ = to.number(lag));
        optional(to, worst.bad, |to, bad| _ = to.number(bad));
        optional(to, worst.owner.as_ref(), |to, owner| _ = to.text(&owner.client_id).text(&owner.host));
    }
    to.number(incident.happenings.len() as u64);
    for happening in &incident.happenings {
        to.signed(happening.at.0).text(&happening.what);
    }
    to.number(incident.labels.len() as u64);
    for (name, value) in incident.labels.iter() {
        to.text(name).text(value);
    }
    optional(to, incident.description.as_ref(), |to, text| _ = to.text(text));
    optional(to, incident.runbook.as_ref(), |to, text| _ = to.text(text));
}

// Their places are in the state file and never change their meaning.
const SOURCES: [IncidentSource; 3] =
    [IncidentSource::Slo, IncidentSource::Alert, IncidentSource::UnmeasuredSlo];
const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Ticket, Severity::Page];
const CHANGES: [Change; 4] = [Change::Opened, Change::Escalated, Change::Calmed, Change::Resolved];

fn read_incident(
    from: &mut Reader<'_>,
    cluster: &ClusterName,
    id_time: Timestamp,
) -> Result<Incident, Damaged> {
    let place = Place {
        source: one_of(&SOURCES, from)?,
        name: from.text()?.into(),
        group: read_optional(from, Reader::text)?.map(Into::into),
        topic: read_optional(from, Reader::text)?.map(Into::into),
        partition: read_optional(from, partition)?,
    };
    let key = place.key(cluster);
    let incident = Incident {
        id: IncidentId::new(&key, id_time),
        key,
        cluster: cluster.clone(),
        source: place.source,
        name: place.name,
        group: place.group,
        topic: place.topic,
        partition: place.partition,
        covers: small(from)?,
        severity: one_of(&SEVERITIES, from)?,
        worst: one_of(&SEVERITIES, from)?,
        since: Timestamp(from.signed()?),
        opened_at: Timestamp(from.signed()?),
        resolved_at: read_optional(from, Reader::signed)?.map(Timestamp),
        revision: small(from)?,
        change: one_of(&CHANGES, from)?,
        changed_at: Timestamp(from.signed()?),
        because: because(from.text()?)?,
        inhibited: from.flag()?,
        summary: from.text()?.into(),
        value: read_optional(from, read_real)?,
        budget: read_optional(from, |from| {
            Ok(Budget {
                window: from.text()?.into(),
                indicator: from.text()?.into(),
                remaining: read_optional(from, read_real)?,
                remaining_at_opening: read_optional(from, read_real)?,
                exhausted_in: read_optional(from, Reader::number)?.map(Millis),
            })
        })?,
        trend: read_optional(from, |from| {
            Ok(Trend {
                lag: from.number()?,
                lag_at_opening: read_optional(from, Reader::number)?,
                time_lag: read_optional(from, Reader::number)?.map(Millis),
                lag_before: read_optional(from, Reader::number)?,
            })
        })?,
        worst_partitions: list(from, |from| {
            Ok(WorstPartition {
                partition: partition(from)?,
                lag: read_optional(from, Reader::number)?,
                bad: read_optional(from, Reader::number)?,
                owner: read_optional(from, |from| {
                    Ok(Owner { client_id: from.text()?.into(), host: from.text()?.into() })
                })?,
            })
        })?,
        happenings: list(from, |from| {
            Ok(Happening { at: Timestamp(from.signed()?), what: from.text()?.into() })
        })?,
        labels: Arc::new(BTreeMap::from_iter(list(from, |from| {
            Ok((Arc::from(from.text()?), Arc::from(from.text()?)))
        })?)),
        description: read_optional(from, Reader::text)?.map(Into::into),
        runbook: read_optional(from, Reader::text)?.map(Into::into),
    };
    // What is over is told to be, and what is open is not.
    let is_consistent = incident.is_open() != (incident.change == Change::Resolved);
    if is_consistent { Ok(incident) } else { Err(Damaged) }
}

fn because(label: &str) -> Result<Option<Because>, Damaged> {
    let found = REASONS.iter().map(|reason| reason()).find(|because| because.label == label);
    if found.is_none() && !label.is_empty() { Err(Damaged) } else { Ok(found) }
}

fn one_of<T: Copy>(all: &[T], from: &mut Reader<'_>) -> Result<T, Damaged> {
    let at = usize::try_from(from.number()?).map_err(|_| Damaged)?;
    all.get(at).copied().ok_or(Damaged)
}

fn small(from: &mut Reader<'_>) -> Result<u32, Damaged> {
    u32::try_from(from.number()?).map_err(|_| Damaged)
}

fn partition(from: &mut Reader<'_>) -> Result<Partition, Damaged> {
    Partition::try_from(from.number()?).map_err(|_| Damaged)
}

/// What is none would be taken for damage.
fn is_number(real: &f64) -> bool {
    !real.is_nan()
}

fn real(to: &mut Writer, number: f64) {
    to.number(number.to_bits());
}

fn read_real(from: &mut Reader<'_>) -> Result<f64, Damaged> {
    let number = f64::from_bits(from.number()?);
    if number.is_nan() { Err(Damaged) } else { Ok(number) }
}

fn optional<T>(to: &mut Writer, value: Option<T>, write: impl FnOnce(&mut Writer, T)) {
    to.flag(value.is_some());
    if let Some(value) = value {
        write(to, value);
    }
}

fn read_optional<'a, T>(
    from: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Damaged>,
) -> Result<Option<T>, Damaged> {
    if from.flag()? { read(from).map(Some) } else { Ok(None) }
}

fn list<'a, T>(
    from: &mut Reader<'a>,
    read: impl Fn(&mut Reader<'a>) -> Result<T, Damaged>,
) -> Result<Vec<T>, Damaged> {
    // Room is made item by item: a count may be as large as there are bytes left.
    let mut items = Vec::new();
    for _ in 0..from.count()? {
        items.push(read(from)?);
    }
    Ok(items)
}
