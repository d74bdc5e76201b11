//! Nothing that a receiver is let in with shows in anything that people see, whatever servers send back.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use plimsoll::notify::ReceiverKind;
use plimsoll::telemetry::{self, LogFormat, OtlpConfig};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::fixture::{kinds, message_for, sender};

/// What the settings of [`kinds`] hold that must not be seen, and spellings of it.
const SECRETS: [&str; 14] = [
    "0123456789abcdef0123456789ABCDEF",
    "T000SECRET",
    "B000SECRET",
    "hooksecret",
    "xoxb-bot-token-secret",
    "bearer-secret",
    "key&\\\"secret",
    "key&\"secret",
    "pathsecret",
    "querysecret",
    "p@ss-secret",
    "p%40ss-secret",
    "beatsecret",
    "d2F0Y2g6cEBzcy1zZWNyZXQ",
];

/// Sends back one part of the request after another, as servers do that explain what was wrong with it.
#[derive(Clone)]
struct Echo(Arc<AtomicUsize>, u16);

const PARTS: usize = 5;

impl Respond for Echo {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let header = |name: &str| {
            let value = request.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
            format!("you sent {name}: {value:?}")
        };
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let said = match self.0.fetch_add(1, Ordering::Relaxed) % PARTS {
            0 => format!("no such page: {}", request.url),
            1 => format!(
                "Cannot {} {}?{}",
                request.method,
                request.url.path(),
                request.url.query().unwrap_or_default()
            ),
            2 => header("authorization"),
            3 => header("x-api-key"),
            _ => body.find("routing_key").map_or(body.clone(), |at| body[at..].to_owned()),
        };
        ResponseTemplate::new(self.1).set_body_string(said)
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn check(seen: &str, kind: &ReceiverKind) {
    for secret in SECRETS {
        assert!(!seen.contains(secret), "{}: {secret} in {seen}", kind.label());
    }
}

#[tokio::test]
async fn no_receiver_shows_a_secret_whatever_is_sent_back() {
    let log = Log::default();
    let output = Box::new(log.clone());
    let settings = telemetry::Log { format: LogFormat::Text, filter: "trace", color: false, output };
    let (subscriber, _telemetry) =
        telemetry::subscriber(settings, &OtlpConfig::default(), &|_| None).unwrap();
    let _guard = tracing::subscriber::set_default(subscriber);
    tracing::trace!("it is written down");
    for status in [200, 400, 500] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(Echo(Arc::default(), status)).mount(&server).await;
        for kind in kinds(&server.uri()) {
            check(&format!("{kind:?}"), &kind);
            let sender = sender(kind.clone());
            check(&format!("{sender:?} {sender:#?}"), &kind);
            let mut shown = Vec::new();
            for _ in 0..PARTS {
                shown.push(format!("{:?}", sender.send(&message_for(&kind)).await));
            }
            check(&shown.join("\n"), &kind);
            let is_whole = status == 200 || shown.iter().any(|text| text.contains("<secret>"));
            assert!(is_whole, "{}: the test shows nothing: {shown:?}", kind.label());
        }
    }
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("it is written down"));
    check(&log, &super::fixture::webhook("http://x"));
}

#[tokio::test]
async fn nor_when_there_is_nobody() {
    for base in ["http://127.0.0.1:1", "http://nowhere.invalid", "https://127.0.0.1:1"] {
        for kind in kinds(base) {
            let failure = sender(kind.clone()).send(&message_for(&kind)).await.unwrap_err();
            check(&format!("{failure:?}"), &kind);
        }
    }
    for kind in kinds("ht!tp://secret-host.example") {
        let unusable = plimsoll::notify::Sender::build(&super::fixture::receiver(kind.clone())).unwrap_err();
        check(&format!("{unusable} {unusable:?}"), &kind);
    }
}
