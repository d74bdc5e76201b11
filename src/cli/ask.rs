//! The command lines of what asks a running daemon: `slo`, `incidents` and `health`. Only parses.

use clap::Args;

use crate::model::Selector;

/// Which daemon is meant.
#[derive(Debug, Clone, Args)]
pub struct DaemonArgs {
    /// Where the daemon serves
    #[arg(
        long,
        value_name = "URL",
        env = "PLIMSOLL_URL",
        default_value = "http://127.0.0.1:1876",
        hide_env_values = true
    )]
    pub url: String,
}

/// Arguments of `slo`.
#[derive(Debug, Args)]
pub struct SloArgs {
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
    /// Write JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Only these SLOs: a name or a glob
    #[arg(long, value_name = "SELECTOR", value_parser = super::selector)]
    pub slo: Option<Selector>,
    /// Only these groups: a name or a glob
    #[arg(long, short, value_name = "SELECTOR", value_parser = super::selector)]
    pub group: Option<Selector>,
    /// Only these topics: a name or a glob
    #[arg(long, short, value_name = "SELECTOR", value_parser = super::selector)]
    pub topic: Option<Selector>,
}

/// Arguments of `incidents`.
#[derive(Debug, Args)]
pub struct IncidentsArgs {
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
    /// Also those that are over, the newest first
    #[arg(long)]
    pub all: bool,
    /// Write JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Only of these SLOs and alerts: a name or a glob
    #[arg(long, value_name = "SELECTOR", value_parser = super::selector)]
    pub name: Option<Selector>,
    /// Only of these clusters: a name or a glob
    #[arg(long, value_name = "SELECTOR", value_parser = super::selector)]
    pub cluster: Option<Selector>,
    /// Only of these groups: a name or a glob
    #[arg(long, short, value_name = "SELECTOR", value_parser = super::selector)]
    pub group: Option<Selector>,
    /// Only of these topics: a name or a glob
    #[arg(long, short, value_name = "SELECTOR", value_parser = super::selector)]
    pub topic: Option<Selector>,
}

/// Arguments of `health`.
#[derive(Debug, Args)]
pub struct HealthArgs {
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
    /// Fail also while no cluster is measured
    #[arg(long)]
    pub ready: bool,
}
