//! How far one receiver has been told of one incident, and what it is owed because of that.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::backoff::{Pause, after};
use super::config::{GroupingConfig, ReceiverKind, SlackAccess};
use super::group::Group;
use super::message::{NoticeKind, Thread};
use crate::model::{Incident, Millis, Severity, Timestamp};

/// How many attempts are remembered of each entry.
pub(super) const ATTEMPTS: usize = 50;

/// How often an Alertmanager is told again, and for how long of what is over: as Prometheus does.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
const KEEP_RESOLVED: Millis = Millis::from_seconds(15 * 60);

/// How a kind of receiver is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Manner {
    /// Each incident has its own message, and a thread there.
    pub(super) one_by_one: bool,
    /// A message shows the whole group, whoever it is about.
    pub(super) whole_group: bool,
    /// What is over must have been fired before.
    pub(super) fires_first: bool,
    /// It forgets what it is not told again, and does all grouping itself.
    pub(super) forgets: bool,
}

impl Manner {
    pub(super) fn of(kind: &ReceiverKind) -> Self {
        let is_bot =
            matches!(kind, ReceiverKind::Slack(slack) if matches!(slack.access, SlackAccess::Bot { .. }));
        let is_pager = matches!(kind, ReceiverKind::PagerDuty(_));
        Self {
            one_by_one: is_bot || is_pager,
            whole_group: matches!(kind, ReceiverKind::Webhook(_)),
            fires_first: is_pager,
            forgets: matches!(kind, ReceiverKind::Alertmanager(_)),
        }
    }

    /// As a receiver of this kind needs it.
    pub(super) fn grouping(self, of_route: &GroupingConfig) -> GroupingConfig {
        if !self.forgets {
            return of_route.clone();
        }
        GroupingConfig { by: Vec::new(), wait: Duration::ZERO, interval: Duration::ZERO, repeat: KEEP_ALIVE }
    }
}

/// What a receiver has taken last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) revision: u32,
    pub(super) is_firing: bool,
    pub(super) severity: Severity,
    pub(super) at: Timestamp,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has taken it.
    Delivered,
    /// It will be tried again.
    Failed,
    /// It will not be tried again.
    Refused,
}

impl Outcome {
    /// The label value of `outcome`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// One try to tell a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When its answer came, or when it was given up.
    pub at: Timestamp,
    /// How long that took.
    pub took: Millis,
    /// How it ended.
    pub outcome: Outcome,
    /// The receiver's answer, for people.
    pub answer: String,
}

/// One receiver's part in one incident.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The group that the receiver has it in.
    pub(super) group: Arc<Group>,
    pub(super) grouping: Arc<GroupingConfig>,
    /// Since when it is to be told.
    pub(super) since: Timestamp,
    pub(super) told: Option<Told>,
    pub(super) thread: Option<Thread>,
    /// It was over before anything of it could be told, and nothing of it will be.
    pub(super) settled: bool,
    /// The revision that was refused for good.
    pub(super) refused: Option<u32>,
    /// The summary that it is told in.
    pub(super) summary: Option<Arc<Group>>,
    pub(super) attempts: VecDeque<Arc<Attempt>>,
    /// Failures in a row, and when it may be tried again.
    pub(super) failures: u32,
    pub(super) pause: Pause,
}

/// What is to be done about an entry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Standing {
    /// To be told, from `due` on.
    Owed(Owed),
    /// Nothing before that time.
    Later(Timestamp),
    /// Nothing, until the incident changes.
    Waits,
    /// Nothing any more.
    Finished,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Owed {
    pub(super) kind: NoticeKind,
    pub(super) since: Timestamp,
    pub(super) rank: Rank,
}

/// What goes first when not all can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// A page that was not told yet.
    Page,
    /// The end of a page.
    PageOver,
    Ticket,
    Info,
    /// An end, or less than it was.
    Better,
    /// What was told before.
    Again,
}

impl Rank {
    /// Whether it waits for no group.
    pub(super) fn is_urgent(self) -> bool {
        matches!(self, Self::Page | Self::PageOver)
    }

    fn of_news(severity: Severity) -> Self {
        match severity {
            Severity::Page => Self::Page,
            Severity::Ticket => Self::Ticket,
            Severity::Info => Self::Info,
        }
    }
}

/// Whether anything new may be told of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Muted {
    No {
        /// Since then.
        since: Timestamp,
    },
    /// Until a time, if that is known.
    Yes(Option<Timestamp>),
}

impl Entry {
    pub(super) fn new(group: Arc<Group>, grouping: Arc<GroupingConfig>, since: Timestamp) -> Self {
        Self {
            group,
            grouping,
            since,
            told: None,
            thread: None,
            settled: false,
            refused: None,
            summary: None,
            attempts: VecDeque::new(),
            failures: 0,
            pause: Pause::default(),
        }
    }

    /// What is to be done now.
    pub(super) fn standing(
        &self,
        incident: &Incident,
        muted: Muted,
        manner: Manner,
        now: Timestamp,
    ) -> Standing {
        let is_refused = self.refused == Some(incident.revision);
        match (&self.told, incident.is_open()) {
            (None, _) if self.settled => Standing::Finished,
            (None, false) if self.refused.is_some() => Standing::Finished,
            (Some(told), false) if told.is_firing && is_refused => Standing::Finished,
            (_, true) if is_refused => Standing::Waits,
            (None, is_open) => {
                let (kind, severity) = match (is_open, manner.fires_first) {
                    (true, _) => (NoticeKind::Fired, incident.severity),
                    (false, true) => (NoticeKind::Fired, incident.worst),
                    (false, false) => (NoticeKind::FiredAndResolved, incident.worst),
                };
                self.news(kind, Rank::of_news(severity), self.since, muted)
            }
            (Some(told), true) => self.while_open(told, incident, muted, manner, now),
            (Some(told), false) if told.is_firing => {
                let rank = if told.severity == Severity::Page { Rank::PageOver } else { Rank::Better };
                let since = incident.changed_at.max(self.since);
                Standing::Owed(Owed { kind: NoticeKind::Resolved, since, rank })
            }
            (Some(told), false) => {
                let resolved_at = incident.resolved_at.unwrap_or(told.at);
                let due = after(told.at, KEEP_ALIVE, now);
                if !manner.forgets || due >= resolved_at + KEEP_RESOLVED {
                    Standing::Finished
                } else if due > now {
                    Standing::Later(due)
                } else {
                    Standing::Owed(Owed { kind: NoticeKind::Resolved, since: due, rank: Rank::Again })
                }
            }
        }
    }

    fn while_open(
        &self,
        told: &Told,
        incident: &Incident,
        muted: Muted,
        manner: Manner,
        now: Timestamp,
    ) -> Standing {
        let changed_at = incident.changed_at.max(self.since);
        if incident.severity > told.severity {
            let rank = Rank::of_news(incident.severity);
            return self.news(NoticeKind::Escalated, rank, changed_at, muted);
        }
        if incident.severity < told.severity {
            return self.news(NoticeKind::Calmed, Rank::Better, changed_at, muted);
        }
        let due = after(told.at, self.grouping.repeat, now);
        if due > now {
            return Standing::Later(due);
        }
        let since = told.at + millis(self.grouping.repeat);
        if manner.forgets {
            // Not to be told again would say that it is over.
            return Standing::Owed(Owed { kind: NoticeKind::Repeated, since, rank: Rank::Again });
        }
        self.news(NoticeKind::Repeated, Rank::Again, since, muted)
    }

    fn news(&self, kind: NoticeKind, rank: Rank, since: Timestamp, muted: Muted) -> Standing {
        match muted {
            Muted::No { since: unmuted } => Standing::Owed(Owed { kind, since: since.max(unmuted), rank }),
            Muted::Yes(Some(until)) => Standing::Later(until),
            Muted::Yes(None) => Standing::Waits,
        }
    }

    /// Whether nothing of it was ever told, and it may still be told alone or with others.
    pub(super) fn is_untold(&self) -> bool {
        self.told.is_none() && !self.settled && self.refused.is_none()
    }

    /// When it may be told, as far as its group and its failures go.
    pub(super) fn due(
        &self,
        owed: &Owed,
        manner: Manner,
        group_told: Option<Timestamp>,
        now: Timestamp,
    ) -> Timestamp {
        let grouping = &self.grouping;
        let by_group = if owed.rank.is_urgent() {
            now
        } else if manner.one_by_one && self.summary.is_none() {
            // Others of the group have messages of their own, so they hold up nothing.
            match &self.told {
                None => after(owed.since, grouping.wait, now),
                Some(told) => after(told.at, grouping.interval, now),
            }
        } else {
            match group_told {
                None => after(owed.since, grouping.wait, now),
                Some(told) => after(told, grouping.interval, now),
            }
        };
        by_group.max(self.pause.over_at(now))
    }

    pub(super) fn remember(&mut self, attempt: &Arc<Attempt>) {
        self.attempts.push_back(Arc::clone(attempt));
        while self.attempts.len() > ATTEMPTS {
            self.attempts.pop_front();
        }
    }
}

pub(super) fn millis(length: Duration) -> Millis {
    Millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX))
}
