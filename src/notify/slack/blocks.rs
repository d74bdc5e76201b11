//! Messages of Slack's Block Kit, within its limits.
//!
//! Texts that others choose are `plain_text` everywhere: Slack formats nothing in them and looks for no mentions.
//! `mrkdwn` is used for our own words and for links, in whose addresses nothing is left that could end them.

use serde_json::{Map, Value, json};

use super::super::message::{Message, Notice};
use super::super::words::{self, Fact, Link, Story};
use super::super::{NoticeKind, cut};
use crate::model::Severity;

/// The longest text above the blocks, in characters.
const TEXT: usize = 600;
/// The longest text of a section, in characters; Slack takes 3,000.
const SECTION: usize = 1500;
/// The longest fact, in characters; Slack takes 2,000 in a field.
const FACT: usize = 1000;
/// The longest text of one of several notices, in characters.
const LISTED: usize = 400;
/// The longest text of one of several notices where attachments are not shown, in characters.
const FALLBACK: usize = 100;
/// The most characters of all blocks as they are sent; Slack takes about 13,000.
const BLOCKS: usize = 12_000;

/// A whole message: one notice with all its facts, or a list of several.
pub(super) fn message(message: &Message) -> Map<String, Value> {
    let title = words::title(message);
    let attachments = match (message.notices.as_slice(), message.is_summary) {
        ([notice], false) => vec![attachment(colour(notice), &title, &single(message, notice))],
        _ => several(message),
    };
    with_text(&title, &attachments)
}

/// What is said in the thread of a message that has changed.
pub(super) fn reply(message: &Message) -> Map<String, Value> {
    let (title, [notice]) = (words::title(message), message.notices.as_slice()) else {
        return with_text(&words::title(message), &[]);
    };
    let story = words::story(message, notice);
    with_text(&title, &[attachment(colour(notice), &title, &[section(&story.sentence, SECTION)])])
}

/// Neither mentions nor formatting, and no previews of what is linked.
fn with_text(title: &str, attachments: &[Value]) -> Map<String, Value> {
    let body = json!({
        "text": escaped(title, TEXT),
        "mrkdwn": false,
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
        "attachments": attachments,
    });
    if let Value::Object(body) = body { body } else { Map::new() }
}

fn attachment(colour: &str, fallback: &str, blocks: &[Value]) -> Value {
    json!({ "color": colour, "fallback": escaped(fallback, TEXT), "blocks": blocks })
}

/// As many facts as fit, the most important first.
fn single(message: &Message, notice: &Notice) -> Vec<Value> {
    let Story { sentence, facts, links, .. } = words::story(message, notice);
    let mut blocks = vec![section(&sentence, SECTION)];
    blocks.extend(context(&links));
    for fact in facts.iter().map(fact) {
        blocks.push(fact);
        if size(&blocks) > BLOCKS {
            blocks.pop();
            blocks.push(section("… and more: see `plimsoll incidents`", LISTED));
            break;
        }
    }
    blocks
}

/// As many notices as fit, and how many there are besides.
fn several(message: &Message) -> Vec<Value> {
    let (listed, _) = words::listed(message);
    let list = |shown: usize| {
        let mut attachments: Vec<_> = listed[..shown]
            .iter()
            .map(|notice| {
                let line = format!("[{}] {}", words::tag(notice), words::headline(message, notice));
                attachment(colour(notice), &cut::within(&line, FALLBACK), &[section(&line, LISTED)])
            })
            .collect();
        let more = message.notices.len() - shown;
        if more > 0 {
            let line = format!("and {more} more");
            attachments.push(attachment(GREY, &line, &[section(&line, LISTED)]));
        }
        attachments
    };
    let mut shown = listed.len();
    while shown > 1 && size(&list(shown)) > BLOCKS {
        shown -= 1;
    }
    list(shown)
}

/// In characters, as it is sent.
fn size(blocks: &[Value]) -> usize {
    json!(blocks).to_string().chars().count()
}

fn section(text: &str, most: usize) -> Value {
    json!({ "type": "section", "text": plain(text, most) })
}

fn fact(fact: &Fact) -> Value {
    json!({
        "type": "section",
        "text": { "type": "mrkdwn", "text": format!("*{}*", fact.name) },
        "fields": [plain(&fact.lines.join("\n"), FACT)],
    })
}

/// The links in one line.
fn context(links: &[Link]) -> Option<Value> {
    let links: Vec<_> =
        links.iter().map(|link| format!("<{}|{}>", escaped(&link.url, usize::MAX), link.name)).collect();
    let links = links.join("  ·  ");
    (!links.is_empty()).then(
        || json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": links, "verbatim": true }] }),
    )
}

fn plain(text: &str, most: usize) -> Value {
    json!({ "type": "plain_text", "text": escaped(text, most), "emoji": false })
}

/// `text` with the three characters that Slack reads escaped, at most `most` characters, never cut within an escape.
fn escaped(text: &str, most: usize) -> String {
    let escape = |character| match character {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        other => String::from(other),
    };
    cut::pieces_within(text.chars().map(escape), most)
}

const GREY: &str = "#98a2b3";

fn colour(notice: &Notice) -> &'static str {
    match (notice.kind, notice.incident.severity) {
        (NoticeKind::Resolved | NoticeKind::FiredAndResolved, _) => "#12b76a",
        (_, Severity::Page) => "#d92d20",
        (_, Severity::Ticket) => "#f79009",
        (_, Severity::Info) => "#2e90fa",
    }
}
