//! Tells people of incidents: who is told, when, in which words, and whether it arrived.
//! Never decides that something is wrong, and never keeps anybody else waiting: each receiver has a task of its own.
//!
//! Every receiver has an entry for each incident that it is to be told of, with the revision that it was told last.
//! What it is owed is the difference, so a receiver that was away for an hour hears what is so now, and not a replay.
//! Entries are made durable together with the incident that they are about, before anything is sent, and again after
//! each answer: killed at any moment, the daemon tells at most one of them once more, under the same key.

mod alertmanager;
mod answer;
mod backoff;
mod book;
mod config;
mod cut;
mod email;
mod entry;
mod explain;
mod fingerprint;
mod group;
mod heartbeat;
mod http;
mod labels;
mod lane;
mod matcher;
mod message;
mod outbox;
mod pagerduty;
mod rate;
mod route;
mod rows;
mod sender;
mod silence;
mod slack;
mod terminal;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trial;
mod unusable;
mod view;
mod webhook;
mod words;

pub use config::{
    AlertmanagerConfig, EmailConfig, Encryption, GroupingConfig, HeartbeatConfig, NotifyConfig,
    PagerDutyConfig, RateLimit, ReceiverConfig, ReceiverKind, ReceiverName, RouteConfig, SlackAccess,
    SlackConfig, WebhookConfig,
};
pub use entry::{Attempt, Outcome};
pub use explain::{Labels, RouteExplained, RouteVerdict, explain, receivers_of};
pub use heartbeat::{Heartbeat, is_due};
pub use lane::{Next, Trouble};
pub use matcher::{Matcher, NotAMatcher};
pub use message::{Failure, Links, Message, Notice, NoticeKind, Receipt, Thread};
pub use outbox::{Outbox, Reconfigured};
pub use rows::{Rows, of_no_cluster};
pub use sender::Sender;
pub use silence::{NewSilence, Silence, SilenceId, SilenceState};
pub use unusable::Unusable;
pub use view::{Counted, DeliveryState, DeliveryView, ReceiverView};
