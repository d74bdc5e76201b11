//! Everything that a command takes arrives, and bad usage says what is wrong.

use super::*;

fn parsed(line: &str) -> Result<Cli, clap::Error> {
    parse(line.split(' ').map(OsString::from))
}

fn check_refused(line: &str, expected: &str) {
    let error = parsed(line).unwrap_err();
    assert!(error.to_string().contains(expected), "{line}: {error}");
    assert_eq!(error.exit_code(), 2, "{line}");
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn everything_that_run_takes_arrives() {
    let line =
        "plimsoll --color never run -b a:1,b:2 --listen 127.0.0.1:1 --log-format json --log-level debug";
    let cli = parsed(line).unwrap();
    assert_eq!(cli.color, Color::Never);
    let Command::Run(run) = cli.command else { panic!("not run") };
    assert_eq!(run.source.bootstrap_server, ["a:1", "b:2"]);
    assert_eq!(run.listen, Some("127.0.0.1:1".parse().unwrap()));
    assert_eq!((run.log_format, run.log_level.as_str()), (LogFormat::Json, "debug"));
}

#[test]
fn everything_that_lag_takes_arrives() {
    let line = "plimsoll lag --config x.yaml --cluster prod --group a* --group b --topic t --json --watch \
                --property sasl.password=p=q";
    let Command::Lag(lag) = parsed(line).unwrap().command else { panic!("not lag") };
    assert_eq!(lag.source.config, Some(PathBuf::from("x.yaml")));
    assert_eq!(lag.source.property, [("sasl.password".to_owned(), "p=q".to_owned())]);
    assert_eq!(lag.group, [Selector::new("a*"), Selector::new("b")]);
    assert_eq!(lag.topic, [Selector::new("t")]);
    assert!(lag.json && lag.watch && lag.cluster.as_deref() == Some("prod"));
}

#[test]
fn everything_that_slo_takes_arrives() {
    let line = "plimsoll slo --url http://x:1 --json --slo o* --group a --topic t";
    let Command::Slo(slo) = parsed(line).unwrap().command else { panic!("not slo") };
    assert_eq!((slo.daemon.url.as_str(), slo.json), ("http://x:1", true));
    let given = [slo.slo, slo.group, slo.topic];
    assert_eq!(given, ["o*", "a", "t"].map(|text| Some(Selector::new(text))));
}

#[test]
fn everything_that_routes_and_notify_test_take_arrives() {
    let line = "plimsoll routes -c x.yaml --json severity=page team=a=b";
    let Command::Routes(routes) = parsed(line).unwrap().command else { panic!("not routes") };
    assert_eq!((routes.settings.config, routes.json), (Some(PathBuf::from("x.yaml")), true));
    let labels = [("severity", "page"), ("team", "a=b")];
    assert_eq!(routes.labels, labels.map(|(label, value)| (label.to_owned(), value.to_owned())));
    let line = "plimsoll notify-test --config x.yaml oncall --resolve --json";
    let Command::NotifyTest(test) = parsed(line).unwrap().command else { panic!("not notify-test") };
    assert_eq!((test.settings.config, test.receiver.as_str()), (Some(PathBuf::from("x.yaml")), "oncall"));
    assert!(test.resolve && test.json);
}

#[test]
fn everything_that_incidents_takes_arrives() {
    let line = "plimsoll incidents --url http://x:1 --all --json --name o* --cluster c -g a -t t";
    let Command::Incidents(given) = parsed(line).unwrap().command else { panic!("not incidents") };
    assert_eq!((given.daemon.url.as_str(), given.all, given.json), ("http://x:1", true, true));
    let given = [given.name, given.cluster, given.group, given.topic];
    assert_eq!(given, ["o*", "c", "a", "t"].map(|text| Some(Selector::new(text))));
}

#[test]
fn everything_that_silence_takes_arrives() {
    let line =
        "plimsoll silence add --url http://x:1 --duration 2h --comment why --author ada --json a=b c!=d";
    let Command::Silence(silence) = parsed(line).unwrap().command else { panic!("not silence") };
    let SilenceCommand::Add(add) = silence.command else { panic!("not add") };
    assert_eq!((add.daemon.url.as_str(), add.duration.as_str()), ("http://x:1", "2h"));
    assert_eq!((add.comment.as_str(), add.author.as_deref(), add.json), ("why", Some("ada"), true));
    assert_eq!(add.matchers, ["a=b", "c!=d"]);
    let Command::Silence(silence) = parsed("plimsoll silence expire 1 2").unwrap().command else { panic!() };
    assert!(matches!(silence.command, SilenceCommand::Expire(expire) if expire.ids == ["1", "2"]));
    let Command::Silence(silence) = parsed("plimsoll silence list --all").unwrap().command else { panic!() };
    assert!(matches!(silence.command, SilenceCommand::List(list) if list.all && !list.json));
}

#[test]
fn bad_usage_says_what_is_wrong() {
    check_refused("plimsoll run --config x --bootstrap-server y:1", "exclude each other");
    check_refused("plimsoll check", "<FILE>");
    check_refused("plimsoll lag --property broken", "KEY=VALUE");
    check_refused("plimsoll run --listen 1876", "--listen");
    check_refused("plimsoll lagg", "'lag'");
    check_refused("plimsoll silence add a=b", "--duration");
    check_refused("plimsoll silence add --duration 2 a=b", "30m or 2h");
    check_refused("plimsoll silence add --duration 2h payments", "no operator");
    check_refused("plimsoll silence expire", "<ID>");
    check_refused("plimsoll routes", "<LABEL=VALUE>");
    check_refused("plimsoll routes severity", "LABEL=VALUE");
    check_refused("plimsoll notify-test", "<RECEIVER>");
}

#[test]
fn colour_needs_a_terminal_and_no_objection() {
    assert!(Color::Auto.is_on(true, false));
    assert!(!Color::Auto.is_on(false, false));
    assert!(!Color::Auto.is_on(true, true));
    assert!(Color::Always.is_on(false, true));
    assert!(!Color::Never.is_on(true, false));
}
