//! Silences: for a time, nothing new is told of what matches. Never hides that something told of before is over.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::backoff::Random;
use super::matcher::Matcher;
use crate::model::{Millis, Severity, Timestamp};

/// The most there may be, those that are over included.
const MOST: usize = 1_000;
const MOST_MATCHERS: usize = 50;

/// How long one that is over is still shown.
const SHOWN: Millis = Millis::from_seconds(5 * 86_400);

/// Which silence: 16 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SilenceId(Arc<str>);

impl SilenceId {
    /// One that was written down.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SilenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What somebody wants to be silent.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSilence {
    /// All of them have to match; at least one.
    pub matchers: Vec<Matcher>,
    /// From then on.
    pub starts_at: Timestamp,
    /// Not any more from then on.
    pub ends_at: Timestamp,
    /// Who wants it.
    pub author: String,
    /// Why.
    pub comment: String,
}

/// A silence that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Silence {
    /// Which.
    pub id: SilenceId,
    /// What it says.
    pub wanted: NewSilence,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Where a silence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SilenceState {
    /// Not begun.
    Pending,
    /// Silent now.
    Active,
    /// Over.
    Expired,
}

impl SilenceState {
    /// As the API writes it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Expired => "expired",
        }
    }
}

impl NewSilence {
    /// Why it cannot be, if it cannot: one sentence.
    fn problem(&self, now: Timestamp) -> Option<String> {
        let sentence = if self.matchers.is_empty() {
            "a silence needs a matcher, such as team=payments"
        } else if self.matchers.len() > MOST_MATCHERS {
            "a silence has at most 50 matchers: make several silences"
        } else if self.matchers.iter().all(|matcher| matcher.matches("")) {
            "a silence needs a matcher that does not match the empty value: these would silence everything"
        } else if self.ends_at <= self.starts_at {
            "a silence has to end after it starts"
        } else if self.ends_at <= now {
            "a silence has to end in the future"
        } else if self.author.trim().is_empty() {
            "a silence needs an author"
        } else {
            return None;
        };
        Some(sentence.to_owned())
    }
}

impl Silence {
    /// Where it stands at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> SilenceState {
        if now >= self.wanted.ends_at {
            SilenceState::Expired
        } else if now < self.wanted.starts_at {
            SilenceState::Pending
        } else {
            SilenceState::Active
        }
    }

    /// Whether an incident with these labels is meant, at any time.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<Arc<str>, Arc<str>>, severity: Severity) -> bool {
        match_all(&self.wanted.matchers, labels, severity)
    }
}

/// Whether all `matchers` match; severity is matched as the label `severity`.
pub(super) fn match_all(
    matchers: &[Matcher],
    labels: &BTreeMap<Arc<str>, Arc<str>>,
    severity: Severity,
) -> bool {
    matchers.iter().all(|matcher| match matcher.label() {
        "severity" => matcher.matches(severity.label()),
        label => matcher.matches(labels.get(label).map_or("", |value| value)),
    })
}

/// All silences.
#[derive(Debug, Default)]
pub(super) struct Silences {
    all: BTreeMap<SilenceId, Silence>,
}

impl Silences {
    /// # Errors
    /// Why there cannot be such a silence.
    pub(super) fn add(
        &mut self,
        wanted: NewSilence,
        random: &mut Random,
        now: Timestamp,
    ) -> Result<Silence, String> {
        if let Some(problem) = wanted.problem(now) {
            return Err(problem);
        }
        if self.all.len() >= MOST {
            return Err(format!("there are {MOST} silences already: let some expire first"));
        }
        let mut id = random.next();
        while self.all.contains_key(&SilenceId(format!("{id:016x}").into())) {
            id = random.next();
        }
        let id = SilenceId(format!("{id:016x}").into());
        let silence = Silence { id: id.clone(), wanted, created_at: now };
        self.all.insert(id, silence.clone());
        Ok(silence)
    }

    /// Ends one now; `None` when there is none of that id. One that is over stays as it is.
    pub(super) fn expire(&mut self, id: &SilenceId, now: Timestamp) -> Option<Silence> {
        let silence = self.all.get_mut(id)?;
        if silence.state(now) != SilenceState::Expired {
            silence.wanted.ends_at = now;
            silence.wanted.starts_at = silence.wanted.starts_at.min(now);
        }
        Some(silence.clone())
    }

    /// Takes out those that are over for long.
    pub(super) fn forget(&mut self, now: Timestamp) -> Vec<SilenceId> {
        let old = self.all.values().filter(|silence| now >= silence.wanted.ends_at + SHOWN);
        let old: Vec<_> = old.map(|silence| silence.id.clone()).collect();
        for id in &old {
            self.all.remove(id);
        }
        old
    }

    pub(super) fn restore(&mut self, silence: Silence) {
        self.all.insert(silence.id.clone(), silence);
    }

    /// Those that an incident with these labels is meant by, at any time.
    pub(super) fn matching(
        &self,
        labels: &BTreeMap<Arc<str>, Arc<str>>,
        severity: Severity,
    ) -> Vec<SilenceId> {
        let matching = self.all.values().filter(|silence| silence.matches(labels, severity));
        matching.map(|silence| silence.id.clone()).collect()
    }

    /// When the first of `ids` that are active ends; `None` when none is active.
    pub(super) fn silent_until(&self, ids: &[SilenceId], now: Timestamp) -> Option<Timestamp> {
        let silences = ids.iter().filter_map(|id| self.all.get(id));
        let active = silences.filter(|silence| silence.state(now) == SilenceState::Active);
        active.map(|silence| silence.wanted.ends_at).min()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Silence> {
        self.all.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(matchers: &[&str], starts_at: i64, ends_at: i64) -> NewSilence {
        NewSilence {
            matchers: matchers.iter().map(|text| Matcher::parse(text).unwrap()).collect(),
            starts_at: Timestamp(starts_at),
            ends_at: Timestamp(ends_at),
            author: "ada".to_owned(),
            comment: String::new(),
        }
    }

    #[test]
    fn what_cannot_be_silent_says_why() {
        let check = |wanted: NewSilence, expected: Option<&str>| {
            let added = Silences::default().add(wanted, &mut Random::new(1), Timestamp(100));
            assert_eq!(added.is_err(), expected.is_some(), "{added:?}");
            assert!(
                expected.is_none_or(|expected| added.clone().unwrap_err().contains(expected)),
                "{added:?}"
            );
        };
        check(wanted(&["a=b"], 100, 200), None);
        check(wanted(&["a=b", "c!=d"], 300, 400), None);
        check(wanted(&[], 100, 200), Some("needs a matcher"));
        check(wanted(&["a!=b", "c=~.*"], 100, 200), Some("silence everything"));
        check(wanted(&["a=b"], 200, 200), Some("after it starts"));
        check(wanted(&["a=b"], 50, 100), Some("in the future"));
        check(wanted(&["a=b"; 51], 100, 200), Some("at most 50"));
        check(NewSilence { author: " ".to_owned(), ..wanted(&["a=b"], 100, 200) }, Some("author"));
    }

    #[test]
    fn labels_and_severity_match_and_what_is_absent_is_empty() {
        let labels = BTreeMap::from([("team".into(), "payments".into())]);
        let check = |matchers: &[&str], expected: bool| {
            let mut silences = Silences::default();
            silences.add(wanted(matchers, 0, 200), &mut Random::new(1), Timestamp(100)).unwrap();
            let found = silences.matching(&labels, Severity::Ticket);
            assert_eq!(!found.is_empty(), expected, "{matchers:?}");
        };
        check(&["team=payments"], true);
        check(&["team=payments", "severity=ticket"], true);
        check(&["team=payments", "severity=page"], false);
        check(&["team=payments", "topic!=orders"], true);
        check(&["topic=orders"], false);
    }

    #[test]
    fn a_silence_has_a_life() {
        let mut silences = Silences::default();
        let now = Timestamp(100);
        let made = silences.add(wanted(&["a=b"], 150, 200), &mut Random::new(1), now).unwrap();
        let check = |silences: &Silences, now, expected| {
            let state = silences.iter().next().unwrap().state(Timestamp(now));
            assert_eq!(state, expected, "{now}");
            let until = silences.silent_until(std::slice::from_ref(&made.id), Timestamp(now));
            assert_eq!(until.is_some(), expected == SilenceState::Active);
        };
        check(&silences, 149, SilenceState::Pending);
        check(&silences, 150, SilenceState::Active);
        check(&silences, 199, SilenceState::Active);
        check(&silences, 200, SilenceState::Expired);
        silences.expire(&made.id, Timestamp(170)).unwrap();
        check(&silences, 169, SilenceState::Active);
        check(&silences, 170, SilenceState::Expired);
        assert!(silences.forget(Timestamp(170)).is_empty());
        assert_eq!(silences.forget(Timestamp(170) + SHOWN), [made.id]);
        assert!(silences.expire(&SilenceId::from_text("no"), now).is_none());
    }
}
