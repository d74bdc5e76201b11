//! How entries and silences outlive a restart. An entry's row names its incident in short as well, so that the end of
//! what was told can be told even if nothing else is left of the incident.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::backoff::Pause;
use super::config::ReceiverName;
use super::entry::{ATTEMPTS, Attempt, Entry, Outcome, Told};
use super::group::Group;
use super::matcher::Matcher;
use super::message::Thread;
use super::silence::{NewSilence, Silence, SilenceId};
use crate::model::{
    Change, ClusterName, Damaged, Incident, IncidentId, IncidentKey, IncidentSource, Millis, Reader, Row,
    RowKind, Severity, Timestamp, Writer,
};

/// Rows by the cluster that they are kept under.
pub type Rows = BTreeMap<ClusterName, Vec<Row>>;

const VERSION: u64 = 1;

/// What an incident's summary is cut to, in characters.
const SUMMARY: usize = 200;

/// Silences are of no cluster.
#[must_use]
pub fn of_no_cluster() -> ClusterName {
    ClusterName::from("")
}

/// An entry as it was left.
pub(super) struct Restored {
    pub(super) receiver: ReceiverName,
    pub(super) incident: Incident,
    pub(super) since: Timestamp,
    pub(super) told: Option<Told>,
    pub(super) thread: Option<Thread>,
    pub(super) settled: bool,
    pub(super) refused: Option<u32>,
    pub(super) summary: Option<Arc<Group>>,
    pub(super) attempts: VecDeque<Arc<Attempt>>,
}

impl Restored {
    /// The entry, in the group that it has now.
    pub(super) fn into_entry(self, mut fresh: Entry) -> Entry {
        fresh.since = self.since;
        fresh.told = self.told;
        fresh.thread = self.thread;
        fresh.settled = self.settled;
        fresh.refused = self.refused;
        fresh.summary = self.summary;
        fresh.attempts = self.attempts;
        fresh.pause = Pause::default();
        fresh
    }
}

/// The row of an entry that is removed.
pub(super) fn removed(id: &IncidentId, receiver: &ReceiverName) -> Row {
    Row { kind: RowKind::Delivery, key: key(id, receiver), value: None }
}

/// The row of an entry.
pub(super) fn entry(incident: &Incident, receiver: &ReceiverName, entry: &Entry) -> Row {
    let mut to = Writer::default();
    to.number(VERSION);
    write_incident(&mut to, incident);
    to.signed(entry.since.0);
    to.flag(entry.told.is_some());
    if let Some(told) = &entry.told {
        to.number(told.revision.into()).flag(told.is_firing).text(told.severity.label()).signed(told.at.0);
    }
    to.flag(entry.thread.is_some());
    if let Some(thread) = &entry.thread {
        to.text(&thread.channel).text(&thread.id);
    }
    to.flag(entry.settled).number(entry.refused.map_or(0, |revision| u64::from(revision) + 1));
    to.flag(entry.summary.is_some());
    if let Some(group) = &entry.summary {
        to.text(&group.key);
        write_labels(&mut to, group.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    }
    to.number(entry.attempts.len() as u64);
    for attempt in &entry.attempts {
        to.signed(attempt.at.0).number(attempt.took.0).text(attempt.outcome.label()).text(&attempt.answer);
    }
    Row { kind: RowKind::Delivery, key: key(&incident.id, receiver), value: Some(to.into_bytes()) }
}

/// Reads the row of an entry back.
pub(super) fn read_entry(cluster: &ClusterName, row: &Row) -> Result<Restored, Damaged> {
    let (mut key, mut from) = row.readers()?;
    let (id, receiver) = (IncidentId::from_text(key.text()?), ReceiverName::from(key.text()?));
    if from.number()? != VERSION {
        return Err(Damaged);
    }
    let incident = read_incident(&mut from, cluster, id)?;
    let since = Timestamp(from.signed()?);
    let told = option(&mut from, |from| {
        Ok(Told {
            revision: small(from.number()?)?,
            is_firing: from.flag()?,
            severity: severity(from.text()?)?,
            at: Timestamp(from.signed()?),
        })
    })?;
    let thread = option(&mut from, |from| {
        Ok(Thread { channel: from.text()?.to_owned(), id: from.text()?.to_owned() })
    })?;
    let settled = from.flag()?;
    let refused = from.number()?.checked_sub(1).map(small).transpose()?;
    let summary = option(&mut from, |from| {
        let key = from.text()?.into();
        let labels = read_labels(from)?;
        Ok(Arc::new(Group { key, labels: labels.into_iter().map(owned).collect() }))
    })?;
    let mut attempts = VecDeque::new();
    for _ in 0..from.count()? {
        let (at, took) = (Timestamp(from.signed()?), Millis(from.number()?));
        let (outcome, answer) = (outcome(from.text()?)?, from.text()?.to_owned());
        attempts.push_back(Arc::new(Attempt { at, took, outcome, answer }));
    }
    if !key.is_at_end() || !from.is_at_end() || attempts.len() > ATTEMPTS {
        return Err(Damaged);
    }
    Ok(Restored { receiver, incident, since, told, thread, settled, refused, summary, attempts })
}

/// Whether `row` says what a receiver was about to be told, instead of what it was told.
pub(super) fn is_under_way(row: &Row) -> bool {
    // An incident's id is never empty.
    row.kind == RowKind::Delivery && row.key.first() == Some(&0)
}

/// The row that says that `receiver` is about to be told of incidents that it may not have heard of; of no cluster.
pub(super) fn under_way<'a>(
    receiver: &ReceiverName,
    ids: impl ExactSizeIterator<Item = &'a IncidentId>,
) -> Row {
    let mut to = Writer::default();
    to.number(VERSION).number(ids.len() as u64);
    for id in ids {
        to.text(id.as_str());
    }
    Row { value: Some(to.into_bytes()), ..removed(&IncidentId::from_text(""), receiver) }
}

/// Reads such a row back.
pub(super) fn read_under_way(row: &Row) -> Result<(ReceiverName, Vec<IncidentId>), Damaged> {
    let (mut key, mut from) = row.readers()?;
    let (none, receiver) = (key.text()?, ReceiverName::from(key.text()?));
    if from.number()? != VERSION || !none.is_empty() {
        return Err(Damaged);
    }
    let ids = (0..from.count()?).map(|_| from.text().map(IncidentId::from_text)).collect::<Result<_, _>>()?;
    if key.is_at_end() && from.is_at_end() { Ok((receiver, ids)) } else { Err(Damaged) }
}

/// The row of a silence.
pub(super) fn silence(silence: &Silence) -> Row {
    let mut to = Writer::default();
    let wanted = &silence.wanted;
    to.number(VERSION).signed(silence.created_at.0).signed(wanted.starts_at.0).signed(wanted.ends_at.0);
    to.text(&wanted.author).text(&wanted.comment).number(wanted.matchers.len() as u64);
    for matcher in &wanted.matchers {
        to.text(&matcher.to_string());
    }
    Row { value: Some(to.into_bytes()), ..removed_silence(&silence.id) }
}

/// The row of a silence that is removed.
pub(super) fn removed_silence(id: &SilenceId) -> Row {
    let mut key = Writer::default();
    key.text(id.as_str());
    Row { kind: RowKind::Silence, key: key.into_bytes(), value: None }
}

/// Reads the row of a silence back.
pub(super) fn read_silence(row: &Row) -> Result<Silence, Damaged> {
    let (mut key, mut from) = row.readers()?;
    let id = SilenceId::from_text(key.text()?);
    if from.number()? != VERSION {
        return Err(Damaged);
    }
    let [created_at, starts_at, ends_at] = [from.signed()?, from.signed()?, from.signed()?].map(Timestamp);
    let (author, comment) = (from.text()?.to_owned(), from.text()?.to_owned());
    let mut matchers = Vec::new();
    for _ in 0..from.count()? {
        matchers.push(Matcher::parse(from.text()?).map_err(|_| Damaged)?);
    }
    if !key.is_at_end() || !from.is_at_end() {
        return Err(Damaged);
    }
    Ok(Silence { id, wanted: NewSilence { matchers, starts_at, ends_at, author, comment }, created_at })
}

fn key(id: &IncidentId, receiver: &ReceiverName) -> Vec<u8> {
    let mut key = Writer::default();
    key.text(id.as_str()).text(receiver.as_str());
    key.into_bytes()
}

fn write_incident(to: &mut Writer, incident: &Incident) {
    let cut = incident.summary.char_indices().nth(SUMMARY).map_or(incident.summary.len(), |(at, _)| at);
    to.text(incident.key.as_str()).text(incident.source.label()).text(&incident.name);
    to.text(incident.group.as_ref().map_or("", |group| group.as_str())).flag(incident.group.is_some());
    to.text(incident.topic.as_ref().map_or("", |topic| topic.as_str())).flag(incident.topic.is_some());
    to.number(incident.partition.map_or(0, |partition| u64::from(partition) + 1));
    to.number(incident.covers.into()).text(incident.severity.label()).text(incident.worst.label());
    to.signed(incident.since.0).signed(incident.opened_at.0).flag(incident.resolved_at.is_some());
    to.signed(incident.resolved_at.unwrap_or_default().0);
    to.number(incident.revision.into()).text(incident.change.label()).signed(incident.changed_at.0);
    to.text(&incident.summary[..cut]);
    write_labels(to, incident.labels.iter().map(|(name, value)| (name.as_ref(), value.as_ref())));
}

fn read_incident(from: &mut Reader<'_>, cluster: &ClusterName, id: IncidentId) -> Result<Incident, Damaged> {
    let key = IncidentKey::from_text(from.text()?);
    let source = from.text()?;
    let sources = [IncidentSource::Slo, IncidentSource::Alert, IncidentSource::UnmeasuredSlo];
    let source = sources.into_iter().find(|known| known.label() == source).ok_or(Damaged)?;
    let name = from.text()?.into();
    let (group, has_group) = (from.text()?, from.flag()?);
    let (topic, has_topic) = (from.text()?, from.flag()?);
    let partition = from.number()?.checked_sub(1).map(small).transpose()?;
    let covers = small(from.number()?)?;
    let (now, worst) = (severity(from.text()?)?, severity(from.text()?)?);
    let (since, opened_at) = (Timestamp(from.signed()?), Timestamp(from.signed()?));
    let (is_over, resolved_at) = (from.flag()?, Timestamp(from.signed()?));
    let revision = small(from.number()?)?;
    let change = from.text()?;
    let changes = [Change::Opened, Change::Escalated, Change::Calmed, Change::Resolved];
    let change = changes.into_iter().find(|known| known.label() == change).ok_or(Damaged)?;
    let changed_at = Timestamp(from.signed()?);
    let summary = from.text()?.into();
    let labels = read_labels(from)?.into_iter().map(|(name, value)| (name.into(), value.into()));
    Ok(Incident {
        key,
        id,
        cluster: cluster.clone(),
        source,
        name,
        group: has_group.then(|| group.into()),
        topic: has_topic.then(|| topic.into()),
        partition,
        covers,
        severity: now,
        worst,
        since,
        opened_at,
        resolved_at: is_over.then_some(resolved_at),
        revision,
        change,
        changed_at,
        because: None,
        inhibited: false,
        summary,
        value: None,
        budget: None,
        trend: None,
        worst_partitions: Vec::new(),
        happenings: Vec::new(),
        labels: Arc::new(labels.collect()),
        description: None,
        runbook: None,
    })
}

fn write_labels<'a>(to: &mut Writer, labels: impl ExactSizeIterator<Item = (&'a str, &'a str)>) {
    to.number(labels.len() as u64);
    for (name, value) in labels {
        to.text(name).text(value);
    }
}

fn read_labels<'a>(from: &mut Reader<'a>) -> Result<Vec<(&'a str, &'a str)>, Damaged> {
    (0..from.count()?).map(|_| Ok((from.text()?, from.text()?))).collect()
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn option<'a, T>(
    from: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Damaged>,
) -> Result<Option<T>, Damaged> {
    if from.flag()? { read(from).map(Some) } else { Ok(None) }
}

fn small(number: u64) -> Result<u32, Damaged> {
    u32::try_from(number).map_err(|_| Damaged)
}

fn severity(label: &str) -> Result<Severity, Damaged> {
    let all = [Severity::Info, Severity::Ticket, Severity::Page];
    all.into_iter().find(|severity| severity.label() == label).ok_or(Damaged)
}

fn outcome(label: &str) -> Result<Outcome, Damaged> {
    let all = [Outcome::Delivered, Outcome::Failed, Outcome::Refused];
    all.into_iter().find(|outcome| outcome.label() == label).ok_or(Damaged)
}
