//! Mail over SMTP, never without TLS: a text and an HTML part that say the same, one thread per incident.

mod letter;

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransport, Error};
use lettre::{AsyncTransport, Tokio1Executor};

use super::answer::Secrets;
use super::config::{EmailConfig, Encryption, ReceiverConfig};
use super::message::{Failure, Message, Receipt};
use super::unusable::Unusable;
use super::{cut, http};

/// A mail server, and who writes to whom.
pub(super) struct Email {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    timeout: Duration,
    encryption: Encryption,
    secrets: Secrets,
}

impl Email {
    pub(super) fn build(config: &ReceiverConfig, email: &EmailConfig) -> Result<Self, Unusable> {
        let from = mailbox(config, "from", &email.from)?;
        let to = email.to.iter().map(|to| mailbox(config, "to", to)).collect::<Result<Vec<_>, _>>()?;
        if to.is_empty() {
            return Err(Unusable::new(&config.name, "has no address in `to`", "name at least one"));
        }
        let mut tls = TlsParameters::builder(email.host.clone());
        for authority in http::authorities(config)? {
            let authority = Certificate::from_der(authority).map_err(|_| http::unusable_file(config))?;
            tls = tls.add_root_certificate(authority);
        }
        let tls = tls.build_rustls().map_err(|failed| {
            let what = format!("cannot encrypt ({})", http::cause(&failed));
            Unusable::new(&config.name, what, "check the host in `smtp`, and the `ca_file` if there is one")
        })?;
        let tls = match email.encryption {
            Encryption::Implicit => Tls::Wrapper(tls),
            Encryption::StartTls => Tls::Required(tls),
        };
        let mut secrets = Secrets::default();
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(email.host.as_str())
            .port(email.port)
            .timeout(Some(config.timeout))
            .tls(tls);
        if let Some(user) = &email.user {
            let password = email.password.as_ref().map_or("", |password| password.expose());
            secrets.add(password);
            secrets.add(&format!("\0{user}\0{password}"));
            transport = transport
                .credentials(Credentials::new(user.clone(), password.to_owned()))
                .authentication(vec![Mechanism::Plain, Mechanism::Login]);
        }
        let (timeout, encryption) = (config.timeout, email.encryption);
        Ok(Self { transport: transport.build(), from, to, timeout, encryption, secrets })
    }

    /// Sends one mail with all of `message` to all addresses, within the timeout from the first connection to the last
    /// answer.
    pub(super) async fn send(&self, message: &Message) -> Result<Receipt, Failure> {
        let mail = letter::mail(message, &self.from, &self.to)
            .map_err(|failed| self.secrets.never(&format!("the mail cannot be written: {failed}")))?;
        let sent = tokio::time::timeout(self.timeout, self.transport.send(mail)).await;
        match sent {
            Err(_) => Err(self.secrets.later(&format!("no answer within {:?}", self.timeout), None)),
            Ok(Err(failed)) => Err(self.failed(&failed)),
            Ok(Ok(response)) => {
                let said: Vec<_> = response.message().collect();
                let answer = self.secrets.clean(&format!("{} {}", response.code(), said.join(" ")));
                Ok(Receipt { answer, threads: letter::threads(message, &self.from) })
            }
        }
    }

    fn failed(&self, failed: &Error) -> Failure {
        let why = http::cause(failed);
        if let Some(code) = failed.status() {
            let answer = format!("{code} {why}");
            return if failed.is_permanent() {
                self.secrets.never(&answer)
            } else {
                self.secrets.later(&answer, None)
            };
        }
        // What the client itself refuses to do, it will refuse the next time as well.
        if failed.is_client() {
            let answer = if why.contains("STARTTLS") && self.encryption == Encryption::StartTls {
                "the server offers no STARTTLS, and nothing is sent in the clear; let it offer STARTTLS, or write \
                 smtps instead of smtp if it has a port for TLS alone"
            } else if why.contains("authentication mechanism") {
                "the server offers neither AUTH PLAIN nor AUTH LOGIN; let it offer one, or leave the user out"
            } else {
                return self.secrets.never(&why);
            };
            return self.secrets.never(answer);
        }
        let what = if failed.is_tls() { "TLS failed" } else { "the connection failed" };
        self.secrets.later(&format!("{what}: {why}"), None)
    }
}

fn mailbox(config: &ReceiverConfig, key: &str, text: &str) -> Result<Mailbox, Unusable> {
    text.parse().map_err(|_| {
        let what = format!("has a `{key}` that is no mail address, {:?}", cut::plain(text, 100));
        Unusable::new(
            &config.name,
            what,
            "write it like `alerts@example.com` or `Plimsoll <alerts@example.com>`",
        )
    })
}

#[cfg(test)]
mod tests;
