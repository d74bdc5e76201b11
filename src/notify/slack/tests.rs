//! Messages are what Slack takes, whatever is in them, and nothing in them formats or mentions.

use super::super::trial;
use super::*;
use proptest::prelude::*;

/// Slack's documented limits and rules of escaping, written without a look at how messages are made.
fn check_shape(body: &Map<String, Value>) {
    let characters = |value: &Value| value.as_str().unwrap().chars().count();
    // Each `<` has to open one of our own links, each `&` one of the three escapes.
    let check_text = |text: &Value, most: usize, may_link: bool| {
        assert!((1..=most).contains(&characters(text)), "{text}");
        let text = text.as_str().unwrap();
        for (at, _) in text.match_indices('&') {
            assert!(["&amp;", "&lt;", "&gt;"].iter().any(|escape| text[at..].starts_with(escape)), "{text}");
        }
        let mut rest = text;
        while let Some(at) = rest.find('<') {
            assert!(may_link && rest[at..].starts_with("<http"), "{text}");
            let (link, after) = rest[at + 1..].split_once('>').unwrap();
            let (url, name) = link.split_once('|').unwrap();
            assert!(
                !url.contains(['\'', '"', ' ', '`']) && name.chars().all(char::is_alphanumeric),
                "{text}"
            );
            rest = after;
        }
        assert!(may_link || !text.contains('>'), "{text}");
    };
    check_text(&body["text"], 3000, false);
    assert_eq!((&body["mrkdwn"], &body["link_names"]), (&Value::Bool(false), &Value::Bool(false)));
    let mut blocks = 0;
    for attachment in body["attachments"].as_array().unwrap() {
        assert!(attachment["color"].as_str().unwrap().starts_with('#'));
        check_text(&attachment["fallback"], 3000, false);
        for block in attachment["blocks"].as_array().unwrap() {
            blocks += 1;
            let (texts, most) = match block["type"].as_str().unwrap() {
                "section" => {
                    let fields = block["fields"].as_array().cloned().unwrap_or_default();
                    assert!(fields.len() <= 10);
                    fields.iter().for_each(|field| assert!(characters(&field["text"]) <= 2000));
                    ([vec![block["text"].clone()], fields].concat(), 3000)
                }
                "context" => {
                    let elements = block["elements"].as_array().unwrap().clone();
                    assert!((1..=10).contains(&elements.len()));
                    (elements, 4000)
                }
                other => panic!("{other}"),
            };
            for text in texts {
                let is_mrkdwn = text["type"] == "mrkdwn";
                assert!(is_mrkdwn || text["type"] == "plain_text", "{text}");
                check_text(&text["text"], most, is_mrkdwn);
                if is_mrkdwn {
                    let ours = text["text"].as_str().unwrap();
                    let is_name = ours.starts_with('*')
                        && ours.trim_matches('*').chars().all(|c| c.is_alphabetic() || c == ' ');
                    assert!(is_name || ours.starts_with("<http"), "{ours}");
                }
            }
        }
    }
    assert!((1..=50).contains(&blocks) || body["attachments"] == Value::Array(Vec::new()), "{blocks} blocks");
    assert!(body["attachments"].to_string().chars().count() <= 13_000);
}

fn checked(message: &Message) -> Map<String, Value> {
    let body = blocks::message(message);
    check_shape(&body);
    check_shape(&blocks::reply(message));
    body
}

#[test]
fn messages_look_like_this() {
    trial::golden("slack", |message| {
        let reply = blocks::reply(message);
        format!(
            "{:#}\nin the thread: {}",
            Value::Object(checked(message)),
            Value::Object(reply)["attachments"]
        )
    });
}

#[test]
fn masses_fit_and_say_how_many_more() {
    for (name, message) in trial::masses() {
        let body = Value::Object(checked(&message)).to_string();
        let is_counted = message.notices.len() < 200 || body.contains("and 180 more");
        assert!(is_counted, "{name}");
    }
}

#[test]
fn no_name_mentions_anybody() {
    let body = Value::Object(checked(&trial::hostile("<!channel> @here <@U01> *b* _i_ `c`"))).to_string();
    assert!(!body.contains("<!") && !body.contains("<@"), "{body}");
    assert!(body.contains("&lt;!channel&gt;"), "{body}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_names_are_messages_fit(message in trial::any_message()) {
        checked(&message);
    }
}
