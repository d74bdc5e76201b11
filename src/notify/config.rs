//! Who is told of what, and how: receivers, routes, grouping. Checked and ready to use; how it is written in a file is
//! the business of `config`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::model::Secret;

/// A receiver's name in the settings, and the `receiver` label of its metrics.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReceiverName(Arc<str>);

impl ReceiverName {
    /// The name as the settings spell it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ReceiverName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for ReceiverName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything about telling people.
#[derive(Debug, Clone, PartialEq)]
pub struct NotifyConfig {
    /// Whether this instance tells anybody: `notify`. Of several that watch the same groups exactly one should.
    pub notifies: bool,
    /// Each with a name of its own; never empty: where the settings name none, there is a terminal.
    pub receivers: Vec<ReceiverConfig>,
    /// The first that matches decides, unless it says to go on. What none takes, nobody is told.
    pub routes: Vec<RouteConfig>,
    /// Where a route does not say otherwise.
    pub grouping: GroupingConfig,
    /// Where people reach this daemon's pages: the base of links in messages, without a slash at its end.
    pub external_url: Option<String>,
}

impl Default for NotifyConfig {
    /// Everything on the terminal.
    fn default() -> Self {
        let terminal = ReceiverConfig::new(ReceiverName::from("terminal"), ReceiverKind::Terminal);
        let route = RouteConfig {
            matchers: Vec::new(),
            receivers: vec![terminal.name.clone()],
            goes_on: false,
            grouping: None,
        };
        Self {
            notifies: true,
            receivers: vec![terminal],
            routes: vec![route],
            grouping: GroupingConfig::default(),
            external_url: None,
        }
    }
}

impl NotifyConfig {
    /// What a running daemon tells people by: without any receiver or route when it is to tell nobody.
    #[must_use]
    pub fn in_force(&self) -> Self {
        if self.notifies {
            return self.clone();
        }
        Self { receivers: Vec::new(), routes: Vec::new(), ..self.clone() }
    }
}

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceiverConfig {
    /// Unique.
    pub name: ReceiverName,
    /// What it is.
    pub kind: ReceiverKind,
    /// Who is told instead of what this one refuses for good.
    pub fallback: Option<ReceiverName>,
    /// The most messages; `None` for what its kind can take.
    pub rate_limit: Option<RateLimit>,
    /// A file with further certificate authorities, PEM.
    pub ca_file: Option<PathBuf>,
    /// How long one try may take.
    pub timeout: Duration,
}

impl ReceiverConfig {
    /// Shortest and longest `timeout`.
    pub const TIMEOUT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(120));

    /// One with the defaults.
    #[must_use]
    pub fn new(name: ReceiverName, kind: ReceiverKind) -> Self {
        Self { name, kind, fallback: None, rate_limit: None, ca_file: None, timeout: Duration::from_secs(10) }
    }
}

/// The kinds of receivers.
#[derive(Debug, Clone, PartialEq)]
pub enum ReceiverKind {
    /// Slack, by an incoming webhook or a bot.
    Slack(SlackConfig),
    /// PagerDuty's Events API v2.
    PagerDuty(PagerDutyConfig),
    /// Mail over SMTP.
    Email(EmailConfig),
    /// Alertmanager's webhook shape, version 4.
    Webhook(WebhookConfig),
    /// Alertmanagers, as Prometheus tells them.
    Alertmanager(AlertmanagerConfig),
    /// A dead man's switch: an address that is called while the daemon really judges.
    Heartbeat(HeartbeatConfig),
    /// Standard output.
    Terminal,
}

impl ReceiverKind {
    /// Its key in the settings.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Slack(_) => "slack",
            Self::PagerDuty(_) => "pagerduty",
            Self::Email(_) => "email",
            Self::Webhook(_) => "webhook",
            Self::Alertmanager(_) => "alertmanager",
            Self::Heartbeat(_) => "heartbeat",
            Self::Terminal => "terminal",
        }
    }
}

/// `slack`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackConfig {
    /// How it is let in.
    pub access: SlackAccess,
    /// The base of the Web API's methods, `https://slack.com/api` by default.
    pub api_url: String,
}

/// How Slack lets us in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlackAccess {
    /// The address is the secret. Each message is a new one.
    Webhook {
        /// The whole address.
        url: Secret,
    },
    /// One message per incident, updated and threaded.
    Bot {
        /// `xoxb-…`.
        token: Secret,
        /// A channel's id or name.
        channel: String,
    },
}

/// `pagerduty`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagerDutyConfig {
    /// The integration key, 32 characters.
    pub routing_key: Secret,
    /// `https://events.pagerduty.com/v2/enqueue` by default.
    pub url: String,
}

/// `email`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailConfig {
    /// The server's host.
    pub host: String,
    /// Its port: 465 for implicit TLS, 587 for STARTTLS by default.
    pub port: u16,
    /// Never none.
    pub encryption: Encryption,
    /// For AUTH PLAIN or LOGIN; without it nobody logs in.
    pub user: Option<String>,
    /// With the user.
    pub password: Option<Secret>,
    /// The sender's address, with or without a name.
    pub from: String,
    /// At least one address.
    pub to: Vec<String>,
}

/// How a mail server's connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// `smtps://`.
    Implicit,
    /// `smtp://`: plain until STARTTLS, and nothing is sent without it.
    StartTls,
}

/// `webhook`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookConfig {
    /// It may hold a key.
    pub url: Secret,
    /// Sent with each request.
    pub headers: BTreeMap<String, Secret>,
}

/// `alertmanager`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertmanagerConfig {
    /// Every instance, without `/api/v2/alerts`; at least one.
    pub urls: Vec<Secret>,
}

/// `heartbeat`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartbeatConfig {
    /// Called with GET.
    pub url: Secret,
    /// How often.
    pub interval: Duration,
}

/// The most messages in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// At least 1.
    pub messages: u32,
    /// In so long.
    pub per: Duration,
}

/// Who is told of what matches.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteConfig {
    /// All of them have to match; none means everything. Severity is matched as the label `severity`.
    pub matchers: Vec<super::Matcher>,
    /// Told, each.
    pub receivers: Vec<ReceiverName>,
    /// Further routes are looked at, too: `continue`.
    pub goes_on: bool,
    /// Instead of the general one.
    pub grouping: Option<GroupingConfig>,
}

/// How incidents share messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupingConfig {
    /// The labels whose values they have to share; empty: all are one group.
    pub by: Vec<String>,
    /// How long the first message of a group waits for further incidents. Pages never wait.
    pub wait: Duration,
    /// The least time between two messages of a group. Pages never wait.
    pub interval: Duration,
    /// An incident that is open is told again after so long.
    pub repeat: Duration,
}

impl Default for GroupingConfig {
    fn default() -> Self {
        Self {
            by: vec!["alertname".to_owned(), "cluster".to_owned()],
            wait: Duration::ZERO,
            interval: Duration::from_secs(60),
            repeat: Duration::from_secs(4 * 3600),
        }
    }
}
