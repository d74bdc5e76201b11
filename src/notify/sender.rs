//! One receiver, ready to be told: the kinds behind one door.

use std::fmt;
use std::io::Write;

use super::alertmanager::Alertmanager;
use super::config::{ReceiverConfig, ReceiverKind};
use super::email::Email;
use super::heartbeat::Heartbeat;
use super::message::{Failure, Message, Receipt};
use super::pagerduty::PagerDuty;
use super::slack::Slack;
use super::terminal::Terminal;
use super::unusable::Unusable;
use super::webhook::Webhook;

/// A receiver with its connections. Sends what it is given, once; whether and when to try again is the business of
/// others.
pub struct Sender(Kind);

enum Kind {
    Slack(Slack),
    PagerDuty(PagerDuty),
    Email(Box<Email>),
    Webhook(Webhook),
    Alertmanager(Alertmanager),
    Heartbeat(Heartbeat),
    Terminal(Terminal),
}

impl Sender {
    /// Gets a receiver ready; nothing is sent, and nobody is connected to. A terminal is standard output, without colours.
    ///
    /// # Errors
    /// The receiver cannot be used as it is set, and what to do.
    pub fn build(config: &ReceiverConfig) -> Result<Self, Unusable> {
        Ok(Self(match &config.kind {
            ReceiverKind::Slack(slack) => Kind::Slack(Slack::build(config, slack)?),
            ReceiverKind::PagerDuty(pagerduty) => Kind::PagerDuty(PagerDuty::build(config, pagerduty)?),
            ReceiverKind::Email(email) => Kind::Email(Box::new(Email::build(config, email)?)),
            ReceiverKind::Webhook(webhook) => Kind::Webhook(Webhook::build(config, webhook)?),
            ReceiverKind::Alertmanager(settings) => {
                Kind::Alertmanager(Alertmanager::build(config, settings)?)
            }
            ReceiverKind::Heartbeat(heartbeat) => Kind::Heartbeat(Heartbeat::build(config, heartbeat)?),
            ReceiverKind::Terminal => Kind::Terminal(Terminal::new(Box::new(std::io::stdout()), false)),
        }))
    }

    /// A terminal that writes to `output`, with colours if it is told so.
    #[must_use]
    pub fn terminal(output: Box<dyn Write + Send>, is_coloured: bool) -> Self {
        Self(Kind::Terminal(Terminal::new(output, is_coloured)))
    }

    /// The receiver as a heartbeat, if it is one.
    #[must_use]
    pub fn heartbeat(&self) -> Option<&Heartbeat> {
        if let Kind::Heartbeat(heartbeat) = &self.0 { Some(heartbeat) } else { None }
    }

    /// Tells the receiver. Every request has the receiver's timeout; there is more than one for each notice with
    /// PagerDuty and Slack's bots only.
    ///
    /// # Errors
    /// It has not taken the message, or not all of it: all of it has to be sent again.
    pub async fn send(&self, message: &Message) -> Result<Receipt, Failure> {
        match &self.0 {
            Kind::Slack(slack) => slack.send(message).await,
            Kind::PagerDuty(pagerduty) => pagerduty.send(message).await,
            Kind::Email(email) => email.send(message).await,
            Kind::Webhook(webhook) => webhook.send(message).await,
            Kind::Alertmanager(alertmanager) => alertmanager.send(message).await,
            Kind::Heartbeat(heartbeat) => heartbeat.send(message).await,
            Kind::Terminal(terminal) => terminal.send(message),
        }
    }
}

/// Only what it is: everything else may hold a secret.
impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Slack(_) => "Sender(slack)",
            Kind::PagerDuty(_) => "Sender(pagerduty)",
            Kind::Email(_) => "Sender(email)",
            Kind::Webhook(_) => "Sender(webhook)",
            Kind::Alertmanager(_) => "Sender(alertmanager)",
            Kind::Heartbeat(_) => "Sender(heartbeat)",
            Kind::Terminal(_) => "Sender(terminal)",
        })
    }
}
