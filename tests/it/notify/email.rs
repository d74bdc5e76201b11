//! Mail through a real SMTP server, with STARTTLS, implicit TLS and AUTH.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use plimsoll::notify::{
    EmailConfig, Encryption, Failure, Message, NoticeKind, Receipt, ReceiverConfig, ReceiverKind, Sender,
};
use serde_json::Value;
use tokio::net::TcpListener;

use super::fixture::{fired, incident, message, notice, over, receiver, secret};
use super::tls::Certificate;

const PASSWORD: &str = "mail-password-secret";

/// A mail server's process; it ends with its standard input, which the kernel closes in any case.
struct Server {
    process: Child,
    output: BufReader<ChildStdout>,
    port: u16,
    certificate: Certificate,
}

impl Server {
    /// `mode` and `answer` as `tests/smtp/server.py` has them.
    fn start(mode: &str, user: &str, answer: &str) -> Self {
        let root = env!("CARGO_MANIFEST_DIR");
        let fetched = Command::new(format!("{root}/tests/smtp/fetch.sh")).output().unwrap();
        assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
        let python = String::from_utf8(fetched.stdout).unwrap();
        let certificate = Certificate::new();
        let mut process = Command::new(python.trim())
            .arg(format!("{root}/tests/smtp/server.py"))
            .arg(mode)
            .args([certificate.chain(), certificate.key()])
            .args([user, PASSWORD, answer])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("ready ").unwrap().parse().unwrap();
        Self { process, output, port, certificate }
    }

    /// The next mail that it has taken.
    fn mail(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn config(&self, encryption: Encryption, user: Option<&str>) -> ReceiverConfig {
        let kind = ReceiverKind::Email(EmailConfig {
            host: "localhost".to_owned(),
            port: self.port,
            encryption,
            user: user.map(str::to_owned),
            password: user.map(|_| secret(PASSWORD)),
            from: "Plimsoll <alerts@plimsoll.example>".to_owned(),
            to: vec!["oncall@example.com".to_owned(), "Team <team@example.com>".to_owned()],
        });
        ReceiverConfig { ca_file: Some(self.certificate.chain()), ..receiver(kind) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

async fn send(config: &ReceiverConfig, message: &Message) -> Result<Receipt, Failure> {
    let sender = Sender::build(config).unwrap();
    let sent = sender.send(message).await;
    let seen = format!("{config:?} {sender:?} {sent:?}");
    assert!(!seen.contains(PASSWORD), "{seen}");
    sent
}

fn header<'a>(mail: &'a Value, name: &str) -> &'a str {
    let lines = mail["data"].as_str().unwrap().lines();
    lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).next().unwrap()
}

#[tokio::test]
async fn mails_go_through_starttls_and_implicit_tls_after_a_login_in_one_thread() {
    for (mode, encryption) in [("starttls", Encryption::StartTls), ("implicit", Encryption::Implicit)] {
        let mut server = Server::start(mode, "watch", "250 2.0.0 queued");
        let config = server.config(encryption, Some("watch"));
        let receipt = send(&config, &fired()).await.unwrap();
        assert_eq!(receipt.answer, "250 2.0.0 queued");
        let first = server.mail();
        assert_eq!(
            (&first["is_encrypted"], &first["is_authenticated"]),
            (&true.into(), &true.into()),
            "{mode}"
        );
        assert_eq!(first["from"], "alerts@plimsoll.example");
        assert_eq!(first["to"], serde_json::json!(["oncall@example.com", "team@example.com"]));
        let thread = receipt.threads[0].clone().unwrap();
        assert_eq!(header(&first, "Message-ID"), thread.id);
        assert!(header(&first, "Subject").starts_with("[PAGE] orders-lag: orders-processor on orders"));

        let end = message(vec![notice(
            NoticeKind::Resolved,
            over(incident("orders-processor")),
            Some(thread.clone()),
        )]);
        let receipt = send(&config, &end).await.unwrap();
        let second = server.mail();
        assert_eq!(header(&second, "In-Reply-To"), thread.id);
        assert_eq!(receipt.threads, [Some(thread)]);
    }
}

#[tokio::test]
async fn nothing_is_sent_without_starttls() {
    let server = Server::start("plain", "", "250 OK");
    let failure = send(&server.config(Encryption::StartTls, Some("watch")), &fired()).await.unwrap_err();
    let Failure::Never { answer } = &failure else { panic!("{failure:?}") };
    assert!(
        answer.contains("offers no STARTTLS") && answer.contains("write smtps instead of smtp"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_wrong_password_is_refused_for_good_and_not_shown() {
    let server = Server::start("starttls", "somebody-else", "250 OK");
    let failure = send(&server.config(Encryption::StartTls, Some("watch")), &fired()).await.unwrap_err();
    let Failure::Never { answer } = &failure else { panic!("{failure:?}") };
    assert!(answer.starts_with("535 ") && answer.contains("<secret>"), "{answer}");
}

#[tokio::test]
async fn what_the_server_has_no_room_for_now_is_later_and_what_it_refuses_is_never() {
    for (said, is_later) in [
        ("451 4.3.0 try again", true),
        ("452 4.2.2 full", true),
        ("550 5.7.1 no", false),
        ("554 5.6.0 no", false),
    ] {
        let server = Server::start("starttls", "", said);
        let failure = send(&server.config(Encryption::StartTls, None), &fired()).await.unwrap_err();
        assert_eq!(matches!(failure, Failure::Later { .. }), is_later, "{failure:?}");
        let (Failure::Later { answer, .. } | Failure::Never { answer }) = failure;
        assert_eq!(answer, said);
    }
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_is_told_nothing() {
    let server = Server::start("implicit", "watch", "250 OK");
    let config = ReceiverConfig { ca_file: None, ..server.config(Encryption::Implicit, Some("watch")) };
    let failure = send(&config, &fired()).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Later { answer, .. } if answer.contains("certificate")),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_after_the_timeout() {
    let begin = Instant::now();
    let hangs_at_the_end = Server::start("starttls", "", "hang");
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = hangs_at_the_end.config(Encryption::StartTls, None);
    config.timeout = Duration::from_secs(2);
    let mut mute = config.clone();
    if let ReceiverKind::Email(email) = &mut mute.kind {
        email.port = silent.local_addr().unwrap().port();
    }
    for config in [config, mute] {
        let failure = send(&config, &fired()).await.unwrap_err();
        assert!(
            matches!(&failure, Failure::Later { answer, .. } if answer.contains("2s") || answer.contains("timed out")),
            "{failure:?}"
        );
    }
    assert!(begin.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn nobody_at_the_address_is_later_and_no_address_is_said_at_once() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let config = |from: &str, to: &[&str]| {
        receiver(ReceiverKind::Email(EmailConfig {
            host: "localhost".to_owned(),
            port: free,
            encryption: Encryption::StartTls,
            user: None,
            password: None,
            from: from.to_owned(),
            to: to.iter().map(|to| (*to).to_owned()).collect(),
        }))
    };
    let failure = send(&config("a@b.example", &["c@d.example"]), &fired()).await.unwrap_err();
    assert!(matches!(&failure, Failure::Later { .. }), "{failure:?}");
    for (from, to, expected) in [
        ("nobody", vec!["c@d.example"], "`from` that is no mail address, \"nobody\""),
        ("a@b.example", vec!["c@d.example", "two words"], "`to` that is no mail address, \"two words\""),
        ("a@b.example", vec![], "has no address in `to`"),
    ] {
        let unusable = Sender::build(&config(from, &to)).unwrap_err().to_string();
        assert!(unusable.contains(expected), "{unusable}");
    }
}
