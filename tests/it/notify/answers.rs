//! What each receiver makes of each answer: taken, put off, or refused for good.

use std::time::{Duration, Instant};

use plimsoll::notify::{Failure, ReceiverConfig, ReceiverKind, Sender};
use tokio::net::TcpListener;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::fixture::{alertmanager, kinds, message_for, pagerduty, receiver, secret, sender, webhook};

/// A server that always answers like this.
async fn server(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

#[derive(Debug, PartialEq)]
enum Class {
    Later(Option<u64>),
    Never,
}

fn class(failure: &Failure) -> Class {
    match failure {
        Failure::Later { after, .. } => Class::Later(after.map(|after| after.as_secs())),
        Failure::Never { .. } => Class::Never,
    }
}

/// What every kind of receiver says when it is answered like this.
async fn check(answer: ResponseTemplate, expected: &Class) {
    let server = server(answer.clone()).await;
    for kind in kinds(&server.uri()) {
        let failure = sender(kind.clone()).send(&message_for(&kind)).await.unwrap_err();
        assert_eq!(class(&failure), *expected, "{}: {failure:?}", kind.label());
    }
}

#[tokio::test]
async fn what_the_network_and_servers_say_is_later_and_what_is_our_fault_is_never() {
    let status = ResponseTemplate::new;
    for code in [400, 401, 403, 404, 410, 413] {
        check(status(code).set_body_string("no"), &Class::Never).await;
    }
    for code in [408, 429, 500, 502, 503] {
        check(status(code), &Class::Later(None)).await;
    }
    check(status(429).insert_header("Retry-After", "30"), &Class::Later(Some(30))).await;
    let date = "Wed, 25 Nov 2026 09:47:40 GMT";
    check(
        status(503).insert_header("Retry-After", date).insert_header("Date", "Wed, 25 Nov 2026 09:46:40 GMT"),
        &Class::Later(Some(60)),
    )
    .await;
}

#[tokio::test]
async fn the_answers_of_success_are_taken() {
    let check = |kind: fn(&str) -> ReceiverKind, code, body: &'static str, answer: &'static str| async move {
        let server = server(ResponseTemplate::new(code).set_body_string(body)).await;
        let kind = kind(&server.uri());
        let receipt = sender(kind.clone()).send(&message_for(&kind)).await.unwrap();
        assert_eq!(receipt.answer, answer);
        assert_eq!(receipt.threads.len(), 1);
    };
    use super::fixture::{heartbeat, slack_bot, slack_webhook};
    check(pagerduty, 202, r#"{"status":"success"}"#, "202 Accepted").await;
    check(slack_webhook, 200, "ok", "200 OK: ok").await;
    check(slack_bot, 200, r#"{"ok":true,"channel":"C01","ts":"1.2"}"#, "ok").await;
    check(webhook, 200, "", "200 OK").await;
    check(webhook, 204, "", "204 No Content").await;
    check(alertmanager, 200, "", "200 OK").await;
    check(heartbeat, 200, "OK", "200 OK").await;
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_after_the_timeout() {
    let server = server(ResponseTemplate::new(200).set_delay(Duration::from_secs(60))).await;
    for kind in kinds(&server.uri()) {
        let config = ReceiverConfig { timeout: Duration::from_millis(300), ..receiver(kind.clone()) };
        let begin = Instant::now();
        let failure = Sender::build(&config).unwrap().send(&message_for(&kind)).await.unwrap_err();
        assert!(begin.elapsed() < Duration::from_secs(10), "{}: {:?}", kind.label(), begin.elapsed());
        let Failure::Later { answer, .. } = &failure else { panic!("{failure:?}") };
        assert!(answer.contains("no answer within 300ms"), "{answer}");
    }
}

#[tokio::test]
async fn nobody_at_the_address_is_later() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for base in [format!("http://{free}"), "http://nowhere.invalid".to_owned()] {
        for kind in kinds(&base) {
            let failure = sender(kind.clone()).send(&message_for(&kind)).await.unwrap_err();
            assert_eq!(class(&failure), Class::Later(None), "{}: {failure:?}", kind.label());
        }
    }
}

#[tokio::test]
async fn nobody_is_followed_to_another_host() {
    let other = server(ResponseTemplate::new(200).set_body_string("ok")).await;
    for code in [302, 307, 308] {
        check(ResponseTemplate::new(code).insert_header("Location", other.uri()), &Class::Never).await;
    }
    assert!(other.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn on_the_same_host_the_request_is_followed_whole_or_not_at_all() {
    use wiremock::matchers::path;
    let server = MockServer::start().await;
    Mock::given(path("/new")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    Mock::given(path("/moved"))
        .respond_with(ResponseTemplate::new(308).insert_header("Location", "/new"))
        .mount(&server)
        .await;
    Mock::given(path("/seen"))
        .respond_with(ResponseTemplate::new(303).insert_header("Location", "/new"))
        .mount(&server)
        .await;
    let at = |path: &str| {
        let ReceiverKind::Webhook(mut settings) = webhook("http://x") else { unreachable!() };
        settings.url = secret(&format!("{}/{path}", server.uri()));
        ReceiverKind::Webhook(settings)
    };
    let message = super::fixture::fired();
    sender(at("moved")).send(&message).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let arrived = requests.iter().find(|request| request.url.path() == "/new").unwrap();
    assert_eq!((arrived.method.as_str(), arrived.body.is_empty()), ("POST", false));
    let failure = sender(at("seen")).send(&message).await.unwrap_err();
    assert_eq!(class(&failure), Class::Never, "{failure:?}");
}

#[tokio::test]
async fn every_alertmanager_has_to_take_it_and_the_answer_names_which_did_not() {
    let (good, bad) = (server(ResponseTemplate::new(200)).await, server(ResponseTemplate::new(400)).await);
    let both = |urls: [&MockServer; 2]| {
        let urls = urls.map(|server| secret(&server.uri())).into();
        sender(ReceiverKind::Alertmanager(plimsoll::notify::AlertmanagerConfig { urls }))
    };
    let message = super::fixture::fired();
    let failure = both([&good, &bad]).send(&message).await.unwrap_err();
    let Failure::Later { answer, .. } = &failure else { panic!("{failure:?}") };
    assert!(answer.starts_with("instance 2 of 2: 400 Bad Request"), "{answer}");
    assert_eq!(good.received_requests().await.unwrap().len(), 1);
    let failure = both([&bad, &bad]).send(&message).await.unwrap_err();
    assert_eq!(class(&failure), Class::Never, "both have refused it");
}

#[tokio::test]
async fn what_is_sent_is_json_from_us_under_a_stable_key() {
    let server = server(ResponseTemplate::new(200)).await;
    let sender = sender(webhook(&server.uri()));
    for _ in 0..2 {
        sender.send(&super::fixture::fired()).await.unwrap();
    }
    let requests = server.received_requests().await.unwrap();
    let header = |at: usize, name: &str| requests[at].headers[name].to_str().unwrap().to_owned();
    assert_eq!(header(0, "user-agent"), concat!("plimsoll/", env!("CARGO_PKG_VERSION")));
    assert_eq!(header(0, "content-type"), "application/json");
    assert_eq!(header(0, "authorization"), "Bearer bearer-secret");
    assert_eq!(header(0, "idempotency-key"), header(1, "idempotency-key"));
    assert_eq!(requests[0].body, requests[1].body);
}

#[tokio::test]
async fn pagerduty_gets_a_trigger_and_then_a_resolve_and_both_again_when_the_second_fails() {
    use super::fixture::{incident, message, notice, over};
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(202)).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(ResponseTemplate::new(500)).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(ResponseTemplate::new(202)).mount(&server).await;
    let kind = plimsoll::notify::NoticeKind::FiredAndResolved;
    let message = message(vec![notice(kind, over(incident("billing")), None)]);
    let sender = sender(pagerduty(&server.uri()));
    assert_eq!(class(&sender.send(&message).await.unwrap_err()), Class::Later(None));
    sender.send(&message).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let told: Vec<serde_json::Value> = requests.iter().map(|request| request.body_json().unwrap()).collect();
    let actions: Vec<_> = told.iter().map(|event| event["event_action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["trigger", "resolve", "trigger", "resolve"]);
    assert!(told.iter().all(|event| event["dedup_key"] == told[0]["dedup_key"]));
    assert!(told.iter().all(|event| event["routing_key"] == "0123456789abcdef0123456789ABCDEF"));
}

#[tokio::test]
async fn a_receiver_that_cannot_work_says_what_to_do() {
    let check = |kind: ReceiverKind, expected: &str| {
        let unusable = Sender::build(&receiver(kind)).unwrap_err().to_string();
        assert!(unusable.starts_with("receiver oncall ") && unusable.contains(expected), "{unusable}");
    };
    check(pagerduty("nonsense"), "`url` that is no address; write it like https://host/path");
    check(webhook("ftp://x"), "`url` that is no address");
    check(alertmanager("http//x"), "`urls` that is no address");
    let ReceiverKind::Webhook(mut settings) = webhook("http://x") else { unreachable!() };
    settings.headers.insert("Key".to_owned(), secret("two\nlines"));
    check(ReceiverKind::Webhook(settings), "has a header that cannot be sent, \"Key\"");
    for (content, expected) in [(None, "cannot be read"), (Some("no PEM"), "without usable certificates")] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let config = ReceiverConfig { ca_file: Some(file), ..receiver(pagerduty("https://x")) };
        let unusable = Sender::build(&config).unwrap_err().to_string();
        assert!(unusable.contains(expected), "{unusable}");
    }
}

#[tokio::test]
async fn a_heartbeat_takes_no_incidents() {
    let server = server(ResponseTemplate::new(200)).await;
    let sender = sender(super::fixture::heartbeat(&server.uri()));
    assert_eq!(class(&sender.send(&super::fixture::fired()).await.unwrap_err()), Class::Never);
    assert!(server.received_requests().await.unwrap().is_empty());
    assert_eq!(sender.heartbeat().unwrap().beat(super::fixture::NOW).await.unwrap(), "200 OK");
    assert_eq!(server.received_requests().await.unwrap()[0].method.as_str(), "GET");
}
