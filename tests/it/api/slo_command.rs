//! `plimsoll slo`, and what all commands share that ask a daemon, against the API on a port of its own.

use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use super::*;

fn plimsoll(command: &str, arguments: &[&str]) -> Output {
    let name = command;
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.arg(name).args(arguments).stdin(Stdio::null()).env("COLUMNS", "150");
    command.env_remove("PLIMSOLL_URL").env_remove("NO_COLOR").output().unwrap()
}

/// Asks a server of `snapshots`; what the command ends with, says and complains.
pub(super) async fn ask_command(
    name: &'static str,
    snapshots: &[Snapshot],
    arguments: &[&str],
) -> (Option<i32>, String, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://user:hunter2@{}/", listener.local_addr().unwrap());
    let router = router(state(snapshots));
    let mut server = tokio::task::JoinSet::new();
    server.spawn(async move { axum::serve(listener, router).await.unwrap() });
    let arguments: Vec<String> = ["--url", &url].iter().chain(arguments).map(|it| (*it).to_owned()).collect();
    let asked = move || plimsoll(name, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let output = tokio::task::spawn_blocking(asked).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_shows_what_the_daemon_judges() {
    let (code, said, complained) = ask_command("slo", &[fixture::prod()], &[]).await;
    assert_eq!((code, complained.as_str()), (Some(0), ""));
    insta::with_settings!({ snapshot_path => "../../golden", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("slo_table", said);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_what_the_api_answers() {
    let (code, said, complained) =
        ask_command("slo", &[fixture::prod()], &["--json", "--slo", "orders-*"]).await;
    assert_eq!((code, complained.as_str()), (Some(0), ""));
    let told: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(told, ask(&[fixture::prod()], "/api/v1/slos?slo=orders-*").await.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_to_show_is_said() {
    let check = async |snapshots: &[Snapshot], arguments: &[&str], code, sentence: &str| {
        let (ended, said, complained) = ask_command("slo", snapshots, arguments).await;
        assert_eq!((ended, said.as_str()), (Some(code), ""), "{arguments:?}");
        assert!(complained.starts_with(sentence), "{complained}");
    };
    let empty = [Snapshot { slos: Vec::new(), ..fixture::prod() }];
    check(&empty, &[], 0, "plimsoll: the daemon has no SLOs: ").await;
    check(&[fixture::prod()], &["--group", "a&b=c#", "-t", "*"], 1, "plimsoll: no SLO is as asked for").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_answer_as_a_daemon_is_named_with_what_to_do() {
    let check = |url: &str, code, sentence: &str| {
        let output = plimsoll("slo", &["--url", url]);
        let complained = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), complained.lines().count()), (Some(code), 1), "{complained}");
        assert!(complained.starts_with(sentence), "{complained}");
        assert!(!complained.contains("hunter2"), "{complained}");
        assert!(output.stdout.is_empty());
    };
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("plimsoll: no daemon answers at http://{free} (Connection refused");
    check(&format!("http://user:hunter2@{free}"), 1, &nobody);
    check("localhost:1876", 2, "plimsoll: --url: write where the daemon serves, such as http://");
    check("nonsense", 2, "plimsoll: --url: write where the daemon serves, such as http://");

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut server = tokio::task::JoinSet::new();
    let other = axum::Router::new().route("/api/v1/slos", axum::routing::get(async || "hello")).route(
        "/old/api/v1/slos",
        axum::routing::get(async || (StatusCode::NOT_FOUND, r#"{"error":"no such route"}"#)),
    );
    server.spawn(async move { axum::serve(listener, other).await.unwrap() });
    tokio::task::block_in_place(|| {
        check(&url, 1, &format!("plimsoll: what answers at {url} is no plimsoll daemon"));
        check(
            &format!("{url}/x"),
            1,
            &format!("plimsoll: what answers at {url}/x is no plimsoll daemon: 404"),
        );
        let old = format!("plimsoll: the daemon at {url}/old answers 404 Not Found: no such route");
        check(&format!("{url}/old/"), 1, &old);
    });
}
