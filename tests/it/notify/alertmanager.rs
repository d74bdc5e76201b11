//! A real Alertmanager: what it holds after it was told, and how its own webhook compares with ours.

use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};

use plimsoll::model::{Incident, Severity, Timestamp};
use plimsoll::notify::{AlertmanagerConfig, Message, NoticeKind, ReceiverKind, Thread};
use serde_json::Value;
use tokio::runtime::Handle;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::fixture::{incident, message, notice, over, secret, sender, webhook};
use crate::kafka_server::PATIENCE;
use crate::kafka_server::wait::wait_for;
use crate::program::Killed;

/// One instance, alone.
struct Alertmanager {
    _process: Killed,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Alertmanager {
    /// Starts one that tells `webhook` of everything at once.
    async fn start(webhook: &str) -> Self {
        // Only the first provider of a process is kept.
        rustls::crypto::ring::default_provider().install_default().ok();
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("alertmanager.yml");
        let text = format!(
            "route: {{ receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 1s }}\n\
             receivers: [{{ name: hook, webhook_configs: [{{ url: '{webhook}' }}] }}]\n"
        );
        std::fs::write(&config, text).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus-alertmanager, which `make deps` installs");
        let started = Self { _process: Killed(process), address, _folder: folder };
        until("it is ready", async || {
            let ready = reqwest::get(format!("http://{address}/-/ready")).await;
            ready.is_ok_and(|answer| answer.status().is_success()).then_some(())
        })
        .await;
        started
    }

    /// The alerts that it holds and that are not over, as name of the group and severity.
    async fn firing(&self) -> Vec<(String, String)> {
        let url = format!("http://{}/api/v2/alerts", self.address);
        let alerts: Vec<Value> = reqwest::get(url).await.unwrap().json().await.unwrap();
        let label = |alert: &Value, name: &str| alert["labels"][name].as_str().unwrap_or_default().to_owned();
        let mut firing: Vec<_> =
            alerts.iter().map(|alert| (label(alert, "consumergroup"), label(alert, "severity"))).collect();
        firing.sort();
        firing
    }

    fn receiver(&self) -> plimsoll::notify::Sender {
        let urls = vec![secret(&format!("http://{}", self.address))];
        sender(ReceiverKind::Alertmanager(AlertmanagerConfig { urls }))
    }
}

/// Asks until there is an answer.
async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    tokio::task::block_in_place(|| wait_for(what, PATIENCE, || Handle::current().block_on(ask())))
}

/// A real Alertmanager goes by the real time.
fn now(message: Message) -> Message {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    Message { at: Timestamp(i64::try_from(now).unwrap()), ..message }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(group, severity)| ((*group).to_owned(), (*severity).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alertmanager_holds_what_goes_on_with_the_severity_that_it_has() {
    let hook = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&hook).await;
    let alertmanager = Alertmanager::start(&hook.uri()).await;
    let sender = alertmanager.receiver();
    let tell = async |kind, incident: Incident, thread: Option<Thread>| {
        let receipt = sender.send(&now(message(vec![notice(kind, incident, thread)]))).await.unwrap();
        receipt.threads[0].clone()
    };
    let of = |severity, revision| Incident { severity, revision, ..incident("billing") };

    let ticket = tell(NoticeKind::Fired, of(Severity::Ticket, 1), None).await;
    assert_eq!(alertmanager.firing().await, pairs(&[("billing", "ticket")]));
    let page = tell(NoticeKind::Escalated, of(Severity::Page, 2), ticket).await;
    assert_eq!(alertmanager.firing().await, pairs(&[("billing", "page")]));
    let page = tell(NoticeKind::Repeated, of(Severity::Page, 2), page).await;
    assert_eq!(alertmanager.firing().await, pairs(&[("billing", "page")]));
    let ticket = tell(NoticeKind::Calmed, of(Severity::Ticket, 3), page).await;
    assert_eq!(alertmanager.firing().await, pairs(&[("billing", "ticket")]));
    tell(NoticeKind::Resolved, over(of(Severity::Ticket, 3)), ticket).await;
    assert_eq!(alertmanager.firing().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alertmanager_takes_many_and_hostile_ones() {
    let hook = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&hook).await;
    let alertmanager = Alertmanager::start(&hook.uri()).await;
    let hostile = Incident {
        labels: std::sync::Arc::new(
            [
                ("a.b/c-d".into(), "\"<&\n🚢".into()),
                ("0".into(), "x".repeat(65_536).into()),
                ("empty".into(), "".into()),
            ]
            .into(),
        ),
        ..incident("<!channel>\"\n")
    };
    let mut notices = vec![notice(NoticeKind::Fired, hostile, None)];
    notices.extend((0..599).map(|at| notice(NoticeKind::Fired, incident(&format!("group-{at}")), None)));
    alertmanager.receiver().send(&now(message(notices))).await.unwrap();
    assert_eq!(alertmanager.firing().await.len(), 600);
}

/// The names of all fields with their place in the tree; values of labels and annotations are everybody's own.
fn fields(value: &Value) -> Vec<String> {
    let own = |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let of_alert = own(&value["alerts"][0]).into_iter().map(|name| format!("alerts.{name}"));
    own(value).into_iter().chain(of_alert).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn our_webhook_has_every_field_that_an_alertmanager_s_has() {
    let (theirs, ours) = (MockServer::start().await, MockServer::start().await);
    for server in [&theirs, &ours] {
        Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(server).await;
    }
    let alertmanager = Alertmanager::start(&theirs.uri()).await;
    let message = now(message(vec![notice(NoticeKind::Fired, incident("billing"), None)]));
    alertmanager.receiver().send(&message).await.unwrap();
    sender(webhook(&ours.uri())).send(&message).await.unwrap();
    let told = async |server: &MockServer| {
        until("the webhook is called", async || {
            let requests = server.received_requests().await.unwrap();
            requests.first().map(|request| request.body_json::<Value>().unwrap())
        })
        .await
    };
    let (theirs, ours) = (told(&theirs).await, told(&ours).await);
    let our_fields = fields(&ours);
    for field in fields(&theirs) {
        assert!(our_fields.contains(&field), "{field}");
    }
    let same = [
        "/version",
        "/status",
        "/truncatedAlerts",
        "/groupLabels",
        "/commonLabels",
        "/commonAnnotations",
        "/alerts/0/status",
        "/alerts/0/labels",
        "/alerts/0/annotations",
        "/alerts/0/startsAt",
        "/alerts/0/generatorURL",
    ];
    for field in same {
        assert_eq!(ours.pointer(field), theirs.pointer(field), "{field}");
    }
}
