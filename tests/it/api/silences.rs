//! `/api/v1/silences`: who may change them, and what is answered.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Request, StatusCode};
use plimsoll::api::SilenceAccess;
use plimsoll::notify::{NotifyConfig, Outbox};
use serde_json::{Value, json};

use super::{Answer, send_to, state};
use crate::export::fixture::AT;

const HERE: &str = "127.0.0.1:40000";

/// As the daemon has it, without a state file.
pub(super) fn access(outbox: &Arc<Mutex<Outbox>>) -> SilenceAccess {
    let [listed, added, expired] = [outbox, outbox, outbox].map(Arc::clone);
    SilenceAccess {
        now: Arc::new(|| AT),
        list: Arc::new(move || listed.lock().unwrap().silences().cloned().collect()),
        add: Arc::new(move |wanted| Ok(added.lock().unwrap().add_silence(wanted, AT)?.0)),
        expire: Arc::new(move |id| Some(expired.lock().unwrap().expire_silence(id, AT)?.0)),
    }
}

struct Daemon(Arc<Mutex<Outbox>>);

impl Daemon {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Outbox::new(NotifyConfig::default(), 1))))
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        let mut state = state(&[]);
        state.silences = access(&self.0);
        send_to(state, request).await
    }

    async fn write(&self, method: &Method, path: &str, from: &str, body: String) -> Answer {
        let peer: SocketAddr = from.parse().unwrap();
        let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        self.ask(request).await
    }

    async fn add(&self, body: &Value) -> Answer {
        self.write(&Method::POST, "/api/v1/silences", HERE, body.to_string()).await
    }

    async fn list(&self) -> Value {
        self.ask(Request::get("/api/v1/silences").body(Body::empty()).unwrap()).await.json()
    }
}

fn wanted() -> Value {
    json!({ "matchers": ["team=payments", "topic=~\"a.*\""], "duration": "2h", "author": "ada", "comment": "moving" })
}

#[tokio::test]
async fn a_silence_is_made_listed_and_ended() {
    let daemon = Daemon::new();
    let made = daemon.add(&wanted()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let made = made.json();
    let expected = json!({
        "id": made["id"],
        "state": "active",
        "matchers": ["team=\"payments\"", "topic=~\"a.*\""],
        "starts_at": "2026-01-02T03:04:05.678Z",
        "ends_at": "2026-01-02T05:04:05.678Z",
        "created_at": "2026-01-02T03:04:05.678Z",
        "author": "ada",
        "comment": "moving",
    });
    assert_eq!(made, expected);
    let times = json!({ "starts_at": "2026-01-03T00:00:00Z", "ends_at": "2026-01-04T00:00:00+01:00" });
    let mut later = json!({ "matchers": ["a=b"], "author": "ada" });
    later.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
    assert_eq!(daemon.add(&later).await.json()["state"], "pending");
    let states = async || {
        let list = daemon.list().await;
        let silences = list["silences"].as_array().unwrap().iter();
        silences.map(|silence| silence["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(states().await, ["active", "pending"]);
    let path = format!("/api/v1/silences/{}", made["id"].as_str().unwrap());
    let ended = daemon.write(&Method::DELETE, &path, HERE, String::new()).await;
    assert_eq!((ended.status, &ended.json()["state"]), (StatusCode::OK, &json!("expired")));
    assert_eq!(states().await, ["pending", "expired"]);
    let nothing = daemon.write(&Method::DELETE, "/api/v1/silences/no", HERE, String::new()).await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_this_machine_may_change_silences() {
    let daemon = Daemon::new();
    let made = daemon.add(&wanted()).await.json();
    let path = format!("/api/v1/silences/{}", made["id"].as_str().unwrap());
    let check = async |from: &str, header: Option<&'static str>, expected: u16| {
        for (method, path) in [(Method::POST, "/api/v1/silences"), (Method::DELETE, path.as_str())] {
            let mut request =
                Request::builder().method(&method).uri(path).header(CONTENT_TYPE, "application/json");
            if let Some(header) = header {
                request = request.header(header, "x");
            }
            let mut request = request.body(Body::from(wanted().to_string())).unwrap();
            if !from.is_empty() {
                request.extensions_mut().insert(ConnectInfo(from.parse::<SocketAddr>().unwrap()));
            }
            let answer = daemon.ask(request).await;
            let is_as_expected = (answer.status == StatusCode::FORBIDDEN) == (expected == 403);
            assert!(is_as_expected, "{method} {from} {header:?}: {}", answer.text());
            if expected == 403 {
                assert!(answer.json()["error"].as_str().unwrap().contains("own machine"));
            }
        }
    };
    check("10.1.2.3:4000", None, 403).await;
    check("[2001:db8::1]:4000", None, 403).await;
    check("[::ffff:10.1.2.3]:4000", None, 403).await;
    check("", None, 403).await;
    check(HERE, Some("x-forwarded-for"), 403).await;
    check(HERE, Some("forwarded"), 403).await;
    check(HERE, Some("origin"), 403).await;
    assert_eq!(daemon.list().await["silences"].as_array().unwrap().len(), 1);
    assert_eq!(daemon.list().await["silences"][0]["state"], "active");
    check(HERE, None, 200).await;
    check("[::1]:4000", None, 200).await;
    check("[::ffff:127.0.0.1]:4000", None, 200).await;
}

#[tokio::test]
async fn what_cannot_be_silent_says_why() {
    let daemon = Daemon::new();
    let check = async |key: &str, value: Value, status: u16, expected: &str| {
        let mut body = wanted();
        body[key] = value;
        let answer = daemon.add(&body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(expected), "{body}: {error}");
    };
    check("matchers", json!(["payments"]), 400, "no operator").await;
    check("matchers", json!([]), 400, "needs a matcher").await;
    check("matchers", json!(["a=~.*"]), 400, "silence everything").await;
    check("matchers", json!("a=b"), 422, "matchers").await;
    check("duration", json!("2"), 400, "1h30m").await;
    check("duration", json!("0s"), 400, "end after it starts").await;
    check("duration", json!("99999999999d"), 400, "far in the future").await;
    check("ends_at", json!("2026-01-02T04:00:00Z"), 400, "not both").await;
    check("starts_at", json!("tomorrow"), 400, "RFC 3339").await;
    check("author", json!(""), 400, "author").await;
    check("why", json!("moving"), 422, "unknown field").await;
    check("comment", json!("x".repeat(70_000)), 413, "").await;
    assert_eq!(daemon.list().await, json!({ "silences": [] }));
}
