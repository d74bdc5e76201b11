//! How alerts outlive a restart. A row for each alert that is pending, firing or has a past; one for each rule whose
//! alerts are summarized; one for the clock.
//!
//! Rows go by the names of rules, so a renamed rule starts anew. A condition that was edited starts anew too, except
//! that what fires goes on firing until the new condition has resolved it.

use super::definition::Condition;
use super::history::History;
use super::rule::{Alert, RuleState};
use super::subject::Subject;
use super::timers::Timers;
use crate::model::{Damaged, Millis, Reader, Row, RowKind, Timestamp, Writer};

const VERSION: u64 = 1;
const ALERT: u64 = 0;
const SUMMARY: u64 = 1;

/// The time that alerts go by: as the daemon's clock, but it stands still where that one is set back, so that no timer
/// is lost and none runs early. Its times minus `behind` are those of the daemon's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct SteadyClock {
    pub(super) behind: Millis,
    last: Option<Timestamp>,
}

impl SteadyClock {
    /// The steady time at `now`.
    pub(super) fn at(&mut self, now: Timestamp) -> Timestamp {
        let set_back = self.last.map_or(Millis(0), |last| last.since(now));
        self.behind = Millis(self.behind.0.saturating_add(set_back.0));
        self.last = Some(now);
        now + self.behind
    }

    /// What [`SteadyClock::row`] has written.
    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        if from.number()? != VERSION {
            return Err(Damaged);
        }
        let last = Some(Timestamp(from.signed()?)).filter(|last| last.0 != i64::MIN);
        Ok(Self { last, behind: Millis(from.number()?) })
    }

    pub(super) fn row(&self) -> Row {
        let mut value = Writer::default();
        value.number(VERSION).signed(self.last.map_or(i64::MIN, |last| last.0)).number(self.behind.0);
        Row { kind: RowKind::Alert, key: key("", ALERT, None), value: Some(value.into_bytes()) }
    }
}

/// What a row says.
pub(super) enum Restored<'a> {
    Clock(SteadyClock),
    Summary(&'a str, Timestamp),
    /// With the fingerprint of its condition.
    Alert(&'a str, Subject, u64, Box<Alert>),
}

/// Reads one row back.
pub(super) fn read(row: &Row) -> Result<Restored<'_>, Damaged> {
    let (mut key, mut value) = row.readers()?;
    let (rule, kind) = (key.text()?, key.number()?);
    if (rule, kind) == ("", ALERT) {
        let clock = SteadyClock::read(&mut value)?;
        return if key.is_at_end() && value.is_at_end() { Ok(Restored::Clock(clock)) } else { Err(Damaged) };
    }
    if value.number()? != VERSION {
        return Err(Damaged);
    }
    let restored = match (rule, kind) {
        (rule, SUMMARY) => Restored::Summary(rule, Timestamp(value.signed()?)),
        (rule, ALERT) => {
            let subject = Subject::read(&mut key)?;
            let fingerprint = value.number()?;
            let timers = if value.flag()? { Some(Timers::read(&mut value)?) } else { None };
            let history = History::read(&mut value)?;
            let alert = Alert { timers, history, ..Alert::default() };
            Restored::Alert(rule, subject, fingerprint, Box::new(alert))
        }
        _ => return Err(Damaged),
    };
    if key.is_at_end() && value.is_at_end() { Ok(restored) } else { Err(Damaged) }
}

impl RuleState {
    /// Takes an alert back.
    pub(super) fn restore(&mut self, subject: Subject, written_for: u64, mut alert: Alert) {
        if written_for != fingerprint(&self.rule.when) {
            alert.history = History::None;
            alert.timers = alert.timers.filter(|timers| timers.firing_since.is_some());
            self.changed.insert(subject.clone());
        }
        if alert != Alert::default() {
            self.alerts.insert(subject, alert);
        }
    }

    /// The rows that have changed since they were last asked for.
    pub(super) fn changed_rows(&mut self, rows: &mut Vec<Row>) {
        let changed = std::mem::take(&mut self.changed);
        self.alert_rows(changed.iter(), rows);
        if std::mem::take(&mut self.summary_changed) {
            rows.push(self.summary_row());
        }
    }

    /// All its rows.
    pub(super) fn rows(&self, rows: &mut Vec<Row>) {
        self.alert_rows(self.alerts.keys(), rows);
        rows.extend(self.summarized_since.map(|_| self.summary_row()));
    }

    fn alert_rows<'a>(&self, subjects: impl Iterator<Item = &'a Subject>, rows: &mut Vec<Row>) {
        let fingerprint = fingerprint(&self.rule.when);
        for subject in subjects {
            let value = self.alerts.get(subject).map(|alert| {
                let mut value = Writer::default();
                value.number(VERSION).number(fingerprint).flag(alert.timers.is_some());
                if let Some(timers) = &alert.timers {
                    timers.write(&mut value);
                }
                alert.history.write(&mut value);
                value.into_bytes()
            });
            rows.push(Row { kind: RowKind::Alert, key: key(&self.rule.name, ALERT, Some(subject)), value });
        }
    }

    fn summary_row(&self) -> Row {
        let value = self.summarized_since.map(|since| {
            let mut value = Writer::default();
            value.number(VERSION).signed(since.0);
            value.into_bytes()
        });
        Row { kind: RowKind::Alert, key: key(&self.rule.name, SUMMARY, None), value }
    }
}

fn key(rule: &str, kind: u64, subject: Option<&Subject>) -> Vec<u8> {
    let mut key = Writer::default();
    key.text(rule).number(kind);
    if let Some(subject) = subject {
        subject.write(&mut key);
    }
    key.into_bytes()
}

/// Tells an edited condition from the one of before: FNV-1a over its text.
fn fingerprint(condition: &Condition) -> u64 {
    format!("{condition:?}").bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
