//! The command line. Only parses: nothing is read, decided or done here.

mod silence;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::config::Given;
use crate::model::Selector;

pub use silence::{
    DaemonArgs, SilenceAddArgs, SilenceArgs, SilenceCommand, SilenceExpireArgs, SilenceListArgs,
};

const EXIT_CODES: &str = "Exit codes: 0 fine, 1 failed, 2 bad usage or settings.";

/// What the user asked for.
#[derive(Debug, Parser)]
#[command(
    name = "plimsoll",
    version,
    about = "Watches Kafka pipelines and judges what they promise: lag, latency, error budgets. Read-only.",
    after_help = EXIT_CODES,
    arg_required_else_help = true,
    subcommand_required = true,
    max_term_width = 100
)]
pub struct Cli {
    /// When to use colour: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t = Color::Auto,
        value_name = "WHEN",
        hide_possible_values = true,
        display_order = 900
    )]
    pub color: Color,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch the clusters and serve what is measured: /metrics, /readyz, /api/v1
    #[command(after_help = concat!(
        "Examples:\n",
        "  plimsoll run --config /etc/plimsoll/plimsoll.yaml\n",
        "  plimsoll run --bootstrap-server localhost:9092 --listen 127.0.0.1:1876\n",
        "\nReads its settings and rules anew when they change, and on SIGHUP; what has a problem changes nothing.\n",
        "Stops within 5 s on SIGTERM or Ctrl-C.\n",
        "Exit codes: 0 stopped when asked to, 1 failed, 2 bad usage or settings."
    ))]
    Run(RunArgs),
    /// Show the lag of consumer groups once: what hurts most comes first
    #[command(after_help = concat!(
        "Examples:\n",
        "  plimsoll lag --bootstrap-server localhost:9092\n",
        "  plimsoll lag -b kafka:9093 --property security.protocol=SSL -g 'orders-*'\n",
        "  plimsoll lag --config plimsoll.yaml --cluster prod --json\n",
        "\nExit codes: 0 fine, 1 a cluster, or what was asked for by name, cannot be measured, 2 bad usage or settings."
    ))]
    Lag(LagArgs),
    /// Show the SLOs as a running daemon judges them: what burns most comes first
    #[command(after_help = concat!(
        "Examples:\n",
        "  plimsoll slo\n",
        "  plimsoll slo --url http://plimsoll.example:1876 --slo 'orders-*'\n",
        "  plimsoll slo --json\n",
        "\nExit codes: 0 fine, 1 no daemon answers, or nothing is as asked for, 2 bad usage."
    ))]
    Slo(SloArgs),
    /// Show what is wrong now, as a running daemon sees it: since when, how much, and who was told
    #[command(after_help = concat!(
        "Examples:\n",
        "  plimsoll incidents\n",
        "  plimsoll incidents --all --name 'orders-*'\n",
        "  plimsoll incidents --json\n",
        "\nExit codes: 0 fine, 1 no daemon answers, or nothing is as asked for, 2 bad usage."
    ))]
    Incidents(IncidentsArgs),
    /// Make, list and end silences: for a time, nobody is told anything new of what matches
    #[command(after_help = concat!(
        "Examples:\n",
        "  plimsoll silence add topic=orders --duration 2h --comment maintenance\n",
        "  plimsoll silence list\n",
        "  plimsoll silence expire 8f0c2e51a7d3b946\n",
        "\nExit codes: 0 fine, 1 no daemon answers, or it refuses, 2 bad usage."
    ))]
    Silence(SilenceArgs),
    /// Check settings, rules and test files: every problem at once; what each rule means
    #[command(after_help = concat!(
        "Examples:\n",
        "  plimsoll check plimsoll.yaml\n",
        "  plimsoll check rules/*.yaml\n",
        "  plimsoll check --connect plimsoll.yaml\n",
        "\nExit codes: 0 every file is fine, 1 a cluster cannot be reached, 2 a file has problems."
    ))]
    Check(CheckArgs),
    /// Run tests of rules: scripted events, and the states that they must lead to
    #[command(after_help = concat!(
        "Example:\n",
        "  plimsoll test rules/orders.test.yaml\n",
        "\nExit codes: 0 every expectation is met, 1 one is not, 2 a file has problems."
    ))]
    Test(TestArgs),
    /// Say who would be told of an incident with these labels, and why
    #[command(after_help = concat!(
        "Examples:\n",
        "  plimsoll routes severity=page team=payments\n",
        "  plimsoll routes --config plimsoll.yaml alertname=orders-on-time consumergroup=orders\n",
        "\nWithout a severity, each of them is tried. Silences are not looked at.\n",
        "Exit codes: 0 somebody is told, 1 nobody is, 2 bad usage or settings."
    ))]
    Routes(RoutesArgs),
    /// Send a drill to one receiver, and show what it answers
    #[command(after_help = concat!(
        "Examples:\n",
        "  plimsoll notify-test oncall\n",
        "  plimsoll notify-test oncall --resolve\n",
        "\nA pager rings! Every text says that it is a drill.\n",
        "Exit codes: 0 it has been taken, 1 it has not, 2 bad usage or settings."
    ))]
    NotifyTest(NotifyTestArgs),
    /// Print the JSON Schema of settings or rules files, for editors
    #[command(after_help = concat!(
        "Example, for the YAML language server:\n",
        "  plimsoll schema > plimsoll.schema.json\n",
        "and as the first line of plimsoll.yaml:\n",
        "  # yaml-language-server: $schema=plimsoll.schema.json"
    ))]
    Schema(SchemaArgs),
}

/// Which clusters are meant.
#[derive(Debug, Clone, Default, Args)]
pub struct SourceArgs {
    /// The settings file [default: ./plimsoll.yaml when it exists]
    #[arg(long, short, value_name = "FILE", env = "PLIMSOLL_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Brokers to watch without a settings file; PLIMSOLL_CONFIG is then ignored
    #[arg(long, short, value_name = "HOST:PORT,…", value_delimiter = ',')]
    pub bootstrap_server: Vec<String>,
    /// A librdkafka property on top of the settings; may be repeated. Others on this machine can see it: a password
    /// belongs into a settings file, as ${NAME} or ${file:/path}
    #[arg(long, value_name = "KEY=VALUE", value_parser = property)]
    pub property: Vec<(String, String)>,
}

impl SourceArgs {
    /// The same in the words of the settings.
    #[must_use]
    pub fn given(&self, listen: Option<SocketAddr>) -> Given {
        Given {
            config: self.config.clone(),
            bootstrap_servers: self.bootstrap_server.clone(),
            properties: self.property.clone(),
            listen,
        }
    }
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Which clusters.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The address to serve on, instead of the settings' [default: 0.0.0.0:1876]
    #[arg(long, value_name = "IP:PORT")]
    pub listen: Option<SocketAddr>,
    /// How log lines are written: text, or json with one object a line
    #[arg(
        long,
        value_enum,
        default_value_t = LogFormat::Text,
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    pub log_format: LogFormat,
    /// What is logged: error, warn, info, debug, trace, or a filter such as `info,plimsoll::kafka=debug`
    #[arg(long, default_value = "info", value_name = "LEVEL", env = "PLIMSOLL_LOG", hide_env_values = true)]
    pub log_level: String,
}

/// Arguments of `lag`.
#[derive(Debug, Args)]
pub struct LagArgs {
    /// Which clusters.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Only this cluster of the settings
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Only these groups: a name or a glob; may be repeated
    #[arg(long, short, value_name = "SELECTOR", value_parser = selector)]
    pub group: Vec<Selector>,
    /// Only these topics: a name or a glob; may be repeated
    #[arg(long, short, value_name = "SELECTOR", value_parser = selector)]
    pub topic: Vec<Selector>,
    /// Write JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Keep watching, and draw the table anew after each measurement
    #[arg(long, short)]
    pub watch: bool,
}

/// Arguments of `slo`.
#[derive(Debug, Args)]
pub struct SloArgs {
    /// Where the daemon serves
    #[arg(
        long,
        value_name = "URL",
        env = "PLIMSOLL_URL",
        default_value = "http://127.0.0.1:1876",
        hide_env_values = true
    )]
    pub url: String,
    /// Write JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Only these SLOs: a name or a glob
    #[arg(long, value_name = "SELECTOR", value_parser = selector)]
    pub slo: Option<Selector>,
    /// Only these groups: a name or a glob
    #[arg(long, short, value_name = "SELECTOR", value_parser = selector)]
    pub group: Option<Selector>,
    /// Only these topics: a name or a glob
    #[arg(long, short, value_name = "SELECTOR", value_parser = selector)]
    pub topic: Option<Selector>,
}

/// Arguments of `incidents`.
#[derive(Debug, Args)]
pub struct IncidentsArgs {
    /// Where the daemon serves
    #[arg(
        long,
        value_name = "URL",
        env = "PLIMSOLL_URL",
        default_value = "http://127.0.0.1:1876",
        hide_env_values = true
    )]
    pub url: String,
    /// Also those that are over, the newest first
    #[arg(long)]
    pub all: bool,
    /// Write JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Only of these SLOs and alerts: a name or a glob
    #[arg(long, value_name = "SELECTOR", value_parser = selector)]
    pub name: Option<Selector>,
    /// Only of these clusters: a name or a glob
    #[arg(long, value_name = "SELECTOR", value_parser = selector)]
    pub cluster: Option<Selector>,
    /// Only of these groups: a name or a glob
    #[arg(long, short, value_name = "SELECTOR", value_parser = selector)]
    pub group: Option<Selector>,
    /// Only of these topics: a name or a glob
    #[arg(long, short, value_name = "SELECTOR", value_parser = selector)]
    pub topic: Option<Selector>,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Also connect, and tell what each selector matches now
    #[arg(long)]
    pub connect: bool,
    /// Write JSON instead of text
    #[arg(long)]
    pub json: bool,
    /// Settings, rules or test files
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

/// Arguments of `test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Write JSON instead of text
    #[arg(long)]
    pub json: bool,
    /// The test files
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

/// Which settings are meant.
#[derive(Debug, Clone, Default, Args)]
pub struct SettingsArgs {
    /// The settings file [default: ./plimsoll.yaml when it exists]
    #[arg(long, short, value_name = "FILE", env = "PLIMSOLL_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
}

impl SettingsArgs {
    /// The same in the words of the settings.
    #[must_use]
    pub fn given(&self) -> Given {
        Given { config: self.config.clone(), ..Given::default() }
    }
}

/// Arguments of `routes`.
#[derive(Debug, Args)]
pub struct RoutesArgs {
    /// Which settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Write JSON instead of text
    #[arg(long)]
    pub json: bool,
    /// The incident's labels: alertname, cluster, consumergroup, topic, severity, or a rule's own
    #[arg(value_name = "LABEL=VALUE", required = true, value_parser = label)]
    pub labels: Vec<(String, String)>,
}

/// Arguments of `notify-test`.
#[derive(Debug, Args)]
pub struct NotifyTestArgs {
    /// Which settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Tell the end of the drill that was sent before
    #[arg(long)]
    pub resolve: bool,
    /// Write JSON instead of text
    #[arg(long)]
    pub json: bool,
    /// The receiver's name in the settings
    #[arg(value_name = "RECEIVER")]
    pub receiver: String,
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// That of rules files instead
    #[arg(long)]
    pub rules: bool,
}

/// When colour is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Also into a file or a pipe.
    Always,
    /// Nowhere.
    Never,
}

impl Color {
    /// Whether to use colour on an output that is a terminal or not; `no_color` is whether `NO_COLOR` is set and
    /// not empty.
    #[must_use]
    pub fn is_on(self, terminal: bool, no_color: bool) -> bool {
        match self {
            Self::Auto => terminal && !no_color,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Parses a whole command line, the program's name first.
///
/// # Errors
/// Bad usage; but also `--help` and `--version`, whose text is in the error as clap does it: `error.print()`
/// writes it where it belongs and `error.exit_code()` is 0 or 2.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let mut command = Cli::command().color(color_of_messages(&arguments));
    let matches = command.try_get_matches_from_mut(arguments)?;
    if let Some((name, given)) = matches.subcommand() {
        // Not clap's own conflict, which would also reject brokers when only PLIMSOLL_CONFIG is set.
        let source = |id| given.try_contains_id(id).ok().and_then(|_| given.value_source(id));
        let from_user = Some(ValueSource::CommandLine);
        if source("config") == from_user && source("bootstrap_server") == from_user {
            let message = "--config and --bootstrap-server exclude each other: give the one or the other";
            let within = command.find_subcommand_mut(name).map(std::mem::take).unwrap_or(command);
            return Err({ within }.error(ErrorKind::ArgumentConflict, message));
        }
    }
    Cli::from_arg_matches(&matches)
}

/// Usage errors are printed before `--color` is known from them, so it is looked for by hand.
fn color_of_messages(arguments: &[OsString]) -> ColorChoice {
    let says = |when: &str| {
        let together = format!("--color={when}");
        arguments.iter().any(|argument| *argument == *together)
            || arguments.windows(2).any(|pair| pair[0] == "--color" && pair[1] == when)
    };
    if says("never") {
        ColorChoice::Never
    } else if says("always") {
        ColorChoice::Always
    } else {
        ColorChoice::Auto
    }
}

fn property(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        // The text is not repeated: it may be a password.
        _ => Err("write KEY=VALUE, such as security.protocol=SSL".to_owned()),
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((label, value)) if !label.trim().is_empty() => Ok((label.trim().to_owned(), value.to_owned())),
        _ => Err("write LABEL=VALUE, such as severity=page".to_owned()),
    }
}

fn selector(text: &str) -> Result<Selector, String> {
    if text.is_empty() { Err("write a name or a glob".to_owned()) } else { Ok(Selector::new(text)) }
}

#[cfg(test)]
mod tests {
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
        assert_eq!((slo.url.as_str(), slo.json), ("http://x:1", true));
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
        assert_eq!((given.url.as_str(), given.all, given.json), ("http://x:1", true, true));
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
        let Command::Silence(silence) = parsed("plimsoll silence expire 1 2").unwrap().command else {
            panic!()
        };
        assert!(matches!(silence.command, SilenceCommand::Expire(expire) if expire.ids == ["1", "2"]));
        let Command::Silence(silence) = parsed("plimsoll silence list --all").unwrap().command else {
            panic!()
        };
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
}
