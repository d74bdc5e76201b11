//! The program as it is called: its help, its exit codes, what it says where. No Kafka is needed for any of it.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use crate::config::check_golden;
use crate::program::{Daemon, Settings};

/// Nobody listens there.
const NOBODY: &str = "127.0.0.1:1";

/// A cluster that nobody serves, found out quickly.
const UNREACHABLE: &str =
    "clusters:\n  - name: gone\n    bootstrap_servers: [\"127.0.0.1:1\"]\n    request_timeout: 200ms\n";

/// The program in an empty folder, with none of the variables that it reads.
fn plimsoll(arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).env("COLUMNS", "80");
    command.env_remove("STATE_DIRECTORY").env("XDG_STATE_HOME", folder);
    for name in ["PLIMSOLL_CONFIG", "PLIMSOLL_LOG", "PLIMSOLL_URL", "NO_COLOR"] {
        command.env_remove(name);
    }
    command
}

fn run(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    plimsoll(arguments, folder.path()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli").join(name)
}

/// How the call ends, and what standard output and standard error begin with; empty means that it stays silent.
fn check(arguments: &[&str], code: i32, said: &str, complained: &str) {
    let output = run(arguments);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{out}\n{err}");
    for (stream, expected) in [(out, said), (err, complained)] {
        let is_right = if expected.is_empty() { stream.is_empty() } else { stream.starts_with(expected) };
        assert!(is_right, "{arguments:?}: expected {expected:?}, got {stream:?}");
    }
}

#[test]
fn help_is_as_printed_here() {
    for (name, arguments) in [
        ("help.txt", &["--help"][..]),
        ("run.txt", &["run", "--help"]),
        ("lag.txt", &["lag", "--help"]),
        ("slo.txt", &["slo", "--help"]),
        ("silence.txt", &["silence", "--help"]),
        ("silence-add.txt", &["silence", "add", "--help"]),
        ("incidents.txt", &["incidents", "--help"]),
        ("check.txt", &["check", "--help"]),
        ("test.txt", &["test", "--help"]),
        ("routes.txt", &["routes", "--help"]),
        ("notify-test.txt", &["notify-test", "--help"]),
        ("health.txt", &["health", "--help"]),
        ("schema.txt", &["schema", "--help"]),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        let help = text(&output.stdout);
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
        check_golden(&golden(name), &help);
    }
}

#[test]
fn the_schema_is_as_printed_here() {
    let output = run(&["schema"]);
    assert_eq!(output.status.code(), Some(0));
    check_golden(&golden("schema.json"), &text(&output.stdout));
    let output = run(&["schema", "--rules"]);
    assert_eq!(output.status.code(), Some(0));
    check_golden(&golden("schema-rules.json"), &text(&output.stdout));
}

#[test]
fn bad_usage_ends_with_2_and_says_what_would_be_right() {
    check(&[], 2, "", "Watches Kafka pipelines");
    check(&["lagg"], 2, "", "error: unrecognized subcommand 'lagg'");
    check(
        &["lag", "--grup", "a"],
        2,
        "",
        "error: unexpected argument '--grup' found\n\n  tip: a similar argument",
    );
    check(&["check"], 2, "", "error: the following required arguments were not provided");
    check(&["run", "--listen", "1876"], 2, "", "error: invalid value '1876' for '--listen <IP:PORT>'");
    check(&["run", "-c", "a.yaml", "-b", NOBODY], 2, "", "error: --config and --bootstrap-server exclude");
    check(&["lag", "-b", "kafka"], 2, "", "--bootstrap-server `kafka` ");
    check(&["lag", "--property", "hunter2"], 2, "", "error: invalid value 'hunter2' for '--property");
    check(&["run"], 2, "", "no settings, so there is nothing to watch\n     = give --config FILE");
    check(&["lag"], 2, "", "no settings, so there is nothing to watch\n     = give --config FILE");
    check(&["run", "-c", "gone.yaml"], 2, "", "gone.yaml: the settings file does not exist");
    check(&["check", "gone.yaml"], 2, "gone.yaml: the file does not exist", "");
    check(&["test"], 2, "", "error: the following required arguments were not provided");
    check(&["routes", "severity"], 2, "", "error: invalid value 'severity' for '<LABEL=VALUE>...'");
    check(&["routes", "severity=page"], 2, "", "no settings");
    check(&["notify-test", "oncall"], 2, "", "no settings");
    check(&["test", "gone.yaml"], 2, "", "gone.yaml: the test file does not exist");
    check(&["health", "--url", "localhost:1876"], 2, "", "plimsoll: --url: write where the daemon serves");
    check(&["lag", "-b", NOBODY, "--property", "ssl.ca.locatoin=x"], 2, "", "plimsoll: ");
}

#[test]
fn the_example_settings_are_fine() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/plimsoll.example.yaml");
    check(&["check", example], 0, &format!("{example}: fine, watches prod at localhost:9092"), "");
    let told: Value = serde_json::from_slice(&run(&["check", "--json", example]).stdout).unwrap();
    assert_eq!(told[0]["fine"], true);
    check(
        &["lag", "-c", example, "--cluster", "test"],
        2,
        "",
        "plimsoll: the settings have no cluster `test`",
    );
}

const RULES: &str = "slos:\n  - name: on-time\n    indicator: { latency: { group: orders, within: 1s } }\n    \
                     objective: 99%\n    window: 7d\nalerts:\n  - name: stuck\n    when: { stuck: { group: \"*\", \
                     for: 5m } }\n    severity: ticket\n";
const TESTS: &str = "rules: [rules/*.yaml]\ntests:\n  - name: nothing happens\n    slo: on-time\n    \
                     expect: [{ at: 5m, state: ok }]\n";

/// A folder with settings, rules and tests that know each other.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("rules")).unwrap();
    let settings = format!("{UNREACHABLE}rules: rules/*.yaml\n");
    for (name, text) in
        [("plimsoll.yaml", settings.as_str()), ("rules/mine.yaml", RULES), ("mine.test.yaml", TESTS)]
    {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn check_tells_files_of_each_kind_apart_and_explains_the_rules() {
    let folder = project();
    let run = |arguments: &[&str]| plimsoll(arguments, folder.path()).output().unwrap();
    let output = run(&["check", "plimsoll.yaml", "rules/mine.yaml", "mine.test.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = text(&output.stdout);
    let lines: Vec<_> = told.lines().filter(|line| !line.starts_with("    ")).collect();
    let rules = ["  slo on-time", "  alert stuck"];
    assert_eq!(
        lines[0],
        "plimsoll.yaml: fine, watches gone at 127.0.0.1:1 every 1s (all groups, all topics except __*)"
    );
    assert_eq!(
        lines[1..3],
        ["  receiver terminal: standard output", "  everything goes to terminal (standard output)"]
    );
    assert_eq!(lines[3..5], rules);
    assert_eq!(lines[5], "rules/mine.yaml: fine, 1 SLO and 1 alert");
    assert_eq!(lines[6..8], rules);
    assert_eq!(lines[8], "mine.test.yaml: fine, 1 test of 1 SLO and 1 alert; `plimsoll test` runs them");
    assert_eq!(lines.len(), 9, "{told}");

    let json = run(&["check", "--json", "rules/mine.yaml"]);
    let told: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        (&told[0]["slos"][0]["name"], &told[0]["alerts"][0]["name"]),
        (&"on-time".into(), &"stuck".into())
    );
    assert!(told[0]["slos"][0]["words"][0].is_string(), "{told}");

    std::fs::write(folder.path().join("rules/wrong.yaml"), "slos: [{ name: on-time }]").unwrap();
    let json = run(&["check", "--json", "plimsoll.yaml"]);
    assert_eq!(json.status.code(), Some(2));
    let told: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(told[0]["problems"][0]["file"], "rules/wrong.yaml", "{told}");
}

/// Receivers and routes; nobody listens there.
const DELIVERY: &str = "receivers:\n  - { name: oncall, pagerduty: { routing_key: \
                        0123456789abcdef0123456789abcdef, url: \"http://127.0.0.1:1\" }, rate_limit: 10/m }\n  \
                        - { name: chat, slack: { bot_token: xoxb-1, channel: \"#alerts\" }, fallback: mail }\n  \
                        - { name: mail, email: { smtp: \"smtp://127.0.0.1:1\", from: a@example.com, to: \
                        b@example.com } }\n  - { name: spare, terminal: {} }\nroutes:\n  - { match: { severity: \
                        page }, receivers: [oncall, chat] }\n  - { match: ['team=~\"pay.*\"'], receivers: chat, \
                        continue: true }\n  - { match: { severity: ticket }, receivers: mail }\n";

fn with_delivery() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plimsoll.yaml"), format!("{UNREACHABLE}{DELIVERY}")).unwrap();
    folder
}

#[test]
fn check_says_who_is_told_of_what_and_what_nobody_is_told_of() {
    let folder = with_delivery();
    let run = |arguments: &[&str]| plimsoll(arguments, folder.path()).output().unwrap();
    let output = run(&["check", "plimsoll.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = text(&output.stdout);
    let lines: Vec<_> = told.lines().skip(1).take_while(|line| !line.starts_with("  alert")).collect();
    assert_eq!(
        lines,
        [
            "  receiver oncall: PagerDuty, at most 10 messages a minute",
            "  receiver chat: Slack #alerts, by a bot: one message per incident, kept up to date; what it refuses \
             goes to mail",
            "  receiver mail: mail to b@example.com, over 127.0.0.1:1",
            "  receiver spare: standard output",
            "  pages go to oncall (PagerDuty) and chat (Slack #alerts)",
            "  everything with team=~\"pay.*\" goes to chat (Slack #alerts); the routes below are looked at, too",
            "  tickets go to mail (mail to b@example.com)",
            "  warning: no route takes `info` of alert records-lost, alert latency-growing: nobody is told",
            "  warning: receiver spare is told of nothing: no route names it",
            "  warning: route 2 looks at the label `team`, which no incident of these rules has",
        ]
    );
    let json = run(&["check", "--json", "plimsoll.yaml"]);
    let told: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(told[0]["receivers"][1]["words"], "Slack #alerts");
    assert_eq!(
        (&told[0]["routes"][2], told[0]["warnings"].as_array().map(Vec::len)),
        (&"tickets go to mail (mail to b@example.com)".into(), Some(3))
    );
}

#[test]
fn routes_says_who_would_be_told_and_why() {
    let folder = with_delivery();
    let check = |arguments: &[&str], code: i32, expected: &str| {
        let output = plimsoll(&[&["routes"], arguments].concat(), folder.path()).output().unwrap();
        assert_eq!(
            (output.status.code(), text(&output.stdout).as_str()),
            (Some(code), expected),
            "{arguments:?}"
        );
    };
    check(
        &["severity=ticket", "team=payments"],
        0,
        "severity=\"ticket\" team=\"payments\"
  route 1, pages: does not match: severity=\"page\", but severity is \"ticket\"
  route 2, everything with team=~\"pay.*\": matches: chat (Slack #alerts), and the routes below are looked at, too
  route 3, tickets: matches: mail (mail to b@example.com)
  told: chat (Slack #alerts), grouped by alertname and cluster: at once, then at most every 1m, again after 4h
  told: mail (mail to b@example.com), grouped by alertname and cluster: at once, then at most every 1m, again after 4h
",
    );
    check(
        &["severity=info"],
        1,
        "severity=\"info\"
  route 1, pages: does not match: severity=\"page\", but severity is \"info\"
  route 2, everything with team=~\"pay.*\": does not match: team=~\"pay.*\", but there is no team
  route 3, tickets: does not match: severity=\"ticket\", but severity is \"info\"
  nobody is told: add a route without `match` at the end to catch what is left
",
    );
    check(&["severity=loud"], 2, "");
    check(&["team=a", "team=b"], 2, "");

    let output = plimsoll(&["routes", "--json", "group=orders"], folder.path()).output().unwrap();
    assert_eq!(
        text(&output.stderr),
        "plimsoll: no incident has the label group: it is called consumergroup\n"
    );
    assert_eq!(output.status.code(), Some(0));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let incidents = told["incidents"].as_array().unwrap();
    let severities: Vec<_> =
        incidents.iter().map(|one| one["labels"]["severity"].as_str().unwrap()).collect();
    assert_eq!(severities, ["page", "ticket", "info"]);
    assert_eq!(incidents[0]["receivers"][1]["name"], "chat");
    assert_eq!(incidents[0]["receivers"][1]["grouping"]["repeat_seconds"], 14_400.0);
    assert_eq!(incidents[0]["routes"][1]["verdict"], "not_reached");
    assert_eq!(incidents[1]["routes"][0]["differs"]["value"], "ticket");
    assert_eq!(incidents[2]["receivers"], Value::Array(vec![]));
    // As in rules, `critical` is a page.
    let output = plimsoll(&["routes", "severity=critical"], folder.path()).output().unwrap();
    assert!(text(&output.stdout).starts_with("severity=\"page\"\n"), "{output:?}");
}

#[test]
fn a_drill_that_is_not_taken_ends_with_1_and_what_to_do() {
    let folder = with_delivery();
    let run = |arguments: &[&str]| plimsoll(arguments, folder.path()).output().unwrap();
    let output = run(&["notify-test", "onkall"]);
    assert_eq!(output.status.code(), Some(2));
    let complained = text(&output.stderr);
    assert_eq!(complained, "plimsoll: the settings have no receiver `onkall`: did you mean oncall?\n");

    let output = run(&["notify-test", "oncall"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        text(&output.stdout).starts_with("oncall (PagerDuty) has not taken a drill, after "),
        "{output:?}"
    );
    assert!(text(&output.stderr).starts_with("plimsoll: look "), "{output:?}");

    let output = run(&["notify-test", "oncall", "--resolve", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["delivered"], &told["what"]), (&false.into(), &"resolved".into()));
    assert_eq!(told["key"].as_str().map(str::len), Some(32));
}

#[test]
fn check_connect_needs_a_cluster() {
    let folder = project();
    let output = plimsoll(&["check", "--connect", "rules/mine.yaml"], folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let complained = text(&output.stderr);
    assert_eq!(complained, "plimsoll: --connect needs to know a cluster: give the settings file, too\n");
}

#[test]
fn the_settings_name_rules_relative_to_themselves() {
    let folder = project();
    let settings = folder.path().join("plimsoll.yaml");
    let output = run(&["check", settings.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    std::fs::remove_dir_all(folder.path().join("rules")).unwrap();
    let output = run(&["check", settings.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stdout).contains("rules: `rules/*.yaml` matches no file"), "{output:?}");
}

#[test]
fn a_cluster_that_is_not_there_ends_with_1_and_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plimsoll.yaml"), UNREACHABLE).unwrap();
    let run = |arguments: &[&str]| plimsoll(arguments, folder.path()).output().unwrap();

    let lag = run(&["lag"]);
    assert_eq!(lag.status.code(), Some(1));
    assert_eq!(text(&lag.stdout), "");
    let complained = text(&lag.stderr);
    let sentence = format!("plimsoll: cluster gone cannot be measured: no broker answers at {NOBODY}");
    assert!(complained.starts_with(&sentence) && complained.lines().count() == 1, "{complained}");

    let json = run(&["lag", "--json"]);
    assert_eq!(json.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&told["clusters"][0]["up"], &told["groups"]), (&false.into(), &Value::Array(vec![])));

    let check = run(&["check", "--connect", "plimsoll.yaml"]);
    assert_eq!(check.status.code(), Some(1));
    assert!(text(&check.stdout).contains("cluster gone: cannot be reached: no broker answers"), "{check:?}");

    let json = run(&["check", "--connect", "--json", "plimsoll.yaml"]);
    assert_eq!(json.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(told[0]["clusters"][0]["reachable"], false, "{told}");

    let wrong = format!("{UNREACHABLE}    properties: {{ security.protocol: TSL }}\n");
    std::fs::write(folder.path().join("wrong.yaml"), wrong).unwrap();
    for arguments in [&["check", "--connect"][..], &["check", "--connect", "--json"]] {
        let both = run(&[arguments, &["plimsoll.yaml", "wrong.yaml"]].concat());
        assert_eq!(both.status.code(), Some(2), "{both:?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = plimsoll(&["schema"], folder.path()).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn an_address_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let complaint = format!("plimsoll: cannot listen on {address} (is another daemon running?");
    check(&["run", "-b", NOBODY, "--listen", &address], 1, "", &complaint);
}

/// Reads log lines until the daemon serves; what it has said so far.
fn until_it_serves(daemon: &mut Child) -> (Vec<String>, BufReader<std::process::ChildStderr>) {
    let mut log = BufReader::new(daemon.stderr.take().unwrap());
    let mut lines = Vec::new();
    while !lines.last().is_some_and(|line: &String| line.contains("serving ")) {
        let mut line = String::new();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "it ended: {lines:?}");
        lines.push(line);
    }
    (lines, log)
}

#[test]
fn the_daemon_stops_with_0_when_it_is_asked_to_and_every_line_is_json() {
    for signal in ["INT", "TERM"] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plimsoll.yaml"), UNREACHABLE).unwrap();
        let arguments = ["run", "--listen", "127.0.0.1:0", "--log-format", "json"];
        let mut daemon = plimsoll(&arguments, folder.path())
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut lines, log) = until_it_serves(&mut daemon);
        let kill =
            Command::new("kill").args([format!("-{signal}"), daemon.id().to_string()]).status().unwrap();
        assert!(kill.success());
        lines.extend(log.lines().map(Result::unwrap));
        let output = daemon.wait_with_output().unwrap();
        assert_eq!(
            (output.status.code(), text(&output.stdout)),
            (Some(0), String::new()),
            "{signal}: {lines:?}"
        );
        for line in &lines {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|failed| panic!("{failed}: {line}"));
            assert!(line["message"].is_string() && line["level"].is_string(), "{line}");
        }
        assert!(lines.iter().any(|line| line.contains("\"stopping\"")), "{lines:?}");
    }
}

#[test]
fn a_sidecar_has_to_say_which_groups_it_watches() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plimsoll.yaml");
    let file = path.to_str().unwrap();
    std::fs::write(&path, UNREACHABLE).unwrap();
    let complaint = format!(
        "{file}: cluster gone has no `groups.include`, so every replica would watch every group\n     \
         = name the groups of the application, such as `groups: {{ include: [orders-processor] }}`\n"
    );
    check(&["check", file], 0, &format!("{file}: fine"), "");
    check(&["check", "--sidecar", file], 2, &complaint, "");
    std::fs::write(&path, format!("{UNREACHABLE}    groups: {{ include: [orders] }}\n")).unwrap();
    check(&["check", "--sidecar", file], 0, &format!("{file}: fine"), "");
}

#[test]
fn a_daemon_is_healthy_while_it_answers_and_ready_when_it_measures() {
    let daemon = Daemon::start(Settings::of(NOBODY, &json!({ "request_timeout": "200ms" })));
    let url = format!("http://{}", daemon.address());
    let away = "healthy, not ready: cluster prod is not measured: ";
    check(&["health", "--url", &url], 0, away, "");
    check(&["health", "--ready", "--url", &url], 1, away, "");
    drop(daemon);
    check(&["health", "--url", &url], 1, "", "plimsoll: no daemon answers at http://127.0.0.1:");
}
