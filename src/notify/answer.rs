//! What receivers answer, as people may see it: on one line, short, without addresses and without secrets.

use std::fmt;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::cut;
use super::message::Failure;
use crate::model::Timestamp;

/// The longest answer, in characters.
const ANSWER: usize = 200;

/// Shorter texts are no secrets, and would be found everywhere.
const LEAST_SECRET: usize = 3;

/// The longest time for which a receiver's wish to be left alone is believed.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// Everything that must not be seen of one receiver, in every spelling in which a server may send it back.
#[derive(Clone, Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Hides `secret` from now on.
    pub(super) fn add(&mut self, secret: &str) {
        let in_url = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        let in_json = serde_json::Value::from(secret).to_string();
        let in_html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let in_json = in_json[1..in_json.len() - 1].to_owned();
        let in_base64 = BASE64_STANDARD.encode(secret);
        let spellings = [secret.to_owned(), in_url, in_json, in_html, in_base64];
        self.0.extend(spellings.into_iter().filter(|text| text.chars().count() >= LEAST_SECRET));
        // The longest first: one may be a part of another.
        self.0.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.0.dedup();
    }

    /// Hides the user and the password of `url`, in which nothing else is secret.
    pub(super) fn add_user(&mut self, url: &reqwest::Url) {
        let Some(password) = url.password() else { return };
        let (user, decoded) = (percent_decoded(url.username()), percent_decoded(password));
        for text in [password, &decoded, &format!("{user}:{decoded}")] {
            self.add(text);
        }
    }

    /// Hides `url`, its user and password, and every part of it behind the host that may be a key.
    pub(super) fn add_url(&mut self, url: &reqwest::Url) {
        self.add(url.as_str());
        let behind = format!("{}?{}", url.path(), url.query().unwrap_or_default());
        let segments = url.path().split('/').filter(|segment| segment.len() >= 6);
        let values: Vec<_> = url.query_pairs().map(|(_, value)| value.into_owned()).collect();
        for text in [behind.as_str(), url.path(), url.path().trim_matches('/'), url.username()]
            .into_iter()
            .chain(url.query())
            .chain(url.fragment())
            .chain(segments)
            .chain(values.iter().map(String::as_str))
        {
            if text != "/" {
                self.add(text);
                self.add(&percent_decoded(text));
            }
        }
        self.add_user(url);
    }

    /// `text` as people may see it.
    pub(super) fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), "<secret>");
            }
        }
        cut::plain(&without_addresses(&text), ANSWER)
    }

    /// It may take it later.
    pub(super) fn later(&self, answer: &str, after: Option<Duration>) -> Failure {
        Failure::Later { answer: self.clean(answer), after }
    }

    /// It will never take it as it is.
    pub(super) fn never(&self, answer: &str) -> Failure {
        Failure::Never { answer: self.clean(answer) }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secrets>")
    }
}

/// How long a receiver wants to be left alone: `Retry-After` in seconds, or as a date, which is one of its own clock
/// as far as it says what that shows.
pub(super) fn retry_after(value: &str, date: Option<&str>, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(LONGEST_WAIT));
    }
    let milliseconds = |text: &str| {
        jiff::fmt::rfc2822::parse(text.trim()).ok().map(|time| time.timestamp().as_millisecond())
    };
    let until = Timestamp(milliseconds(value)?);
    let now = date.and_then(milliseconds).map_or(now, Timestamp);
    Some(Duration::from_millis(until.since(now).0).min(LONGEST_WAIT))
}

/// `text` with `<url>` for everything that looks like an address.
fn without_addresses(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let scheme = rest[..at].trim_end_matches(|c: char| c.is_ascii_alphanumeric() || "+-.".contains(c));
        kept.push_str(scheme);
        kept.push_str("<url>");
        let end = |c: char| c.is_whitespace() || c.is_control() || "\"'`(){}[],\\".contains(c);
        rest = rest[at..].find(end).map_or("", |end| &rest[at + end..]);
    }
    kept + rest
}

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests;
