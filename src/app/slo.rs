//! `plimsoll slo`.

use super::Ending;
use crate::cli::{Color, SloArgs};

/// # Errors
/// Always: the table is not there yet.
pub(super) fn run(_: &SloArgs, _: Color) -> anyhow::Result<Ending> {
    anyhow::bail!("the table of SLOs is not there yet")
}
