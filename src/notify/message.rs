//! What one receiver is told at once, and what it answers. Receivers turn it into their own words.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::config::ReceiverName;
use crate::model::{Incident, Timestamp};

/// One message to one receiver: incidents that share the values of the labels that they are grouped by.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// To whom.
    pub receiver: ReceiverName,
    /// The labels that the incidents are grouped by, and their values; absent ones are left out.
    pub group_labels: BTreeMap<String, String>,
    /// The group's key: stable, the same for every message of the group to this receiver. 32 hexadecimal digits.
    pub group_key: String,
    /// At least one; those that fire before those that are over, the most urgent first, then the oldest.
    pub notices: Vec<Notice>,
    /// They are told as one incident, under the group's key, because they are too many to be told one by one.
    pub is_summary: bool,
    /// The time of telling.
    pub at: Timestamp,
    /// Where links go.
    pub links: Links,
    /// A drill: nothing is really wrong, and every text says so.
    pub is_drill: bool,
}

/// Bases of links.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Links {
    /// Where people reach the daemon's pages; no slash at its end.
    pub external_url: Option<String>,
}

/// What is told of one incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// As it was when the message was made; its revision is the one that is told.
    pub incident: Arc<Incident>,
    /// Why it is told.
    pub kind: NoticeKind,
    /// What this receiver has answered when it was told of this incident before.
    pub thread: Option<Thread>,
}

/// Why an incident is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// For the first time.
    Fired,
    /// It is more urgent than it was when it was told before.
    Escalated,
    /// It is less urgent.
    Calmed,
    /// It still goes on.
    Repeated,
    /// It is over, and its beginning was told before.
    Resolved,
    /// It is over, and nothing of it was told before.
    FiredAndResolved,
}

/// Where a receiver keeps an incident: what is needed to speak of the same one again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Thread {
    /// Slack: the channel's id. Mail: empty.
    pub channel: String,
    /// Slack: the message's `ts`. Mail: the Message-Id of the first one.
    pub id: String,
}

/// A receiver has taken a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What it answered, for people: `202 Accepted`. At most 200 characters, never a secret.
    pub answer: String,
    /// Of each notice, in their order, where it is kept now; `None` where there is nothing to keep.
    pub threads: Vec<Option<Thread>>,
}

/// A receiver has not taken a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It may take it later: network, 5xx, 429.
    Later {
        /// What it answered, for people. At most 200 characters, never a secret.
        answer: String,
        /// The receiver asked to be left alone for so long.
        after: Option<Duration>,
    },
    /// It will never take it as it is: 4xx, `ok: false`, SMTP 5xx.
    Never {
        /// What it answered, for people. At most 200 characters, never a secret.
        answer: String,
    },
}

impl Receipt {
    /// The answer of a receiver that keeps nothing of `message` that is needed again.
    pub(super) fn plain(answer: &str, message: &Message) -> Self {
        Self { answer: answer.to_owned(), threads: vec![None; message.notices.len()] }
    }
}

impl NoticeKind {
    /// Whether the incident goes on.
    #[must_use]
    pub fn is_firing(self) -> bool {
        !matches!(self, Self::Resolved | Self::FiredAndResolved)
    }
}
