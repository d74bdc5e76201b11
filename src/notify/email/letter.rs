//! One mail as it is sent: headers, a part for readers of text and one for readers of HTML.

use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;

use super::super::message::{Message, Notice, Thread};
use super::super::words::{self, Story};
use super::super::{cut, fingerprint};
use crate::model::Severity;

/// The longest subject, in characters.
const SUBJECT: usize = 200;

/// How many threads a mail belongs to at most: more than a reader can show.
const MOST_THREADS: usize = 20;

/// Why a mail cannot be written, for people.
type Unwritten = String;

/// The mail to all of `to`.
pub(super) fn mail(message: &Message, from: &Mailbox, to: &[Mailbox]) -> Result<lettre::Message, Unwritten> {
    let at = Duration::from_millis(u64::try_from(message.at.0).unwrap_or(0));
    let mut mail = lettre::Message::builder()
        .from(from.clone())
        .date(SystemTime::UNIX_EPOCH + at)
        .subject(cut::plain(&words::title(message), SUBJECT))
        .message_id(Some(id(message, from)))
        .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")).to_owned())
        // No out-of-office notes to the sender.
        .raw_header(header("Auto-Submitted", "auto-generated"));
    for to in to {
        mail = mail.to(to.clone());
    }
    let threads = known_threads(message);
    if let Some(first) = threads.first() {
        mail = mail.in_reply_to(first.clone()).references(threads.join(" "));
    }
    if message
        .notices
        .iter()
        .any(|notice| notice.kind.is_firing() && notice.incident.severity == Severity::Page)
    {
        mail = mail.raw_header(header("Importance", "high"));
    }
    let part = |kind: ContentType, body: String| {
        let part = SinglePart::builder().header(kind).header(ContentTransferEncoding::QuotedPrintable);
        part.body(body)
    };
    let body = MultiPart::alternative()
        // Quoted-printable never has `=_`, so no text can end a part.
        .boundary(format!("=_plimsoll_{}", fingerprint::of_message(message)))
        .singlepart(part(ContentType::TEXT_PLAIN, text(message)))
        .singlepart(part(ContentType::TEXT_HTML, html(message)?));
    mail.multipart(body).map_err(|failed| failed.to_string())
}

/// Where each notice is kept: in the thread that it began with, which is this mail if there is none.
pub(super) fn threads(message: &Message, from: &Mailbox) -> Vec<Option<Thread>> {
    let own = id(message, from);
    let of = |notice: &Notice| {
        let known = notice.thread.as_ref().map(|thread| thread.id.clone()).filter(|id| is_id(id));
        Some(Thread { channel: String::new(), id: known.unwrap_or_else(|| own.clone()) })
    };
    message.notices.iter().map(of).collect()
}

/// The Message-ID: the same for the same revisions of the same incidents, so that a mail that is sent once more after a
/// crash is known as the same.
fn id(message: &Message, from: &Mailbox) -> String {
    let what = fingerprint::of_message(message);
    let what = match message.notices.as_slice() {
        [notice] => format!("{}.{}.{what}", notice.incident.id, notice.incident.revision),
        _ => format!("{}.{what}", message.group_key),
    };
    let drill = if message.is_drill { "drill." } else { "" };
    format!("<{drill}{what}@{}>", from.email.domain())
}

fn known_threads(message: &Message) -> Vec<String> {
    let mut threads = Vec::new();
    for thread in message.notices.iter().filter_map(|notice| notice.thread.as_ref()) {
        if is_id(&thread.id) && !threads.contains(&thread.id) && threads.len() < MOST_THREADS {
            threads.push(thread.id.clone());
        }
    }
    threads
}

/// Ours are; what was kept may be something else.
fn is_id(text: &str) -> bool {
    text.len() < 250
        && text.starts_with('<')
        && text.ends_with('>')
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn text(message: &Message) -> String {
    let (listed, more) = words::listed(message);
    let mut lines = Vec::new();
    for notice in listed {
        let story = words::story(message, notice);
        lines.extend([format!("[{}] {}", words::tag(notice), story.headline), String::new(), story.sentence]);
        for fact in story.facts {
            lines.extend([String::new(), format!("{}:", fact.name)]);
            lines.extend(fact.lines.into_iter().map(|line| format!("  {line}")));
        }
        lines.push(String::new());
        lines.extend(story.links.into_iter().map(|link| format!("{}: {}", link.name, link.url)));
        lines.extend([String::new(), String::new()]);
    }
    if more > 0 {
        lines.extend([format!("and {more} more"), String::new()]);
    }
    lines.extend(["-- ".to_owned(), footer(message), String::new()]);
    lines.join("\r\n")
}

/// What the template knows.
#[derive(Serialize)]
struct Page {
    title: String,
    stories: Vec<Told>,
    more: usize,
    footer: String,
}

/// What it knows of a notice.
#[derive(Serialize)]
struct Told {
    tag: &'static str,
    colour: &'static str,
    headline: String,
    sentence: String,
    facts: Vec<words::Fact>,
    links: Vec<words::Link>,
}

/// Everything that is put into the template is escaped by it.
fn html(message: &Message) -> Result<String, Unwritten> {
    let (listed, more) = words::listed(message);
    let stories: Vec<_> = listed
        .iter()
        .map(|notice| {
            let Story { headline, sentence, facts, links } = words::story(message, notice);
            let colour = match (notice.kind.is_firing(), notice.incident.severity) {
                (false, _) => "#12b76a",
                (true, Severity::Page) => "#d92d20",
                (true, Severity::Ticket) => "#f79009",
                (true, Severity::Info) => "#2e90fa",
            };
            Told { tag: words::tag(notice), colour, headline, sentence, facts, links }
        })
        .collect();
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let page = Page { title: words::title(message), stories, more, footer: footer(message) };
    environment.render_str(include_str!("../email.html"), Serde(page)).map_err(|failed| failed.to_string())
}

/// Who writes, and to which of its receivers.
fn footer(message: &Message) -> String {
    let receiver = cut::plain(message.receiver.as_str(), 100);
    let drill = if message.is_drill { format!("{}. ", words::DRILL) } else { String::new() };
    match &message.links.external_url {
        Some(url) => format!("{drill}Sent by Plimsoll at {url} to its receiver {receiver}."),
        None => format!("{drill}Sent by Plimsoll to its receiver {receiver}."),
    }
}
