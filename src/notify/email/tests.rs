//! Mails are what RFC 5322 and MIME ask for, whatever is in them.

use super::super::trial;
use super::super::{NoticeKind, Thread};
use super::*;
use proptest::prelude::*;

fn mailboxes() -> (Mailbox, Vec<Mailbox>) {
    ("Plimsoll <alerts@plimsoll.example>".parse().unwrap(), vec!["oncall@example.com".parse().unwrap()])
}

fn written(message: &Message) -> String {
    let (from, to) = mailboxes();
    String::from_utf8(letter::mail(message, &from, &to).unwrap().formatted()).unwrap()
}

fn unquoted(text: &str) -> String {
    let joined = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let [first, after @ ..] = rest {
        if let (b'=', [high, low, after @ ..]) = (first, after) {
            let digits = std::str::from_utf8(&[*high, *low]).map(str::to_owned).unwrap();
            bytes.push(u8::from_str_radix(&digits, 16).unwrap());
            rest = after;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// The headers that a mail may have, unfolded; the boundaries; both parts, decoded.
fn checked(message: &Message) -> (Vec<(String, String)>, String, String) {
    let mail = written(message);
    assert!(mail.is_ascii());
    assert!(mail.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])), "{mail}");
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let headers: Vec<_> = head
        .split("\r\n")
        .map(|line| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap())
        .collect();
    const MAY: [&str; 12] = [
        "From",
        "To",
        "Date",
        "Subject",
        "Message-ID",
        "User-Agent",
        "Auto-Submitted",
        "In-Reply-To",
        "References",
        "Importance",
        "MIME-Version",
        "Content-Type",
    ];
    for (name, _) in &headers {
        assert!(MAY.contains(&name.as_str()), "{name}");
        assert_eq!(headers.iter().filter(|(other, _)| other == name).count(), 1, "{name}");
    }
    let header = |name: &str| {
        headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str()).unwrap()
    };
    let boundary = header("Content-Type").split("boundary=\"").nth(1).unwrap().trim_end_matches('"');
    let parts: Vec<_> = body.split(&format!("--{boundary}")).collect();
    let [_, text, html, end] = parts.as_slice() else { panic!("{} parts", parts.len()) };
    assert_eq!(end.trim(), "--");
    let part = |part: &str, kind: &str| {
        let (head, body) = part.trim_start_matches("\r\n").split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(kind) && head.contains("Content-Transfer-Encoding: quoted-printable"),
            "{head}"
        );
        unquoted(body)
    };
    let (text, html) = (part(text, "text/plain"), part(html, "text/html"));
    // Tags are the template's own: nothing that was put into it opens one.
    for (at, _) in html.match_indices('<') {
        let tag: String =
            html[at + 1..].chars().take_while(|c| c.is_alphanumeric() || "!/".contains(*c)).collect();
        let own = [
            "!doctype", "html", "head", "meta", "title", "body", "div", "p", "b", "a", "table", "tr", "th",
            "td", "br",
        ];
        assert!(own.contains(&tag.trim_start_matches('/')), "{tag}");
    }
    let count = |tag: &str| html.matches(tag).count();
    for tag in ["div", "p", "b", "a", "tr", "td", "table"] {
        assert_eq!(
            count(&format!("<{tag} ")) + count(&format!("<{tag}>")),
            count(&format!("</{tag}>")),
            "{tag}"
        );
    }
    (headers, text, html)
}

#[test]
fn mails_look_like_this() {
    trial::golden("email", |message| {
        let (headers, text, html) = checked(message);
        let headers: Vec<_> = headers
            .into_iter()
            .filter(|(name, _)| name != "User-Agent")
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        format!("{}\n\n{text}\n{html}", headers.join("\n")).replace('\r', "")
    });
}

#[test]
fn a_mail_that_is_sent_again_is_the_same_and_answers_the_first() {
    let (from, _) = mailboxes();
    let header = |message: &Message, name: &str| {
        let (headers, ..) = checked(message);
        headers.into_iter().find(|(found, _)| found == name).map(|(_, value)| value)
    };
    let first = trial::single(NoticeKind::Fired, trial::slo());
    let again = Message { at: first.at + crate::model::Millis(90_000), ..first.clone() };
    let id = header(&first, "Message-ID").unwrap();
    assert_eq!(header(&again, "Message-ID").as_ref(), Some(&id));
    assert_eq!(header(&first, "In-Reply-To"), None);
    let threads = letter::threads(&first, &from);
    assert_eq!(threads, [Some(Thread { channel: String::new(), id: id.clone() })]);

    let mut end = trial::single(NoticeKind::Resolved, trial::over(trial::slo()));
    end.notices[0].thread.clone_from(&threads[0]);
    assert_ne!(header(&end, "Message-ID").as_ref(), Some(&id));
    assert_eq!(header(&end, "In-Reply-To").as_ref(), Some(&id));
    assert_eq!(header(&end, "References").as_ref(), Some(&id));
    assert_eq!(letter::threads(&end, &from), threads, "the thread stays that of the first");
}

#[test]
fn no_name_adds_a_header() {
    let message = trial::hostile("a\r\nBcc: x@y.example\r\n\r\n<script>");
    let (headers, _, html) = checked(&message);
    assert!(headers.iter().all(|(name, _)| name != "Bcc"));
    assert!(html.contains("&lt;script&gt;"));
}

#[test]
fn masses_fit() {
    for (name, message) in trial::masses() {
        let (headers, text, html) = checked(&message);
        let subject = headers.iter().find(|(found, _)| found == "Subject").unwrap();
        assert!(subject.1.len() < 2000, "{name}");
        assert!(text.len() + html.len() < 500_000, "{name}");
        assert!(
            message.notices.len() < 200 || (text.contains("and 180 more") && html.contains("and 180 more"))
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_names_are_mails_are_whole(message in trial::any_message()) {
        checked(&message);
    }
}
