//! What people read of usual and unusual incidents.

use super::super::trial;
use super::*;

/// Everything that a story says, as plain text.
fn text(message: &Message) -> String {
    let mut lines = vec![title(message)];
    for notice in &message.notices {
        let story = story(message, notice);
        lines.extend([story.headline, story.sentence]);
        for fact in story.facts {
            lines.extend(fact.lines.iter().map(|line| format!("  {}: {line}", fact.name)));
        }
        lines.extend(story.links.into_iter().map(|link| format!("  {}: {}", link.name, link.url)));
    }
    lines.join("\n")
}

#[test]
fn incidents_read_like_this() {
    trial::golden("words", text);
}

#[test]
fn texts_are_bounded_and_on_one_line() {
    for (name, message) in trial::masses().into_iter().chain(trial::stories()) {
        assert!(title(&message).chars().count() <= 600, "{name}");
        for notice in &message.notices {
            let story = story(&message, notice);
            let lines = story.facts.iter().flat_map(|fact| &fact.lines);
            for line in lines.chain([&story.headline, &story.sentence]) {
                assert!(
                    line.chars().count() <= 1000 && !line.chars().any(char::is_control),
                    "{name}: {line}"
                );
            }
            assert!(story.facts.len() <= 8 && story.links.len() <= 3, "{name}");
        }
    }
}

#[test]
fn a_drill_says_so_in_every_text() {
    let message = Message { is_drill: true, ..trial::single(NoticeKind::Fired, trial::slo()) };
    for text in
        [title(&message), headline(&message, &message.notices[0]), sentence(&message, &message.notices[0])]
    {
        assert!(text.contains(DRILL), "{text}");
    }
    let resolve = trial::over(trial::slo());
    let message = Message { is_drill: true, ..trial::single(NoticeKind::Resolved, resolve) };
    assert!(story(&message, &message.notices[0]).sentence.contains(DRILL));
}

#[test]
fn only_pages_are_linked_and_nothing_breaks_out_of_an_address() {
    let check = |url: &str, expected: Option<&str>| {
        assert_eq!(link("Runbook", url).map(|link| link.url).as_deref(), expected, "{url}");
    };
    check("https://a.example/b?c=d&e=f#g", Some("https://a.example/b?c=d&e=f#g"));
    check("https://a.example/<b>\"'|`", Some("https://a.example/%3Cb%3E%22%27%7C%60"));
    check("javascript:alert(1)", None);
    check("runbook", None);
    check(&format!("https://a.example/{}", "x".repeat(2000)), None);
}
