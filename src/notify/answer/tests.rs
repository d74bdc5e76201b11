//! What is shown of answers, and what never is.

use super::*;
use proptest::prelude::*;

#[test]
fn answers_are_short_and_hold_no_address() {
    let check = |answer: &str, expected: &str| assert_eq!(Secrets::default().clean(answer), expected);
    check("502 Bad Gateway", "502 Bad Gateway");
    check("see <a href=\"https://x.example/key\">here</a>\r\n\u{7}", "see <a href=\"<url>\">here</a>");
    check("smtp://user:pass@mail:25 and http://a", "<url> and <url>");
    check("://", "<url>");
    assert_eq!(Secrets::default().clean(&"x".repeat(300)).chars().count(), 200);
}

#[test]
fn a_secret_is_found_in_every_spelling() {
    let mut secrets = Secrets::default();
    secrets.add("s3cr\"et/+");
    let url =
        reqwest::Url::parse("https://user:p%40ss@hooks.example/services/T000/abcdefgh?token=qwerty").unwrap();
    secrets.add_url(&url);
    let check = |answer: &str, hidden: &str| {
        let clean = secrets.clean(answer);
        assert!(!clean.contains(hidden) && clean.contains('<'), "{clean}");
    };
    check("you sent s3cr\"et/+", "s3cr");
    check(r#"{"key": "s3cr\"et/+"}"#, "s3cr");
    check("key=s3cr%22et%2F%2B", "s3cr");
    check(&format!("Basic {}", BASE64_STANDARD.encode("user:p@ss")), "dXNlcjpwQHNz");
    check("no such path: /services/T000/abcdefgh", "abcdefgh");
    check("abcdefgh is unknown", "abcdefgh");
    check("token qwerty", "qwerty");
    check("password p@ss", "p@ss");
    check("https://hooks.example/services/T000/abcdefgh?token=qwerty", "hooks");
    assert_eq!(format!("{secrets:?}"), "<secrets>");
}

#[test]
fn a_receiver_says_when_to_come_back() {
    let now = Timestamp(1_795_600_000_000);
    let check = |value: &str, date: Option<&str>, expected: Option<u64>| {
        assert_eq!(retry_after(value, date, now), expected.map(Duration::from_secs), "{value}");
    };
    check("30", None, Some(30));
    check(" 0 ", None, Some(0));
    check("99999999", None, Some(86_400));
    check("Wed, 25 Nov 2026 09:47:40 GMT", None, Some(60));
    check("Wed, 25 Nov 2026 09:47:40 GMT", Some("Wed, 25 Nov 2026 09:47:30 GMT"), Some(10));
    check("Wed, 25 Nov 2026 09:45:40 GMT", None, Some(0));
    check("soon", None, None);
    check("-5", None, None);
}

proptest! {
    #[test]
    fn no_answer_holds_a_secret(before in ".*", secret in "[a-zA-Z0-9/+=_-]{6,40}", after in ".*") {
        let mut secrets = Secrets::default();
        secrets.add(&secret);
        let clean = secrets.clean(&format!("{before}{secret}{after}"));
        prop_assert!(!clean.contains(&secret));
        prop_assert!(clean.chars().count() <= 200);
    }
}
