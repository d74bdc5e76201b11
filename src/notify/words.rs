//! What people are told of incidents, before any receiver gives it its shape: a headline, one sentence of what is
//! wrong, facts and links. Texts are on one line each and bounded; nothing is escaped yet.

mod facts;
mod headline;
mod time;

use super::message::{Links, Message, Notice};
use super::{NoticeKind, cut};
use crate::model::{Incident, Severity};

pub(super) use headline::{headline, sentence, tag, title};
pub(super) use time::{ago, clock, iso};

/// How many notices a message lists.
const MOST_LISTED: usize = 20;

/// The longest name of a group, a topic or a rule, in characters.
const NAME: usize = 120;

/// The longest line of a fact, in characters.
const LINE: usize = 400;

/// The longest address that is linked, in characters. One that is cut leads nowhere, so it is left out.
const ADDRESS: usize = 1000;

/// Stands in every text of a drill.
pub(super) const DRILL: &str = "DRILL: nothing is wrong";

/// One notice in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Story {
    /// What is wrong, after its urgency: at most 1,024 characters.
    pub(super) headline: String,
    /// What is wrong, how late, since when: at most 1,000 characters.
    pub(super) sentence: String,
    /// What helps to understand it; the most important first, at most eight.
    pub(super) facts: Vec<Fact>,
    /// Where to read on; at most three.
    pub(super) links: Vec<Link>,
}

/// Something that is so, in some lines.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct Fact {
    /// Ours: `Trend`.
    pub(super) name: &'static str,
    /// At least one, at most six.
    pub(super) lines: Vec<String>,
}

/// An address with http or https.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct Link {
    /// Ours: `Runbook`.
    pub(super) name: &'static str,
    /// Percent-encoded: no blanks, no quotes, no angle brackets.
    pub(super) url: String,
}

/// Tells `notice` in words.
pub(super) fn story(message: &Message, notice: &Notice) -> Story {
    let (incident, at) = (&*notice.incident, message.at);
    let mut facts = facts::of(notice, at);
    let mut links = Vec::new();
    if let Some(runbook) = &incident.runbook {
        match link("Runbook", runbook) {
            Some(link) => links.push(link),
            None => facts.push(Fact { name: "Runbook", lines: vec![cut::plain(runbook, LINE)] }),
        }
    }
    // A rule has no key of its own for a dashboard; Prometheus' rules have it as an annotation or a label.
    let dashboard =
        incident.labels.iter().find(|(name, _)| ["dashboard", "dashboard_url"].contains(&&***name));
    links.extend(dashboard.and_then(|(_, url)| link("Dashboard", url)));
    links.extend(page(&message.links, incident).and_then(|url| link("Incident", &url)));
    Story { headline: headline(message, notice), sentence: sentence(message, notice), facts, links }
}

/// The notices that a message names, and how many it does not.
pub(super) fn listed(message: &Message) -> (&[Notice], usize) {
    let listed = message.notices.len().min(MOST_LISTED);
    (&message.notices[..listed], message.notices.len() - listed)
}

/// The daemon's page of an incident; `None` when nobody has said where people reach it.
pub(super) fn page(links: &Links, incident: &Incident) -> Option<String> {
    let base = links.external_url.as_deref()?;
    Some(format!("{base}/api/v1/incidents?id={}", incident.id))
}

/// How urgent the most urgent notice that goes on is; when all are over, the most urgent there was.
pub(super) fn severity(message: &Message) -> Severity {
    let firing = message.notices.iter().filter(|notice| notice.kind.is_firing());
    let most = firing.map(|notice| notice.incident.severity).max();
    let all = message.notices.iter().map(|notice| notice.incident.severity);
    most.or_else(|| all.max()).unwrap_or(Severity::Info)
}

/// Whether anything in it goes on.
pub(super) fn is_firing(message: &Message) -> bool {
    message.notices.iter().any(|notice| notice.kind.is_firing())
}

/// Only what a browser opens as a page, spelled so that it can stand anywhere.
fn link(name: &'static str, url: &str) -> Option<Link> {
    let url = reqwest::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let url = url.as_str().replace('\'', "%27").replace('|', "%7C").replace('`', "%60");
    (url.chars().count() <= ADDRESS).then_some(Link { name, url })
}

/// `1 record`, `2 records`.
fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests;
