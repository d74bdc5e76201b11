//! Does what the command line asks. The one place that reads the clock, starts tasks and knows the order of stopping.

mod cell;
mod check;
mod client;
mod clock;
mod daemon;
mod deliver;
mod durable;
mod folders;
mod health;
mod incidents;
mod incidents_table;
mod lag;
mod lag_table;
mod notify_test;
mod publish;
mod reload;
mod routes;
mod silence;
mod slo;
mod slo_table;
mod story;
mod table;
mod test;
mod watch;

use std::io::{IsTerminal, Write};
use std::path::Path;

pub use clock::Clock;
pub use watch::Watcher;

use crate::cli::{Cli, Command, SchemaArgs};
use crate::config::{self, Config, Given};

/// What the process ends with; of several outcomes the greatest decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// 0
    Fine,
    /// 1
    Failed,
    /// 2: bad usage or settings.
    Refused,
}

impl Ending {
    /// The exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Failed => 1,
            Self::Refused => 2,
        }
    }
}

/// Runs one command to its end. What is wrong has been written to standard error when this returns.
#[must_use]
pub fn run(cli: &Cli) -> Ending {
    let ended = match &cli.command {
        Command::Run(arguments) => with_settings(&arguments.source.given(arguments.listen), |config| {
            daemon::run(config, arguments, cli.color)
        }),
        Command::Lag(arguments) => {
            with_settings(&arguments.source.given(None), |config| lag::run(config, arguments, cli.color))
        }
        Command::Slo(arguments) => slo::run(arguments, cli.color),
        Command::Incidents(arguments) => incidents::run(arguments, cli.color),
        Command::Silence(arguments) => silence::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Test(arguments) => test::run(arguments),
        Command::Routes(arguments) => {
            with_settings(&arguments.settings.given(), |config| routes::run(&config, arguments))
        }
        Command::NotifyTest(arguments) => {
            with_settings(&arguments.settings.given(), |config| notify_test::run(&config, arguments))
        }
        Command::Health(arguments) => health::run(arguments),
        Command::Schema(arguments) => schema(arguments),
    };
    ended.unwrap_or_else(|failed| {
        // A reader that has seen enough, such as `head`, is no failure of ours.
        if is_broken_pipe(&failed) {
            return Ending::Fine;
        }
        say(&format!("plimsoll: {failed:#}"));
        Ending::Failed
    })
}

fn with_settings(given: &Given, go: impl FnOnce(Config) -> anyhow::Result<Ending>) -> anyhow::Result<Ending> {
    match config::resolve(given, Path::new(".")) {
        Ok(config) => go(config),
        Err(problems) => {
            say(problems.to_string().trim_end());
            Ok(Ending::Refused)
        }
    }
}

fn schema(arguments: &SchemaArgs) -> anyhow::Result<Ending> {
    let mut out = std::io::stdout().lock();
    let schema = if arguments.rules { config::rules_schema() } else { config::schema() };
    serde_json::to_writer_pretty(&mut out, &schema)?;
    out.write_all(b"\n")?;
    Ok(Ending::Fine)
}

/// Standard error is for people; that it is closed is nobody's problem.
fn say(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

fn is_broken_pipe(failed: &anyhow::Error) -> bool {
    failed.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        let json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(std::io::ErrorKind::BrokenPipe)
    })
}

/// A variable of the environment, for those parts that are given a look-up instead of reading it.
#[expect(clippy::disallowed_methods, reason = "the place that hands the environment to the others")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn color_on(color: crate::cli::Color, out: &impl IsTerminal) -> bool {
    color.is_on(out.is_terminal(), environment("NO_COLOR").is_some())
}
