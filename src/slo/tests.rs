//! Laws and examples of promises: golden burn rates, a second implementation that scans lists, and whole ticks.

mod golden;
mod naive;
mod promises;
mod reload;
pub(super) mod views;
mod wording;
