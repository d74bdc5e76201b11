//! Single values about delivery: addresses, keys, rates, names of receivers.

use std::collections::BTreeMap;
use std::time::Duration;

use lettre::message::Mailbox;
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};

use super::{Wrong, cluster_name, wrong};
use crate::model::Severity;
use crate::notify::{Encryption, RateLimit, ReceiverName};

/// A receiver's name.
pub(in crate::config) fn receiver_name(text: &str) -> Result<ReceiverName, Wrong> {
    let name = cluster_name(text)
        .map_err(|wrong| Wrong { what: wrong.what.replace("a cluster's", "a receiver's"), ..wrong })?;
    Ok(ReceiverName::from(name.as_str()))
}

/// A URL of a web server, with whatever may stand in it.
pub(in crate::config) fn secret_url(text: &str) -> Result<String, Wrong> {
    let help = "write the whole address, such as `https://hooks.example.com/alerts`";
    if !text.starts_with("http://") && !text.starts_with("https://") {
        return wrong("is not an http:// or https:// URL", help);
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return wrong("has a blank in it", help);
    }
    if text.len() > 2048 || Url::parse(text).is_err() {
        return wrong("is not a URL", help);
    }
    Ok(text.to_owned())
}

/// A URL of a web server that may be shown: it has no password in it. Without slashes at its end.
pub(in crate::config) fn plain_url(text: &str) -> Result<String, Wrong> {
    let url = secret_url(text)?;
    if Url::parse(&url).is_ok_and(|url| !url.username().is_empty() || url.password().is_some()) {
        return wrong("has a user or a password in it", "remove them: this address is shown to people");
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// A bot's token, or the like.
pub(in crate::config) fn token(text: &str) -> Result<String, Wrong> {
    let help = "copy it again, alone and without quotes in it";
    match text.len() {
        0 => wrong("is empty", help),
        _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => wrong("is not a token", help),
        _ => Ok(text.to_owned()),
    }
}

/// PagerDuty's integration key.
pub(in crate::config) fn routing_key(text: &str) -> Result<String, Wrong> {
    if text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(text.to_owned());
    }
    wrong(
        "is not an integration key: it does not have 32 letters and digits",
        "copy the key of the service's integration `Events API V2`; an API key is another thing",
    )
}

/// A channel of Slack: its id or its name.
pub(in crate::config) fn channel(text: &str) -> Result<String, Wrong> {
    if text.is_empty() || text.len() > 100 || text.contains(char::is_whitespace) {
        return wrong(
            "is not a channel",
            "write its id, such as `C0123456789`, or its name as `\"#alerts\"`",
        );
    }
    Ok(text.to_owned())
}

/// Where mail is handed over.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::config) struct MailServer {
    pub host: String,
    pub port: u16,
    pub encryption: Encryption,
    pub user: Option<String>,
}

/// `smtps://user@host:465` or `smtp://user@host:587`.
pub(in crate::config) fn smtp(text: &str) -> Result<MailServer, Wrong> {
    let help = "write `smtps://user@host:465`, or `smtp://user@host:587` for a server with STARTTLS";
    let known = [("smtps://", Encryption::Implicit, 465), ("smtp://", Encryption::StartTls, 587)];
    let found = known.into_iter().find_map(|(scheme, encryption, port)| {
        text.strip_prefix(scheme).map(|rest| (rest.trim_end_matches('/'), encryption, port))
    });
    let Some((rest, encryption, port)) = found else {
        return wrong("is not an smtps:// or smtp:// URL", help);
    };
    // Users are often mail addresses, so only the last `@` is before the host.
    let (user, server) = rest.rsplit_once('@').map_or((None, rest), |(user, server)| (Some(user), server));
    if user.is_some_and(|user| user.contains(':')) {
        return wrong(
            "has a password in it",
            "move it to `password`, where it may be `${NAME}` or `${file:/path}`",
        );
    }
    let user = match user.map(unescaped) {
        Some(Some(user)) if !user.is_empty() => Some(user),
        Some(_) => return wrong("has no valid user before its `@`", help),
        None => None,
    };
    let is_ipv6 = server.starts_with('[');
    let end = if is_ipv6 { server.find(']').map_or(server.len(), |end| end + 1) } else { 0 };
    let colon = server[end..].find(':').map(|at| end + at);
    let (host, port) = match colon {
        Some(at) => (&server[..at], server[at + 1..].parse().ok().filter(|port| *port > 0)),
        None => (server, Some(port)),
    };
    let Some(port) = port else { return wrong("has no port from 1 to 65535", help) };
    // The parser of URLs knows which hosts there can be.
    if host.is_empty()
        || host.contains(['/', '?', '#', '\\'])
        || Url::parse(&format!("http://{host}")).is_err()
    {
        return wrong("has no valid host", help);
    }
    Ok(MailServer { host: host.trim_matches(['[', ']']).to_owned(), port, encryption, user })
}

/// `%40` is `@`; nothing when it is broken.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let value = digit()? * 16 + digit()?;
        bytes.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains(char::is_control))
}

/// A mail address, maybe with a name: `Plimsoll <plimsoll@example.com>`.
pub(in crate::config) fn address(text: &str) -> Result<String, Wrong> {
    let is_one_line = !text.contains(char::is_control) && text.len() <= 500;
    match text.parse::<Mailbox>() {
        Ok(_) if is_one_line => Ok(text.to_owned()),
        _ => {
            wrong("is not a mail address", "write it as `oncall@example.com` or `Name <oncall@example.com>`")
        }
    }
}

/// The name of a header that may be set.
pub(in crate::config) fn header_name(text: &str) -> Result<(), Wrong> {
    let Ok(name) = HeaderName::from_bytes(text.as_bytes()) else {
        return wrong("is not the name of a header", "write one such as `Authorization` or `X-Token`");
    };
    if ["content-type", "content-length", "transfer-encoding", "host"].contains(&name.as_str()) {
        return wrong("is a header that plimsoll sets itself", "remove it");
    }
    Ok(())
}

/// The value of a header.
pub(in crate::config) fn header_value(text: &str) -> Result<String, Wrong> {
    if HeaderValue::from_str(text).is_err() {
        return wrong("cannot be sent in a header", "write one line of plain text");
    }
    Ok(text.to_owned())
}

const PERIODS: [(&str, u64); 3] = [("s", 1), ("m", 60), ("h", 3600)];
const MOST_MESSAGES: u32 = 100_000;

/// `30/m`.
pub(in crate::config) fn rate_limit(text: &str) -> Result<RateLimit, Wrong> {
    let help =
        "write the most messages per second, minute or hour, such as `30/m`; `s`, `m` and `h` are known";
    let parts = text.split_once('/').map(|(number, period)| (number.trim(), period.trim()));
    let Some((number, period)) = parts else { return wrong("is not a rate", help) };
    let Some((_, seconds)) = PERIODS.iter().find(|(name, _)| *name == period) else {
        return wrong("is per nothing that is known", help);
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return wrong("does not begin with a whole number", help);
    }
    match number.parse::<u32>() {
        Ok(0) => wrong(
            "would let no message through",
            "write at least 1; a receiver that is to be told nothing is left out of the routes",
        ),
        Ok(messages) if messages <= MOST_MESSAGES => {
            Ok(RateLimit { messages, per: Duration::from_secs(*seconds) })
        }
        _ => wrong("is out of range", format!("write at most {MOST_MESSAGES}")),
    }
}

/// The name of a label that incidents may have.
pub(in crate::config) fn incident_label(text: &str) -> Result<(), Wrong> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text == "..." {
        let help = "name the labels; to tell each incident by itself, name `alertname`, `cluster`, `consumergroup`, \
                    `topic` and `partition`";
        return wrong("is not known here", help);
    }
    if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) || !text.chars().all(is_plain) {
        return wrong("is not a label's name", "use letters, digits and `_`, with no digit at the beginning");
    }
    Ok(())
}

/// Names of severities in rules files beyond those that are always known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Severities(pub(in crate::config) BTreeMap<String, Severity>);

/// What is always known, unless the settings say otherwise: the names that Prometheus rules have.
const USUAL_NAMES: [(&str, Severity); 2] = [("critical", Severity::Page), ("warning", Severity::Ticket)];

impl Severities {
    /// The severity that `text` means, if any.
    #[must_use]
    pub fn get(&self, text: &str) -> Option<Severity> {
        let usual = || USUAL_NAMES.into_iter().find(|(name, _)| *name == text).map(|(_, severity)| severity);
        own_severity(text).or_else(|| self.0.get(text).copied()).or_else(usual)
    }

    /// The same, or what is wrong.
    pub(in crate::config) fn read(&self, text: &str) -> Result<Severity, Wrong> {
        self.get(text).ok_or_else(|| {
            let more: Vec<_> = self.0.keys().map(|name| format!("`{name}`")).collect();
            let more = if more.is_empty() {
                "`critical` is read as page, `warning` as ticket, and the settings' `severities` name others"
                    .to_owned()
            } else {
                format!("or what the settings' `severities` name: {}", more.join(", "))
            };
            Wrong {
                what: "is not a severity".to_owned(),
                help: format!("write `page`, `ticket` or `info`; {more}"),
            }
        })
    }
}

/// `page`, `ticket` or `info`.
pub(in crate::config) fn own_severity(text: &str) -> Option<Severity> {
    [Severity::Page, Severity::Ticket, Severity::Info].into_iter().find(|severity| severity.label() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: std::fmt::Debug>(read: fn(&str) -> Result<T, Wrong>, text: &str, expected: &str) {
        let told = read(text).map_or_else(|wrong| wrong.what, |value| format!("{value:?}"));
        assert_eq!(told, expected, "{text}");
    }

    #[test]
    fn a_mail_server_has_a_scheme_a_host_and_no_password() {
        let check = |text: &str, expected: &str| {
            let told = smtp(text).map_or_else(
                |wrong| wrong.what,
                |it| format!("{} {} {:?} {}", it.host, it.port, it.encryption, it.user.unwrap_or_default()),
            );
            assert_eq!(told, expected, "{text}");
        };
        check("smtps://user@mail:465", "mail 465 Implicit user");
        check("smtp://mail.example.com", "mail.example.com 587 StartTls ");
        check("smtps://me@example.com@mail/", "mail 465 Implicit me@example.com");
        check("smtps://me%40example.com@[::1]:25", "::1 25 Implicit me@example.com");
        check("smtp://[2001:db8::1]", "2001:db8::1 587 StartTls ");
        check("smtp://user:hunter2@mail", "has a password in it");
        check("smtp://@mail", "has no valid user before its `@`");
        check("smtp://%zz@mail", "has no valid user before its `@`");
        check("smtp://%4", "has no valid host");
        check("mail:25", "is not an smtps:// or smtp:// URL");
        check("smtp://mail:0", "has no port from 1 to 65535");
        check("smtp://mail:", "has no port from 1 to 65535");
        check("smtp://", "has no valid host");
        check("smtp://a b", "has no valid host");
        check("smtp://a/b", "has no valid host");
        check("smtp://[::1", "has no valid host");
    }

    #[test]
    fn a_rate_is_so_many_messages_in_a_time() {
        check(rate_limit, "30/m", "RateLimit { messages: 30, per: 60s }");
        check(rate_limit, "1 / s", "RateLimit { messages: 1, per: 1s }");
        check(rate_limit, "100000/h", "RateLimit { messages: 100000, per: 3600s }");
        check(rate_limit, "0/m", "would let no message through");
        check(rate_limit, "30", "is not a rate");
        check(rate_limit, "30/d", "is per nothing that is known");
        check(rate_limit, "-1/m", "does not begin with a whole number");
        check(rate_limit, "100001/m", "is out of range");
        check(rate_limit, "99999999999/m", "is out of range");
    }

    #[test]
    fn addresses_are_read_as_those_who_use_them_do() {
        check(address, "oncall@example.com", "\"oncall@example.com\"");
        check(address, "On Call <oncall@example.com>", "\"On Call <oncall@example.com>\"");
        check(address, "oncall", "is not a mail address");
        check(address, "a@b, c@d", "is not a mail address");
        check(address, "a@b\nBcc: c@d", "is not a mail address");
        check(plain_url, "https://plimsoll.example//", "\"https://plimsoll.example\"");
        check(plain_url, "https://me@plimsoll.example", "has a user or a password in it");
        check(secret_url, "https://me:x@host/y?z", "\"https://me:x@host/y?z\"");
        check(secret_url, "https://", "is not a URL");
        check(secret_url, "ftp://host", "is not an http:// or https:// URL");
        check(secret_url, "http://a b", "has a blank in it");
        check(header_name, "X-Token", "()");
        check(header_name, "X Token", "is not the name of a header");
        check(header_name, "Content-Type", "is a header that plimsoll sets itself");
        check(header_value, "a\nb", "cannot be sent in a header");
    }

    #[test]
    fn a_key_has_32_characters() {
        check(routing_key, &"a1".repeat(16), &format!("{:?}", "a1".repeat(16)));
        let wrong = "is not an integration key: it does not have 32 letters and digits";
        check(routing_key, &"a1".repeat(15), wrong);
        check(routing_key, &"a-".repeat(16), wrong);
        check(routing_key, "", wrong);
    }

    #[test]
    fn further_names_of_severities_never_change_the_real_ones() {
        let severities = Severities(
            [("page", Severity::Info), ("warning", Severity::Info), ("urgent", Severity::Page)]
                .into_iter()
                .map(|(name, severity)| (name.to_owned(), severity))
                .collect(),
        );
        let check = |name: &str, expected: Option<Severity>| {
            assert_eq!(severities.get(name), expected, "{name}");
        };
        check("page", Some(Severity::Page));
        check("warning", Some(Severity::Info));
        check("critical", Some(Severity::Page));
        check("urgent", Some(Severity::Page));
        check("Urgent", None);
    }
}
