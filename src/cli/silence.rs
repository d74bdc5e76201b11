//! The command line of `plimsoll silence`. Only parses.

use clap::{Args, Subcommand};

use super::DaemonArgs;
use crate::model::Millis;
use crate::notify::Matcher;

/// Arguments of `silence`.
#[derive(Debug, Args)]
pub struct SilenceArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: SilenceCommand,
}

/// What may be done with silences.
#[derive(Debug, Subcommand)]
pub enum SilenceCommand {
    /// Make a silence; the daemon takes it from its own machine only
    Add(SilenceAddArgs),
    /// List the silences that are active or to come
    List(SilenceListArgs),
    /// End silences now; the daemon takes it from its own machine only
    Expire(SilenceExpireArgs),
}

/// Arguments of `silence add`.
#[derive(Debug, Args)]
pub struct SilenceAddArgs {
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
    /// For how long, from now on: 30m, 2h, 7d
    #[arg(long, short, value_name = "LENGTH", value_parser = length)]
    pub duration: String,
    /// Why
    #[arg(long, short, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub comment: String,
    /// Who wants it [default: the user]
    #[arg(long, value_name = "NAME")]
    pub author: Option<String>,
    /// Write JSON instead of text
    #[arg(long)]
    pub json: bool,
    /// What is meant, all of it: team=payments, topic!=orders, topic=~'orders-.*'; labels are alertname, cluster,
    /// consumergroup, topic, partition, severity, and the rule's own
    #[arg(value_name = "MATCHER", required = true, value_parser = matcher)]
    pub matchers: Vec<String>,
}

/// Arguments of `silence list`.
#[derive(Debug, Args)]
pub struct SilenceListArgs {
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
    /// Also those of the last days that are over
    #[arg(long)]
    pub all: bool,
    /// Write JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `silence expire`.
#[derive(Debug, Args)]
pub struct SilenceExpireArgs {
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
    /// Write JSON instead of text
    #[arg(long)]
    pub json: bool,
    /// Which silences, as `silence list` shows them
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
}

fn length(text: &str) -> Result<String, String> {
    match Millis::from_units(text) {
        Some(length) if length > Millis(0) => Ok(text.to_owned()),
        _ => Err("write a length of time, such as 30m or 2h".to_owned()),
    }
}

fn matcher(text: &str) -> Result<String, String> {
    Matcher::parse(text)
        .map(|_| text.to_owned())
        .map_err(|wrong| format!("it {}: {}", wrong.what, wrong.help))
}
