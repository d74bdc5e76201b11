//! A bot's one message per incident, in a Slack that answers as the real one does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use plimsoll::model::Incident;
use plimsoll::notify::{Failure, Message, NoticeKind, Sender, Thread};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::fixture::{incident, message, notice, over, sender, slack_bot, slack_webhook};

/// What was called, in order, and what it answers to the next calls; after these, all goes well.
#[derive(Clone, Default)]
struct Workspace {
    calls: Arc<Mutex<Vec<(String, Value)>>>,
    errors: Arc<Mutex<Vec<Option<&'static str>>>>,
}

impl Respond for Workspace {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        assert_eq!(request.headers["authorization"], "Bearer xoxb-bot-token-secret");
        let body: Value = request.body_json().unwrap();
        let method = request.url.path().trim_start_matches("/api/").to_owned();
        let mut calls = self.calls.lock().unwrap();
        calls.push((method, body.clone()));
        let mut errors = self.errors.lock().unwrap();
        let error = if errors.is_empty() { None } else { errors.remove(0) };
        let ts = body["ts"].as_str().map_or_else(|| format!("1795600000.{:06}", calls.len()), str::to_owned);
        let answer = match error {
            Some(error) => json!({ "ok": false, "error": error }),
            None => json!({ "ok": true, "channel": "C01", "ts": ts }),
        };
        ResponseTemplate::new(200).set_body_json(answer)
    }
}

impl Workspace {
    /// The sender, its workspace, and the server that has to stay.
    async fn start() -> (Sender, Self, MockServer) {
        let (server, workspace) = (MockServer::start().await, Self::default());
        Mock::given(any()).respond_with(workspace.clone()).mount(&server).await;
        (sender(slack_bot(&server.uri())), workspace, server)
    }

    fn fails_with(&self, errors: &[Option<&'static str>]) {
        *self.errors.lock().unwrap() = errors.to_vec();
    }

    /// Method, channel, and the message or thread that it is about, of every call since the last look.
    fn calls(&self) -> Vec<(String, String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let calls: Vec<_> = self.calls.lock().unwrap().drain(..).collect();
        let about =
            |body: &Value| if body["ts"].is_null() { text(&body["thread_ts"]) } else { text(&body["ts"]) };
        calls.into_iter().map(|(method, body)| (method, text(&body["channel"]), about(&body))).collect()
    }
}

fn call(method: &str, channel: &str, about: &str) -> (String, String, String) {
    (method.to_owned(), channel.to_owned(), about.to_owned())
}

fn one(kind: NoticeKind, incident: Incident, thread: Option<&Thread>) -> Message {
    message(vec![notice(kind, incident, thread.cloned())])
}

const FIRST: &str = "1795600000.000001";

#[tokio::test]
async fn an_incident_is_one_message_that_changes_and_tells_so_in_its_thread() {
    let (sender, slack, _server) = Workspace::start().await;
    let open = || incident("billing");
    let receipt = sender.send(&one(NoticeKind::Fired, open(), None)).await.unwrap();
    let thread = Thread { channel: "C01".to_owned(), id: FIRST.to_owned() };
    assert_eq!(receipt.threads, [Some(thread.clone())]);
    assert_eq!(slack.calls(), [call("chat.postMessage", "#alerts", "")]);

    let changed = [call("chat.update", "C01", FIRST), call("chat.postMessage", "C01", FIRST)];
    for (kind, incident) in
        [(NoticeKind::Escalated, open()), (NoticeKind::Calmed, open()), (NoticeKind::Resolved, over(open()))]
    {
        let receipt = sender.send(&one(kind, incident, Some(&thread))).await.unwrap();
        assert_eq!(
            (receipt.threads, slack.calls().as_slice()),
            (vec![Some(thread.clone())], &changed[..]),
            "{kind:?}"
        );
    }
    sender.send(&one(NoticeKind::Repeated, open(), Some(&thread))).await.unwrap();
    assert_eq!(slack.calls(), changed[..1], "nothing has changed that the thread should tell");
}

#[tokio::test]
async fn a_message_that_is_gone_is_posted_anew() {
    let (sender, slack, _server) = Workspace::start().await;
    let thread = Thread { channel: "C01".to_owned(), id: "1.1".to_owned() };
    for gone in ["message_not_found", "cant_update_message"] {
        slack.fails_with(&[Some(gone)]);
        let receipt =
            sender.send(&one(NoticeKind::Repeated, incident("billing"), Some(&thread))).await.unwrap();
        assert_ne!(receipt.threads, [Some(thread.clone())]);
        assert_eq!(
            slack.calls(),
            [call("chat.update", "C01", "1.1"), call("chat.postMessage", "#alerts", "")]
        );
    }
}

#[tokio::test]
async fn what_slack_says_no_to_is_refused_in_its_words() {
    let (sender, slack, _server) = Workspace::start().await;
    for (error, is_later) in [
        ("ratelimited", true),
        ("internal_error", true),
        ("invalid_auth", false),
        ("channel_not_found", false),
        ("msg_blocks_too_long", false),
    ] {
        slack.fails_with(&[Some(error)]);
        let failure = sender.send(&one(NoticeKind::Fired, incident("billing"), None)).await.unwrap_err();
        assert_eq!(matches!(failure, Failure::Later { .. }), is_later, "{error}");
        let (Failure::Later { answer, .. } | Failure::Never { answer }) = failure;
        assert_eq!(answer, format!("Slack answers ok: false, {error}"));
    }
}

#[tokio::test]
async fn a_part_that_was_told_is_not_told_again_with_the_rest() {
    let (sender, slack, _server) = Workspace::start().await;
    let all = ["a", "b", "c"].map(|group| notice(NoticeKind::Fired, incident(group), None));
    let all = message(all.into());
    slack.fails_with(&[None, Some("ratelimited")]);
    sender.send(&all).await.unwrap_err();
    let receipt = sender.send(&all).await.unwrap();
    assert_eq!(slack.calls().len(), 4, "one, one that failed, two");
    let ids: BTreeMap<_, _> =
        receipt.threads.iter().flatten().map(|thread| (thread.id.clone(), ())).collect();
    assert_eq!(ids.len(), 3);
    // The same once more is meant so: a fresh start after a restart, for example.
    sender.send(&all).await.unwrap();
    assert_eq!(slack.calls().len(), 3);
}

#[tokio::test]
async fn a_summary_is_one_message_for_all() {
    let (sender, slack, _server) = Workspace::start().await;
    let mut all =
        message((0..30).map(|at| notice(NoticeKind::Fired, incident(&at.to_string()), None)).collect());
    all.is_summary = true;
    let receipt = sender.send(&all).await.unwrap();
    assert_eq!(slack.calls().len(), 1);
    assert_eq!(receipt.threads.len(), 30);
    assert!(receipt.threads.iter().all(|thread| *thread == receipt.threads[0] && thread.is_some()));

    for (notice, thread) in all.notices.iter_mut().zip(receipt.threads) {
        notice.thread = thread;
    }
    sender.send(&all).await.unwrap();
    let changed = [call("chat.update", "C01", FIRST), call("chat.postMessage", "C01", FIRST)];
    assert_eq!(slack.calls(), changed);
    // One that had a message of its own before keeps it, and one of a summary gets its own afterwards.
    let own = Thread { channel: "C01".to_owned(), id: "1.1".to_owned() };
    let single = message(vec![all.notices[0].clone()]);
    all.notices.truncate(1);
    all.notices[0].thread = Some(own);
    sender.send(&all).await.unwrap();
    sender.send(&single).await.unwrap();
    assert_eq!(
        slack.calls(),
        [call("chat.postMessage", "#alerts", ""), call("chat.postMessage", "#alerts", "")]
    );
}

#[tokio::test]
async fn a_webhook_has_taken_it_only_when_it_says_ok() {
    for (body, is_later) in [("no_service", false), (r#"{"ok":false,"error":"ratelimited"}"#, true)] {
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(200).set_body_string(body))
            .mount(&server)
            .await;
        let failure = sender(slack_webhook(&server.uri())).send(&super::fixture::fired()).await.unwrap_err();
        assert_eq!(matches!(failure, Failure::Later { .. }), is_later, "{failure:?}");
    }
}
