//! The command line. Only parses: nothing is read, decided or done here.

mod ask;
mod silence;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::config::Given;
use crate::model::Selector;

pub use ask::{DaemonArgs, HealthArgs, IncidentsArgs, SloArgs};
pub use silence::{SilenceAddArgs, SilenceArgs, SilenceCommand, SilenceExpireArgs, SilenceListArgs};

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
    /// Ask a running daemon whether it is well, for health checks where there is no curl
    #[command(after_help = concat!(
        "Examples:\n",
        "  plimsoll health\n",
        "  plimsoll health --ready --url http://127.0.0.1:1876\n",
        "\nA daemon is healthy also while Kafka is away: it says so, and starting it anew would not help.\n",
        "Exit codes: 0 it answers (with --ready: and measures a cluster), 1 it does not, 2 bad usage."
    ))]
    Health(HealthArgs),
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

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Also connect, and tell what each selector matches now
    #[arg(long)]
    pub connect: bool,
    /// Also that settings say which groups they watch, as beside each replica of an application they must
    #[arg(long)]
    pub sidecar: bool,
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
mod tests;
