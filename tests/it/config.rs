//! Settings files as golden cases: `tests/config/bad/NAME.yaml` with its message in `NAME.err`, and
//! `tests/config/good/NAME.yaml` with the settings in `NAME.out`. `BLESS=1` writes them anew: read what changed.
//! `rules-NAME.yaml` is a rules file, `tests-NAME.yaml` a test file.

mod rules;

use std::fs;
use std::path::{Path, PathBuf};

use plimsoll::config::{self, CheckOptions, Config, Given, Lookup, Problems, Rules};
use plimsoll::telemetry::OtlpProtocol;
use proptest::prelude::*;
use serde_json::Value;

const SECRET: &str = "hunter2-from-the-environment";

/// An environment in which only these are set.
struct Fixed;

impl Lookup for Fixed {
    fn variable(&self, name: &str) -> Result<String, String> {
        match name {
            "KAFKA_PASSWORD" => Ok(SECRET.to_owned()),
            "TOPIC" => Ok("orders".to_owned()),
            "BROKERS" => Ok("kafka-1:9092,kafka-2:9092".to_owned()),
            "PD_KEY" => Ok("0123456789abcdef0123456789abcdef".to_owned()),
            "YAML" => Ok("a]\nb: [*c, {".to_owned()),
            _ => Err("is not set".to_owned()),
        }
    }

    fn file(&self, path: &Path) -> Result<String, String> {
        match path.to_str() {
            Some("/run/secrets/kafka") => Ok(format!("{SECRET}\n")),
            _ => Err("does not exist".to_owned()),
        }
    }

    fn rules(&self, path: &Path) -> Result<String, String> {
        fs::read_to_string(folder("").join(path)).map_err(|_| "does not exist".to_owned())
    }

    fn names(&self, path: &Path) -> Result<Vec<String>, String> {
        let entries = fs::read_dir(folder("").join(path)).map_err(|_| "does not exist".to_owned())?;
        Ok(entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
    }

    fn is_file(&self, path: &Path) -> bool {
        folder("").join(path).is_file()
    }
}

fn parse(text: &str) -> Result<Config, Problems> {
    config::parse(text, "plimsoll.yaml", &Fixed)
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(name)
}

fn cases(name: &str) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    paths.sort();
    paths
}

#[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the tests")]
pub(crate) fn check_golden(path: &Path, actual: &str) {
    if std::env::var("BLESS").is_ok() {
        fs::write(path, actual).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(actual, expected, "{}", path.display());
}

/// What is in the file at `path`, of whichever kind, as text.
fn read(path: &Path) -> Result<String, Problems> {
    let text = fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    if name.starts_with("rules-") {
        return config::parse_rules(&text, "rules.yaml", &Fixed).map(|rules| format!("{rules:#?}\n"));
    }
    if name.starts_with("tests-") {
        return config::parse_tests(&text, "test.yaml", &Fixed).map(|file| format!("{:#?}\n", file.tests));
    }
    let mut config = parse(&text)?;
    // The shipped rules have tests of their own.
    if config.rules == parse(LEAST).unwrap().rules {
        config.rules = Rules::default();
    }
    Ok(format!("{config:#?}\n"))
}

#[test]
fn broken_settings_say_what_is_wrong_and_what_would_be_right() {
    let cases = cases("bad");
    assert!(cases.len() >= 60, "{}", cases.len());
    for path in cases {
        let problems = read(&path).expect_err(&path.display().to_string());
        let told = format!("{problems}\n");
        assert!(!told.contains("hunter2"), "{}: {told}", path.display());
        check_golden(&path.with_extension("err"), &told);
    }
}

#[test]
fn good_settings_mean_what_they_say() {
    for path in cases("good") {
        let told = read(&path).unwrap_or_else(|problems| panic!("{}: {problems}", path.display()));
        assert!(!told.contains("hunter2"), "{}", path.display());
        check_golden(&path.with_extension("out"), &told);
    }
}

#[test]
fn what_a_variable_holds_is_never_yaml() {
    let text = "clusters:\n- { name: a, bootstrap_servers: '${BROKERS}', groups: { include: ['${YAML}'] } }";
    let config = parse(text).unwrap();
    assert_eq!(config.clusters[0].bootstrap_servers, ["kafka-1:9092", "kafka-2:9092"]);
    assert_eq!(config.clusters[0].groups.include[0].as_str(), "a]\nb: [*c, {");
}

#[test]
fn values_are_the_text_that_was_written() {
    let text = "clusters:\n- name: 010\n  bootstrap_servers: [no:1]\n  \
                properties: { a: 0x10, b: no, c: 1_0, d: '${file:/run/secrets/kafka}', e: 1.10 }";
    let cluster = &parse(text).unwrap().clusters[0];
    assert_eq!(cluster.name.as_str(), "010");
    let values: Vec<_> = cluster.properties.values().map(|secret| secret.expose()).collect();
    assert_eq!(values, ["0x10", "no", "1_0", SECRET, "1.10"]);
}

fn example() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("plimsoll.example.yaml")).unwrap()
}

const LEAST: &str = "clusters: [{ name: prod, bootstrap_servers: [localhost:9092] }]";

#[test]
fn the_example_shows_every_key_with_its_default() {
    let text = example();
    assert_eq!(parse(&text).unwrap(), {
        let mut config = parse(LEAST).unwrap();
        config.otlp = parse(&text).unwrap().otlp;
        config
    });
    for_each_key(&config::schema(), "", &mut |path, schema| {
        let name = path.rsplit('.').next().unwrap();
        let line = text
            .lines()
            .find(|line| line.trim_start_matches(['#', ' ', '-']).starts_with(&format!("{name}:")));
        assert!(line.is_some(), "{path} is not in the example");
        if let Some(default) = schema.get("default") {
            let shown = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
            assert!(
                text.contains(&format!("{name}: {shown}")),
                "{path} is not shown with its default {shown}"
            );
        }
    });
}

fn for_each_key(schema: &Value, path: &str, visit: &mut dyn FnMut(&str, &Value)) {
    let within = schema.get("items").unwrap_or(schema);
    for (name, value) in within.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        visit(&path, value);
        for_each_key(value, &path, visit);
    }
}

#[test]
fn the_schema_and_the_reader_know_the_same_keys_and_defaults() {
    let mut keys = 0;
    for_each_key(&config::schema(), "", &mut |path, schema| {
        keys += 1;
        assert!(schema["description"].is_string(), "{path} has no description");
        let entry = |value: &str| written(path, value);
        match schema.get("default") {
            Some(default) => {
                let text = entry(&default.to_string());
                let mut config = parse(&text).unwrap_or_else(|problems| panic!("{path}: {problems}"));
                // Not set is left open here: the environment may fill it before the default does.
                let otlp = std::mem::take(&mut config.otlp);
                assert_eq!(otlp.protocol.unwrap_or_default(), OtlpProtocol::Grpc);
                assert_eq!(otlp.sample_ratio.unwrap_or(1.0).to_string(), "1");
                let mut least = parse(&without(path)).unwrap();
                least.otlp = plimsoll::telemetry::OtlpConfig::default();
                assert_eq!(config, least, "{path} is {default} by default");
            }
            None => {
                let told = parse(&entry("!wrong []"))
                    .map_or_else(|problems| problems.to_string(), |_| String::new());
                assert!(!told.contains("unknown key"), "{path}: {told}");
            }
        }
    });
    assert_eq!(keys, 71);
}

/// Settings in which the key at `path` has `value`, in JSON, which is YAML.
fn written(path: &str, value: &str) -> String {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let entry = format!("{name}: {value}");
    match parent.split_once('.').unwrap_or((parent, "")) {
        ("", _) => format!("{LEAST}\n{entry}"),
        ("clusters", "") => LEAST.replace(" }]", &format!(", {entry} }}]")),
        ("clusters", section) => LEAST.replace(" }]", &format!(", {section}: {{ {entry} }} }}]")),
        ("receivers", "") => receiver("terminal: {}", &entry),
        ("receivers", kind) => {
            let least = LEAST_OF_KINDS.iter().find(|(known, _)| *known == kind).unwrap().1;
            receiver(&format!("{kind}: {{ {least}{entry} }}"), "")
        }
        ("routes", "") => format!("{LEAST}\nroutes: [{{ receivers: terminal, {entry} }}]"),
        ("routes", section) => {
            format!("{LEAST}\nroutes: [{{ receivers: terminal, {section}: {{ {entry} }} }}]")
        }
        (section, _) => format!("{LEAST}\n{section}: {{ {entry} }}"),
    }
}

fn receiver(kind: &str, entry: &str) -> String {
    format!("{LEAST}\nreceivers: [{{ name: a, {kind}, {entry} }}]")
}

/// What each kind of receiver has to have.
const LEAST_OF_KINDS: [(&str, &str); 7] = [
    ("slack", "bot_token: x, channel: y, "),
    ("pagerduty", "routing_key: 0123456789abcdef0123456789abcdef, "),
    ("email", "smtp: 'smtp://mail', from: a@example.com, to: b@example.com, "),
    ("webhook", "url: 'http://hook', "),
    ("alertmanager", "urls: 'http://a:9093', "),
    ("heartbeat", "url: 'http://beat', "),
    ("terminal", ""),
];

/// The same settings without the key at `path`.
fn without(path: &str) -> String {
    match path.split('.').collect::<Vec<_>>()[..] {
        ["receivers", _] => receiver("terminal: {}", ""),
        ["receivers", kind, _] => {
            let least = LEAST_OF_KINDS.iter().find(|(known, _)| *known == kind).unwrap().1;
            receiver(&format!("{kind}: {{ {least} }}"), "")
        }
        ["routes", ..] => format!("{LEAST}\nroutes: [{{ receivers: terminal }}]"),
        _ => LEAST.to_owned(),
    }
}

#[test]
fn every_object_of_the_schema_is_closed() {
    for_each_key(&config::schema(), "", &mut |path, schema| {
        let within = schema.get("items").unwrap_or(schema);
        if within.get("properties").is_some() {
            assert_eq!(within["additionalProperties"], false, "{path}");
        }
    });
    assert_eq!(config::schema()["additionalProperties"], false);
}

fn check_resolve(given: &Given, folder: &Path, expected: &str) {
    let told = match config::resolve(given, folder) {
        Ok(config) => format!(
            "{} {} {}",
            config.clusters[0].name,
            config.clusters[0].bootstrap_servers.join(","),
            config.http.listen
        ),
        Err(problems) => problems.to_string(),
    };
    assert!(told.starts_with(expected), "{given:?}: {told}");
}

#[test]
fn a_command_works_with_what_it_was_given_and_never_guesses() {
    let (here, empty) = (folder("good"), folder("bad"));
    let servers = vec!["a:1,b:2".to_owned()];
    let given = Given::default;
    let config = Some(here.join("full.yaml"));
    check_resolve(&given(), &here, "here here:9092 0.0.0.0:1876");
    check_resolve(&given(), &empty, "no settings");
    check_resolve(
        &Given { bootstrap_servers: servers.clone(), ..given() },
        &here,
        "default a:1,b:2 0.0.0.0:1876",
    );
    check_resolve(&Given { bootstrap_servers: servers, config, ..given() }, &empty, "default a:1,b:2");
    let listen = Some("127.0.0.1:5".parse().unwrap());
    check_resolve(&Given { listen, ..given() }, &here, "here here:9092 127.0.0.1:5");
    let wrong = vec!["a:1".to_owned(), "b".to_owned()];
    check_resolve(
        &Given { bootstrap_servers: wrong, ..given() },
        &here,
        "--bootstrap-server `b` has no port",
    );
    let group = vec![("group.id".to_owned(), "x".to_owned())];
    check_resolve(&Given { properties: group, ..given() }, &here, "--property group.id cannot be set");
    let nowhere = Some(PathBuf::from("/nowhere/plimsoll.yaml"));
    check_resolve(
        &Given { config: nowhere, ..given() },
        &here,
        "/nowhere/plimsoll.yaml: the settings file does not exist",
    );
    check_resolve(&Given { config: Some(here), ..given() }, &empty, &folder("good").display().to_string());
}

#[test]
fn properties_of_the_command_line_win() {
    let given = Given { properties: vec![("client.id".to_owned(), "mine".to_owned())], ..Given::default() };
    let config = config::resolve(&given, &folder("good")).unwrap();
    assert_eq!(config.clusters[0].properties["client.id"].expose(), "mine");
}

#[test]
fn check_tells_each_file_s_outcome() {
    let files = [folder("good").join("plimsoll.yaml"), folder("bad").join("unknown-key.yaml")];
    let mut out = Vec::new();
    let as_json = CheckOptions { json: true, ..CheckOptions::default() };
    assert!(config::check_files(&files, &mut out, CheckOptions::default()).unwrap().is_none());
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("plimsoll.yaml: fine, watches here at here:9092 every 1s"), "{text}");
    assert!(text.contains("did you mean `bootstrap_servers`?"), "{text}");

    let mut out = Vec::new();
    assert!(config::check_files(&files[..1], &mut out, as_json).unwrap().is_some());
    let json: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(json[0]["fine"], true);
    let mut out = Vec::new();
    assert!(config::check_files(&files[1..], &mut out, as_json).unwrap().is_none());
    let json: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(json[0]["problems"][0]["line"], 3);
}

/// Hostile input is refused with one line of its text at most, and cheaply.
fn check_hostile(text: &str, expected: &str) {
    let told = parse(text).expect_err(expected).to_string();
    assert!(told.contains(expected), "{told}");
    assert!(told.lines().count() < 400 && told.len() < 50_000, "{} bytes", told.len());
    assert!(!told.contains(['\0', '\u{1b}']), "{told:?}");
}

#[test]
fn a_file_that_is_no_text_says_so() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("binary.yaml");
    fs::write(&path, b"clusters:\n- name: \xff\n").unwrap();
    let told = config::load(&path).unwrap_err().to_string();
    assert!(told.contains("the settings file is not UTF-8 text (line 2)"), "{told}");
}

fn numbered(text: &str) -> String {
    (0..30_000).map(|number| format!("{number}{text}")).collect()
}

#[test]
fn hostile_input_is_refused() {
    let bomb = (1..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, level| {
        let below = level - 1;
        format!("{text}a{level}: &a{level} [*a{below}, *a{below}, *a{below}, *a{below}]\n")
    });
    check_hostile(&bomb, "aliases that multiply");
    check_hostile(&"[".repeat(100_000), "too many levels");
    check_hostile(&"a: {".repeat(40), "");
    check_hostile(&format!("{}1{}", "[".repeat(40), "]".repeat(40)), "more than any settings file needs");
    check_hostile(&"- ".repeat(50_000), "");
    check_hostile(&format!("clusters: {}", "x".repeat(900_000)), "a value longer than 16 KiB");
    check_hostile(&format!("clusters: {}", "x".repeat(16_000)), "a list belongs");
    check_hostile(&format!("{}: x", "k".repeat(900)), "unknown key `kkk");
    check_hostile(&"x".repeat(2_000_000), "larger than 1024 KiB");
    check_hostile(&format!("clusters: [{}]", "x,".repeat(200_000)), "more than any settings file needs");
    check_hostile("clusters: \0", "a character that YAML does not allow");
    check_hostile("\u{1b}[31m: x", "");
    check_hostile("\"\\e[31m\": x", "unknown key");
    check_hostile("", "the settings are empty");
    check_hostile(&numbered("_key: a\n"), "more problems");
    check_hostile(&format!("{{{}", numbered("_key: a, ")), "never closed");
    check_hostile(&format!("{{{}}}", "\"a_key\": a, ".repeat(30_000)), "more problems");
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        drop(parse(&text));
    }

    #[test]
    fn no_yaml_like_text_panics(parts in prop::collection::vec(prop::sample::select(&[
        "clusters", "name", "http", ":", ": ", "\n", "\n  ", "\n- ", "- ", "[", "]", "{", "}", ",", "\"", "'", "&a ",
        "*a", "<<: ", "|\n", ">-\n", "!!int ", "!x ", "${A}", "$${", "${", "}", "#", "\t", "\r\n", "\r", "ä", "\u{feff}",
        "---\n", "? ", "sasl.password", "1", "~", "%", "\\", "properties", "\u{85}", "receivers", "routes", "match",
        "slack", "email", "smtp", "smtp://", "@", "fallback", "a", "a=~", "grouping", "by", "severities", "webhook", "url",
    ][..]), 0..40)) {
        drop(parse(&parts.concat()).map_err(|problems| problems.to_string()));
    }

    /// A secret is put in from outside, or stands in the file under a secret's key, and something else is wrong.
    #[test]
    fn secrets_never_show_in_problems(
        how in prop::sample::select(&[
            "\"${KAFKA_PASSWORD}\"", "${file:/run/secrets/kafka}", "hunter2", "\"hunter2", "'x\n      hunter2'",
            "|\n      hunter2\n      a: hunter2", "[hunter2]", "{ a: hunter2 }", "\"${KAFKA_PASSWORD}${MISSING}\"",
            "hunter2: hunter2", "!!int hunter2", "&a hunter2\n      b: *a", "x ${hun!ter2 hunter2}", "\"\\qhunter2\"",
        ][..]),
        key in prop::sample::select(&[
            "routing_key", "webhook_url", "url", "headers", "webhok_url",
            "sasl.password", "ssl.key.password", "\"sasl.password\"", "client_secret", "sasl.jaas.config", "\"sasl.passwor\\x64\"",
        ][..]),
        place in 0..9,
    ) {
        let text = match place {
            0 => format!("clusters:\n- name: a\n  properties:\n      {key}: {how}\n  colour: red\n"),
            1 => format!("clusters:\n- name: a\n  properties: {{ {key}: {how}, group.id: x }}\n"),
            2 => format!("clusters:\n- name: a\n  properties: {{ x: [1], {key}: {how}\n"),
            3 => format!("{key}: {how}\n"),
            6 => format!("clusters: 1\nreceivers:\n- {{ name: a, webhook: {{ {key}: {how} }} }}\n- {{ name: a, terminal: {{}} }}\n"),
            7 => format!("receivers:\n- name: \"${{KAFKA_PASSWORD}}\"\n  pagerduty:\n      {key}: {how}\n  fallback: b\n"),
            8 => format!(
                "receivers:\n- name: \"${{KAFKA_PASSWORD}}\"\n  slack: {{ channel: x, {key}: {how} }}\nroutes:\n- receivers: \
                 \"${{KAFKA_PASSWORD}}x\"\n  match: [\"${{KAFKA_PASSWORD}}\"]\n"
            ),
            4 => format!("clusters:\n- name: \"!${{KAFKA_PASSWORD}}\"\n  properties:\n      {key}: {how}\n  [x\n"),
            _ => format!("clusters:\n- {{ name: \"!${{KAFKA_PASSWORD}}\", poll_interval: \"${{KAFKA_PASSWORD}}\", {key}: {how} }}\n"),
        };
        if let Err(problems) = parse(&text) {
            let told = format!("{problems} {problems:?}");
            prop_assert!(!told.contains("hunter2"), "{}\n{}", text, told);
        }
    }
}
